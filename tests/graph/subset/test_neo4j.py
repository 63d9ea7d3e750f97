"""A subset in a real Neo4j server: by `neo4j-admin import`, by script, and as the snapshot that it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase

from graph.stores.neo4j import Server, load, verify
from graph.subset.exports import neo4j
from graph.subset.exports import snapshot as exported
from graph.subset.lock import Lock
from tests.graph.subset.shelf import ALL, locked, shelf
from tests.graph.subset.test_exports import odd
from tests.neo4j_server import WIPE, Neo4jServer, missing

pytestmark = [
    pytest.mark.neo4j,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
    pytest.mark.xdist_group("neo4j"),
]
MODELS = "MATCH (m:Model) RETURN m.id AS id, m.inside AS inside, m.licence AS licence, m.parameters AS parameters, m.why AS why"
EDGES = "MATCH (a:Model)-[d:DERIVED_FROM]->(b:Model) RETURN a.id AS model, b.id AS base, d.relation AS relation, d.inside AS inside"


def wipe(driver: Driver) -> None:
    with driver.session() as session:
        session.run(WIPE).consume()


def assert_holds(driver: Driver, lock: Lock) -> None:
    models = {
        (r["id"], r["inside"], r["licence"], r["parameters"], r["why"]) for r in driver.execute_query(MODELS).records
    }
    expected = {
        (row.model, True, row.licence.id if row.licence else None, row.parameters, row.why.text())
        for row in lock.models
    }
    beyond = {(base.model, False, base.licence, None, f"outside, {base.why}") for base in lock.outside}
    assert models == expected | beyond
    edges = {(r["model"], r["base"], r["relation"], r["inside"]) for r in driver.execute_query(EDGES).records}
    assert edges == {(row.model, base.model, base.relation, base.inside) for row in lock.models for base in row.bases}


def test_import_by_admin(tmp_path: Path) -> None:
    lock = odd()
    server, folder = Neo4jServer(tmp_path / "home"), tmp_path / "csv"
    neo4j.write(lock, folder)
    script = (folder / "import.sh").read_text()
    words = script.replace("\\\n", " ").split('"${1:-neo4j}"')[1].split()
    arguments = [
        word.replace("=Model=", f"=Model={folder}/").replace("=DERIVED_FROM=", f"=DERIVED_FROM={folder}/")
        for word in words
    ]
    done = server.admin(
        "database", "import", "full", "neo4j", *(word.replace(",", f",{folder}/") for word in arguments)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    server.start()
    try:
        with GraphDatabase.driver(server.address) as driver:
            assert_holds(driver, lock)
    finally:
        server.stop()


def test_load_by_script(neo4j_server: Neo4jServer, tmp_path: Path) -> None:
    for lock in (odd(), locked(shelf(tmp_path / "catalogue"), ALL)):
        folder = neo4j_server.home / "import"
        shutil.rmtree(folder, ignore_errors=True)
        neo4j.write(lock, folder)
        text = "\n".join(
            line for line in (folder / "load.cypher").read_text().splitlines() if not line.startswith("//")
        )
        with GraphDatabase.driver(neo4j_server.address) as driver:
            wipe(driver)
            for _ in range(2):  # loading twice changes nothing
                for statement in text.split(";\n"):
                    if statement.strip(" ;\n"):
                        with driver.session() as session:
                            session.run(statement.strip(" ;\n")).consume()
            assert_holds(driver, lock)
            wipe(driver)
            driver.execute_query("DROP CONSTRAINT model_id IF EXISTS")


def test_the_snapshot_is_loaded_as_it_is(neo4j_server: Neo4jServer, tmp_path: Path) -> None:
    world = shelf(tmp_path / "catalogue")
    part = exported.write(locked(world, "[where]\nauthor = ['a', 'b']\n"), world, tmp_path / "part")
    server = Server(neo4j_server.address)
    load(part, server)
    assert verify(part, server).equal
