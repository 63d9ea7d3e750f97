"""This file knows how two snapshots differ: for each table the rows that came, went, and changed, by their keys."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from graph.snapshot import Snapshot
from graph.tables import TABLES, Table

EXAMPLES = 10  # keys named of each table


@dataclass(frozen=True, slots=True)
class Difference:
    """How one table differs; ``examples`` are some keys, marked + - or ~ for added, removed, changed."""

    added: int
    removed: int
    changed: int
    examples: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {"added": self.added, "removed": self.removed, "changed": self.changed, "examples": list(self.examples)}


def differences(before: Snapshot, after: Snapshot) -> dict[str, Difference]:
    """The content tables that differ, in the order of the schema. Equal digests are not read."""
    return {
        table.name: _difference(before, after, table)
        for table in TABLES
        if table.content and before.manifest.tables[table.name].digest != after.manifest.tables[table.name].digest
    }


def _difference(before: Snapshot, after: Snapshot, table: Table) -> Difference:
    key = list(table.key)
    old, new = _keyed(before, table), _keyed(after, table)
    added = new.join(old, on=key, how="anti").select(key)
    removed = old.join(new, on=key, how="anti").select(key)
    changed = new.join(old, on=key, how="inner").filter(pl.col("content") != pl.col("content_right")).select(key)
    examples = [
        mark + " ".join(map(str, row))
        for mark, rows in (("+", added), ("-", removed), ("~", changed))
        for row in rows.sort(key).head(EXAMPLES).iter_rows()
    ]
    return Difference(added.height, removed.height, changed.height, tuple(examples[: 3 * EXAMPLES]))


def _keyed(snapshot: Snapshot, table: Table) -> pl.DataFrame:
    """Keys, and a hash of the whole row (of this process: the two sides are hashed alike)."""
    frame = snapshot.frame(table.name)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(type(frame))
    return frame.select(*table.key, content=pl.struct(pl.all()).hash())
