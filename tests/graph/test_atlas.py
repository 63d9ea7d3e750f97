"""The map of all models: families, packed discs, places, and the files that a browser draws it from."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.atlas.forest import grow, primary
from graph.atlas.layout import lay_out
from graph.atlas.packing import pack
from graph.atlas.still import PAPER, still
from graph.records import Relation
from graph.snapshot import Snapshot
from graph.store import Facet, ModelFilter
from graph.stores.embedded import open_snapshot
from graph.stores.embedded.atlas import CELLS, NONE, OTHERS, WORDS, atlas_folder, build_atlas
from tests.worlds import build, family, model

PARENTS = st.lists(st.integers(-1, 10**6), min_size=1, max_size=120).map(
    lambda drawn: np.array([-1 if at == 0 else value % at if value >= 0 else -1 for at, value in enumerate(drawn)])
)


@given(PARENTS)
def test_a_forest_is_what_walking_finds(parent: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    forest = grow(parent)
    chains = []
    for node in range(len(parent)):
        chain = [node]
        while parent[chain[-1]] >= 0:
            chain.append(int(parent[chain[-1]]))
        chains.append(chain)
    below = [sum(node in chain for chain in chains) for node in range(len(parent))]
    assert forest.root.tolist() == [chain[-1] for chain in chains]
    assert forest.size.tolist() == below
    assert forest.generations == max(map(len, chains)) - 1
    for root in set(forest.root.tolist()):
        assert sorted(forest.place[forest.root == root].tolist()) == list(range(below[root]))
    for node, chain in enumerate(chains):
        first, last = forest.place[node], forest.place[node] + below[node]
        assert all(
            (first <= forest.place[other] < last) == (node in chains[other])
            for other in range(len(parent))
            if chains[other][-1] == chain[-1]
        )


def test_the_primary_base_has_the_strongest_evidence() -> None:
    nan = float("nan")
    edges = [  # child, base, mask, confidence, cycle
        (5, 3, 0b00100, nan, False),  # tag
        (5, 4, 0b00001, nan, False),  # the Hub
        (6, 4, 0b10000, 0.6, False),
        (6, 3, 0b10000, 0.9, False),  # surer
        (7, 4, 0b00001, nan, False),
        (7, 2, 0b00001, nan, False),  # more downloads
        (0, 1, 0b00001, nan, True),
        (1, 0, 0b00001, nan, True),
    ]
    child, base, mask, confidence, cycle = (np.array(column) for column in zip(*edges, strict=True))
    found = primary(child, base, mask.astype(np.uint8), confidence, cycle.astype(bool), 8)
    assert found.tolist() == [-1, -1, -1, -1, -1, 4, 3, 2]


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=60))
def test_packed_discs_do_not_overlap(drawn: list[float]) -> None:
    radii = np.array(sorted(drawn, reverse=True))
    x, y = pack(radii)
    apart = np.hypot(x[:, None] - x, y[:, None] - y) - (radii[:, None] + radii)
    assert (apart[~np.eye(len(radii), dtype=bool)] > -1e-3).all()


@settings(max_examples=40)
@given(PARENTS, st.integers(1, 4))
def test_families_lie_apart_within_their_continents(
    parent: np.ndarray[tuple[int], np.dtype[np.int64]], lands: int
) -> None:
    count = len(parent)
    forest, continent = grow(parent), np.arange(count) % min(lands, count)
    born = np.arange(count) * 7 % 31
    placed = lay_out(forest, continent, born)
    again = lay_out(forest, continent, born)
    assert (placed.x == again.x).all()
    assert (placed.y == again.y).all()
    x, y, radius = placed.families[forest.root].T
    assert (np.hypot(placed.x - x, placed.y - y) <= radius + 1e-9).all()
    land_x, land_y, land = placed.continents[continent[forest.root]].T
    assert (np.hypot(placed.x - land_x, placed.y - land_y) <= land + 1e-9).all()
    assert ((placed.x >= 0) & (placed.x <= 1) & (placed.y >= 0) & (placed.y <= 1)).all()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The family, an architecture with a large family, and more tasks than a code has room for."""
    config = {"architectures": ["LlamaForCausalLM"]}
    kin = [
        model(f"big/{n:02}", "big/root", downloads=n, createdAt=f"2024-0{n % 9 + 1}-01T00:00:00Z") for n in range(40)
    ]
    singles = [model(f"one/{n:02}", pipeline_tag=f"task-{n}") for n in range(WORDS + 4)]
    return build(
        tmp_path_factory.mktemp("map"), [*family(), model("big/root", downloads=10**6, config=config), *kin, *singles]
    )


