"""This file knows the front matter of a model card: the few fields that say what a model is made from and under which terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml
from msgspec import UNSET, Raw, UnsetType

LONGEST = 1_000_000  # bytes of front matter that are parsed
MOST_ITEMS = 1_000  # values taken from one field
_DEEPEST = 5  # nested lists in one field
_WORDS = ("bool", "int", "float", "timestamp", "binary", "value", "merge")


class _Loader(yaml.CSafeLoader):
    """Safe YAML in which words stay words: `language: no` is Norwegian, a date is text, and no number costs time to read."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own class attribute
        first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(_WORDS)]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _text(loader: Any, node: yaml.Node) -> str:  # the library's own signature
    return node.value if isinstance(node, yaml.ScalarNode) else ""


for _word in _WORDS:  # also when a tag asks for them: `!!int` of a long text is quadratic
    _Loader.add_constructor(f"tag:yaml.org,2002:{_word}", _text)


class CardRow(msgspec.Struct, gc=False):
    """The fields that are read; the others are skipped while decoding."""

    base_model: Any = None
    base_model_relation: Any = None
    datasets: Any = None
    language: Any = None
    license: Any = None
    new_version: Any = None
    index: Raw | UnsetType = msgspec.field(default=UNSET, name="model-index")


_INDEX = "model-index"
_FIELDS = tuple(name for name in CardRow.__struct_fields__ if name != "index")
_JSON = msgspec.json.Decoder(CardRow)


@dataclass(frozen=True, slots=True)
class Card:
    """What a card declares; every value as written, not yet judged."""

    base_models: tuple[str, ...] = ()
    relation: str | None = None
    datasets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    licence: str | None = None
    new_version: str | None = None
    index: Any = None  # its model-index: JSON as bytes, or decoded
    words: bool = False  # whether the numbers in it are text, as YAML is read here
    problem: str | None = None  # why the card could not be read: a short stable code


def read(raw: bytes | str | dict[str, Any] | None) -> Card:
    """A card from decoded values, JSON text or YAML text (with or without its `---` lines). Never raises."""
    if raw is None:
        return Card()
    if isinstance(raw, bytes) and raw[:1] == b"{":
        try:
            row = _JSON.decode(raw)
            return _card(row, bytes(row.index) if isinstance(row.index, Raw) else None, words=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    words = False
    if isinstance(raw, (bytes, str)):
        if len(raw) > LONGEST:
            return Card(problem="card-too-long")
        raw, words, problem = _parse(raw)
        if problem is not None:
            return Card(problem=problem)
    if raw is None or raw == "":
        return Card()
    if not isinstance(raw, dict):
        return Card(problem="card-not-a-mapping")
    row = CardRow()
    for name in _FIELDS:
        setattr(row, name, raw.get(name))
    return _card(row, raw.get(_INDEX), words=words)


def _card(row: CardRow, index: Any, *, words: bool) -> Card:
    relation, new_version = row.base_model_relation, row.new_version
    language = "no" if row.language is False else row.language  # what YAML makes of Norwegian
    licence = next(_texts(row.license), None)
    return Card(
        base_models=_names(row.base_model),
        relation=relation.strip().lower() if isinstance(relation, str) else None,
        datasets=_names(row.datasets),
        languages=tuple(text.lower() for text in _texts(language) if len(text) <= 20),
        licence=licence.lower() if licence and len(licence) <= 100 else None,
        new_version=new_version.strip() if isinstance(new_version, str) and new_version.strip() else None,
        index=index,
        words=words and index is not None,
    )


def _parse(raw: bytes | str) -> tuple[Any, bool, str | None]:
    """The values in JSON or YAML text, whether it is YAML, and why there are none."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = text.strip().lstrip("\ufeff")
    if text[:1] in ("{", "[", '"') or text == "null":
        try:
            value = msgspec.json.decode(text.encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            pass  # YAML may begin like that too
        else:
            return _parse(value) if isinstance(value, str) and not value.startswith('"') else (value, False, None)
    if text.startswith("---"):
        text = text[3:].split("\n---", 1)[0]
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                return None, True, "card-with-aliases"  # a few lines of them can stand for gigabytes
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > 50:
                    return None, True, "card-too-deep"
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        return yaml.load(text, Loader=_Loader), True, None  # noqa: S506 - a safe loader's subclass
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError):
        return None, True, "card-not-yaml"


def _names(value: object) -> tuple[str, ...]:
    """``_texts`` with dirt, quick for a plain list of plain words."""
    if isinstance(value, list) and len(value) <= MOST_ITEMS:
        words = [item.strip() for item in value if isinstance(item, str) and item.isascii()]
        if len(words) == len(value) and all(words):
            return tuple(words)
    return () if value is None else tuple(_texts(value, dirt=True))


def _texts(value: object, depth: int = 0, *, dirt: bool = False) -> Iterator[str]:
    """The texts in a field that should be one or a list of them, in order; ``dirt`` also gives what is no name, to be judged."""
    if isinstance(value, str):
        text = value.strip()
        if text:
            yield text if text.isascii() else text.encode("utf-8", "replace").decode()  # YAML can spell half characters
    elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
        count = 0
        for item in value:
            for text in _texts(item, depth + 1, dirt=dirt):
                count += 1
                if count > MOST_ITEMS:
                    return
                yield text
    elif isinstance(value, dict):
        named = value.get("name") or value.get("id")
        if isinstance(named, str) and named.strip():
            yield from _texts(named)
        elif dirt and value:
            yield "{" + ", ".join(str(key) for key in list(value)[:5]).encode("utf-8", "replace").decode()[:200] + "}"
    elif isinstance(value, bool):
        if dirt:
            yield str(value).lower()
    elif isinstance(value, (int, float)):
        yield str(value) if abs(value) < 1e300 else "1e300"
