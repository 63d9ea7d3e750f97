"""A subset as a catalogue of its own: served, it gives the answers of the whole catalogue, restricted to the subset."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import BadInput
from graph.subset.exports import snapshot as exported
from graph.subset.lock import Lock
from tests.api.test_graphql import data
from tests.graph.subset.shelf import ALL, locked, shelf
from tests.worlds import build, hub_rows

FIELDS = """
  id hubId author state createdAt modifiedAt task library licence parameters downloads likes trending sha gated tags languages
  baseModels { relation evidence confidence conflict baseModel { id } claims { relation evidence where detail } }
  derivedModels(first: 100) { totalCount nodes { relation evidence model { id } } } derivedCounts { relation count }
  datasets { evidence dataset { id state } } copies(first: 100) { totalCount nodes { id } }
  files { path size sha256 blobId } conflicts { kind baseModel silent text }
"""
SEEN = "filter: {state: [LISTED, GATED, GONE]}"
LISTS = "{ models(first: 100, %s, orderBy: %s) { totalCount nodes { id } } }"


def one(folder: Path, id: str, fields: str = FIELDS) -> Any:
    return data(folder, "query($id: ID!) { model(id: $id) { " + fields + " } }", id=id)["model"]


def restricted(model: Any, inside: set[str]) -> Any:
    """What the answer should be where only these models are known as more than a name."""
    derived = [node for node in model["derivedModels"]["nodes"] if node["model"]["id"] in inside]
    counts = Counter(node["relation"] for node in derived)
    model["derivedModels"] = {"totalCount": len(derived), "nodes": derived}
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].lower()))
    model["derivedCounts"] = [{"relation": relation, "count": count} for relation, count in ordered]
    if model["copies"] is not None:
        others = [node for node in model["copies"]["nodes"] if node["id"] in inside]
        model["copies"] = {"totalCount": len(others), "nodes": others}
    return model


def reachable(starts: str, edges: set[tuple[str, str]]) -> dict[str, int]:
    found, level, steps = {starts: 0}, {starts}, 0
    while level:
        steps += 1
        level = {end for start, end in edges if start in level} - found.keys()
        found |= dict.fromkeys(level, steps)
    return found


def assert_restricted(whole: Path, part: Path, lock: Lock) -> None:
    inside = {row.model for row in lock.models}
    edges = {(row.model, base.model) for row in lock.models for base in row.bases}
    for id in inside:
        assert one(part, id) == restricted(one(whole, id), inside)
        above = data(
            part,
            "query($id: ID!) { lineage(id: $id, direction: ANCESTORS, depth: 99) { nodes { distance model { id } } } }",
            id=id,
        )["lineage"]
        assert {node["model"]["id"]: -node["distance"] for node in above["nodes"]} == reachable(id, edges)
        below = one(part, id, "totalDescendants generation")
        assert below["totalDescendants"] == len(reachable(id, {(base, model) for model, base in edges})) - 1
    for order in ("DOWNLOADS", "LIKES", "CREATED", "PARAMETERS"):
        everything = [node for node in data(whole, LISTS % (SEEN, order))["models"]["nodes"] if node["id"] in inside]
        assert data(part, LISTS % (SEEN, order))["models"] == {"totalCount": len(inside), "nodes": everything}
    missing = data(part, LISTS % ("filter: {state: [MISSING]}", "DOWNLOADS"))["models"]["nodes"]
    assert {node["id"] for node in missing} == {base for _, base in edges} - inside
    values = [one(whole, id, "task licence")["task"] for id in inside]
    facets = data(part, "{ facets(by: [TASK], " + SEEN + ") { value count } }")["facets"]
    assert {facet["value"]: facet["count"] for facet in facets} == Counter(values)


@settings(max_examples=6, deadline=None)
@given(hub_rows(), st.data())
def test_answers_are_those_of_the_whole_restricted(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("world")
    world = build(folder / "whole", rows)
    limit, closed = data.draw(st.integers(1, 6)), data.draw(st.booleans())
    lock = locked(world, f"[where]\n[take]\nlimit = {limit}\nancestors = {str(closed).lower()}\n")
    part = exported.write(lock, world, folder / "part")
    part.verify()
    assert_restricted(folder / "whole", folder / "part", lock)


def test_a_subset_of_a_subset_has_the_same_rows(tmp_path: Path) -> None:
    world = shelf(tmp_path / "whole")
    lock = locked(world, "[where]\nauthor = ['a', 'b']\n")
    part = exported.write(lock, world, tmp_path / "part")
    again = locked(part, ALL)
    assert [(row.model, row.commit, row.files, row.licence) for row in again.models] == [
        (row.model, row.commit, row.files, row.licence) for row in lock.models
    ]
    assert [(base.model, base.why) for base in again.outside] == [("root/base", "missing")]
    assert exported.write(lock, world, tmp_path / "twice").id == part.id


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    world = shelf(tmp_path / "whole")
    lock = locked(world, "[where]\nauthor = 'a'\n")
    part = exported.write(lock, world, tmp_path / "part")
    with pytest.raises(BadInput, match="holds a catalogue already"):
        exported.write(lock, world, tmp_path / "part")
    with pytest.raises(BadInput, match="name the catalogue that has it"):
        exported.write(lock, part, tmp_path / "other")
