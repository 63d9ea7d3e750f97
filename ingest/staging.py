"""This file knows what a run has read and not yet made into a snapshot: parts, each written whole or not at all.

A part is a folder ``part-<name>`` with one Arrow file for each staged table. It appears by one rename, so a killed run leaves
only whole parts; the next run finds them by name and does not read that input again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

import numpy as np
import pyarrow as pa

from graph.errors import Damaged
from graph.tables import CHANGES, DATASETS, MODELS, RESULTS, SIMILAR, SKIPPED, TENSORS

COMPUTED = {
    "relations",
    "generation",
    "descendants",
    "base_models",
    "models",
    "novelty",
    "novelty_class",
    "ability",
    "standards",
}  # made by assembling, not by reading
SIMILAR_ANEW = "similar"  # the note that a run tells anew which models are alike
NEW_NORM = "norm"  # the note that abilities are to have another norm
WEIGHTS_ANEW = "weights"  # the note that a run tells anew what all known weights say


class Speaks(IntFlag):
    """Of which things a row says all that there is, so that it stands against an older row that says otherwise."""

    HUB = 1  # the Hub's baseModels
    CARD = 2  # the card's front matter
    TAGS = 4
    FILES = 8
    RESULTS = 16  # the Hub's evalResults
    INDEX = 32  # the card's model-index


def _staged(schema: pa.Schema) -> list[pa.Field]:
    return [field for field in schema if field.name not in COMPUTED]


_ROW = pa.field("row", pa.int64(), nullable=False)
_TIE = pa.field("tie", pa.uint64(), nullable=False)
STAGED: dict[str, pa.Schema] = {
    "models": pa.schema([_ROW, *_staged(MODELS.schema), pa.field("speaks", pa.uint8(), nullable=False), _TIE]),
    "datasets": pa.schema([_ROW, *_staged(DATASETS.schema), _TIE]),
    "claims": pa.schema(
        [
            _ROW,
            pa.field("said", pa.string(), nullable=False),  # a well-formed name, as spelled
            ("base_hub_id", pa.string()),  # the permanent id, when the Hub gave it
            pa.field("relation", pa.string(), nullable=False),
            pa.field("evidence", pa.string(), nullable=False),
            pa.field("where", pa.string(), nullable=False),
            ("confidence", pa.float64()),  # of inferred claims
            ("detail", pa.string()),
        ]
    ),
    "trainings": pa.schema(
        [_ROW, pa.field("dataset", pa.string(), nullable=False), pa.field("evidence", pa.string(), nullable=False)]
    ),
    "files": pa.schema(
        [
            _ROW,
            pa.field("path", pa.string(), nullable=False),
            ("size", pa.int64()),
            ("sha256", pa.string()),
            ("blob_id", pa.string()),
        ]
    ),
    "aliases": pa.schema([("alias", pa.string()), ("id", pa.string()), ("source", pa.string())]),
    "similar": SIMILAR.schema,
    "changes": CHANGES.schema,
    "tensors": TENSORS.schema,
    "results": pa.schema(
        [
            ("said", pa.string()),  # the model, as spelled
            *(field for field in RESULTS.schema if field.name not in ("model", "known")),
        ]
    ),
    "declared": pa.schema(
        [_ROW, *(field for field in RESULTS.schema if field.name not in ("model", "known"))]
    ),  # results that a record tells of its own model
    "votes": pa.schema(
        [("first", pa.string()), ("second", pa.string()), ("won", pa.float64()), ("source", pa.string())]
    ),
    "seen": pa.schema([("kind", pa.string()), ("id", pa.string()), ("hub_id", pa.string())]),
    "skipped": SKIPPED.schema,
}


@dataclass(frozen=True, slots=True)
class PartCounts:
    """How much a part holds: rows read, rows that could not be read, what was left out by reason."""

    rows: int
    bad_rows: int
    skipped: Mapping[str, int]


class Staging:
    """The parts of one run, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def parts(self) -> list[str]:
        """The names of the whole parts, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name.removeprefix("part-") for path in self.folder.glob("part-*"))

    def has(self, name: str) -> bool:
        """Whether this part is there, whole."""
        return (self.folder / f"part-{name}").is_dir()

    def write(self, name: str, tables: Mapping[str, pa.Table], counts: PartCounts) -> None:
        """Write a part: its tables (those not given are empty) and counts; visible at once and whole."""
        work = self.folder / f".new-{name}-{os.getpid()}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        for table, rows in tables.items():
            with pa.OSFile(str(work / f"{table}.arrow"), "wb") as file, pa.ipc.new_file(file, STAGED[table]) as out:
                out.write_table(rows)
        facts = {"rows": counts.rows, "bad_rows": counts.bad_rows, "skipped": dict(counts.skipped)}
        (work / "counts.json").write_text(json.dumps(facts), encoding="utf-8")
        try:
            work.rename(self.folder / f"part-{name}")
        except OSError:
            if not self.has(name):
                raise
            shutil.rmtree(work)  # another process of a killed run was quicker: the same input gives the same part

    def counts(self) -> PartCounts:
        """The counts of all parts together."""
        rows = bad_rows = 0
        skipped: Counter[str] = Counter()
        for name in self.parts():
            facts = json.loads((self.folder / f"part-{name}" / "counts.json").read_text(encoding="utf-8"))
            rows += facts["rows"]
            bad_rows += facts["bad_rows"]
            skipped.update(facts["skipped"])
        return PartCounts(rows, bad_rows, skipped)

    def batches(self, table: str) -> Iterator[pa.Table]:
        """The rows of one staged table, a part at a time; ``row`` is made unique in the run."""
        for number, name in enumerate(self.parts()):
            path = self.folder / f"part-{name}" / f"{table}.arrow"
            if not path.exists():
                continue
            try:
                with pa.memory_map(str(path)) as file:
                    rows = pa.ipc.open_file(file).read_all()
            except pa.ArrowException as error:
                raise Damaged(f"{path} cannot be read ({error}): remove {self.folder} and run again") from error
            if "row" in rows.schema.names and rows.schema.names[0] == "row":
                unique = rows.column("row").to_numpy() + (np.int64(number) << np.int64(32))
                rows = rows.set_column(0, _ROW, pa.array(unique, pa.int64()))
            yield rows

    def table(self, table: str) -> pa.Table:
        """All rows of one staged table."""
        return pa.concat_tables([STAGED[table].empty_table(), *self.batches(table)])

    def note(self, key: str, value: str | None = None) -> str | None:
        """Keep a fact about the run (a cursor, whether a sweep was complete), or read it when no value is given."""
        path = self.folder / f"note-{key}"
        if value is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            new.write_text(value, encoding="utf-8")
            new.replace(path)
            return value
        return path.read_text(encoding="utf-8") if path.exists() else None

    def remove(self) -> None:
        """Forget the run."""
        shutil.rmtree(self.folder, ignore_errors=True)
