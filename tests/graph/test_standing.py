"""Standing, succession and decay, held to slow and obvious versions of the same formulas."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from graph.best import LEAST, chances, leaders
from graph.decay import half_life
from graph.licence import licence_class, no_stricter, terms_of
from graph.records import StandingRecord, SuccessorRecord
from graph.standing import STANDINGS, percent, standings, told
from graph.store import SIZE_CLASSES
from graph.succession import KEPT, LARGER, NEAR, SUCCESSORS, SURE, superseded
from graph.succession import told as told_successor

LICENCES = (
    "apache-2.0",
    "mit",
    "llama3",
    "llama3.1",
    "gemma",
    "cc-by-nc-4.0",
    "gpl-3.0",
    "cc-by-sa-4.0",
    "other",
    None,
)
INDEX = st.floats(60.0, 140.0).map(lambda value: round(value, 2))
ERROR = st.floats(0.0, 12.0).map(lambda value: round(value, 2))
FIELDS = st.lists(st.tuples(INDEX, ERROR), min_size=1, max_size=7)


def below(x: float, mean: float, error: float) -> float:
    return 0.5 * math.erfc((mean - x) / (error * math.sqrt(2)))


def slow_chance(models: list[tuple[float, float]], one: int) -> float:
    """The formula as it is written."""
    sure = [(mean, max(error, LEAST)) for mean, error in models]
    mean, error = sure[one]

    def integrand(x: float) -> float:
        density = math.exp(-(((x - mean) / error) ** 2) / 2) / (error * math.sqrt(2 * math.pi))
        return density * math.prod(below(x, *other) for at, other in enumerate(sure) if at != one)

    breaks = sorted({m + k * s for m, s in sure for k in (-9, -3, -1, 0, 1, 3, 9) if abs(m + k * s - mean) < 9 * error})
    ends = [mean - 9 * error, *breaks, mean + 9 * error]
    return float(sum(quad(integrand, a, b, epsabs=1e-13, epsrel=1e-10)[0] for a, b in itertools.pairwise(ends)))


def arrays(models: list[tuple[float, float]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    both = np.array(models, dtype=np.float64)
    return both[:, 0], both[:, 1]


@settings(max_examples=40, deadline=None)
@given(models=FIELDS)
def test_chances_are_the_integrals_and_add_up(models: list[tuple[float, float]]) -> None:
    found = chances(*arrays(models))
    assert found.sum() == pytest.approx(1, abs=1e-9)
    assert found.tolist() == pytest.approx([slow_chance(models, one) for one in range(len(models))], abs=1e-8)


def test_chances_of_equals_are_equal_and_of_two_are_known() -> None:
    assert chances(np.full(2_000, 100.0), np.full(2_000, 3.0)).tolist() == pytest.approx([1 / 2_000] * 2_000, rel=1e-9)
    two = chances(np.array([100.0, 106.0]), np.array([3.0, 4.0]))
    assert two[1] == pytest.approx(below(6.0, 0.0, 5.0), abs=1e-12)
    assert chances(np.array([90.0]), np.array([5.0])).tolist() == pytest.approx([1.0])


@settings(max_examples=60, deadline=None)
@given(models=st.lists(st.tuples(INDEX, ERROR, st.integers(0, 5)), min_size=1, max_size=8))
def test_leaders_are_those_with_the_largest_chance_at_every_time(models: list[tuple[float, float, int]]) -> None:
    ordered = sorted(models, key=lambda each: each[2])
    mean, error = arrays([(index, error) for index, error, _ in ordered])
    made = np.array([time for _, _, time in ordered], dtype=np.int64)
    expected: list[tuple[int, float]] = []
    found = leaders(mean, error, made)
    for time in sorted(set(made.tolist())):
        joined = chances(mean[made <= time], error[made <= time])
        leader = next(row for at, row in reversed(found) if at <= time)
        assert joined[leader] == pytest.approx(joined.max(), abs=1e-9)
        expected.append((time, leader))
    changes = [pair for before, pair in itertools.pairwise([(0, -1), *expected]) if before[1] != pair[1]]
    assert found == changes


def test_half_life_takes_reigns_that_go_on_for_what_they_are() -> None:
    assert half_life([(10.0, True), (20.0, True), (30.0, True), (40.0, False)]) == 20.0
    assert half_life([(10.0, True), (20.0, False), (30.0, True), (40.0, True)]) == 30.0  # 3/4, then 3/8
    assert half_life([(10.0, True), (20.0, False), (30.0, False)]) is None
    assert half_life([(5.0, False)]) is None


def test_classes_of_licences() -> None:
    kinds = {"mit": "permissive", "cc0-1.0": "permissive", "llama3": "conditions", "gpl-3.0": "conditions"}
    kinds |= {"cc-by-nc-4.0": "non-commercial", "cc-by-nd-4.0": "conditions", "other": "unknown"}
    assert {licence: licence_class(licence) for licence in kinds} == kinds
    assert licence_class(None) == "unknown"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("mit", "apache-2.0", True),
        ("apache-2.0", None, True),  # asks a notice and no more
        ("llama3.1", "llama3", True),
        ("llama3", "llama3.1", False),  # outputs may not train others
        ("gemma", "apache-2.0", False),
        ("gpl-3.0", "gpl-2.0", True),
        ("gpl-3.0", "cc-by-sa-4.0", False),  # another group
        ("cc-by-nc-4.0", "cc-by-4.0", False),
        ("other", "other", False),
        (None, "llama3", False),
        ("gemma", None, False),
    ],
)
def test_no_stricter(one: str | None, other: str | None, expected: bool) -> None:
    assert no_stricter(one, other) is expected


@st.composite
def worlds(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Measured models, derivations among them and others, and what authors declare."""
    names = [f"{'m' if number < 5 else 'n'}/{number:02}" for number in range(draw(st.integers(1, 14)))]
    rows = [
        {
            "model": name,
            "index": draw(st.sampled_from([80.0, 90.0, 96.0, 100.0, 104.0, 120.0])),
            "error": draw(st.sampled_from([0.5, 2.0, 6.0])),
            "benchmarks": draw(st.sampled_from([0, 2, 3, 8, 8, 8])),
            "task": draw(st.sampled_from(["text-generation", "text-generation", "fill-mask", None])),
            "parameters": draw(st.sampled_from([0, 4, 5, 6, 7, None])),
            "declared": (licence := draw(st.sampled_from(LICENCES))),
            "size": "3B-10B",
            "licence": licence_class(licence),
            "made": draw(st.sampled_from([1, 2, 3, 4, 5, None])),
            "there": draw(st.sampled_from([True, True, True, False])),
        }
        for name in names
    ]
    ends = st.sampled_from([*names, "base/one", "base/two", "base/three"])
    pairs = {(a, b) for a, b in draw(st.lists(st.tuples(ends, ends), max_size=14)) if a != b}
    licences = {row["model"]: row["declared"] for row in rows}
    licences |= {f"base/{word}": draw(st.sampled_from(LICENCES)) for word in ("one", "two", "three")}
    said = {a: b for a, b in draw(st.lists(st.tuples(st.sampled_from(names), ends), max_size=4)) if a != b}
    schema: dict[str, type[pl.DataType]] = {"index": pl.Float64, "error": pl.Float64}
    schema |= {"parameters": pl.Int64, "made": pl.Int64, "task": pl.String, "declared": pl.String}
    with_licence = [(a, b, licences[b]) for a, b in sorted(pairs)]
    edges = pl.DataFrame(with_licence, schema=["model", "base_model", "licence"], orient="row")
    declared = pl.DataFrame(sorted(said.items()), schema=["model", "successor"], orient="row")
    text = {"model": pl.String, "base_model": pl.String, "successor": pl.String, "licence": pl.String}
    return (
        pl.DataFrame(rows, schema_overrides=schema),
        edges.cast({name: text[name] for name in edges.columns}),
        declared.cast({name: text[name] for name in declared.columns}),
    )


