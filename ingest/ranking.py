"""This file knows which row counts when several tell of one repository: rows are ranked, and fields filled from the best down.

The rank is (modified, all-time downloads, downloads, likes, the row's own hash), highest first, unknown last: it does not
depend on the order in which rows came.
"""

from __future__ import annotations

import polars as pl

RANK = ("modified_at", "downloads_all_time", "downloads", "likes", "tie")
_LISTS = ("tags", "languages")


def identities(rows: pl.DataFrame) -> pl.DataFrame:
    """Ranked rows with a column ``key`` that is equal for rows of one repository: its permanent id, else its folded name.

    A row without a permanent id belongs to the best-ranked repository of the same folded name that has one.
    """
    ranked = rows.sort(
        [*(column for column in RANK if column in rows.columns), "id"],
        descending=True,
        nulls_last=True,
        maintain_order=True,
    )
    ranked = ranked.with_columns(folded=pl.col("id").str.to_lowercase())
    if ranked["hub_id"].null_count() == 0:
        return ranked.with_columns(key=pl.col("hub_id")).drop("folded")
    known = (
        ranked.lazy()
        .filter(pl.col("hub_id").is_not_null())
        .unique("folded", keep="first", maintain_order=True)
        .select("folded", known="hub_id")
        .collect()
    )
    return (
        ranked.join(known, on="folded", how="left", maintain_order="left")
        .with_columns(key=pl.coalesce("hub_id", "known", "~" + pl.col("folded")))
        .drop("known", "folded")
    )


def merged(ranked: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """One row a key, in no order: each column's first known value in rank order; lists: the first that is not empty.

    Two repositories of one name (one was deleted, another made) leave the better ranked.
    """
    repeated = ranked.filter(pl.col("key").is_duplicated())
    single = ranked.filter(~pl.col("key").is_duplicated()).select("key", *columns)
    if repeated.height:
        firsts = [
            (pl.col(name).filter(pl.col(name).list.len() > 0) if name in _LISTS else pl.col(name).drop_nulls()).first()
            for name in columns
        ]
        folded = repeated.group_by("key", maintain_order=True).agg(firsts)
        folded = folded.with_columns(
            [pl.col(name).fill_null(pl.lit([], dtype=pl.List(pl.String))) for name in _LISTS if name in columns]
        )
        single = pl.concat([single, folded.select(single.columns)])
    if single["id"].is_duplicated().any():
        order = ["modified_at", "downloads", "key"]
        single = single.sort(order, descending=True, nulls_last=True).unique("id", keep="first", maintain_order=True)
    return single


def speakers(ranked: pl.DataFrame, bit: int) -> pl.DataFrame:
    """(row, key) of the best-ranked row of each repository that speaks of a thing."""
    return (
        ranked.lazy()
        .filter((pl.col("speaks") & bit) != 0)
        .unique("key", keep="first", maintain_order=True)
        .select("row", "key")
        .collect()
    )
