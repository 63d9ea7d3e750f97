"""This file knows how two locks differ: models that came and went, moved to another commit, changed licence, became gated or gone.

Why a model came or went is decided where it can be: with equal queries it was the data, with equal snapshots the query. Otherwise a
third lock tells, that of the new query on the old snapshot: what it has and the old lock has not is due to the query, and what
the new lock has and it has not is due to the data. Without it the answer is "query or data".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from graph.subset.lock import Lock
from graph.subset.rows import Row


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``kind``: "in", "out", "commit", "licence", "gated", "state", "files"."""

    kind: str
    model: str
    before: str | None
    after: str | None
    why: str  # "query", "data" or "query or data"


@dataclass(frozen=True, slots=True)
class Difference:
    """All differences, by kind in the order above and then by model."""

    same_query: bool
    same_snapshot: bool
    changes: tuple[Change, ...]
    counts: dict[str, int] = field(default_factory=dict)


KINDS = ("in", "out", "commit", "licence", "gated", "state", "files")


def difference(old: Lock, new: Lock, middle: Lock | None = None) -> Difference:
    """Compare. ``middle``: the lock of the new query on the old snapshot, where it can be had."""
    before = {row.model: row for row in old.models}
    after = {row.model: row for row in new.models}
    between = None if middle is None else {row.model for row in middle.models}
    same_query, same_snapshot = old.query == new.query, old.snapshot == new.snapshot
    changes = list[Change]()
    for model in before.keys() | after.keys():
        here, there = before.get(model), after.get(model)
        if here is not None and there is not None:
            changes += _changed(here, there)
            continue
        why = "data" if same_query else "query" if same_snapshot else "query or data"
        if why == "query or data" and between is not None:
            why = "query" if (model in between) == (there is not None) else "data"
        row = there if there is not None else here
        told = None if row is None else row.why.text()
        changes.append(
            Change("in", model, None, told, why) if there is not None else Change("out", model, told, None, why)
        )
    changes.sort(key=lambda change: (KINDS.index(change.kind), change.model.encode()))
    counts = {kind: sum(change.kind == kind for change in changes) for kind in KINDS}
    return Difference(same_query, same_snapshot, tuple(changes), {kind: n for kind, n in counts.items() if n})


def _changed(here: Row, there: Row) -> Iterable[Change]:
    facts = (
        ("commit", here.commit, there.commit),
        ("licence", _licence(here), _licence(there)),
        ("gated", here.gated, there.gated),
        ("state", here.state, there.state),
    )
    for kind, before, after in facts:
        if before != after:
            yield Change(kind, here.model, before, after, "data")
    if here.files != there.files and here.commit == there.commit:
        yield Change("files", here.model, _known(here), _known(there), "data")


def _licence(row: Row) -> str | None:
    return None if row.licence is None else row.licence.id


def _known(row: Row) -> str:
    return "not known" if row.files is None else f"{len(row.files)} files, {row.size} bytes"
