"""Dumps of every form and age, clean and dirty, to one snapshot."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.catalogue import Catalogue
from graph.errors import BadInput, Damaged, NotFound
from graph.snapshot import Snapshot
from ingest import text_dump
from ingest.dumps import ingest_dumps
from ingest.parse import PartBuilder
from tests.ingest.test_names import JSON
from tests.worlds import Row, family, hub_rows, model

REPOSITORY = Path(__file__).resolve().parents[2]


def lines(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def take(folder: Path, *files: tuple[str, bytes], **more: Any) -> Snapshot:
    folder.mkdir(exist_ok=True)
    paths = []
    for name, content in files:
        paths.append(folder / name)
        paths[-1].write_bytes(content)
    catalogue = Catalogue(folder / "catalogue")
    ingest_dumps(catalogue, paths, **more)
    return catalogue.head()


def edges(snapshot: Snapshot) -> set[tuple[str, str, str]]:
    rows = snapshot.table("derivations", ["model", "base_model", "relation"]).to_pylist()
    return {(row["model"], row["base_model"], row["relation"]) for row in rows}


FORMS: dict[str, Callable[[list[Row]], bytes]] = {
    "rows.jsonl": lines,
    "rows.jsonl.gz": lambda rows: gzip.compress(lines(rows)),
    "rows.jsonl.zst": lambda rows: zstandard.compress(lines(rows)),
    "two-frames.zst": lambda rows: zstandard.compress(lines(rows[:2])) + zstandard.compress(lines(rows[2:])),
    "array.json": lambda rows: json.dumps(rows, indent=2).encode(),
    "array.json.zst": lambda rows: zstandard.compress(json.dumps(rows).encode()),
    "no-end.jsonl": lambda rows: lines(rows).rstrip(b"\n"),
    "crlf.jsonl": lambda rows: b"\xef\xbb\xbf" + lines(rows).replace(b"\n", b"\r\n\n"),
}


def test_every_form_gives_the_same_snapshot(tmp_path: Path) -> None:
    ids = {name: take(tmp_path / str(at), (name, form(family()))).id for at, (name, form) in enumerate(FORMS.items())}
    assert len(set(ids.values())) == 1, ids


def parquet(folder: Path, rows: list[Row], *, text: bool) -> bytes:
    """Hub-stats as of one era: nested columns as JSON text, or as structs; times as timestamps."""
    columns: dict[str, list[Any]] = {}
    for name in (
        "id",
        "downloads",
        "tags",
        "baseModels",
        "cardData",
        "createdAt",
        "pipeline_tag",
        "safetensors",
        "gated",
    ):
        values = [row.get(name) for row in rows]
        if name == "createdAt":
            values = [datetime.fromisoformat(value) if value else None for value in values]
        elif name == "cardData" or (text and name in ("baseModels", "safetensors")):
            values = [None if value is None else json.dumps(value) for value in values]
        elif name == "gated":
            values = [str(value or False) for value in values]
        columns[name] = values
    path = folder / "models.parquet"
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path, row_group_size=3)
    return path.read_bytes()


@pytest.mark.parametrize("text", [True, False])
def test_parquet_of_any_era(tmp_path: Path, text: bool) -> None:
    found = take(tmp_path / "a", ("models.parquet", parquet(tmp_path, family(), text=text)))
    expected = take(tmp_path / "b", ("rows.jsonl", lines(family())))
    assert edges(found) == edges(expected)
    for table in ("models", "claims", "trainings"):
        assert found.manifest.tables[table].digest == expected.manifest.tables[table].digest


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=hub_rows(), seed=st.integers(0, 1000))
def test_order_and_splitting_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], seed: int
) -> None:
    older = [dict(row, lastModified="2020-01-01T00:00:00Z", downloads=5) for row in rows[:2]]
    every = [*rows, *older]
    shuffled = random.Random(seed).sample(every, len(every))
    whole = take(tmp_path_factory.mktemp("w"), ("a.jsonl", lines(every)))
    other = take(
        tmp_path_factory.mktemp("o"), ("a.jsonl", lines(shuffled[:3])), ("b.jsonl", lines(shuffled[3:] or shuffled[:1]))
    )
    assert whole.id == other.id


def test_the_same_twice_is_one_snapshot(tmp_path: Path) -> None:
    first = take(tmp_path, ("rows.jsonl", lines(family())))
    second = take(tmp_path, ("rows.jsonl", lines(family())))
    assert first.id == second.id
    assert len(Catalogue(tmp_path / "catalogue").snapshots()) == 1


def test_a_later_dump_adds_and_renames(tmp_path: Path) -> None:
    take(
        tmp_path,
        (
            "old.jsonl",
            lines([model("old/name", _id="1" * 24), model("a/child", "old/name"), model("b/child", "later/base")]),
        ),
    )
    later = take(
        tmp_path,
        (
            "new.jsonl",
            lines([model("new/name", _id="1" * 24, lastModified="2024-05-05T00:00:00Z"), model("later/base")]),
        ),
    )
    assert edges(later) == {("a/child", "new/name", "finetune"), ("b/child", "later/base", "finetune")}
    states = {row["id"]: row["state"] for row in later.table("models", ["id", "state"]).to_pylist()}
    assert states == {"new/name": "listed", "a/child": "listed", "b/child": "listed", "later/base": "listed"}
    assert later.table("aliases").to_pylist() == [{"alias": "old/name", "id": "new/name", "source": "rename"}]


def test_dirt_is_counted_and_nothing_is_invented(tmp_path: Path) -> None:
    rows = [
        b"not json",
        b"[1, 2]",
        b'{"downloads": 3}',
        b'{"id": "bad id!"}',
        b"\xff\xfe\x00",
        json.dumps(model("a/one", "./out", "ORIGINAL_REPO_NAME", "A/One", "a/TWO", "[]")).encode(),
        json.dumps({**model("a/two"), "downloads": "many", "likes": [1], "safetensors": {"total": "x"}}).encode(),
        json.dumps(
            {
                "id": "a/three",
                "cardData": "license: mit: x",
                "tags": ["base_model:finetune:a/two", "base_model:a/two", 7],
            }
        ).encode(),
    ]
    found = take(tmp_path, ("rows.jsonl", b"\n".join(rows)), max_bad_fraction=0.9)
    assert edges(found) == {("a/one", "a/two", "finetune"), ("a/three", "a/two", "finetune")}
    reasons = [row["reason"] for row in found.table("skipped").to_pylist()]
    for reason in (
        "not-json",
        "not-an-object",
        "no-id",
        "bad-id",
        "local-path",
        "template-text",
        "self-loop",
        "empty-list",
        "card-not-yaml",
    ):
        assert reason in reasons, reason
    assert {row["row"] for row in found.table("skipped").to_pylist() if row["reason"] == "no-id"} == {3}


def test_too_many_bad_rows_leave_head(tmp_path: Path) -> None:
    first = take(tmp_path, ("good.jsonl", lines(family())))
    with pytest.raises(BadInput, match=r"2 of 3 rows .* not-json \(2\)"):
        take(tmp_path, ("bad.jsonl", b"x\ny\n" + lines([model("a/b")])))
    assert Catalogue(tmp_path / "catalogue").head().id == first.id
    assert not list((tmp_path / "catalogue" / "staging").glob("*/part-*"))


@pytest.mark.parametrize("form", ["rows.jsonl.gz", "rows.jsonl.zst", "array.json"])
def test_files_that_are_cut_short_are_named(tmp_path: Path, form: str) -> None:
    content = FORMS[form]([model(f"a/m{number}", downloads=number) for number in range(2000)])
    with pytest.raises(BadInput, match=form):
        take(tmp_path, (form, content[: len(content) // 2]))
    with pytest.raises(NotFound):
        Catalogue(tmp_path / "catalogue").head()


def test_lines_too_long_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_dump, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(text_dump, "LONGEST_LINE", 5000)
    content = lines([model("a/one")]) + b'{"id": "' + b"x" * 50_000 + b'"}\n' + lines([model("a/two")])
    found = take(tmp_path, ("rows.jsonl", content), max_bad_fraction=0.5)
    assert found.table("models", ["id"])["id"].to_pylist() == ["a/one", "a/two"]
    assert [(row["reason"], row["row"]) for row in found.table("skipped").to_pylist()] == [("line-too-long", 2)]


def test_models_and_datasets_are_told_apart(tmp_path: Path) -> None:
    datasets = [{"id": "some/set", "description": "words", "tags": ["size_categories:1K"], "downloads": 9}]
    found = take(tmp_path, ("d.jsonl", lines(datasets)), ("m.jsonl", lines(family())))
    (known,) = found.table("datasets", ["id", "state", "downloads", "models"]).to_pylist()
    assert known == {"id": "some/set", "state": "listed", "downloads": 9, "models": 1}


def test_several_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest import dumps

    one = take(tmp_path / "one", ("rows.jsonl", lines(family())), processes=1)
    monkeypatch.setattr(dumps, "POOL_FROM", 0)
    two = take(tmp_path / "two", ("rows.jsonl", lines(family())), processes=2)
    assert one.id == two.id


def test_copies_are_models_with_the_same_weight_files(tmp_path: Path) -> None:
    def files(*hashes: str) -> list[Any]:
        weights = [
            {"rfilename": f"model-{n}.safetensors", "lfs": {"sha256": h * 64, "size": 3}} for n, h in enumerate(hashes)
        ]
        return [*weights, {"rfilename": "README.md", "blobId": "0" * 40, "size": 1}]

    rows = [
        model("a/x", siblings=files("a", "b")),
        model("a/y", siblings=files("b", "a")),
        model("a/z", siblings=files("a")),
    ]
    found = take(tmp_path, ("rows.jsonl", lines(rows)))
    held: dict[str, set[str]] = {}
    for row in found.table("holdings").to_pylist():
        held.setdefault(row["digest"], set()).add(row["model"])
    assert sorted(map(sorted, held.values())) == [["a/x", "a/y"], ["a/z"]]
    assert {(row["files"], row["size"], row["holders"]) for row in found.table("weights").to_pylist()} == {
        (2, 6, 2),
        (1, 3, 1),
    }


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "_id", "tags", "baseModels", "cardData", "siblings", "gated", "config", "downloads", "createdAt"]
        ),
        JSON,
    )
)
def test_any_row_is_read_or_counted(row: dict[str, Any]) -> None:
    builder = PartBuilder()
    builder.add_model(row, "fuzz", 1)
    builder.add_model(json.dumps(row).encode(), "fuzz", 2)
    counts, tables = builder.counts(), builder.tables()
    assert counts.rows == 2
    assert (tables["models"].num_rows if "models" in tables else 0) + counts.bad_rows == 2


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_counted(raw: bytes) -> None:
    builder = PartBuilder()
    builder.add_model(raw, "fuzz", 1)
    builder.add_dataset(raw, "fuzz", 1)
    assert builder.counts().rows == 2


KILLED = """
import os, signal, sys
from pathlib import Path
left = int(sys.argv[3])
def watch(event, args):
    global left
    written = event == "open" and isinstance(args[1], str) and args[1][0] in "wa"
    if written or event in ("os.rename", "os.mkdir", "os.rmdir", "shutil.rmtree"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
from graph.catalogue import Catalogue
from ingest.dumps import ingest_dumps
import graph.stores.embedded.index
sys.addaudithook(watch)
ingest_dumps(Catalogue(Path(sys.argv[2])), [Path(sys.argv[1])])
print(left)
"""


def test_killed_at_any_point_head_is_whole_and_the_next_run_finishes(tmp_path: Path) -> None:
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    before.write_bytes(lines(family()[:3]))
    after.write_bytes(lines(family()))
    ingest_dumps(Catalogue(tmp_path / "calm"), [before])
    old = Catalogue(tmp_path / "calm").head().id
    ingest_dumps(Catalogue(tmp_path / "calm"), [after])
    new = Catalogue(tmp_path / "calm").head().id
    catalogue = Catalogue(tmp_path / "killed")
    ingest_dumps(catalogue, [before])

    def run(point: int) -> int:
        command = [sys.executable, "-c", KILLED, str(after), str(catalogue.folder), str(point)]
        return subprocess.run(
            command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, check=False
        ).returncode

    killed = 0
    for point in (1, 2, 4, 7, 10, 14, 18, 24, 40, 70, 90, 10_000):
        status = run(point)
        assert status in (0, -signal.SIGKILL)
        head = catalogue.head()
        head.verify()
        assert head.id in (old, new)
        if status:
            killed += 1
        else:
            assert head.id == new
            break
    assert killed >= 8
    assert catalogue.head().id == new
    assert not list((catalogue.folder / "snapshots").glob(".new-*"))


def test_damage_is_found(tmp_path: Path) -> None:
    snapshot = take(tmp_path, ("rows.jsonl", lines(family())))
    snapshot.verify()
    path = snapshot.path("claims")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match="claims"):
        snapshot.verify()
    path.unlink()
    with pytest.raises(Damaged, match="claims"):
        snapshot.verify()
    (snapshot.folder / "manifest.json").write_text("{}")
    with pytest.raises(Damaged, match="manifest"):
        Catalogue(tmp_path / "catalogue").head()


def test_floor_date_is_unknown(tmp_path: Path) -> None:
    rows = [model("a/old", createdAt="2022-03-02T23:29:04.000Z"), model("a/new", createdAt="2022-03-02T23:29:05Z")]
    found = take(tmp_path, ("rows.jsonl", lines(rows))).table("models", ["id", "created_at"]).to_pylist()
    assert [row["created_at"] for row in found] == [datetime(2022, 3, 2, 23, 29, 5, tzinfo=UTC), None]
