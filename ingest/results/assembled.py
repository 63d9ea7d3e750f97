"""This file knows how staged results and votes join those of the snapshot before, by the catalogue's names, and become abilities.

What a source tells anew replaces all that it told before; other sources stay. What records tell of their own models was settled
before, row by row. Names are resolved as people spell them: exact, then
id or alias with case ignored. A name that nothing has stays as it is said, is not ``known``, and still helps to fit the benchmarks.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from graph.ability import DOMAIN_COLUMNS, FEWEST, WEIGHT, Grade, Unknown, low
from graph.benchmarks import domain
from graph.novelty import Class
from graph.records import AbilityRecord, Relation
from graph.tables import BY_NAME
from ingest.enrich.ability import FEWEST_NORM, abilities, coded
from ingest.results.declared import SOURCES

FEWEST_MODELS = 3  # that a benchmark needs: what is measured of one or two tells nothing of how hard it is
_MEASURED = [Grade.VERIFIED.value, Grade.LEADERBOARD.value]
Tables = Mapping[str, pl.DataFrame]


def results(staged: pl.DataFrame, previous: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The ``results`` table. ``names``: columns said, id (see ``spellings``); repeated cells become their mean."""
    told = staged.rename({"said": "model"})
    earlier = previous.join(staged.select("source").unique(), on="source", how="anti")
    told = pl.concat([told, earlier.filter(~pl.col("source").is_in(SOURCES)).select(told.columns)])
    told = told.with_columns(domain=pl.coalesce("domain", _domains(told["benchmark"])))
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
    said, cells = tables["votes"], shared(tables["results"])
    names = pl.concat([tables["results"]["model"], said["first"], said["second"]]).unique()
    counts = cells.group_by("model").agg(pl.col("item").n_unique())
    if said.is_empty() and (counts["item"] >= FEWEST).sum() < 2:  # no two to compare: there is no scale
        known = dict(counts.iter_rows())
        return _table([_unfitted(model, known.get(model, 0)) for model in names.sort()], set())
    weight = pl.col("grade").replace_strict(
        {grade.value: weight for grade, weight in WEIGHT.items()}, return_dtype=pl.Float64
    )
    ballots = said.select(
        "first", "second", won=pl.lit([1.0, 0.5, 0.0]), count=pl.concat_list("wins", "ties", "losses")
    )
    ballots = ballots.explode("won", "count")
    known_cells = coded(
        cells.select("model", "source", benchmark="item", value="fraction", weight=weight),
        ballots.select(pl.exclude("count").repeat_by("count")).explode("first", "second", "won").drop_nulls(),
    )
    if norm is None:
        norm = _first_norm(cells, tables["models"])
    edges = tables["derivations"].select("model", "base_model", "relation").iter_rows()
    related = [(model, base, Relation(relation)) for model, base, relation in edges]
    about = dict(
        cells.drop_nulls("domain").group_by("item").agg(pl.col("domain").min()).select("item", "domain").iter_rows()
    )
    found = abilities(known_cells, norm.to_list(), related, [model for model, _, _ in related], about)
    left = names.filter(~names.is_in([record.model for record in found]))
    return _table([*found, *(_unfitted(model, 0) for model in left)], set(norm.to_list()))


def shared(told: pl.DataFrame) -> pl.DataFrame:
    """The results that can be compared, with their ``item``: of a known scale, and of a benchmark that several models have."""
    known = told.filter(pl.col("fraction").is_not_null()).with_columns(item=_item())
    return known.filter(pl.col("model").n_unique().over("item") >= FEWEST_MODELS)


def _unfitted(model: str, benchmarks: int) -> AbilityRecord:
    unknown = Unknown.TOO_FEW if benchmarks < FEWEST else Unknown.NO_NORM
    return AbilityRecord(model, None, None, benchmarks, unknown, None, None, None, None, None)


def outlives(now: Tables, before: Tables) -> bool:
    """Whether the norm was chosen when there was nothing but what authors say, and enough models have been measured since."""
    had = before["results"]
    if not before["votes"].is_empty() or had["grade"].is_in(_MEASURED).any():
        return False
    return _enough(shared(now["results"]).filter(pl.col("grade").is_in(_MEASURED))).height >= FEWEST_NORM


def _domains(benchmarks: pl.Series) -> pl.Expr:
    """What each benchmark is about, where its table does not say."""
    known = {name: domain(name) for name in benchmarks.unique().to_list()}
    return pl.col("benchmark").replace_strict(known, return_dtype=pl.String, default=None)


def _item() -> pl.Expr:
    """What a difficulty is fitted for: a benchmark in a setting."""
    return pl.when(pl.col("setting") == "").then("benchmark").otherwise(pl.format("{} ({})", "benchmark", "setting"))


def _first_norm(cells: pl.DataFrame, models: pl.DataFrame) -> pl.Series:
    """Roots that are no copies, with enough results; where these are too few, all models with enough results.

    What authors say of their own models makes a norm only where too few were measured by others.
    """
    enough = _enough(cells.filter(pl.col("grade").is_in(_MEASURED)))
    if enough.height < FEWEST_NORM:
        enough = _enough(cells)
    roots = models.filter(pl.col("novelty_class") == Class.NEW.value).select(model="id")
    chosen = enough.join(roots, on="model", how="semi")
    return (chosen if chosen.height >= FEWEST_NORM else enough)["model"].sort()


def _enough(cells: pl.DataFrame) -> pl.DataFrame:
    """The models (model) with enough results."""
    return cells.group_by("model").agg(pl.col("item").n_unique()).filter(pl.col("item") >= FEWEST).select("model")


def _table(found: list[AbilityRecord], norm: set[str]) -> pl.DataFrame:
    names = [name for name in BY_NAME["abilities"].schema.names if name != "norm"]
    columns = {name: [getattr(record, name) for record in found] for name in names}
    empty = pl.DataFrame(pl.from_arrow(BY_NAME["abilities"].schema.empty_table()))
    return pl.DataFrame(
        {**columns, "norm": [record.model in norm and record.inherited_from is None for record in found]},
        schema=empty.schema,
    ).sort("model")


def lowest(found: pl.DataFrame) -> pl.DataFrame:
    """(id, ability): what models are ordered by."""
    own = found.filter(pl.col("inherited_from").is_null()).drop(
        "norm", *DOMAIN_COLUMNS
    )  # few; nothing is ordered by what is inherited
    lows = [low(AbilityRecord(**row)) for row in own.iter_rows(named=True)]
    return pl.DataFrame({"id": own["model"], "ability": pl.Series(lows, dtype=pl.Float64)}).drop_nulls()
