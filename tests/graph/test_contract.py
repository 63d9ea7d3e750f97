"""The promise of the store port, held by every engine: the same answers in the same order as the plain store."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from itertools import pairwise, product
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from graph.decay import decay
from graph.errors import NotFound
from graph.fan import fans, fans_in
from graph.records import Contradicts, Direction, Evidence, ModelRecord, Relation, State
from graph.snapshot import Snapshot
from graph.store import EVERY_FIELD, ROOT, Collapse, Doubt, EdgeFilter, Facet, Key, ModelFilter, Order, Store, Want
from graph.stores.embedded import open_snapshot
from graph.stores.neo4j import Neo4jStore, Server, load, open_neo4j
from tests.neo4j_server import Neo4jServer, missing
from tests.plain_store import PlainStore
from tests.worlds import (
    Alike,
    Held,
    Result,
    Row,
    Told,
    alike,
    board,
    build,
    family,
    held,
    hub_rows,
    model,
    niche_board,
    niches,
    told,
)

Opener = Callable[[Snapshot], Awaitable[Store]]
FILTERS = [
    ModelFilter(),
    ModelFilter(text="BASE"),
    ModelFilter(text="x", tasks=("text-generation", "名前")),
    ModelFilter(tasks=("fill-mask",), licences=("mit",)),
    ModelFilter(states=(State.MISSING,)),
    ModelFilter(relations=(ROOT, "merge")),
    ModelFilter(relations=("unknown",), authors=("a", "nobody")),
    ModelFilter(evidence=(Evidence.WEIGHTS,)),
    ModelFilter(evidence=(Evidence.CARD, Evidence.TAG), relations=("finetune",)),
    ModelFilter(domains=("knowledge", "nothing")),
    ModelFilter(dataset="S/ONE"),
    ModelFilter(dataset="two", text="a"),
    ModelFilter(dataset="never/seen"),
    ModelFilter(parameters_min=10, parameters_max=10**9),
    ModelFilter(novelty_classes=("light", "copy", "unknown")),
    ModelFilter(novelty_min=0.0, novelty_max=20.0),
    ModelFilter(novelty_min=5.0),
    ModelFilter(standards=("basic",)),
    ModelFilter(standards=("basic", "curated"), text="a"),
    ModelFilter(created_from=datetime(2023, 5, 1, 12, tzinfo=UTC), created_until=datetime(2025, 1, 1, tzinfo=UTC)),
]
EDGES = [
    EdgeFilter(),
    EdgeFilter(relations=frozenset({Relation.MERGE, Relation.UNKNOWN})),
    EdgeFilter(evidence=frozenset({Evidence.CARD})),
    EdgeFilter(relations=frozenset({Relation.FINETUNE}), evidence=frozenset({Evidence.HUB, Evidence.TAG})),
]

IN_ARRAYS = (
    "id",
    "author",
    "library",
    "task",
    "licence",
    "state",
    "novelty_class",
    "downloads",
    "likes",
    "trending",
    "created_at",
    "modified_at",
    "parameters",
    "novelty",
    "ability",
    "descendants",
)
DOUBTS = [Doubt(), Doubt(probability=0.0), Doubt((Contradicts.COPY, Contradicts.UNDECLARED), 0.7)]


@pytest.fixture(params=["snapshot", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def opener(request: pytest.FixtureRequest) -> Iterator[Opener]:
    if request.param == "snapshot":
        yield open_snapshot
        return
    if reason := missing():
        pytest.skip(reason)
    yield on(request.getfixturevalue("neo4j_server"))


def on(server: Neo4jServer) -> Opener:
    """Load into this server, then open it."""

    async def loaded(snapshot: Snapshot) -> Store:
        load(snapshot, Server(server.address))
        return await open_neo4j(Server(server.address))

    return loaded


def same_model(one: ModelRecord | None, other: ModelRecord | None) -> bool:
    """Equal in every field, times to the millisecond."""
    if one is None or other is None:
        return one is other
    return all(getattr(one, field.name) == getattr(other, field.name) for field in fields(ModelRecord))


async def compare_fans(store: Store, plain: PlainStore, ids: Sequence[str]) -> None:
    """What is drawn of each model's derived models is worked out of less than whole records, and the same."""
    for id in ids:
        edges = plain.derived(id, EdgeFilter(), len(plain.edges) + 1, None).derivations
        counts = Counter(edge.relation for edge in edges)
        found, named = await fans_in(store, id)
        assert found == fans(edges, plain.by_id, dict(counts))
        assert named == {edge.model: plain.by_id[edge.model] for fan in found for edge in fan.named}


