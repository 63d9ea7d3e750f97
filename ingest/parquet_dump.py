"""This file knows Parquet dumps of Hub records, of any era: structs in one, JSON text in another, columns that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from graph.errors import BadInput
from graph.tables import UNREADABLE
from ingest.card import CardRow
from ingest.rows import HubRow

ROWS = 10_000  # of one block
_AT_ONCE = 2_000  # rows as Python values
_NESTED = frozenset(
    [
        *("safetensors", "gguf", "config", "baseModels", "base_models", "siblings", "tags"),
        *("evalResults", "eval_results", "model-index", "model_index"),
    ]
)  # may be JSON text
_WANTED = frozenset(field.encode_name for field in msgspec.structs.fields(HubRow))
_PARTS = {  # of structs with many members, those that are read
    "config": ("architectures", "model_type"),
    "cardData": CardRow.__struct_encode_fields__,
    "card_data": CardRow.__struct_encode_fields__,
    "gguf": ("total", "architecture", "context_length"),
}


@dataclass(frozen=True, slots=True)
class ParquetBlock:
    """Some rows of a file, as columns."""

    rows: pa.RecordBatch
    first_row: int  # counted from 1 in the file
    weight: int  # bytes of the file that they stand for


def columns_of(path: Path) -> frozenset[str]:
    """The names of the columns. Raises BadInput when it is no Parquet, or has no names of repositories."""
    try:
        names = frozenset(pq.read_schema(path).names)
    except UNREADABLE as error:
        raise BadInput(f"{path} is not a readable Parquet file ({error}): get the file again") from error
    if not names & {"id", "modelId"}:
        raise BadInput(f"{path} has no column `id`: it is not a table of Hub records")
    return names


def parquet_blocks(path: Path) -> Iterator[ParquetBlock]:
    """The blocks of a file, in order, a page at a time whatever the size of its row groups. Raises BadInput when it is damaged."""
    first, size = 1, path.stat().st_size
    try:
        with pq.ParquetFile(path, buffer_size=2**20, pre_buffer=False) as file:
            total = max(1, file.metadata.num_rows)
            for batch in file.iter_batches(ROWS, columns=_wanted(file.schema_arrow)):
                count = batch.num_rows
                yield ParquetBlock(_plain_times(batch), first, size * count // total)
                first += count
    except UNREADABLE as error:
        raise BadInput(f"{path} is damaged near row {first} ({error}): get the file again") from error


def rows_of(block: ParquetBlock) -> Iterator[dict[str, Any] | None]:
    """The rows of a block in the API's shape; None for one whose bytes are not text."""
    for offset in range(0, block.rows.num_rows, _AT_ONCE):
        piece = block.rows.slice(offset, _AT_ONCE)
        try:
            rows: list[dict[str, Any] | None] = piece.to_pylist()
        except (ValueError, OverflowError):  # UnicodeDecodeError is one
            rows = [_alone(piece.slice(number, 1)) for number in range(piece.num_rows)]
        for row in rows:
            yield _api_row(row) if row is not None else None


def _wanted(schema: pa.Schema) -> list[str]:
    """The columns that are read, of big structs only the members that are."""
    columns = []
    for field in schema:
        if field.name not in _WANTED:
            continue
        if field.name == "siblings" and pa.types.is_list(field.type) and not pa.types.is_nested(field.type.value_type):
            continue  # names alone say nothing, and are half of the file
        if field.name in _PARTS and pa.types.is_struct(field.type):
            columns += [f"{field.name}.{member.name}" for member in field.type if member.name in _PARTS[field.name]]
        else:
            columns.append(field.name)
    return columns


def _plain_times(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Times as numbers of milliseconds: Python's own times cannot hold all that a file may."""
    columns = []
    for column in batch.columns:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ms", tz=column.type.tz), safe=False).cast(pa.int64())
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _alone(row: pa.RecordBatch) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = row.to_pylist()[0]
    except (ValueError, OverflowError):
        return None
    return found


def _api_row(row: dict[str, Any]) -> dict[str, Any]:
    """One row as the API would send it; what is null was not said."""
    said: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        if isinstance(value, str) and name in _NESTED:
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError):
                continue
        said[name] = _without_nulls(value)
    return said


def _without_nulls(value: Any) -> Any:  # a JSON value
    """A struct column spells every member that any row has: those that are null were not there."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value
