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
    return frame.select(sorted(frame.columns)).hash_rows(seed=20).alias(_PRINT)


def digest(frame: Frame) -> str:
    """Sum of the fingerprints modulo 2^64, 16 hex digits: the order of the rows changes nothing, any value does."""
    return f"{int(fingerprints(frame).to_numpy().sum(dtype=np.uint64)):016x}"


def first_load(kind: Kind, after: Frame) -> Change:
    """All rows are new."""
    nothing = after.clear()
    return Change(kind, after, nothing, nothing.select(kind.key))


def told(kind: Kind, rows: Frame, *, digests: bool = False) -> Frame:
    """The keys of these rows, and what tells rows of one key apart: hashes of all properties, or ``digests``, where the kind has
    some; then ``rows`` needs no more than these.
    """
    prints = rows[kind.digest].alias(_PRINT) if digests and kind.digest else fingerprints(rows)
    return rows.select(*kind.key, prints)


def compare(kind: Kind, old: Frame, after: Frame, *, digests: bool = False) -> Change:
    """What turns the rows of which ``old`` tells into ``after``. Keys that are there twice are removed and added again."""
    key = list(kind.key)
    twice = old.select(key).is_duplicated()
    once = old.filter(~twice) if twice.any() else old
    joined = (
        told(kind, after, digests=digests)
        .join(once.rename({_PRINT: "old"}), on=key, how="left", maintain_order="left")
        .select(new=pl.col("old").is_null(), other=pl.col("old") != pl.col(_PRINT))
    )
    added = after.filter(joined["new"])
    changed = after.filter(joined["other"].fill_null(value=False))
    gone = once.join(after, on=key, how="anti", maintain_order="left").select(key)
    if twice.any():
        gone = pl.concat([gone, old.filter(twice).select(key).unique(maintain_order=True)])
    if kind.update:
        return Change(kind, added, changed, gone)
    return Change(kind, pl.concat([added, changed]), changed.clear(), pl.concat([gone, changed.select(key)]))