async def compare_kin(store: Store, plain: PlainStore, ids: Sequence[str], some: Sequence[str]) -> None:
    """Ask for derivations, and for the lineages of some models."""
    for edge_filter in EDGES:
        for id, direction, (depth, limit) in product(some, Direction, [(1, 100), (100, 100), (2, 3), (0, 0)]):
            walk = await store.walk(id, direction, edge_filter, depth, limit)
            assert walk == plain.walk(id, direction, edge_filter, depth, limit)
        for fields_, links in ((EVERY_FIELD[::-1], False), (EVERY_FIELD, True), (IN_ARRAYS, True)):
            want = Want(edges=links, hidden=links, fields=fields_)
            walk = await store.walk(some[0], Direction.BOTH, edge_filter, 9, 9, want)
            whole = plain.walk(some[0], Direction.BOTH, edge_filter, 9, 9)
            assert (walk.nodes, walk.total_ancestors) == (whole.nodes, whole.total_ancestors)
            assert (walk.edges, walk.hidden) == ((whole.edges, whole.hidden) if want.edges else ((), ()))
            for got, node in zip(walk.models, walk.nodes, strict=True):
                record = plain.by_id[node.id]
                assert all(getattr(got, name) == getattr(record, name) for name in want.fields)
    assert await store.base_models(ids) == [tuple(e for e in plain.edges if e.model == id) for id in ids]
    for edge_filter in EDGES:
        pages = await store.derived_models(ids, edge_filter, 2)
        assert pages == [plain.derived(id, edge_filter, 2, None) for id in ids]
        later = await store.derived_models(ids, edge_filter, 2, Key(7, "b"))
        assert later == [plain.derived(id, edge_filter, 2, Key(7, "b")) for id in ids]
    counts = [{r: sum(e.base_model == id and e.relation is r for e in plain.edges) for r in Relation} for id in ids]
    for id in some:
        for first, wanted in ((2, EVERY_FIELD[::-1]), (0, EVERY_FIELD), (2, IN_ARRAYS), (0, IN_ARRAYS), (2, ())):
            near = await store.near(id, first, wanted)
            assert near is not None
            assert same_model(near.model, plain.by_id[id])
            assert near.bases == tuple(edge for edge in plain.edges if edge.model == id)
            assert near.derived == (plain.derived(id, EdgeFilter(), first, None) if first else None)
            shown = (*near.bases, *(near.derived.derivations if near.derived else ()))
            assert near.ends.keys() | {id} == {end for edge in shown for end in (edge.model, edge.base_model)} | {id}
            for end, got in near.ends.items():
                assert all(getattr(got, name) == getattr(plain.by_id[end], name) for name in wanted)
    assert await store.near("nothing/here", 2, ("id",)) is None
    assert await store.derived_counts(ids) == [{r: n for r, n in count.items() if n} for count in counts]
    with pytest.raises(NotFound):
        await store.walk("nothing/here", Direction.BOTH, EdgeFilter(), 1, 1)


