"""Real Hub records of 24 families: what Stemma answers, against walks that share no code with it.

The records lie in ``shared/data`` beside the checkout; without them these tests are skipped.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import networkx as nx
import pytest

from graph.catalogue import Catalogue
from graph.records import Direction
from graph.snapshot import Snapshot
from graph.store import EdgeFilter
from graph.stores.embedded import open_snapshot
from ingest.dumps import ingest_dumps

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "hub"
FAMILIES = DATA / "modeltrees_models.jsonl.gz"
TOP_MODELS = DATA / "top_models_2024_09.csv.gz"

pytestmark = pytest.mark.skipif(not FAMILIES.exists(), reason="the real Hub records are not beside this checkout")


def raw_rows() -> Iterator[dict[str, Any]]:
    with gzip.open(FAMILIES, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    catalogue = Catalogue(tmp_path_factory.mktemp("families"))
    ingest_dumps(catalogue, [FAMILIES])
    return catalogue.head()


def tag_edges(rows: Iterator[dict[str, Any]]) -> set[tuple[str, str]]:
    """(model, base model) pairs said by the tags, spelled as the Hub spells those it lists."""
    pairs = set()
    spelling = {}
    for row in rows:
        spelling[row["id"].lower()] = row["id"]
        for tag in row["tags"]:
            if tag.startswith("base_model:"):
                pairs.add((row["id"], tag.rsplit(":", 1)[1]))
    said: dict[str, set[str]] = {}
    for _, base in pairs:
        said.setdefault(base.lower(), set()).add(base)
    one_spelling = {
        low: spelling.get(low, next(iter(names))) for low, names in said.items() if low in spelling or len(names) == 1
    }
    return {
        (model, one_spelling[base.lower()])
        for model, base in pairs
        if base.lower() in one_spelling and one_spelling[base.lower()] != model
    }


def test_every_tagged_base_model_is_an_edge(families: Snapshot) -> None:
    derivations = families.table("derivations", ["model", "base_model"]).to_pylist()
    edges = {(row["model"], row["base_model"]) for row in derivations}
    expected = tag_edges(raw_rows())
    assert len(expected) > 1900
    assert expected <= edges


def test_no_edge_is_invented(families: Snapshot) -> None:
    said = {}
    for row in raw_rows():
        text = " ".join(row["tags"]) + " " + json.dumps(row["card_data"]) + json.dumps(row.get("card_data_parsed"))
        said[row["id"]] = text.lower()
    for row in families.table("derivations", ["model", "base_model"]).to_pylist():
        assert row["base_model"].rsplit("/", 1)[-1].lower() in said[row["model"]]


def test_lineage_of_every_model_agrees_with_networkx(families: Snapshot) -> None:
    claims = families.table("claims", ["model", "base_model"]).to_pylist()
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(families.table("models", ["id"])["id"].to_pylist())
    graph.add_edges_from((claim["model"], claim["base_model"]) for claim in claims)
    towards_root = {node: nx.single_source_shortest_path_length(graph, node) for node in graph}
    towards_leaves = {node: nx.single_source_shortest_path_length(graph.reverse(copy=False), node) for node in graph}

    async def compare() -> None:
        store = await open_snapshot(families)
        try:
            for node in graph:
                walk = await store.walk(node, Direction.BOTH, EdgeFilter(), depth=100, limit=10**6)
                expected = {other: -steps for other, steps in towards_root[node].items()}
                for other, steps in towards_leaves[node].items():
                    if other not in expected or steps < -expected[other]:
                        expected[other] = steps
                assert {(reached.id, reached.distance) for reached in walk.nodes} == set(expected.items())
                assert walk.total_ancestors == len(towards_root[node]) - 1
                assert walk.total_descendants == len(towards_leaves[node]) - 1
                shown = graph.subgraph(expected)
                assert {(edge.model, edge.base_model) for edge in walk.edges} == set(shown.edges)
                assert walk.hidden == ()
        finally:
            await store.close()

    anyio.run(compare)


def test_most_downloaded_models_as_api_rows(tmp_path: Path) -> None:
    rows = tmp_path / "top.jsonl"
    with gzip.open(TOP_MODELS, "rt", encoding="utf-8", newline="") as lines, rows.open("w", encoding="utf-8") as out:
        table = list(csv.DictReader(lines))
        for number, row in enumerate(table):
            tags = [part.strip().strip("'\"") for part in row["tags"].strip("[]").split(",") if part.strip()]
            record = {
                "_id": f"{number:024x}",
                "id": row["modelId"],
                "downloads": int(float(row["downloads"])),
                "lastModified": row["lastModified"],
                "tags": tags,
                "pipeline_tag": row["pipeline_tag"] or None,
                "sha": row["sha"],
                "private": False,
            }
            out.write(json.dumps(record) + "\n")
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_dumps(catalogue, [rows])
    snapshot = catalogue.head()
    ids = set(snapshot.table("models", ["id"])["id"].to_pylist())
    assert {row["modelId"] for row in table} <= ids
    reasons = snapshot.table("skipped", ["reason"])["reason"].to_pylist()
    assert reasons.count("self-loop") == 5
