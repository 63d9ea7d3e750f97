"""This file knows what has to change for a graph to hold a snapshot: rows to add, rows to set, keys to remove."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from graph.stores.neo4j.projection import Frame, Kind

_PRINT = "fingerprint"


@dataclass(frozen=True, slots=True)
class Change:
    """For one kind: whole rows to add and to set, and the keys of what is to go."""

    kind: Kind
    add: Frame
    change: Frame
    remove: Frame


def fingerprints(frame: Frame) -> pl.Series:
    """A 64-bit hash of each row over all its properties. The same values give the same hash within one Polars version."""
    return frame.select(pl.struct(sorted(frame.columns)).hash(seed=20).alias(_PRINT)).to_series()


def digest(frame: Frame) -> str:
    """Sum of the fingerprints modulo 2^64, 16 hex digits: the order of the rows changes nothing, any value does."""
    return f"{int(fingerprints(frame).to_numpy().sum(dtype=np.uint64)):016x}"


def first_load(kind: Kind, after: Frame) -> Change:
    """All rows are new."""
    nothing = after.clear()
    return Change(kind, after, nothing, nothing.select(kind.key))


def compare(kind: Kind, before: Frame, after: Frame, *, digests: bool = False) -> Change:
    """What turns ``before`` into ``after``. Keys that ``before`` holds twice are removed and added again. ``digests``: rows are
    told apart by the digests of their kind, where it has some; beside these ``before`` needs the keys alone.
    """

    def told(frame: Frame) -> pl.Series:
        return frame[kind.digest].alias(_PRINT) if digests and kind.digest else fingerprints(frame)

    key = list(kind.key)
    old = before.select(*key, told(before))
    once = old.filter(pl.struct(key).is_unique())
    joined = after.with_columns(told(after).alias("new")).join(
        once.rename({_PRINT: "old"}), on=key, how="left", maintain_order="left"
    )
    added = joined.filter(pl.col("old").is_null()).drop("new", "old")
    changed = joined.filter(pl.col("old") != pl.col("new")).drop("new", "old")
    gone = old.select(key).unique(maintain_order=True).join(once.join(after, on=key, how="semi"), on=key, how="anti")
    if kind.update:
        return Change(kind, added, changed, gone)
    return Change(kind, pl.concat([added, changed]), changed.clear(), pl.concat([gone, changed.select(key)]))
