"""This file knows how novelty is worked out for all models at once, column by column. ``graph.novelty`` says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from graph.novelty import (
    CEILING,
    E0,
    E1,
    EXACT,
    LARGER,
    LIGHT,
    MERGED,
    PLACEHOLDERS,
    SEEN_BY_SIBLINGS,
    WEIGHT,
    Class,
    Tier,
)
from graph.records import Evidence, Relation, State

FACTS = (
    "datasets",
    "first",
    "languages",
    "task",
    "architecture",
    "licence",
    "context",
    "parameters",
    "trained",
    "unseen",
)
MEASURES = ("energy", "innovation", "structured", "isotropic", "changed", "rank", "explained_by", "explained")
_STEPS = 64  # derivations upwards that are followed for what ancestors name
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)  # of models without a time: nearly all are older than the Hub's first


@dataclass(frozen=True, slots=True)
class Known:
    """The tables that novelty rests on: columns as in ``graph.tables``."""

    models: pl.DataFrame
    derivations: pl.DataFrame
    trainings: pl.DataFrame
    holdings: pl.DataFrame
    changes: pl.DataFrame


def scores(known: Known) -> pl.DataFrame:
    """One row a model that is in the catalogue itself, by name, in the columns of the ``novelty`` table."""
    models = known.models.filter(pl.col("state") != State.MISSING.value)
    facts = models.select(
        "id",
        "task",
        "languages",
        "architecture",
        "context_length",
        "parameters",
        "licence",
        "downloads",
        made=pl.col("created_at").fill_null(_BEFORE_ALL),
    )
    edges = known.derivations.select("model", "base_model", "relation", "evidence").join(
        known.models.select(base_model="id", seen=pl.col("state") != State.MISSING.value), on="base_model", how="left"
    )
    trainings = known.trainings.filter(~pl.col("dataset").str.to_lowercase().is_in(PLACEHOLDERS))
    forks = _forks(edges, facts)
    forks = forks.join(_data(forks, edges, facts, trainings), on="model", how="left", maintain_order="left")
    found = (
        models.select(model="id")
        .join(_copies(known.holdings, facts), on="model", how="left", maintain_order="left")
        .join(forks, on="model", how="left", maintain_order="left")
        .join(known.changes, on="model", how="left", maintain_order="left")
    )
    return _told(found).sort("model")


def _copies(holdings: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """(model, original) for all but the oldest, else most used, of the models that hold the same weight files."""
    held = (
        holdings.join(facts.select("made", "downloads", model="id"), on="model")
        .with_columns(unused=-pl.col("downloads").fill_null(-1))
        .sort("digest", "made", "unused", "model")
    )
    return held.select("model", original=pl.col("model").first().over("digest")).filter(
        pl.col("model") != pl.col("original")
    )


def _forks(edges: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Each model with a base: its relations, what it is told against, and what its bases say, one column each."""
    by_weights = pl.col("evidence").list.contains(Evidence.WEIGHTS.value)
    is_exact = pl.col("relation").is_in([relation.value for relation in EXACT])
    is_merge = pl.col("relation") == Relation.MERGE.value
    rank = (
        pl.when(is_exact & by_weights).then(0).when(by_weights).then(1).when(is_exact).then(2).when("seen").then(3)
    ).otherwise(4)
    bases = (
        edges.with_columns(by_weights=by_weights, rank=rank)
        .sort("model", "rank", "base_model")
        .join(
            facts.drop("made", "downloads").select(pl.all().name.prefix("base_")),
            left_on="base_model",
            right_on="base_id",
            how="left",
        )
    )
    summed = bases.group_by("model", maintain_order=True).agg(
        against=pl.col("base_model").first(),
        relations=pl.col("relation").unique().sort(),
        proved=pl.col("relation").filter(is_exact & pl.col("by_weights")).unique().sort(),
        declared=pl.col("relation").filter(is_exact).unique().sort(),
        unseen=(~pl.col("seen")).sum().cast(pl.Int32),
        bases=pl.len(),
        merged=is_merge.sum(),
        merged_unseen=(is_merge & ~pl.col("seen")).sum(),
        tasks=pl.col("base_task").drop_nulls().unique().sort(),
        base_languages=pl.col("base_languages").explode().drop_nulls().unique().sort(),
        architectures=pl.col("base_architecture").drop_nulls().unique().sort(),
        base_context=pl.col("base_context_length").max(),
        base_parameters=pl.col("base_parameters").max(),
        licences=pl.col("base_licence").drop_nulls().unique().sort(),
    )
    return summed.join(facts.rename({"id": "model"}), on="model", how="inner", maintain_order="left")


