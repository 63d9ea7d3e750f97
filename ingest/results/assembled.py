"""This file knows how staged results and votes join those of the snapshot before, by the catalogue's names, and become abilities.

What a source tells anew replaces all that it told before; other sources stay. Names are resolved as people spell them: exact, then
id or alias with case ignored. A name that nothing has stays as it is said, is not ``known``, and still helps to fit the benchmarks.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from graph.ability import FEWEST, WEIGHT, low
from graph.novelty import Class
from graph.records import AbilityRecord, Relation
from graph.tables import BY_NAME
from ingest.enrich.ability import FEWEST_NORM, abilities, coded

Tables = Mapping[str, pl.DataFrame]


def results(staged: pl.DataFrame, previous: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The ``results`` table. ``names``: columns said, id (see ``spellings``); repeated cells become their mean."""
    told = staged.rename({"said": "model"})
    earlier = previous.join(staged.select("source").unique(), on="source", how="anti")
    told = pl.concat([told, earlier.select(told.columns)])
    key = list(BY_NAME["results"].key)
    named = _named(told.with_columns(said="model"), "model", names)
    return (
        named.sort("model", "benchmark", "setting", "source", "said", "revision", "value", nulls_last=True)
        .group_by(key, maintain_order=True)
        .agg(
            pl.col("metric", "items", "domain", "grade", "revision", "known").first(),
            pl.col("value", "fraction").mean(),
        )
        .select(BY_NAME["results"].schema.names)
        .sort(key)
    )


def votes(staged: pl.DataFrame, previous: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The ``votes`` table: counts of each pair, the first by name first."""
    counted = staged.select(
        "first",
        "second",
        "source",
        wins=(pl.col("won") == 1).cast(pl.Int64),
        ties=(pl.col("won") == 0.5).cast(pl.Int64),
        losses=(pl.col("won") == 0).cast(pl.Int64),
    )
    earlier = previous.join(staged.select("source").unique(), on="source", how="anti")
    counted = pl.concat([counted, earlier.select(counted.columns)])
    named = _named(_named(counted, "first", names).drop("known"), "second", names).drop("known")
    swap = pl.col("first") > pl.col("second")
    turned = named.with_columns(
        first=pl.when(swap).then("second").otherwise("first"),
        second=pl.when(swap).then("first").otherwise("second"),
        wins=pl.when(swap).then("losses").otherwise("wins"),
        losses=pl.when(swap).then("wins").otherwise("losses"),
    )
    key = list(BY_NAME["votes"].key)
    return (
        turned.filter(pl.col("first") != pl.col("second")).group_by(key).agg(pl.sum("wins", "ties", "losses")).sort(key)
    )


def spellings(models: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """(said, id): every lower-case spelling with what it means: an id before an alias, then by downloads, then by name."""
    own = models.select("id", said=pl.col("id").str.to_lowercase(), place=0, downloads="downloads")
    others = aliases.select("id", said=pl.col("alias").str.to_lowercase(), place=1, downloads=None)
    both = pl.concat([own, others.cast({"downloads": own.schema["downloads"], "place": own.schema["place"]})])
    ordered = both.sort("said", "place", "downloads", "id", descending=[False, False, True, False], nulls_last=True)
    return ordered.unique("said", keep="first", maintain_order=True).select("said", "id")


def _named(rows: pl.DataFrame, column: str, names: pl.DataFrame) -> pl.DataFrame:
    """The rows with that column's names as the catalogue has them, and ``known``: an exact id is itself, whatever else is alike."""
    exact = names.select(pl.col("id").alias(column), itself=pl.lit(value=True)).unique(column)
    found = (
        rows.with_columns(lower=pl.col(column).str.to_lowercase())
        .join(exact, on=column, how="left", maintain_order="left")
        .join(names.rename({"said": "lower"}), on="lower", how="left", maintain_order="left")
    )
    itself = pl.col("itself").fill_null(value=False)
    return found.with_columns(
        pl.when(itself).then(column).otherwise(pl.coalesce("id", column)).alias(column),
        known=itself | pl.col("id").is_not_null(),
    ).drop("lower", "itself", "id")


def measured(tables: Tables, norm: pl.Series | None) -> pl.DataFrame:
    """The ``abilities`` table. ``norm``: the models that were the norm so far; None for none yet."""
    told, said = tables["results"], tables["votes"]
    schema = BY_NAME["abilities"].schema
    if told.is_empty() and said.is_empty():
        return pl.DataFrame(pl.from_arrow(schema.empty_table()))
    weight = pl.col("grade").replace_strict(
        {grade.value: weight for grade, weight in WEIGHT.items()}, return_dtype=pl.Float64
    )
    cells = told.select("model", _item().alias("benchmark"), "source", value="fraction", weight=weight)
    ballots = said.select(
        "first", "second", won=pl.lit([1.0, 0.5, 0.0]), count=pl.concat_list("wins", "ties", "losses")
    )
    ballots = ballots.explode("won", "count")
    known = coded(
        cells, ballots.select(pl.exclude("count").repeat_by("count")).explode("first", "second", "won").drop_nulls()
    )
    if norm is None:
        norm = _first_norm(told, tables["models"])
    edges = tables["derivations"].select("model", "base_model", "relation").iter_rows()
    related = [(model, base, Relation(relation)) for model, base, relation in edges]
    found = abilities(known, norm.to_list(), related, [model for model, _, _ in related])
    return _table(found, set(norm.to_list()))


def _item() -> pl.Expr:
    """What a difficulty is fitted for: a benchmark in a setting."""
    return pl.when(pl.col("setting") == "").then("benchmark").otherwise(pl.format("{} ({})", "benchmark", "setting"))


def _first_norm(told: pl.DataFrame, models: pl.DataFrame) -> pl.Series:
    """Roots that are no copies, with enough results; where these are too few, all models with enough results."""
    enough = told.group_by("model").agg(pl.col("benchmark").n_unique()).filter(pl.col("benchmark") >= FEWEST)
    roots = models.filter(pl.col("novelty_class") == Class.NEW.value).select(model="id")
    chosen = enough.join(roots, on="model", how="semi")
    return (chosen if chosen.height >= FEWEST_NORM else enough)["model"].sort()


def _table(found: list[AbilityRecord], norm: set[str]) -> pl.DataFrame:
    names = [name for name in BY_NAME["abilities"].schema.names if name != "norm"]
    columns = {name: [getattr(record, name) for record in found] for name in names}
    empty = pl.DataFrame(pl.from_arrow(BY_NAME["abilities"].schema.empty_table()))
    return pl.DataFrame(
        {**columns, "norm": [record.model in norm and record.inherited_from is None for record in found]},
        schema=empty.schema,
    )


def lowest(found: pl.DataFrame) -> pl.DataFrame:
    """(id, ability): what models are ordered by."""
    own = found.filter(pl.col("inherited_from").is_null()).drop("norm")  # few; nothing is ordered by what is inherited
    lows = [low(AbilityRecord(**row)) for row in own.iter_rows(named=True)]
    return pl.DataFrame({"id": own["model"], "ability": pl.Series(lows, dtype=pl.Float64)}).drop_nulls()
