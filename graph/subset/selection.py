"""This file knows which models a query chooses from a store, and why each."""

from __future__ import annotations

from dataclasses import dataclass, field

from graph.errors import BadInput, LimitExceeded, NotFound
from graph.records import DerivationRecord, State
from graph.store import Collapse, EdgeFilter, FoldedPage, ModelFilter, ModelPage, Order, Store
from graph.subset.query import MOST_MODELS, Query, Take
from graph.subset.rows import Why

PAGE = 5_000  # models asked for at once


@dataclass(slots=True)
class Selection:
    """The models chosen, in the order in which they were, and what their derivations lead to."""

    why: dict[str, Why] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)  # reason by canonical id
    unmatched: tuple[str, ...] = ()  # excluded, as the query spells them, that would not have been chosen


async def select(store: Store, query: Query, most: int = MOST_MODELS) -> Selection:
    """Choose. Raises NotFound and BadInput for models named that cannot be chosen, LimitExceeded above ``most``."""
    chosen, met = Selection(), set[str]()
    canonical = await store.resolve([named.model for named in query.exclude])
    left_out = list(zip(query.exclude, canonical, strict=True))
    chosen.excluded = {id: named.reason for named, id in left_out if id is not None}
    if query.where is not None:
        await _query(store, query.where.filter(), query.take, chosen, met, most)
    await _include(store, query, chosen)
    take = query.take
    if take.descendants:
        await _relatives(store, chosen, met, most, up=False)
    if take.ancestors:  # last, so that the descendants' other base models come too
        await _relatives(store, chosen, met, most, up=True)
    if len(chosen.why) > most:
        raise LimitExceeded("models of the subset", most, len(chosen.why), "ask for fewer, or set take.limit")
    chosen.unmatched = tuple(named.model for named, id in left_out if id is None or id not in met)
    return chosen


async def _query(store: Store, where: ModelFilter, take: Take, chosen: Selection, met: set[str], most: int) -> None:
    """The first ``limit`` models that pass, without those excluded and those folded under another."""
    order = Order(take.order)
    limit = take.limit if take.limit is not None else most + 1
    collapse = None if take.collapse == "none" else Collapse(take.collapse)
    first, after = PAGE if chosen.excluded else min(PAGE, limit), None
    while True:
        page: ModelPage | FoldedPage
        if collapse is None:
            page = await store.find(where, order, first, after)
        else:
            page = await store.find_folded(where, collapse, order, first, after)
        for model in page.models:
            if model.id in chosen.excluded:
                met.add(model.id)
            elif len(chosen.why) < limit:
                chosen.why[model.id] = Why("query", place=len(chosen.why) + 1)
        if len(chosen.why) > most:
            raise LimitExceeded("models of the subset", most, len(chosen.why), "ask for fewer, or set take.limit")
        if not page.has_next or len(chosen.why) >= limit:
            return
        after = page.keys[-1]


async def _include(store: Store, query: Query, chosen: Selection) -> None:
    canonical = await store.resolve([named.model for named in query.include])
    records = await store.models([id for id in canonical if id is not None])
    known = {record.id: record for record in records if record is not None}
    for named, id in zip(query.include, canonical, strict=True):
        if id is None:
            raise NotFound("model", named.model, "the query includes it by name; `stemma find` searches")
        if known[id].state is State.MISSING:
            raise BadInput(
                f"{id} cannot be included: it was named by others and never seen, so it has no commit to pin"
            )
        if id in chosen.excluded:
            raise BadInput(f"{named.model} is both included and excluded: take one of them out of the query")
        before = chosen.why.get(id)
        place = before.place if before is not None else None
        chosen.why[id] = Why("include", place=place, reason=named.reason)


async def _relatives(store: Store, chosen: Selection, met: set[str], most: int, *, up: bool) -> None:
    """Everything above or below, step by step; a model is told of by the first, by name, that leads to it."""
    level = sorted(chosen.why, key=str.encode)
    while level:
        reached: dict[str, str] = {}
        for at in range(0, len(level), PAGE):
            for edge in await (_bases if up else _derived)(store, level[at : at + PAGE]):
                there, here = (edge.base_model, edge.model) if up else (edge.model, edge.base_model)
                if there in chosen.excluded:
                    met.add(there)
                elif there not in chosen.why:
                    reached.setdefault(there, here)
        records = await store.models(list(reached))
        level = sorted((m.id for m in records if m is not None and m.state is not State.MISSING), key=str.encode)
        chosen.why |= {id: Why("ancestor" if up else "descendant", of=reached[id]) for id in level}
        if len(chosen.why) > most:
            advice = f"leave take.{'ancestors' if up else 'descendants'} out, or ask for fewer"
            raise LimitExceeded("models of the subset", most, len(chosen.why), advice)


async def _bases(store: Store, ids: list[str]) -> list[DerivationRecord]:
    return [edge for edges in await store.base_models(ids) for edge in edges]


async def _derived(store: Store, ids: list[str]) -> list[DerivationRecord]:
    """All derivations towards each of these, a page at a time."""
    counts = await store.derived_counts(ids)
    parents = [id for id, count in zip(ids, counts, strict=True) if count]
    found = list[DerivationRecord]()
    pages = await store.derived_models(parents, EdgeFilter(), PAGE)
    for id, page in zip(parents, pages, strict=True):
        found += page.derivations
        while page.has_next:
            (page,) = await store.derived_models([id], EdgeFilter(), PAGE, page.keys[-1])
            found += page.derivations
    return found
