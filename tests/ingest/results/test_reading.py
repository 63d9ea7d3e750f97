"""Result tables: each cell becomes a row or is left out with its reason, whatever the file's form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.errors import BadInput
from ingest.results.mapping import Known, read_mapping, shipped
from ingest.results.reading import read_results
from tests.ingest.real_data import real

MAPPING = """
name = "board"
grade = "leaderboard"
model = "Model"
prefix = "org/"
revision = "sha"

[[benchmark]]
column = "acc"
name = "arc"
scale = [0, 100]
chance = 0.25
items = 100
domain = "reasoning"

[[benchmark]]
column = "loss"
name = "speed"
scale = [0, 10]
higher_is_better = false
"""
CSV = "Model,sha,acc,loss,other\nx,abc,100,0,1\ny,,25,10,\nz,,nonsense,12,\n,,50,5,\nw,,,2.5,\n"


def known(folder: Path, text: str = MAPPING) -> Known:
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return Known((read_mapping(path),))


def test_scale_direction_and_chance(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(CSV)
    read = read_results(tmp_path / "table.csv", known(tmp_path))
    rows = {(r["said"], r["benchmark"]): r for r in read.results.iter_rows(named=True)}
    assert rows["org/x", "arc"]["fraction"] == 1.0
    assert rows["org/y", "arc"]["fraction"] == 0.0
    assert rows["org/x", "speed"]["fraction"] == 1.0
    assert rows["org/w", "speed"]["fraction"] == 0.75
    assert rows["org/x", "arc"]["value"] == 100.0
    assert (rows["org/x", "arc"]["revision"], rows["org/x", "arc"]["items"]) == ("abc", 100)
    assert read.skipped == {"no-value": 2, "outside-its-scale": 1, "no-model": 2}
    assert read.rows == 5
    assert len(rows) + sum(read.skipped.values()) == 10


@pytest.mark.parametrize("form", ["table.csv.gz", "table.jsonl", "table.json", "table.parquet"])
def test_every_form_gives_the_same(tmp_path: Path, form: str) -> None:
    (tmp_path / "table.csv").write_text(CSV)
    frame = pl.read_csv(tmp_path / "table.csv", infer_schema=False)
    path = tmp_path / form
    if form.endswith(".csv.gz"):
        path.write_bytes(gzip.compress(CSV.encode()))
    elif form.endswith(".jsonl"):
        frame.write_ndjson(path)
    elif form.endswith(".json"):
        path.write_text(json.dumps(frame.to_dicts()))
    else:
        frame.write_parquet(path)
    expected = read_results(tmp_path / "table.csv", known(tmp_path))
    found = read_results(path, known(tmp_path))
    assert found.results.equals(expected.results)
    assert found.skipped == expected.skipped


def test_long_tables_and_what_is_excluded(tmp_path: Path) -> None:
    text = 'name = "long"\nmodel = "m"\n[long]\nbenchmark = "task"\nvalue = "v"\nexclude = ["Speed"]\n'
    (tmp_path / "t.csv").write_text("m,task,v\na/x,STS,0.5\na/x,Speed,9000\na/x,,0.1\n")
    read = read_results(tmp_path / "t.csv", known(tmp_path, text))
    assert read.results["benchmark"].to_list() == ["STS"]
    assert read.skipped == {"excluded": 1, "bad-name": 1}
    assert read.results["grade"].to_list() == ["community"]


def test_votes(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("left,right,winner\na,b,left\na,b,tie\nb,a,right\na,a,left\na,b,neither\n")
    read = read_results(tmp_path / "v.csv", shipped())
    assert read.votes.select("first", "second", "won").rows() == [("a", "b", 1.0), ("a", "b", 0.5), ("b", "a", 0.0)]
    assert read.skipped == {"no-vote": 2}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name = 3", "mapping.toml"),
        ("name =", "mapping.toml"),
        ('name = "x"\nmodel = "m"', "either"),
        ('name = "x"\nmodel = "m"\nodd = 1\n[long]\nbenchmark="b"\nvalue="v"', "odd"),
        ('name = "x"\n[long]\nbenchmark="b"\nvalue="v"', "`model`"),
        ('name = "x"\nmodel = "m"\n[long]\nbenchmark="b"\nvalue="v"\nscale=[1,0]', "scale"),
        ('name = "x"\nmodel = "m"\n[long]\nbenchmark="b"\nvalue="v"\nscale=[0,inf]', "scale"),
        ('name = "x"\nmodel = "m"\n[long]\nbenchmark="b"\nvalue="v"\nleast=-inf', "least"),
        ('name = "x"\nmodel = "m"\n[long]\nbenchmark="b"\nvalue="v"\nleast=0.5', "least"),
        ('name = "x"\nmodel = "m"\ngrade = "best"\n[long]\nbenchmark="b"\nvalue="v"', "best"),
    ],
)
def test_a_bad_mapping_is_named(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        known(tmp_path, text)


def test_a_table_that_nothing_fits_or_reads(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="no known mapping fits"):
        read_results(tmp_path / "t.csv", shipped())
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(BadInput, match="cannot be read"):
        read_results(tmp_path / "t.parquet", shipped())
    (tmp_path / "t.xlsx").write_bytes(b"")
    with pytest.raises(BadInput, match="result tables are"):
        read_results(tmp_path / "t.xlsx", shipped())
    with pytest.raises(BadInput, match="cannot be read"):
        read_results(tmp_path / "nothing.csv", shipped())


def test_a_small_parquet_file_does_not_unpack_to_gigabytes(tmp_path: Path) -> None:
    rows = 3_000_000
    same = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), ["x" * 250])
    table = pa.table({"model": same, "task": same, "mean_main_score": pa.array([0.5] * rows)})
    pq.write_table(table, tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 2**20
    with pytest.raises(BadInput, match="holds more than"):
        read_results(tmp_path / "t.parquet", shipped())


def test_the_shipped_mappings_read_real_tables() -> None:
    read = read_results(real("evals/open_llm_leaderboard_v2.csv.gz"), shipped())
    assert (read.results.height, read.skipped.total()) == (3913 * 6, 0)
    assert read_results(real("evals/mteb_main_scores.csv.gz"), shipped()).skipped == {"excluded": 15}
    assert read_results(real("evals/llmfao_votes.csv.gz"), shipped()).votes.height == 8931
    for path in sorted(real("evals/timm").iterdir()):
        assert read_results(path, shipped()).results.height == 1556
