"""This file knows which row counts when several tell of one repository: rows are ranked, and fields filled from the best down.

The rank is (modified, all-time downloads, downloads, likes, the row's own hash), highest first, unknown last: it does not
depend on the order in which rows came.
"""

from __future__ import annotations

import polars as pl

from ingest.staging import Speaks

RANK = ("modified_at", "downloads_all_time", "downloads", "likes", "tie")
_LISTS = ("tags", "languages")


def identities(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a column ``key`` that is equal for rows of one repository: its permanent id, else its folded name.

    A row without a permanent id belongs to the best-ranked repository of the same folded name that has one. ``repeated`` says
    whether the key has several rows; these stand last, the best-ranked first. Nearly all stand alone and need no ranking.
    """
    if rows["hub_id"].null_count() == 0:
        keyed = rows.with_columns(key=pl.col("hub_id"))
    else:
        named = rows.with_columns(folded=pl.col("id").str.to_lowercase())
        nameless = named.filter(pl.col("hub_id").is_null()).select("folded").unique()
        known = (
            _by_rank(named.filter(pl.col("hub_id").is_not_null()).join(nameless, on="folded", how="semi"))
            .unique("folded", keep="first", maintain_order=True)
            .select("folded", known="hub_id")
        )
        keyed = named.join(known, on="folded", how="left").with_columns(
            key=pl.coalesce("hub_id", "known", "~" + pl.col("folded"))
        )
        keyed = keyed.drop("known", "folded")
    if not _repeats(keyed["key"]):
        return keyed.with_columns(repeated=pl.lit(value=False))
    keyed = keyed.with_columns(repeated=pl.col("key").is_duplicated())
    return pl.concat([keyed.filter(~pl.col("repeated")), _by_rank(keyed.filter("repeated"))])


def _repeats(names: pl.Series) -> bool:
    """Whether a name occurs twice. Different hashes, nearly always, say at a sixth of the price that none does."""
    return names.hash().n_unique() < len(names) and names.n_unique() < len(names)


def _by_rank(rows: pl.DataFrame) -> pl.DataFrame:
    """The best-ranked first."""
    columns = [*(column for column in RANK if column in rows.columns), "id"]
    return rows.sort(columns, descending=True, nulls_last=True, maintain_order=True)


def merged(ranked: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """One row a key, in no order: each column's first known value in rank order; lists: the first that is not empty.

    Two repositories of one name (one was deleted, another made) leave the better ranked.
    """
    single = ranked.select("key", *columns)
    if ranked["repeated"].any():
        repeated = ranked.filter("repeated")
        single = single.filter(~ranked["repeated"])
        firsts = [
            (pl.col(name).filter(pl.col(name).list.len() > 0) if name in _LISTS else pl.col(name).drop_nulls()).first()
            for name in columns
        ]
        folded = repeated.group_by("key", maintain_order=True).agg(firsts)
        folded = folded.with_columns(
            [pl.col(name).fill_null(pl.lit([], dtype=pl.List(pl.String))) for name in _LISTS if name in columns]
        )
        single = pl.concat([single, folded.select(single.columns)])
    if _repeats(single["id"]):
        order = ["modified_at", "downloads", "key"]
        single = single.sort(order, descending=True, nulls_last=True).unique("id", keep="first", maintain_order=True)
    return single


def speakers(ranked: pl.DataFrame) -> pl.DataFrame:
    """(row, key, speaks): of which things each row speaks for its repository, as the best-ranked of its rows that does."""
    speaking = ranked.select("row", "key", "speaks")
    if not ranked["repeated"].any():
        return speaking
    single, repeated = speaking.filter(~ranked["repeated"]), speaking.filter(ranked["repeated"])
    said = [(pl.col("speaks") & int(bit)) != 0 for bit in Speaks]
    first = [
        (says & (says.cum_sum().over("key") == 1)).cast(pl.UInt8) * int(bit)
        for says, bit in zip(said, Speaks, strict=True)
    ]
    return pl.concat([single, repeated.with_columns(speaks=pl.sum_horizontal(first).cast(pl.UInt8))])
