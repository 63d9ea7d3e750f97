"""This file knows how a question of the API, a filter and an order, is the query of a subset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Any

import msgspec

from graph.errors import BadInput
from graph.subset.query import Named, Query, Take, Where

_FILTER = {  # GraphQL's name of a filter: the query's
    "text": "text",
    "task": "task",
    "library": "library",
    "licence": "licence",
    "author": "author",
    "state": "state",
    "relation": "relation",
    "dataset": "dataset",
    "parametersMin": "parameters_min",
    "parametersMax": "parameters_max",
    "createdFrom": "created_from",
    "createdUntil": "created_until",
}
_WORDS = ("state", "relation")  # enums, that GraphQL writes in capitals
_ARGUMENTS = (
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


def query_of(
    filters: Mapping[str, Any] | None,
    *,
    order: str,
    limit: int | None,
    collapse: str = "none",
    ancestors: bool = False,
    descendants: bool = False,
    include: tuple[Named, ...] = (),
    exclude: tuple[Named, ...] = (),
    title: str | None = None,
) -> Query:
    """A query from a filter in GraphQL's names. Raises BadInput that names what cannot be used."""
    given: dict[str, Any] = {}
    for name, value in (filters or {}).items():
        if name not in _FILTER:
            near = get_close_matches(name, _FILTER, 1)
            raise BadInput(f"unknown filter {name}" + (f": did you mean {near[0]}?" if near else ""))
        if value is not None:
            given[_FILTER[name]] = _plain(name, value)
    take = {"order": order, "limit": limit, "collapse": collapse, "ancestors": ancestors, "descendants": descendants}
    try:
        where = msgspec.convert(given, Where)
        taken = msgspec.convert(take, Take)
    except msgspec.ValidationError as error:
        raise BadInput(f"filter: {error}") from error
    return Query(title, where, taken, include, exclude).checked()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(name, item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.lower() if name in _WORDS and isinstance(value, str) else value


def from_arguments(text: str, where: str) -> Query:
    """A query from JSON with the arguments of a GraphQL `models` or `subset` question. Raises BadInput."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise BadInput(f"{where} is no JSON object with the arguments of a GraphQL question")
        unknown = sorted(set(data) - set(_ARGUMENTS))
        if unknown:
            raise BadInput(f"{where}: unknown argument {unknown[0]}: known are {', '.join(_ARGUMENTS)}")
        return query_of(
            data.get("filter"),
            order=str(data.get("orderBy", "DOWNLOADS")).lower(),
            limit=data.get("limit", data.get("first")),
            collapse=str(data.get("collapse", "none")).lower(),
            ancestors=bool(data.get("ancestors", False)),
            descendants=bool(data.get("descendants", False)),
            include=msgspec.convert(data.get("include", []), tuple[Named, ...]),
            exclude=msgspec.convert(data.get("exclude", []), tuple[Named, ...]),
            title=data.get("title"),
        )
    except (ValueError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"{where} cannot be used ({error}): give JSON with the arguments of a GraphQL question"
        ) from error
