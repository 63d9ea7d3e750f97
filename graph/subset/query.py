"""This file knows the query of a subset: which models, in which order, how many, with which relatives, and why some by name.

People write it as TOML (``from_toml``); a lock holds it in one normal form, so that equal queries have equal digests.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from graph import ranges
from graph.errors import BadInput, LimitExceeded
from graph.novelty import Class
from graph.records import Evidence, Relation, State
from graph.standard import SHIPPED
from graph.store import ROOT, Collapse, ModelFilter, Order

MOST_MODELS = 1_000_000  # of a subset
MOST_BYTES = 16_000_000  # of a query file: a million names are not listed by hand
_LONGEST = 500  # characters of a name, a reason, a title
_MOST_VALUES = 1_000  # of one filter

STATES = (State.GATED.value, State.LISTED.value)  # unless the query says otherwise: what can be downloaded
COLLAPSES = ("none", *(collapse.value for collapse in Collapse))
Found = TypeVar("Found")


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The filters, as ``graph.store.ModelFilter`` has them; lists are sorted."""

    text: str | None = None
    task: tuple[str, ...] = ()
    library: tuple[str, ...] = ()
    licence: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    state: tuple[str, ...] = STATES
    relation: tuple[str, ...] = ()
    evidence: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET  # absent where it is not asked: older digests stay
    dataset: str | None = None
    parameters_min: int | None = None
    parameters_max: int | None = None
    created_from: str | None = None  # ISO 8601, UTC
    created_until: str | None = None
    novelty_class: tuple[str, ...] = ()
    domain: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET  # absent as evidence is
    meets: tuple[str, ...] = ()  # names of shipped standards, all of which are met
    novelty_min: int | float | None = None
    novelty_max: int | float | None = None

    def filter(self) -> ModelFilter:
        """The same for a store."""
        return ModelFilter(
            text=self.text,
            tasks=self.task,
            libraries=self.library,
            licences=self.licence,
            authors=self.author,
            states=tuple(map(State, self.state)),
            relations=self.relation,
            evidence=tuple(map(Evidence, self.evidence or ())),
            dataset=self.dataset,
            parameters_min=self.parameters_min,
            parameters_max=self.parameters_max,
            created_from=_moment(self.created_from),
            created_until=_moment(self.created_until),
            novelty_classes=self.novelty_class,
            standards=self.meets,
            domains=tuple(self.domain or ()),
            novelty_min=self.novelty_min,
            novelty_max=self.novelty_max,
        )


