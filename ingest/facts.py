"""This file knows which single values of a row make sense: counts, short words, sizes of models, digests."""

from __future__ import annotations

from ingest.rows import HubRow

LARGEST = 10**15  # parameters; more is nonsense
LONGEST = 200  # characters of a word: task, library, architecture
_HEX = frozenset("0123456789abcdef")


def word(text: str | None) -> str | None:
    """A short text; None when it is empty or too long to be what it should be."""
    return text if text and len(text) <= LONGEST else None


def count(value: int | None) -> int | None:
    """A count that fits a column of 64 bits."""
    return value if value is not None and 0 <= value < 2**62 else None


def finite(value: float | None) -> float | None:
    """A number that is one."""
    return value if value is not None and abs(value) < 1e300 else None


def gating(value: bool | str | None) -> str | None:
    """Say "auto" or "manual" for a gated repository; None for an open one."""
    if not value or value in ("false", "False"):
        return None
    return "auto" if value is True or value in ("true", "True") else value[:20].lower()


def sha256(text: str | None) -> str | None:
    """64 hex digits, also after `sha256:`."""
    if text is None:
        return None
    text = text.lower().removeprefix("sha256:")
    return text if len(text) == 64 and _HEX.issuperset(text) else None


def parameters(hub: HubRow) -> tuple[int | None, str | None]:
    """Parameters and the dtype of most of them. The Hub's total can be short of its own parts: the larger counts."""
    facts = hub.safetensors
    if facts is not None:
        parts = {dtype: size for dtype, size in (facts.parameters or {}).items() if 0 < size < LARGEST}
        total = max(facts.total or 0, sum(parts.values()))
        if 0 < total < LARGEST:
            return total, min(parts, key=lambda name: (-parts[name], name)) if parts else None
    if hub.gguf is not None and hub.gguf.total and 0 < hub.gguf.total < LARGEST:
        return hub.gguf.total, None
    return None, None
