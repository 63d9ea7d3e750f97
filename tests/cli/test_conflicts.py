"""``stemma conflicts`` and its GraphQL twin, over the drawn family with what its weights say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.test_graphql import asked
from tests.cli.test_commands import answer, stemma
from tests.worlds import build, family, told

QUERY = """query ($after: String, $kinds: [ContradictionKind!], $p: Float! = 0.5) {
  contradicted(first: 2, after: $after, kinds: $kinds, probability: $p) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { id } contradictions { kind baseModel probability text found { evidence relation } said { evidence } } }
  }
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("told")
    build(place, family(), told=told())
    return place


def test_the_command_pages_and_filters(folder: Path) -> None:
    first = answer(folder, "conflicts", "--first", "2")
    rest = answer(folder, "conflicts", "--first", "2", "--after", first["next"])
    assert [model["id"] for model in first["models"] + rest["models"]] == ["root/base", "a/tuned", "e/two", "c/orphan"]
    assert (first["total"], rest["next"]) == (4, None)
    kinds = {
        model["id"]: [one["kind"] for one in model["contradictions"]] for model in first["models"] + rest["models"]
    }
    assert kinds == {"root/base": ["undeclared"], "a/tuned": ["copy"], "e/two": ["shapes"], "c/orphan": ["base_model"]}
    assert {one["evidence"] for one in first["models"][1]["contradictions"][0]["said"]} >= {"hub", "card"}
    assert [m["id"] for m in answer(folder, "conflicts", "--kind", "copy")["models"]] == ["a/tuned"]
    assert [m["id"] for m in answer(folder, "conflicts", "TUNED", "--author", "a")["models"]] == ["a/tuned"]
    assert answer(folder, "conflicts", "--probability", "0")["total"] == 5
    assert answer(folder, "conflicts", "--probability", "0.7")["total"] == 3
    shown = stemma(folder, "conflicts").stdout
    said = "the weights say identical of root/base (1.00), hub, tag: finetune of root/base; card: root/base"
    assert f"  copy        {said}" in shown
    assert stemma(folder, "conflicts", "--probability", "2").returncode == 2
    assert stemma(folder, "conflicts", "--after", "junk").returncode == 2


def test_graphql_tells_the_same(folder: Path) -> None:
    found = asked(folder, QUERY).json()["data"]["contradicted"]
    again = asked(folder, QUERY, after=found["pageInfo"]["endCursor"]).json()["data"]["contradicted"]
    assert [edge["node"]["id"] for edge in found["edges"] + again["edges"]] == [
        "root/base",
        "a/tuned",
        "e/two",
        "c/orphan",
    ]
    assert (found["totalCount"], again["pageInfo"]["hasNextPage"]) == (4, False)
    (copy,) = found["edges"][1]["contradictions"]
    assert (copy["kind"], copy["baseModel"], copy["probability"]) == ("COPY", "root/base", 1.0)
    assert copy["found"] == [{"evidence": "WEIGHTS", "relation": "IDENTICAL"}]
    assert {claim["evidence"] for claim in copy["said"]} == {"HUB", "TAG", "CARD"}
    only = asked(folder, QUERY, kinds=["COPY"], p=0.0).json()["data"]["contradicted"]
    assert [edge["node"]["id"] for edge in only["edges"]] == ["a/tuned"]
    assert "0 to 1" in asked(folder, QUERY, p=3.0).json()["errors"][0]["message"]
