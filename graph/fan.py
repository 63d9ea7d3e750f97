"""This file knows a model's fan: what was made from it directly, the telling ones by name and the rest as counted crowds.

Hundreds of forks of one model are a list, not a picture. For each relation the ``SHOWN`` most interesting are named; what is left
over is told by its number, its downloads, how it spread over time, and what is wrong inside it, so that a fold hides no problem.

    interest = ln(1 + downloads) + 4 ln(1 + descendants) + 3 novelty / 100 + 3 [claims disagree]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import Protocol

from graph.records import DerivationRecord, Direction, Evidence, ModelRecord, Relation
from graph.store import EdgeFilter, Store, Want

SHOWN: dict[Relation, int] = {Relation.FINETUNE: 6, Relation.MERGE: 3, Relation.ADAPTER: 0, Relation.QUANTIZED: 0}
SHOWN_OTHERWISE = 2
ORDER = (
    Relation.FINETUNE,
    Relation.MERGE,
    Relation.EXPANDED,
    Relation.PRUNED,
    Relation.UNKNOWN,
    Relation.RECAST,
    Relation.PERMUTED,
    Relation.IDENTICAL,
    Relation.ADAPTER,
    Relation.QUANTIZED,
)
BARS = 12  # of the histogram
MOST = 50_000  # derived models that are looked at; numbers are exact beyond, downloads and dates are of the most downloaded


_WANT = Want(hidden=False, fields=("created_at", "downloads", "descendants", "novelty"))  # as ``Told``


class Told(Protocol):
    """What a fan looks at of each model: tens of thousands of whole records would take most of its time."""

    @property
    def created_at(self) -> datetime | None:
        """When it was made."""
        ...

    @property
    def downloads(self) -> int | None:
        """In the last 30 days."""
        ...

    @property
    def descendants(self) -> int | None:
        """How many were made from it."""
        ...

    @property
    def novelty(self) -> float | None:
        """0 to 100."""
        ...


@dataclass(frozen=True, slots=True)
class Crowd:
    """Derived models that are told together. ``histogram``: by time of making, ``BARS`` equal spans from ``since`` to ``until``."""

    count: int
    downloads: int
    conflicts: int
    inferred: int  # known by their weights alone
    dated: int
    since: datetime | None
    until: datetime | None
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fan:
    """What was made in one way: ``count`` in all, ``named`` the most interesting, ``rest`` the others; None when there are none."""

    relation: Relation
    count: int
    named: tuple[DerivationRecord, ...]
    rest: Crowd | None


async def fans_in(store: Store, id: str) -> tuple[tuple[Fan, ...], dict[str, ModelRecord]]:
    """(the fans of a model, the records of those that are named), asked of a store. Raises NotFound."""
    walk = await store.walk(id, Direction.DESCENDANTS, EdgeFilter(), 1, MOST, _WANT)
    told = dict(zip((node.id for node in walk.nodes), walk.models, strict=True))
    (counts,) = await store.derived_counts([id])
    found = fans([edge for edge in walk.edges if edge.base_model == id], told, counts)
    ids = [edge.model for fan in found for edge in fan.named]
    return found, {model.id: model for model in await store.models(ids) if model is not None}


def interest(model: Told, edge: DerivationRecord) -> float:
    """How much a derived model tells of what became of its base model; see the file's head."""
    return (
        math.log1p(model.downloads or 0)
        + 4 * math.log1p(model.descendants or 0)
        + 3 * (model.novelty or 0.0) / 100
        + 3 * edge.conflict
    )


def fans(edges: Sequence[DerivationRecord], models: Mapping[str, Told], counts: dict[Relation, int]) -> tuple[Fan, ...]:
    """The fans of one model, in ``ORDER``. ``edges``: the derivations towards it; ``counts``: how many of each relation."""
    times = [made for edge in edges if (made := models[edge.model].created_at) is not None]
    span = (min(times), max(times)) if times else None
    found = []
    for relation in ORDER:
        own = [edge for edge in edges if edge.relation is relation]
        if not own:
            continue
        count = max(counts.get(relation, 0), len(own))
        shown = SHOWN.get(relation, SHOWN_OTHERWISE)
        shown = len(own) if count <= shown + 1 else shown  # a crowd of one would hide a name behind a number
        named = nsmallest(shown, own, key=lambda edge: (-interest(models[edge.model], edge), edge.model))
        names = {edge.model for edge in named}
        rest = [edge for edge in own if edge.model not in names]
        crowd = _crowd(rest, models, span, count - len(named)) if rest else None
        found.append(Fan(relation, count, tuple(named), crowd))
    return tuple(found)


def _crowd(
    edges: Sequence[DerivationRecord],
    models: Mapping[str, Told],
    span: tuple[datetime, datetime] | None,
    count: int,
) -> Crowd:
    members = [models[edge.model] for edge in edges]
    times = [model.created_at for model in members if model.created_at is not None]
    return Crowd(
        count=count,
        downloads=sum(model.downloads or 0 for model in members),
        conflicts=sum(edge.conflict for edge in edges),
        inferred=sum(edge.evidence == (Evidence.WEIGHTS,) for edge in edges),
        dated=len(times),
        since=span[0] if span else None,
        until=span[1] if span else None,
        histogram=_histogram(times, span),
    )


def _histogram(times: Iterable[datetime], span: tuple[datetime, datetime] | None) -> tuple[int, ...]:
    bars = [0] * BARS
    if span is not None:
        begin, length = span[0], (span[1] - span[0]).total_seconds()
        for time in times:
            part = (time - begin).total_seconds() / length if length else 0.0
            bars[min(BARS - 1, int(part * BARS))] += 1
    return tuple(bars)
