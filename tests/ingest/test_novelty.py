"""Fork novelty without weights: what it is told from, what never changes it, and the column form against the one in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.catalogue import Catalogue
from graph.novelty import Class, measured_score, named_score, told
from graph.records import ModelRecord, NoveltyRecord, Relation, State
from graph.tables import BY_NAME
from ingest.assemble import arrow
from ingest.dumps import ingest_dumps
from ingest.enrich.novelty import Known, scores
from tests.ingest.real_data import real

DAY = datetime(2024, 1, 1, tzinfo=UTC)
SCORED = {Class.LIGHT, Class.SUBSTANTIAL, Class.ADAPTER}
Row = dict[str, Any]


@dataclass
class World:
    """Rows of the tables that novelty rests on."""

    models: list[Row] = field(default_factory=list)
    derivations: list[Row] = field(default_factory=list)
    trainings: list[Row] = field(default_factory=list)
    holdings: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)

    def add(self, id: str, *bases: str, relation: str = "finetune", data: tuple[str, ...] = (), **facts: Any) -> None:
        evidence, weights = facts.pop("evidence", ["hub"]), facts.pop("weights", None)
        change = facts.pop("change", None)
        row: Row = {"id": id, "state": "listed", "created_at": DAY + timedelta(days=len(self.models)), "languages": []}
        self.models.append(row | facts)
        edge = {"model": id, "relation": relation, "evidence": evidence}
        self.derivations += [edge | {"base_model": base} for base in bases]
        self.trainings += [{"model": id, "dataset": name} for name in data]
        if weights is not None:
            self.holdings.append({"digest": weights, "model": id})
        if change is not None:
            self.changes.append(CHANGE | {"model": id} | change)

    def told(self) -> dict[str, Row]:
        """The score, the class and the facts of each model."""
        known = Known(*(self._frame(name) for name in ("models", "derivations", "trainings", "holdings", "changes")))
        seen = [row["id"] for row in self.models if row["state"] != "missing"]
        return dict.fromkeys(seen, NEW) | {row["model"]: row for row in scores(known).drop(PLACES).to_dicts()}

    def _frame(self, table: str) -> pl.DataFrame:
        schema = pl.DataFrame(arrow(table, pl.DataFrame(BY_NAME[table].schema.empty_table()))).schema
        return pl.DataFrame(getattr(self, table), schema=schema)

    def model(self, id: str, found: Row) -> ModelRecord:
        row = next(row for row in self.models if row["id"] == id)
        kinds = {Relation(edge["relation"]) for edge in self.derivations if edge["model"] == id}
        relations = tuple(sorted(kinds))
        names = ("task", "architecture", "licence", "parameters", "context_length")
        facts: dict[str, Any] = {name: row.get(name) for name in names}
        return ModelRecord(id, relations=relations, novelty=found["score"], novelty_class=found["class"], **facts)


PLACES = ("number", "other_number")  # these do change with strangers
NEW: Row = {
    **dict.fromkeys(NoveltyRecord.__dataclass_fields__),
    **dict.fromkeys(("task", "architecture", "licence", "trained", "told"), False),
    "score": None,
    "class": "new",
    "tier": "T0",
    "datasets": [],
    "languages": [],
    "first": 0,
    "unseen": 0,
}
CHANGE: Row = {
    "tier": "T2",
    "energy": 0.01,
    "low": 0.008,
    "high": 0.012,
    "innovation": 0.5,
    "structured": 0.7,
    "isotropic": False,
    "changed": 0.9,
    "rank": None,
    "explained_by": None,
    "explained": None,
}


def record(found: Row) -> NoveltyRecord:
    names = [name for name in NoveltyRecord.__dataclass_fields__ if name in found]
    values = {name: found[name] for name in names}
    return NoveltyRecord(**{**values, "datasets": tuple(found["datasets"]), "languages": tuple(found["languages"])})


WORDS = st.one_of(st.none(), st.sampled_from(["a", "b"]))
NAMES = st.lists(st.sampled_from(["one", "two", "three", "generator"]), max_size=3, unique=True)
KINDS = st.sampled_from([relation.value for relation in Relation])


@st.composite
def worlds(draw: st.DrawFn, prefix: str = "") -> World:
    """Up to eight models, each made from some before it or from models never seen; some hold the same files."""
    world = World()
    for at in range(draw(st.integers(1, 8))):
        bases = draw(st.lists(st.integers(-1, at - 1), max_size=3, unique=True)) if at else []
        measured = bool(bases) and draw(st.integers(0, 4)) == 0
        world.add(
            f"{prefix}m{at}",
            *(f"{prefix}m{base}" if base >= 0 else f"{prefix}lost" for base in bases),
            relation=draw(KINDS),
            data=tuple(prefix + name if name != "generator" else name for name in draw(NAMES)),
            weights=draw(st.one_of(st.none(), st.sampled_from([prefix + "x", prefix + "y"]))),
            evidence=draw(st.sampled_from([["hub"], ["weights"]])),
            change={"energy": draw(st.floats(0, 0.3)), "innovation": draw(st.floats(0, 1))} if measured else None,
            task=draw(WORDS),
            architecture=draw(WORDS),
            licence=draw(WORDS),
            languages=draw(st.lists(st.sampled_from(["de", "en", "fr"]), max_size=2, unique=True)),
            parameters=draw(st.one_of(st.none(), st.integers(1, 100))),
            context_length=draw(st.one_of(st.none(), st.integers(1, 100))),
            created_at=draw(st.one_of(st.none(), st.integers(0, 9).map(lambda day: DAY + timedelta(days=day)))),
        )
    if any(edge["base_model"] == f"{prefix}lost" for edge in world.derivations):
        world.models.append({"id": f"{prefix}lost", "state": State.MISSING.value, "languages": []})
    return world


@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_the_columns_say_what_the_words_say(world: World) -> None:
    for id, found in world.told().items():
        model, facts = world.model(id, found), record(found)
        kind = Class(found["class"])
        seen = told(model, facts if found["told"] else None)
        assert seen is not None
        assert seen.reason
        if kind in (Class.NEW, Class.UNKNOWN):
            assert found["score"] is None
        elif kind not in SCORED and found["energy"] is None:
            assert found["score"] == 0
        elif kind in SCORED and found["energy"] is None:
            assert found["score"] == pytest.approx(named_score(model.relations, facts), abs=0.051)
            assert bool(seen.components) == (found["score"] > 0) or Relation.MERGE in model.relations
            assert (kind is Class.ADAPTER) == (Relation.ADAPTER in model.relations)
        elif kind in SCORED:
            assert found["score"] == pytest.approx(measured_score(found["energy"], found["innovation"]), abs=0.051)
        if kind in (Class.LIGHT, Class.SUBSTANTIAL):
            assert (kind is Class.SUBSTANTIAL) == (found["score"] >= 40)
        assert (seen.interval is None) == (
            found["energy"] is None or kind not in {*SCORED, Class.MERGED_KNOWN} or found["low"] is None
        )


@settings(max_examples=60, deadline=None)
@given(world=worlds(), other=worlds(prefix="other/"), draw=st.randoms(use_true_random=False))
def test_neither_strangers_nor_order_change_anything(world: World, other: World, draw: Any) -> None:
    alone = world.told()
    together = World(*(getattr(world, name) + getattr(other, name) for name in World.__dataclass_fields__))
    for name in World.__dataclass_fields__:
        draw.shuffle(getattr(together, name))
    found = together.told()
    assert {id: found[id] for id in alone} == alone


@settings(max_examples=50, deadline=None)
@given(world=worlds(), draw=st.data())
def test_an_older_explanation_never_raises_a_score(world: World, draw: st.DataObject) -> None:
    """An older sibling on the same data, an ancestor that names the data, or an older holder of the same files."""
    before = world.told()
    seen = [row["id"] for row in world.models if row["state"] != "missing"]
    id = draw.draw(st.sampled_from(seen))
    bases = [edge["base_model"] for edge in world.derivations if edge["model"] == id]
    data = tuple(row["dataset"] for row in world.trainings if row["model"] == id)
    held = [row["digest"] for row in world.holdings if row["model"] == id]
    early = DAY - timedelta(days=9)
    how = draw.draw(st.sampled_from(["sibling", "ancestor", "copy"]))
    if how == "sibling":
        world.add("new", *bases, data=data, created_at=early)
    elif how == "ancestor" and bases:
        world.trainings += [{"model": bases[0], "dataset": name} for name in data]
    else:
        world.add("new", weights=held[0] if held else None, created_at=early)
    after = world.told()[id]
    if before[id]["score"] is not None and after["score"] is not None:
        assert after["score"] <= before[id]["score"]
    else:
        assert after["score"] is None or after["class"] == Class.COPY


@settings(max_examples=50, deadline=None)
@given(world=worlds())
def test_quantised_and_adapters_never_outrank_a_fine_tune_on_new_data(world: World) -> None:
    found = world.told()
    bases: dict[str, set[str]] = {}
    for edge in world.derivations:
        bases.setdefault(edge["base_model"], set()).add(edge["model"])
    for children in bases.values():
        told_of = [(world.model(id, found[id]), found[id]) for id in children if found[id]["energy"] is None]
        tuned = [
            row["score"]
            for model, row in told_of
            if model.relations == (Relation.FINETUNE,) and row["datasets"] and row["class"] in ("light", "substantial")
        ]
        least = min(tuned, default=101)
        for model, row in told_of:
            if {Relation.QUANTIZED, Relation.ADAPTER} & set(model.relations) and row["score"] is not None:
                assert row["score"] < least


def test_facts_are_named() -> None:
    world = World()
    world.add("base", languages=["en"], licence="mit", created_at=None)
    world.add("copy", weights="x")
    world.add("first", "base", data=("mine", "generator"), languages=["de", "en"], licence="mit", weights="x")
    world.add("later", "base", data=("mine",))
    world.add("q", "first", relation="quantized")
    world.add("mix", "first", "later", relation="merge")
    world.add("half", "first", "lost", relation="merge")
    world.models.append({"id": "lost", "state": "missing", "languages": []})
    world.models[1]["created_at"] = DAY + timedelta(days=30)
    found = world.told()
    assert {id: row["class"] for id, row in found.items()} == {
        "base": "new",
        "copy": "copy",
        "first": "light",
        "later": "light",
        "q": "quantized",
        "mix": "merged-known",
        "half": "unknown",
    }
    seen = told(world.model("first", found["first"]), record(found["first"]))
    assert seen is not None
    assert [part.name for part in seen.components] == ["data", "languages", "training"]
    assert "mine, which no ancestor names, 1 of them first among its relatives" in seen.components[0].explanation
    assert "generator" not in seen.components[0].explanation
    assert found["later"]["score"] < found["first"]["score"]
    copied = told(world.model("copy", found["copy"]), record(found["copy"]))
    assert copied is not None
    assert copied.reason == "the same weight files as first, which is older"


def test_every_real_model_with_a_known_base_is_scored_and_says_why(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    ingest_dumps(catalogue, [real("hub/modeltrees_models.jsonl.gz")])
    head = catalogue.head()
    facts = {row["model"]: row for row in head.table("novelty").to_pylist()}
    forks = [row for row in head.table("models").to_pylist() if row["state"] != "missing" and row["base_models"]]
    assert len(forks) == 1960
    for row in forks:
        fork = facts[row["id"]]
        if row["novelty"] is None:
            assert row["novelty_class"] == "unknown"
            assert fork["unseen"] == row["base_models"] or "merge" in row["relations"]
    assert sum(row["novelty"] is not None for row in forks) == 1958
