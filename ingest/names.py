"""This file knows what a repository's name looks like, and what people write where a name should be.

Rules of the Hub (huggingface_hub's ``validate_repo_id``): one or two parts of letters, digits, ``-``, ``_`` and ``.``, the last of
at most 96 characters, no part that begins or ends with ``-`` or ``.``, no ``--`` or ``..``, and no ending ``.git``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 96  # characters of the part after the slash
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?:{_PART}/)?{_PART}")
_HUB = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<rest>[^\s?#]*)|hf://(?P<scheme>[^\s?#@]*)", re.IGNORECASE
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|www\.|[a-z0-9-]+\.(?:com|org|net|io|ai|cn)/", re.IGNORECASE)
_LOCAL = re.compile(r"[./~\\]|[A-Za-z]:[\\/]")
_FILE = re.compile(r"\.(?:safetensors|gguf|bin|pt|pth|ckpt|onnx|h5|py|json|ya?ml|zip|tar|gz)$", re.IGNORECASE)
_TEMPLATE = re.compile(
    r"\{\{|\}\}|<[^>]*>|\$\{|ORIGINAL_REPO_NAME|more[ _-]*information[ _-]*needed|"
    r"(?:^|/)your[-_ ]?(?:user|model|org|repo|base)[-_ ]?(?:name|id)?(?:$|/)|^(?:todo|tbd|placeholder|base[-_]model)$|"
    r"^(?:user(?:name)?|org|author|owner)/(?:model|repo|base[-_]?model)(?:[-_]?(?:name|id))?$",
    re.IGNORECASE,
)
_NOTHING = frozenset(
    {"none", "null", "n/a", "na", "nan", "false", "true", "no", "yes", "unknown", "-", "[]", "{}", "~", "other"}
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Text that names no repository: ``reason`` is a short stable code."""

    reason: str


@lru_cache(maxsize=262_144)
def judge(said: str) -> str | Rejected:
    """The repository that ``said`` names, as spelled (case is resolved later), or why it names none. Never raises."""
    text = said.strip().strip("\ufeff\u200b").strip()
    if not text or text in ("''", '""'):
        return Rejected("empty")
    if len(text) > 1_000:
        return Rejected("too-long")
    if text.lower() in _NOTHING:
        return Rejected("empty-list" if text == "[]" else "nothing-named")
    if _TEMPLATE.search(text):
        return Rejected("template-text")
    hub = _HUB.fullmatch(text)
    if hub:
        return _from_path(hub["rest"] if hub["rest"] is not None else hub["scheme"])
    if _URL.match(text):
        return Rejected("url-elsewhere")
    if text[0] in "[{(-*\"'|>&!%@`" or text[-1] in "]}):,\"'" or ": " in text or "\n" in text:
        return Rejected("yaml-residue")
    if _LOCAL.match(text) or "\\" in text or text.count("/") > 1:
        return Rejected("local-path")
    return _checked(text)


def _from_path(rest: str) -> str | Rejected:
    """The repository in the path of an address on the Hub."""
    parts = [part for part in rest.split("/") if part]
    if parts and parts[0].lower() == "models":
        parts = parts[1:]
    if not parts or parts[0].lower() in {"datasets", "spaces", "docs", "blog", "papers", "collections", "api"}:
        return Rejected("not-a-model-address")
    if len(parts) > 2 and parts[2] not in {
        "tree",
        "blob",
        "resolve",
        "raw",
        "discussions",
        "commit",
        "commits",
        "edit",
    }:
        return Rejected("not-a-model-address")
    return _checked("/".join(parts[:2]))


def _checked(text: str) -> str | Rejected:
    if len(text.rsplit("/", 1)[-1]) > LONGEST:
        return Rejected("too-long")
    if text.isdigit() or re.fullmatch(r"[0-9.]+(?:e[0-9]+)?", text):
        return Rejected("a-number")
    if not _NAME.fullmatch(text) or "--" in text or ".." in text or text.endswith(".git"):
        return Rejected("not-a-name")
    if "/" not in text and _FILE.search(text):
        return Rejected("local-path")
    return text


def folded(name: str) -> str:
    """The form in which names are equal: ASCII letters without case."""
    return name.lower()
