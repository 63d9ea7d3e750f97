"""Downloaded files against a lock: what is wrong, missing, extra, and what an earlier run has seen."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from graph.errors import BadInput
from graph.subset.lock import Lock
from graph.subset.rows import File
from graph.subset.verify import NOTED, Fault, Verdict, verify
from tests.graph.subset.shelf import ALL, CONTENTS, commit, locked, put, shelf


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Lock:
    return locked(shelf(tmp_path_factory.mktemp("shelf")), ALL)


def told(verdict: Verdict) -> set[tuple[str, str | None, str]]:
    return {(fault.kind, fault.model, fault.path) for fault in verdict.faults}


def test_what_was_downloaded_is_right(lock: Lock, tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "root/base/.cache/huggingface").mkdir(parents=True)
    (tmp_path / "root/base/.cache/huggingface/note").write_text("kept by hf")
    read: list[int] = []
    verdict = verify(lock, tmp_path, advance=read.append)
    assert (verdict.faults, verdict.right, verdict.resumed, verdict.unhashed) == ((), 7, 0, 0)
    assert verdict.unknown == ("b/quant", "c/orphan", "d/mix", "e/one", "e/two")
    assert sum(read) == lock.totals.bytes


def test_every_fault_is_named(lock: Lock, tmp_path: Path) -> None:
    put(tmp_path)
    weights = tmp_path / "a/tuned/model.safetensors"
    weights.write_bytes(b"T" + weights.read_bytes()[1:])  # the same size
    (tmp_path / "a/tuned/config.json").write_bytes(b'{"a": 3}\n')  # known by its git blob id
    (tmp_path / "root/base/config.json").write_bytes(b"{}")
    (tmp_path / "root/base/extra.bin").write_bytes(b"x")
    (tmp_path / "g/gated/model.gguf").unlink()
    (tmp_path / "stranger").mkdir()
    (tmp_path / "stranger/file").write_bytes(b"x")
    (tmp_path / "b/quant").mkdir(parents=True)
    (tmp_path / "b/quant/file").write_bytes(b"its files are not known, so none is extra")
    assert told(verify(lock, tmp_path, threads=4)) == {
        ("wrong", "a/tuned", "model.safetensors"),
        ("wrong", "a/tuned", "config.json"),
        ("wrong", "root/base", "config.json"),
        ("extra", "root/base", "extra.bin"),
        ("missing", "g/gated", "model.gguf"),
        ("extra", None, "stranger/file"),
    }


def test_a_run_resumes_where_the_last_one_was(lock: Lock, tmp_path: Path) -> None:
    put(tmp_path)
    assert verify(lock, tmp_path).right == 7
    notes = (tmp_path / NOTED).read_bytes()
    (tmp_path / NOTED).write_bytes(notes[: len(notes) - 10])  # cut off while writing
    again = verify(lock, tmp_path, resume=True)
    assert (again.right, again.resumed, again.faults) == (7, 6, ())
    weights = tmp_path / "root/base/model.safetensors"
    weights.write_bytes(b"W" * 3000)  # touched since: read again
    assert told(verify(lock, tmp_path, resume=True)) == {("wrong", "root/base", "model.safetensors")}


def test_the_cache_of_the_hub_is_read_too(lock: Lock, tmp_path: Path) -> None:
    for id, files in CONTENTS.items():
        repository = tmp_path / f"models--{id.replace('/', '--')}"
        for number, (path, content) in enumerate(files.items()):
            blob = repository / "blobs" / str(number)
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(content)
            link = repository / "snapshots" / commit(id) / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(blob)
    assert (verify(lock, tmp_path).faults, verify(lock, tmp_path).right) == ((), 7)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "C:\\x", "..\\x", "a//b"])
def test_paths_that_leave_their_folder_are_not_opened(lock: Lock, tmp_path: Path, path: str) -> None:
    row = msgspec.structs.replace(lock.models[0], files=(File(path, 1, "0" * 64),))
    verdict = verify(msgspec.structs.replace(lock, models=(row,)), tmp_path)
    assert [fault.kind for fault in verdict.faults] == ["unsafe"]
    bad_name = msgspec.structs.replace(row, model="../elsewhere", files=(File("f", 1, "0" * 64),))
    verdict = verify(msgspec.structs.replace(lock, models=(bad_name,)), tmp_path)
    assert verdict.faults == (Fault("unsafe", "../elsewhere", "", "the name leaves the folder; it was not looked at"),)


@pytest.mark.parametrize("commit", ["../../../outside", "{outside}"])
def test_a_commit_that_leaves_the_cache_is_not_followed(lock: Lock, tmp_path: Path, commit: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "models"
    outside.mkdir()
    (outside / "f").write_bytes(b"1")
    row = msgspec.structs.replace(
        lock.models[0], commit=commit.format(outside=outside), files=(File("f", 1, hashlib.sha256(b"1").hexdigest()),)
    )
    (folder / f"models--{row.model.replace('/', '--')}" / "snapshots").mkdir(parents=True)
    assert told(verify(msgspec.structs.replace(lock, models=(row,)), folder)) == {("missing", row.model, "f")}


def test_files_without_a_hash_are_counted(lock: Lock, tmp_path: Path) -> None:
    (tmp_path / lock.models[0].model).mkdir(parents=True)
    (tmp_path / lock.models[0].model / "f").write_bytes(b"12")
    row = msgspec.structs.replace(lock.models[0], files=(File("f", 2),))
    verdict = verify(msgspec.structs.replace(lock, models=(row,)), tmp_path)
    assert (verdict.right, verdict.unhashed, verdict.faults) == (0, 1, ())


def test_a_folder_that_is_none(lock: Lock, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a folder"):
        verify(lock, tmp_path / "none")