def _data(forks: pl.DataFrame, edges: pl.DataFrame, facts: pl.DataFrame, trainings: pl.DataFrame) -> pl.DataFrame:
    """(model, datasets, first): datasets that no ancestor names, and how many of them no older sibling names either."""
    named = trainings.select("model", "dataset").join(forks.select("model", "made"), on="model")
    up = edges.select("model", "base_model")
    frontier = up.join(named.select("model").unique(), on="model", how="semi")
    reached = frontier
    for _ in range(_STEPS):
        frontier = (
            frontier.join(up.rename({"model": "base_model", "base_model": "next"}), on="base_model")
            .select("model", base_model="next")
            .unique()
            .join(reached, on=["model", "base_model"], how="anti")
        )
        if frontier.is_empty():
            break
        reached = pl.concat([reached, frontier])
    inherited = reached.filter(pl.col("model") != pl.col("base_model")).join(
        trainings.select(base_model="model", dataset="dataset"), on="base_model"
    )
    new = named.join(inherited.select("model", "dataset"), on=["model", "dataset"], how="anti")
    beside = (
        up.join(trainings.select("model", "dataset"), on="model")
        .join(facts.select("made", model="id"), on="model")
        .group_by("base_model", "dataset")
        .agg(earliest=pl.col("made").min())
    )
    seen = (
        new.join(up, on="model")
        .join(beside, on=["base_model", "dataset"])
        .filter(pl.col("earliest") < pl.col("made"))
        .select("model", "dataset")
        .unique()
    )
    return (
        new.join(seen.with_columns(seen=True), on=["model", "dataset"], how="left")
        .group_by("model")
        .agg(datasets=pl.col("dataset").sort(), first=pl.col("seen").is_null().sum())
    )


def _told(found: pl.DataFrame) -> pl.DataFrame:
    """From what is new of each model to its class and score, with the facts that both rest on."""
    has = {each: pl.col("relations").list.contains(each.value).fill_null(value=False) for each in Relation}
    weighed = pl.col("energy").is_not_null()
    whole_merge = (pl.col("merged") > 1) & (pl.col("merged_unseen") == 0)
    exact = pl.when(weighed | (pl.col("proved").list.len() > 0)).then("proved").otherwise("declared")
    decided = _first(
        (pl.col("original").is_not_null(), Class.COPY),
        *((exact.list.contains(each.value), word) for each, word in EXACT.items()),
        (whole_merge & ~weighed, Class.MERGED_KNOWN),
        (pl.col("bases").is_null(), Class.NEW),
        (~weighed & ((pl.col("unseen") == pl.col("bases")) | (has[Relation.MERGE] & ~whole_merge)), Class.UNKNOWN),
    )
    unscored = pl.col("decided").is_in([Class.NEW.value, Class.UNKNOWN.value])
    highest = pl.max_horizontal([pl.when(has[each]).then(most).otherwise(0.0) for each, most in CEILING.items()])
    ceiling = pl.when(has[Relation.ADAPTER]).then(CEILING[Relation.ADAPTER]).otherwise(highest)
    left = pl.lit(1.0)
    for name, value in _values().items():
        left = left * (1 - WEIGHT[name] * value)
    with_facts = found.with_columns(decided=decided).with_columns(**_facts(has))
    scored = with_facts.with_columns(
        score=pl.when(unscored)
        .then(None)
        .when(pl.col("decided").is_not_null())
        .then(0.0)
        .when(weighed)
        .then(scale(pl.col("innovation").sqrt() * pl.col("energy")))
        .otherwise(100 * ceiling * (1 - left))
        .round(1)
    )
    estimated = pl.col("decided").is_null() & weighed
    return scored.select(
        "model",
        "score",
        pl.coalesce(
            "decided",
            _first(
                (whole_merge & (pl.col("score") <= MERGED), Class.MERGED_KNOWN),
                (has[Relation.ADAPTER] & ~weighed, Class.ADAPTER),
                (pl.col("score") < LIGHT, Class.LIGHT),
                (pl.lit(value=True), Class.SUBSTANTIAL),
            ),
        ).alias("class"),
        tier=pl.when(pl.col("proved").list.len() > 0)  # rests on every byte
        .then(pl.lit(Tier.T2.value))
        .when(estimated)
        .then(pl.col("tier"))
        .otherwise(pl.lit(Tier.T0.value)),
        low=pl.when(estimated).then(scale(pl.col("low")).round(1)),
        high=pl.when(estimated).then(scale(pl.col("high")).round(1)),
        told=pl.col("bases").is_not_null() | pl.col("original").is_not_null(),
        other=pl.coalesce("original", "against"),
        **{name: pl.col(name) for name in (*FACTS, *MEASURES)},
    )


