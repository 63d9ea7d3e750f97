"""kill -9 before each change that taking in a dump makes to the disk: HEAD is whole, and the next run makes what was to be made."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from graph.catalogue import Catalogue
from ingest.dumps import ingest_dumps
from tests.crash.killing import REPOSITORY, Killer
from tests.worlds import Row, family, model

EVERY_ARRAY = 8  # of the index's many arrays, written alike, one in so many is a moment


def dump(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def files(folder: Path) -> set[str]:
    """What lies in a catalogue."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def worth_killing(moments: list[str]) -> list[int]:
    return [n for n, what in enumerate(moments) if not what.endswith(".npy") or n % EVERY_ARRAY == 0]


@dataclass(frozen=True)
class Scene:
    """A catalogue as it was, dumps to take in, and what an undisturbed run makes of them."""

    start: Path
    dumps: list[Path]
    undisturbed: Path
    moments: list[str]
    old: str | None
    expected: str | None


@pytest.fixture(scope="module", params=[False, True], ids=["empty", "with-a-snapshot"])
def scene(request: pytest.FixtureRequest, killer: Killer, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("scene")
    start, undisturbed = folder / "start", folder / "undisturbed"
    dumps = [dump(folder / "a.jsonl", family()), dump(folder / "b.jsonl", [model("z/new", "a/tuned")])]
    start.mkdir()
    if request.param:
        ingest_dumps(Catalogue(start), [dump(folder / "old.jsonl", [model("root/base", "old/lost"), model("o/ld")])])
    shutil.copytree(start, undisturbed)
    moments = killer.moments("ingest", undisturbed, *dumps)
    return Scene(start, dumps, undisturbed, moments, Catalogue(start).head_id(), Catalogue(undisturbed).head_id())


def killed(scene: Scene, killer: Killer, place: Path, moment: int) -> Catalogue:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(scene.start, place)
    killer.kill("ingest", moment, place, *scene.dumps)
    return Catalogue(place)


def test_head_is_whole_and_the_next_run_gives_the_same_id(scene: Scene, killer: Killer, tmp_path: Path) -> None:
    assert scene.expected != scene.old
    heads = set()
    for moment in worth_killing(scene.moments):
        catalogue, what = killed(scene, killer, tmp_path / "killed", moment), f"killed before {scene.moments[moment]}"
        heads.add(catalogue.head_id())
        assert catalogue.head_id() in (scene.old, scene.expected), what
        for snapshot in catalogue.snapshots():
            snapshot.verify()
        assert ingest_dumps(catalogue, scene.dumps, processes=1).snapshot == scene.expected, what
        assert catalogue.head_id() == scene.expected, what
        catalogue.head().verify()
    assert heads == {scene.old, scene.expected}


@pytest.mark.parametrize(
    "moment",
    [
        "os.rename /staging/dump",
        "os.rename /snapshots/.new",
        "os.rename /snapshots/.new-PID/.index",
        "os.rename /HEAD",
        "os.rmdir /staging/dump",
    ],
)
def test_the_next_run_clears_up(moment: str, scene: Scene, killer: Killer, tmp_path: Path) -> None:
    number = max(n for n, what in enumerate(scene.moments) if what.startswith(moment))
    catalogue = killed(scene, killer, tmp_path / "killed", number)
    assert files(catalogue.folder) != files(scene.undisturbed)
    ingest_dumps(catalogue, scene.dumps, processes=1)
    assert files(catalogue.folder) == files(scene.undisturbed)


def test_a_killed_parent_leaves_no_process_and_its_parts_count(tmp_path: Path) -> None:
    """As for want of memory: the parent alone is killed while two others read for it."""
    rows = ({"id": f"org/{number}", "tags": ["x" * 250] * 2, "downloads": number} for number in range(150_000))
    path = dump(tmp_path / "large.jsonl", rows)
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(tmp_path / "killed"), str(path)], cwd=REPOSITORY)
    parts: list[Path] = []
    deadline = time.monotonic() + 120
    while not parts and time.monotonic() < deadline:
        parts = list((tmp_path / "killed" / "staging").glob("*/part-*"))
        time.sleep(0.01)
    children = descendants(parent.pid)
    parent.kill()
    parent.wait()
    assert parts
    assert len(children) >= 2
    while any(alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in children if alive(pid)]
    catalogue = Catalogue(tmp_path / "killed")
    assert catalogue.head_id() is None
    report = ingest_dumps(catalogue, [path], processes=2)
    assert report.rows == 150_000
    assert report.snapshot == ingest_dumps(Catalogue(tmp_path / "whole"), [path], processes=1).snapshot


_PARENT = """
import sys
from pathlib import Path
from graph.catalogue import Catalogue
from ingest.dumps import ingest_dumps
if __name__ == "__main__":
    ingest_dumps(Catalogue(Path(sys.argv[1])), [Path(sys.argv[2])], processes=2)
"""


def descendants(parent: int) -> list[int]:
    """The processes that this one started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(folder.name))
    return found


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
