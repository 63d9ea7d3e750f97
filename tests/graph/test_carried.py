"""The arrays in a graph: what is written is what is read, what is spoilt is never used, and what was fetched is kept."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import BadInput, Damaged
from graph.snapshot import Snapshot
from graph.store import ModelFilter
from graph.stores.neo4j import Server, carried, load, open_neo4j, verify
from graph.stores.neo4j.carried import Piece, pieces, restore, unpacked
from graph.stores.shared import shared_of
from tests.neo4j_server import Neo4jServer, missing
from tests.worlds import build, family


def rows_of(folder: Path) -> list[Piece]:
    return [
        (row["file"], row["part"], row["whole"], row["bytes"], row["digest"], row["data"])
        for row in pieces(folder).to_dicts()
    ]


def _piece(file: str, part: int, whole: int | None, data: bytes) -> Piece:
    return file, part, whole, len(data), carried._digest(data, whole), carried._packed(data)


def same(one: Path, other: Path) -> bool:
    return {path.name: path.read_bytes() for path in one.iterdir()} == {
        path.name: path.read_bytes() for path in other.iterdir()
    }


@pytest.mark.parametrize("piece", [1, 7, 2**20])
def test_files_come_back_from_their_pieces_in_any_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, piece: int
) -> None:
    monkeypatch.setattr(carried, "PIECE", piece)
    made, back = tmp_path / "made", tmp_path / "back"
    made.mkdir()
    back.mkdir()
    for name, size in (("none.bin", 0), ("one.npy", 1), ("few.json", 14), ("more.bin", 50)):
        (made / name).write_bytes(bytes(range(size)))
    restore(rows_of(made)[::-1], back, 0)
    assert same(made, back)


def test_the_arrays_of_a_snapshot_come_back(tmp_path: Path) -> None:
    folder = shared_of(build(tmp_path / "c", family())).folder
    back = tmp_path / "back"
    back.mkdir()
    restore(rows_of(folder), back, 20)
    assert same(folder, back)


def test_what_is_not_what_was_loaded_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "one.bin").write_bytes(b"abc")
    (tmp_path / "made" / "two.bin").write_bytes(b"abd")
    one, two = rows_of(tmp_path / "made")
    spoilt: dict[str, list[Piece]] = {
        "is not what was loaded": [(*one[:5], two[5])],
        "pieces are missing": [],
        "pieces are missing of one.bin": [_piece("one.bin", 0, 4, b"abc"), two],
        "pieces are missing of two.bin": [one, _piece("two.bin", 1, None, b"abd")],
        "pieces are missing of .*, or there are too many": [one, two, _piece("two.bin", 1, None, b"abd")],
        "impossible name": [("../one.bin", *one[1:])],
        "impossible name or size": [(*one[:3], 2**40, *one[4:])],
        "0 of 'one.bin' has an impossible": [(*one[:2], None, *one[3:])],
        "of more than": [one, _piece("two.bin", 2**20, None, b"abd")],
    }
    for number, (said, found) in enumerate(spoilt.items()):
        back = tmp_path / str(number)
        back.mkdir()
        with pytest.raises(Damaged, match=said):
            restore(found, back, 0)
    assert not (tmp_path / "one.bin").exists()


def test_a_folder_that_cannot_be_written_is_not_the_servers_fault(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "one.bin").write_bytes(b"abc")
    with pytest.raises(BadInput, match="STEMMA_CACHE"):
        restore(rows_of(tmp_path / "made"), tmp_path / "gone" / "back", 0)


@given(st.text(max_size=40), st.integers(0, 2**20))
def test_any_text_is_bytes_of_that_size_or_none(text: str, size: int) -> None:
    data = unpacked(text, size)
    assert data is None or len(data) == size


@pytest.fixture
def server(neo4j_server: Neo4jServer) -> Server:
    return Server(neo4j_server.address)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return build(tmp_path / "c", family())


def counted(server: Server, cache: Path | None) -> int:
    """Open a store, count all models, close."""

    async def asked() -> int:
        store = await open_neo4j(server, cache)
        try:
            return await store.count(ModelFilter())
        finally:
            await store.close()

    return anyio.run(asked)


@pytest.mark.neo4j
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
class TestInAGraph:
    def test_they_are_fetched_once_and_kept(self, tmp_path: Path, server: Server, snapshot: Snapshot) -> None:
        load(snapshot, server)
        cache = tmp_path / "cache"
        models = counted(server, None)
        assert not cache.exists()
        assert counted(server, cache) == models > 5
        (folder,) = cache.iterdir()
        assert same(folder, shared_of(snapshot).folder)
        with server.driver() as driver:
            driver.execute_query("MATCH (a:Arrays) DETACH DELETE a")
        assert counted(server, cache) == models

    def test_old_ones_are_forgotten(self, tmp_path: Path, server: Server) -> None:
        cache = tmp_path / "cache"
        (cache / "lists-1-abc").mkdir(parents=True)  # of an earlier form
        for likes in range(5):
            load(build(tmp_path / "c", [{**row, "likes": likes} for row in family()]), server)
            counted(server, cache)
        assert len(list(cache.iterdir())) == 3

    def test_a_spoilt_piece_is_noticed(self, tmp_path: Path, server: Server, snapshot: Snapshot) -> None:
        load(snapshot, server)
        assert verify(snapshot, server).equal
        with server.driver() as driver:
            driver.execute_query("MATCH (a:Arrays {file: 'code_task.npy'}) SET a.data = 'AAAA'")
        (wrong,) = (verdict for verdict in verify(snapshot, server).verdicts if not verdict.equal)
        assert wrong.kind == "Arrays"
        assert "code_task.npy" in (wrong.difference or "")
        with pytest.raises(Damaged, match=r"of 'code_task.npy' is not what was loaded.*stemma load bolt"):
            counted(server, tmp_path / "cache")
        assert not list((tmp_path / "cache").glob("shared-*"))

    def test_a_cache_that_cannot_be_written_is_named(self, tmp_path: Path, server: Server, snapshot: Snapshot) -> None:
        load(snapshot, server)
        (tmp_path / "file").write_text("")
        with pytest.raises(BadInput, match="STEMMA_CACHE"):
            counted(server, tmp_path / "file" / "cache")

    @pytest.mark.parametrize("grows", [True, False])
    def test_files_that_grow_or_shrink_come_back(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server, grows: bool
    ) -> None:
        """Most pieces stay: of names in the order of downloads the last are others."""
        monkeypatch.setattr(carried, "PIECE", 16)
        few = [{**row, "likes": 77} for row in family()]  # in pieces that no other test's snapshot has
        more = [*few, *({"id": f"z/{at}", "downloads": 0} for at in range(9))]
        first, second = (few, more) if grows else (more, few)
        load(build(tmp_path / "first", first), server)
        snapshot = build(tmp_path / "second", second)
        report = load(snapshot, server)
        assert report.updated["Arrays"] < len(pieces(shared_of(snapshot).folder)) / 2
        assert verify(snapshot, server).equal
        assert counted(server, tmp_path / "cache") == len(snapshot.table("models", ["id"]))
        (folder,) = (tmp_path / "cache").iterdir()
        assert same(folder, shared_of(snapshot).folder)

    def test_of_a_change_only_what_differs_is_written(self, tmp_path: Path, server: Server, snapshot: Snapshot) -> None:
        load(snapshot, server)
        report = load(build(tmp_path / "c", [{**row, "likes": at * 7 % 11} for at, row in enumerate(family())]), server)
        assert report.compared_with == "snapshot"
        assert 0 < report.updated["Arrays"] < len(pieces(shared_of(snapshot).folder)) / 4
        assert "Arrays" not in report.added | report.removed
