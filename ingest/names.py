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
_FULL = re.compile(rf"{_PART}/{_PART}")
_BARE = re.compile(_PART)
_OWN = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)?", re.ASCII)
_HUB = re.compile(
    r"(?:(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/|hf://)(?P<rest>[^\s?#@]*)(?:[?#@]\S*)?", re.IGNORECASE
)
_HUB_HOST = re.compile(r"(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|www\.|[a-z0-9-]+\.(?:com|org|net|io|ai|cn)/[^/]+/", re.IGNORECASE)
_HOST = re.compile(
    r"(?:www\.[^/]*|(?:[a-z0-9-]+\.)?(?:github|gitlab|gitee|modelscope|civitai|kaggle|ollama|arxiv|google|openai)\.(?:com|org|cn|ai))/",
    re.IGNORECASE,
)
_LOCAL = re.compile(r"[./~\\]|[A-Za-z]:[\\/]")
_FILE = re.compile(r"\.(?:safetensors|gguf|bin|pt|pth|ckpt|onnx|h5|py|json|ya?ml|zip|tar|gz)$", re.IGNORECASE)
_TEMPLATE_TEXT = re.compile(
    r"\{\{|\}\}|<[^>]*>|\$\{|original_repo_name|more[ _-]*information[ _-]*needed|^\[?insert[ _-]", re.IGNORECASE
)
_TEMPLATE_NAME = re.compile(
    r"your[-_]?(?:user|org|hf|name|account|model|repo|base)[\w.-]*(?:/(?:your|my|the|model|repo|base|name)[\w.-]*)?|original_repo_name|(?:[\w.-]*/)original_repo_name|"
    r"user(?:name)?/(?:your[-_])?(?:repo|model|base[-_]?model)(?:[-_]?(?:name|id))?|todo|tbd|placeholder|(?:base[-_])?model[-_](?:name|id)|base[-_]model",
    re.IGNORECASE,
)
_NOTHING = frozenset(
    {"none", "null", "n/a", "na", "nan", "false", "true", "no", "yes", "unknown", "-", "[]", "{}", "~", "other"}
)
_NO_MODELS = frozenset(
    "datasets spaces docs blog papers collections api organizations settings join login new chat posts learn tasks pricing "  # noqa: SIM905 - words are easier to read so
    "buckets search welcome".split()
)
_VIEWS = frozenset({"tree", "blob", "resolve", "raw", "discussions", "commit", "commits", "edit"})


@dataclass(frozen=True, slots=True)
class Rejected:
    """Text that names no repository: ``reason`` is a short stable code."""

    reason: str


@lru_cache(maxsize=262_144)
def judge(said: str) -> str | Rejected:
    """The repository that ``said`` names, as spelled (case is resolved later), or why it names none. Never raises."""
    if _FULL.fullmatch(said):  # nearly all
        return _checked(said)
    text = said.strip().strip("\ufeff\u200b").strip()
    if not text or text in ("''", '""'):
        return Rejected("empty")
    if len(text) > 1_000:
        return Rejected("too-long")
    if text == "[]":
        return Rejected("empty-list")
    if text.lower() in _NOTHING:
        return Rejected("nothing-named")
    if _TEMPLATE_TEXT.search(text):
        return Rejected("template-text")
    hub = _HUB.fullmatch(text)
    if hub:
        return _from_path(hub["rest"])
    if _URL.match(text) or _HOST.match(text):
        return Rejected("url-elsewhere")
    if text[0] in "[{(-*\"'|>&!%@`" or text[-1] in "]}:,\"'" or ": " in text or "\n" in text:
        return Rejected("yaml-residue")
    if _LOCAL.match(text) or "\\" in text or text.count("/") > 1:
        return Rejected("local-path")
    return _checked(text)


def _from_path(rest: str) -> str | Rejected:
    """The repository in the path of an address on the Hub."""
    parts = [part for part in rest.split("/") if part]
    if parts and parts[0].lower() == "models":
        parts = parts[1:]
    if not parts or parts[0].lower() in _NO_MODELS or (len(parts) > 2 and parts[2] not in _VIEWS):
        return Rejected("not-a-model-address")
    return _checked("/".join(parts[:2]))


def _checked(text: str) -> str | Rejected:
    """Text of one or two parts, by the Hub's rules and by what is written for want of a name."""
    bare = "/" not in text
    if len(text if bare else text[text.index("/") + 1 :]) > LONGEST or len(text) > 2 * LONGEST:
        return Rejected("too-long")
    if text.lower() in _NOTHING:
        return Rejected("nothing-named")
    if bare and text.replace(".", "").isdigit():
        return Rejected("a-number")
    if not (_BARE if bare else _FULL).fullmatch(text) or "--" in text or ".." in text or text.endswith(".git"):
        return Rejected("not-a-name")
    if _TEMPLATE_NAME.fullmatch(text):
        return Rejected("template-text")
    if bare:
        return Rejected("local-path") if _FILE.search(text) else text
    if _HUB_HOST.match(text):
        return _from_path(text[text.index("/") + 1 :])
    return Rejected("url-elsewhere") if _HOST.match(text) else text


def own(name: str) -> bool:
    """Whether this can be a repository's own name. The Hub gave it, and has names older than its rules: only the form counts."""
    return _OWN.fullmatch(name) is not None and len(name) <= 3 * LONGEST


def folded(name: str) -> str:
    """The form in which names are equal: ASCII letters without case."""
    return name.lower()
