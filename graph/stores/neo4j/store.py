"""This file knows how each question of the port is asked of a Neo4j server: one static query, one record back."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graph.errors import NotFound, Unreachable
from graph.records import (
    AbilityRecord,
    ClaimRecord,
    Contradicts,
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
from graph.store import (
    SIZE_CLASSES,
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
from graph.stores.neo4j import finding, rows
from graph.stores.neo4j.connection import Asker, Server
from graph.stores.neo4j.facets import KEPT_FACETS
from graph.stores.neo4j.projection import FORM
from graph.stores.neo4j.statements import statement
from graph.stores.neo4j.walking import Around, Side, shortest, walk

KEPT_ANSWERS = 1_000  # counts and facets that are remembered: the graph behind a store does not change
KEPT_RECORDS = 20_000  # models
LOOK_SECONDS = 1.0  # how often the store makes sure of that
EVERYTHING = 2**31 - 1


async def open_neo4j(address: str, user: str, password: str, database: str) -> Neo4jStore:
    """A store over a loaded graph. Raises NotFound when nothing is loaded, Unreachable while it is not whole."""
    asker = Asker(Server(address, user, password, database))
    try:
        store = Neo4jStore(asker, await _whole(asker))
    except BaseException:
        await asker.close()
        raise
    return store


async def _whole(asker: Asker) -> str:
    """The id of the snapshot that the graph holds."""
    server = asker.server
    catalogue, _ = await asker.ask(statement("catalogue_state"), {})
    if catalogue is None or (catalogue["state"] == "loading" and catalogue["loading"] is None):
        raise NotFound(
            "snapshot", server.database, f"the graph at {server.address} is empty; fill it with `stemma load`"
        )
    if catalogue["state"] != "ready":
        raise Unreachable(
            f"the graph at {server.address} holds only a part of snapshot {str(catalogue['loading'])[:12]}: wait for the load "
            f"that is running, or run `stemma load {server.address}` again to finish it"
        )
    if catalogue["form"] != FORM:
        raise Unreachable(
            f"the graph at {server.address} was loaded by another version of Stemma: run `stemma load {server.address}` again, "
            "which adds what is missing"
        )
    return str(catalogue["snapshot"])


class Neo4jStore:
    """Answers from one loaded graph. See ``graph.store.Store`` for what each question means."""

    def __init__(self, asker: Asker, snapshot: str) -> None:
        self._asker = asker
        self._snapshot = snapshot
        self._looked = time.monotonic()
        self._answers: dict[tuple[object, ...], Any] = {}
        self._ready: OrderedDict[str, ModelRecord] = OrderedDict()  # those met lately

    @property
    def snapshot(self) -> str:
        """The id of the snapshot that the graph held when this store was opened."""
        return self._snapshot

    async def _ask(self, question: str, /, **parameters: object) -> Any:
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            await self._look()
        return await self._asker.ask(statement(question), parameters)

    async def _look(self) -> None:
        """Raise Unreachable when the graph was loaded anew under this store: its answers are of another snapshot."""
        found = await _whole(self._asker)
        if found != self._snapshot:
            self._looked = 0.0
            raise Unreachable(
                f"the graph at {self._asker.server.address} now holds snapshot {found[:12]}, this store was opened on "
                f"{self._snapshot[:12]}: open it again"
            )

    async def resolve(self, names: Sequence[str]) -> list[str | None]:
        """Exact id, else hub id, else alias, else any case."""
        if not names:
            return []
        found = await self._ask("resolve", names=list(names), lower=[name.lower() for name in names])
        return [id for (id,) in found]

    async def models(self, ids: Sequence[str]) -> list[ModelRecord | None]:
        """The records of these ids."""
        found = {id: self._ready[id] for id in ids if id in self._ready}
        absent = [id for id in _distinct(ids) if id not in found]
        if absent:
            found |= self._met(await self._ask("models", ids=absent))
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
        """A page: by the part of the filter that leaves few models when there is one, else along the order's index."""
        where = await self._spelled(where)
        parameters = finding.parameters(where) | _page(order, first, after)
        lead = finding.selective(where)
        if lead is None and parameters["text"] is not None:
            hits = await self._ask("text_hits", text=parameters["text"], limit=finding.FEW)
            lead = "text" if hits < finding.FEW else None
        if lead is not None:
            found = await self._ask("find_few", lead=lead, order=finding.ORDER_KEYS[order], **parameters)
        else:
            found = await self._ask(finding.in_order(where, order), **parameters)
        return await self._page_of(found, order, first)

    async def _page_of(self, found: Sequence[rows.Row], order: Order, first: int) -> ModelPage:
        """A page of these rows; by what they are ordered the rows themselves say, except of standing."""
        page = _model_page(found, order, first)
        if order is not Order.STANDING:
            return page
        ids = [model.id for model in page.models]
        stood = await self.standings(ids)
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
        found = await self._ask(
            "find_folded",
            lead=finding.indexed(where),
            fold=collapse.value,
            order=finding.ORDER_KEYS[order],
            **finding.parameters(where),
            **_page(order, first, after),
        )
        page = await self._page_of([row for _, row in found], order, first)
        return FoldedPage(page.models, page.keys, tuple(folded for folded, _ in found[:first]), page.has_next)

    async def count_folded(self, where: ModelFilter, collapse: Collapse) -> int:
        """How many groups pass."""
        where = await self._spelled(where)
        kept = self._answers.get((where, collapse))
        if kept is None:
            lead = finding.indexed(where)
            kept = await self._ask("count_folded", lead=lead, fold=collapse.value, **finding.parameters(where))
            self._keep((where, collapse), kept)
        return int(kept)

    async def count(self, where: ModelFilter) -> int:
        """How many models pass."""
        where = await self._spelled(where)
        kept = self._answers.get((where,))
        if kept is None:
            kept = await self._ask("count", lead=finding.indexed(where), **finding.parameters(where))
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
        (named,) = await self.datasets([where.dataset])
        return where if named is None else replace(where, dataset=named.id)

    async def _facet(self, where: ModelFilter, facet: Facet, first: int) -> list[tuple[str | None, int]]:
        if where == ModelFilter() and first <= KEPT_FACETS:
            (_, text) = await self._ask("coverage")
            kept = json.loads(text).get(facet.value)  # a graph loaded by an earlier version knows fewer facets
            if kept is not None:
                return [(value, count) for value, count in kept[:first]]
        found = await self._ask(
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

    async def base_models(self, ids: Sequence[str]) -> list[tuple[DerivationRecord, ...]]:
        """Derivations towards base models."""
        found: dict[str, list[DerivationRecord]] = {id: [] for id in ids}
        answer = await self._ask("base_models", ids=list(found)) if ids else ()
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
        found = await self._ask(
            "derived_models", ids=_distinct(ids), **_edges(where), **_page(Order.DOWNLOADS, first, after)
        )
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
        found = await self._ask("near", id=id, limit=first + 1 if first else 0, fields=fields)
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

    async def derived_counts(self, ids: Sequence[str]) -> list[dict[Relation, int]]:
        """Counts of derived models by relation."""
        found: dict[str, dict[Relation, int]] = {id: {} for id in ids}
        for id, relation, count in await self._ask("derived_counts", ids=list(found)) if ids else ():
            found[id][Relation(relation)] = count
        return [dict(found[id]) for id in ids]

    async def claims(self, ids: Sequence[str]) -> list[tuple[ClaimRecord, ...]]:
        """Claims that these were made from something."""
        found: dict[str, list[ClaimRecord]] = {id: [] for id in ids}
        for row in await self._ask("claims", ids=list(found)) if ids else ():
            found[row[0]] += rows.claims(row)
        return [tuple(found[id]) for id in ids]

    async def contradicted(
        self, where: ModelFilter, doubt: Doubt, first: int = 20, after: Key | None = None
    ) -> ContradictedPage:
        """Models whose weights contradict what is said of them."""
        where = await self._spelled(where)
        total, found = await self._ask(
            "contradicted",
            kinds=[kind.value for kind in doubt.kinds or Contradicts],
            probability=doubt.probability,
            **finding.parameters(where),
            **_page(Order.DOWNLOADS, first, after),
        )
        page = _model_page([row for row, _ in found], Order.DOWNLOADS, first)
        against = tuple(rows.contradictions(row[0], pairs) for row, pairs in found[:first])
        return ContradictedPage(page.models, against, page.keys, page.has_next, total)

    async def walk(
        self, id: str, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want = WANT
    ) -> Walk:
        """The lineage around one model."""
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
            found = await self._ask("walk_ancestors", **parameters)
        else:
            parameters |= {
                "up": direction is not Direction.DESCENDANTS,
                "down": direction is not Direction.ANCESTORS,
                "edges": links,
                "degrees": want.hidden,
            }
            found = await self._ask("walk", **parameters) if where == EdgeFilter() else None
            if found is None or found[2] is None:  # a filter, or a snapshot that did not count descendants
                found = await self._ask("walk_filtered", **parameters, **_edges(where))
        if found is None:
            raise NotFound("model", id)
        return Around(*found)

    async def path(self, start: str, end: str, limit: int) -> list[tuple[str, ...]]:
        """Shortest chains: their length from the server, then the models between, level by level from both ends."""
        if start == end:
            return [(start,)] if (await self.models([start]))[0] is not None and limit > 0 else []
        length = await self._ask("path_length", start=start, end=end)
        if length is None or limit <= 0:
            return []
        near, far = Side(start), Side(end)
        for _ in range(length):
            side = near if len(near.frontier) <= len(far.frontier) else far
            side.grow(await self._ask("neighbours", ids=side.frontier))
        chains = shortest(near, far, start, end, length)
        return [chain for chain, _ in zip(chains, range(limit), strict=False)]

    async def similar(self, id: str, first: int = 10) -> tuple[SimilarRecord, ...]:
        """The models whose weights are most alike."""
        return tuple(rows.similar(row) for row in await self._ask("similar", id=id, limit=first))

    async def tensors(self, id: str) -> tuple[TensorRecord, ...]:
        """The tensors of a model."""
        return tuple(rows.tensor(row) for row in await self._ask("tensors", id=id))

    async def tensor_places(self, digest: str, first: int = 100) -> TensorPlaces:
        """Where a tensor's content lies."""
        places, models = await self._ask("tensor_places", digest=digest, limit=first)
        return TensorPlaces(tuple(rows.tensor(row) for row in places), models)

    async def novelty(self, ids: Sequence[str]) -> list[NoveltyRecord | None]:
        """The facts behind each model's novelty."""
        found = {id: rows.novelty(text) for id, text in await self._ask("novelty", ids=_distinct(ids))} if ids else {}
        return [found.get(id) for id in ids]

    async def abilities(self, ids: Sequence[str]) -> list[AbilityRecord | None]:
        """The ability of each model."""
        found = {id: rows.ability(text) for id, text in await self._ask("abilities", ids=_distinct(ids))} if ids else {}
        return [found.get(id) for id in ids]

    async def standings(self, ids: Sequence[str]) -> list[StandingRecord | None]:
        """The standing of each model."""
        found = (
            {id: rows.standing(text) for id, text in await self._ask("standings", ids=_distinct(ids))} if ids else {}
        )
        return [found.get(id) for id in ids]

    async def successors(self, ids: Sequence[str]) -> list[tuple[SuccessorRecord, ...]]:
        """The successors of each model."""
        found: dict[str, list[SuccessorRecord]] = {id: [] for id in ids}
        for row in await self._ask("successors", ids=list(found)) if ids else ():
            found[row[0]].append(rows.successor(row))
        return [tuple(found[id]) for id in ids]

    async def results(self, id: str) -> tuple[ResultRecord, ...]:
        """The results of a model."""
        return tuple(rows.result(row) for row in await self._ask("results", id=id))

    async def datasets(self, names: Sequence[str]) -> list[DatasetRecord | None]:
        """The datasets of these ids, any case."""
        if not names:
            return []
        found = await self._ask("datasets", names=list(names), lower=[name.lower() for name in names])
        return [None if row is None else rows.dataset(row) for (row,) in found]

    async def trainings(self, ids: Sequence[str]) -> list[tuple[TrainingRecord, ...]]:
        """Datasets that these models say they were trained on."""
        found: dict[str, list[TrainingRecord]] = {id: [] for id in ids}
        for row in await self._ask("trainings", ids=list(found)) if ids else ():
            found[row[0]].append(rows.training(row))
        return [tuple(found[id]) for id in ids]

    async def files(self, id: str) -> tuple[FileRecord, ...]:
        """The files of a model."""
        return tuple(rows.file(row) for row in await self._ask("files", id=id))

    async def file_places(self, sha256: str, first: int = 100) -> tuple[FileRecord, ...]:
        """Where a content lies."""
        return tuple(rows.file(row) for row in await self._ask("file_places", sha256=sha256, limit=first))

    async def weights(self, digest: str) -> WeightsRecord | None:
        """One weight content."""
        found = await self._ask("weights", digest=digest)
        return None if found[0] is None else rows.weights(found)

    async def weights_of(self, ids: Sequence[str]) -> list[str | None]:
        """The weight contents of these models."""
        found: Mapping[str, str] = dict(await self._ask("weights_of", ids=_distinct(ids))) if ids else {}
        return [found.get(id) for id in ids]

    async def holders(self, digest: str, first: int = 20, after: Key | None = None) -> ModelPage:
        """The models that hold a weight content, by downloads."""
        found = await self._ask("holders", digest=digest, **_page(Order.DOWNLOADS, first, after))
        return _model_page(found, Order.DOWNLOADS, first)

    async def coverage(self) -> Coverage:
        """What the catalogue holds."""
        (text, _) = await self._ask("coverage")
        return Coverage(**json.loads(text))

    async def atlas(self) -> None:
        """A map lies beside a snapshot; a graph database has none."""

    async def close(self) -> None:
        """Give back the connections."""
        self._ready.clear()
        await self._asker.close()


def _distinct(ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ids))


def _edges(where: EdgeFilter) -> dict[str, object]:
    return {
        "relations": None if where.relations is None else sorted(where.relations),
        "evidence": None if where.evidence is None else sorted(where.evidence),
    }


def _page(order: Order, first: int, after: Key | None) -> dict[str, object]:
    return {
        "key": finding.FIRST_KEY if after is None else finding.negated(after.value, order),
        "after": "" if after is None else after.id,
        "limit": first + 1,
    }


def _model_page(found: Sequence[rows.Row], order: Order, first: int) -> ModelPage:
    models = tuple(rows.model(row) for row in found[:first])
    keys = tuple(Key(finding.value_of(model, order), model.id) for model in models)
    return ModelPage(models, keys, len(found) > first)
