"""This file knows the report of novelty: how many models bring what, in all and by family, task and year, resting on what."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from graph.novelty import Class
from graph.snapshot import Snapshot
from graph.store import Collapse, Coverage, Facet

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


def counted(snapshot: Snapshot, groups: pl.DataFrame) -> dict[str, list[Line]]:
    """For each of ``REPORTED`` the values with most models and their models by class; of models that were seen themselves.

    ``groups``: what ``graph.folding.originals`` gives of the snapshot.
    """
    models = (
        pl.DataFrame(snapshot.table("models", ["id", "task", "created_at", "novelty_class"]))
        .drop_nulls("novelty_class")
        .join(groups.select("id", family=Collapse.FAMILY.value), on="id", how="left")
    )
    values = {
        Facet.FAMILY: pl.col("family"),
        Facet.TASK: pl.col("task"),
        Facet.YEAR: pl.col("created_at").dt.strftime("%Y"),
    }
    found: dict[str, list[Line]] = {}
    for facet in REPORTED:
        pairs = models.select("novelty_class", value=values[facet]).group_by("value", "novelty_class").len()
        whole = pairs.group_by("value").agg(models=pl.col("len").sum())
        most = whole.sort("models", "value", descending=[True, False], nulls_last=True).head(KEPT_LINES)
        of_most = pairs.join(most, on="value", how="semi", nulls_equal=True).sort("value", "novelty_class")
        lines: dict[str | None, dict[str, int]] = {value: {} for value in most["value"].to_list()}
        for value, kind, count in of_most.select("value", "novelty_class", "len").iter_rows():
            lines[value][kind] = count
        found[facet.value] = list(lines.items())
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
