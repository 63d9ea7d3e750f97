"""This file knows the arrays that both engines answer by in process, those of lists and of lineages: made once, in a folder beside
the tables of a snapshot, never part of its id. A graph carries them along.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from graph.derived import Derived
from graph.frames import OnDisk, milliseconds
from graph.snapshot import Snapshot
from graph.stores.arrays.beside import make_whole
from graph.stores.arrays.shelf import Shelf
from graph.stores.lineages.making import write_derivations
from graph.stores.lists.coding import Ranks
from graph.stores.lists.making import steps_of_lists

VERSION = 1


def build_shared(derived: Derived, folder: Path) -> Path:
    """Make the arrays beside the tables that they are of, which are, or will be, in this folder; unless they are there."""
    return make_whole(folder / f"shared-{VERSION}", lambda work: _write(derived, Shelf(work)))


def shared_of(snapshot: Snapshot) -> Shelf:
    """The arrays of a snapshot; made first when they are not there."""
    return Shelf(build_shared(Derived(OnDisk(snapshot)), snapshot.folder))


def _write(derived: Derived, shelf: Shelf) -> None:
    models = milliseconds(derived.frames.frame("models"))
    ranks = Ranks.of(models)
    with ThreadPoolExecutor(2) as pool:  # most of the work is outside Python's lock
        tasks = [pool.submit(step) for step in steps_of_lists(derived, models, ranks, shelf)]
        tasks.append(pool.submit(write_derivations, derived.frames, shelf, ranks))
        del models
        for task in tasks:
            task.result()
    shelf.seal()
