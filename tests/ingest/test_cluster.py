"""Checkpoints read on a real Ray cluster of two workers on this machine, one of which is killed on the way."""

from __future__ import annotations

import os
import signal
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from graph.errors import BadInput
from graph.progress import Silent
from ingest.cluster import sketched, spread
from ingest.weights.folder import checkpoints
from ingest.weights.member import member
from ingest.weights.shelf import WeightShelf
from ingest.weights.sketch_file import parse_sketch
from tests.cli.test_commands import stemma
from tests.ingest.weights.families import root, write

WITHOUT_RAY = find_spec("ray") is None


def test_a_task_gives_the_sketch(tmp_path: Path) -> None:
    write(tmp_path / "a", root(1))
    (item,) = checkpoints(tmp_path / "a")
    found = parse_sketch(Path("a"), sketched(item.model, str(item.path))).member
    assert found.digests == member("a", item.read()).digests


@pytest.mark.skipif(not WITHOUT_RAY, reason="Ray is installed")
def test_without_ray_the_extra_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a", root(1))
    with pytest.raises(BadInput, match="extra `cluster`"):
        spread(list(checkpoints(tmp_path / "a")), WeightShelf(tmp_path / "shelf"), "ray", Silent())


@pytest.mark.skipif(WITHOUT_RAY, reason="Ray is not installed: the extra `cluster`")
@pytest.mark.filterwarnings("default")  # Ray's own
def test_a_killed_worker_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    for number in range(12):
        write(models / f"m{number}", root(number))
    (models / "broken").mkdir()
    (models / "broken" / "model.safetensors").write_bytes(b"\xff" * 64)
    monkeypatch.setenv("KILLED_ON_THE_WAY", str(tmp_path))  # by which its workers are known
    mark = f"KILLED_ON_THE_WAY={tmp_path}".encode()
    killed: list[int] = []
    over = threading.Event()

    def kill_one() -> None:
        """The first worker that takes a task: Ray names it so."""
        while not over.is_set() and not killed:
            for process in Path("/proc").iterdir():
                try:
                    if not process.name.isdigit() or b"ray::sketched" not in (process / "cmdline").read_bytes():
                        continue
                    if mark in (process / "environ").read_bytes():
                        os.kill(int(process.name), signal.SIGKILL)
                        killed.append(int(process.name))
                        break
                except OSError:
                    continue
            over.wait(0.002)

    killer = threading.Thread(target=kill_one)
    killer.start()
    shelf = WeightShelf(tmp_path / "shelf")
    try:
        assert spread(list(checkpoints(models)), shelf, "ray", Silent()) == 12
    finally:
        over.set()
        killer.join()
    assert killed
    assert {found.id for found in shelf.members()} == {f"m{number}" for number in range(12)}
    assert spread(list(checkpoints(models)), shelf, "ray", Silent()) == 0


def test_one_file_is_not_made_on_a_cluster(tmp_path: Path) -> None:
    told = stemma(
        tmp_path / "catalogue", "weights", "sketch", str(tmp_path), "--on", "ray", "--out", str(tmp_path / "x")
    )
    assert told.returncode == 2
    assert "give one of them" in told.stderr
