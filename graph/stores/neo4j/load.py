"""This file knows how a snapshot gets into Neo4j: constraints, the difference, indexes, and the mark that all of it is there.

What has to change is found by comparing, never by remembering: with the snapshot that the graph holds when that is still in
the catalogue, else with the graph itself, read back. So a load that was killed, on either side and anywhere, goes on from
whatever is there, and two loads in a row are the same as one.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from neo4j.exceptions import ConstraintError, DriverError, IncompleteCommit, Neo4jError

from graph.catalogue import Catalogue
from graph.errors import BadInput, Damaged, StemmaError, Unreachable
from graph.progress import Progress, Silent
from graph.snapshot import Snapshot
from graph.stores.lists.making import COVERAGE
from graph.stores.neo4j.change import Change, compare, first_load, told
from graph.stores.neo4j.connection import Server, explain, translated
from graph.stores.neo4j.graph import ChangedUnderway, GraphState, LoadedGraph
from graph.stores.neo4j.offline import IMPORTED
from graph.stores.neo4j.projection import FORM, KINDS
from graph.stores.neo4j.statements import statement
from graph.stores.shared import shared_of
from graph.tables import SCHEMA_VERSION

PATIENCE_SECONDS = 90.0  # how long a server may be away in the middle of a load: a restart with recovery
PAUSE_SECONDS = 0.5
RESTARTS = 20  # of one load


@dataclass(slots=True)
class LoadReport:
    """What a load did: rows added, updated and removed by kind."""

    snapshot: str
    previous: str | None = None
    compared_with: str = "nothing"  # an empty graph; or "import", "snapshot", "graph" (read back), "itself" (no work)
    added: dict[str, int] = field(default_factory=dict)
    updated: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    restarts: int = 0  # times that the server went away and the load went on
    seconds: float = 0.0


def load(
    snapshot: Snapshot,
    server: Server,
    *,
    progress: Progress | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> LoadReport:
    """Make the graph hold this snapshot.

    Raises BadInput for wrong credentials, a foreign database or a second load beside this one, Unreachable when the server stays
    away for ``patience_seconds``; the graph is then marked as unfinished, and the same call goes on from there.
    """
    began = time.monotonic()
    report = LoadReport(snapshot.id)
    shared_of(snapshot)  # made now where it is not there: what fails here is no fault of the server
    with server.driver() as driver:
        graph = LoadedGraph(driver, server)
        with translated(server):  # no patience here: a wrong address is told at once
            graph.state()
        while True:
            try:
                _bring(snapshot, graph, report, progress or Silent())
            except (DriverError, Neo4jError, OSError, ChangedUnderway) as error:
                report.restarts += 1
                if not _passes(error) or report.restarts > RESTARTS:
                    raise _told(server, error) from error
                _await(graph, server, patience_seconds)
            else:
                report.seconds = time.monotonic() - began
                return report


def _passes(error: Exception) -> bool:
    """True when comparing again and going on may help.

    A commit whose answer was lost may or may not have happened; and the last batch of a killed load may still commit after
    this one has looked, so that a row is there already (ConstraintError).
    """
    if isinstance(error, DriverError | Neo4jError):
        return isinstance(error, IncompleteCommit | ConstraintError) or error.is_retryable()
    return True


def _told(server: Server, error: Exception) -> StemmaError:
    if isinstance(error, ChangedUnderway):
        return Damaged(
            f"the graph at {server.address} changes while it is loaded ({error}): stop what else writes to it"
        )
    return explain(server, error)


def _await(graph: LoadedGraph, server: Server, patience_seconds: float) -> None:
    """Wait until the server answers again."""
    deadline = time.monotonic() + patience_seconds
    while True:
        time.sleep(PAUSE_SECONDS)
        try:
            graph.state()
        except (DriverError, Neo4jError, OSError) as error:
            if time.monotonic() > deadline:
                raise Unreachable(
                    f"the Neo4j server at {server.address} went away during the load and did not come back within "
                    f"{patience_seconds:.0f} s: start it, then run the same command again; it goes on where it stopped"
                ) from error
        else:
            return


def _bring(snapshot: Snapshot, graph: LoadedGraph, report: LoadReport, progress: Progress) -> None:
    """One attempt, from whatever the graph holds now."""
    state = graph.state()
    if state.state == "ready" and state.snapshot == snapshot.id and state.form == FORM:
        report.compared_with = report.compared_with if report.restarts else "itself"
        return
    report.previous = report.previous or state.snapshot
    run = uuid.uuid4().hex
    graph.prepare("schema")
    graph.run(statement("catalogue_claim"), run=run, snapshot=snapshot.id)
    try:
        expected: dict[str, int] = {}
        if state.state == "empty":
            for kind in KINDS:
                change = first_load(kind, kind.build(snapshot))
                expected[kind.name] = len(change.add)
                _write(graph, change, run, report, progress)
            _index(graph, progress)
        elif state.state == IMPORTED and state.loading == snapshot.id and state.rows is not None:
            report.compared_with = "import"
            expected = json.loads(state.rows)
            _index(graph, progress)
        else:
            if state.form != FORM:
                graph.begin("retired")
                while graph.run(statement("retired_nodes")):
                    pass
            graph.prepare("indexes")
            changes = list(_changes(snapshot, state, graph, report, progress, expected))
            for change in reversed(changes):
                _remove(graph, change, run, report, progress)
            for change in changes:
                _write(graph, change, run, report, progress)
        found = graph.run(statement("counts"))
        if found != expected:  # an earlier load's last batch came in between
            raise ChangedUnderway(f"{found} nodes and relationships, {expected} expected")
    except ChangedUnderway as error:
        if graph.state().run != run:
            raise BadInput(
                f"another load has taken over the graph of {snapshot.id[:12]}: let it finish, then run this one again"
            ) from error
        raise
    finished = graph.run(
        statement("catalogue_finish"),
        run=run,
        snapshot=snapshot.id,
        schema_version=SCHEMA_VERSION,
        form=FORM,
        coverage=json.dumps(shared_of(snapshot).get_facts(COVERAGE)),
    )
    if finished != 1:
        raise BadInput("another load has taken over the graph: let it finish, then run this one again")


def _index(graph: LoadedGraph, progress: Progress) -> None:
    progress.start("building indexes", None, "indexes")
    graph.prepare("indexes")
    progress.finish()


def _changes(
    snapshot: Snapshot,
    state: GraphState,
    graph: LoadedGraph,
    report: LoadReport,
    progress: Progress,
    expected: dict[str, int],
) -> Iterator[Change]:
    """By kind, what differs from the snapshot that the graph holds, or from the graph itself when that is not known.

    ``expected`` takes how many rows of each kind there are to be.
    """
    held = _held(snapshot, state)
    report.compared_with = "graph" if held is None else "snapshot"
    for kind in KINDS:
        if held is not None and kind.digest is not None:
            after = kind.build(snapshot)
            before = told(kind, graph.digests(kind, after, progress), digests=True)
            change = compare(kind, before, after, digests=True)
        elif held is not None:
            before = told(
                kind, kind.build(held)
            )  # the whole of one at a time: each has gigabytes where models are millions
            after = kind.build(snapshot)
            change = compare(kind, before, after)
        else:
            after = kind.build(snapshot)
            change = compare(kind, told(kind, graph.read(kind, after, progress)), after)
        expected[kind.name] = len(after)
        yield change


def _held(snapshot: Snapshot, state: GraphState) -> Snapshot | None:
    """The snapshot that the graph holds whole, in this form, when it is still in the catalogue that ``snapshot`` lies in."""
    if state.state != "ready" or state.snapshot is None or state.form != FORM:
        return None
    try:
        return Catalogue(snapshot.folder.parent.parent).get(state.snapshot)
    except StemmaError:
        return None


def _remove(graph: LoadedGraph, change: Change, run: str, report: LoadReport, progress: Progress) -> None:
    graph.write(change.kind, "remove", change.remove, run, progress)
    _count(report.removed, change.kind.name, len(change.remove))


def _write(graph: LoadedGraph, change: Change, run: str, report: LoadReport, progress: Progress) -> None:
    graph.write(change.kind, "add", change.add, run, progress)
    _count(report.added, change.kind.name, len(change.add))
    graph.write(change.kind, "set", change.change, run, progress)
    _count(report.updated, change.kind.name, len(change.change))


def _count(counts: dict[str, int], kind: str, rows: int) -> None:
    if rows:
        counts[kind] = counts.get(kind, 0) + rows
