"""This file knows the table of all sketches of a catalogue: one Arrow file on the shelf, mapped where it lies, 8 KB a model.

It follows from the shelf's files and is brought up to them: each row names the file that it was made from and its time, so that
a run that was cut off, or another process that read checkpoints, leaves nothing out.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.errors import Damaged
from graph.tables import UNREADABLE
from ingest.weights.checkpoint import Values
from ingest.weights.linear_sketch import CANDIDATES, VERSION, LinearSketch, sketch_of
from ingest.weights.shelf import WeightShelf

_AT_ONCE = 20_000  # sketches made between two writings of the file
_VECTOR = pa.list_(pa.float32(), CANDIDATES)
SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),  # of the shelf
        pa.field("stamp", pa.int64(), nullable=False),  # when it was last changed, ns
        pa.field("model", pa.string(), nullable=False),
        pa.field("tier", pa.string(), nullable=False),
        pa.field("read_bytes", pa.int64(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
        pa.field("layers", _VECTOR, nullable=False),  # zeros where there are none
        pa.field("outside", _VECTOR, nullable=False),
        pa.field("profile", pa.list_(pa.float32()), nullable=False),
    ]
)


@dataclass(frozen=True)
class Sketches:
    """The sketches of many models, in columns; row by row the same models."""

    files: Sequence[str]  # of the shelf
    stamps: Sequence[int]
    models: Sequence[str]
    tiers: Sequence[str]
    read_bytes: npt.NDArray[np.int64]
    width: npt.NDArray[np.int32]
    content: npt.NDArray[np.str_]
    layers: Values  # (models, CANDIDATES) float32, of length 1 or 0
    outside: Values
    profile: Values  # all profiles, one after the other
    profile_ends: npt.NDArray[np.int64]  # (models + 1,)

    def __len__(self) -> int:
        return len(self.models)

    def profile_of(self, row: int) -> Values:
        """The profile of one model."""
        return self.profile[self.profile_ends[row] : self.profile_ends[row + 1]]


class SketchTable:
    """The file of sketches of one shelf."""

    def __init__(self, shelf: WeightShelf) -> None:
        self._shelf = shelf
        self.path = shelf.folder / f"sketches-{VERSION}.arrow"

    def refreshed(self, tell: Callable[[int], None] | None = None) -> Sketches:
        """The sketches of all models on the shelf, by the names of its files; what is missing is made. ``tell``: of each batch."""
        while True:
            known, stamps = self._read(), self._shelf.stamps()
            pairs = zip(known["file"].to_pylist(), known["stamp"].to_pylist(), strict=True)
            fresh = [stamps.get(file) == stamp for file, stamp in pairs]
            held = set(known["file"].filter(pa.array(fresh, pa.bool_())).to_pylist())
            missing = [file for file in stamps if file not in held]
            if not missing and all(fresh):
                return columns(known)
            now, later = missing[:_AT_ONCE], missing[_AT_ONCE:]
            made = [(file, stamps[file], sketch_of(self._shelf.read(file))) for file in now]
            table = pa.concat_tables([known.filter(pa.array(fresh, pa.bool_())), table_of(made)]).sort_by("file")
            write_sketches(self.path, table)
            if tell is not None:
                tell(len(made))
            if not later:
                return columns(self._read())

    def _read(self) -> pa.Table:
        if not self.path.is_file():
            return SCHEMA.empty_table()
        try:
            found = pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()
        except UNREADABLE as error:
            raise Damaged(f"{self.path} cannot be read ({error}): remove it, it is made again") from error
        if found.schema != SCHEMA:
            raise Damaged(f"{self.path} has other columns: remove it, it is made again")
        return found


def write_sketches(path: Path, table: pa.Table) -> None:
    """Write a table of sketches in one piece; the file appears whole. Threads and processes may do it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".new-{os.getpid()}-{threading.get_ident()}.arrow")
    whole = table.combine_chunks()
    with pa.OSFile(str(work), "wb") as file, pa.ipc.new_file(file, SCHEMA) as out:
        out.write_table(whole, max_chunksize=max(1, whole.num_rows))
    work.replace(path)


def table_of(made: Sequence[tuple[str, int, LinearSketch]]) -> pa.Table:
    """Rows for sketches, each with its file and the file's time."""
    vectors = {
        part: np.stack([_vector(getattr(each, part)) for _, _, each in made] or [np.zeros((0, CANDIDATES), np.float32)])
        for part in ("layers", "outside")
    }
    profiles = [each.profile for _, _, each in made]
    ends = np.cumsum([0, *(len(profile) for profile in profiles)], dtype=np.int32)
    values = np.concatenate(profiles) if profiles else np.empty(0, dtype=np.float32)
    return pa.table(
        {
            "file": [file for file, _, _ in made],
            "stamp": pa.array([stamp for _, stamp, _ in made], pa.int64()),
            **{
                name: [getattr(each, name) for _, _, each in made]
                for name in ("model", "tier", "read_bytes", "width", "content")
            },
            **{
                part: pa.FixedSizeListArray.from_arrays(pa.array(each.reshape(-1)), CANDIDATES)
                for part, each in vectors.items()
            },
            "profile": pa.ListArray.from_arrays(pa.array(ends), pa.array(values)),
        },
        schema=SCHEMA,
    )


def columns(table: pa.Table) -> Sketches:
    """A table's columns as arrays; those of one piece are not copied."""
    whole = table.combine_chunks() if table["layers"].num_chunks > 1 else table
    profiles = whole["profile"].combine_chunks()
    return Sketches(
        whole["file"].to_pylist(),
        whole["stamp"].to_pylist(),
        whole["model"].to_pylist(),
        whole["tier"].to_pylist(),
        whole["read_bytes"].to_numpy(),
        whole["width"].to_numpy(),
        np.array(whole["content"].to_pylist(), dtype=np.str_),
        _matrix(whole["layers"]),
        _matrix(whole["outside"]),
        np.asarray(profiles.values.to_numpy(), dtype=np.float32),
        np.asarray(profiles.offsets.to_numpy(), dtype=np.int64),
    )


def _vector(values: Values | None) -> Values:
    return np.zeros(CANDIDATES, dtype=np.float32) if values is None else values


def _matrix(column: pa.ChunkedArray) -> Values:
    if not len(column):
        return np.empty((0, CANDIDATES), dtype=np.float32)
    (piece,) = column.chunks
    values = piece.values.to_numpy(zero_copy_only=True)[piece.offset * CANDIDATES :]
    return np.asarray(values, dtype=np.float32).reshape(-1, CANDIDATES)[: len(piece)]
