"""This file knows what llama.cpp's converter does to values on their way into GGUF, and undoes it.

Of some architectures it reorders the rows of rotary queries and keys, (heads, 2, half) to (heads, half, 2), and of those whose
norms multiply by one more than they hold it stores that. Source: its conversion scripts.
"""

from __future__ import annotations

import re
from typing import Final

from ingest.weights.checkpoint import Checkpoint, Values

_REORDERED: Final = frozenset(
    (
        "arcee", "baichuan", "deepseek", "granite", "granitemoe", "internlm2", "llama", "minicpm", "olmo", "smollm3", "xverse"
    )
)  # fmt: skip
_ONE_MORE: Final = frozenset(("gemma", "gemma2", "gemma3", "nemotron", "qwen3next", "qwen35", "qwen35moe"))
_NORM = re.compile(r"(?<!ssm_)norm\.weight$")


def is_one_more(checkpoint: Checkpoint, name: str) -> bool:
    """Whether a tensor is a norm that is stored one larger than it is elsewhere."""
    return _architecture(checkpoint) in _ONE_MORE and bool(_NORM.search(name))


def rotary_heads(checkpoint: Checkpoint, role: str, shape: tuple[int, ...]) -> int | None:
    """The number of heads of a matrix whose rotary rows are stored as (heads, half, 2); None for any other."""
    architecture, config = _architecture(checkpoint), checkpoint.config
    if architecture not in _REORDERED:
        return None
    part = role.removesuffix(".bias")
    if part.endswith(".attention.query"):
        heads = config.get(f"{architecture}.attention.head_count")
    elif part.endswith(".attention.key"):
        of_all = config.get(f"{architecture}.attention.head_count")
        heads = config.get(f"{architecture}.attention.head_count_kv", of_all)
    else:
        return None
    if not isinstance(heads, int) or heads < 1 or len(shape) not in (1, 2) or shape[0] % (2 * heads):
        return None
    return heads


def unpermuted(values: Values, heads: int) -> Values:
    """Undo the reordering of rotary rows: (heads, half, 2) back to (heads, 2, half)."""
    halves = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def _architecture(checkpoint: Checkpoint) -> str | None:
    """What ggml calls the architecture; None outside GGUF."""
    name = checkpoint.config.get("general.architecture") if checkpoint.format == "gguf" else None
    return name if isinstance(name, str) else None
