"""This file knows how a result table becomes rows: CSV, JSON lines, a JSON array or Parquet, also as .gz; by a mapping file.

Every cell becomes a row of ``RESULTS`` or ``VOTES``, or is left out with its reason: no value, no number, outside of its scale.
"""

from __future__ import annotations

import gzip
import io
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from graph.errors import BadInput
from graph.tables import UNREADABLE
from ingest.results.mapping import Benchmark, Known, Long, Mapping, Voting

LARGEST = 512 * 2**20  # bytes of a table, unpacked
_BATCH = 1024  # rows of a Parquet file that are unpacked at once
LONGEST_NAME = 300  # characters of a model's or benchmark's name
RESULTS = {
    "said": pl.String,  # the model, as the table names it
    "benchmark": pl.String,
    "setting": pl.String,
    "metric": pl.String,
    "value": pl.Float64,  # as said
    "fraction": pl.Float64,  # after scale, direction and chance: 0 is guessing, 1 the most
    "items": pl.Int64,
    "domain": pl.String,
    "source": pl.String,
    "grade": pl.String,
    "revision": pl.String,
}
VOTES = {"first": pl.String, "second": pl.String, "won": pl.Float64, "source": pl.String}


@dataclass
class Read:
    """What was read of a table, and what was left out."""

    results: pl.DataFrame
    votes: pl.DataFrame
    rows: int
    skipped: Counter[str] = field(default_factory=Counter)


def read_results(path: Path, known: Known) -> Read:
    """The results or votes in one file, by the mapping that fits its columns. Raises BadInput."""
    table = _table(path)
    name = path.name.removesuffix(".gz")
    mapping = known.of(path.with_name(name), set(table.columns))
    skipped: Counter[str] = Counter()
    if mapping.votes is not None:
        votes = _votes(table, mapping, mapping.votes, skipped)
        return Read(pl.DataFrame(schema=RESULTS), votes, table.height, skipped)
    if mapping.long is not None:
        parts = [_long(table, mapping, mapping.long, skipped)]
    else:
        parts = [_column(table, mapping, each, skipped) for each in mapping.of_file(name)]
    return Read(pl.concat(parts), pl.DataFrame(schema=VOTES), table.height, skipped)


def _table(path: Path) -> pl.DataFrame:
    """All columns as text or numbers, whatever the format."""
    try:
        data = _unpacked(path)
        kind = Path(path.name.removesuffix(".gz")).suffix
        if kind == ".csv":
            return pl.read_csv(io.BytesIO(data), infer_schema=False)
        if kind == ".parquet":
            return _parquet(path, data)
        if kind in (".jsonl", ".ndjson"):
            return pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
        if kind == ".json":
            return pl.read_json(io.BytesIO(data), infer_schema_length=None)
    except (EOFError, pl.exceptions.PolarsError, *UNREADABLE) as error:
        raise BadInput(f"{path} cannot be read as a table ({str(error)[:200]})") from error
    raise BadInput(f"{path}: result tables are .csv, .jsonl, .json or .parquet, also with .gz")


def _unpacked(path: Path) -> bytes:
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise _too_large(path)
    return data


def _parquet(path: Path, data: bytes) -> pl.DataFrame:
    """A table batch by batch: a few bytes of it can stand for gigabytes of equal cells."""
    with pq.ParquetFile(io.BytesIO(data)) as file:
        pieces, size = [_plain(file.schema_arrow.empty_table())], 0
        for batch in file.iter_batches(_BATCH):
            pieces.append(_plain(pa.Table.from_batches([batch])))
            size += pieces[-1].nbytes
            if size > LARGEST:
                raise _too_large(path)
        return pl.DataFrame(pa.concat_tables(pieces))


def _plain(table: pa.Table) -> pa.Table:
    """The same cells without dictionaries, as wide as they are."""
    plain = [field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in table.schema]
    return table.cast(pa.schema(list(zip(table.column_names, plain, strict=True))))


def _too_large(path: Path) -> BadInput:
    return BadInput(f"{path} holds more than {LARGEST} bytes: split it")


def _numbers(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64, strict=False)


