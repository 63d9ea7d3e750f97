"""This file knows a subset as CSV: models.csv, derivations.csv and files.csv, with headers; unknown is empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from graph.subset.exports.marks import written
from graph.subset.exports.tables import TABLES, FlatTable, Values, batches
from graph.subset.lock import Lock


def write(lock: Lock, folder: Path) -> None:
    """Write three files."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        with (folder / f"{table.name}.csv").open("wb") as file:
            file.write(lines([tuple(table.names)]))
            file.writelines(pieces(table, lock))


def pieces(table: FlatTable, lock: Lock) -> Iterator[bytes]:
    """The rows as CSV, a batch at a time."""
    return map(lines, batches(table.rows(lock)))


def lines(rows: Iterable[Values]) -> bytes:
    """Rows as CSV (RFC 4180, but lines end with a line feed)."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(tuple(map(_cell, row)) for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> object:
    return written(value) if isinstance(value, bool) else value