class Take(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken of the models that pass."""

    order: str = Order.DOWNLOADS.value
    limit: int | None = None  # the first so many; None takes all
    collapse: str = "none"  # or a value of graph.store.Collapse: of each group one model
    ancestors: bool = False  # add everything that the chosen were made from
    descendants: bool = False  # add everything that was made from them


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model taken, or left out, by name."""

    model: str
    reason: str


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole query. Without filters and without a limit it takes only what is included by name."""

    title: str | None = None
    where: Where | None = None
    take: Take = Take()
    include: tuple[Named, ...] = ()
    exclude: tuple[Named, ...] = ()

    def checked(self) -> Query:
        """Itself in normal form. Raises BadInput that names the key and what can stand there."""
        where = self.where
        if where is not None:
            where = _checked(where)
        elif not self.include:
            raise BadInput("the query asks for nothing: give it [where], or [[include]] models by name")
        _one_of("take.order", self.take.order, [order.value for order in Order])
        _one_of("take.collapse", self.take.collapse, COLLAPSES)
        if self.take.limit is not None and self.take.limit < 1:
            raise BadInput(f"take.limit is {self.take.limit}: give 1 or more")
        if self.take.limit is not None and self.take.limit > MOST_MODELS:
            raise LimitExceeded("take.limit", MOST_MODELS, self.take.limit, "ask for fewer")
        twice = sorted({named.model for named in self.include} & {named.model for named in self.exclude})
        if twice:
            raise BadInput(f"{twice[0]} is both included and excluded: take one of them out of the query")
        for key in ("include", "exclude"):
            _check_named(key, getattr(self, key))
        _short("title", self.title)
        return Query(self.title or None, where, self.take, _sorted(self.include), _sorted(self.exclude))


def _checked(where: Where) -> Where:
    _one_of("where.state", where.state, [state.value for state in State if state is not State.MISSING])
    _one_of("where.relation", where.relation, [ROOT, *(relation.value for relation in Relation)])
    _one_of("where.evidence", where.evidence or (), [word.value for word in Evidence])
    _one_of("where.novelty_class", where.novelty_class, [kind.value for kind in Class])
    _one_of("where.meets", where.meets, list(SHIPPED))
    for key in ("text", "dataset"):
        _short(f"where.{key}", getattr(where, key))
    for key in ("task", "library", "licence", "author", "domain"):
        values = getattr(where, key) or ()
        if len(values) > _MOST_VALUES:
            raise LimitExceeded(f"values of where.{key}", _MOST_VALUES, len(values), "ask for fewer")
        for value in values:
            _short(f"where.{key}", value)
    for low, high, most in (("parameters_min", "parameters_max", 2**53 - 1), ("novelty_min", "novelty_max", 100)):
        least, largest = getattr(where, low), getattr(where, high)
        for key, value in ((low, least), (high, largest)):
            if value is not None and not 0 <= value <= most:
                raise BadInput(f"where.{key} is {value}: give 0 to {most}")
        ranges.check_ordered(f"where.{low.removesuffix('_min')}", f"{least}..{largest}", least, largest)
    created = _moment(where.created_from), _moment(where.created_until)
    ranges.check_ordered("where.created", f"{where.created_from}..{where.created_until}", *created)
    return msgspec.structs.replace(
        where,
        text=where.text or None,
        licence=_distinct(word.lower() for word in where.licence),
        created_from=_text(created[0]),
        created_until=_text(created[1]),
        novelty_min=plain(where.novelty_min),
        novelty_max=plain(where.novelty_max),
        state=_distinct(where.state) or STATES,
        evidence=_distinct(where.evidence or ()) or msgspec.UNSET,
        domain=_distinct(where.domain or ()) or msgspec.UNSET,
        **{
            key: _distinct(getattr(where, key))
            for key in ("task", "library", "author", "relation", "novelty_class", "meets")
        },
    )


def plain(value: float | None) -> int | float | None:
    """A number as locks write it: at most four decimals, and none where it is whole."""
    if value is None:
        return None
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded


def from_toml(text: str, where: str) -> Query:
    """Read a query file; ``where`` is its name. Raises BadInput that names the line or the key, and what would be right."""
    if len(text) > MOST_BYTES:
        raise LimitExceeded(f"characters of {where}", MOST_BYTES, len(text), "name fewer models")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"{where} is not TOML: {error}") from error
    try:
        return _from_table(data).checked()
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error


def _from_table(data: Mapping[str, Any]) -> Query:
    _check_keys("", data, ("title", "where", "take", "include", "exclude"))
    filters = data.get("where")
    named = {
        key: tuple(_named(key, item) for item in _tables(key, data.get(key, []))) for key in ("include", "exclude")
    }
    return Query(
        title=data.get("title"),
        where=None if filters is None else _where(filters),
        take=_converted("take", data.get("take", {}), Take),
        **named,
    )


def _where(table: Any) -> Where:
    names = [name for name in Where.__struct_fields__ if not name.endswith(("_min", "_max", "_from", "_until"))]
    _check_keys("where.", table, (*names, "parameters", "created", "novelty"))
    plainly = {key: value for key, value in table.items() if key in names}
    for key, value in plainly.items():
        if isinstance(value, str) and key not in ("text", "dataset"):
            plainly[key] = [value]  # one value needs no brackets
    for key, parse in (("parameters", ranges.count), ("novelty", ranges.score)):
        if key in table:
            ends = map(parse, ranges.ends(_said(key, table[key])))
            plainly |= zip((f"{key}_min", f"{key}_max"), ends, strict=True)
    if "created" in table:
        since, until = ranges.ends(_said("created", table["created"]))
        plainly |= {
            "created_from": _text(ranges.day(since, end=False)),
            "created_until": _text(ranges.day(until, end=True)),
        }
    return _converted("where", plainly, Where)


def _said(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadInput(f'where.{key} is {value!r}: write a range as text, such as "1..5", "1.." or "..5"')
    return value


def _named(key: str, table: Any) -> Named:
    _check_keys(f"{key}.", table, ("model", "reason"))
    for name in ("model", "reason"):
        if not table.get(name):
            raise BadInput(f"an entry of {key} has no {name}: give each a model and a reason")
    return _converted(key, table, Named)


def _tables(key: str, value: Any) -> Iterable[Any]:
    if not isinstance(value, list):
        raise BadInput(f"{key} is one table: write [[{key}]] above each model")
    return value


def _converted(key: str, value: Any, kind: type[Found]) -> Found:
    if not isinstance(value, dict):
        raise BadInput(f"{key} is {value!r}: make it a table, [{key}]")
    fields: tuple[str, ...] = kind.__struct_fields__  # type: ignore[attr-defined] # of every Struct
    _check_keys(f"{key}.", value, fields)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{key}: {error}") from error


def _check_keys(prefix: str, table: Any, known: Iterable[str]) -> None:
    names = list(known)
    if not isinstance(table, dict):
        raise BadInput(f"{prefix.rstrip('.')} is {table!r}: make it a table")
    for key in table:
        if key not in names:
            near = get_close_matches(key, names, 1)
            advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
            raise BadInput(f"unknown key {prefix}{key}: {advice}")


def _one_of(key: str, value: str | Iterable[str], known: Iterable[str]) -> None:
    words = list(known)
    for word in [value] if isinstance(value, str) else value:
        if word not in words:
            raise BadInput(f"{key} is {word!r}: give one of {', '.join(words)}")


def _short(key: str, value: object) -> None:
    if value is not None and (not isinstance(value, str) or len(value) > _LONGEST):
        raise BadInput(f"{key} is no text of at most {_LONGEST} characters")


def _check_named(key: str, all_named: tuple[Named, ...]) -> None:
    seen = set[str]()
    for named in all_named:
        for part, value in (("model", named.model), ("reason", named.reason)):
            _short(f"{key}.{part}", value)
            if not value.strip():
                raise BadInput(f"an entry of {key} has no {part}: give each a model and a reason")
        if named.model in seen:
            raise BadInput(f"{key} names {named.model} twice: keep one")
        seen.add(named.model)


def _sorted(all_named: Iterable[Named]) -> tuple[Named, ...]:
    return tuple(sorted(all_named, key=lambda named: named.model.encode()))


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(words), key=str.encode))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else ranges.day(text if "T" in text else text + "T00:00:00", end=False)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def to_toml(query: Query) -> str:
    """A query file that reads back as this query."""
    lines = [f"title = {_quoted(query.title)}"] if query.title else []
    if query.where is not None:
        lines += ["", "[where]", *_filter_lines(query.where)]
    taken = [(name, getattr(query.take, name)) for name in Take.__struct_fields__]
    taken = [(name, value) for name, value in taken if value != getattr(Take(), name)]
    if taken:
        lines += ["", "[take]", *(f"{name} = {_toml(value)}" for name, value in taken)]
    for key in ("include", "exclude"):
        for named in getattr(query, key):
            lines += ["", f"[[{key}]]", f"model = {_quoted(named.model)}", f"reason = {_quoted(named.reason)}"]
    return "\n".join(lines).strip("\n") + "\n"


def _filter_lines(where: Where) -> Iterable[str]:
    for name in ("text", "dataset"):
        if getattr(where, name) is not None:
            yield f"{name} = {_quoted(getattr(where, name))}"
    for name in Where.__struct_fields__:
        values = getattr(where, name)
        if isinstance(values, tuple) and values != getattr(Where(), name):
            yield f"{name} = {_toml(values)}"
    for name, low, high in (
        ("parameters", where.parameters_min, where.parameters_max),
        ("created", where.created_from, where.created_until),
        ("novelty", where.novelty_min, where.novelty_max),
    ):
        if low is not None or high is not None:
            yield f'{name} = "{"" if low is None else low}..{"" if high is None else high}"'


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are all TOML's, but DEL, which TOML wants escaped."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