async def compare(store: Store, plain: PlainStore, *, every: bool) -> None:
    """Ask everything of every model; with ``every`` off, of a few models in fewer ways (a server answers in milliseconds)."""
    ids = list(plain.by_id)
    names = [*ids, *(id.upper() for id in ids), *(id.lower() for id in ids), "nothing/here", "", "old/name", "OLD/NAME"]
    names += [record.hub_id for record in plain.all if record.hub_id]
    assert await store.resolve(names) == [plain.resolve(name) for name in names]
    for found, id in zip(await store.models([*ids, "nothing/here"]), [*ids, "nothing/here"], strict=True):
        assert same_model(found, plain.by_id.get(id))
    some = ids if every else ids[:4]
    await compare_kin(store, plain, ids, some)
    for where, order in product(FILTERS, Order if every else [Order.DOWNLOADS, Order.TRENDING]):
        after: Key | None = None
        for _ in range(20):
            page, expected = await store.find(where, order, 3, after), plain.find(where, order, 3, after)
            assert (page.keys, page.has_next) == (expected.keys, expected.has_next)
            assert [record.id for record in page.models] == [record.id for record in expected.models]
            if not page.has_next:
                break
            after = page.keys[-1]
        assert (await store.find(where, order, 3, Key(7, "m"))).keys == plain.find(where, order, 3, Key(7, "m")).keys
    for where, collapse in product(FILTERS, Collapse):
        assert await store.count_folded(where, collapse) == len(
            plain.find_folded(where, collapse, Order.DOWNLOADS, 99, None).models
        )
        for order in Order if every else [Order.CREATED, Order.NOVELTY]:
            after = None
            for _ in range(20):
                folded = await store.find_folded(where, collapse, order, 3, after)
                assert folded == plain.find_folded(where, collapse, order, 3, after)
                if not folded.has_next:
                    break
                after = folded.keys[-1]
            least = Key(7, "m")
            folded = await store.find_folded(where, collapse, order, 2, least)
            assert folded == plain.find_folded(where, collapse, order, 2, least)
    for where in FILTERS:
        assert await store.count(where) == sum(plain.passes(record, where) for record in plain.all)
        assert await store.facets(where, list(Facet), 3) == plain.facets(where, list(Facet), 3)
    assert await store.claims(ids) == [tuple(c for c in plain.all_claims if c.model == id) for id in ids]
    for where, doubt in product(FILTERS[:6] if every else FILTERS[:2], DOUBTS):
        after = None
        for _ in range(20):
            against = await store.contradicted(where, doubt, 2, after)
            assert against == plain.contradicted(where, doubt, 2, after)
            if not against.has_next:
                break
            after = against.keys[-1]
    assert await store.trainings(ids) == [tuple(t for t in plain.all_trainings if t.model == id) for id in ids]
    assert await store.novelty([*ids, "nothing/here"]) == [*(plain.all_novelty.get(id) for id in ids), None]
    assert await store.abilities([*ids, "nothing/here"]) == [*(plain.all_abilities.get(id) for id in ids), None]
    assert await store.standings([*ids, "nothing/here"]) == [*(plain.all_standings.get(id) for id in ids), None]
    assert await store.successors(ids) == [tuple(s for s in plain.all_successors if s.model == id) for id in ids]
    for id in ids:
        assert await store.results(id) == tuple(result for result in plain.all_results if result.model == id)
        assert await store.similar(id, 2) == plain.similar(id, 2)
        assert await store.tensors(id) == plain.tensors(id)
    for digest in ("a" * 32, "c" * 32, "a" * 16 + "b" * 16, "0" * 32, "nothing"):
        assert await store.tensor_places(digest, 3) == plain.tensor_places(digest, 3)
    assert await store.weights_of(ids) == [plain.holding.get(id) for id in ids]
    for start, end in product(some[:6], some[:6]):
        assert await store.path(start, end, 3) == plain.path(start, end, 3)
    for id in ids:
        assert await store.files(id) == tuple(file for file in plain.all_files if file.model == id)
    for sha256 in ("a" * 64, "c" * 64):
        assert await store.file_places(sha256) == tuple(file for file in plain.all_files if file.sha256 == sha256)
    for digest, weights in plain.all_weights.items():
        assert await store.weights(digest) == weights
        holders = [plain.by_id[id] for id, held in plain.holding.items() if held == digest]
        assert (await store.holders(digest, 2)).keys == plain.page(holders, Order.DOWNLOADS, 2, None).keys
    datasets = sorted(plain.all_datasets, key=lambda dataset: dataset.id, reverse=True)
    assert await store.datasets([*(dataset.id for dataset in datasets), "nothing/here"]) == [*datasets, None]
    assert await store.weights("0" * 64) is None
    held = await store.coverage()
    assert held.derivations_total == len(plain.edges)
    assert held.with_base == sum(bool(record.relations) for record in plain.all)
    assert held.conflicts == sum(edge.conflict for edge in plain.edges)
    if isinstance(store, Neo4jStore):  # its lineages were asked in Cypher, until the first list
        await compare_kin(store, plain, ids, some)


