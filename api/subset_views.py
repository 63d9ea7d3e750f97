"""This file knows how a view is the query of a subset: a GraphQL question's arguments, or an address of the explorer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from graph import ranges
from graph.errors import BadInput
from graph.store import SIZE_CLASSES
from graph.subset.query import Named, Query, Take, Where

_WORDS = ("state", "relation", "evidence", "meets", "novelty_class")  # enums, that GraphQL writes in capitals
_LISTS = {  # keys of an address that may repeat, and the filters that they are
    **{name: name for name in ("task", "relation", "evidence", "licence", "library", "author", "state", "domain")},
    "novelty": "novelty_class",
}
_SHOWN = ("after", "columns")  # keys of an address that choose no models
_LIMIT = 100  # of an address that says none


def query_of(
    filters: Mapping[str, Any],
    *,
    order: str,
    limit: int | None,
    collapse: str | None = None,
    ancestors: bool = False,
    descendants: bool = False,
    include: tuple[Named, ...] = (),
    exclude: tuple[Named, ...] = (),
    title: str | None = None,
) -> Query:
    """A query from filters in its own names, with values of GraphQL. Raises BadInput that names what cannot be used."""
    for name in filters:
        if name not in Where.__struct_fields__:
            near = get_close_matches(name, Where.__struct_fields__, 1)
            raise BadInput(f"unknown filter {name}" + (f": did you mean {near[0]}?" if near else ""))
    given = {name: _plain(name, value) for name, value in filters.items() if value is not None}
    taken = {"order": order, "limit": limit, "collapse": collapse or "none"}
    try:
        where = msgspec.convert(given, Where)
        take = msgspec.convert(taken | {"ancestors": ancestors, "descendants": descendants}, Take)
    except msgspec.ValidationError as error:
        raise BadInput(f"filter: {error}") from error
    return Query(title, where, take, include, exclude).checked()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(name, item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.lower().replace("_", "-") if name in _WORDS and isinstance(value, str) else value


def from_arguments(text: str, where: str) -> Query:
    """A query from JSON with the arguments of a GraphQL `models` or `subset` question. Raises BadInput."""
    known = (
        "filter",
        "orderBy",
        "first",
        "limit",
        "collapse",
        "ancestors",
        "descendants",
        "include",
        "exclude",
        "title",
    )
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise BadInput(f"{where} is no JSON object with the arguments of a GraphQL question")
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise BadInput(f"{where}: unknown argument {unknown[0]}: known are {', '.join(known)}")
        filters = {_snake(name): value for name, value in (data.get("filter") or {}).items()}
        return query_of(
            filters,
            order=str(data.get("orderBy", "DOWNLOADS")).lower(),
            limit=data.get("limit", data.get("first")),
            collapse=str(data.get("collapse") or "none").lower(),
            ancestors=data.get("ancestors", False),
            descendants=data.get("descendants", False),
            include=msgspec.convert(data.get("include", []), tuple[Named, ...]),
            exclude=msgspec.convert(data.get("exclude", []), tuple[Named, ...]),
            title=data.get("title"),
        )
    except (ValueError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"{where} cannot be used ({error}): give JSON with the arguments of a GraphQL question"
        ) from error


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name)


def from_address(address: str) -> Query:
    """A query from the address of an explorer's view. Raises BadInput."""
    return from_pairs(parse_qsl(urlsplit(address).query))


def from_pairs(pairs: Iterable[tuple[str, str]], most: int | None = None) -> Query:
    """A query from what stands after the ``?`` of an explorer's view: its filters, order, what folds, page and columns, and
    besides these limit, collapse (the same as fold), ancestors, descendants. ``most``: the largest limit allowed. Raises BadInput.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    known = ("q", *_LISTS, "size", "year", "order", *_SHOWN, "limit", "fold", "collapse", "ancestors", "descendants")
    for name in given:
        if name not in known:
            raise BadInput(f"unknown parameter {name}: known are {', '.join(known)}")
    one = {name: values[-1].strip() for name, values in given.items()}
    filters: dict[str, Any] = {name: given[key] for key, name in _LISTS.items() if key in given}
    if one.get("q"):
        filters["text"] = one["q"]
    if one.get("size"):
        filters |= _size(one["size"])
    if one.get("year"):
        filters |= {"created_from": _year(one["year"], end=False), "created_until": _year(one["year"], end=True)}
    limit = one.get("limit") or str(_LIMIT)
    if not re.fullmatch("[0-9]{1,7}", limit):
        raise BadInput(f"limit is {limit!r}: give a whole number")
    if most is not None and int(limit) > most:
        raise BadInput(f"limit is {limit}, the most allowed is {most}: use `stemma subset create` for more")
    return query_of(
        filters,
        order=one.get("order", "downloads").lower(),
        limit=int(limit),
        collapse=one.get("collapse", one.get("fold", "none")).lower(),
        ancestors=one.get("ancestors", "").lower() in ("1", "true"),
        descendants=one.get("descendants", "").lower() in ("1", "true"),
    )


def _size(name: str) -> dict[str, int]:
    """A size class as a range of parameters, both ends inclusive."""
    least = 0
    for known, end in SIZE_CLASSES:
        if known == name:
            return {"parameters_min": least} | ({} if end is None else {"parameters_max": end - 1})
        least = end or 0
    raise BadInput(f"size is {name!r}: give one of {', '.join(known for known, _ in SIZE_CLASSES)}")


def _year(text: str, *, end: bool) -> str:
    moment = ranges.day(text, end=end)
    return "" if moment is None else moment.isoformat()