def steps_between(edges: pl.DataFrame, one: str, other: str) -> int | None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from([one, other])
    graph.add_edges_from(edges.select("model", "base_model").iter_rows())
    up = [nx.single_source_shortest_path_length(graph, end, cutoff=NEAR) for end in (one, other)]
    return min((up[0][both] + up[1][both] for both in up[0].keys() & up[1].keys()), default=None)


def licences_above(edges: pl.DataFrame, model: str) -> set[str]:
    """Of ancestors by other authors."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node(model)
    graph.add_edges_from(edges.select("model", "base_model").iter_rows())
    licences = dict(edges.select("base_model", "licence").iter_rows())
    author = f"{model.partition('/')[0]}/"
    above = [base for base in nx.descendants(graph, model) if not base.startswith(author)]
    return {licences[base] for base in above if licences[base]}


def slow_licences(edges: pl.DataFrame, a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Neither the new model's licence nor one above it asks what nothing in the old model's lineage asks."""
    old = [a["declared"], *licences_above(edges, a["model"])]
    known = [each for each in licences_above(edges, b["model"]) if terms_of(each) is not None]
    return no_stricter(b["declared"], a["declared"]) and all(
        any(no_stricter(new, each) for each in old) for new in known
    )


def slow_pair(edges: pl.DataFrame, a: dict[str, Any], b: dict[str, Any]) -> bool:
    """The conditions as they are written."""
    known = all(each[name] is not None for each in (a, b) for name in ("task", "parameters", "made"))
    if not known or min(a["parameters"], b["parameters"]) == 0 or min(a["benchmarks"], b["benchmarks"]) < 3:
        return False
    better = below((b["index"] - a["index"]) / math.hypot(a["error"], b["error"]), 0.0, 1.0)
    return bool(
        b["made"] > a["made"]
        and a["task"] == b["task"]
        and b["parameters"] <= LARGER * a["parameters"]
        and slow_licences(edges, a, b)
        and better >= SURE
        and b["there"]
    )


