"""The download script with the Hub's own client, over a connection that breaks, and the verdict on what it got."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.subset.exports.form import BY_NAME, export
from graph.subset.verify import verify
from tests.graph.subset.shelf import CONTENTS, commit, locked, shelf
from tests.loopback_hub.downloads import FileHub

LARGE = 100_000  # times 256 bytes: `hf` writes and resumes in parts of 10 MB


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileHub]:
    monkeypatch.setitem(CONTENTS["root/base"], "model.safetensors", bytes(range(256)) * LARGE)
    files = {id: dict(files) for id, files in CONTENTS.items()}
    running = FileHub(files, {id: commit(id) for id in files}, gated={"g/gated"}).start()
    yield running
    running.stop()


def test_the_script_goes_on_after_a_cut(hub: FileHub, tmp_path: Path) -> None:
    lock = locked(shelf(tmp_path / "catalogue"), "[where]\nauthor = ['root', 'a', 'g']\n")
    script, models = tmp_path / "get.sh", tmp_path / "models"
    export(lock, BY_NAME["download"], script)
    models.mkdir()
    hub.cuts["root/base/model.safetensors"] = 1
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_ENDPOINT": hub.address,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "TERM": os.environ.get("TERM", "dumb"),
    }

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", script, models], env=environment, capture_output=True, text=True, check=False)

    first = run()
    assert (first.returncode, "not downloaded: g/gated" in first.stderr) == (3, True), first.stderr
    assert hub.cuts["root/base/model.safetensors"] == 0
    parts = [wanted for id, path, wanted in hub.served if (id, path) == ("root/base", "model.safetensors")]
    assert (len(parts), parts[0]) == (2, "")
    assert int(parts[1].removeprefix("bytes=").split("-")[0]) > 1_000_000  # what was cut went on from where it was
    assert {(fault.kind, fault.model) for fault in verify(lock, models).faults} == {("missing", "g/gated")}
    hub.gated.clear()  # consent was given
    hub.served.clear()
    second = run()
    assert second.returncode == 0, second.stderr
    assert {repository for repository, _, _ in hub.served} == {"g/gated"}  # what is whole is not asked for again
    verdict = verify(lock, models)
    assert (verdict.faults, verdict.right) == ((), 7)