def check(
    opener: Opener,
    rows: list[Row],
    datasets: list[Row],
    aliases: list[tuple[str, str]],
    results: Sequence[Result] = (),
    similar: Sequence[Alike] = (),
    tensors: Sequence[Held] = (),
    told: Sequence[Told] = (),
    *,
    every: bool = True,
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        snapshot = build(folder, rows, datasets, aliases, results, similar, tensors, told)
        snapshot.verify()

        async def run() -> None:
            store = await opener(snapshot)
            try:
                assert store.snapshot == snapshot.id
                await compare(store, PlainStore(snapshot), every=every)
            finally:
                await store.close()

        anyio.run(run)
    finally:
        shutil.rmtree(folder)


def test_drawn_family(opener: Opener) -> None:
    datasets, aliases = [{"id": "some/set", "downloads": 4}], [("old/name", "root/base")]
    check(opener, family(), datasets, aliases, board(), alike(), held(), told())


def test_drawn_niches(opener: Opener, tmp_path: Path) -> None:
    snapshot = build(tmp_path, niches(), [], [("OLD/alias", "new/best")], niche_board())

    async def run() -> None:
        store, plain = await opener(snapshot), PlainStore(snapshot)
        ids = list(plain.by_id)
        stood = await store.standings([*ids, "nothing/here"])
        assert stood == [*(plain.all_standings.get(id) for id in ids), None]
        assert sum(each is not None and each.probability is not None for each in stood) == 9
        found = await store.successors([*ids, "nothing/here"])
        assert found == [*(tuple(s for s in plain.all_successors if s.model == id) for id in ids), ()]
        named = {(s.model, s.successor, s.steps, s.declared) for each in found for s in each}
        assert named == {
            ("old/base", "new/child", 1, True),
            ("old/base", "old/tuned", 1, False),
            ("old/base", "new/better", None, False),
            ("old/base", "new/best", None, False),
            ("old/tuned", "new/child", 2, False),
            ("old/tuned", "new/better", None, False),
            ("old/tuned", "new/best", None, True),
            ("new/child", "new/better", None, False),
            ("new/child", "new/best", None, False),
            ("new/better", "new/best", None, False),
        }
        for where in (ModelFilter(), ModelFilter(text="old"), ModelFilter(tasks=("text-generation",))):
            after: Key | None = None
            for _ in range(9):
                page, expected = (
                    await store.find(where, Order.STANDING, 3, after),
                    plain.find(where, Order.STANDING, 3, after),
                )
                assert (page.keys, page.has_next) == (expected.keys, expected.has_next)
                if not page.has_next:
                    break
                after = page.keys[-1]
            folded = await store.find_folded(where, Collapse.FAMILY, Order.STANDING, 4)
            assert folded == plain.find_folded(where, Collapse.FAMILY, Order.STANDING, 4, None)
        assert decay(await store.coverage()) == decay(await (await open_snapshot(snapshot)).coverage())
        await store.close()

    anyio.run(run)


def test_fans_of_the_drawn_family(opener: Opener, tmp_path: Path) -> None:
    async def asked() -> None:
        snapshot = build(tmp_path, family())
        store, plain = await opener(snapshot), PlainStore(snapshot)
        try:
            await compare_fans(store, plain, list(plain.by_id)[:6])
        finally:
            await store.close()

    anyio.run(asked)


def test_one_model_alone(opener: Opener) -> None:
    check(opener, [model("a/x", downloads=1)], [], [])


def world(opener: Opener, rows: list[Row], *, every: bool = True) -> None:
    aliases = [("old/name", rows[0]["id"]), ("Old/Name2", "old/name")]
    ids = [row["id"] for row in rows]
    similar = [(one, other, 0.9 - 0.3 * (at % 3)) for at, (one, other) in enumerate(pairwise(ids))]
    tensors = [(id, role, digit) for id in ids for role, digit in (("0.mlp.up", "a"), ("head", "c"))]
    relations = ("identical", "finetune", "quantized", "recast", "merge", "unknown")
    found = [
        (one, relations[(at + len(other)) % 6], other, (at % 10) / 9) for at, (one, other) in enumerate(pairwise(ids))
    ]
    check(opener, rows, [{"id": "s/one", "likes": 2}], aliases, (), similar, tensors, found, every=every)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(rows=hub_rows())
def test_any_world_embedded(rows: list[Row]) -> None:
    world(open_snapshot, rows)


@pytest.mark.neo4j
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # making a failure smaller would ask a server for hours
)
@given(rows=hub_rows())
def test_any_world_neo4j(neo4j_server: Neo4jServer, rows: list[Row]) -> None:
    world(on(neo4j_server), rows, every=False)