@settings(max_examples=300, deadline=None)
@given(world=worlds())
def test_successors_are_all_pairs_that_the_conditions_name(
    world: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
) -> None:
    rows, edges, declared = world
    by_name = {row["model"]: row for row in rows.iter_rows(named=True)}
    said = dict(declared.iter_rows())
    counts, found = superseded(rows, edges, declared)
    expected_counts, expected = [], []
    for old, a in by_name.items():
        pairs = []
        for new, b in by_name.items():
            if slow_pair(edges, a, b):
                steps = steps_between(edges, old, new)
                deviations = (b["index"] - a["index"]) / math.hypot(a["error"], b["error"])
                pairs.append((math.inf if steps is None else steps, -deviations, new, steps))
        pairs.sort(key=lambda pair: (pair[0], round(pair[1], 9), pair[2]))
        if pairs:
            expected_counts.append((old, len(pairs), min(by_name[pair[2]]["made"] for pair in pairs)))
        expected += [(old, pair[2], pair[3], said.get(old) == pair[2]) for pair in pairs[:KEPT]]
        if old in said and said[old] not in [pair[2] for pair in pairs[:KEPT]]:
            expected.append((old, said[old], None, True))
    assert counts.rows() == expected_counts
    assert found.select("model", "successor", "steps", "declared").rows() == expected
    assert found.schema == SUCCESSORS


@settings(max_examples=200, deadline=None)
@given(world=worlds())
def test_nothing_is_superseded_by_what_it_may_not_be(world: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]) -> None:
    rows, edges, declared = world
    by_name = {row["model"]: row for row in rows.iter_rows(named=True)}
    for old, new in superseded(rows, edges, declared.clear())[1].select("model", "successor").iter_rows():
        a, b = by_name[old], by_name[new]
        assert a["task"] == b["task"]
        assert b["parameters"] <= 1.25 * a["parameters"]
        assert b["made"] > a["made"]
        mine, theirs = terms_of(b["declared"]), terms_of(a["declared"])
        assert mine is not None
        assert set(mine.asks) - {"notice"} <= set(theirs.asks if theirs else ())


def test_more_successors_than_are_kept_are_counted() -> None:
    many = KEPT + 7
    rows = pl.DataFrame(
        {
            "model": ["a/old", *(f"b/{number:02}" for number in range(many))],
            "index": [80.0, *(100.0 + number for number in range(many))],
            "error": [1.0] * (many + 1),
            "benchmarks": [6] * (many + 1),
            "task": ["fill-mask"] * (many + 1),
            "parameters": [100] * (many + 1),
            "declared": ["mit"] * (many + 1),
            "size": ["<100M"] * (many + 1),
            "licence": ["permissive"] * (many + 1),
            "made": [1, *range(100, 100 - many, -1)],
            "there": [True] * (many + 1),
        }
    )
    edges = pl.DataFrame({"model": ["b/03"], "base_model": ["a/old"], "licence": ["mit"]})
    counts, found = superseded(rows, edges, pl.DataFrame({"model": ["a/old"], "successor": ["b/00"]}))
    assert counts.rows()[0] == ("a/old", many, 100 - many + 1)
    of_old = found.filter(pl.col("model") == "a/old")
    best = [f"b/{number:02}" for number in range(many - 1, many - KEPT, -1)]
    assert of_old["successor"].to_list() == ["b/03", *best, "b/00"]
    assert of_old.row(0, named=True)["steps"] == 1
    assert of_old.row(-1)[2:] == ("b/00", None, None, True)


@settings(max_examples=100, deadline=None)
@given(world=worlds())
def test_standings_add_up_in_each_niche(world: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]) -> None:
    rows = world[0]
    found = standings(rows)
    assert found.schema == STANDINGS
    assert found["model"].to_list() == rows["model"].to_list()
    placed = found.filter(pl.col("probability").is_not_null())
    for _, niche in placed.group_by("task", "size", "licence"):
        assert niche["probability"].sum() == pytest.approx(1, abs=1e-4)
        assert niche["models"].to_list() == [niche.height] * niche.height
        leader = niche.filter(pl.col("model") == niche["leader"][0])
        assert leader["probability"].item() == niche["probability"].max()
    for row, record in zip(rows.iter_rows(named=True), found.iter_rows(named=True), strict=True):
        reason = "gone" if not row["there"] else "no-task" if row["task"] is None else None
        reason = reason or ("no-size" if row["parameters"] is None else None)
        assert record["unknown"] == reason
        assert (record["probability"] is None) == (reason is not None)


def test_words() -> None:
    stood = StandingRecord("a/x", 0.234, None, "fill-mask", SIZE_CLASSES[0][0], "permissive", 12, "b/y", 0, None)
    text = "23 % likely the best of 12 measured for fill-mask of <100M parameters under a permissive licence"
    assert told(stood) == f"{text}; most likely is b/y"
    none = StandingRecord("a/x", None, "no-task", None, None, "unknown", None, None, 0, None)
    assert told(none) == "its task is not known"
    assert [percent(p) for p in (0.0, 0.0123, 0.5, 0.99, 0.9999)] == [
        "less than 0.1 %",
        "1.2 %",
        "50 %",
        "99.0 %",
        "more than 99.9 %",
    ]
    both = SuccessorRecord("a/x", "a/z", 0.9731, 1, declared=True)
    assert told_successor(both) == "better with a probability of 97 %, 1 derivation away, named by its author"
