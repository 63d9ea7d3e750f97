"""This file knows how lists of models are asked of a Neo4j server: filtered, ordered, folded, counted, and in contradiction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graph.records import Contradicts, Evidence
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

KEPT_ANSWERS = 1_000  # counts and facets that are remembered: the graph behind a store does not change


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
        lead = finding.selective(where)
        if lead is None and parameters["text"] is not None:
            hits = await self._graph.ask("text_hits", text=parameters["text"], limit=finding.FEW)
            lead = "text" if hits < finding.FEW else None
        if lead is not None:
            found = await self._graph.ask("find_few", lead=lead, order=finding.ORDER_KEYS[order], **parameters)
        else:
            found = await self._graph.ask(finding.in_order(where, order), **parameters)
        return await self._page_of(found, order, first)

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
        """A page of models that stand for their groups."""
        where = await self._spelled(where)
        found = await self._graph.ask(
            "find_folded",
            lead=finding.indexed(where),
            fold=collapse.value,
            order=finding.ORDER_KEYS[order],
            **finding.parameters(where),
            **page_after(order, first, after),
        )
        page = await self._page_of([row for _, row in found], order, first)
        return FoldedPage(page.models, page.keys, tuple(folded for folded, _ in found[:first]), page.has_next)

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
    """The parameters of a page, which is asked for with one row more."""
    return {
        "key": finding.FIRST_KEY if after is None else finding.negated(after.value, order),
        "after": "" if after is None else after.id,
        "limit": first + 1,
    }


def model_page(found: Sequence[rows.Row], order: Order, first: int) -> ModelPage:
    """A page of these rows, of which one more than ``first`` says that others follow."""
    models = tuple(rows.model(row) for row in found[:first])
    keys = tuple(Key(finding.value_of(model, order), model.id) for model in models)
    return ModelPage(models, keys, len(found) > first)
