"""The lineage as a picture for READMEs, as a client gets it: exact, the same each time, and safe with any name."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import anyio
import httpx
import pytest

from api.svg import clean, fitting, short
from tests.api.test_graphql import client, data
from tests.worlds import build, family, model

SVG = "{http://www.w3.org/2000/svg}"
FAN = """query($id: ID!) { model(id: $id) { totalDescendants derivedCounts { relation count } fan { relation count
  named { derivation { model { id } conflict } novelty noveltyClass cosine }
  rest { count downloads conflicts inferred dated since until histogram } } } }"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The family, and a base with a crowd of 40 quantised copies, one of them contradicted."""
    place = tmp_path_factory.mktemp("family")
    crowd = [model(f"q/copy-{n:02}", "big/base", relation="quantized", downloads=n) for n in range(40)]
    crowd[7]["cardData"] = {"base_model": ["x/other"]}
    build(
        place,
        [*family(), model("big/base", downloads=10**7), *crowd],
        [{"id": "some/set"}],
        [("old/name", "root/base")],
    )
    return place


def got(folder: Path, address: str, **headers: str) -> httpx.Response:
    async def get() -> httpx.Response:
        async with client(folder) as http:
            return await http.get(address, headers=headers)

    return anyio.run(get)


def words(response: httpx.Response) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(response.text).iter(f"{SVG}text")]


def test_a_lineage_is_drawn(folder: Path) -> None:
    response = got(folder, "/models/a/tuned/lineage.svg")
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    said = words(response)
    assert said[0] == "a/tuned"
    assert said[1].startswith("2 ancestors, 2 descendants · snapshot ")
    assert {"root/base", "x/other", "b/quant", "d/mix"} <= {*said}
    assert any("never seen itself" in line for line in said)
    assert any("claims disagree" in line for line in said)
    assert "script" not in response.text


def test_any_spelling_and_again(folder: Path) -> None:
    first = got(folder, "/models/OLD/name/lineage.svg")
    assert first.text == got(folder, "/models/root/base/lineage.svg").text
    again = got(folder, "/models/root/base/lineage.svg", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_crowd_is_counted_with_what_is_wrong_in_it(folder: Path) -> None:
    said = words(got(folder, "/models/big/base/lineage.svg"))
    assert "40 quantised copies" in said
    assert any(line.endswith("1 conflict") for line in said)
    answer = data(folder, FAN, id="big/base")["model"]
    assert [(fan["relation"], fan["count"]) for fan in answer["fan"]] == [
        (row["relation"], row["count"]) for row in answer["derivedCounts"]
    ]
    (fan,) = answer["fan"]
    assert fan["rest"]["count"] == answer["totalDescendants"] == 40
    assert (fan["rest"]["downloads"], fan["rest"]["conflicts"]) == (sum(range(40)), 1)


def test_unknown_models_are_said_to_be(folder: Path) -> None:
    response = got(folder, "/models/no/such/lineage.svg")
    assert response.status_code == 404
    assert "no/such" in response.json()["errors"][0]["message"]


def test_names_are_text_and_nothing_else() -> None:
    assert (
        clean('<script>"&\x00\x1b', 50) == "&lt;script&gt;&quot;&amp;\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    )
    assert clean("x" * 50, 10) == "x" * 9 + "…"
    assert fitting("W" * 50, 100, 10) < fitting("i" * 50, 100, 10) <= 50
    assert [short(n) for n in (0, 999, 1_000, 56_789, 7_800_000)] == ["0", "999", "1.0k", "57k", "7.8M"]
