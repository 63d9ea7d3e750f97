"""Parts of files on a Hub that misbehaves: what is read is what is there, or a reason; never more than was allowed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import BadInput, Damaged, LimitExceeded, NotFound, StemmaError, Unreachable
from ingest.hub.listing import listing
from ingest.hub.ranges import MERGED_GAP, ByteBudget, RemoteFile, merged
from ingest.hub.session import HubSession
from tests.loopback_hub.server import COMMIT, Hub
from tests.loopback_hub.storage import Storage

CONTENT = random.Random(0).randbytes(300_000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr("ingest.hub.session.get_token", lambda: "hf_secret")
    storage = Storage().start()
    server = Hub(storage=storage, quota=100_000)
    server.files["org/model"] = {"model.safetensors": CONTENT, "config.json": b'{"a": 1}'}
    server.start()
    yield server
    server.stop()
    storage.stop()


@pytest.fixture
def session(hub: Hub) -> Iterator[HubSession]:
    found = HubSession(hub.address, timeout_seconds=0.5, pause_seconds=0.01)
    with found.open():
        yield found


def remote(session: HubSession, **changed: Any) -> RemoteFile:
    told: dict[str, Any] = {"revision": COMMIT, "path": "model.safetensors", "size": len(CONTENT), **changed}
    return RemoteFile(session, "org/model", told["revision"], told["path"], told["size"])


def budget(allowed: int = 10**6) -> ByteBudget:
    return ByteBudget("bytes of a test", allowed, "allow more")


def storage_of(hub: Hub) -> Storage:
    assert hub.storage is not None
    return hub.storage


def test_ranges_near_each_other_are_one_request(hub: Hub, session: HubSession) -> None:
    ranges = [(200_000, 200_100), (0, 10), (MERGED_GAP, MERGED_GAP + 5), (50, 50), (5, 20)]
    spent = budget()
    found = remote(session).read(ranges, spent)
    assert found == [CONTENT[begin:end] for begin, end in ranges]
    assert sorted(storage_of(hub).ranges) == [f"bytes=0-{MERGED_GAP + 4}", "bytes=200000-200099"]
    assert spent.spent == storage_of(hub).sent == MERGED_GAP + 105


def test_gaps_are_not_read_where_the_budget_is_tight(hub: Hub, session: HubSession) -> None:
    spent = budget(20)
    assert remote(session).read([(0, 10), (1000, 1010)], spent) == [CONTENT[:10], CONTENT[1000:1010]]
    assert spent.spent == storage_of(hub).sent == 20
    spent = budget(1_020)
    assert remote(session).read([(0, 10), (1000, 1010)], spent, reserved=1_000) == [CONTENT[:10], CONTENT[1000:1010]]
    assert spent.spent == 20


@given(
    st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 10**4)).map(lambda p: (p[0], p[0] + p[1])), max_size=20)
)
def test_merged_ranges_hold_all_and_lie_apart(ranges: list[tuple[int, int]]) -> None:
    found = merged(ranges)
    assert all(any(a <= begin and end <= b for a, b in found) for begin, end in ranges if begin < end)
    assert all(second[0] - first[1] > MERGED_GAP for first, second in pairwise(found))


def test_the_token_never_leaves_the_hub(hub: Hub, session: HubSession) -> None:
    remote(session).read([(0, 100)], budget())
    assert hub.tokens == ["Bearer hf_secret"]
    assert storage_of(hub).secrets == []


def test_an_address_may_be_good_for_one_range_alone(hub: Hub, session: HubSession) -> None:
    hub.signs_ranges = True
    ranges = [(0, 10), (100_000, 100_010)]
    assert remote(session).read(ranges, budget()) == [CONTENT[a:b] for a, b in ranges]


@pytest.mark.parametrize("fault", ["cut", "503", "429", "408"])
def test_what_passes_is_asked_for_again(hub: Hub, session: HubSession, fault: str) -> None:
    storage_of(hub).faults = {1: fault, 2: fault}
    spent = budget()
    assert remote(session).read([(10, 5_010)], spent) == [CONTENT[10:5_010]]
    assert spent.spent == storage_of(hub).sent == 5_000


def test_a_cut_range_goes_on_from_its_last_byte(hub: Hub, session: HubSession) -> None:
    storage_of(hub).faults = {1: "cut"}
    remote(session).read([(0, 1_000)], budget())
    assert storage_of(hub).ranges == ["bytes=0-999", "bytes=500-999"]


def test_a_stall_is_given_up_and_asked_again(hub: Hub, session: HubSession) -> None:
    storage_of(hub).faults = {1: "stall"}
    assert remote(session).read([(0, 100)], budget()) == [CONTENT[:100]]


def test_an_answer_that_is_late_and_whole_is_taken(
    hub: Hub, session: HubSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.hub.ranges._PATIENCE", -60.0)
    assert remote(session).read([(0, 100)], budget()) == [CONTENT[:100]]
    assert storage_of(hub).ranges == ["bytes=0-99"]


@pytest.mark.parametrize(
    ("fault", "kind", "what"),
    [
        ("whole", BadInput, "whole file"),
        ("encoded", BadInput, "not asked for"),
        ("shifted", Damaged, "were asked for"),
        ("more", Damaged, "were asked for|more than the bytes"),
        ("416", Damaged, "shorter than"),
        ("418", BadInput, "status 418"),
    ],
)
def test_an_answer_that_is_no_part_ends_the_reading(
    hub: Hub, session: HubSession, fault: str, kind: type[StemmaError], what: str
) -> None:
    storage_of(hub).faults = {1: fault}
    with pytest.raises(kind, match=what):
        remote(session).read([(0, 100)], budget())
    assert len(storage_of(hub).ranges) == 1


def test_a_commit_that_moves_is_noticed(hub: Hub, session: HubSession) -> None:
    def moved(number: int) -> None:
        if number == 2:
            hub.commits["org/model"] = "d0" * 20

    hub.on_resolve = moved
    with pytest.raises(Damaged, match="changed while it was read"):
        remote(session, revision="main").read([(0, 10), (100_000, 100_010)], budget())


def test_a_file_of_another_size_is_noticed(session: HubSession) -> None:
    with pytest.raises(Damaged, match="list its files again"):
        remote(session, size=len(CONTENT) - 5).read([(0, 100)], budget())


def test_a_budget_is_never_passed(hub: Hub, session: HubSession) -> None:
    with pytest.raises(LimitExceeded, match="bytes of a test is 200, the most allowed is 100"):
        remote(session).read([(0, 100), (200_000, 200_100)], budget(100))
    assert storage_of(hub).ranges == []


def test_gated_and_missing_files_are_told(hub: Hub, session: HubSession) -> None:
    with pytest.raises(NotFound):
        remote(session, path="other.safetensors").read([(0, 10)], budget())
    hub.gated.add("org/model")
    with pytest.raises(BadInput, match="gated"):
        remote(session).read([(0, 10)], budget())


def test_a_hub_that_never_answers_is_unreachable(hub: Hub, session: HubSession) -> None:
    storage_of(hub).faults = dict.fromkeys(range(1, 20), "503")
    with pytest.raises(Unreachable, match="after 6 tries"):
        remote(session).read([(0, 10)], budget())


def test_a_listing_is_of_one_commit(hub: Hub, session: HubSession, tmp_path: Path) -> None:
    found = listing(session, "org/model")
    assert (found.repository, found.commit) == ("org/model", COMMIT)
    assert [(file.path, file.size) for file in found.files] == [("config.json", 8), ("model.safetensors", len(CONTENT))]
    assert found.content is not None
    hub.moved["old/name"] = "org/model"
    assert listing(session, "old/name") == found
    assert listing(session, "org/model", "main") == found
    with pytest.raises(NotFound, match="at nowhere"):
        listing(session, "org/model", "nowhere")
    with pytest.raises(NotFound):
        listing(session, "org/nothing")
    with pytest.raises(BadInput, match="no repository's name"):
        listing(session, "no name at all")
