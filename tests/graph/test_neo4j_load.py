"""A real Neo4j server, loaded: what goes in, what a second load does, what is noticed, and what a kill leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pyarrow as pa
import pytest

from graph.catalogue import Catalogue
from graph.errors import BadInput, NotFound, Unreachable
from graph.records import Direction, Evidence, Relation, State
from graph.snapshot import Snapshot, Source
from graph.store import EdgeFilter, Facet, FacetCount, ModelFilter
from graph.stores.embedded import open_snapshot
from graph.stores.neo4j import ARGUMENTS, Neo4jStore, Server, load, open_neo4j, verify, write_offline
from graph.stores.neo4j.graph import LoadedGraph
from graph.stores.neo4j.projection import KINDS
from graph.stores.neo4j.statements import statement
from graph.tables import BY_NAME
from tests.neo4j_server import WIPE, Neo4jServer, missing

pytestmark = [pytest.mark.neo4j, pytest.mark.skipif(missing() is not None, reason=missing() or "")]

REPOSITORY = Path(__file__).resolve().parents[2]
ODD = (
    'it\'s/"quoted"',
    "back`tick/`})-[:X]->(`",
    "org/\\u0027 OR 1=1 //",
    "Ünïcode/名前😀",
    "org/\ufffd\ue000",
    "org/$id{}",
)


def rows(name: str, values: list[dict[str, Any]]) -> pa.Table:
    table = BY_NAME[name]
    empty: dict[str, Any] = {field.name: [] if pa.types.is_list(field.type) else None for field in table.schema}
    ordered = sorted(values, key=lambda row: [str(row.get(column)).encode() for column in table.key])
    return pa.Table.from_pylist([empty | row for row in ordered], schema=table.schema)


def written(folder: Path, tables: dict[str, list[dict[str, Any]]]) -> Snapshot:
    catalogue = Catalogue(folder)
    with catalogue.locked(), catalogue.writer() as writer:
        for name, values in tables.items():
            writer.write(name, [rows(name, values)])
        return writer.commit([Source("sample", "drawn", len(tables["models"]))])


def family(likes: int = 3, *, extra: bool = True) -> dict[str, list[dict[str, Any]]]:
    """
    org/base <--finetune-- org/tuned (better) <--quantized-- org/small      data/set <--trained on-- org/tuned
    lost/base <--adapter-- every model with an odd name            (``extra``: org/late made from org/base)
    """
    niche = {"task": "fill-mask", "parameters": 10**8, "licence": "mit"}
    models: list[dict[str, Any]] = [
        {
            "id": "org/base",
            "hub_id": "1",
            "author": "org",
            "state": "listed",
            "likes": likes,
            "downloads": 9,
            "descendants": 3 if extra else 2,
            "created_at": datetime(2023, 1, 2, tzinfo=UTC),
            **niche,
        },
        {
            "id": "org/tuned",
            "state": "listed",
            "base_models": 1,
            "relations": ["finetune"],
            "tags": ["b", "a"],
            "created_at": datetime(2023, 3, 4, tzinfo=UTC),
            **niche,
        },
        {"id": "org/small", "state": "gated", "base_models": 1, "relations": ["quantized"], "trending": 0.0},
        {"id": "lost/base", "state": "missing"},
        *({"id": odd, "state": "listed", "base_models": 1, "relations": ["adapter"]} for odd in ODD),
    ]
    pairs = [("org/tuned", "org/base", "finetune"), ("org/small", "org/tuned", "quantized")]
    pairs += [(odd, "lost/base", "adapter") for odd in ODD]
    if extra:
        models.append({"id": "org/late", "state": "listed", "base_models": 1, "relations": ["finetune"]})
        pairs.append(("org/late", "org/base", "finetune"))
    edge = {"evidence": ["hub", "tag"], "conflict": False, "cycle": False}
    return {
        "models": models,
        "aliases": [{"alias": "Old/`name`", "id": "org/base", "source": "rename"}],
        "datasets": [{"id": "data/set", "state": "listed", "models": 1}],
        "derivations": [{"model": m, "base_model": b, "relation": r, **edge} for m, b, r in pairs],
        "claims": [
            {"model": m, "base_model": b, "relation": r, "evidence": e, "where": '"tags",\t', "detail": f"[{m}]"}
            for m, b, r in pairs
            for e in ("hub", "tag")
        ],
        "trainings": [{"model": "org/tuned", "dataset": "data/set", "evidence": ["tag"]}],
        "files": [{"model": "org/base", "path": "a b.safetensors", "size": 7, "sha256": "a" * 64}],
        "weights": [{"digest": "d" * 64, "files": 1, "size": 7, "holders": 1}],
        "holdings": [{"digest": "d" * 64, "model": "org/base"}],
        "tensors": [
            {"digest": "e" * 32, "model": holder, "role": "head", "values": 2048}
            for holder in ("org/base", *(("org/late",) if extra else ()))
        ],
        "abilities": [
            {"model": "org/base", "index": 90.0, "error": 2.0, "benchmarks": 3, "norm": True},
            {"model": "org/tuned", "index": 110.0, "error": 2.0, "benchmarks": 3, "norm": True},
        ],
        "skipped": [{"source": "drawn", "row": 1, "reason": "not-json"}],
    }


def many(count: int) -> dict[str, list[dict[str, Any]]]:
    """``count`` models, each made from the one before it in a ternary tree: enough batches to be killed between."""
    ids = [f"org/m{n:06d}" for n in range(count)]
    return {
        "models": [{"id": id, "state": "listed", "downloads": n, "tags": ["x"]} for n, id in enumerate(ids)],
        "derivations": [
            {
                "model": ids[n],
                "base_model": ids[(n - 1) // 3],
                "relation": "finetune",
                "evidence": ["hub"],
                "conflict": False,
                "cycle": False,
            }
            for n in range(1, count)
        ],
    }


@pytest.fixture
def server(neo4j_server: Neo4jServer) -> Server:
    """The shared server with nothing in it."""
    where = Server(neo4j_server.address)
    wipe(where)
    return where


def cypher(server: Server, text: str) -> Any:
    with server.driver() as driver:
        return LoadedGraph(driver, server).run(text)  # type: ignore[arg-type,unused-ignore] # tests write their own Cypher


def wipe(server: Server) -> None:
    cypher(server, WIPE)


def of_rows(counts: dict[str, int]) -> dict[str, int]:
    """Counts without those of the arrays of lists, which nearly any change touches."""
    return {kind: count for kind, count in counts.items() if kind != "Arrays"}


def ask(server: Server, question: Any) -> Any:
    async def asked() -> Any:
        store = await open_neo4j(server)
        try:
            return await question(store)
        finally:
            await store.close()

    return anyio.run(asked)


def test_a_loaded_graph_verifies_and_a_second_load_does_nothing(tmp_path: Path, server: Server) -> None:
    snapshot = written(tmp_path, family())
    report = load(snapshot, server)
    assert report.added["Model"] == 5 + len(ODD)
    verification = verify(snapshot, server)
    assert verification.equal, [verdict for verdict in verification.verdicts if not verdict.equal]
    assert {verdict.kind: verdict.found for verdict in verification.verdicts}["DERIVED_FROM"] == 3 + len(ODD)
    assert {verdict.kind: verdict.found for verdict in verification.verdicts}["SUCCEEDED_BY"] == 1
    again = load(snapshot, server)
    assert (again.compared_with, again.added, again.updated, again.removed) == ("itself", {}, {}, {})


def test_only_the_difference_is_loaded(tmp_path: Path, server: Server) -> None:
    first, second = written(tmp_path, family()), written(tmp_path, family(likes=4, extra=False))
    load(first, server)
    cypher(server, "MATCH (m:Model {id: 'org/base'}) SET m.pagerank = 0.5")
    report = load(second, server)
    assert report.compared_with == "snapshot"
    assert (of_rows(report.added), of_rows(report.updated)) == ({}, {"Model": 1, "Tensor": 1})
    assert of_rows(report.removed) == {"Model": 1, "DERIVED_FROM": 1, "HAS_TENSOR": 1}
    assert verify(second, server).equal
    assert cypher(server, "MATCH (m:Model {id: 'org/base'}) RETURN m.pagerank") == 0.5  # what others wrote stays
    back = load(first, server)
    assert of_rows(back.added) == {"Model": 1, "DERIVED_FROM": 1, "HAS_TENSOR": 1}
    assert verify(first, server).equal


def test_what_joins_a_model_to_others_is_found_from_the_model(tmp_path: Path, server: Server) -> None:
    """A popular base model has tens of thousands of derivations: looked through for each one that goes, they take minutes."""
    load(written(tmp_path, family()), server)
    joins = [kind for kind in KINDS if kind.name.isupper()]
    assert len(joins) == 7
    with server.driver() as driver, driver.session() as session:
        for kind in joins:
            keys: dict[str, object] = {name: ["x"] for name in kind.key}
            plan = session.run(f"EXPLAIN {statement(f'load_{kind.slug}_remove')}", {"run": "x", **keys}).consume().plan
            assert plan is not None
            assert f"(m)-[e:{kind.name}]->" in plan["args"]["string-representation"]


def test_without_the_old_snapshot_the_graph_itself_is_compared(tmp_path: Path, server: Server) -> None:
    load(written(tmp_path / "one", family()), server)
    second = written(tmp_path / "two", family(likes=4, extra=False))
    report = load(second, server)
    assert (report.compared_with, of_rows(report.updated)) == ("graph", {"Model": 1, "Tensor": 1})
    assert verify(second, server).equal


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        ("MATCH (m:Model {id: 'org/base'}) SET m.likes = 99", "Model", "likes is 99, the snapshot says 3"),
        ("MATCH (m:Model {id: 'org/base'}) SET m.likes = 'many'", "Model", "org/base"),
        ("MATCH (m:Model {id: 'org/base'}) REMOVE m.author", "Model", "author is None"),
        ("MATCH (m:Model {id: 'org/late'}) DETACH DELETE m", "Model", "org/late is missing"),
        ("CREATE (:Model {id: 'mine/own'})", "Model", "mine/own is not in it"),
        ("MATCH (:Model {id: 'org/tuned'})-[e:DERIVED_FROM]->() SET e.relation = 'merge'", "DERIVED_FROM", "org/tuned"),
        (
            "MATCH (a:Model {id: 'org/tuned'})-[e:DERIVED_FROM]->(b) CREATE (a)-[f:DERIVED_FROM]->(b)",
            "DERIVED_FROM",
            "org/tuned",
        ),
        ("MATCH (:Alias)-[e:ALIAS_OF]->() DELETE e", "Alias", "org/base"),
        ("MATCH ()-[e:TRAINED_ON]->() DELETE e", "TRAINED_ON", "org/tuned -> data/set"),
    ],
)
def test_a_change_by_hand_is_found_and_named(tmp_path: Path, server: Server, change: str, kind: str, told: str) -> None:
    snapshot = written(tmp_path, family())
    load(snapshot, server)
    cypher(server, change)
    verification = verify(snapshot, server)
    assert not verification.equal
    wrong = {verdict.kind: verdict.difference for verdict in verification.verdicts if not verdict.equal}
    assert told in (wrong[kind] or "")


def test_odd_names_travel_as_values(tmp_path: Path, server: Server) -> None:
    load(written(tmp_path, family()), server)

    async def question(store: Neo4jStore) -> None:
        assert await store.resolve([*ODD, "OLD/`NAME`", "nothing"]) == [*ODD, "org/base", None]
        for odd in ODD:
            page = await store.find(ModelFilter(text=odd))
            assert [model.id for model in page.models] == [odd]
        (first, *_) = await store.claims([ODD[0]])
        assert [claim.detail for claim in first] == [f"[{ODD[0]}]"] * 2
        assert {claim.where for claim in first} == {'"tags",\t'}
        walk = await store.walk("lost/base", Direction.BOTH, EdgeFilter(), 3, 50)
        assert [node.id for node in walk.nodes[1:]] == sorted(ODD, key=str.encode)  # UTF-8 order, beyond the BMP too

    ask(server, question)


def test_questions_that_only_a_loaded_graph_answers(tmp_path: Path, server: Server) -> None:
    load(written(tmp_path, family()), server)

    async def question(store: Neo4jStore) -> None:
        (model,) = await store.models(["org/small"])
        assert model is not None
        assert (model.state, model.relations, model.trending) == (State.GATED, (Relation.QUANTIZED,), 0.0)
        (tuned,) = await store.models(["org/tuned"])
        assert tuned is not None
        assert tuned.tags == ("b", "a")
        only = EdgeFilter(frozenset({Relation.FINETUNE}), frozenset({Evidence.TAG}))
        walk = await store.walk("org/base", Direction.DESCENDANTS, only, 5, 50)
        assert {node.id for node in walk.nodes} == {"org/base", "org/tuned", "org/late"}
        assert walk.total_descendants == 2
        coverage = await store.coverage()
        assert (coverage.models, coverage.with_base) == (
            {"gated": 1, "listed": 3 + len(ODD), "missing": 1},
            3 + len(ODD),
        )
        assert coverage.skipped == {"not-json": 1}

    ask(server, question)


def test_kept_counts_are_those_that_counting_gives(tmp_path: Path, server: Server) -> None:
    snapshot = written(tmp_path, family())
    load(snapshot, server)
    every = ModelFilter(states=tuple(State))  # passes all models, but is counted by a query

    async def question(store: Neo4jStore) -> None:
        kept = await store.facets(ModelFilter(), list(Facet))
        assert kept == await store.facets(every, list(Facet))
        embedded = await open_snapshot(snapshot)
        assert kept == await embedded.facets(ModelFilter(), list(Facet))
        assert FacetCount(Facet.RELATION, "root", 2) in kept

    ask(server, question)


def test_a_part_is_never_served(tmp_path: Path, server: Server) -> None:
    with pytest.raises(NotFound, match="stemma load"):
        ask(server, None)
    load(written(tmp_path, family()), server)
    cypher(server, "MATCH (c:Catalogue) SET c.state = 'loading', c.loading = 'abc'")
    with pytest.raises(Unreachable, match="only a part of snapshot abc"):
        ask(server, None)


def test_a_graph_of_an_older_form_is_not_served_and_the_next_load_mends_it(tmp_path: Path, server: Server) -> None:
    snapshot = written(tmp_path, family())
    load(snapshot, server)
    cypher(server, "MATCH ()-[e:SUCCEEDED_BY]->() DELETE e")
    cypher(server, "MATCH (m:Model) REMOVE m.downloads_key, m.standing_facts")
    cypher(server, "CREATE (:Members {fold: 'family'}), (:Lists {file: 'arrays.json', part: 0})")
    cypher(server, "UNWIND range(1, 70) AS part CREATE (:Lists {file: 'code_task.npy', part: part})")
    cypher(server, "CREATE INDEX stemma_model_likes FOR (n:Model) ON (n.likes_key, n.id)")
    cypher(server, "MATCH (c:Catalogue) REMOVE c.form")
    with pytest.raises(Unreachable, match="another version of Stemma"):
        ask(server, None)
    report = load(snapshot, server)
    assert report.compared_with == "graph"
    assert (of_rows(report.added), of_rows(report.updated)) == ({"SUCCEEDED_BY": 1}, {"Model": 5 + len(ODD)})
    assert cypher(server, "RETURN COUNT { (:Members|Lists) }") == 0
    assert cypher(server, "SHOW INDEXES YIELD name WHERE name = 'stemma_model_likes' RETURN count(*)") == 0
    assert verify(snapshot, server).equal
    assert load(snapshot, server).compared_with == "itself"


def test_a_foreign_database_is_left_alone(tmp_path: Path, server: Server) -> None:
    cypher(server, "CREATE (:Model {id: 'theirs'})")
    with pytest.raises(BadInput, match="did not load"):
        load(written(tmp_path, family()), server)
    assert cypher(server, "MATCH (m:Model) RETURN collect(m.id)") == ["theirs"]


def test_addresses_that_do_not_answer(tmp_path: Path) -> None:
    snapshot = written(tmp_path, family())
    with pytest.raises(Unreachable, match="does not answer"):
        load(snapshot, Server("bolt://127.0.0.1:1"))
    with pytest.raises(BadInput, match="not a Bolt address"):
        load(snapshot, Server("gopher://127.0.0.1"))


def test_wrong_credentials(tmp_path: Path) -> None:
    guarded = Neo4jServer(tmp_path / "guarded", heap="384m", page_cache="64m", password="right-password")
    guarded.start()
    try:
        with pytest.raises(BadInput, match="STEMMA_NEO4J_PASSWORD"):
            load(written(tmp_path / "c", family()), Server(guarded.address, password="wrong-password"))
        load(written(tmp_path / "c", family()), Server(guarded.address, password="right-password"))
    finally:
        guarded.stop()


LOADER = """
import sys
from pathlib import Path
from graph.snapshot import Snapshot
from graph.stores.neo4j import Server, load
load(Snapshot.open(Path(sys.argv[1])), Server(sys.argv[2]))
"""


def loader(snapshot: Snapshot, address: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", LOADER, str(snapshot.folder), address]
    return subprocess.Popen(command, cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(REPOSITORY)})


def models_there(server: Server) -> int:
    return int(cypher(server, "MATCH (m:Model) RETURN count(m)"))


def edges_there(server: Server) -> int:
    return int(cypher(server, "MATCH ()-[e:DERIVED_FROM]->() RETURN count(e)"))


def test_the_importer_makes_the_same_graph(tmp_path: Path) -> None:
    tables = family()
    tables["models"] += [
        {
            "id": "list/values",
            "state": "listed",
            "tags": ["a;b", "", 'c"\\', "d\ne"],
            "languages": ["en"],
            "trending": 0.1,
        }
    ]
    tables["models"].append({"id": "no/word", "state": "listed", "tags": ["word"], "languages": ["inf"]})
    tables["similar"] = [
        {
            "model": "org/base",
            "other": "org/tuned",
            "cosine": 0.1 + 0.2,
            "components": ["body", "head"],
            "component_cosines": [0.1, 1e-17],
            "method": "sketch",
        }
    ]
    snapshot = written(tmp_path / "catalogue", tables)
    rows = write_offline(snapshot, tmp_path / "import")
    assert (rows["Model"], rows["DERIVED_FROM"], rows["File"]) == (len(tables["models"]), len(tables["derivations"]), 1)
    home = Neo4jServer(tmp_path / "neo4j")
    done = home.admin("database", "import", "full", "neo4j", f"@{ARGUMENTS}", folder=tmp_path / "import")
    assert done.returncode == 0, done.stdout + done.stderr
    home.start()
    try:
        server = Server(home.address)
        with pytest.raises(Unreachable, match="only a part"):
            ask(server, Neo4jStore.coverage)
        report = load(snapshot, server)
        assert (report.compared_with, report.added, report.updated) == ("import", {}, {})
        assert [verdict.difference for verdict in verify(snapshot, server).verdicts if not verdict.equal] == []
        assert verify(snapshot, server).equal
    finally:
        home.stop()
    with pytest.raises(BadInput, match="not empty"):
        write_offline(snapshot, tmp_path / "import")


@pytest.mark.parametrize(("models", "edges"), [(1, 0), (25_000, 0), (40_000, 1)])
def test_a_killed_loader_leaves_what_the_next_one_finishes(
    tmp_path: Path, server: Server, models: int, edges: int
) -> None:
    snapshot = written(tmp_path, many(40_000))
    process = loader(snapshot, server.address)
    while process.poll() is None and (models_there(server) < models or edges_there(server) < edges):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if cypher(server, "MATCH (c:Catalogue) RETURN c.state") == "loading":
        with pytest.raises(Unreachable):
            ask(server, None)
    load(snapshot, server)
    assert verify(snapshot, server).equal


def test_a_killed_server_is_waited_for(tmp_path: Path, neo4j_server: Neo4jServer, server: Server) -> None:
    snapshot = written(tmp_path, many(60_000))
    process = loader(snapshot, server.address)
    while process.poll() is None and models_there(server) < 10_000:
        time.sleep(0.02)
    neo4j_server.kill()
    neo4j_server.start()
    assert process.wait(300) == 0
    assert verify(snapshot, server).equal
