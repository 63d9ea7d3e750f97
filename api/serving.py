"""This file knows which store answers now: it follows the catalogue's HEAD, and closes a store when its last request is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio.to_thread
import structlog

from graph.errors import StemmaError, Unreachable
from graph.snapshot import Source
from graph.store import Store

_log = structlog.get_logger("stemma.store")
WATCH_SECONDS = 2.0


@dataclass(slots=True)
class _Open:
    store: Store
    sources: tuple[Source, ...]
    users: int = 0
    retired: bool = False


class _Use:
    """One use of a store; one that was retired meanwhile is closed after its last use."""

    __slots__ = ("_opened",)

    def __init__(self, opened: _Open) -> None:
        self._opened = opened

    async def __aenter__(self) -> tuple[Store, tuple[Source, ...]]:
        self._opened.users += 1
        return self._opened.store, self._opened.sources

    async def __aexit__(self, *_: object) -> None:
        self._opened.users -= 1
        if self._opened.retired and self._opened.users == 0:
            await self._opened.store.close()


class Serving:
    """Holds the store that answers. ``current`` says what should be open (a cheap call), ``open_store`` opens it."""

    def __init__(
        self,
        current: Callable[[], str | None],
        open_store: Callable[[], Awaitable[tuple[Store, tuple[Source, ...]]]],
        watch_seconds: float = WATCH_SECONDS,
    ) -> None:
        self._current = current
        self._open_store = open_store
        self._watch_seconds = watch_seconds
        self._open: _Open | None = None

    def store(self) -> _Use:
        """The store that answers now, and its sources, kept open while used. Raises Unreachable before the first is open."""
        if self._open is None:
            raise Unreachable("no snapshot is open yet: try again in a moment")
        return _Use(self._open)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the store, follow HEAD while the service runs, and close at the end."""
        self._open = _Open(*await self._open_store())
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await self._retire(self._open)
            self._open = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._watch_seconds)
            try:
                wanted = await anyio.to_thread.run_sync(self._current)
                if self._open is None or wanted in (None, self._open.store.snapshot):
                    continue
                before, self._open = self._open, _Open(*await self._open_store())
            except (StemmaError, OSError) as error:
                _log.warning("the new snapshot could not be opened; the old one goes on answering", reason=str(error))
                continue
            _log.info("snapshot swapped", before=before.store.snapshot[:12], now=self._open.store.snapshot[:12])
            await self._retire(before)

    @staticmethod
    async def _retire(opened: _Open) -> None:
        opened.retired = True
        if opened.users == 0:
            await opened.store.close()
