"""This file knows how long work shows how far it is: rich bars on stderr, nothing when stderr is not a terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class Bars:
    """Implements ``graph.progress.Progress``; shown only when a step lasts, and only to people."""

    def __init__(self) -> None:
        quiet = not sys.stderr.isatty()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._bars = Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True)
        self._task: TaskID | None = None

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, what: str, total: int | None, unit: str) -> None:
        """A step begins."""
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(what if unit == "bytes" else f"{what} ({unit})", total=total)

    def advance(self, n: int) -> None:
        """More is done."""
        if self._task is not None:
            self._bars.advance(self._task, n)

    def finish(self) -> None:
        """The step ended."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
