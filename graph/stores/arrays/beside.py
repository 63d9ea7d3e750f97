"""This file knows how folders are made beside a snapshot's tables: what follows from them, made once, never part of its id."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import get_native_id


def make_whole(place: Path, fill: Callable[[Path], None]) -> Path:
    """Have ``fill`` make the folder unless it is there; it is seen whole or not at all.

    Several processes and threads may do it at once: each works in a folder of its own, and the first to finish wins.
    """
    if place.is_dir():
        return place
    unfinished = f".{place.name}-"
    for stale in place.parent.glob(f"{unfinished}*"):  # left by a thread that was killed
        if not Path("/proc", stale.name.removeprefix(unfinished)).exists():
            shutil.rmtree(stale, ignore_errors=True)
    work = place.with_name(f"{unfinished}{get_native_id()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        fill(work)
        try:
            work.rename(place)
        except OSError:
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return place
