"""This file knows where the tables of a snapshot are taken from: its files, or memory, when they were just made.

A model's number is its place in the ``models`` table, which lies in the order of names. Tables in memory may say the number of a
column's models in a column of the same name and ``_number``; where none does, it is looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.snapshot import Snapshot

Numbers = npt.NDArray[np.int64]
TIMES = ("created_at", "modified_at")  # columns


class Frames(Protocol):
    """The tables of one snapshot; times with a time zone, rows in key order."""

    def frame(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """A table, or these columns of it."""
        ...

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        ...

    def numbers(self, table: str, column: str) -> Numbers:
        """(rows,) the number of the model that a column names, -1 for a name that is not in the catalogue."""
        ...


class OnDisk:
    """The tables of a snapshot's files."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def frame(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """A table, or these columns of it. Raises Damaged."""
        return self._snapshot.frame(table, columns)

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        return self._snapshot.manifest.tables[table].rows

    def numbers(self, table: str, column: str) -> Numbers:
        """(rows,) the number of the model that a column names, -1 for a name that is not in the catalogue."""
        return numbered(self.frame(table, [column])[column], self._ids)

    @cached_property
    def _ids(self) -> pl.Series:
        return self.frame("models", ["id"])["id"]


class InMemory:
    """Tables that are not written yet, with all columns of their schema."""

    def __init__(self, tables: Mapping[str, pl.DataFrame]) -> None:
        self._tables = tables

    def frame(self, table: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """A table, or these columns of it."""
        found = self._tables[table]
        return found if columns is None else found.select(columns)

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        return self._tables[table].height

    def numbers(self, table: str, column: str) -> Numbers:
        """(rows,) the number of the model that a column names, -1 for a name that is not in the catalogue."""
        return numbers_of(self._tables[table], column, self._tables["models"]["id"])


def milliseconds(found: pl.DataFrame) -> pl.DataFrame:
    """A table with its times as milliseconds since 1970."""
    return found.with_columns([pl.col(name).dt.epoch("ms") for name in TIMES if name in found.columns])


def numbers_of(found: pl.DataFrame, column: str, ids: pl.Series) -> Numbers:
    """(rows,) the place among ``ids`` of each name in a column, -1 for one that is not there: as the table says, or looked up."""
    if f"{column}_number" in found.columns:
        return found[f"{column}_number"].cast(pl.Int64).fill_null(-1).to_numpy()
    return numbered(found[column], ids)


def numbered(names: pl.Series, ids: pl.Series) -> Numbers:
    """(names,) the place of each among ``ids``, -1 for one that is not there."""
    if names.is_empty():
        return np.zeros(0, dtype=np.int64)
    known = pl.DataFrame({"id": ids}).with_columns(number=pl.int_range(len(ids), dtype=pl.Int64))
    found = pl.DataFrame({"id": names}).join(known, on="id", how="left", maintain_order="left")["number"]
    return found.fill_null(-1).to_numpy()
