"""This file knows the counts of a whole snapshot that are kept with the graph, because counting millions takes seconds."""

from __future__ import annotations

import dataclasses

import polars as pl

from graph.folding import originals
from graph.report import counted as counted_by_class
from graph.snapshot import Snapshot
from graph.store import ROOT, SIZE_CLASSES, Collapse, Coverage, Facet

KEPT_FACETS = 500  # values of each facet; longer lists are counted when asked for


def _frame(snapshot: Snapshot, table: str, *columns: str) -> pl.DataFrame:
    return pl.DataFrame(snapshot.table(table, list(columns)))


def _by(frame: pl.DataFrame, column: str) -> dict[str, int]:
    counted = frame.group_by(column).len().sort(column)
    return dict(zip(counted[column].to_list(), counted["len"].to_list(), strict=True))


def coverage(snapshot: Snapshot) -> dict[str, object]:
    """The fields of ``graph.store.Coverage``."""
    models = _frame(snapshot, "models", "id", "state", "novelty", "novelty_class", "ability")
    scored = _frame(snapshot, "novelty", "model", "tier").join(
        models.drop_nulls("novelty"), left_on="model", right_on="id", how="semi"
    )
    derivations = _frame(snapshot, "derivations", "model", "relation", "evidence", "conflict", "cycle")
    holdings = _frame(snapshot, "holdings", "model")
    return dataclasses.asdict(
        Coverage(
            models=_by(models, "state"),
            datasets=snapshot.manifest.tables["datasets"].rows,
            derivations=_by(derivations.select("evidence").explode("evidence").drop_nulls(), "evidence"),
            derivations_total=len(derivations),
            relations=_by(derivations, "relation"),
            conflicts=int(derivations["conflict"].sum()),
            cycles=int(derivations["cycle"].sum()),
            with_base=derivations["model"].n_unique(),
            trainings=snapshot.manifest.tables["trainings"].rows,
            files=snapshot.manifest.tables["files"].rows,
            weights=snapshot.manifest.tables["weights"].rows,
            with_weights=holdings["model"].n_unique(),
            novelty=_by(models.drop_nulls("novelty_class"), "novelty_class"),
            tiers=_by(scored, "tier"),
            report=counted_by_class(snapshot, originals(snapshot)),
            results=int(_frame(snapshot, "results", "known")["known"].sum()),
            with_ability=models["ability"].count(),
            similar=snapshot.manifest.tables["similar"].rows,
            skipped=_by(_frame(snapshot, "skipped", "reason"), "reason"),
        )
    )


def facets(snapshot: Snapshot) -> dict[str, list[tuple[str | None, int]]]:
    """For each facet its ``KEPT_FACETS`` most frequent values over all models, by count, then value, unknown last."""
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
    models = _frame(snapshot, "models", "id", *columns).join(originals(snapshot), on="id", how="left")
    relations = pl.when(pl.col("relations").list.len() > 0).then("relations").otherwise(pl.lit([ROOT]))
    size = pl.lit(None, pl.String)
    for name, bound in reversed(SIZE_CLASSES):
        fits = pl.col("parameters").is_not_null() if bound is None else pl.col("parameters") < bound
        size = pl.when(fits).then(pl.lit(name)).otherwise(size)
    values: dict[Facet, pl.Expr] = {
        Facet.TASK: pl.col("task"),
        Facet.LIBRARY: pl.col("library"),
        Facet.LICENCE: pl.col("licence"),
        Facet.AUTHOR: pl.col("author"),
        Facet.STATE: pl.col("state"),
        Facet.RELATION: relations.explode(),
        Facet.YEAR: pl.col("created_at").dt.strftime("%Y"),
        Facet.SIZE: size,
        Facet.NOVELTY: pl.col("novelty_class"),
        Facet.FAMILY: pl.col(Collapse.FAMILY.value),
    }
    counted = {}
    for facet, expression in values.items():
        groups = models.select(expression.alias("value")).group_by("value").len()
        top = groups.sort("len", "value", descending=[True, False], nulls_last=True).head(KEPT_FACETS)
        counted[facet.value] = list(zip(top["value"].to_list(), top["len"].to_list(), strict=True))
    return counted