def _column(table: pl.DataFrame, mapping: Mapping, what: Benchmark, skipped: Counter[str]) -> pl.DataFrame:
    named = table.select(
        *_said(mapping, table),
        benchmark=pl.lit(what.name),
        value=_numbers(what.column),
        items=pl.lit(what.items, pl.Int64),
        domain=pl.lit(what.domain, pl.String),
    )
    return _rows(named, mapping, what, skipped)


def _long(table: pl.DataFrame, mapping: Mapping, what: Long, skipped: Counter[str]) -> pl.DataFrame:
    named = table.select(
        *_said(mapping, table),
        benchmark=pl.col(what.benchmark).cast(pl.String),
        value=_numbers(what.value),
        items=pl.lit(None, pl.Int64),
        domain=pl.lit(None, pl.String),
    )
    excluded = named["benchmark"].is_in(list(what.exclude)).fill_null(value=False)
    _count(skipped, "excluded", int(excluded.sum()))
    return _rows(named.filter(~excluded), mapping, what, skipped)


def _said(mapping: Mapping, table: pl.DataFrame) -> list[pl.Expr]:
    if mapping.model is None:
        raise BadInput(f"mapping {mapping.name} does not say which column names the model")
    has_revision = mapping.revision is not None and mapping.revision in table.columns
    revision = pl.col(mapping.revision or "") if has_revision else pl.lit(None)
    name = pl.lit(mapping.prefix) + pl.col(mapping.model).cast(pl.String).str.strip_chars()
    return [name.alias("said"), revision.cast(pl.String).alias("revision")]


def _rows(named: pl.DataFrame, mapping: Mapping, what: Benchmark | Long, skipped: Counter[str]) -> pl.DataFrame:
    low, high = what.scale
    unit = (pl.col("value") - low) / (high - low)
    upwards = unit if what.higher_is_better else 1 - unit
    rows = named.with_columns(unit=upwards).with_columns(
        trouble=pl.when(pl.col("said").is_null() | (pl.col("said") == mapping.prefix))
        .then(pl.lit("no-model"))
        .when(
            pl.col("benchmark").is_null()
            | (pl.col("benchmark").str.len_chars() > LONGEST_NAME)
            | (pl.col("said").str.len_chars() > LONGEST_NAME)
        )
        .then(pl.lit("bad-name"))
        .when(pl.col("value").is_null() | pl.col("value").is_nan())
        .then(pl.lit("no-value"))
        .when(~pl.col("value").is_between(low if what.least is None else what.least, high))
        .then(pl.lit("outside-its-scale"))
    )
    for reason, count in rows["trouble"].drop_nulls().value_counts().iter_rows():
        _count(skipped, reason, count)
    return rows.filter(pl.col("trouble").is_null()).select(
        "said",
        "benchmark",
        pl.lit(what.setting).alias("setting"),
        pl.lit(what.metric).alias("metric"),
        "value",
        ((pl.col("unit") - what.chance) / (1 - what.chance)).clip(-math.inf, 1.0).alias("fraction"),
        "items",
        "domain",
        pl.lit(mapping.name).alias("source"),
        pl.lit(mapping.grade.value).alias("grade"),
        "revision",
    )


def _votes(table: pl.DataFrame, mapping: Mapping, what: Voting, skipped: Counter[str]) -> pl.DataFrame:
    winner = pl.col(what.winner).cast(pl.String)
    won = (
        pl.when(winner.is_in(list(what.first_wins)))
        .then(1.0)
        .when(winner.is_in(list(what.second_wins)))
        .then(0.0)
        .when(winner.is_in(list(what.tie)))
        .then(0.5)
    )
    rows = table.select(
        first=pl.lit(mapping.prefix) + pl.col(what.first).cast(pl.String),
        second=pl.lit(mapping.prefix) + pl.col(what.second).cast(pl.String),
        won=won,
        source=pl.lit(mapping.name),
    )
    good = rows.drop_nulls().filter(pl.col("first") != pl.col("second"))
    _count(skipped, "no-vote", rows.height - good.height)
    return good


def _count(skipped: Counter[str], reason: str, count: int) -> None:
    if count:
        skipped[reason] += count