def _first(*cases: tuple[pl.Expr, Class]) -> pl.Expr:
    """The class of the first case that holds; null when none does."""
    return pl.coalesce(*(pl.when(holds).then(pl.lit(word.value)) for holds, word in cases))


def scale(change: pl.Expr) -> pl.Expr:
    """From a relative change above the noise to 0 to 100."""
    return 100 * ((change / E0).log1p() / pl.lit(E1 / E0).log1p()).clip(0.0, 1.0)


def _facts(has: Mapping[Relation, pl.Expr]) -> dict[str, pl.Expr]:
    """What names, card and configuration newly bring, in columns of the names in ``FACTS``."""

    def other(mine: str, theirs: str) -> pl.Expr:
        """Whether a word is known, and is none of the known ones of the base models."""
        return (
            pl.col(mine).is_not_null() & (pl.col(theirs).list.len() > 0) & ~pl.col(theirs).list.contains(pl.col(mine))
        ).fill_null(value=False)

    bases_speak = pl.col("base_languages").list.len() > 0
    return {
        "datasets": pl.col("datasets").fill_null([]),
        "first": pl.col("first").fill_null(0).cast(pl.Int32),
        "languages": pl.when(bases_speak)
        .then(pl.col("languages").list.set_difference("base_languages").list.sort())
        .otherwise(pl.lit([], dtype=pl.List(pl.String)))
        .fill_null([]),
        "task": other("task", "tasks"),
        "architecture": other("architecture", "architectures"),
        "licence": other("licence", "licences"),
        "context": _ratio("context_length", "base_context", 1.0),
        "parameters": _ratio("parameters", "base_parameters", LARGER),
        "trained": has[Relation.FINETUNE],
        "unseen": pl.col("unseen").fill_null(0),
    }


def _ratio(mine: str, theirs: str, least: float) -> pl.Expr:
    ratio = pl.col(mine) / pl.col(theirs)
    return pl.when((pl.col(theirs) > 0) & (ratio > least)).then(ratio)


def _values() -> dict[str, pl.Expr]:
    """The value of each component, 0 to 1, from the columns of ``_facts``; ``components`` says the same of one row."""
    count, first = pl.col("datasets").list.len(), pl.col("first")
    fresh = pl.when(first > 0).then(1.0).otherwise(SEEN_BY_SIBLINGS)
    added = pl.col("languages").list.len()
    return {
        "data": (1 - pl.lit(0.5).pow(count)) * fresh,
        "architecture": pl.col("architecture").cast(pl.Float64),
        "task": pl.col("task").cast(pl.Float64),
        "languages": 1 - pl.lit(0.5).pow(added),
        "context": (pl.col("context").log(2.0) / 3).clip(0.0, 1.0).fill_null(0.0),
        "parameters": (pl.col("parameters").log(2.0)).clip(0.0, 1.0).fill_null(0.0),
        "training": pl.col("trained").cast(pl.Float64),
        "licence": pl.col("licence").cast(pl.Float64),
    }
