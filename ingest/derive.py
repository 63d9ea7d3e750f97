"""This file knows how claims add up to derivations: one edge a pair, its relation, its evidence, and whether claims disagree."""

from __future__ import annotations

import polars as pl

from graph.records import Evidence, Relation

STRENGTH = {evidence.value: order for order, evidence in enumerate(Evidence)}  # hub, card, tag, config, weights
_UNKNOWN = Relation.UNKNOWN.value


def derivations(claims: pl.DataFrame) -> pl.DataFrame:
    """(model, base_model, relation, evidence, confidence, conflict) by (model, base_model), from the claims in key order.

    An exact fact of the weights comes first; then the relation is the strongest evidence's that knows one. A pair is in
    conflict when two relations are claimed for it, or when some evidence that names base models of this model leaves this one
    out (``graph.conflicts`` says the same in words). Where claims say the numbers of models, so does the result.
    """
    new_model = (pl.col("model") != pl.col("model").shift()).fill_null(value=True)
    new_pair = new_model | (pl.col("base_model") != pl.col("base_model").shift())
    ranked = claims.select(
        "relation",
        "confidence",
        child=new_model.cum_sum(),
        pair=new_pair.cum_sum(),
        first=new_pair,
        strength=pl.col("evidence").replace_strict(STRENGTH, return_dtype=pl.UInt8),
        exact=(pl.col("evidence") == Evidence.WEIGHTS.value) & (pl.col("confidence") >= 1),
    )
    relation = (
        ranked.filter(pl.col("relation") != _UNKNOWN)
        .sort("pair", ~pl.col("exact"), "strength", "relation")
        .group_by("pair", maintain_order=True)
        .agg(pl.col("relation").first(), relations=pl.col("relation").n_unique())
    )
    spoken = ranked.group_by("child").agg(sources=pl.col("strength").n_unique())
    words = {at: word for word, at in STRENGTH.items()}
    summed = (
        ranked.group_by("pair", maintain_order=True)
        .agg(
            child=pl.col("child").first(),
            evidence=pl.col("strength").unique().sort(),
            confidence=pl.col("confidence").max(),
        )
        .join(relation, on="pair", how="left", maintain_order="left")
        .join(spoken, on="child", how="left", maintain_order="left")
        .select(
            relation=pl.col("relation").fill_null(_UNKNOWN),
            evidence=pl.col("evidence").list.eval(pl.element().replace_strict(words, return_dtype=pl.String)),
            confidence="confidence",
            conflict=(pl.col("relations").fill_null(0) > 1) | (pl.col("evidence").list.len() < pl.col("sources")),
        )
    )
    ends = [name for name in claims.columns if name.removesuffix("_number") in ("model", "base_model")]
    return pl.concat([claims.select(ends).filter(ranked["first"]), summed], how="horizontal")
