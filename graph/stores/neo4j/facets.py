"""This file knows the facets of a whole snapshot, which are kept with the graph, because counting millions takes seconds."""

from __future__ import annotations

import polars as pl

from graph.sizes import size_class
from graph.snapshot import Snapshot
from graph.store import ROOT, Collapse, Facet

KEPT_FACETS = 500  # values of each facet; longer lists are counted when asked for


def facets(snapshot: Snapshot, groups: pl.DataFrame) -> dict[str, list[tuple[str | None, int]]]:
    """For each facet its ``KEPT_FACETS`` most frequent values over all models, by count, then value, unknown last.

    ``groups``: what ``graph.folding.originals`` gives of the snapshot.
    """
    columns = (
        "task",
        "library",
        "licence",
        "author",
        "state",
        "relations",
        "created_at",
        "parameters",
        "novelty_class",
    )
    read = pl.DataFrame(snapshot.table("models", ["id", *columns]))
    models = read.join(groups, on="id", how="left")
    told = pl.DataFrame(snapshot.table("derivations", ["model", "evidence"]))
    models = models.join(
        told.explode("evidence").group_by(id="model").agg(pl.col("evidence").unique()), on="id", how="left"
    )
    relations = pl.when(pl.col("relations").list.len() > 0).then("relations").otherwise(pl.lit([ROOT]))
    values: dict[Facet, pl.Expr] = {
        Facet.TASK: pl.col("task"),
        Facet.LIBRARY: pl.col("library"),
        Facet.LICENCE: pl.col("licence"),
        Facet.AUTHOR: pl.col("author"),
        Facet.STATE: pl.col("state"),
        Facet.RELATION: relations.explode(),
        Facet.EVIDENCE: pl.col("evidence").explode().drop_nulls(),
        Facet.YEAR: pl.col("created_at").dt.strftime("%Y"),
        Facet.SIZE: size_class(),
        Facet.NOVELTY: pl.col("novelty_class"),
        Facet.FAMILY: pl.col(Collapse.FAMILY.value),
    }
    counted = {}
    for facet, expression in values.items():
        groups = models.select(expression.alias("value")).group_by("value").len()
        top = groups.sort("len", "value", descending=[True, False], nulls_last=True).head(KEPT_FACETS)
        counted[facet.value] = list(zip(top["value"].to_list(), top["len"].to_list(), strict=True))
    return counted
