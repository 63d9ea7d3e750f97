"""This file knows the logical digest of a table: one sha256 over its schema and its values in key order.

Two tables with the same columns and values have the same digest, however they were chunked, encoded, compressed or written.
Rows are hashed in blocks of ``BLOCK`` counted from the first row, so memory is bounded and batching does not matter. For each
block and column, in the order of the schema: one byte a row (1 present, 0 null), then the values:

- numbers, times and booleans as little-endian 64-bit words, nulls as zero (a float's NaN and -0.0 are written in one form);
- text as the lengths (64-bit) and then the UTF-8 bytes, nulls as empty;
- lists as the lengths and then the column of all items, by the same rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BLOCK = 65_536  # rows; part of the definition


class TableDigest:
    """Takes batches in key order, of any size, and gives the digest at the end."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._hash = hashlib.sha256()
        for column in schema:
            self._hash.update(f"{column.name}\0{column.type}\0{int(column.nullable)}\n".encode())
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take the next rows; ``batch`` has the schema given at the start."""
        while batch.num_rows:
            room = BLOCK - self._waiting_rows
            piece = batch.slice(0, room)
            batch = batch.slice(piece.num_rows)
            self._waiting.append(piece)
            self._waiting_rows += piece.num_rows
            if self._waiting_rows == BLOCK:
                self._flush()

    def hexdigest(self) -> str:
        """The digest of everything taken so far, 64 hex digits."""
        if self._waiting_rows:
            self._flush()
        return self._hash.hexdigest()

    def _flush(self) -> None:
        block = pa.Table.from_batches(self._waiting, schema=self._schema).combine_chunks()
        self._hash.update(block.num_rows.to_bytes(8, "little"))
        for column in block.columns:
            for piece in _canonical(column.chunk(0)):
                self._hash.update(piece)
        self._waiting = []
        self._waiting_rows = 0


def _canonical(array: pa.Array[Any]) -> Iterator[memoryview | bytes]:
    """The bytes that stand for one block of one column."""
    valid = pc.is_valid(array)
    yield valid.cast(pa.uint8()).to_numpy().tobytes()
    kind = array.type
    if pa.types.is_list(kind):
        filled = pc.fill_null(pc.list_value_length(array), 0)
        yield filled.cast(pa.int64()).to_numpy().tobytes()
        yield from _canonical(array.flatten())  # skips what lies behind null lists
    elif pa.types.is_string(kind):
        filled = pc.fill_null(array, "")
        yield pc.binary_length(filled).cast(pa.int64()).to_numpy().tobytes()
        offsets = np.frombuffer(filled.buffers()[1], dtype=np.int32)[filled.offset : filled.offset + len(filled) + 1]
        data = filled.buffers()[2]
        if data is not None and len(offsets):
            yield memoryview(data)[int(offsets[0]) : int(offsets[-1])]
    elif pa.types.is_floating(kind):
        values = pc.fill_null(array, 0.0).cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
        values[np.isnan(values)] = np.nan
        values[values == 0] = 0.0
        yield values.astype("<f8").tobytes()
    elif pa.types.is_boolean(kind):
        yield pc.fill_null(array, False).cast(pa.int64()).to_numpy().astype("<i8").tobytes()
    elif pa.types.is_timestamp(kind):
        yield pc.fill_null(array.cast(pa.int64()), 0).to_numpy().astype("<i8").tobytes()
    else:
        yield pc.fill_null(array, 0).cast(pa.int64()).to_numpy().astype("<i8").tobytes()
