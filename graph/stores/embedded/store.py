"""This file knows the embedded engine: the store port answered from a snapshot's mapped index, in process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from graph.errors import NotFound
from graph.records import (
    AbilityRecord,
    ClaimRecord,
    DatasetRecord,
    DerivationRecord,
    Direction,
    Evidence,
    FileRecord,
    ModelRecord,
    NoveltyRecord,
    Relation,
    ResultRecord,
    SimilarRecord,
    StandingRecord,
    SuccessorRecord,
    TensorRecord,
    TrainingRecord,
    WeightsRecord,
)
from graph.snapshot import Snapshot
from graph.store import (
    WANT,
    Collapse,
    ContradictedPage,
    Coverage,
    DerivationPage,
    Doubt,
    EdgeFilter,
    Facet,
    FacetCount,
    FoldedPage,
    Key,
    ModelFilter,
    ModelPage,
    Near,
    Order,
    TensorPlaces,
    Walk,
    Want,
)
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.embedded.atlas import build_atlas
from graph.stores.embedded.index import build_index
from graph.stores.embedded.models import Models
from graph.stores.embedded.parts import Parts
from graph.stores.embedded.points import EmbeddedAtlas
from graph.stores.lineages.walks import Lineages
from graph.stores.lists.contradicted import Contradicted
from graph.stores.lists.making import COVERAGE
from graph.stores.lists.selection import Selection
from graph.stores.shared import shared_of


class EmbeddedStore:
    """Answers from one snapshot. Methods are coroutines for the port's sake; none of them waits."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        index, shared = Shelf(build_index(snapshot)), shared_of(snapshot)
        self._selection = Selection(shared)
        self._contradicted = Contradicted(shared, self._selection)
        self._models, self._parts = Models(index, self._selection.ids), Parts(index)
        self._lineages = Lineages(shared, self._selection.ids, self._selection.name_rank)
        self._coverage = Coverage(**shared.get_facts(COVERAGE))
        self._atlas: EmbeddedAtlas | None = None
        self._drawing = asyncio.Lock()

    @property
    def snapshot(self) -> str:
        """The id of the snapshot."""
        return self._snapshot.id

    async def resolve(self, names: Sequence[str]) -> list[str | None]:
        """Canonical ids for any spelling."""
        rows = map(self._models.resolve, names)
        return [None if row is None else self._models.ids[row] for row in rows]

    async def models(self, ids: Sequence[str]) -> list[ModelRecord | None]:
        """The records of these ids."""
        rows = [self._models.row(id) for id in ids]
        known = iter(self._models.records([row for row in rows if row is not None]))
        return [None if row is None else next(known) for row in rows]

    async def find(
        self, where: ModelFilter, order: Order = Order.DOWNLOADS, first: int = 20, after: Key | None = None
    ) -> ModelPage:
        """One page of models in an order."""
        rows, has_next = self._selection.page(where, order, first, after)
        return ModelPage(
            tuple(self._models.records(rows)), tuple(self._selection.key(row, order) for row in rows), has_next
        )

    async def find_folded(
        self,
        where: ModelFilter,
        collapse: Collapse,
        order: Order = Order.DOWNLOADS,
        first: int = 20,
        after: Key | None = None,
    ) -> FoldedPage:
        """One page of models that stand for their groups."""
        rows, folded, has_next = self._selection.folded_page(where, collapse, order, first, after)
        keys = tuple(self._selection.key(row, order) for row in rows)
        return FoldedPage(tuple(self._models.records(rows)), keys, tuple(folded), has_next)

    async def count_folded(self, where: ModelFilter, collapse: Collapse) -> int:
        """How many groups pass."""
        return self._selection.folded_count(where, collapse)

    async def count(self, where: ModelFilter) -> int:
        """How many models pass."""
        return self._selection.count(where)

    async def facets(self, where: ModelFilter, by: Sequence[Facet], first: int = 50) -> list[FacetCount]:
        """Counts by facet."""
        return self._selection.facets(where, by, first)

    async def base_models(self, ids: Sequence[str]) -> list[tuple[DerivationRecord, ...]]:
        """Derivations towards base models."""
        return [() if row is None else self._lineages.above(row) for row in map(self._models.row, ids)]

    async def derived_models(
        self, ids: Sequence[str], where: EdgeFilter, first: int = 20, after: Key | None = None
    ) -> list[DerivationPage]:
        """A page of the derivations whose base model each is."""
        return [self._derived(self._models.row(id), where, first, after) for id in ids]

    async def near(self, id: str, first: int, wanted: Sequence[str]) -> Near | None:
        """A model with its derivations on both sides; the other ends are whole records."""
        (model,), (bases,) = await self.models([id]), await self.base_models([id])
        if model is None:
            return None
        derived = self._derived(self._models.row(id), EdgeFilter(), first, None) if first else None
        others = [edge.base_model for edge in bases]
        others += [edge.model for edge in derived.derivations] if derived else []
        return Near(model, bases, derived, dict(zip(others, await self.models(others), strict=True)))

    async def derived_counts(self, ids: Sequence[str]) -> list[dict[Relation, int]]:
        """How many derivations name each as base model, by relation."""
        return [{} if row is None else self._lineages.counts_below(row) for row in map(self._models.row, ids)]

    async def claims(self, ids: Sequence[str]) -> list[tuple[ClaimRecord, ...]]:
        """The claims about each model's base models."""
        return [
            tuple(
                ClaimRecord(
                    row["model"],
                    row["base_model"],
                    Relation(row["relation"]),
                    Evidence(row["evidence"]),
                    row["where"],
                    row["confidence"],
                    row["detail"],
                )
                for row in self._part("claims", id)
            )
            for id in ids
        ]

    async def contradicted(
        self, where: ModelFilter, doubt: Doubt, first: int = 20, after: Key | None = None
    ) -> ContradictedPage:
        """A page of models whose weights contradict what is said of them."""
        rows, found, has_next, total = self._contradicted.page(where, doubt, first, after)
        keys = tuple(self._selection.key(row, Order.DOWNLOADS) for row in rows)
        return ContradictedPage(tuple(self._models.records(rows)), found, keys, has_next, total)

    async def walk(
        self, id: str, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want = WANT
    ) -> Walk:
        """The lineage around one model."""
        root = self._models.row(id)
        if root is None:
            raise NotFound("model", id)
        around = self._lineages.around(root, direction, where, depth, limit, want)
        models = self._models.some(around.rows, want.fields)
        names = [model.id for model in models] or self._models.ids.many(around.rows)
        if not models:
            self._models.meet(names, around.rows.tolist())
        return self._lineages.walk(around, names, models)

    async def path(self, start: str, end: str, limit: int) -> list[tuple[str, ...]]:
        """Shortest chains between two models."""
        here, there = self._models.row(start), self._models.row(end)
        return [] if here is None or there is None else self._lineages.path(here, there, limit)

    async def similar(self, id: str, first: int = 10) -> tuple[SimilarRecord, ...]:
        """The models whose weights are most alike."""
        found = msgspec.convert(self._part("similar", id), list[SimilarRecord])
        return tuple(sorted(found, key=lambda record: (-record.cosine, record.other.encode()))[:first])

    async def tensors(self, id: str) -> tuple[TensorRecord, ...]:
        """The tensors of a model."""
        return tuple(TensorRecord(**row) for row in self._part("tensors", id))

    async def tensor_places(self, digest: str, first: int = 100) -> TensorPlaces:
        """Where a tensor's content lies."""
        found = self._parts.tensors_with(digest)
        found.sort(key=lambda tensor: (tensor.model.encode(), tensor.role.encode()))
        return TensorPlaces(tuple(found[:first]), len({tensor.model for tensor in found}))

    async def novelty(self, ids: Sequence[str]) -> list[NoveltyRecord | None]:
        """The facts behind each model's novelty."""
        rows = (self._part("novelty", id) for id in ids)
        return [msgspec.convert(row[0], NoveltyRecord) if row else None for row in rows]

    async def abilities(self, ids: Sequence[str]) -> list[AbilityRecord | None]:
        """The ability of each model."""
        rows = (self._part("abilities", id) for id in ids)
        return [msgspec.convert(row[0], AbilityRecord) if row else None for row in rows]

    async def standings(self, ids: Sequence[str]) -> list[StandingRecord | None]:
        """The standing of each model."""
        rows = (self._part("standings", id) for id in ids)
        return [msgspec.convert(row[0], StandingRecord) if row else None for row in rows]

    async def successors(self, ids: Sequence[str]) -> list[tuple[SuccessorRecord, ...]]:
        """The successors of each model."""
        return [tuple(msgspec.convert(self._part("successors", id), list[SuccessorRecord])) for id in ids]

    async def results(self, id: str) -> tuple[ResultRecord, ...]:
        """The results of a model."""
        return tuple(msgspec.convert(self._part("results", id), list[ResultRecord]))

    async def datasets(self, names: Sequence[str]) -> list[DatasetRecord | None]:
        """The datasets of these ids."""
        numbers = map(self._selection.datasets.number, names)
        return [None if number is None else self._parts.dataset(number) for number in numbers]

    async def trainings(self, ids: Sequence[str]) -> list[tuple[TrainingRecord, ...]]:
        """The datasets that each model says it was trained on."""
        rows = map(self._models.row, ids)
        return [
            tuple(TrainingRecord(id, *said) for said in self._parts.trainings(row))
            for id, row in zip(ids, rows, strict=True)
        ]

    async def files(self, id: str) -> tuple[FileRecord, ...]:
        """The known files of a model."""
        return tuple(FileRecord(**row) for row in self._part("files", id))

    async def file_places(self, sha256: str, first: int = 100) -> tuple[FileRecord, ...]:
        """The files with this content."""
        files = self._parts.files_with(sha256)
        return tuple(sorted(files, key=lambda file: (file.model.encode(), file.path.encode()))[:first])

    async def weights(self, digest: str) -> WeightsRecord | None:
        """One distinct weight content."""
        return self._parts.weights(digest)

    async def weights_of(self, ids: Sequence[str]) -> list[str | None]:
        """The digest of each model's weight content."""
        return [self._parts.weights_of(row) for row in map(self._models.row, ids)]

    async def holders(self, digest: str, first: int = 20, after: Key | None = None) -> ModelPage:
        """The models that hold this weight content."""
        rows = self._parts.holders(digest)
        begin = int(np.searchsorted(rows, self._selection.place(Order.DOWNLOADS, after))) if after else 0
        page = rows[begin : begin + first].tolist()
        keys = tuple(self._selection.key(row, Order.DOWNLOADS) for row in page)
        return ModelPage(tuple(self._models.records(page)), keys, len(rows) > begin + first)

    async def coverage(self) -> Coverage:
        """What the catalogue holds."""
        return self._coverage

    async def atlas(self) -> EmbeddedAtlas:
        """The map; one at a time makes it, outside the event loop."""
        async with self._drawing:
            if self._atlas is None:
                folder = await asyncio.to_thread(build_atlas, self._snapshot)
                self._atlas = EmbeddedAtlas(folder, self._models.records, self._models.row, self._passing)
            return self._atlas

    def _passing(self, where: ModelFilter) -> Array:
        return self._selection.rows(where)

    async def close(self) -> None:
        """Maps are given back when the last answer that uses them is gone."""
        self._models.forget()

    def _derived(self, row: int | None, where: EdgeFilter, first: int, after: Key | None) -> DerivationPage:
        if row is None:
            return DerivationPage((), (), has_next=False, total=0)
        page, rows = self._lineages.page_below(row, where, first, after, self._selection)
        self._models.meet([edge.model for edge in page.derivations], rows)
        return page

    def _part(self, table: str, id: str) -> list[dict[str, Any]]:
        return self._parts.of(table, self._models.row(id))
