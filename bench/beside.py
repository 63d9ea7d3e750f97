"""This file knows the same questions over a Neo4j server: by Stemma's own service, and by the usual GraphQL library for Neo4j."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import orjson

from bench import folding, serving
from bench.serving import Rate
from graph.catalogue import Catalogue
from graph.snapshot import Snapshot
from graph.stores.neo4j import ARGUMENTS, Server, load, open_neo4j, verify, write_offline
from ingest.dumps import ingest_dumps
from tests.neo4j_server import Neo4jServer, free_port, missing

PEER = Path(__file__).parent / "peer"
MODEL = (
    "query($id: String!) { models(where: { id: { eq: $id } }) { id author task library licence downloads likes created_at "
    "parameters gated architecture sha baseModelsConnection { edges { properties { relation } node { id downloads } } } "
    "derivedModelsConnection(first: 10, sort: [{ node: { downloads: DESC } }]) "
    "{ edges { properties { relation } node { id downloads } } } } }"
)
ANCESTORS = "query($id: String!) { ancestors(id: $id) { distance id downloads } }"
LINEAGE = "query($id: String!) { descendants(id: $id) { distance id downloads likes task } }"
SEARCH = (
    'query { models(limit: 20, sort: [{ downloads: DESC }], where: { task: { eq: "text-generation" }, licence: { eq: "mit" }, '
    "parameters: { gte: 1000000000 } }) { id downloads likes task } }"
)
QUESTIONS = {
    "model page": MODEL,
    "ancestors": ANCESTORS,
    "lineage of 1,000, typed": LINEAGE,
    "search, three filters": SEARCH,
}


def without_server() -> str | None:
    """Why there is no Neo4j server here; None when there is one."""
    return missing()


def without_peer() -> str | None:
    """Why the other library cannot be run here; None when it can, then it is installed."""
    if shutil.which("npm") is None:
        return "npm is not on the PATH"
    if not (PEER / "node_modules").is_dir():
        done = subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=PEER, check=False)
        return "npm ci failed" if done.returncode else None
    return None


def changed(dump: Path, into: Path) -> None:
    """The dump again with one model in a hundred changed, and one in a thousand of another base."""
    with dump.open("rb") as rows, into.open("wb") as out:
        first = b""
        for number, line in enumerate(rows):
            first = first or line
            if number % 100 == 7:
                row = orjson.loads(line)
                row["downloads"] += 1
                row["lastModified"] = "2027-01-01T00:00:00.000Z"
                if number % 1000 == 7:
                    base = orjson.loads(first)["id"]
                    row["tags"] = [tag for tag in row["tags"] if not tag.startswith("base_model:")]
                    row["tags"] += [f"base_model:{base}", f"base_model:finetune:{base}"]
                    row["baseModels"] = {"relation": "finetune", "models": [{"_id": "", "id": base}]}
                line = orjson.dumps(row) + b"\n"
            out.write(line)


@contextmanager
def neo4j(
    home: Path, page_cache: str, snapshot: Snapshot | None = None
) -> Iterator[tuple[Server, int, dict[str, Any]]]:
    """A server with nothing in it, or with what its own importer made of a snapshot; its process; the seconds that this took."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    server = Neo4jServer(home, heap="3g", page_cache=page_cache)
    times: dict[str, Any] = {}
    begun = time.perf_counter()
    if snapshot is not None:
        write_offline(snapshot, home / "import")
        times["writing the importer's files, s"] = round(time.perf_counter() - begun, 1)
        done = server.admin("database", "import", "full", "neo4j", f"@{ARGUMENTS}", folder=home / "import")
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        times["files, and neo4j-admin database import, s"] = round(time.perf_counter() - begun, 1)
    server.configure()
    server.start()
    times["the same, and the server's start, s"] = round(time.perf_counter() - begun, 1)
    try:
        yield Server(server.address), server.process.pid if server.process else 0, times
    finally:
        server.stop()


def loaded(catalogue: Catalogue, dump: Path, folder: Path, server: Server, *, verified: bool) -> dict[str, Any]:
    """Seconds of the first load, of verifying it, of loading a change of one in a hundred, and of verifying again."""
    times: dict[str, Any] = {}
    first = catalogue.head()
    begun = time.perf_counter()
    times["first load compared with"] = load(first, server).compared_with
    times["first load, s"] = round(time.perf_counter() - begun, 1)
    if verified:
        begun = time.perf_counter()
        times["equal to the snapshot"] = verify(first, server).equal
        times["verify, s"] = round(time.perf_counter() - begun, 1)
    other = folder / "changed.jsonl"
    changed(dump, other)
    ingest_dumps(catalogue, [other], processes=2)
    other.unlink()
    begun = time.perf_counter()
    report = load(catalogue.head(), server)
    times["load of a 1 % change, s"] = round(time.perf_counter() - begun, 1)
    times |= anyio.run(_lists, server, folder / "cache")
    times["rows changed"] = sum(sum(part.values()) for part in (report.added, report.updated, report.removed))
    if verified:
        times["equal after the change"] = verify(catalogue.head(), server).equal
    return times


async def _lists(server: Server, cache: Path) -> dict[str, Any]:
    """Seconds until a store has what lists are made by, and milliseconds of folded pages."""
    begun = time.perf_counter()
    store = await open_neo4j(server, cache, ahead=True)
    opened = time.perf_counter() - begun
    try:
        pages = await folding.pages(store, seed=1)
    finally:
        await store.close()
    return {"open with its lists, s": round(opened, 1), "folded page, filter new each time": pages}


def peer_rates(server: Server, database: int, ids: list[str], roots: list[str], seconds: float) -> list[Rate]:
    """The peer's answers a second."""
    port = free_port()
    environment = {**os.environ, "BOLT": server.address, "PORT": str(port), "NODE_ENV": "production"}
    with subprocess.Popen(["node", "server.mjs"], cwd=PEER, env=environment, stdout=subprocess.PIPE, text=True) as peer:
        try:
            line = peer.stdout.readline() if peer.stdout else ""
            if str(port) not in line:
                raise RuntimeError(f"the peer did not start: {line!r}")
            return serving.asked(port, QUESTIONS, ids, roots, seconds, [peer.pid, database], serving.WARM_JAVA)
        finally:
            peer.terminate()
