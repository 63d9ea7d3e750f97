"""This file knows one snapshot: an immutable folder of Parquet tables with the manifest that names and vouches for them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.digest import TableDigest
from graph.errors import Damaged
from graph.tables import BY_NAME, SCHEMA_VERSION, TABLES, UNREADABLE, Table

ROW_GROUP = 131_072  # rows
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where rows came from: ``kind`` is "dump", "hub", "sample" ...; ``watermark`` is the newest time that its rows carry."""

    kind: str
    name: str  # what a reader would call it: a file's base name, an endpoint; not part of the snapshot's id
    rows: int
    watermark: datetime | None = None


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What the manifest says of one table."""

    rows: int
    digest: str  # sha256 over the logical content (see graph/digest.py)
    file: str  # base name in the snapshot's folder
    size: int  # bytes of the file
    sha256: str  # of the file


@dataclass(frozen=True, slots=True)
class Manifest:
    """All facts of a snapshot. ``id`` covers everything here but times of the clock, file facts and names of sources."""

    id: str  # 64 hex digits
    schema_version: int
    tables: dict[str, TableFacts]
    sources: tuple[Source, ...]
    created_at: datetime  # when it was written

    def to_json(self) -> str:
        """The manifest as it lies on disk."""
        return json.dumps(
            {
                "id": self.id,
                "schema_version": self.schema_version,
                "created_at": self.created_at.isoformat(),
                "sources": [
                    {"kind": s.kind, "name": s.name, "rows": s.rows, "watermark": _text(s.watermark)}
                    for s in self.sources
                ],
                "tables": {
                    name: {"rows": t.rows, "digest": t.digest, "file": t.file, "size": t.size, "sha256": t.sha256}
                    for name, t in self.tables.items()
                },
            },
            indent=1,
        )

    @staticmethod
    def from_json(text: str, where: Path) -> Manifest:
        """Parse a manifest. Raises Damaged that names ``where`` when it is not one, or not one that this version reads."""
        try:
            data = json.loads(text)
            version = int(data["schema_version"])
            manifest = Manifest(
                id=str(data["id"]),
                schema_version=version,
                tables={str(name): TableFacts(**facts) for name, facts in data["tables"].items()},
                sources=tuple(
                    Source(
                        s["kind"],
                        s["name"],
                        int(s["rows"]),
                        datetime.fromisoformat(s["watermark"]) if s["watermark"] else None,
                    )
                    for s in data["sources"]
                ),
                created_at=datetime.fromisoformat(data["created_at"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Damaged(
                f"{where} is not a snapshot's manifest ({error}): remove its folder and ingest again"
            ) from error
        if version != SCHEMA_VERSION:
            raise Damaged(
                f"{where} has schema version {version}, this program reads {SCHEMA_VERSION}: ingest the sources again into an "
                "empty folder (name one with --catalogue, or move this one away)"
            )
        missing = sorted(set(BY_NAME) - set(manifest.tables))
        if missing:
            raise Damaged(f"{where} names no table {missing[0]!r}: remove its folder and ingest again")
        if manifest.id != snapshot_id(manifest.tables, manifest.sources):
            raise Damaged(f"{where}: its id does not follow from its own contents: remove its folder and ingest again")
        return manifest


def snapshot_id(tables: dict[str, TableFacts], sources: Iterable[Source]) -> str:
    """The id of a snapshot: sha256 of canonical JSON of what it holds, without clock times, file facts or source names."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "tables": {t.name: [tables[t.name].rows, tables[t.name].digest] for t in TABLES if t.content},
        "sources": sorted({(s.kind, _text(s.watermark) or "") for s in sources}),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot on disk."""

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """The snapshot's id, 64 hex digits."""
        return self.manifest.id

    @staticmethod
    def open(folder: Path) -> Snapshot:
        """Read the manifest of a snapshot's folder. Raises Damaged when it cannot be read."""
        try:
            text = (folder / MANIFEST).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Damaged(f"{folder} is not a snapshot ({error}): remove it and ingest again") from error
        return Snapshot(folder, Manifest.from_json(text, folder / MANIFEST))

    def path(self, table: str) -> Path:
        """The Parquet file of a table."""
        return self.folder / self.manifest.tables[table].file

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """A whole table in memory, rows in key order. Raises Damaged when the file is missing or not the expected schema."""
        wanted = BY_NAME[name].schema
        try:
            found = pq.read_table(self.path(name), columns=columns)
        except UNREADABLE as error:
            raise self._damaged(name, str(error)) from error
        if columns is not None:
            wanted = pa.schema([wanted.field(column) for column in columns])
        if not found.schema.equals(wanted):
            raise self._damaged(name, "its columns are not those of this schema version")
        return found

    def frame(self, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """What ``table`` gives, as Polars reads it, which is several times as quick. Raises Damaged."""
        wanted = BY_NAME[name].schema
        try:
            found = pq.read_schema(self.path(name))
            if found.equals(wanted):
                return pl.read_parquet(self.path(name), columns=None if columns is None else list(columns))
        except (*UNREADABLE, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise self._damaged(name, str(error)) from error
        raise self._damaged(name, "its columns are not those of this schema version")

    def verify(self) -> None:
        """Read everything and compare with the manifest. Raises Damaged that names the table and what differs."""
        for table in TABLES:
            facts = self.manifest.tables[table.name]
            path = self.path(table.name)
            if not path.is_file():
                raise self._damaged(table.name, "the file is missing")
            if file_sha256(path) != facts.sha256:
                raise self._damaged(table.name, "the file's sha256 is not that of the manifest")
            digest, rows = TableDigest(table.schema), 0
            with pq.ParquetFile(path) as file:
                if not file.schema_arrow.equals(table.schema):
                    raise self._damaged(table.name, "its columns are not those of this schema version")
                for batch in file.iter_batches(ROW_GROUP):
                    digest.update(batch)
                    rows += batch.num_rows
            if rows != facts.rows:
                raise self._damaged(table.name, f"it has {rows} rows, the manifest says {facts.rows}")
            if digest.hexdigest() != facts.digest:
                raise self._damaged(table.name, "its content's digest is not that of the manifest")

    def _damaged(self, table: str, what: str) -> Damaged:
        return Damaged(
            f"snapshot {self.id[:12]}, table {table!r} ({self.path(table)}): {what}; ingest again, or restore it"
        )


class SnapshotWriter:
    """Writes the tables of a new snapshot in a folder of its own; nothing is visible until ``commit``."""

    def __init__(self, work: Path, snapshots: Path) -> None:
        self._work = work
        self._snapshots = snapshots
        self._facts: dict[str, TableFacts] = {}
        self._work.mkdir(parents=True)

    @property
    def folder(self) -> Path:
        """Where the tables are written; what is made beside them here is in the snapshot's folder once that is there."""
        return self._work

    def write(self, table: str, batches: Iterable[pa.RecordBatch | pa.Table]) -> None:
        """Write one table; rows must come in key order without repeats, in any batching. Raises ValueError otherwise."""
        form = BY_NAME[table]
        if table in self._facts:
            raise ValueError(f"table {table!r} was already written")
        path = self._work / f"{table}.parquet"
        digest, rows = TableDigest(form.schema), 0
        last: pa.RecordBatch | None = None
        with pq.ParquetWriter(path, form.schema, compression="zstd", compression_level=1) as out:
            for batch in _batches(form, batches):
                _check_order(form, last, batch)
                out.write_batch(batch, row_group_size=ROW_GROUP)
                digest.update(batch)
                rows += batch.num_rows
                last = batch.slice(batch.num_rows - 1)
        _sync(path)
        self._facts[table] = TableFacts(rows, digest.hexdigest(), path.name, path.stat().st_size, file_sha256(path))

    def commit(self, sources: Iterable[Source]) -> Snapshot:
        """Tables never written are empty. Flush, compute the id, move into place; the same content twice is one snapshot."""
        for table in TABLES:
            if table.name not in self._facts:
                self.write(table.name, [])
        sources = tuple(sorted(set(sources), key=lambda s: (s.kind, s.name, s.rows, _text(s.watermark) or "")))
        tables = {table.name: self._facts[table.name] for table in TABLES}
        manifest = Manifest(snapshot_id(tables, sources), SCHEMA_VERSION, tables, sources, datetime.now(UTC))
        path = self._work / MANIFEST
        path.write_text(manifest.to_json(), encoding="utf-8")
        _sync(path)
        _sync(self._work)
        self._snapshots.mkdir(parents=True, exist_ok=True)
        place = self._snapshots / manifest.id
        if place.exists():
            shutil.rmtree(self._work)
            return Snapshot.open(place)
        self._work.rename(place)
        _sync(self._snapshots)
        return Snapshot(place, manifest)

    def discard(self) -> None:
        """Remove what was written and not committed."""
        shutil.rmtree(self._work, ignore_errors=True)


def _batches(form: Table, batches: Iterable[pa.RecordBatch | pa.Table]) -> Iterable[pa.RecordBatch]:
    for batch in batches:
        for piece in batch.to_batches(ROW_GROUP) if isinstance(batch, pa.Table) else [batch]:
            if piece.num_rows:
                yield piece.cast(form.schema) if not piece.schema.equals(form.schema) else piece


def _check_order(form: Table, last: pa.RecordBatch | None, batch: pa.RecordBatch) -> None:
    """Each row's key must be above the one before: vectorised lexicographic comparison of neighbours, nulls first."""
    rows = pa.Table.from_batches(([last] if last is not None else []) + [batch]).select(list(form.key)).combine_chunks()
    count = rows.num_rows - 1
    if count < 1:
        return
    settled = np.zeros(count, dtype=bool)  # some earlier key column is above its predecessor
    for name in form.key:
        column = rows.column(name).combine_chunks()
        before, after = column.slice(0, count), column.slice(1)
        above = pc.fill_null(pc.greater(after, before), False).to_numpy(zero_copy_only=False)
        same = pc.fill_null(pc.equal(after, before), False).to_numpy(zero_copy_only=False)
        gone, here = (
            pc.is_null(before).to_numpy(zero_copy_only=False),
            pc.is_valid(after).to_numpy(zero_copy_only=False),
        )
        above = above | (gone & here)
        same = same | (gone & ~here)
        wrong = ~settled & ~above & ~same
        if wrong.any():
            break
        settled |= above
    else:
        wrong = ~settled & form.content  # equal keys: only a report may repeat itself
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"table {form.name!r}: rows not in key order, or repeated: {rows.slice(at, 2).to_pylist()}")


def _text(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="milliseconds") if time is not None else None


def file_sha256(path: Path) -> str:
    """The sha256 of a file's content, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
