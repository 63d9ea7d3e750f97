"""The tables of members beside large groups, without a server: what is written is what is read."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.records import Evidence, State
from graph.store import Collapse, ModelFilter, Order
from graph.stores.neo4j import members
from graph.stores.neo4j.tallies import conditions

NAMES = st.lists(st.text(alphabet="abC-/.7", min_size=1, max_size=9), min_size=1, max_size=40)


def models(ids: list[str]) -> pl.DataFrame:
    """A few facts for each name, with unknown ones among them."""
    n = len(ids)
    return pl.DataFrame(
        {
            "id": ids,
            "task": [None if row % 5 == 4 else f"task-{row % 3}" for row in range(n)],
            "library": ["x"] * n,
            "licence": ['m"it' if row % 2 else None for row in range(n)],
            "state": ["listed"] * n,
            "relations": [None if row % 3 == 0 else ["finetune", "merge"][: row % 3] for row in range(n)],
            "evidence": [["hub"] if row % 2 else None for row in range(n)],
            "parameters": [row * 10**9 if row % 4 else None for row in range(n)],
            "created_at": [1_700_000_000_000 + row for row in range(n)],
            "novelty_class": ["light"] * n,
            "novelty": [row / 3 if row % 2 else None for row in range(n)],
            "standards": [["basic"]] * n,
            "domains": [None] * n,
        },
        schema_overrides={"domains": pl.List(pl.String), "licence": pl.String},
    ).with_columns((pl.int_range(n) * 7 % 5).alias(f"{name}_key") for name in members.ORDERS)


def test_what_is_written_is_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "LARGE", 3)
    monkeypatch.setattr(members, "PART", 4)
    ids = sorted(f"o/{row:03d}" for row in range(23))
    of = np.array([row % 2 * (row % 4) for row in range(23)])  # 0: twelve and more; 1, 3: five or six each
    written = members.tables(models(ids), {Collapse.QUANTS: of, Collapse.FAMILY: np.arange(23)})
    assert set(written["fold"]) == {"quants"}  # alone in its family, none has a table
    facts = models(ids)
    for original in np.unique(of).tolist():
        rows = np.flatnonzero(of == original)
        whole = written.filter(pl.col("original") == ids[original])
        assert set(whole["column"]) == {"ids", "names", *members.FACTS, *map(members.rank_of, members.ORDERS)}
        for parts in whole.sort("part").partition_by("column"):
            assert parts["part"].to_list() == list(range(-(-len(rows) // 4)))
            assert parts["models"].to_list() == [len(rows[at : at + 4]) for at in range(0, len(rows), 4)]
        columns = {name: whole.filter(pl.col("column") == name).sort("part") for name in whole["column"].unique()}
        assert columns["ids"]["ids"].explode().to_list() == [ids[row] for row in rows]
        assert "\n".join(columns["names"]["values"]).split("\n") == [ids[row] for row in rows]
        for name in members.FACTS:
            read = [members.fact(*pair) for pair in columns[name].select("values", "codes").iter_rows()]
            assert [values[code] for values, codes in read for code in codes] == facts[name].gather(rows).to_list()
        for name in members.ORDERS:
            ranks = np.concatenate([members.ranks(text) for text in columns[members.rank_of(name)]["codes"]])
            expected = sorted(rows.tolist(), key=lambda row: (row * 7 % 5, ids[row]))
            assert [rows[at] for at in np.argsort(ranks)] == expected


def test_a_digest_is_of_what_a_column_says() -> None:
    ids = [f"o/{row:05d}" for row in range(300)]
    one = members.tables(models(ids), {Collapse.FAMILY: np.zeros(300, np.int64)})
    other = members.tables(models(ids).with_columns(task=pl.lit("another")), {Collapse.FAMILY: np.zeros(300, np.int64)})
    changed = one.join(other, on=[*members.KEY, "digest"], how="anti")
    assert changed["column"].to_list() == ["task"]


def test_many_values_take_two_bytes() -> None:
    ids = [f"o/{row:05d}" for row in range(1000)]
    written = members.tables(models(ids), {Collapse.FAMILY: np.zeros(1000, np.int64)})
    ((said, kept),) = written.filter(pl.col("column") == "created_at").select("values", "codes").rows()
    values, codes = members.fact(said, kept)
    assert len(values) == 1000
    assert codes.itemsize == 2
    assert [values[code] for code in codes] == models(ids)["created_at"].to_list()


@given(NAMES, st.text(alphabet="abc-/7\n", min_size=1, max_size=3))
def test_a_part_of_a_name_is_found(names: list[str], text: str) -> None:
    lower = [name.lower() for name in names]
    assert members.holds("\n".join(lower), text).tolist() == [text in name for name in lower]


@pytest.mark.parametrize(
    ("where", "fact", "passing", "failing"),
    [
        (ModelFilter(tasks=("a", "b")), "task", ["a"], ["c", None]),
        (ModelFilter(states=(State.MISSING,)), "state", ["missing"], ["listed"]),
        (ModelFilter(relations=("root",)), "relations", [None, []], [["finetune"]]),
        (ModelFilter(relations=("merge",)), "relations", [["finetune", "merge"]], [None, ["finetune"]]),
        (ModelFilter(evidence=(Evidence.HUB,)), "evidence", [["card", "hub"]], [None, ["card"]]),
        (ModelFilter(standards=("basic", "curated")), "standards", [["basic", "curated", "x"]], [["basic"], None]),
        (ModelFilter(parameters_min=5, parameters_max=9), "parameters", [5, 9], [4, 10, None]),
        (ModelFilter(created_until=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)), "created_at", [999], [1000, None]),
        (ModelFilter(novelty_min=0.0), "novelty", [0.0, 7.5], [None]),
    ],
)
def test_what_passes_a_filter(where: ModelFilter, fact: str, passing: list[object], failing: list[object]) -> None:
    tests = conditions(where)
    assert list(tests) == [fact]
    assert all(tests[fact](value) for value in passing)
    assert not any(tests[fact](value) for value in failing)


def test_every_order_has_its_ranks() -> None:
    assert set(members.ORDERS) == {order.value for order in Order}
