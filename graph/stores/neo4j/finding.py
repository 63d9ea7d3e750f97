"""This file knows how a search is asked: a filter's parameters, and which index should answer it."""

from __future__ import annotations

from typing import Any

from graph.records import ModelRecord
from graph.store import ModelFilter, Order
from graph.stores.neo4j.projection import UNKNOWN_KEY
from graph.stores.neo4j.rows import milliseconds

FIRST_KEY = -UNKNOWN_KEY - 1  # smaller than any key
FEW = 2_000  # hits in a name that are cheaper to sort than an index in order is to read

ORDER_KEYS = {
    Order.DOWNLOADS: "downloads_key",
    Order.LIKES: "likes_key",
    Order.TRENDING: "trending_key",
    Order.CREATED: "created_key",
    Order.MODIFIED: "modified_key",
    Order.PARAMETERS: "parameters_key",
    Order.NOVELTY: "novelty_key",
    Order.ABILITY: "ability_key",
    Order.STANDING: "standing_key",
}
_FRACTIONS = (Order.TRENDING, Order.NOVELTY, Order.ABILITY, Order.STANDING)


def parameters(where: ModelFilter) -> dict[str, Any]:
    """The filter as the parameter of find_*, count and facet; null means any.

    It is one map, because the server plans a statement anew, in a tenth of a second and more, for parameters of other types; null
    is a type, and a map is one whatever is in it.
    """
    said = {
        "text": where.text.lower() if where.text else None,
        "tasks": list(where.tasks) or None,
        "libraries": list(where.libraries) or None,
        "licences": list(where.licences) or None,
        "authors": list(where.authors) or None,
        "states": [state.value for state in where.states] or None,
        "relations": list(where.relations) or None,
        "evidence": [word.value for word in where.evidence] or None,
        "parameters_min": where.parameters_min,
        "parameters_max": where.parameters_max,
        "created_from": milliseconds(where.created_from),
        "created_until": milliseconds(where.created_until),
        "novelty_classes": list(where.novelty_classes) or None,
        "novelty_min": where.novelty_min,
        "novelty_max": where.novelty_max,
        "standards": list(where.standards) or None,
        "domains": list(where.domains) or None,
        "dataset": where.dataset,
    }
    return {"where": said}


def selective(where: ModelFilter) -> str | None:
    """The part of the filter that leaves few models, as ``$lead``; a text is the caller's to judge."""
    if where.dataset is not None:
        return "dataset"
    return "author" if where.authors else None


def indexed(where: ModelFilter) -> str:
    """The part of the filter that an index answers best when everything that passes has to be read, as ``$lead``."""
    lead = selective(where) or ("text" if where.text else None)
    if lead is None:
        for name, values in (("licence", where.licences), ("library", where.libraries), ("task", where.tasks)):
            if values:
                return name
    return lead or "all"


def in_order(where: ModelFilter, order: Order) -> str:
    """The statement that reads an index in order until the page is full."""
    if order is Order.DOWNLOADS:
        for name, values in (("licence", where.licences), ("library", where.libraries), ("task", where.tasks)):
            if len(values) == 1:
                return f"find_by_downloads_{name}"
    return f"find_by_{order.value}"


def negated(value: float | None, order: Order) -> float:
    """The ``*_key`` of a value."""
    if value is None:
        return float("inf") if order in _FRACTIONS else UNKNOWN_KEY
    return 0 - value


def value_of(model: ModelRecord, order: Order) -> int | float | None:
    """What a model is ordered by, where its record says so; times in ms since 1970."""
    if order is Order.CREATED:
        return milliseconds(model.created_at)
    if order is Order.MODIFIED:
        return milliseconds(model.modified_at)
    by_number: dict[Order, int | float | None] = {
        Order.DOWNLOADS: model.downloads,
        Order.LIKES: model.likes,
        Order.TRENDING: model.trending,
        Order.PARAMETERS: model.parameters,
        Order.NOVELTY: model.novelty,
        Order.ABILITY: model.ability,
    }
    return by_number.get(order)