def test_files_hold_every_model_once(drawn: Snapshot) -> None:
    folder = atlas_folder(drawn)
    assert folder.is_dir(), "an ingest draws the map"
    head = json.loads((folder / "head.json").read_text())

    async def asked() -> None:
        store = await open_snapshot(drawn)
        total = await store.count(ModelFilter())
        assert head["snapshot"] == drawn.id
        assert head["models"] == sum(head["tiers"]) == total
        assert sum(land["count"] for land in head["continents"]) == total
        assert head["families"][0]["id"] == "big/root"
        assert head["families"][0]["size"] == 41
        atlas = await store.atlas()
        assert atlas is not None
        found = atlas.models(range(total))
        ids = [record.id for record in found if record is not None]
        assert len(ids) == len(set(ids)) == total
        assert atlas.models([-1, total]) == [None, None]
        spots = atlas.spots(ids)
        assert [spot.point for spot in spots if spot] == list(range(total))
        assert atlas.spots(["no/such"]) == [None]
        raw = np.fromfile(folder / "points-0.bin", dtype=np.uint8)
        assert len(raw) == 6 * total
        places = raw[: 4 * total].view("<u2").reshape(total, 2)
        assert [[round(spot.x * 65_535), round(spot.y * 65_535)] for spot in spots if spot] == places.tolist()
        cells = np.fromfile(folder / "cells.bin", dtype="<u4").reshape(3, CELLS * CELLS + 1)
        cell = (places[:, 1] // 1024).astype(int) * CELLS + places[:, 0] // 1024
        assert all(cells[0, at] <= point < cells[0, at + 1] for point, at in enumerate(cell.tolist()))
        quantised = np.frombuffer(atlas.points(ModelFilter(relations=("quantized",))), dtype="<u4")
        assert [record.id for record in atlas.models(quantised.tolist()) if record] == ["b/quant"]
        tasks = {line["word"]: line["count"] for line in head["codes"]["task"] if line["code"] < OTHERS}
        counted = {count.value: count.count for count in await store.facets(ModelFilter(), [Facet.TASK])}
        assert len(tasks) == WORDS
        assert all(counted[word] == many for word, many in tasks.items())
        left = {line["code"]: line["count"] for line in head["codes"]["task"] if line["code"] >= OTHERS}
        assert left == {OTHERS: sum(counted.values()) - sum(tasks.values()) - counted[None], NONE: counted[None]}
        relation = np.fromfile(folder / "relation-0.bin", dtype=np.uint8)
        words = {line["code"]: line["word"] for line in head["codes"]["relation"]}
        assert [words[code] for code in relation.tolist()] == [
            min(record.relations, key=list(Relation).index).value if record.relations else "root"
            for record in found
            if record is not None
        ]
        await store.close()

    anyio.run(asked)


def test_a_map_is_the_same_again(drawn: Snapshot, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in atlas_folder(drawn).iterdir()}
    atlas_folder(drawn).rename(tmp_path / "before")
    assert {path.name: path.read_bytes() for path in build_atlas(drawn).iterdir()} == before


def test_a_still_picture_shows_the_points() -> None:
    data = still(np.array([0, 65_535]), np.array([0, 65_535]), np.array([1, 9]), 4)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    begin = data.index(b"IDAT") + 4
    rows = np.frombuffer(zlib.decompressobj().decompress(data[begin:]), dtype=np.uint8).reshape(4, 13)[:, 1:]
    pixels = rows.reshape(4, 4, 3)
    lit = (pixels != PAPER).any(axis=2)
    assert lit.sum() == 2
    assert lit[0, 0]
    assert lit[3, 3]
