"""This file knows the embedded engine: the store port answered from a snapshot's mapped index, in process."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow as pa

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
    State,
    TensorRecord,
    TrainingRecord,
    WeightsRecord,
)
from graph.snapshot import Snapshot
from graph.store import (
    EVERY_FIELD,
    WANT,
    Collapse,
    Coverage,
    DerivationPage,
    EdgeFilter,
    Facet,
    FacetCount,
    FoldedPage,
    Hidden,
    Key,
    ModelFilter,
    ModelPage,
    Near,
    Order,
    TensorPlaces,
    Walk,
    WalkNode,
    Want,
)
from graph.stores.embedded.arrays import Array, Shelf
from graph.stores.embedded.atlas import build_atlas
from graph.stores.embedded.index import CONFLICT, CYCLE, EVIDENCE, RELATIONS, build_index, table_rows, tensor_key
from graph.stores.embedded.kin import Kin
from graph.stores.embedded.names import Groups, Lookup, Texts
from graph.stores.embedded.packed import Packed
from graph.stores.embedded.points import EmbeddedAtlas
from graph.stores.embedded.selection import Selection

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")
_KEPT = 50_000  # model records kept ready
_RELATION = [Relation(word) for word in RELATIONS]
_EVIDENCE_OF = [
    tuple(Evidence(word) for at, word in enumerate(EVIDENCE) if mask >> at & 1) for mask in range(1 << len(EVIDENCE))
]


class EmbeddedStore:
    """Answers from one snapshot. Methods are coroutines for the port's sake; none of them waits."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        shelf = Shelf(build_index(snapshot))
        self._ids = Texts(shelf, "id")
        self._aliases = Texts(shelf, "alias")
        self._alias_model = shelf.get("alias_model")
        self._by_folded, self._by_hub_id = Lookup(shelf, "folded"), Lookup(shelf, "hub_id")
        self._by_alias, self._by_sha256 = Lookup(shelf, "alias"), Lookup(shelf, "sha256")
        self._by_digest, self._by_dataset = Lookup(shelf, "digest"), Lookup(shelf, "dataset")
        self._packed = Packed(shelf)
        self._tables = {
            name: shelf.get_table(name)
            for name in (
                "claims",
                "files",
                "datasets",
                "weights",
                "similar",
                "tensors",
                "novelty",
                "results",
                "abilities",
            )
        }
        self._offsets = {
            name: shelf.get(f"{name}_offsets")
            for name in ("claims", "files", "trainings", "similar", "tensors", "novelty", "results", "abilities")
        }
        self._trainings_dataset, self._trainings_mask = shelf.get("trainings_dataset"), shelf.get("trainings_mask")
        self._holders, self._weights_of = Groups(shelf, "holders"), shelf.get("weights_of")
        self._tensor_key, self._tensor_row = shelf.get("tensor_key"), shelf.get("tensor_row")
        self._name_rank = shelf.get("name_rank")
        self._kin = Kin(shelf, len(self._ids))
        self._selection = Selection(shelf, self._ids, Groups(shelf, "trained"))
        self._coverage = Coverage(**shelf.get_facts("coverage"))
        self._ready: OrderedDict[int, ModelRecord] = OrderedDict()
        self._rows_of: dict[str, int] = {}  # of ids met lately
        self._atlas: EmbeddedAtlas | None = None
        self._drawing = asyncio.Lock()

    @property
    def snapshot(self) -> str:
        """The id of the snapshot."""
        return self._snapshot.id

    async def resolve(self, names: Sequence[str]) -> list[str | None]:
        """Canonical ids for any spelling."""
        rows = [self._resolve(name) for name in names]
        return [None if row is None else self._ids[row] for row in rows]

    async def models(self, ids: Sequence[str]) -> list[ModelRecord | None]:
        """The records of these ids."""
        rows = [self._row(id) for id in ids]
        known = iter(self._records([row for row in rows if row is not None]))
        return [None if row is None else next(known) for row in rows]

    async def find(
        self, where: ModelFilter, order: Order = Order.DOWNLOADS, first: int = 20, after: Key | None = None
    ) -> ModelPage:
        """One page of models in an order."""
        rows, has_next = self._selection.page(where, self._dataset_number(where), order, first, after)
        return ModelPage(tuple(self._records(rows)), tuple(self._selection.key(row, order) for row in rows), has_next)

    async def find_folded(
        self,
        where: ModelFilter,
        collapse: Collapse,
        order: Order = Order.DOWNLOADS,
        first: int = 20,
        after: Key | None = None,
    ) -> FoldedPage:
        """One page of models that stand for their groups."""
        dataset = self._dataset_number(where)
        rows, folded, has_next = self._selection.folded_page(where, dataset, collapse, order, first, after)
        keys = tuple(self._selection.key(row, order) for row in rows)
        return FoldedPage(tuple(self._records(rows)), keys, tuple(folded), has_next)

    async def count_folded(self, where: ModelFilter, collapse: Collapse) -> int:
        """How many groups pass."""
        return self._selection.folded_count(where, self._dataset_number(where), collapse)

    async def count(self, where: ModelFilter) -> int:
        """How many models pass."""
        return self._selection.count(where, self._dataset_number(where))

    async def facets(self, where: ModelFilter, by: Sequence[Facet], first: int = 50) -> list[FacetCount]:
        """Counts by facet."""
        return self._selection.facets(where, self._dataset_number(where), by, first)

    async def base_models(self, ids: Sequence[str]) -> list[tuple[DerivationRecord, ...]]:
        """Derivations towards base models."""
        out: list[tuple[DerivationRecord, ...]] = []
        for row in map(self._row, ids):
            edges = range(0) if row is None else range(int(self._kin.up[row]), int(self._kin.up[row + 1]))
            out.append(tuple(self._derivations(np.array(edges, dtype=np.int64))))
        return out

    async def derived_models(
        self, ids: Sequence[str], where: EdgeFilter, first: int = 20, after: Key | None = None
    ) -> list[DerivationPage]:
        """A page of the derivations whose base model each is."""
        return [self._derived(self._row(id), where, first, after) for id in ids]

    async def near(self, id: str, first: int, wanted: Sequence[str]) -> Near | None:
        """A model with its derivations on both sides; the other ends are whole records."""
        (model,), (bases,) = await self.models([id]), await self.base_models([id])
        if model is None:
            return None
        derived = self._derived(self._row(id), EdgeFilter(), first, None) if first else None
        others = [edge.base_model for edge in bases]
        others += [edge.model for edge in derived.derivations] if derived else []
        return Near(model, bases, derived, dict(zip(others, await self.models(others), strict=True)))

    async def derived_counts(self, ids: Sequence[str]) -> list[dict[Relation, int]]:
        """How many derivations name each as base model, by relation."""
        out = []
        for row in map(self._row, ids):
            begin, end = (0, 0) if row is None else (int(self._kin.down[row]), int(self._kin.down[row + 1]))
            tally = np.bincount(self._kin.kind[self._kin.down_edge[begin:end]], minlength=len(_RELATION)).tolist()
            out.append({relation: count for relation, count in zip(_RELATION, tally, strict=True) if count})
        return out

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

    async def walk(
        self, id: str, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want = WANT
    ) -> Walk:
        """The lineage around one model."""
        root = self._row(id)
        if root is None:
            raise NotFound("model", id)
        up = self._kin.levels(root, where, up=True) if direction is not Direction.DESCENDANTS else []
        counted = None
        if direction is Direction.DESCENDANTS and where == EdgeFilter():
            counted = self._packed.some(np.array([root]), ("descendants",))[0].descendants
        enough = None if counted is None else limit
        down = self._kin.levels(root, where, up=False, enough=enough) if direction is not Direction.ANCESTORS else []
        rows, distances = self._shown(root, up, down, depth, limit)
        models = self._wanted(rows, want.fields)
        names = [model.id for model in models] or self._ids.many(rows)
        if not models:
            self._meet(names, rows.tolist())
        edges: tuple[DerivationRecord, ...] = ()
        hidden: tuple[Hidden, ...] = ()
        if want.edges or want.hidden:
            _, above = self._kin.edges_up(rows, where)
            inside = above[np.isin(self._kin.base[above], rows, kind="table")]
            if want.edges:
                edges = tuple(self._derivations(self._by_name(inside)))
            if want.hidden:
                hidden = tuple(self._hidden(rows, names, np.array(distances), inside, direction, where))
        nodes = tuple(map(WalkNode, names, distances))
        total = sum(map(len, down)) if counted is None else counted
        return Walk(nodes, edges, sum(map(len, up)), total, hidden, models)

    async def path(self, start: str, end: str, limit: int) -> list[tuple[str, ...]]:
        """Shortest chains between two models."""
        here, there = self._row(start), self._row(end)
        if here is None or there is None:
            return []
        distance = self._kin.distances_to(there, here)
        found: list[tuple[str, ...]] = []
        if distance is None:
            return found
        waiting = [[here]]
        while waiting and len(found) < limit:
            chain = waiting.pop()
            left = distance[chain[-1]]
            if left == 0:
                found.append(tuple(self._ids[row] for row in chain))
                continue
            nearer = [
                row for row in self._kin.neighbours(np.array([chain[-1]])).tolist() if distance.get(row) == left - 1
            ]
            nearer.sort(key=lambda row: self._ids[row].encode(), reverse=True)  # the first by name is taken next
            waiting += [[*chain, row] for row in nearer]
        return found

    async def similar(self, id: str, first: int = 10) -> tuple[SimilarRecord, ...]:
        """The models whose weights are most alike."""
        found = msgspec.convert(self._part("similar", id), list[SimilarRecord])
        return tuple(sorted(found, key=lambda record: (-record.cosine, record.other.encode()))[:first])

    async def tensors(self, id: str) -> tuple[TensorRecord, ...]:
        """The tensors of a model."""
        return tuple(TensorRecord(**row) for row in self._part("tensors", id))

    async def tensor_places(self, digest: str, first: int = 100) -> TensorPlaces:
        """Where a tensor's content lies."""
        key = tensor_key(digest)
        begin, end = (int(np.searchsorted(self._tensor_key, key, side=side)) for side in _SIDES)
        rows: list[dict[str, Any]] = table_rows(self._tables["tensors"], self._tensor_row[begin:end])
        found = [TensorRecord(**row) for row in rows if row["digest"] == digest]
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

    async def results(self, id: str) -> tuple[ResultRecord, ...]:
        """The results of a model."""
        return tuple(msgspec.convert(self._part("results", id), list[ResultRecord]))

    async def dataset(self, name: str) -> DatasetRecord | None:
        """The dataset of that id."""
        number = self._dataset(name)
        return None if number is None else _dataset(table_rows(self._tables["datasets"], np.array([number]))[0])

    async def trainings(self, ids: Sequence[str]) -> list[tuple[TrainingRecord, ...]]:
        """The datasets that each model says it was trained on."""
        column = self._tables["datasets"].column("id")
        out = []
        for id in ids:
            places = self._places("trainings", id)
            names = column.take(pa.array(self._trainings_dataset[places])).to_pylist()
            masks = self._trainings_mask[places].tolist()
            out.append(
                tuple(TrainingRecord(id, name, _EVIDENCE_OF[mask]) for name, mask in zip(names, masks, strict=True))
            )
        return out

    async def files(self, id: str) -> tuple[FileRecord, ...]:
        """The known files of a model."""
        return tuple(FileRecord(**row) for row in self._part("files", id))

    async def file_places(self, sha256: str, first: int = 100) -> tuple[FileRecord, ...]:
        """The files with this content."""
        places = np.array([*self._by_sha256.candidates(sha256)], dtype=np.int64)
        rows: list[dict[str, Any]] = table_rows(self._tables["files"], places)
        files = [FileRecord(**row) for row in rows if row["sha256"] == sha256]
        return tuple(sorted(files, key=lambda file: (file.model.encode(), file.path.encode()))[:first])

    async def weights(self, digest: str) -> WeightsRecord | None:
        """One distinct weight content."""
        number = self._content(digest)
        if number is None:
            return None
        row: dict[str, Any] = table_rows(self._tables["weights"], np.array([number]))[0]
        return WeightsRecord(**row)

    async def weights_of(self, ids: Sequence[str]) -> list[str | None]:
        """The digest of each model's weight content."""
        column = self._tables["weights"].column("digest")
        numbers = [-1 if row is None else int(self._weights_of[row]) for row in map(self._row, ids)]
        return [None if number < 0 else column[number].as_py() for number in numbers]

    async def holders(self, digest: str, first: int = 20, after: Key | None = None) -> ModelPage:
        """The models that hold this weight content."""
        number = self._content(digest)
        rows = self._holders.of(number) if number is not None else np.empty(0, dtype=np.int32)
        begin = int(np.searchsorted(rows, self._selection.place(Order.DOWNLOADS, after))) if after else 0
        page = rows[begin : begin + first].tolist()
        keys = tuple(self._selection.key(row, Order.DOWNLOADS) for row in page)
        return ModelPage(tuple(self._records(page)), keys, len(rows) > begin + first)

    async def coverage(self) -> Coverage:
        """What the catalogue holds."""
        return self._coverage

    async def atlas(self) -> EmbeddedAtlas:
        """The map; one at a time makes it, outside the event loop."""
        async with self._drawing:
            if self._atlas is None:
                folder = await asyncio.to_thread(build_atlas, self._snapshot)
                self._atlas = EmbeddedAtlas(folder, self._records, self._row, self._passing)
            return self._atlas

    def _passing(self, where: ModelFilter) -> Array:
        return self._selection.rows(where, self._dataset_number(where))

    async def close(self) -> None:
        """Maps are given back when the last answer that uses them is gone."""
        self._ready.clear()
        self._rows_of.clear()

    def _row(self, id: str) -> int | None:
        """The row of a canonical id."""
        met = self._rows_of.get(id)
        if met is not None:
            return met
        for row in self._by_folded.candidates(id.lower()):
            if self._ids[row] == id:
                return row
        return None

    def _meet(self, ids: Sequence[str], rows: Sequence[int]) -> None:
        """Remember where these are: they are likely to be asked for next."""
        if len(self._rows_of) > _KEPT:
            self._rows_of.clear()
        self._rows_of.update(zip(ids, rows, strict=True))

    def _resolve(self, name: str) -> int | None:
        folded = name.lower()
        same = [row for row in self._by_folded.candidates(folded) if self._ids[row].lower() == folded]
        for row in same:
            if self._ids[row] == name:
                return row
        for row in self._by_hub_id.candidates(name):
            if self._records([row])[0].hub_id == name:
                return row
        aliases = [at for at in self._by_alias.candidates(folded) if self._aliases[at].lower() == folded]
        for at in aliases:
            if self._aliases[at] == name:
                return int(self._alias_model[at])
        if same:
            return min(same, key=lambda row: (self._records([row])[0].state is State.MISSING, row))
        if aliases:
            return int(self._alias_model[min(aliases, key=lambda at: self._aliases[at].encode())])
        return None

    def _records(self, rows: Sequence[int]) -> list[ModelRecord]:
        """Records of rows; those asked for lately are kept."""
        ready = self._ready
        absent = [row for row in dict.fromkeys(rows) if row not in ready]
        if absent:
            ready.update(zip(absent, self._packed.many(absent), strict=True))
        found = [ready[row] for row in rows]
        while len(ready) > _KEPT:
            ready.popitem(last=False)
        return found

    def _wanted(self, rows: Array, names: tuple[str, ...]) -> tuple[Any, ...]:
        """What is wanted of the models of these rows, and their ids."""
        if not names:
            return ()
        if names == EVERY_FIELD:
            return tuple(self._records(rows.tolist()))
        return tuple(self._packed.some(rows, names if "id" in names else ("id", *names)))

    def _derivations(self, edges: Array) -> Iterable[DerivationRecord]:
        kin = self._kin
        confidence = [None if value != value else value for value in kin.confidence[edges].tolist()]  # noqa: PLR0124 - NaN
        flags = kin.flags[edges]
        return map(
            DerivationRecord,
            self._ids.many(kin.child[edges]),
            self._ids.many(kin.base[edges]),
            [_RELATION[kind] for kind in kin.kind[edges].tolist()],
            [_EVIDENCE_OF[mask] for mask in kin.mask[edges].tolist()],
            confidence,
            ((flags & CONFLICT) != 0).tolist(),
            ((flags & CYCLE) != 0).tolist(),
        )

    def _derived(self, row: int | None, where: EdgeFilter, first: int, after: Key | None) -> DerivationPage:
        if row is None:
            return DerivationPage((), (), has_next=False, total=0)
        _, edges = self._kin.edges_down(np.array([row]), where)
        begin = 0
        if after:
            begin = int(np.searchsorted(self._kin.child[edges], self._selection.place(Order.DOWNLOADS, after)))
        page = edges[begin : begin + first]
        keys = tuple(self._selection.key(int(child), Order.DOWNLOADS) for child in self._kin.child[page])
        derivations = tuple(self._derivations(page))
        self._meet([edge.model for edge in derivations], self._kin.child[page].tolist())
        return DerivationPage(derivations, keys, len(edges) > begin + first, len(edges))

    @staticmethod
    def _shown(root: int, up: list[Array], down: list[Array], depth: int, limit: int) -> tuple[Array, list[int]]:
        """(rows, distances) of what is shown, in the order of ``Walk.nodes``."""
        if not (up and down):  # nothing can be on both sides
            levels = (up or down)[:depth]
            signs = [-steps if up else steps for steps in range(1, len(levels) + 1)]
            far = np.repeat([0, *signs], [1, *map(len, levels)])[: limit + 1]
            return np.concatenate([[root], *levels]).astype(np.int64)[: limit + 1], far.tolist()
        above = {row: -steps for steps, level in enumerate(up, 1) for row in level.tolist()}
        below = {row: steps for steps, level in enumerate(down, 1) for row in level.tolist()}
        both = above.keys() & below.keys()
        rows, distances = [root], [0]
        for steps, level in enumerate(up[:depth], 1):
            kept = [row for row in level.tolist() if row not in both or steps <= below[row]]
            rows += kept
            distances += [-steps] * len(kept)
        for steps, level in enumerate(down[:depth], 1):
            kept = [row for row in level.tolist() if row not in both or steps < -above[row]]
            rows += kept
            distances += [steps] * len(kept)
        return np.array(rows[: limit + 1], dtype=np.int64), distances[: limit + 1]

    def _by_name(self, edges: Array) -> Array:
        """Derivations by (model, base model)."""
        order: Array = np.lexsort((self._name_rank[self._kin.base[edges]], self._name_rank[self._kin.child[edges]]))
        return edges[order]

    def _hidden(
        self, rows: Array, names: list[str], distances: Array, inside: Array, direction: Direction, where: EdgeFilter
    ) -> Iterable[Hidden]:
        """Neighbours that are not shown, of those that are: all that they have, less those along derivations ``inside``."""
        total = np.zeros(len(rows), dtype=np.int64)
        order = np.argsort(rows)

        def count(shown: Array, neighbours: Array, ends: Array) -> None:
            """Add the neighbours (places in ``shown``) of shown rows, take away those that are ends of derivations inside."""
            total[shown] += np.bincount(neighbours, minlength=len(shown))
            taken = np.bincount(order[np.searchsorted(rows, ends, sorter=order)], minlength=len(rows))
            total[shown] -= taken[shown]

        if direction is not Direction.DESCENDANTS:
            shown = np.flatnonzero(distances <= 0)
            count(shown, self._kin.edges_up(rows[shown], where)[0], self._kin.child[inside])
        if direction is not Direction.ANCESTORS:
            shown = np.flatnonzero(distances >= 0)
            count(shown, self._kin.edges_down(rows[shown], where)[0], self._kin.base[inside])
        return (Hidden(names[at], int(total[at])) for at in np.flatnonzero(total > 0))

    def _places(self, table: str, id: str) -> slice:
        row = self._row(id)
        offsets = self._offsets[table]
        return slice(0, 0) if row is None else slice(int(offsets[row]), int(offsets[row + 1]))

    def _part(self, table: str, id: str) -> list[dict[str, Any]]:
        places = self._places(table, id)
        rows: list[dict[str, Any]] = self._tables[table].slice(places.start, places.stop - places.start).to_pylist()
        return rows

    def _dataset(self, name: str) -> int | None:
        column, folded = self._tables["datasets"].column("id"), name.lower()
        same = [row for row in self._by_dataset.candidates(folded) if column[row].as_py().lower() == folded]
        exact = [row for row in same if column[row].as_py() == name]
        return exact[0] if exact else same[0] if same else None

    def _dataset_number(self, where: ModelFilter) -> int | None:
        if where.dataset is None:
            return None
        number = self._dataset(where.dataset)
        return -1 if number is None else number

    def _content(self, digest: str) -> int | None:
        column = self._tables["weights"].column("digest")
        return next((row for row in self._by_digest.candidates(digest) if column[row].as_py() == digest), None)


def _time(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


def _dataset(row: dict[str, Any]) -> DatasetRecord:
    row["state"] = State(row["state"])
    row["created_at"], row["modified_at"] = _time(row["created_at"]), _time(row["modified_at"])
    row["tags"], row["languages"] = tuple(row["tags"]), tuple(row["languages"])
    return DatasetRecord(**row)
