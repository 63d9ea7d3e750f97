"""This file knows how novelty is worked out for all models at once, column by column. ``graph.novelty`` says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

from graph.frames import numbers_of
from graph.groups import Array
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
_BIT = {relation.value: 1 << at for at, relation in enumerate(Relation)}
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
    """Rows in the columns of the ``novelty`` table, with ``score``, ``class``, and ``told``, whether there is something to tell; by
    name. Of models that are in the catalogue themselves; those left out are ``new``, without anything to tell.

    ``number`` and ``other_number`` are the places of ``model`` and ``other`` among the models by name.
    """
    models = known.models if known.models["id"].is_sorted() else known.models.sort("id")
    ids = models["id"]
    edges = _edges(known.derivations, models)
    forks = _forks(edges, models)
    copies = _copies(known.holdings, models)
    changes = known.changes.with_columns(number=pl.Series(numbers_of(known.changes, "model", ids))).drop("model")
    some = pl.concat([each.select("number") for each in (forks, copies, changes)]).unique().sort("number")
    some = some.filter((pl.col("number") >= 0) & _seen(models).gather(some["number"].clip(0)))
    for more in (copies, forks, _data(forks, edges, _trainings(known.trainings, ids), models), changes):
        some = some.join(more, on="number", how="left", maintain_order="left")
    names = {name: ids.gather(some[f"{name}_number"]) for name in ("original", "against")}
    return _told(some.with_columns(model=ids.gather(some["number"]), **names))


def _seen(models: pl.DataFrame) -> pl.Series:
    return models["state"] != State.MISSING.value


def _made(models: pl.DataFrame) -> pl.Series:
    return models["created_at"].fill_null(_BEFORE_ALL)


def _edges(derivations: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """Derivations by (model, rank of what is told against, base model); all of these are numbers."""
    by_weights, is_exact = pl.col("by_weights"), pl.col("exact")
    rank = (
        pl.when(is_exact & by_weights).then(0).when(by_weights).then(1).when(is_exact).then(2).when("seen").then(3)
    ).otherwise(4)
    base = numbers_of(derivations, "base_model", models["id"])
    return (
        derivations.select(
            number=pl.Series(numbers_of(derivations, "model", models["id"])),
            base=pl.Series(base),
            relation=pl.col("relation").replace_strict(_BIT, return_dtype=pl.Int32),
            exact=pl.col("relation").is_in([relation.value for relation in EXACT]),
            by_weights=pl.col("evidence").list.contains(Evidence.WEIGHTS.value),
            seen=_seen(models).gather(base),
        )
        .with_columns(rank=rank.cast(pl.UInt8))
        .sort("number", "rank", "base")
    )


def _copies(holdings: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """(number, original_number) for all but the oldest, else most used, of the models that hold the same weight files."""
    number = pl.Series(numbers_of(holdings, "model", models["id"]))
    held = (
        holdings.select("digest", number=number)
        .with_columns(made=_made(models).gather(number), unused=-models["downloads"].fill_null(-1).gather(number))
        .sort("digest", "made", "unused", "number")
    )
    return held.select("number", original_number=pl.col("number").first().over("digest")).filter(
        pl.col("number") != pl.col("original_number")
    )


def _forks(edges: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """Each model with a base: its relations as bits, what it is told against, and what it has that no base has."""
    child, base = edges["number"].to_numpy(), edges["base"].to_numpy()
    begin = np.flatnonzero(np.diff(child, prepend=-1))  # where the derivations of each fork begin
    number, bases = child[begin], np.diff(begin, append=len(child))
    bit, unseen = edges["relation"].to_numpy(), ~edges["seen"].to_numpy()
    exact = bit & sum(_BIT[relation.value] for relation in EXACT)
    is_merge = bit == _BIT[Relation.MERGE.value]

    def total(values: Array) -> Array:
        return np.add.reduceat(values.astype(np.int32), begin)

    def bits(values: Array) -> Array:
        return np.bitwise_or.reduceat(values, begin)

    def largest(name: str) -> Array:
        most: Array = np.maximum.reduceat(models[name].fill_null(-1).gather(base).to_numpy(), begin)
        return most

    def other(name: str) -> Array:
        """Whether a word is known, and is none of the known ones of the base models."""
        mine, theirs = models[name].gather(child), models[name].gather(base)
        same = (mine == theirs).fill_null(value=False).to_numpy()
        known = theirs.is_not_null().to_numpy()
        new: Array = mine.is_not_null().to_numpy()[begin] & (total(known) > 0) & (total(same) == 0)
        return new

    forks = pl.DataFrame(
        {
            "number": number,
            "against_number": base[begin],
            "relations": bits(bit),
            "proved": bits(np.where(edges["by_weights"].to_numpy(), exact, 0)),
            "declared": bits(exact),
            "unseen": total(unseen),
            "bases": bases,
            "merged": total(is_merge),
            "merged_unseen": total(is_merge & unseen),
            "task": other("task"),
            "architecture": other("architecture"),
            "licence": other("licence"),
            "context_length": models["context_length"].gather(number),
            "base_context": largest("context_length"),
            "parameters": models["parameters"].gather(number),
            "base_parameters": largest("parameters"),
        }
    )
    languages = _languages(edges, models, forks.select("number", "bases"), base[begin])
    return forks.join(languages, on="number", how="left", maintain_order="left")


def _languages(edges: pl.DataFrame, models: pl.DataFrame, forks: pl.DataFrame, first: Array) -> pl.DataFrame:
    """(number, languages) that no base model names, of forks of which some base model names any."""
    named = models["languages"]
    one = forks.with_columns(theirs=named.gather(first)).filter(pl.col("bases") == 1).drop("bases")
    several = (
        edges.select("number", theirs=named.gather(edges["base"]))
        .join(forks.filter(pl.col("bases") > 1), on="number", how="semi")
        .filter(pl.col("theirs").list.len() > 0)
        .explode("theirs")
        .group_by("number")
        .agg("theirs")
    )
    both = pl.concat([one, several])
    return (
        both.with_columns(mine=named.gather(both["number"]))
        .filter(
            (pl.col("theirs").list.len() > 0) & (pl.col("mine").list.len() > 0) & (pl.col("mine") != pl.col("theirs"))
        )
        .select("number", languages=pl.col("mine").list.set_difference("theirs").list.sort())
    )


def _trainings(trainings: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """(number, dataset, place): on what models were trained that has a name of its own, ``place`` its number by name."""
    names = trainings.select(pl.col("dataset").unique().sort())
    names = names.filter(~pl.col("dataset").str.to_lowercase().is_in(PLACEHOLDERS)).with_row_index("place")
    number = pl.Series(numbers_of(trainings, "model", ids))
    return trainings.select("dataset", number=number).join(names, on="dataset", how="inner", maintain_order="left")


def _data(forks: pl.DataFrame, edges: pl.DataFrame, trainings: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """(number, datasets, first): datasets that no ancestor names, and how many of them no older sibling names either."""
    own = trainings.select("number", "place")
    made = own.with_columns(made=_made(models).gather(own["number"]))
    named = made.join(forks.select("number"), on="number", how="semi")
    up = edges.select("number", "base")
    frontier = up.join(named.select("number").unique(), on="number", how="semi")
    reached = frontier
    for _ in range(_STEPS):
        frontier = (
            frontier.join(up.rename({"number": "base", "base": "next"}), on="base")
            .select("number", base="next")
            .unique()
            .join(reached, on=["number", "base"], how="anti")
        )
        if frontier.is_empty():
            break
        reached = pl.concat([reached, frontier])
    inherited = reached.filter(pl.col("number") != pl.col("base")).join(own.select("place", base="number"), on="base")
    new = named.join(inherited, on=["number", "place"], how="anti")
    beside = (
        up.join(made.filter(_seen(models).gather(made["number"])), on="number")
        .group_by("base", "place")
        .agg(earliest=pl.col("made").min())
    )
    seen = (
        new.join(up, on="number")
        .join(beside, on=["base", "place"])
        .filter(pl.col("earliest") < pl.col("made"))
        .select("number", "place")
        .unique()
    )
    words = trainings.select("place", "dataset").unique("place")
    return (
        new.join(seen.with_columns(seen=True), on=["number", "place"], how="left")
        .join(words, on="place")
        .sort("number", "place")
        .group_by("number", maintain_order=True)
        .agg(datasets=pl.col("dataset"), first=pl.col("seen").is_null().sum())
    )


def _told(found: pl.DataFrame) -> pl.DataFrame:
    """From what is new of each model to its class and score, with the facts that both rest on."""
    found = found.with_columns(pl.col("relations", "proved", "declared").fill_null(0))

    def holds(bits: pl.Expr, relation: Relation) -> pl.Expr:
        return (bits & _BIT[relation.value]) != 0

    has = {each: holds(pl.col("relations"), each) for each in Relation}
    weighed = pl.col("energy").is_not_null()
    whole_merge = (pl.col("merged") > 1) & (pl.col("merged_unseen") == 0)
    exact = pl.when(weighed | (pl.col("proved") != 0)).then("proved").otherwise("declared")
    decided = _first(
        (pl.col("original").is_not_null(), Class.COPY),
        *((holds(exact, each), word) for each, word in EXACT.items()),
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
        tier=pl.when(pl.col("proved") != 0)  # rests on every byte
        .then(pl.lit(Tier.T2.value))
        .when(estimated)
        .then(pl.col("tier"))
        .otherwise(pl.lit(Tier.T0.value)),
        low=pl.when(estimated).then(scale(pl.col("low")).round(1)),
        high=pl.when(estimated).then(scale(pl.col("high")).round(1)),
        told=pl.col("bases").is_not_null() | pl.col("original").is_not_null(),
        other=pl.coalesce("original", "against"),
        number="number",
        other_number=pl.coalesce("original_number", "against_number"),
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
    return {
        "datasets": pl.col("datasets").fill_null([]),
        "first": pl.col("first").fill_null(0).cast(pl.Int32),
        "languages": pl.col("languages").fill_null([]),
        **{name: pl.col(name).fill_null(value=False) for name in ("task", "architecture", "licence")},
        "context": _ratio("context_length", "base_context", 1.0),
        "parameters": _ratio("parameters", "base_parameters", LARGER),
        "trained": has[Relation.FINETUNE],
        "unseen": pl.col("unseen").fill_null(0).cast(pl.Int32),
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
