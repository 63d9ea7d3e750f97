"""All that was made from a model as a table that streams: whole, in order, of the relations asked for."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import anyio
import httpx
import pytest

from api import crowds
from tests.api.test_graphql import client
from tests.worlds import build, model

MANY = 2_345  # more than two pages of the store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """big/base <- 2,345 adapters, one of them contradicted, and 3 quantised."""
    place = tmp_path_factory.mktemp("crowd")
    adapters = [model(f"a/adapter-{n:04}", "big/base", relation="adapter", downloads=n // 2) for n in range(MANY)]
    adapters[7]["cardData"] = {"base_model": ["x/other"]}
    copies = [model(f"q/copy-{n}", "big/base", relation="quantized", downloads=n) for n in range(3)]
    build(
        place, [model("big/base", downloads=10**7, license="mit"), *adapters, *copies], [], [("old/base", "big/base")]
    )
    return place


def got(folder: Path, *addresses: str) -> list[httpx.Response]:
    async def get() -> list[httpx.Response]:
        async with client(folder) as http:
            return [await http.get(address) for address in addresses]

    return anyio.run(get)


def test_a_crowd_streams_whole_and_in_order(folder: Path) -> None:
    table, lines, every = got(
        folder,
        "/models/big/base/derived.csv?relation=adapter",
        "/models/OLD/base/derived.jsonl?relation=ADAPTER",
        "/models/big/base/derived.jsonl",
    )
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(table.text.splitlines()))
    found = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["model"] for row in rows] == [row["model"] for row in found]
    downloads = [row["downloads"] for row in found]
    assert len(found) == MANY == len({row["model"] for row in found})
    assert downloads == sorted(downloads, reverse=True)
    contradicted = [row for row in rows if row["conflict"] == "true"]
    assert [row["model"] for row in contradicted] == ["a/adapter-0007"]
    assert {row["relation"] for row in found} == {"adapter"}
    assert list(found[0]) == list(rows[0]) == list(crowds.Member.__struct_fields__)
    assert len(every.text.splitlines()) == MANY + 3


def test_what_is_not_there_and_what_is_wrong(folder: Path) -> None:
    nobody, wrong, none = got(
        folder,
        "/models/no/body/derived.csv",
        "/models/big/base/derived.csv?relation=cousin",
        "/models/a/adapter-0001/derived.jsonl",
    )
    assert nobody.status_code == 404
    assert wrong.status_code == 400
    assert "give one of" in wrong.text
    assert (none.status_code, none.text) == (200, "")
