"""This file knows how claims add up to derivations: one edge a pair, its relation, its evidence, and whether claims disagree."""

from __future__ import annotations

import polars as pl

from graph.records import Evidence, Relation

STRENGTH = {evidence.value: order for order, evidence in enumerate(Evidence)}  # hub, card, tag, config, weights
_UNKNOWN = Relation.UNKNOWN.value


def derivations(claims: pl.DataFrame) -> pl.DataFrame:
    """(model, base_model, relation, evidence, confidence, conflict) by (model, base_model), from the claims table.

    The relation is the strongest evidence's that knows one. A pair is in conflict when two relations are claimed for it, or
    when some evidence that names base models of this model leaves this one out (``graph.conflicts`` says the same in words).
    """
    ranked = claims.select(
        "model",
        "base_model",
        "relation",
        "confidence",
        strength=pl.col("evidence").replace_strict(STRENGTH, return_dtype=pl.UInt8),
    )
    known = ranked.filter(pl.col("relation") != _UNKNOWN)
    relation = (
        known.sort("model", "base_model", "strength", "relation")
        .group_by("model", "base_model", maintain_order=True)
        .agg(pl.col("relation").first(), relations=pl.col("relation").n_unique())
    )
    spoken = ranked.group_by("model").agg(sources=pl.col("strength").n_unique())
    words = list(STRENGTH)
    return (
        ranked.group_by("model", "base_model")
        .agg(evidence=pl.col("strength").unique().sort(), confidence=pl.col("confidence").max())
        .join(relation, on=["model", "base_model"], how="left")
        .join(spoken, on="model", how="left")
        .with_columns(
            relation=pl.col("relation").fill_null(_UNKNOWN),
            conflict=(pl.col("relations").fill_null(0) > 1) | (pl.col("evidence").list.len() < pl.col("sources")),
            evidence=pl.col("evidence").list.eval(
                pl.element().replace_strict(dict(enumerate(words)), return_dtype=pl.String)
            ),
        )
        .select("model", "base_model", "relation", "evidence", "confidence", "conflict")
        .sort("model", "base_model")
    )
