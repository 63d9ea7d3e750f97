"""This file knows how each question of the port is asked of a Neo4j server: one static query, one record back."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from graph.errors import Damaged, NotFound
from graph.progress import Progress
from graph.records import (
    AbilityRecord,
    ClaimRecord,
    DatasetRecord,
    DerivationRecord,
    Direction,
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
from graph.stores.neo4j import rows
from graph.stores.neo4j.arrays import Arrays, Opened
from graph.stores.neo4j.asking import OpenGraph, distinct
from graph.stores.neo4j.connection import Server
from graph.stores.neo4j.projection import UNKNOWN_KEY
from graph.stores.neo4j.walking import Around, Side, shortest, walk

KEPT_RECORDS = 20_000  # models
EVERYTHING = 2**31 - 1


async def open_neo4j(
    server: Server, cache: Path | None = None, *, ahead: bool = False, progress: Progress | None = None
) -> Neo4jStore:
    """A store over a loaded graph. Raises NotFound when nothing is loaded, Unreachable while it is not whole.

    The arrays are fetched when the first list is asked for, or now (``ahead``), and kept in ``cache``, if given.
    """
    graph = await OpenGraph.at(server)
    store = Neo4jStore(graph, Arrays(server, graph.snapshot, cache, progress))
    if ahead:
        try:
            await store.find(ModelFilter(), first=1)
        except BaseException:
            await store.close()
            raise
    return store


class Neo4jStore:
    """Answers from one loaded graph. See ``graph.store.Store`` for what each question means.

    Lists are made in process, by the arrays that the graph carries; so are derivations and lineages, once these were fetched and
    where they hold all that is wanted of models. All else is asked in Cypher.
    """

    def __init__(self, graph: OpenGraph, arrays: Arrays) -> None:
        self._graph, self._arrays = graph, arrays
        self._ready: OrderedDict[str, ModelRecord] = OrderedDict()  # those met lately

    @property
    def snapshot(self) -> str:
        """The id of the snapshot that the graph held when this store was opened."""
        return self._graph.snapshot

    async def resolve(self, names: Sequence[str]) -> list[str | None]:
        """Exact id, else hub id, else alias, else any case."""
        if not names:
            return []
        found = await self._graph.ask("resolve", names=list(names), lower=[name.lower() for name in names])
        return [id for (id,) in found]

    async def models(self, ids: Sequence[str]) -> list[ModelRecord | None]:
        """The records of these ids."""
        found = {id: self._ready[id] for id in ids if id in self._ready}
        absent = [id for id in distinct(ids) if id not in found]
        if absent:
            found |= self._met(await self._graph.ask("models", ids=absent))
        return [found.get(id) for id in ids]

    def _met(self, answer: Iterable[rows.Row]) -> dict[str, ModelRecord]:
        """Records of these rows, kept for who asks next."""
        found = {row[0]: rows.model(row) for row in answer}
        self._ready.update(found)
        while len(self._ready) > KEPT_RECORDS:
            self._ready.popitem(last=False)
        return found

    async def find(
        self, where: ModelFilter, order: Order = Order.DOWNLOADS, first: int = 20, after: Key | None = None
    ) -> ModelPage:
        """A page of models."""
        selection = (await self._arrays.opened()).selection
        rows, has_next = selection.page(where, order, first, after)
        keys = tuple(selection.key(row, order) for row in rows)
        return ModelPage(await self._named(key.id for key in keys), keys, has_next)

    async def find_folded(
        self,
        where: ModelFilter,
        collapse: Collapse,
        order: Order = Order.DOWNLOADS,
        first: int = 20,
        after: Key | None = None,
    ) -> FoldedPage:
        """A page of models that stand for their groups."""
        selection = (await self._arrays.opened()).selection
        rows, folded, has_next = selection.folded_page(where, collapse, order, first, after)
        keys = tuple(selection.key(row, order) for row in rows)
        return FoldedPage(await self._named(key.id for key in keys), keys, tuple(folded), has_next)

    async def count_folded(self, where: ModelFilter, collapse: Collapse) -> int:
        """How many groups pass."""
        return (await self._arrays.opened()).selection.folded_count(where, collapse)

    async def count(self, where: ModelFilter) -> int:
        """How many models pass."""
        return (await self._arrays.opened()).selection.count(where)

    async def facets(self, where: ModelFilter, by: Sequence[Facet], first: int = 50) -> list[FacetCount]:
        """Counts by facet."""
        return (await self._arrays.opened()).selection.facets(where, by, first)

    async def contradicted(
        self, where: ModelFilter, doubt: Doubt, first: int = 20, after: Key | None = None
    ) -> ContradictedPage:
        """Models whose weights contradict what is said of them."""
        arrays = await self._arrays.opened()
        rows, found, has_next, total = arrays.contradicted.page(where, doubt, first, after)
        keys = tuple(arrays.selection.key(row, Order.DOWNLOADS) for row in rows)
        return ContradictedPage(await self._named(key.id for key in keys), found, keys, has_next, total)

    async def _named(self, ids: Iterable[str]) -> tuple[ModelRecord, ...]:
        """The records of models that lists name. Raises Damaged when the graph has lost one."""
        wanted = list(ids)
        found = await self.models(wanted)
        lost = [id for id, record in zip(wanted, found, strict=True) if record is None]
        if lost:
            raise Damaged(
                f"the graph at {self._graph.server.address} has no model {lost[0]}, which its lists name: "
                "`stemma load --verify` tells what else is wrong"
            )
        return tuple(record for record in found if record is not None)

    async def base_models(self, ids: Sequence[str]) -> list[tuple[DerivationRecord, ...]]:
        """Derivations towards base models."""
        arrays = self._arrays.at_hand
        if arrays is not None:
            return [() if row is None else arrays.lineages.above(row) for row in map(arrays.held.row, ids)]
        found: dict[str, list[DerivationRecord]] = {id: [] for id in ids}
        answer = await self._graph.ask("base_models", ids=list(found)) if ids else ()
        self._met(row[7] for row in answer)  # who asks for derivations asks for their ends
        for row in answer:
            found[row[0]].append(rows.derivation(row))
        return [tuple(found[id]) for id in ids]

    async def derived_models(
        self, ids: Sequence[str], where: EdgeFilter, first: int = 20, after: Key | None = None
    ) -> list[DerivationPage]:
        """Derivations towards these base models, by downloads."""
        if not ids:
            return []
        arrays = self._arrays.at_hand
        if arrays is not None:
            return [_derived(arrays, id, where, first, after)[0] for id in ids]
        found = await self._graph.ask("derived_models", ids=distinct(ids), **_edges(where), **_page_after(first, after))
        pages = {}
        for id, total, page in found:
            shown = tuple(rows.derivation(row) for row in page[:first])
            known = self._met(row[7] for row in page[:first])
            keys = tuple(Key(known[row[0]].downloads, row[0]) for row in page[:first])
            pages[id] = DerivationPage(shown, keys, len(page) > first, total)
        return [pages[id] for id in ids]

    async def near(self, id: str, first: int, wanted: Sequence[str]) -> Near | None:
        """A model with its derivations on both sides, in one trip."""
        fields = tuple(wanted)
        arrays = self._arrays.at_hand
        if arrays is not None and arrays.held.has(fields):
            return await self._near(arrays, id, first, fields)
        found = await self._graph.ask("near", id=id, limit=first + 1 if first else 0, fields=fields)
        if found is None:
            return None
        model, above, total, below = found
        read, bases = rows.some(fields), tuple(map(rows.derivation, above))
        ends = {row[1]: read(row[7]) for row in above}
        if not first:
            return Near(rows.model(model), bases, None, ends)
        shown = below[:first]
        ends |= {row[0]: read(row[7]) for row in shown}
        keys = tuple(Key(row[8], row[0]) for row in shown)
        page = DerivationPage(tuple(map(rows.derivation, shown)), keys, len(below) > first, total)
        return Near(rows.model(model), bases, page, ends)

    async def _near(self, arrays: Opened, id: str, first: int, fields: tuple[str, ...]) -> Near | None:
        """The same by the arrays: of the model alone the whole record is asked for."""
        (model,) = await self.models([id])
        row = arrays.held.row(id)
        if model is None or row is None:
            return None
        bases = arrays.lineages.above(row)
        derived, children = _derived(arrays, id, EdgeFilter(), first, None) if first else (None, [])
        others = [parent for base in bases if (parent := arrays.held.row(base.base_model)) is not None] + children
        ids, *columns = arrays.held.columns(np.array(others, dtype=np.int64), ("id", *fields))
        values = zip(*columns, strict=True) if fields else [()] * len(ids)
        return Near(model, bases, derived, dict(zip(ids, map(rows.some(fields), values), strict=True)))

    async def derived_counts(self, ids: Sequence[str]) -> list[dict[Relation, int]]:
        """Counts of derived models by relation."""
        arrays = self._arrays.at_hand
        if arrays is not None:
            return [{} if row is None else arrays.lineages.counts_below(row) for row in map(arrays.held.row, ids)]
        found: dict[str, dict[Relation, int]] = {id: {} for id in ids}
        for id, relation, count in await self._graph.ask("derived_counts", ids=list(found)) if ids else ():
            found[id][Relation(relation)] = count
        return [dict(found[id]) for id in ids]

    async def claims(self, ids: Sequence[str]) -> list[tuple[ClaimRecord, ...]]:
        """Claims that these were made from something."""
        found: dict[str, list[ClaimRecord]] = {id: [] for id in ids}
        for row in await self._graph.ask("claims", ids=list(found)) if ids else ():
            found[row[0]] += rows.claims(row)
        return [tuple(found[id]) for id in ids]

    async def walk(
        self, id: str, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want = WANT
    ) -> Walk:
        """The lineage around one model."""
        arrays = self._arrays.at_hand
        if arrays is not None and arrays.held.has(want.fields):
            return _walked(arrays, id, direction, where, depth, limit, want)
        around = await self._around(id, direction, where, depth, limit, want)
        both = min(len(around.ancestor_distances), len(around.descendant_distances)) > 0
        longest = max(len(around.ancestor_distances), len(around.descendant_distances))
        if around.cyclic and both and longest >= limit:  # what is on both sides must be known before it is cut
            around = await self._around(id, direction, where, depth, EVERYTHING, want)
        return walk(around, direction, limit, want)

    async def _around(
        self, id: str, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want
    ) -> Around:
        parameters = {"id": id, "limit": limit, "depth": depth, "fields": want.fields}
        links = want.edges or want.hidden
        if direction is Direction.ANCESTORS and where == EdgeFilter() and not links:
            found = await self._graph.ask("walk_ancestors", **parameters)
        else:
            parameters |= {
                "up": direction is not Direction.DESCENDANTS,
                "down": direction is not Direction.ANCESTORS,
                "edges": links,
                "degrees": want.hidden,
            }
            found = await self._graph.ask("walk", **parameters) if where == EdgeFilter() else None
            if found is None or found[2] is None:  # a filter, or a snapshot that did not count descendants
                found = await self._graph.ask("walk_filtered", **parameters, **_edges(where))
        if found is None:
            raise NotFound("model", id)
        return Around(*found)

    async def path(self, start: str, end: str, limit: int) -> list[tuple[str, ...]]:
        """Shortest chains: their length from the server, then the models between, level by level from both ends."""
        if start == end:
            return [(start,)] if (await self.models([start]))[0] is not None and limit > 0 else []
        length = await self._graph.ask("path_length", start=start, end=end)
        if length is None or limit <= 0:
            return []
        near, far = Side(start), Side(end)
        for _ in range(length):
            side = near if len(near.frontier) <= len(far.frontier) else far
            side.grow(await self._graph.ask("neighbours", ids=side.frontier))
        chains = shortest(near, far, start, end, length)
        return [chain for chain, _ in zip(chains, range(limit), strict=False)]

    async def similar(self, id: str, first: int = 10) -> tuple[SimilarRecord, ...]:
        """The models whose weights are most alike."""
        return tuple(rows.similar(row) for row in await self._graph.ask("similar", id=id, limit=first))

    async def tensors(self, id: str) -> tuple[TensorRecord, ...]:
        """The tensors of a model."""
        return tuple(rows.tensor(row) for row in await self._graph.ask("tensors", id=id))

    async def tensor_places(self, digest: str, first: int = 100) -> TensorPlaces:
        """Where a tensor's content lies."""
        places, models = await self._graph.ask("tensor_places", digest=digest, limit=first)
        return TensorPlaces(tuple(rows.tensor(row) for row in places), models)

    async def novelty(self, ids: Sequence[str]) -> list[NoveltyRecord | None]:
        """The facts behind each model's novelty."""
        return await self._graph.each("novelty", ids, rows.novelty)

    async def abilities(self, ids: Sequence[str]) -> list[AbilityRecord | None]:
        """The ability of each model."""
        return await self._graph.each("abilities", ids, rows.ability)

    async def standings(self, ids: Sequence[str]) -> list[StandingRecord | None]:
        """The standing of each model."""
        return await self._graph.each("standings", ids, rows.standing)

    async def successors(self, ids: Sequence[str]) -> list[tuple[SuccessorRecord, ...]]:
        """The successors of each model."""
        return await self._graph.grouped("successors", ids, rows.successor)

    async def results(self, id: str) -> tuple[ResultRecord, ...]:
        """The results of a model."""
        return tuple(rows.result(row) for row in await self._graph.ask("results", id=id))

    async def datasets(self, names: Sequence[str]) -> list[DatasetRecord | None]:
        """The datasets of these ids, any case."""
        if not names:
            return []
        found = await self._graph.ask("datasets", names=list(names), lower=[name.lower() for name in names])
        return [None if row is None else rows.dataset(row) for (row,) in found]

    async def trainings(self, ids: Sequence[str]) -> list[tuple[TrainingRecord, ...]]:
        """Datasets that these models say they were trained on."""
        return await self._graph.grouped("trainings", ids, rows.training)

    async def files(self, id: str) -> tuple[FileRecord, ...]:
        """The files of a model."""
        return tuple(rows.file(row) for row in await self._graph.ask("files", id=id))

    async def file_places(self, sha256: str, first: int = 100) -> tuple[FileRecord, ...]:
        """Where a content lies."""
        return tuple(rows.file(row) for row in await self._graph.ask("file_places", sha256=sha256, limit=first))

    async def weights(self, digest: str) -> WeightsRecord | None:
        """One weight content."""
        found = await self._graph.ask("weights", digest=digest)
        return None if found[0] is None else rows.weights(found)

    async def weights_of(self, ids: Sequence[str]) -> list[str | None]:
        """The weight contents of these models."""
        return await self._graph.each("weights_of", ids, str)

    async def holders(self, digest: str, first: int = 20, after: Key | None = None) -> ModelPage:
        """The models that hold a weight content, by downloads."""
        found = await self._graph.ask("holders", digest=digest, **_page_after(first, after))
        models = tuple(map(rows.model, found[:first]))
        return ModelPage(models, tuple(Key(model.downloads, model.id) for model in models), len(found) > first)

    async def coverage(self) -> Coverage:
        """What the catalogue holds."""
        return Coverage(**json.loads(await self._graph.ask("coverage")))

    async def atlas(self) -> None:
        """A map lies beside a snapshot; a graph database has none."""

    async def close(self) -> None:
        """Give back the connections."""
        self._ready.clear()
        self._arrays.close()
        await self._graph.close()


