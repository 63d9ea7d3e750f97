"""Folders beside a snapshot: whole or not at all, whoever makes them at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from graph.stores.arrays.beside import make_whole


def test_threads_that_make_one_folder_do_not_meet(tmp_path: Path) -> None:
    place, together = tmp_path / "map-1", Barrier(4, timeout=20)

    def fill(folder: Path) -> None:
        (folder / "first").write_text("1")
        together.wait()
        (folder / "second").write_text("2")
        together.wait()

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(lambda _: make_whole(place, fill), range(4))] == [place] * 4
    assert {path.name for path in place.iterdir()} == {"first", "second"}
    assert [*tmp_path.iterdir()] == [place]


def test_what_failed_or_was_killed_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "map-1"
    (tmp_path / ".map-1-999999999").mkdir()  # no thread has this number

    def fails(folder: Path) -> None:
        (folder / "first").write_text("1")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        make_whole(place, fails)
    assert [*tmp_path.iterdir()] == []
    make_whole(place, lambda folder: (folder / "first").touch())
    assert make_whole(place, fails) == place  # it is there: nothing is made
