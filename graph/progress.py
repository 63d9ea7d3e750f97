"""This file knows how long work says how far it is, to whom it may concern."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where a long step says how far it is."""

    def start(self, what: str, total: int | None, unit: str) -> None:
        """A step begins: ``total`` of ``unit`` ("rows", "bytes") are to be done, None when that is not known."""
        ...

    def advance(self, n: int) -> None:
        """``n`` more are done."""
        ...

    def finish(self) -> None:
        """The step ended."""
        ...


class Silent:
    """Progress that nobody looks at."""

    def start(self, what: str, total: int | None, unit: str) -> None:
        """Say nothing."""

    def advance(self, n: int) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""
