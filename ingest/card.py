"""This file knows the front matter of a model card: the few fields that say what a model is made from and under which terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

LONGEST = 1_000_000  # bytes of front matter that are parsed
MOST_ITEMS = 1_000  # values taken from one field
_DEEPEST = 5  # nested lists in one field


class _Loader(yaml.CSafeLoader):
    """Safe YAML in which words stay words: `language: no` is Norwegian, a date is text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own class attribute
        first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith((":bool", ":timestamp"))]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class Card:
    """What a card declares; every value as written, not yet judged."""

    base_models: tuple[str, ...] = ()
    relation: str | None = None
    datasets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    licence: str | None = None
    new_version: str | None = None
    problem: str | None = None  # why the card could not be read: a short stable code


def read(raw: bytes | str | dict[str, Any] | None) -> Card:
    """A card from decoded values, JSON text or YAML text (with or without its `---` lines). Never raises."""
    if raw is None:
        return Card()
    if isinstance(raw, (bytes, str)):
        if len(raw) > LONGEST:
            return Card(problem="card-too-long")
        raw, problem = _parse(raw)
        if problem is not None:
            return Card(problem=problem)
    if raw is None:
        return Card()
    if not isinstance(raw, dict):
        return Card(problem="card-not-a-mapping")
    relation = raw.get("base_model_relation")
    licence = next(_texts(raw.get("license")), None)
    new_version = raw.get("new_version")
    return Card(
        base_models=tuple(_texts(raw.get("base_model"))),
        relation=relation.strip().lower() if isinstance(relation, str) else None,
        datasets=tuple(_texts(raw.get("datasets"))),
        languages=tuple(text.lower() for text in _texts(raw.get("language")) if len(text) <= 20),
        licence=licence.lower() if licence and len(licence) <= 100 else None,
        new_version=new_version.strip() if isinstance(new_version, str) and new_version.strip() else None,
    )


def _parse(raw: bytes | str) -> tuple[Any, str | None]:
    """The values in JSON or YAML text, and why there are none."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = text.strip().lstrip("\ufeff")
    if text[:1] in ("{", "[", '"') or text == "null":
        try:
            value = msgspec.json.decode(text.encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            pass  # YAML may begin like that too
        else:
            return _parse(value) if isinstance(value, str) and not value.startswith('"') else (value, None)
    if text.startswith("---"):
        text = text[3:].split("\n---", 1)[0]
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
            return None, "card-with-aliases"  # a few lines of them can stand for gigabytes
        return yaml.load(text, Loader=_Loader), None  # noqa: S506 - a safe loader's subclass
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError):
        return None, "card-not-yaml"


def _texts(value: object, depth: int = 0) -> Iterator[str]:
    """The texts in a field that should be one or a list of them, in order; numbers and mappings give what they can."""
    count = 0
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
        for item in value:
            for text in _texts(item, depth + 1):
                count += 1
                if count > MOST_ITEMS:
                    return
                yield text
        if not value and depth == 0:
            return
    elif isinstance(value, dict):
        named = value.get("name") or value.get("id")
        if isinstance(named, str) and named.strip():
            yield named.strip()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
