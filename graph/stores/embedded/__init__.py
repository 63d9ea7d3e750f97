"""The embedded engine: a snapshot's own columns, mapped, and answered from in process."""

from __future__ import annotations

from graph.snapshot import Snapshot
from graph.store import Store
from graph.stores.embedded.store import EmbeddedStore


async def open_snapshot(snapshot: Snapshot) -> Store:
    """A store that answers from this snapshot; its index is made first when it is not there."""
    return EmbeddedStore(snapshot)
