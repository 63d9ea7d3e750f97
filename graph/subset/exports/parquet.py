"""This file knows a subset as Parquet: models.parquet, derivations.parquet and files.parquet."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from graph.subset.exports.tables import TABLES, FlatTable, Values, batches
from graph.subset.lock import Lock


def write(lock: Lock, folder: Path) -> None:
    """Write three files, a row group at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        with pq.ParquetWriter(folder / f"{table.name}.parquet", table.schema, compression="zstd") as out:
            for rows in batches(table.rows(lock)):
                out.write_batch(_arrow(table, rows))


class Pieces:
    """A Parquet file whose bytes are taken away as they are written."""

    def __init__(self, table: FlatTable) -> None:
        self._table = table
        self._buffer = _Stream()
        self._writer = pq.ParquetWriter(pa.PythonFile(self._buffer, mode="w"), table.schema, compression="zstd")

    def more(self, rows: list[Values]) -> bytes:
        """Write a row group; the bytes so far."""
        self._writer.write_batch(_arrow(self._table, rows))
        return self._buffer.take()

    def end(self) -> bytes:
        """Write the file's end; the last bytes."""
        self._writer.close()
        return self._buffer.take()


class _Stream(io.RawIOBase):
    def __init__(self) -> None:
        self._bytes, self._taken = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        before = len(self._bytes)
        self._bytes += memoryview(data)  # type: ignore[arg-type] # a buffer of Arrow's
        return len(self._bytes) - before

    def tell(self) -> int:
        return self._taken + len(self._bytes)

    def take(self) -> bytes:
        found = bytes(self._bytes)
        self._taken += len(found)
        self._bytes.clear()
        return found


def _arrow(table: FlatTable, rows: list[Values]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(table.columns)
    arrays = [pa.array(column, kind) for column, (_, kind, _) in zip(columns, table.columns, strict=True)]
    return pa.record_batch(arrays, schema=table.schema)
