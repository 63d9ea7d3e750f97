"""Dump files of every format become the same snapshot; broken ones say why; interrupted runs go on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.progress import Silent
from ingest.dumps import ingest_dumps
from ingest.text_dump import rows_of, text_blocks
from tests.ingest.real_data import real

ROWS: list[dict[str, Any]] = [
    {"_id": f"{1:024x}", "id": "org/base", "pipeline_tag": "text-generation", "downloads": 9, "likes": 1,
     "createdAt": "2025-01-01T00:00:00.000Z", "tags": ["llama", "license:mit"], "config": {"architectures": ["LlamaForCausalLM"]},
     "safetensors": {"parameters": {"BF16": 7}, "total": 7}, "cardData": {"license": "mit", "language": ["en"]}},
    {"_id": f"{2:024x}", "id": "org/tuned", "pipeline_tag": "text-generation", "downloads": 3, "likes": 0,
     "createdAt": "2025-02-01T00:00:00.000Z", "tags": ["llama", "base_model:org/base", "base_model:finetune:org/base"],
     "config": {"architectures": ["LlamaForCausalLM"]}, "safetensors": {"parameters": {"F16": 7}, "total": 7},
     "cardData": {"base_model": ["org/base"], "datasets": ["squad"]},
     "baseModels": {"relation": "finetune", "models": [{"_id": f"{1:024x}", "id": "org/base"}]}},
    {"_id": f"{3:024x}", "id": "org/merge", "pipeline_tag": None, "downloads": 1, "likes": 0,
     "createdAt": "2025-03-01T00:00:00.000Z", "tags": ["base_model:merge:org/tuned", "base_model:merge:gone/model"],
     "config": None, "safetensors": None, "cardData": {"base_model": ["org/tuned", "./out"]},
     "baseModels": {"relation": "merge", "models": [{"_id": f"{2:024x}", "id": "org/tuned"}]}},
]  # fmt: skip
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
NESTED = ("cardData", "config", "safetensors", "baseModels", "tags")


def structs(path: Path) -> None:
    table = pa.Table.from_pylist([{name: row.get(name) for name in ROWS[1]} for row in ROWS])
    times = pa.array([row["createdAt"] for row in ROWS]).cast(pa.timestamp("ns", tz="UTC"))
    pq.write_table(table.set_column(table.schema.get_field_index("createdAt"), "createdAt", times), path)


def json_text(path: Path) -> None:
    rows = [
        {name: json.dumps(row[name]) if name in NESTED and row.get(name) else row.get(name) for name in ROWS[1]}
        for row in ROWS
    ]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)


FORMATS: dict[str, Callable[[Path], object]] = {
    "rows.jsonl": lambda path: path.write_bytes(LINES),
    "windows.jsonl": lambda path: path.write_bytes(b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n\r\n")),
    "rows.jsonl.gz": lambda path: path.write_bytes(gzip.compress(LINES)),
    "members.gz": lambda path: path.write_bytes(gzip.compress(LINES[:100]) + gzip.compress(LINES[100:])),
    "rows.jsonl.zst": lambda path: path.write_bytes(zstandard.compress(LINES)),
    "frames.zst": lambda path: path.write_bytes(zstandard.compress(LINES[:100]) + zstandard.compress(LINES[100:])),
    "array.json": lambda path: path.write_text(json.dumps(ROWS)),
    "pretty.json.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROWS, indent=2).encode())),
    "structs.parquet": structs,
    "json-text.parquet": json_text,
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str | None:
    folder = tmp_path_factory.mktemp("expected")
    (folder / "reversed.jsonl").write_bytes(b"\n".join(reversed(LINES.splitlines())))
    return ingest_dumps(Catalogue(folder / "catalogue"), [folder / "reversed.jsonl"]).snapshot


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_snapshot(name: str, tmp_path: Path, expected: str | None) -> None:
    FORMATS[name](tmp_path / name)
    report = ingest_dumps(Catalogue(tmp_path / "catalogue"), [tmp_path / name])
    assert (report.rows, report.bad_rows, dict(report.skipped)) == (3, 0, {"local-path": 1})
    assert report.models == 4
    assert report.snapshot == expected
    assert not list((tmp_path / "catalogue" / "staging").iterdir())


def test_models_and_datasets_in_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINES)
    (tmp_path / "b.jsonl").write_text('{"id": "rajpurkar/squad", "tags": ["task_categories:question-answering"]}\n')
    (tmp_path / "my-datasets.json").write_text('[{"id": "org/set", "likes": 3}]')
    (tmp_path / "c.json").write_text('[{"id": "org/other-set", "description": "rows", "tags": []}]')
    paths = sorted(path for path in tmp_path.iterdir() if path.is_file())
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_dumps(catalogue, paths)
    states = {row["id"]: row["state"] for row in catalogue.head().table("datasets").to_pylist()}
    assert states == {"rajpurkar/squad": "listed", "org/set": "listed", "org/other-set": "listed", "squad": "missing"}


def test_rows_are_reported_by_the_line_they_stand_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join([*LINES.splitlines(), b"", b"{broken", b'{"id": "org/last"}']))
    catalogue = Catalogue(tmp_path / "catalogue")
    report = ingest_dumps(catalogue, [path], max_bad_fraction=0.5)
    skipped = {(row["reason"], row["row"]) for row in catalogue.head().table("skipped").to_pylist()}
    assert skipped == {("local-path", 3), ("not-json", 5)}
    assert (report.rows, report.bad_rows) == (5, 1)


def test_too_many_bad_rows_leave_the_catalogue_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(LINES)
    catalogue = Catalogue(tmp_path / "catalogue")
    head = ingest_dumps(catalogue, [path]).snapshot
    path.write_bytes(LINES + b"{broken\n")
    with pytest.raises(BadInput, match=r"1 of 4 rows .* not-json \(1\)"):
        ingest_dumps(catalogue, [path])
    assert catalogue.head_id() == head


@pytest.mark.parametrize("block_bytes", [1, 7, 64, 10_000])
def test_blocks_of_any_size_hold_the_same_lines(block_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(LINES + b'\n{"id": "no/newline"}')
    numbered = [
        (block.first_row + number, raw)
        for block in text_blocks(path, block_bytes)
        for number, raw in rows_of(block.text, block.array)
    ]
    lines = enumerate(path.read_bytes().split(b"\n"), 1)
    assert numbered == [(number, line) for number, line in lines if line]
    assert sum(block.weight for block in text_blocks(path, block_bytes)) == path.stat().st_size


def test_a_line_that_unpacks_to_more_than_a_row_can_be_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(LINES.splitlines(keepends=True)[0] + b'{"id": "org/bomb", "x": "')
        for _ in range(100):
            file.write(b"x" * 2**20)
        file.write(b'"}\n' + b"".join(LINES.splitlines(keepends=True)[1:]))
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_dumps(catalogue, [path], max_bad_fraction=0.5)
    skipped = {(row["reason"], row["row"]) for row in catalogue.head().table("skipped").to_pylist()}
    assert skipped == {("line-too-long", 2), ("local-path", 4)}
    assert "org/bomb" not in catalogue.head().table("models")["id"].to_pylist()


def parquet_with_a_name_that_is_no_text() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": ["org/a"], "likes": [1]}), sink, store_schema=False)
    return bytes(sink.getvalue().to_pybytes().replace(b"likes", b"\x80ikes"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.gz", gzip.compress(LINES)[:-20], "cut short"),
        ("damaged.gz", gzip.compress(LINES)[:40] + b"\0\0\0\0" + gzip.compress(LINES)[44:], "damaged"),
        ("cut.zst", zstandard.compress(LINES)[:-20], "cut short"),
        ("cut.parquet", b"PAR1" + b"\0" * 100, "not a readable Parquet"),
        ("name.parquet", parquet_with_a_name_that_is_no_text(), "not a readable Parquet"),
        ("cut.json", json.dumps(ROWS).encode()[:-9], "JSON array"),
    ],
)
def test_a_broken_file_is_refused_and_leaves_nothing(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    catalogue = Catalogue(tmp_path / "catalogue")
    with pytest.raises(BadInput, match=message):
        ingest_dumps(catalogue, [tmp_path / name])
    assert catalogue.head_id() is None
    assert not list((tmp_path / "catalogue").glob("staging/*"))


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(BadInput, match="no column `id`"):
        ingest_dumps(Catalogue(tmp_path / "catalogue"), [tmp_path / "x.parquet"])


def test_a_path_that_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a file"):
        ingest_dumps(Catalogue(tmp_path / "catalogue"), [tmp_path / "absent.jsonl"])


class Interrupting(Silent):
    """A user who presses Ctrl-C when the first part is read."""

    def advance(self, n: int) -> None:
        raise KeyboardInterrupt


class Watching(Silent):
    """Notes the files of the parts when the reading ends."""

    def __init__(self, staging: Path) -> None:
        self._staging = staging
        self.bytes = 0
        self.parts: set[int] = set()

    def advance(self, n: int) -> None:
        self.bytes += n

    def finish(self) -> None:
        self.parts |= parts_in(self._staging)


def parts_in(staging: Path) -> set[int]:
    return {path.stat().st_ino for path in staging.glob("*/part-*")}


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupted_run_is_taken_up_again(processes: int, tmp_path: Path) -> None:
    paths = []
    for name in "ab":
        paths.append(tmp_path / f"{name}.jsonl")
        rows = ({"id": f"org/{name}-{number}", "tags": ["x" * 180] * 2} for number in range(14_000))
        paths[-1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    catalogue = Catalogue(tmp_path / "catalogue")
    with pytest.raises(KeyboardInterrupt):
        ingest_dumps(catalogue, paths, processes=processes, progress=Interrupting())
    done = parts_in(tmp_path / "catalogue" / "staging")
    assert done
    assert catalogue.head_id() is None
    watching = Watching(tmp_path / "catalogue" / "staging")
    report = ingest_dumps(catalogue, paths, processes=processes, progress=watching)
    assert done <= watching.parts  # not written anew
    assert watching.bytes >= sum(path.stat().st_size for path in paths)
    assert report.models == 28_000
    whole = ingest_dumps(Catalogue(tmp_path / "whole"), list(reversed(paths)), processes=1)
    assert report.snapshot == whole.snapshot


def test_real_families_go_all_the_way(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "catalogue")
    report = ingest_dumps(catalogue, [real("hub/modeltrees_models.jsonl.gz")])
    assert (report.rows, report.bad_rows) == (1_982, 0)
    listed = [
        row["id"] for row in catalogue.head().table("models", ["id", "state"]).to_pylist() if row["state"] != "missing"
    ]
    assert len(listed) == 1_982
    assert report.derivations > 1_900
