"""This file knows a subset as a catalogue of its own: a snapshot that is served, loaded and added to like any other.

Rows of the subset's models are those of the snapshot that the lock names, whatever tells of them: claims, derivations, trainings,
files, weights, similarity, novelty, results, abilities. Base models outside stay as nodes of state ``missing``, so that no claim is
lost and no lineage breaks. What depends on which models there are is found anew: generations, descendants, cycles, holders, uses
of datasets.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.catalogue import Catalogue
from graph.errors import BadInput, Damaged
from graph.kinship import kinship
from graph.records import State
from graph.snapshot import ROW_GROUP, Snapshot, Source
from graph.stores.embedded.index import build_index
from graph.subset.lock import Lock
from graph.tables import BY_NAME, UNREADABLE

_BY_MODEL = ("claims", "trainings", "files", "tensors", "changes", "novelty", "results", "abilities")


def write(lock: Lock, source: Snapshot, folder: Path) -> Snapshot:
    """Write a catalogue whose HEAD is the subset. Raises BadInput when ``source`` is another snapshot, or the folder is in use."""
    if source.id != lock.snapshot:
        raise BadInput(
            f"the lock is of snapshot {lock.snapshot[:12]}, this is {source.id[:12]}: name the catalogue that has it"
        )
    catalogue = Catalogue(folder)
    if catalogue.head_id() is not None:
        raise BadInput(f"{folder} holds a catalogue already: choose an empty folder")
    models = {row.model for row in lock.models}
    chosen = pa.array(sorted(models, key=str.encode), pa.string())
    with catalogue.locked(), catalogue.writer() as writer:
        for name in _BY_MODEL:
            writer.write(name, _kept(source, name, {"model": chosen}))
        ends = _whole(source, "derivations", {"model": chosen})
        nodes = _nodes(source, chosen, ends["base_model"])
        with_shape, derivations = _with_kinship(nodes, ends)
        writer.write("models", [arrow("models", with_shape)])
        writer.write("derivations", [arrow("derivations", derivations)])
        writer.write("aliases", _kept(source, "aliases", {"id": chosen}))
        writer.write("similar", _kept(source, "similar", {"model": chosen, "other": chosen}))
        writer.write("votes", _kept(source, "votes", {"first": chosen, "second": chosen}))
        writer.write("datasets", [arrow("datasets", _datasets(source, chosen))])
        for name, table in _weights(source, chosen).items():
            writer.write(name, [arrow(name, table)])
        newest = nodes["modified_at"].max()
        watermark = newest if isinstance(newest, datetime) else None
        snapshot = writer.commit([Source("subset", f"subset {lock.digest[:16]}", len(models), watermark)])
    build_index(snapshot)
    catalogue.set_head(snapshot.id)
    return snapshot


def arrow(name: str, frame: pl.DataFrame) -> pa.Table:
    """A table as snapshots hold it."""
    schema = BY_NAME[name].schema
    return frame.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)


def _kept(source: Snapshot, table: str, columns: dict[str, pa.Array]) -> Iterator[pa.RecordBatch]:
    """The rows each of whose ``columns`` has one of its values, batch by batch."""
    try:
        with pq.ParquetFile(source.path(table)) as file:
            if not file.schema_arrow.equals(BY_NAME[table].schema):
                raise Damaged(f"{source.path(table)} has other columns than this schema version: ingest again")
            for batch in file.iter_batches(ROW_GROUP):
                mask = None
                for column, values in columns.items():
                    found = pc.is_in(batch.column(column), value_set=values)
                    mask = found if mask is None else pc.and_(mask, found)
                yield batch.filter(mask)
    except UNREADABLE as error:
        raise Damaged(f"{source.path(table)} cannot be read ({error}): ingest again, or restore it") from error


def _whole(source: Snapshot, table: str, columns: dict[str, pa.Array]) -> pl.DataFrame:
    return _frame(pa.Table.from_batches(_kept(source, table, columns), BY_NAME[table].schema))


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(type(frame))
    return frame


def _nodes(source: Snapshot, chosen: pa.Array, bases: pl.Series) -> pl.DataFrame:
    """The models, and those outside that they were made from, by name. Raises Damaged when a model is not in the snapshot."""
    models = _whole(source, "models", {"id": chosen})
    if models.height != len(chosen):
        raise Damaged(f"snapshot {source.id[:12]} lacks models that the lock pins: verify the lock and the snapshot")
    named = bases.unique().sort()
    outside = named.filter(~named.is_in(models["id"].implode()))
    empty = pl.lit([], dtype=pl.List(pl.String))
    author = pl.when(pl.col("id").str.contains("/", literal=True)).then(pl.col("id").str.split("/").list.first())
    missing = pl.DataFrame({"id": outside}, schema={"id": pl.String}).with_columns(
        author=author, state=pl.lit(State.MISSING.value), tags=empty, languages=empty, relations=empty, standards=empty
    )
    return pl.concat([models, missing], how="diagonal").sort("id")


def _with_kinship(nodes: pl.DataFrame, edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both tables with what follows from the shape of this graph. Missing models have no base models here."""
    number = nodes.select("id").with_row_index("number")

    def place(column: str) -> npt.NDArray[np.int64]:
        joined = edges.select(id=column).join(number, on="id", how="left", maintain_order="left")
        found: npt.NDArray[np.int64] = joined["number"].cast(pl.Int64).to_numpy()
        return found

    shape = kinship(nodes.height, place("model"), place("base_model"))
    models = nodes.with_columns(
        generation=pl.Series(shape.generation, dtype=pl.Int32),
        descendants=pl.Series(shape.descendants, dtype=pl.Int64),
        base_models=pl.col("base_models").fill_null(0),
    )
    return models, edges.with_columns(cycle=pl.Series(shape.cycle, dtype=pl.Boolean))


def _datasets(source: Snapshot, chosen: pa.Array) -> pl.DataFrame:
    trainings = _whole(source, "trainings", {"model": chosen})
    uses = trainings.group_by("dataset").agg(models=pl.len().cast(pl.Int64))
    named = pa.array(uses["dataset"].sort().to_list(), pa.string())
    known = _whole(source, "datasets", {"id": named}).drop("models")
    return known.join(uses, left_on="id", right_on="dataset", how="inner").sort("id")


def _weights(source: Snapshot, chosen: pa.Array) -> dict[str, pl.DataFrame]:
    holdings = _whole(source, "holdings", {"model": chosen})
    holders = holdings.group_by("digest").agg(holders=pl.len().cast(pl.Int32))
    held = pa.array(holders["digest"].sort().to_list(), pa.string())
    weights = _whole(source, "weights", {"digest": held}).drop("holders")
    return {"weights": weights.join(holders, on="digest", how="inner").sort("digest"), "holdings": holdings}
