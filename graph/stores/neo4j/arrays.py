"""This file knows the arrays of an open graph, by which lists are made and lineages walked: fetched once for a snapshot and kept on
disk.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from graph.errors import BadInput, Damaged, Unreachable
from graph.progress import Progress, Silent
from graph.stores.arrays.beside import make_whole
from graph.stores.arrays.shelf import Shelf
from graph.stores.lineages.walks import Lineages
from graph.stores.lists.contradicted import Contradicted
from graph.stores.lists.held import Held
from graph.stores.lists.selection import Selection
from graph.stores.neo4j.carried import COLUMNS, Piece, restore
from graph.stores.neo4j.connection import Server, translated
from graph.stores.neo4j.graph import LoadedGraph
from graph.stores.neo4j.projection import ARRAYS, MODEL
from graph.stores.neo4j.statements import statement
from graph.stores.shared import VERSION

KEPT = 3  # snapshots whose arrays are kept in the cache folder


@dataclass(frozen=True, slots=True)
class Opened:
    """What is answered in process."""

    selection: Selection
    held: Held
    contradicted: Contradicted
    lineages: Lineages


class Arrays:
    """The arrays of one graph. ``cache``: where they are kept for later; None for a folder that goes with this object."""

    def __init__(self, server: Server, snapshot: str, cache: Path | None, progress: Progress | None = None) -> None:
        self._server, self._snapshot, self._cache = server, snapshot, cache
        self._progress = progress or Silent()
        self._own: TemporaryDirectory[str] | None = None
        self._opening = asyncio.Lock()
        self.at_hand: Opened | None = None  # None until something was asked that needs them

    async def opened(self) -> Opened:
        """Fetched if they are not there. Raises Unreachable, Damaged, and BadInput where the cache folder cannot be written."""
        if self.at_hand is not None:
            return self.at_hand
        async with self._opening:
            if self.at_hand is None:
                self.at_hand = await asyncio.to_thread(self._open)
        return self.at_hand

    def close(self) -> None:
        """Give back what is not kept."""
        self.at_hand = None
        if self._own is not None:
            self._own.cleanup()

    def _open(self) -> Opened:
        shelf = Shelf(self._folder())
        selection = Selection(shelf)
        known = shelf, selection.ids, selection.name_rank
        return Opened(selection, Held(*known), Contradicted(shelf, selection), Lineages(*known))

    def _folder(self) -> Path:
        """Where the arrays are; fetched first when they are not there."""
        if self._cache is None:
            self._own = TemporaryDirectory(prefix="stemma-")
        place = Path(self._own.name) if self._own else self._cache or Path()
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = make_whole(place / f"shared-{VERSION}-{self._snapshot}", self._fetch)
            os.utime(folder)
        except OSError as error:
            raise BadInput(
                f"{place} cannot be written ({error.strerror}): set STEMMA_CACHE to a folder that can"
            ) from error
        _forget(place)
        return folder

    def _fetch(self, folder: Path) -> None:
        with self._server.driver() as driver, translated(self._server):
            graph = LoadedGraph(driver, self._server)
            counts = graph.run(statement("counts"))
            self._progress.start("fetching what lists and lineages are made by", counts[ARRAYS.name], "pieces")
            try:
                restore(self._pieces(graph), folder, counts[MODEL.name])
                wrong = None
            except Damaged as error:
                wrong = error
            finally:
                self._progress.finish()
            state = graph.state()  # while it is loaded anew, pieces of two snapshots are there
        if (state.state, state.snapshot) != ("ready", self._snapshot):
            raise Unreachable(f"the graph at {self._server.address} was loaded anew meanwhile: try again in a moment")
        if wrong is not None:
            raise Damaged(
                f"the arrays in the graph at {self._server.address} cannot be used ({wrong}): run "
                f"`stemma load {self._server.address}` into an empty database"
            ) from wrong

    def _pieces(self, graph: LoadedGraph) -> Iterator[Piece]:
        for piece in graph.rows(ARRAYS, COLUMNS):
            yield piece
            self._progress.advance(1)


def _forget(place: Path) -> None:
    """Remove arrays that were not used lately, and those of earlier forms. Whoever still has them open keeps them."""
    lately = sorted(place.glob("shared-*"), key=_used, reverse=True)
    for old in (*lately[KEPT:], *place.glob("lists-*")):
        shutil.rmtree(old, ignore_errors=True)


def _used(folder: Path) -> float:
    """When a folder was used; 0 for one that another process has removed meanwhile."""
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
