"""Subsets looked at before they are made: GraphQL previews, and tables that stream what a view shows."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import anyio
import httpx
import polars as pl
import pytest

from api.subset_views import from_address, from_arguments, from_pairs
from graph.errors import BadInput
from graph.snapshot import Snapshot
from graph.subset.query import from_toml
from tests.api.test_graphql import asked, client, data
from tests.graph.subset.shelf import locked, shelf


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Snapshot]:
    folder = tmp_path_factory.mktemp("shelf")
    return folder, shelf(folder)


PREVIEW = """query($by: ID!) { subset(filter: {author: ["a"]}, orderBy: LIKES, limit: 5, ancestors: true,
  exclude: [{model: $by, reason: "a copy"}]) {
  snapshot digest query models files bytes gated withoutLicence licences { licence count } outside { id why } nodes { id } } }"""


def test_a_preview_says_what_the_lock_would(world: tuple[Path, Snapshot]) -> None:
    folder, snapshot = world
    found = data(folder, PREVIEW, by="a/again")["subset"]
    lock = locked(snapshot, from_toml(found["query"], "the answer"))
    assert (found["digest"], found["snapshot"]) == (lock.digest, lock.snapshot)
    assert (found["models"], found["files"], found["bytes"]) == (2, 5, lock.totals.bytes)
    assert found["licences"] == [{"licence": "apache-2.0", "count": 1}, {"licence": "mit", "count": 1}]
    assert [node["id"] for node in found["nodes"]] == ["a/tuned", "root/base"]
    outside = data(folder, '{ subset(filter: {text: "orphan"}) { outside { id state why derived } } }')["subset"][
        "outside"
    ]
    assert outside == [{"id": "lost/base", "state": "MISSING", "why": "missing", "derived": 1}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("limit: 0", "give 1 or more"),
        ("filter: {state: [MISSING]}", "listed, gated, gone"),
        ('include: [{model: "no/such", reason: "x"}]', "no model named"),
        ('include: [{model: "a/again", reason: " "}]', "has no reason"),
        ("limit: 9000000", "most allowed"),
    ],
)
def test_previews_that_cannot_be(world: tuple[Path, Snapshot], arguments: str, said: str) -> None:
    assert said in asked(world[0], "{ subset(" + arguments + ") { models } }").json()["errors"][0]["message"]


def test_a_preview_is_bounded(world: tuple[Path, Snapshot]) -> None:
    body = asked(world[0], "{ subset(limit: 9) { models } }", {"STEMMA_MAX_LINEAGE": "3"}).json()
    assert body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


def fetched(folder: Path, address: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client(folder) as http:
            return await http.get(address)

    return anyio.run(ask)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_tables_hold_the_view_in_its_order(world: tuple[Path, Snapshot], kind: str) -> None:
    address = f"/subsets/preview.{kind}?order=downloads&limit=4"
    response = fetched(world[0], address)
    assert response.status_code == 200, response.text
    assert response.headers["x-stemma-snapshot"] == world[1].id
    if kind == "jsonl":
        ids = [json.loads(line)["model"] for line in response.content.splitlines()]
    else:
        frame = (pl.read_csv if kind == "csv" else pl.read_parquet)(io.BytesIO(response.content))
        ids = frame["id"].to_list()
    assert ids == ["root/base", "g/gated", "b/quant", "d/mix"]


def test_long_tables_come_in_pieces(world: tuple[Path, Snapshot], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.subsets._ROWS", 2)
    whole = fetched(world[0], "/subsets/preview.parquet")
    assert pl.read_parquet(io.BytesIO(whole.content)).height == 9
    assert len(fetched(world[0], "/subsets/preview.csv").text.splitlines()) == 10


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=10001", "the most allowed is 10000"),
        ("limit=many", "give a whole number"),
        ("size=7B", "100M-1B"),
        ("order=best", "take.order"),
        ("colour=red", "unknown parameter colour"),
        ("year=soon", "is not a date"),
        ("state=missing", "listed, gated, gone"),
    ],
)
def test_tables_that_cannot_be(world: tuple[Path, Snapshot], query: str, said: str) -> None:
    response = fetched(world[0], f"/subsets/preview.csv?{query}")
    assert response.status_code == 400
    assert said in response.json()["errors"][0]["message"]


def test_views_are_queries() -> None:
    by_address = from_address(
        "http://localhost:8000/?q=mistral&task=a&task=b&size=1B-3B&year=2024&novelty=merged-known&fold=quants"
        "&order=LIKES&after=x&columns=made,licence&limit=7"
    )
    arguments: dict[str, Any] = {
        "filter": {
            "text": "mistral",
            "task": ["b", "a"],
            "parametersMin": 10**9,
            "parametersMax": 3 * 10**9 - 1,
            "createdFrom": "2024-01-01T00:00:00Z",
            "createdUntil": "2025-01-01T00:00:00Z",
            "noveltyClass": ["MERGED_KNOWN"],
        },
        "orderBy": "LIKES",
        "collapse": "QUANTS",
        "first": 7,
    }
    assert by_address == from_arguments(json.dumps(arguments), "f")
    in_words = "[where]\ntext = 'mistral'\ntask = ['a', 'b']\nparameters = '1B..2999999999'\ncreated = '2024'\n"
    in_words += "novelty_class = ['merged-known']\n"
    assert by_address == from_toml(in_words + "[take]\norder = 'likes'\nlimit = 7\ncollapse = 'quants'\n", "f")


def test_every_facet_of_the_explorer_is_known() -> None:
    source = (Path(__file__).parents[2] / "api/web/src/views/search/wanted.ts").read_text(encoding="utf-8")
    values = {
        "size": "1B-3B",
        "year": "2024",
        "relation": "merge",
        "evidence": "card",
        "novelty": "light",
        "state": "listed",
    }
    keys = re.findall(r'\bkey: "(\w+)"', source)
    assert len(keys) > 5
    for key in keys:
        assert from_pairs([(key, values.get(key, "x"))]).where != from_pairs([]).where


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"where": 1}', '{"filter": {"tasks": ["x"]}}', '{"filter": [1]}', '{"include": [1]}', "[" * 9999],
)
def test_arguments_that_are_none(text: str) -> None:
    with pytest.raises(BadInput):
        from_arguments(text, "f")
