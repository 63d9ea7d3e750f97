"""Two locks compared: what changed, and whether the query or the data did it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graph.subset.diff import Change, difference
from tests.graph.subset.shelf import ALL, commit, locked, rows, shelf
from tests.worlds import build


def changed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A month later: one commit on, one gated, one with another licence, one that was not there."""
    later = []
    for row in rows:
        more: dict[str, Any] = {"lastModified": "2025-01-01T00:00:00Z"}
        if row["id"] == "b/quant":
            more["sha"] = "f" * 40
        if row["id"] == "d/mix":
            more["gated"] = "auto"
        if row["id"] == "a/tuned":
            more["cardData"] = {**row["cardData"], "license": "other"}
        later.append({**row, **more})
    return [*later, {"id": "n/new", "sha": commit("n/new"), "tags": [], "downloads": 60}]


def test_what_changed_between_two_snapshots(tmp_path: Path) -> None:
    old = locked(shelf(tmp_path), ALL)
    new = locked(build(tmp_path, changed(rows())), ALL)
    found = difference(old, new)
    assert set(found.changes) == {
        Change("in", "n/new", None, "query, place 5", "data"),
        Change("commit", "b/quant", commit("b/quant"), "f" * 40, "data"),
        Change("licence", "a/tuned", "mit", "other", "data"),
        Change("gated", "d/mix", None, "auto", "data"),
        Change("state", "d/mix", "listed", "gated", "data"),
    }
    assert (found.same_query, found.same_snapshot) == (True, False)
    assert found.counts == {"in": 1, "commit": 1, "licence": 1, "gated": 1, "state": 1}
    back = difference(new, old)
    assert [change.model for change in back.changes if change.kind == "out"] == ["n/new"]


def test_the_query_or_the_data(tmp_path: Path) -> None:
    first = shelf(tmp_path)
    narrow, wide = "[where]\nauthor = ['a', 'n']\n", "[where]\nauthor = ['a', 'b', 'n']\n"
    old = locked(first, narrow)
    assert {change.why for change in difference(old, locked(first, wide)).changes} == {"query"}
    second = build(tmp_path, changed(rows()))
    new, middle = locked(second, wide), locked(first, wide)
    apart = {(change.kind, change.model): change.why for change in difference(old, new, middle).changes}
    assert (apart["in", "b/quant"], apart["in", "n/new"]) == ("query", "data")
    assert {c.why for c in difference(old, new).changes if c.kind == "in"} == {"query or data"}
    assert difference(old, old).changes == ()
