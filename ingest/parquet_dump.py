"""This file knows Parquet dumps of Hub records, of any era: structs in one, JSON text in another, columns that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from graph.errors import BadInput
from ingest.rows import HubRow

ROWS = 25_000  # of one block
_BATCH = 5_000  # rows in memory as Python values
_NESTED = frozenset(
    ["safetensors", "gguf", "config", "baseModels", "base_models", "siblings", "tags"]
)  # may be JSON text
_WANTED = frozenset(field.encode_name for field in msgspec.structs.fields(HubRow))


@dataclass(frozen=True, slots=True)
class ParquetBlock:
    """Rows of one row group."""

    group: int
    offset: int  # rows of the group before it
    rows: int
    first_row: int  # counted from 1 in the file
    weight: int  # bytes of the file that it stands for


def columns_of(path: Path) -> frozenset[str]:
    """The names of the columns. Raises BadInput when it is no Parquet, or has no names of repositories."""
    try:
        names = frozenset(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path} is not a readable Parquet file ({error}): get the file again") from error
    if not names & {"id", "modelId"}:
        raise BadInput(f"{path} has no column `id`: it is not a table of Hub records")
    return names


def parquet_blocks(path: Path) -> Iterator[ParquetBlock]:
    """The blocks of a file, in order; only its footer is read."""
    facts = pq.read_metadata(path)
    size, first = path.stat().st_size, 1
    for group in range(facts.num_row_groups):
        count = facts.row_group(group).num_rows
        for offset in range(0, count, ROWS):
            rows = min(ROWS, count - offset)
            yield ParquetBlock(group, offset, rows, first, size * rows // max(1, facts.num_rows))
            first += rows


def rows_of(path: Path, block: ParquetBlock) -> Iterator[dict[str, Any]]:
    """The rows of a block in the API's shape. Raises BadInput when the file is damaged."""
    skip, left = block.offset, block.rows
    try:
        with pq.ParquetFile(path) as file:
            wanted = [name for name in file.schema_arrow.names if name in _WANTED]
            for batch in file.iter_batches(_BATCH, row_groups=[block.group], columns=wanted):
                piece = batch.slice(min(skip, batch.num_rows), left)
                skip = max(0, skip - batch.num_rows)
                for row in piece.to_pylist():
                    yield _api_row(row)
                left -= piece.num_rows
                if left == 0:
                    return
    except (OSError, pa.ArrowException) as error:
        raise BadInput(f"{path} is damaged near row {block.first_row} ({error}): get the file again") from error


def _api_row(row: dict[str, Any]) -> dict[str, Any]:
    """One row as the API would send it; what is null was not said."""
    said: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        if isinstance(value, datetime):
            value = (value.replace(tzinfo=UTC) if value.tzinfo is None else value).isoformat()
        elif isinstance(value, str) and name in _NESTED:
            try:
                value = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError):
                continue
        elif name == "gated" and value in ("false", "False"):
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
