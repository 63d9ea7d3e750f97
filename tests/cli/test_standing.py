"""Standing, successors and decay: on the command line and over GraphQL, from a drawn world."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.test_graphql import data
from tests.cli.test_commands import answer, stemma
from tests.worlds import build, family, niche_board, niches

QUERY = """query ($id: ID!) {
  model(id: $id) { newVersion supersededSince
    standing { probability task size licence models leader supersededBy text }
    successors(first: 3) { probability steps declared text model { id createdAt licence } } }
  models(orderBy: STANDING, first: 2) { nodes { id standing { probability } } pageInfo { endCursor } }
  decay(first: 1) { models niches leaders halfLifeDays by { task size licence models leaders halfLifeDays leader since } } }"""


@pytest.fixture(scope="module")
def stood(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stood")
    build(folder, niches(), [], [("OLD/alias", "new/best")], niche_board())
    return folder


def test_successors_are_listed_with_what_speaks_for_them(stood: Path) -> None:
    found = answer(stood, "successors", "OLD/base")
    assert (found["id"], found["new_version"]) == ("old/base", "new/child")
    assert [(each["successor"], each["steps"], each["declared"]) for each in found["successors"]] == [
        ("new/child", 1, True),
        ("old/tuned", 1, False),
        ("new/best", None, False),
        ("new/better", None, False),
    ]
    assert found["standing"]["superseded_by"] == 4
    assert found["standing"]["superseded_since"].startswith("2023-03-01")
    text = stemma(stood, "successors", "old/base").stdout
    assert "new/child" in text
    assert "superseded by 4 since 2023-03-01" in text
    none = stemma(stood, "successors", "new/large")
    assert none.returncode == 1
    assert "none is surely better" in none.stderr


def test_a_model_says_how_it_stands(stood: Path) -> None:
    text = stemma(stood, "model", "old/tuned").stdout
    assert "likely the best of 7 measured for text-generation of 3B-10B parameters under a permissive licence" in text
    assert "succeeded   by new/child (better with a probability of more than 99.9 %, 2 derivations away)" in text
    assert "and 2 more; superseded since 2024-01-01" in text
    assert "its number of parameters is not known" in stemma(stood, "model", "new/unsized").stdout


def test_the_order_and_the_report(stood: Path) -> None:
    found = answer(stood, "find", "--order", "standing", "--first", "4")
    assert [model["id"] for model in found["models"]] == ["new/other", "new/strict", "new/floor", "new/large"]
    assert "best of its niche" in stemma(stood, "find", "--order", "standing").stdout
    lasted = answer(stood, "report", "--first", "1")["decay"]
    assert (lasted["models"], lasted["niches"], lasted["leaders"]) == (8, 3, 5)
    (niche,) = lasted["by"]
    assert (niche["task"], niche["size"], niche["licence"]) == ("text-generation", "3B-10B", "permissive")
    assert (niche["models"], niche["leaders"], niche["leader"]) == (6, 3, "new/large")
    # old/base led for 59 days, old/tuned for 306, and new/large for 60 so far: 2/3 last longer than 59, none than 306
    assert niche["half_life_days"] == 306.0
    markdown = stemma(stood, "report").stdout
    assert "## How long leaders last" in markdown
    assert "This rests on 8 measured models." in markdown


def test_graphql_answers_the_same(stood: Path) -> None:
    found = data(stood, QUERY, id="old/tuned")
    model = found["model"]
    assert model["standing"] == {
        "probability": 0.0,
        "task": "text-generation",
        "size": "3B-10B",
        "licence": "permissive",
        "models": 7,
        "leader": "new/floor",
        "supersededBy": 3,
        "text": model["standing"]["text"],
    }
    assert model["supersededSince"] == "2024-01-01T00:00:00+00:00"
    assert [(each["model"]["id"], each["steps"], each["declared"]) for each in model["successors"]] == [
        ("new/child", 2, False),
        ("new/best", None, True),
        ("new/better", None, False),
    ]
    assert model["successors"][1]["text"] == "better with a probability of more than 99.9 %, named by its author"
    assert [(node["id"], node["standing"]["probability"]) for node in found["models"]["nodes"]] == [
        ("new/other", 1.0),
        ("new/strict", 1.0),
    ]
    assert found["decay"]["by"][0]["since"] == "2024-01-01T00:00:00+00:00"
    assert found["decay"]["leaders"] == 5


def test_without_results_nothing_stands_but_authors_are_heard(tmp_path: Path) -> None:
    rows = [
        *family(),
        *({**row, "cardData": {"new_version": "b/quant"}} for row in niches() if row["id"] == "old/base"),
    ]
    build(tmp_path, rows)
    found = data(tmp_path, QUERY, id="old/base")
    assert found["model"]["standing"] is None
    assert found["decay"] is None
    assert [(each["model"]["id"], each["probability"]) for each in found["model"]["successors"]] == [("b/quant", None)]
    assert "How long leaders last" not in stemma(tmp_path, "report").stdout
    assert "named by its author" in stemma(tmp_path, "model", "old/base").stdout
