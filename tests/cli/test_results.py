"""`stemma ingest results`: from a table on disk to an order, a page and an answer over GraphQL."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from graph.catalogue import Catalogue
from ingest.results.taking_in import ingest_results
from tests.api.test_graphql import data
from tests.cli.test_commands import answer, stemma
from tests.worlds import board, build, family

MAPPING = """
name = "ours"
grade = "leaderboard"
model = "who"
[[benchmark]]
column = "one"
name = "one"
domain = "reasoning"
[[benchmark]]
column = "two"
name = "two"
domain = "reasoning"
[[benchmark]]
column = "three"
name = "three"
domain = "reasoning"
"""
QUERY = """query ($id: ID!) { model(id: $id) { ability { index error low benchmarks inheritedFrom steps text suspect { benchmark }
    domains { name about index standardError results reason text } }
  results { benchmark source value fraction grade } }
  models(orderBy: ABILITY, first: 2) { nodes { id } } catalogue { results withAbility } }"""


def write(folder: Path) -> Path:
    rows: dict[str, dict[str, float]] = {}
    for said, benchmark, value in board():
        rows.setdefault(said, {})[benchmark] = round(value, 3)
    lines = ["who,one,two,three"]
    lines += [
        f"{said},{','.join(str(row.get(name, '')) for name in ('one', 'two', 'three'))}" for said, row in rows.items()
    ]
    (folder / "ours.csv").write_text("\n".join(lines) + "\n")
    (folder / "ours.toml").write_text(MAPPING)
    return folder / "ours.csv"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    build(folder, family(), [], [("old/name", "root/base")])
    table = write(tmp_path_factory.mktemp("table"))
    done = stemma(folder, "ingest", "results", str(table), "--mapping", str(table.with_suffix(".toml")))
    assert done.returncode == 0, done.stderr
    assert "1 of 6 names are of no model in the catalogue, such as far/away" in done.stdout
    return folder


def test_names_are_resolved_and_repeated_cells_become_one(measured: Path) -> None:
    rows = pl.DataFrame(Catalogue(measured).head().table("results"))
    assert set(rows["model"]) == {"root/base", "a/tuned", "e/one", "e/two", "far/away", "d/mix"}
    assert rows.filter(pl.col("model") == "root/base", pl.col("benchmark") == "one")["value"].item() == pytest.approx(
        0.51
    )
    assert rows.filter(~pl.col("known"))["model"].unique().to_list() == ["far/away"]


def test_model_and_order(measured: Path) -> None:
    found = answer(measured, "find", "--order", "ability", "--first", "9")
    assert [model["id"] for model in found["models"]][:4] == ["a/tuned", "root/base", "e/one", "e/two"]
    header, first, *_ = stemma(measured, "find", "--order", "ability").stdout.splitlines()
    assert header.rstrip().endswith("ability at least")
    assert first.split()[0] == "a/tuned"
    assert float(first.split()[-1]) > 100
    assert "ability at least" not in stemma(measured, "find", "orphan").stdout
    card = stemma(measured, "model", "a/tuned").stdout
    assert "ability     " in card
    assert re.search(r"^ {12}reasoning \d+ \+- \d+ from 3 benchmarks$", card, re.MULTILINE)
    quantised = stemma(measured, "model", "b/quant").stdout
    assert "inherited from a/tuned, 1 derivation(s) up: not measured" in quantised


def test_graphql(measured: Path) -> None:
    found = data(measured, QUERY, id="a/tuned")
    ability = found["model"]["ability"]
    assert ability["low"] < ability["index"]
    assert ability["inheritedFrom"] is None
    (domain,) = ability["domains"]
    assert (domain["name"], domain["results"], domain["reason"]) == ("reasoning", 3, None)
    assert domain["index"] == pytest.approx(ability["index"], abs=0.05)  # all of its results are of that domain
    assert domain["standardError"] == pytest.approx(ability["error"], abs=0.05)
    assert "common sense" in domain["about"]
    assert [row["benchmark"] for row in found["model"]["results"]] == ["one", "three", "two"]
    assert found["catalogue"]["withAbility"] == 4
    assert [node["id"] for node in found["models"]["nodes"]] == ["a/tuned", "root/base"]
    inherited = data(measured, QUERY, id="b/quant")["model"]["ability"]
    assert (inherited["low"], inherited["inheritedFrom"], inherited["steps"]) == (None, "a/tuned", 1)
    mixed = data(measured, QUERY, id="d/mix")["model"]["ability"]
    assert mixed["inheritedFrom"] is not None
    assert mixed["benchmarks"] == 1
    assert mixed["domains"][0]["text"] == "reasoning: 1 of the 3 results that it takes"
    assert {(row["benchmark"], row["fraction"]) for row in data(measured, QUERY, id="d/mix")["model"]["results"]} == {
        ("one", 0.4),
        ("some/set", None),
    }
    assert data(measured, QUERY, id="c/orphan")["model"]["ability"] is None


def test_a_source_told_again_is_replaced_and_the_norm_stays(measured: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(measured)
    before = catalogue.head()
    table = write(tmp_path)
    ingest_results(catalogue, [table], mapping=table.with_suffix(".toml"))
    assert catalogue.head().id == before.id
    text = table.read_text().replace("a/tuned,0.7", "a/tuned,0.1")
    table.write_text(text)
    ingest_results(catalogue, [table], mapping=table.with_suffix(".toml"))
    after = catalogue.head()
    assert after.table("results").num_rows == before.table("results").num_rows
    norm = [set(pl.DataFrame(each.table("abilities")).filter("norm")["model"]) for each in (before, after)]
    assert norm[0] == norm[1]
    assert "far/away" in norm[0]
    write(tmp_path)
    ingest_results(catalogue, [table], mapping=table.with_suffix(".toml"))
    assert catalogue.head().id == before.id


def test_bad_tables_change_nothing(measured: Path, tmp_path: Path) -> None:
    before = Catalogue(measured).head().id
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    done = stemma(measured, "ingest", "results", str(tmp_path / "odd.csv"))
    assert done.returncode == 2
    assert "no known mapping fits" in done.stderr
    assert stemma(measured, "ingest", "results", str(tmp_path / "none.csv")).returncode == 2
    assert Catalogue(measured).head().id == before
