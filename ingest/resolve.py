"""This file knows which repository a name means: its exact name, permanent id, another name of it, or its name in other case."""

from __future__ import annotations

import polars as pl

_LONGEST_CHAIN = 16  # renames of renames
_SOURCES = {"redirect": 0, "rename": 1, "legacy": 2}  # of two meanings of an alias the Hub's own word counts


def settled_aliases(aliases: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """(alias, id, source): each alias once, led to the end of its chain, and only where it leads to one of ``ids``.

    A name that a repository bears today is no alias.
    """
    known = pl.DataFrame({"id": ids})
    step = (
        aliases.filter(pl.col("alias") != pl.col("id"))
        .with_columns(order=pl.col("source").replace_strict(_SOURCES, default=9))
        .sort("alias", "order", "id")
        .unique("alias", keep="first", maintain_order=True)
        .join(known, left_on="alias", right_on="id", how="anti")
        .select("alias", "id", "source")
    )
    onward = step.select(at="alias", then="id")
    for _ in range(_LONGEST_CHAIN):
        further = step.join(onward, left_on="id", right_on="at", how="left", maintain_order="left")
        if further["then"].null_count() == further.height:
            break
        step = further.with_columns(id=pl.coalesce("then", "id")).drop("then")
    return step.join(known, on="id", how="semi").sort("alias", "id")


def resolved(said: pl.DataFrame, known: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """Add ``id`` to the columns (said, hub_id) of names that were said: the repository meant, null when none is known.

    ``known``: (id, hub_id, downloads) of the repositories; ``aliases``: settled. In order: permanent id, exact name, alias, name
    in other case (of several: most downloads, then the first by name), alias in other case.
    """
    names = said.select("said", "hub_id").unique()
    by_hub = known.filter(pl.col("hub_id").is_not_null()).select("hub_id", by_hub="id").unique("hub_id", keep="any")
    found = (
        names.join(by_hub.join(names, on="hub_id", how="semi"), on="hub_id", how="left")
        .join(known.select(said="id", by_name="id"), on="said", how="left")
        .join(aliases.select(said="alias", by_alias="id"), on="said", how="left")
        .select("said", "hub_id", id=pl.coalesce("by_hub", "by_name", "by_alias"))
    )
    left = found.filter(pl.col("id").is_null()).select("said", "hub_id", low=pl.col("said").str.to_lowercase())
    lows = left.select("low").unique()
    spelled = (
        known.with_columns(low=pl.col("id").str.to_lowercase())
        .join(lows, on="low", how="semi")
        .sort(pl.col("downloads").fill_null(-1), "id", descending=[True, False])
        .unique("low", keep="first", maintain_order=True)
        .select("low", by_case="id")
    )
    alias_spelled = (
        aliases.with_columns(low=pl.col("alias").str.to_lowercase())
        .join(lows, on="low", how="semi")
        .sort("alias")
        .unique("low", keep="first", maintain_order=True)
        .select("low", by_alias_case="id")
    )
    folded = (
        left.join(spelled, on="low", how="left")
        .join(alias_spelled, on="low", how="left")
        .select("said", "hub_id", id=pl.coalesce("by_case", "by_alias_case"))
    )
    settled = pl.concat([found.filter(pl.col("id").is_not_null()), folded])
    return said.join(settled, on=["said", "hub_id"], how="left", nulls_equal=True)


def with_missing(named: pl.DataFrame) -> pl.DataFrame:
    """Fill ``id`` where no repository is known: of spellings equal but for case the one most said, then the first by bytes."""
    unknown = named.filter(pl.col("id").is_null()).with_columns(low=pl.col("said").str.to_lowercase())
    if not unknown.height:
        return named.with_columns(missing=pl.lit(value=False))
    spelling = (
        unknown.group_by("low", "said")
        .len()
        .sort(["len", "said"], descending=[True, False])
        .unique("low", keep="first", maintain_order=True)
        .select("low", spelled="said")
    )
    return (
        named.with_columns(low=pl.col("said").str.to_lowercase(), missing=pl.col("id").is_null())
        .join(spelling, on="low", how="left", maintain_order="left")
        .with_columns(id=pl.coalesce("id", "spelled"))
        .drop("low", "spelled")
    )
