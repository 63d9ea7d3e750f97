"""Results of Hub records, from the row to abilities: whose row counts, what stays, and that the order of input is nothing."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.ability import FEWEST, Unknown
from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.snapshot import Snapshot
from ingest.dumps import ingest_dumps
from ingest.hub import ingest_hub
from ingest.results.mapping import read_mapping
from ingest.results.taking_in import ingest_results
from tests.ingest.real_data import real
from tests.loopback_hub.server import Hub

Row = dict[str, Any]
BENCHMARKS = ("gsm8k", "hellaswag", "winogrande", "humaneval")


def row(number: int, *, values: dict[str, float] | None = None, day: int = 1, **more: Any) -> Row:
    """A model whose card says how it did on some benchmarks; better ones have higher numbers."""
    height = 0.55 + 0.012 * number  # above what guessing gets on each
    told = (
        {name: height + 0.03 * place + 0.004 * (number * (place + 3) % 4) for place, name in enumerate(BENCHMARKS)}
        if values is None
        else values
    )
    results = [
        {"dataset": {"type": name}, "metrics": [{"type": "acc", "value": value}]} for name, value in told.items()
    ]
    card = {"license": "mit", "model-index": [{"name": "m", "results": results}]}
    changed = f"2025-01-{day:02d}T00:00:00.000Z"
    return {"_id": f"{number:024x}", "id": f"org/m{number:02d}", "lastModified": changed, "cardData": card, **more}


def take(folder: Path, rows: list[Row], name: str = "rows.jsonl") -> Snapshot:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text("".join(json.dumps(each) + "\n" for each in rows))
    ingest_dumps(Catalogue(folder / "catalogue"), [folder / name])
    return Catalogue(folder / "catalogue").head()


def told(snapshot: Snapshot, *columns: str) -> set[tuple[Any, ...]]:
    return set(pl.DataFrame(snapshot.table("results")).select(columns).iter_rows())


def index(snapshot: Snapshot) -> dict[str, float]:
    rows = pl.DataFrame(snapshot.table("abilities")).drop_nulls("index").select("model", "index").iter_rows()
    return dict(rows)


def test_cards_become_abilities_whatever_the_order_and_how_often(tmp_path: Path) -> None:
    rows = [row(number) for number in range(20)]
    first = take(tmp_path / "one", rows)
    able = index(first)
    assert len(able) == 20
    assert able["org/m19"] > able["org/m10"] > able["org/m00"]
    assert take(tmp_path / "one", rows).id == first.id
    random.Random(1).shuffle(rows)
    assert take(tmp_path / "two", rows).manifest.tables == first.manifest.tables
    assert {grade for (grade,) in told(first, "grade")} == {"author"}


def test_a_parquet_dump_says_the_same(tmp_path: Path) -> None:
    rows = [row(number, evalResults=[{"verified": True, "data": {"dataset": {"id": "cais/hle"}, "value": 7.5}}])
            for number in range(6)]  # fmt: skip
    lines = take(tmp_path / "lines", rows)
    texts = ("cardData", "evalResults")
    as_text = [{**each, **{name: json.dumps(each[name]) for name in texts}} for each in rows]
    ways = {"structs": rows, "text": as_text}
    for name, cells in ways.items():
        pq.write_table(pa.Table.from_pylist(cells), tmp_path / f"{name}.parquet")
        ingest_dumps(Catalogue(tmp_path / name), [tmp_path / f"{name}.parquet"])
        assert told(Catalogue(tmp_path / name).head(), "model", "source", "benchmark", "fraction", "grade") == told(
            lines, "model", "source", "benchmark", "fraction", "grade"
        )
    assert ("org/m01", "evalResults", "hle", 0.075, "verified") in told(
        lines, "model", "source", "benchmark", "fraction", "grade"
    )


def test_what_a_newer_row_says_replaces_and_what_it_is_silent_of_stays(tmp_path: Path) -> None:
    hub = [{"verified": False, "data": {"dataset": {"id": "cais/hle"}, "value": 7.5}}]
    take(tmp_path, [row(1, evalResults=hub), row(2)])
    later = take(
        tmp_path,
        [
            row(1, values={"gsm8k": 0.9}, day=2, id="new/name"),  # says nothing of evalResults; renamed
            {"_id": f"{2:024x}", "id": "org/m02", "lastModified": "2025-01-02T00:00:00.000Z", "tags": []},
        ],
        "later.jsonl",
    )
    assert told(later, "model", "source", "benchmark") == {
        ("new/name", "evalResults", "hle"),
        ("new/name", "model-index", "gsm8k"),
        *(("org/m02", "model-index", name) for name in BENCHMARKS),
    }
    gone = take(tmp_path, [row(2, day=3, cardData={"license": "mit"}), row(1, day=3, id="new/name", evalResults=[])])
    assert told(gone, "model", "source") == {("new/name", "model-index")}


def test_the_hubs_lists_bring_them_and_take_them_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.hub.session.get_token", lambda: None)
    entry = {"verified": True, "data": {"dataset": {"id": "cais/hle", "task_id": "default"}, "value": 7.5}}
    times = {"createdAt": "2025-01-01T00:00:00.000Z", "lastModified": "2025-01-02T00:00:00.000Z"}
    hub = Hub(models=[{"_id": "a" * 24, "id": "a/b", "tags": [], "evalResults": [entry], **times}]).start()
    catalogue = Catalogue(tmp_path)
    try:
        for unknown, without, expected in ((set(), False, 1), ({"evalResults"}, True, 1), (set(), True, 0)):
            if without:
                hub.models[0].pop("evalResults", None)
                hub.models[0]["lastModified"] = "2025-01-03T00:00:00.000Z"
            hub.unknown = unknown
            ingest_hub(catalogue, endpoint=hub.address, full=True, pause_seconds=0.01)
            assert len(told(catalogue.head(), "model", "benchmark", "grade")) == expected
    finally:
        hub.stop()
    assert catalogue.head().table("models", ["state"]).to_pylist() == [{"state": "listed"}]


def test_a_grade_is_a_weight(tmp_path: Path) -> None:
    ids = {"gsm8k": "openai/gsm8k", "hle": "cais/hle", "mmlu-pro": "TIGER-Lab/MMLU-Pro", "gpqa": "Idavidrein/gpqa"}

    def world(verified: bool) -> list[Row]:
        rows = []
        for number in range(20):
            entries = [
                {
                    "verified": verified and number == 10,
                    "data": {"dataset": {"id": id}, "value": 30.0 + number + 7 * place + (number * (place + 3)) % 5},
                }
                for place, id in enumerate(ids.values())
            ]
            rows.append({"_id": f"{number:024x}", "id": f"org/m{number:02d}", "evalResults": entries})
        return rows

    errors = {}
    for verified in (False, True):
        snapshot = take(tmp_path / str(verified), world(verified))
        table = pl.DataFrame(snapshot.table("abilities"))
        errors[verified] = table.filter(pl.col("model") == "org/m10")["error"].item()
    assert errors[True] < 0.8 * errors[False]  # a weight of 1 for .4


def test_no_scale_from_too_little(tmp_path: Path) -> None:
    alone = take(tmp_path / "alone", [row(1)])
    (record,) = alone.table("abilities").to_pylist()
    assert (record["index"], record["unknown"], record["benchmarks"]) == (None, Unknown.TOO_FEW, 0)
    few = [row(1), *(row(n, values=dict.fromkeys(BENCHMARKS[:2], 0.5)) for n in (2, 3)),
           *(row(n, values=dict.fromkeys(BENCHMARKS[2:], 0.5)) for n in (4, 5))]  # fmt: skip
    records = {each["model"]: each for each in take(tmp_path / "few", few).table("abilities").to_pylist()}
    assert records["org/m01"]["unknown"] == Unknown.NO_NORM
    assert {each["unknown"] for name, each in records.items() if name != "org/m01"} == {Unknown.TOO_FEW}


def test_measured_results_make_the_norm_once_there_are_enough(tmp_path: Path) -> None:
    take(tmp_path, [row(number) for number in range(12)])
    table = tmp_path / "board.csv"
    names = ",".join(BENCHMARKS)
    lines = [f"org/m{n:02d},{','.join(f'{0.2 + 0.01 * n:.2f}' for _ in BENCHMARKS)}" for n in range(11)]
    table.write_text(f"who,{names}\n" + "\n".join(lines) + "\n")
    mapping = 'name = "board"\ngrade = "leaderboard"\nmodel = "who"\n'
    mapping += "".join(f'[[benchmark]]\ncolumn = "{name}"\nname = "{name}"\n' for name in BENCHMARKS)
    (tmp_path / "board.toml").write_text(mapping)
    catalogue = Catalogue(tmp_path / "catalogue")

    def norm() -> set[str]:
        rows = pl.DataFrame(catalogue.head().table("abilities", ["model", "norm"]))
        return set(rows.filter("norm")["model"])

    assert len(norm()) == 12
    ingest_results(catalogue, [table], mapping=tmp_path / "board.toml")
    assert norm() == {f"org/m{n:02d}" for n in range(11)}
    take(tmp_path, [row(number) for number in range(30)], "more.jsonl")
    assert len(norm()) == 11


def test_a_table_cannot_pass_for_the_hub(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text('name = "evalResults"\nmodel = "m"\n[long]\nbenchmark = "b"\nvalue = "v"\n')
    with pytest.raises(BadInput, match="choose another"):
        read_mapping(tmp_path / "m.toml")


def test_real_cards(tmp_path: Path) -> None:
    with gzip.open(real("hub/modeltrees_models.jsonl.gz")) as file:
        (tmp_path / "rows.jsonl").write_bytes(file.read())
    report = ingest_dumps(Catalogue(tmp_path / "c"), [tmp_path / "rows.jsonl"])
    found = pl.DataFrame(Catalogue(tmp_path / "c").head().table("results"))
    assert found.height > 200
    assert found["model"].n_unique() == 18
    assert report.skipped["result-other-metric"] > 0
    able = pl.DataFrame(Catalogue(tmp_path / "c").head().table("abilities")).drop_nulls("index")
    assert all(able["benchmarks"] >= FEWEST)
    assert not report.bad_rows
