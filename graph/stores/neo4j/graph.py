"""This file knows a loaded graph from the loader's side: its state, its rows read back, and batches written to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Any, LiteralString

import polars as pl
from neo4j import READ_ACCESS, Driver, ManagedTransaction

from graph.errors import BadInput, Damaged
from graph.progress import Progress
from graph.stores.neo4j.connection import Server
from graph.stores.neo4j.projection import Frame, Kind
from graph.stores.neo4j.statements import statement, statements

LANES = 3  # transactions at a time: on two cores the server packs one while it commits another and the client encodes
READ_CHUNK = 100_000
INDEX_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class GraphState:
    """``snapshot`` is the last one that was wholly loaded; ``state`` is "empty", "loading", "imported" or "ready"."""

    state: str
    snapshot: str | None
    loading: str | None
    run: str | None
    rows: str | None = None  # what an import wrote, by label and type, as JSON
    form: int | None = None  # see projection.FORM; None for the first


class ChangedUnderway(Exception):
    """A batch met other rows than those compared: somebody else writes, or an earlier commit was not seen."""


class LoadedGraph:
    """The graph behind one driver."""

    def __init__(self, driver: Driver, server: Server) -> None:
        self._driver = driver
        self._server = server

    def run(self, text: LiteralString, **parameters: object) -> Any:
        """One statement in its own transaction; the first value of its first row, None when it has no row."""
        with self._driver.session(database=self._server.database) as session:
            record = session.run(text, parameters).single()
            return None if record is None else record.value()

    def state(self) -> GraphState:
        """What the graph holds. Raises BadInput when it holds nodes of our labels that Stemma did not load."""
        catalogue, nodes = self.run(statement("catalogue_state"))
        if catalogue is None:
            if nodes:
                raise BadInput(
                    f"the database {self._server.database!r} at {self._server.address} holds Model, Dataset or Weights nodes "
                    "that Stemma did not load: give an empty database"
                )
            return GraphState("empty", None, None, None)
        return GraphState(
            catalogue["state"] if nodes or catalogue["state"] == "ready" else "empty",
            catalogue["snapshot"],
            catalogue["loading"],
            catalogue["run"],
            catalogue["rows"],
            catalogue["form"],
        )

    def begin(self, name: str) -> None:
        """Run the statements of a schema file in one transaction; the server goes on filling indexes behind it."""
        with self._driver.session(database=self._server.database) as session:
            session.execute_write(_run_all, statements(name))

    def prepare(self, name: str) -> None:
        """Run the statements of a schema file, and wait until the indexes are filled.

        They are one transaction, because the server fills the indexes of a transaction in one pass over its nodes.
        """
        self.begin(name)
        while waiting := self.run(statement("indexes_waiting")):
            failed = [index for index, state in waiting if state == "FAILED"]
            if failed:
                raise Damaged(f"the index {failed[0]} cannot be filled: drop it, see the server's log, then load again")
            time.sleep(INDEX_PAUSE_SECONDS)

    def digests(self, kind: Kind, like: Frame, progress: Progress) -> Frame:
        """The keys and digests of all rows of a kind that has digests, in columns like those of ``like``."""
        return self._read("digests", kind, like.select(*kind.key, kind.digest), progress)

    def read(self, kind: Kind, like: Frame, progress: Progress) -> Frame:
        """All rows of a kind as the graph holds them, in columns like those of ``like``."""
        return self._read("read", kind, like, progress)

    def _read(self, what: str, kind: Kind, like: Frame, progress: Progress) -> Frame:
        progress.start(f"reading {kind.name} back", None, "rows")
        names = like.columns
        chunks = [like.clear()]
        with self._driver.session(
            database=self._server.database, default_access_mode=READ_ACCESS, fetch_size=5 * kind.batch
        ) as session:
            result = session.run(statement(f"{what}_{kind.slug}"))
            order = [result.keys().index(name) for name in names]
            rows: list[tuple[object, ...]] = []
            for record in result:
                values = record.values()
                rows.append(tuple(values[place] for place in order))
                if len(rows) == READ_CHUNK:
                    chunks.append(_frame(rows, like))
                    progress.advance(len(rows))
                    rows = []
        chunks.append(_frame(rows, like))
        progress.advance(len(rows))
        progress.finish()
        return pl.concat(chunks)

    def rows(self, kind: Kind, columns: Sequence[str]) -> Iterator[Any]:
        """All rows of a kind as the graph holds them, each a tuple of these columns, a few at a time."""
        with self._driver.session(
            database=self._server.database, default_access_mode=READ_ACCESS, fetch_size=kind.batch
        ) as session:
            for record in session.run(statement(f"read_{kind.slug}")):
                yield tuple(record[name] for name in columns)

    def write(self, kind: Kind, verb: str, rows: Frame, run: str, progress: Progress) -> None:
        """Send the rows in batches, several at a time. Raises ChangedUnderway when a batch did not find what it names."""
        if rows.is_empty():
            return
        text = statement(f"load_{kind.slug}_{verb}")
        progress.start(f"{_DOING[verb]} {kind.name}", len(rows), "rows")
        failed = Event()

        def lane(batches: Iterator[Frame]) -> None:
            with self._driver.session(database=self._server.database) as session:
                for batch in batches:
                    if failed.is_set():
                        return
                    columns: dict[str, object] = {name: batch[name].to_list() for name in batch.columns}
                    done = session.execute_write(_send, text, columns | {"run": run})
                    if verb != "remove" and done != len(batch):
                        raise ChangedUnderway(f"{verb} {kind.name}: {done} of {len(batch)} rows")
                    progress.advance(len(batch))

        with ThreadPoolExecutor(LANES) as pool:
            lanes = [pool.submit(lane, _batches(rows, kind.batch, first)) for first in range(LANES)]
            wait(lanes, return_when=FIRST_EXCEPTION)
            if any(future.done() and future.exception() for future in lanes):
                failed.set()
        for future in lanes:
            future.result()
        progress.finish()


_DOING = {"add": "adding", "set": "updating", "remove": "removing"}


def _send(tx: ManagedTransaction, text: LiteralString, parameters: dict[str, object]) -> int:
    record = tx.run(text, parameters).single(strict=True)
    done: int = record.value()
    return done


def _run_all(tx: ManagedTransaction, texts: tuple[LiteralString, ...]) -> None:
    for text in texts:
        tx.run(text).consume()


def _batches(rows: Frame, size: int, first: int) -> Iterator[Frame]:
    for start in range(first * size, len(rows), LANES * size):
        yield rows.slice(start, size)


def _frame(rows: list[tuple[object, ...]], like: Frame) -> Frame:
    columns = zip(*rows, strict=True) if rows else [()] * like.width
    return pl.DataFrame(
        [_column(name, list(values), like.schema[name]) for name, values in zip(like.columns, columns, strict=True)]
    )


def _column(name: str, values: list[object], kind: pl.DataType) -> pl.Series:
    try:
        return pl.Series(name, values, dtype=kind, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        # Put there by hand: a value of another type is as good as none, so that it differs from the snapshot's.
        python = list if isinstance(kind, pl.List) else kind.to_python()
        kept = [value if type(value) is python else None for value in values]
        return pl.Series(name, kept, dtype=kind, strict=False)