def _derived(
    arrays: Opened, id: str, where: EdgeFilter, first: int, after: Key | None
) -> tuple[DerivationPage, list[int]]:
    """(a page of the derivations whose base model this is, by the arrays; the rows of their derived models)."""
    row = arrays.held.row(id)
    if row is None:
        return DerivationPage((), (), has_next=False, total=0), []
    return arrays.lineages.page_below(row, where, first, after, arrays.selection)


def _walked(
    arrays: Opened, id: str, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want
) -> Walk:
    """The lineage around one model, by the arrays. Raises NotFound."""
    root = arrays.held.row(id)
    if root is None:
        raise NotFound("model", id)
    around = arrays.lineages.around(root, direction, where, depth, limit, want)
    columns = arrays.held.columns(around.rows, want.fields)
    models = tuple(map(rows.some(want.fields), zip(*columns, strict=True))) if columns else ()
    return arrays.lineages.walk(around, arrays.selection.ids.many(around.rows), models)


def _edges(where: EdgeFilter) -> dict[str, object]:
    return {
        "relations": None if where.relations is None else sorted(where.relations),
        "evidence": None if where.evidence is None else sorted(where.evidence),
    }


def _page_after(first: int, after: Key | None) -> dict[str, object]:
    """The parameter of a page by downloads, which is asked for with one row more."""
    least = -UNKNOWN_KEY - 1
    key = least if after is None else UNKNOWN_KEY if after.value is None else 0 - after.value
    return {"page": {"key": key, "after": "" if after is None else after.id, "limit": first + 1}}
