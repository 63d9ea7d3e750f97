"""This file knows how novelty is worked out for all models at once, column by column. ``graph.novelty`` says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from graph.novelty import CEILING, E0, E1, EXACT, LARGER, LIGHT, MERGED, SEEN_BY_SIBLINGS, WEIGHT, Class, Tier
from graph.records import Relation, State

FACTS = ("datasets", "first", "languages", "task", "architecture", "licence", "context", "parameters", "trained")
MEASURES = ("energy", "innovation", "structured", "isotropic", "changed", "rank", "explained_by", "explained")
_STEPS = 64  # derivations upwards that are followed for what ancestors name


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
        "id", "created_at", "task", "languages", "architecture", "context_length", "parameters", "licence"
    )
    edges = known.derivations.select("model", "base_model", "relation").join(
        known.models.select(base_model="id", base_state="state"), on="base_model", how="left"
    )
    forks = _forks(edges, facts)
    forks = forks.join(_data(forks, edges, facts, known.trainings), on="model", how="left", maintain_order="left")
    found = (
        models.select(model="id")
        .join(_copies(known.holdings, facts), on="model", how="left", maintain_order="left")
        .join(forks, on="model", how="left", maintain_order="left")
        .join(known.changes, on="model", how="left", maintain_order="left")
    )
    return _told(found).sort("model")


def _copies(holdings: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """(model, original) for all but the oldest of the models that hold the same weight files."""
    held = holdings.join(facts.select(model="id", made="created_at"), on="model").sort(
        "digest", "made", "model", nulls_last=True
    )
    return held.select("model", original=pl.col("model").first().over("digest")).filter(
        pl.col("model") != pl.col("original")
    )


def _forks(edges: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Each model with a base: its relations, whether the bases are known, and what is new against them, one column each."""
    bases = edges.join(
        facts.select(
            base_model="id",
            base_task="task",
            base_languages="languages",
            base_architecture="architecture",
            base_context="context_length",
            base_parameters="parameters",
            base_licence="licence",
        ),
        on="base_model",
        how="left",
        maintain_order="left",
    )
    summed = bases.group_by("model", maintain_order=True).agg(
        bases=pl.col("base_model").sort(),
        relations=pl.col("relation").unique().sort(),
        missing=pl.col("base_model").filter(pl.col("base_state") == State.MISSING.value).sort().first(),
        merged=pl.col("base_model").filter(pl.col("relation") == Relation.MERGE.value).len(),
        tasks=pl.col("base_task").drop_nulls().unique().sort(),
        base_languages=pl.col("base_languages").explode().drop_nulls().unique().sort(),
        architectures=pl.col("base_architecture").drop_nulls().unique().sort(),
        base_context=pl.col("base_context").max(),
        base_parameters=pl.col("base_parameters").max(),
        licences=pl.col("base_licence").drop_nulls().unique().sort(),
    )
    return summed.join(facts.rename({"id": "model"}), on="model", how="inner", maintain_order="left")


def _data(forks: pl.DataFrame, edges: pl.DataFrame, facts: pl.DataFrame, trainings: pl.DataFrame) -> pl.DataFrame:
    """(model, datasets, first): datasets that no ancestor names, and how many of them no older sibling names either."""
    named = trainings.select("model", "dataset").join(forks.select("model", "created_at"), on="model")
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
        .join(facts.select(model="id", made="created_at"), on="model")
        .group_by("base_model", "dataset")
        .agg(earliest=pl.col("made").min())
    )
    seen = (
        new.join(up, on="model")
        .join(beside, on=["base_model", "dataset"])
        .filter(pl.col("earliest") < pl.col("created_at"))
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
    lost = pl.col("missing").is_not_null()
    whole_merge = has[Relation.MERGE] & ~lost & (pl.col("merged") > 1)
    weighed = pl.col("energy").is_not_null()
    decided = _first(
        (pl.col("original").is_not_null(), Class.COPY),
        *((has[each], word) for each, word in EXACT.items()),
        (whole_merge & ~weighed, Class.MERGED_KNOWN),
        (pl.col("bases").is_null(), Class.NEW),
        (lost | (has[Relation.MERGE] & ~whole_merge), Class.UNKNOWN),
    )
    unscored = pl.col("decided").is_in([Class.NEW.value, Class.UNKNOWN.value])
    ceiling = pl.max_horizontal([pl.when(has[each]).then(most).otherwise(0.0) for each, most in CEILING.items()])
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
        tier=pl.when(weighed).then(pl.col("tier")).otherwise(pl.lit(Tier.T0.value)),
        low=pl.when(estimated).then(scale(pl.col("low")).round(1)),
        high=pl.when(estimated).then(scale(pl.col("high")).round(1)),
        told=pl.col("bases").is_not_null() | pl.col("original").is_not_null(),
        other=pl.coalesce("original", "missing", "explained_by", pl.col("bases").list.first()),
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
