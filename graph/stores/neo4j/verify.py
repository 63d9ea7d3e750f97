"""This file knows how a loaded graph is held against its snapshot: counts and digests of every label and type."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from graph.progress import Progress, Silent
from graph.snapshot import Snapshot
from graph.stores.neo4j.change import compare, digest, told
from graph.stores.neo4j.connection import Server, translated
from graph.stores.neo4j.graph import LoadedGraph
from graph.stores.neo4j.projection import KINDS, Frame, Kind


@dataclass(frozen=True, slots=True)
class Verdict:
    """One label or type: rows and digest on both sides. ``difference`` names the first row that differs, None when equal."""

    kind: str
    expected: int
    found: int
    expected_digest: str
    found_digest: str
    difference: str | None = None

    @property
    def equal(self) -> bool:
        """The graph holds exactly the rows and properties of the snapshot."""
        return (self.expected, self.expected_digest) == (self.found, self.found_digest)


@dataclass(frozen=True, slots=True)
class Verification:
    """What ``verify`` found: whether the graph says that it holds this snapshot whole, and each kind's verdict."""

    snapshot: str
    state: str
    loaded: str | None
    verdicts: tuple[Verdict, ...]

    @property
    def equal(self) -> bool:
        """The graph holds this snapshot, whole and unchanged."""
        return self.state == "ready" and self.loaded == self.snapshot and all(v.equal for v in self.verdicts)


def verify(snapshot: Snapshot, server: Server, *, progress: Progress | None = None) -> Verification:
    """Read every property back and compare. Digests are of the values as read, so a change by hand shows.

    Digests are sums of 64-bit row hashes: both sides are computed here, they mean nothing outside of this comparison.
    """
    with server.driver() as driver, translated(server):
        graph = LoadedGraph(driver, server)
        state = graph.state()
        verdicts = []
        for kind in KINDS:
            after = kind.build(snapshot)
            found = graph.read(kind, after, progress or Silent())
            verdicts.append(_judge(kind, kind.as_read(found), kind.as_read(after)))
    return Verification(snapshot.id, state.state, state.snapshot, tuple(verdicts))


def _judge(kind: Kind, found: Frame, after: Frame) -> Verdict:
    digests = digest(after), digest(found)
    same = (len(after), digests[0]) == (len(found), digests[1])
    return Verdict(kind.name, len(after), len(found), *digests, None if same else _difference(kind, found, after))


def _difference(kind: Kind, found: Frame, after: Frame) -> str:
    change = compare(kind, told(kind, found), after)
    for rows, how in (
        (change.change, "differs"),
        (change.add, "is missing or differs"),
        (change.remove, "is not in it"),
    ):
        if not rows.is_empty():
            key = rows.row(0, named=True)
            name = " -> ".join(str(key[column]) for column in kind.key)
            there = found.filter(*(pl.col(column) == key[column] for column in kind.key))
            return f"{name} {how}{_properties(key, there)}"
    return "rows occur more than once"


def _properties(expected: dict[str, object], there: Frame) -> str:
    if len(there) != 1 or len(expected) < there.width:
        return ""
    row = there.row(0, named=True)
    parts = [
        f"{name} is {row[name]!r}, the snapshot says {expected[name]!r}" for name in row if row[name] != expected[name]
    ]
    return f": {'; '.join(parts)}" if parts else ""
