"""This file knows how lists of models are asked of a Neo4j server: filtered, ordered, folded, counted, and in contradiction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graph.records import Contradicts, Evidence, ModelRecord
from graph.store import (
    SIZE_CLASSES,
    Collapse,
    ContradictedPage,
    Doubt,
    Facet,
    FacetCount,
    FoldedPage,
    Key,
    ModelFilter,
    ModelPage,
    Order,
)
from graph.stores.neo4j import finding, rows
from graph.stores.neo4j.asking import OpenGraph
from graph.stores.neo4j.facets import KEPT_FACETS
from graph.stores.neo4j.tallies import tallies

LARGEST_BLOCK = 1_000  # rows read at once along an index
MOST_GROUPS = 1_000  # whose counts are remembered under one filter and order
KEPT_ANSWERS = 1_000  # counts, facets and groups that are remembered: the graph behind a store does not change


class Selection:
    """Answers about lists of models. See ``graph.store.Store`` for what each question means."""

    def __init__(self, graph: OpenGraph) -> None:
        self._graph = graph
        self._answers: dict[tuple[object, ...], Any] = {}

    async def find(
        self, where: ModelFilter, order: Order = Order.DOWNLOADS, first: int = 20, after: Key | None = None
    ) -> ModelPage:
        """A page: by the part of the filter that leaves few models when there is one, else along the order's index."""
        where = await self._spelled(where)
        parameters = finding.parameters(where) | page_after(order, first, after)
        lead = await self._lead_to_few(where)
        if lead is not None:
            found = await self._graph.ask("find_few", lead=lead, order=finding.ORDER_KEYS[order], **parameters)
        else:
            found = await self._graph.ask(finding.in_order(where, order), **parameters)
        return await self._page_of(found, order, first)

    async def _lead_to_few(self, where: ModelFilter) -> str | None:
        """The part of the filter that leaves few models; None when none does."""
        lead = finding.selective(where)
        if lead is None and where.text:
            hits = await self._graph.ask("text_hits", text=where.text.lower(), limit=finding.FEW)
            lead = "text" if hits < finding.FEW else None
        return lead

    async def _page_of(self, found: Sequence[rows.Row], order: Order, first: int) -> ModelPage:
        """A page of these rows; by what they are ordered the rows themselves say, except of standing."""
        page = model_page(found, order, first)
        if order is not Order.STANDING:
            return page
        ids = [model.id for model in page.models]
        stood = await self._graph.each("standings", ids, rows.standing)
        keys = [Key(each.probability if each else None, id) for id, each in zip(ids, stood, strict=True)]
        return ModelPage(page.models, tuple(keys), page.has_next)

    async def find_folded(
        self,
        where: ModelFilter,
        collapse: Collapse,
        order: Order = Order.DOWNLOADS,
        first: int = 20,
        after: Key | None = None,
    ) -> FoldedPage:
        """A page of models that stand for their groups: from all that pass where they are few, else along the order's index."""
        where = await self._spelled(where)
        lead = await self._lead_to_few(where)
        if lead is None:
            return await self._folded_in_order(where, collapse, order, first, after)
        found = await self._graph.ask(
            "find_folded",
            lead=lead,
            fold=collapse.value,
            order=finding.ORDER_KEYS[order],
            **finding.parameters(where),
            **page_after(order, first, after),
        )
        page = await self._page_of([row for _, row in found], order, first)
        return FoldedPage(page.models, page.keys, tuple(folded for folded, _ in found[:first]), page.has_next)

    async def _folded_in_order(
        self, where: ModelFilter, collapse: Collapse, order: Order, first: int, after: Key | None
    ) -> FoldedPage:
        """Read the models that pass in order, and leave out whoever does not stand for its group, until the page is full."""
        parameters = finding.parameters(where)
        kept_groups: dict[str, tuple[int, str | None]] = self._answers.get((where, collapse, order), {})
        groups = dict(kept_groups)  # by the original: how many pass, who stands for it
        shown: list[tuple[ModelRecord, Key, int]] = []
        block, more = first + 1, True
        while more and len(shown) <= first:
            read = await self._graph.ask(finding.in_order(where, order), **parameters | page_after(order, block, after))
            page = await self._page_of(read, order, block)
            ids = [model.id for model in page.models]
            of = {"ids": ids, "known": list(groups), "fold": collapse.value, "order": finding.ORDER_KEYS[order]}
            found = await self._graph.ask("folds", of=of, **parameters)
            groups |= {id: (passing, stands) for id, _, passing, stands, _ in found if passing is not None}
            large = {
                id: stands is not None
                for id, members, _, stands, has_table in found
                if has_table and id not in groups and (id in members or stands is None)
            }
            groups |= await tallies(self._graph, large, where, collapse, order)
            original = {id: group for group, members, *_ in found for id in members}
            for model, key in zip(page.models, page.keys, strict=True):
                group = original.get(model.id)
                passing, stands = (
                    (1, model.id) if group is None else groups.get(group, (0, group))
                )  # not read: it stands
                if stands == model.id:
                    shown.append((model, key, passing - 1))
            more, after, block = page.has_next, page.keys[-1] if page.keys else None, min(2 * block, LARGEST_BLOCK)
        if len(groups) <= MOST_GROUPS:
            self._keep((where, collapse, order), groups)
        kept = shown[:first]
        return FoldedPage(
            tuple(model for model, _, _ in kept),
            tuple(key for _, key, _ in kept),
            tuple(folded for _, _, folded in kept),
            len(shown) > first,
        )

    async def count_folded(self, where: ModelFilter, collapse: Collapse) -> int:
        """How many groups pass."""
        where = await self._spelled(where)
        kept = self._answers.get((where, collapse))
        if kept is None:
            lead = finding.indexed(where)
            kept = await self._graph.ask("count_folded", lead=lead, fold=collapse.value, **finding.parameters(where))
            self._keep((where, collapse), kept)
        return int(kept)

    async def count(self, where: ModelFilter) -> int:
        """How many models pass."""
        where = await self._spelled(where)
        kept = self._answers.get((where,))
        if kept is None:
            kept = await self._graph.ask("count", lead=finding.indexed(where), **finding.parameters(where))
            self._keep((where,), kept)
        return int(kept)

    async def facets(self, where: ModelFilter, by: Sequence[Facet], first: int = 50) -> list[FacetCount]:
        """Counts by facet; over all models they were counted when the graph was loaded."""
        where = await self._spelled(where)
        counts = []
        for facet in by:
            kept = self._answers.get((where, facet, first))
            if kept is None:
                kept = await self._facet(where, facet, first)
                self._keep((where, facet, first), kept)
            counts += [FacetCount(facet, value, count) for value, count in kept]
        return counts

    async def _spelled(self, where: ModelFilter) -> ModelFilter:
        """The filter with its dataset's name as the catalogue spells it."""
        if where.dataset is None:
            return where
        ((named,),) = await self._graph.ask("datasets", names=[where.dataset], lower=[where.dataset.lower()])
        return where if named is None else replace(where, dataset=rows.dataset(named).id)

    async def _facet(self, where: ModelFilter, facet: Facet, first: int) -> list[tuple[str | None, int]]:
        if where == ModelFilter() and first <= KEPT_FACETS:
            (_, text) = await self._graph.ask("coverage")
            kept = json.loads(text).get(facet.value)  # a graph loaded by an earlier version knows fewer facets
            if kept is not None:
                return [(value, count) for value, count in kept[:first]]
        found = await self._graph.ask(
            "facet",
            facet=facet.value,
            first=first,
            evidences=[word.value for word in Evidence],
            sizes=[list(size) for size in SIZE_CLASSES],
            lead=finding.indexed(where),
            **finding.parameters(where),
        )
        return [(value, count) for value, count in found]

    def _keep(self, question: tuple[object, ...], answer: object) -> None:
        if len(self._answers) >= KEPT_ANSWERS:
            self._answers.pop(next(iter(self._answers)))
        self._answers[question] = answer

    async def contradicted(
        self, where: ModelFilter, doubt: Doubt, first: int = 20, after: Key | None = None
    ) -> ContradictedPage:
        """Models whose weights contradict what is said of them."""
        where = await self._spelled(where)
        total, found = await self._graph.ask(
            "contradicted",
            kinds=[kind.value for kind in doubt.kinds or Contradicts],
            probability=doubt.probability,
            **finding.parameters(where),
            **page_after(Order.DOWNLOADS, first, after),
        )
        page = model_page([row for row, _ in found], Order.DOWNLOADS, first)
        against = tuple(rows.contradictions(row[0], pairs) for row, pairs in found[:first])
        return ContradictedPage(page.models, against, page.keys, page.has_next, total)


def page_after(order: Order, first: int, after: Key | None) -> dict[str, object]:
    """The parameter of a page, which is asked for with one row more."""
    place = {
        "key": finding.FIRST_KEY if after is None else finding.negated(after.value, order),
        "after": "" if after is None else after.id,
        "limit": first + 1,
    }
    return {"page": place}


def model_page(found: Sequence[rows.Row], order: Order, first: int) -> ModelPage:
    """A page of these rows, of which one more than ``first`` says that others follow."""
    models = tuple(rows.model(row) for row in found[:first])
    keys = tuple(Key(finding.value_of(model, order), model.id) for model in models)
    return ModelPage(models, keys, len(found) > first)
