"""This file knows the report of novelty: how many models bring what, in all and by family, task and year, resting on what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from graph.frames import Frames, Numbers
from graph.novelty import Class
from graph.store import Coverage, Facet

REPORTED = (Facet.FAMILY, Facet.TASK, Facet.YEAR)
KEPT_LINES = 100  # values of each, those with most models
UNSCORED = (Class.NEW, Class.UNKNOWN)
Line = tuple[str | None, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Share:
    """How many models are of one class, and what part that is of all that were seen."""

    kind: Class
    models: int
    share: float


@dataclass(frozen=True, slots=True)
class Group:
    """The models of one family, task or year; ``value`` None where it is unknown."""

    value: str | None
    models: int
    forks: int
    scored: int
    shares: tuple[Share, ...]  # classes that occur, in the order of ``Class``


@dataclass(frozen=True, slots=True)
class Report:
    """The report over a whole catalogue. ``tiers``: how many scores rest on what."""

    all: Group
    tiers: dict[str, int]
    by: dict[Facet, tuple[Group, ...]]  # each by number of models, then value, unknown last


def counted(tables: Frames, family: Numbers) -> dict[str, list[Line]]:
    """For each of ``REPORTED`` the values with most models and their models by class; of models that were seen themselves.

    ``family``: the number of the original of each model's family, from ``graph.folding.originals``.
    """
    ids = tables.frame("models", ["id"])["id"]
    models = (
        tables.frame("models", ["task", "created_at", "novelty_class"])
        .with_columns(family=pl.Series(family, dtype=pl.Int64))  # in the order of names, as are the names
        .drop_nulls("novelty_class")
    )
    values: dict[Facet, tuple[pl.Expr, Callable[[Any], str]]] = {  # each with how a value is spelled
        Facet.FAMILY: (pl.col("family"), lambda number: str(ids[number])),
        Facet.TASK: (pl.col("task"), str),
        Facet.YEAR: (pl.col("created_at").dt.year(), str),
    }
    found: dict[str, list[Line]] = {}
    for facet in REPORTED:
        value, spelled = values[facet]
        pairs = models.select("novelty_class", value=value).group_by("value", "novelty_class").len()
        whole = pairs.group_by("value").agg(models=pl.col("len").sum())
        most = whole.sort("models", "value", descending=[True, False], nulls_last=True).head(KEPT_LINES)
        of_most = pairs.join(most, on="value", how="semi", nulls_equal=True).sort("value", "novelty_class")
        lines: dict[Any, dict[str, int]] = {each: {} for each in most["value"].to_list()}
        for each, kind, count in of_most.select("value", "novelty_class", "len").iter_rows():
            lines[each][kind] = count
        found[facet.value] = [(None if each is None else spelled(each), counts) for each, counts in lines.items()]
    return found


def report(held: Coverage, by: tuple[Facet, ...] = REPORTED, first: int = 10) -> Report:
    """The report, from what was counted once; ``by`` of ``REPORTED``, ``first`` up to ``KEPT_LINES`` lines of each."""
    groups = {facet: tuple(_group(value, counts) for value, counts in held.report[facet.value][:first]) for facet in by}
    return Report(_group(None, held.novelty), held.tiers, groups)


def _group(value: str | None, counts: dict[str, int]) -> Group:
    whole = sum(counts.values())
    shares = tuple(Share(kind, counts[kind], counts[kind] / whole) for kind in Class if counts.get(kind))
    scored = whole - sum(counts.get(kind, 0) for kind in UNSCORED)
    return Group(value, whole, whole - counts.get(Class.NEW, 0), scored, shares)
