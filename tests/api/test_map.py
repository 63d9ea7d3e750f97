"""The map's addresses: what a browser may keep, what it may not have, and what is under a point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.api.test_graphql import data
from tests.api.test_lineage_svg import got
from tests.worlds import build, family


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("family")
    build(place, family())
    return place


def test_files_may_be_kept_and_their_list_not(folder: Path) -> None:
    head = got(folder, "/map/head.json")
    assert head.json()["models"] == 9
    again = got(folder, "/map/head.json", **{"if-none-match": head.headers["etag"]})
    assert again.status_code == 304
    place = f"/map/{head.json()['snapshot']}"
    points = got(folder, f"{place}/points-0.bin")
    assert len(points.content) == 9 * 6
    assert "immutable" in points.headers["cache-control"]
    assert got(folder, f"{place}/still.png").headers["content-type"] == "image/png"


@pytest.mark.parametrize("name", ["head.json", "row_of.npy", "points-9.bin", "..%2f..%2fmanifest.json", "%2e%2e/HEAD"])
def test_nothing_else_is_given_away(folder: Path, name: str) -> None:
    snapshot = got(folder, "/map/head.json").json()["snapshot"]
    assert got(folder, f"/map/{snapshot}/{name}").status_code == 404
    assert got(folder, f"/map/{'0' * 64}/points-0.bin").status_code == 404


def test_points_are_found_by_name_and_named(folder: Path) -> None:
    found = np.frombuffer(got(folder, "/map/points?text=BASE").content, dtype="<u4").tolist()
    answer = data(
        folder, "query($at: [Int!]!) { atPoints(points: $at) { id spot { point x y } } }", at=[*found, 10_000]
    )["atPoints"]
    assert {model["id"] for model in answer[:-1]} == {"root/base", "lost/base"}
    assert [model["spot"]["point"] for model in answer[:-1]] == found
    assert answer[-1] is None
    assert got(folder, "/map/points?text=B").status_code == 400
