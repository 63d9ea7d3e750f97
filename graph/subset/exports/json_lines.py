"""This file knows a subset as JSON lines: the rows of the lock, one model a line."""

from __future__ import annotations

from pathlib import Path

from graph.subset.lock import Lock, canonical


def write(lock: Lock, path: Path) -> None:
    """Write one file."""
    with path.open("wb") as file:
        file.writelines(canonical(row) + b"\n" for row in lock.models)
