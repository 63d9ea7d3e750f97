"""kill -9 before each message that a load sends to a real Neo4j server: the next load makes the graph equal to its snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.snapshot import Snapshot
from graph.stores.neo4j import Server, load, verify
from graph.stores.neo4j.graph import LoadedGraph
from tests.crash.killing import Killer
from tests.neo4j_server import WIPE, Neo4jServer, missing
from tests.worlds import build, family, model

pytestmark = [pytest.mark.neo4j, pytest.mark.skipif(missing() is not None, reason=missing() or "")]
STEP = 3  # messages between two kills: each load of them has some sixty


@pytest.fixture
def server(neo4j_server: Neo4jServer) -> Server:
    return Server(neo4j_server.address)


def wipe(server: Server) -> None:
    with server.driver() as driver:
        LoadedGraph(driver, server).run(WIPE)


def check(snapshot: Snapshot, server: Server, what: str) -> None:
    verification = verify(snapshot, server)
    assert verification.equal, (what, [verdict for verdict in verification.verdicts if not verdict.equal])


def test_a_first_load_killed_at_every_message(tmp_path: Path, killer: Killer, server: Server) -> None:
    snapshot = build(tmp_path, family(), [{"id": "some/set"}], [("old/name", "root/base")])
    wipe(server)
    load(snapshot, server)  # the schema is there from now on, so that all loads send alike
    wipe(server)
    messages = len(killer.moments("load", snapshot.folder, server.address))
    check(snapshot, server, "undisturbed")
    for moment in range(0, messages - 2, STEP):
        wipe(server)
        killer.kill("load", moment, snapshot.folder, server.address)
        load(snapshot, server)
        check(snapshot, server, f"killed before message {moment} of {messages}")


def test_a_change_killed_at_every_message(tmp_path: Path, killer: Killer, server: Server) -> None:
    before = build(tmp_path, family())
    changed = [
        model("root/base", downloads=7, lastModified="2026-01-01T00:00:00Z"),
        model("z/new", "a/tuned"),
        model("d/mix", "b/quant", relation="merge", lastModified="2026-01-01T00:00:00Z"),
    ]
    after = build(tmp_path, changed)
    wipe(server)
    load(before, server)
    messages = len(killer.moments("load", after.folder, server.address))
    for moment in range(0, messages - 2, STEP):
        load(before, server)
        check(before, server, "before the kill")
        killer.kill("load", moment, after.folder, server.address)
        load(after, server)
        check(after, server, f"killed before message {moment} of {messages}")
