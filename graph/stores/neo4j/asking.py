"""This file knows one loaded graph that is asked: it answers only while it holds the snapshot that it was opened on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from graph.errors import NotFound, Unreachable
from graph.stores.neo4j.connection import Asker, Server
from graph.stores.neo4j.projection import FORM
from graph.stores.neo4j.rows import Row
from graph.stores.neo4j.statements import statement

LOOK_SECONDS = 1.0  # how often it is made sure that the graph was not loaded anew
T = TypeVar("T")


class OpenGraph:
    """A graph that is whole, under the id of its snapshot."""

    def __init__(self, asker: Asker, snapshot: str) -> None:
        self._asker = asker
        self.snapshot = snapshot
        self._looked = time.monotonic()

    @classmethod
    async def at(cls, server: Server) -> OpenGraph:
        """Open it. Raises NotFound when nothing is loaded, Unreachable while it is not whole."""
        asker = Asker(server)
        try:
            return cls(asker, await _whole(asker))
        except BaseException:
            await asker.close()
            raise

    @property
    def server(self) -> Server:
        """Where it is."""
        return self._asker.server

    async def ask(self, question: str, /, **parameters: object) -> Any:
        """The answer to ``cypher/<question>.cypher``. Raises Unreachable."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            await self._look()
        return await self._asker.ask(statement(question), parameters)

    async def each(self, question: str, ids: Sequence[str], read: Callable[[Any], T]) -> list[T | None]:
        """For each id what ``read`` makes of its answer; None where there is none. The question's rows are [id, answer]."""
        found = {id: read(row) for id, row in await self.ask(question, ids=distinct(ids))} if ids else {}
        return [found.get(id) for id in ids]

    async def grouped(self, question: str, ids: Sequence[str], read: Callable[[Row], T]) -> list[tuple[T, ...]]:
        """For each id what ``read`` makes of its rows, in the order of the answer. The question's rows begin with the id."""
        found: dict[str, list[T]] = {id: [] for id in ids}
        for row in await self.ask(question, ids=list(found)) if ids else ():
            found[row[0]].append(read(row))
        return [tuple(found[id]) for id in ids]

    async def close(self) -> None:
        """Give back the connections."""
        await self._asker.close()

    async def _look(self) -> None:
        """Raise Unreachable when the graph was loaded anew meanwhile: its answers are of another snapshot."""
        found = await _whole(self._asker)
        if found != self.snapshot:
            self._looked = 0.0
            raise Unreachable(
                f"the graph at {self._asker.server.address} now holds snapshot {found[:12]}, this store was opened on "
                f"{self.snapshot[:12]}: open it again"
            )


def distinct(ids: Sequence[str]) -> list[str]:
    """Each once, in the order asked."""
    return list(dict.fromkeys(ids))


async def _whole(asker: Asker) -> str:
    """The id of the snapshot that the graph holds."""
    server = asker.server
    catalogue, _ = await asker.ask(statement("catalogue_state"), {})
    if catalogue is None or (catalogue["state"] == "loading" and catalogue["loading"] is None):
        raise NotFound(
            "snapshot", server.database, f"the graph at {server.address} is empty; fill it with `stemma load`"
        )
    if catalogue["state"] != "ready":
        raise Unreachable(
            f"the graph at {server.address} holds only a part of snapshot {str(catalogue['loading'])[:12]}: wait for the load "
            f"that is running, or run `stemma load {server.address}` again to finish it"
        )
    if catalogue["form"] != FORM:
        raise Unreachable(
            f"the graph at {server.address} was loaded by another version of Stemma: run `stemma load {server.address}` again, "
            "which adds what is missing"
        )
    return str(catalogue["snapshot"])
