"""The Hub's API from end to end, over a loopback Hub that misbehaves as the real one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from graph.catalogue import Catalogue
from graph.errors import BadInput, Unreachable
from graph.snapshot import Snapshot
from ingest.hub import ingest_hub
from ingest.hub.session import ATTEMPTS, HubSession
from ingest.report import Report
from tests.loopback_hub.server import Hub, Row

REPOSITORY = Path(__file__).resolve().parents[2]


def some_models(count: int = 23) -> list[Row]:
    rows: list[Row] = []
    for number in range(count):
        row: Row = {
            "_id": f"{number:024x}",
            "id": f"org{number % 3}/model-{number}",
            "createdAt": f"2024-01-{1 + number:02d}T00:00:00.000Z",
            "lastModified": f"2024-02-{1 + number:02d}T00:00:00.000Z",
            "downloads": number % 7,
            "tags": ["transformers"],
        }
        if number:
            base = f"org{(number // 2) % 3}/model-{number // 2}" if number % 5 else "bert-base-uncased"
            row["baseModels"] = {
                "relation": "finetune",
                "models": [{"_id": f"{number // 2:024x}" if number % 5 else "", "id": base}],
            }
            row["tags"] = ["transformers", f"base_model:{base}", f"base_model:finetune:{base}"]
        rows.append(row)
    return rows


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub(models=some_models(), datasets=[{"_id": "d" * 24, "id": "some/set", "tags": ["size_categories:1K"]}])
    server.models.append(
        {"_id": "e" * 24, "id": "google-bert/bert-base-uncased", "tags": [], "createdAt": "2022-03-02T23:29:04.000Z"}
    )
    server.moved["bert-base-uncased"] = "google-bert/bert-base-uncased"
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ingest.hub.session.get_token", lambda: None)


def take(hub: Hub, folder: Path, **more: Any) -> Report:
    settings: dict[str, Any] = {"page_size": 4, "timeout_seconds": 0.7, "pause_seconds": 0.01, **more}
    return ingest_hub(Catalogue(folder), endpoint=hub.address, **settings)


def states(snapshot: Snapshot) -> dict[str, str]:
    return {row["id"]: row["state"] for row in snapshot.table("models", ["id", "state"]).to_pylist()}


def test_the_real_client_can_list_from_it(hub: Hub) -> None:
    listed = {model.id for model in HfApi(endpoint=hub.address, token=False).list_models()}
    assert listed == {row["id"] for row in hub.models}


def test_every_row_once_through_all_faults(hub: Hub, tmp_path: Path) -> None:
    take(hub, tmp_path / "calm")
    calm = Catalogue(tmp_path / "calm").head()
    assert set(states(calm)) == {row["id"] for row in hub.models}
    assert calm.manifest.tables["datasets"].rows == 1
    hub.lists = 0
    hub.faults = {
        1: "500",
        2: "cut",
        4: "429",
        5: "504",
        7: "repeat",
        8: "502",
        9: "stall",
        11: "reset",
        13: "malformed",
    }
    report = take(hub, tmp_path / "rough")
    rough = Catalogue(tmp_path / "rough").head()
    assert rough.id == calm.id
    assert report.skipped == {"not-an-object": 1}


def test_redirected_names_become_aliases(hub: Hub, tmp_path: Path) -> None:
    take(hub, tmp_path)
    snapshot = Catalogue(tmp_path).head()
    assert snapshot.table("aliases").to_pylist() == [
        {"alias": "bert-base-uncased", "id": "google-bert/bert-base-uncased", "source": "redirect"}
    ]
    bases = {row["base_model"] for row in snapshot.table("derivations").to_pylist()}
    assert "google-bert/bert-base-uncased" in bases
    assert "bert-base-uncased" not in states(snapshot)


KILLED = """
import sys
from pathlib import Path
from graph.catalogue import Catalogue
from ingest.hub import ingest_hub
import ingest.hub.session
ingest.hub.session.get_token = lambda: None
ingest_hub(Catalogue(Path(sys.argv[2])), endpoint=sys.argv[1], page_size=4, resume=True)
"""


def killer(pid: int, page: int) -> Callable[[int], None]:
    def at(number: int) -> None:
        if number == page:
            os.kill(pid, signal.SIGKILL)

    return at


def test_killed_at_any_page_and_resumed(hub: Hub, tmp_path: Path) -> None:
    take(hub, tmp_path / "calm")
    calm = Catalogue(tmp_path / "calm").head().id
    for page in (1, 3, 6):
        folder = tmp_path / f"killed-{page}"
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, hub.address, str(folder)], env=environment, cwd=REPOSITORY
        )
        hub.lists = 0
        hub.on_page = killer(child.pid, page)
        assert child.wait(60) == -signal.SIGKILL
        hub.on_page = lambda _: None
        assert Catalogue(folder).head_id() is None
        before = hub.lists
        take(hub, folder, resume=True)
        assert Catalogue(folder).head().id == calm
        assert hub.lists - before <= 8 - page + 1  # the pages that were read are not read again


def test_a_server_that_stays_away_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.faults = dict.fromkeys(range(2, 2 + ATTEMPTS), "503")
    with pytest.raises(Unreachable, match="--resume"):
        take(hub, tmp_path)
    take(hub, tmp_path, resume=True)
    assert set(states(Catalogue(tmp_path).head())) == {row["id"] for row in hub.models}


def test_later_runs_read_what_is_new(hub: Hub, tmp_path: Path) -> None:
    take(hub, tmp_path)
    pages = hub.lists
    hub.models.append(
        {
            "_id": "a" * 24,
            "id": "new/one",
            "createdAt": "2025-01-01T00:00:00.000Z",
            "lastModified": "2025-01-01T00:00:00.000Z",
            "tags": [],
        }
    )
    hub.models[2] = {**hub.models[2], "lastModified": "2025-02-01T00:00:00.000Z", "downloads": 99}
    hub.models[3] = {**hub.models[3], "id": "renamed/model-3", "lastModified": "2025-02-02T00:00:00.000Z"}
    take(hub, tmp_path)
    assert hub.lists - pages <= 5
    snapshot = Catalogue(tmp_path).head()
    downloads = {row["id"]: row["downloads"] for row in snapshot.table("models").to_pylist()}
    assert downloads["new/one"] is None
    assert downloads["org2/model-2"] == 99
    assert "renamed/model-3" in downloads
    assert {"alias": "org0/model-3", "id": "renamed/model-3", "source": "rename"} in snapshot.table(
        "aliases"
    ).to_pylist()


def test_a_full_run_marks_what_is_gone_and_it_can_come_back(hub: Hub, tmp_path: Path) -> None:
    take(hub, tmp_path)
    lost = hub.models.pop(22)
    take(hub, tmp_path)
    assert states(Catalogue(tmp_path).head())[lost["id"]] == "listed"  # not every list was walked to the end
    take(hub, tmp_path, full=True)
    assert states(Catalogue(tmp_path).head())[lost["id"]] == "gone"
    hub.models.append(lost)
    take(hub, tmp_path, full=True)
    assert states(Catalogue(tmp_path).head())[lost["id"]] == "listed"


def test_scoped_runs_read_a_part_and_mark_nothing(hub: Hub, tmp_path: Path) -> None:
    take(hub, tmp_path)
    hub.models.pop(0)
    take(hub, tmp_path, author="org0")
    assert "gone" not in states(Catalogue(tmp_path).head()).values()
    take(hub, tmp_path / "few", limit=6)
    listed = [id for id, state in states(Catalogue(tmp_path / "few").head()).items() if state == "listed"]
    assert len(listed) == 6


def test_expands_that_a_server_does_not_know_are_left_out(hub: Hub, tmp_path: Path) -> None:
    hub.unknown = {"trendingScore", "gguf"}
    report = take(hub, tmp_path)
    assert any("gguf" in note and "trendingScore" in note for note in report.notes)
    assert len(states(Catalogue(tmp_path).head())) == len(hub.models)


def test_pages_that_take_too_long_are_asked_for_in_pieces(hub: Hub, tmp_path: Path) -> None:
    hub.faults = {2: "504", 3: "504"}
    take(hub, tmp_path)
    assert len(states(Catalogue(tmp_path).head())) == len(hub.models)
    assert any("limit=1&" in request or "limit=2&" in request for request in hub.requests)


def test_another_origin_is_not_followed_and_gets_no_token(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.hub.session.get_token", lambda: "hf_secret")
    other = Hub(models=some_models()).start()
    hub.hostile_next = other.address
    with pytest.raises(BadInput, match="another server") as failure:
        take(hub, tmp_path)
    other.stop()
    assert other.requests == []
    assert hub.tokens[0] == "Bearer hf_secret"
    assert "hf_secret" not in str(failure.value)
    assert Catalogue(tmp_path).head_id() is None


def test_limits_are_kept_before_they_bite(hub: Hub) -> None:
    slept: list[float] = []
    hub.quota = 6
    session = HubSession(hub.address, sleep=slept.append)
    with session.open():
        for _ in range(3):
            session.get(f"{hub.address}/api/models?limit=1")
        assert slept == []
        session.get(f"{hub.address}/api/models?limit=1")  # two are left after this one
        session.get(f"{hub.address}/api/models?limit=1")
    assert len(slept) == 1
    assert 0 < slept[0] <= 1


@pytest.mark.parametrize("address", ["not an address", "ftp://host", "https://"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(BadInput, match="https://host"):
        HubSession(address)
