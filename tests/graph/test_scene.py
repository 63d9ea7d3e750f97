"""Where things stand in a picture of a lineage, and what a fan names; the explorer is held to the same scenes by its own test."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.fan import BARS, Crowd, fans, fans_in
from graph.records import DerivationRecord, Evidence, ModelRecord, Relation
from graph.scene import crowd_key, lay_out
from graph.stores.embedded import open_snapshot
from tests.worlds import build, model

SCENES = Path(__file__).parents[1] / "lineage_scenes.json"


def crowd(count: int) -> Crowd:
    return Crowd(count, 0, 0, 0, 0, None, None, (0,) * BARS)


def edge(row: dict[str, Any]) -> DerivationRecord:
    return DerivationRecord(
        row["model"],
        row["base"],
        Relation[row["relation"]],
        tuple(Evidence[word] for word in row["evidence"]),
        row.get("confidence"),
        row.get("conflict", False),
        row.get("cycle", False),
    )


def test_scenes_are_as_written_down() -> None:
    for scene in json.loads(SCENES.read_text(encoding="utf-8")):
        models = {
            row["id"]: ModelRecord(
                row["id"],
                downloads=row.get("downloads"),
                descendants=row.get("descendants", 0),
                novelty=row.get("novelty"),
            )
            for row in scene["models"]
        }
        crowds = {
            parent: {Relation[word]: crowd(count) for word, count in told.items()}
            for parent, told in scene["crowds"].items()
        }
        laid = lay_out(models, [edge(row) for row in scene["edges"]], crowds)
        assert [[item.key, item.column, item.row, item.first, item.last] for item in laid.items] == scene["items"], (
            scene["name"]
        )
        assert [[over.model, over.base_model] for over in laid.overlays] == scene["overlays"], scene["name"]
        assert [laid.rows, laid.columns] == [scene["rows"], scene["columns"]]


LETTERS = st.sampled_from("abcdefg")
EDGES = st.lists(
    st.builds(
        DerivationRecord,
        LETTERS,
        LETTERS,
        st.sampled_from(Relation),
        st.lists(st.sampled_from(Evidence), unique=True, max_size=2).map(tuple),
        st.one_of(st.none(), st.floats(0, 1)),
        st.booleans(),
        st.booleans(),
    ),
    max_size=14,
    unique_by=lambda each: (each.model, each.base_model),
)


@settings(max_examples=200)
@given(EDGES)
def test_every_model_stands_once_and_right_of_its_base(edges: list[DerivationRecord]) -> None:
    models = {id: ModelRecord(id) for id in "abcdefg"}
    laid = lay_out(models, edges, {"a": {Relation.QUANTIZED: crowd(3)}})
    place = {item.key: item for item in laid.items}
    assert {*place} == {*models, crowd_key("a", Relation.QUANTIZED)}
    assert len(laid.items) == len(place)
    for item in laid.items:
        if item.parent is not None:
            assert item.column == place[item.parent].column + 1
        assert item.first <= item.row <= item.last
    drawn = {(over.model, over.base_model) for over in laid.overlays}
    drawn |= {(item.model, item.parent) for item in laid.items if item.model and item.parent}
    assert drawn == {(each.model, each.base_model) for each in edges if each.model != each.base_model}
    leaves = [item.row for item in laid.items if item.first == item.last == item.row and item.row == int(item.row)]
    assert max(item.row for item in laid.items) <= laid.rows - 1
    assert len(leaves) >= laid.rows


def test_a_fan_names_the_telling_and_counts_the_rest(tmp_path: Path) -> None:
    """root <- 9 fine-tunes (one downloaded often, one with forks, one contradicted), 1 adapter, 2 quantised."""
    tuned = [
        model(f"a/tuned-{n}", "root", downloads=n, createdAt=f"2023-0{n + 1}-01T00:00:00Z", pipeline_tag="x")
        for n in range(9)
    ]
    tuned[0]["downloads"] = 90_000
    tuned[3]["cardData"] = {"base_model": ["x/other"]}
    rows = [
        model("root", downloads=5),
        *tuned,
        model("b/fork", "a/tuned-1"),
        model("c/adapter", "root", relation="adapter"),
        model("d/4bit", "root", relation="quantized", downloads=3),
        model("d/8bit", "root", relation="quantized", downloads=4),
    ]

    async def asked() -> None:
        store = await open_snapshot(build(tmp_path, rows))
        found, _ = await fans_in(store, "root")
        counts = {fan.relation: fan.count for fan in found}
        assert [counts] == await store.derived_counts(["root"])
        tunes, adapters, quantised = found
        assert [named.model for named in tunes.named][:4] == ["a/tuned-0", "a/tuned-3", "a/tuned-1", "a/tuned-8"]
        assert len(tunes.named) == 6
        assert tunes.rest is not None
        assert tunes.rest.count == 3 == sum(tunes.rest.histogram)
        assert tunes.rest.downloads == 2 + 4 + 5
        assert tunes.rest.since == datetime(2023, 1, 1, tzinfo=UTC)
        assert [named.model for named in adapters.named] == ["c/adapter"]
        assert adapters.rest is None
        assert quantised.named == ()
        assert quantised.rest is not None
        assert (quantised.rest.count, quantised.rest.downloads, quantised.rest.dated) == (2, 7, 0)

    anyio.run(asked)


def test_numbers_are_exact_beyond_what_was_looked_at() -> None:
    edges = [DerivationRecord(f"m{n}", "root", Relation.ADAPTER, (Evidence.HUB,)) for n in range(5)]
    (fan,) = fans(edges, {each.model: ModelRecord(each.model) for each in edges}, {Relation.ADAPTER: 70_000})
    assert fan.count == 70_000
    assert fan.rest is not None
    assert fan.rest.count == 70_000
