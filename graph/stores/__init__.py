"""The engines behind the store port: the snapshot's own columns in process, and a Neo4j server over Bolt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.catalogue import Catalogue
from graph.settings import Settings
from graph.store import Store

if TYPE_CHECKING:
    from graph.progress import Progress
    from graph.stores.neo4j import Server


async def open_store(settings: Settings, *, ahead: bool = False, progress: Progress | None = None) -> Store:
    """The store that the settings name. Raises NotFound (empty catalogue), Unreachable, Damaged.

    ``ahead``: fetch now what a later question would have to wait for. ``progress`` is told of it.
    """
    if settings.store == "snapshot":
        from graph.stores.embedded import open_snapshot

        return await open_snapshot(Catalogue(settings.catalogue).head())
    from graph.stores.neo4j import open_neo4j

    return await open_neo4j(_server(settings), settings.cache, ahead=ahead, progress=progress)


def current(settings: Settings) -> str | None:
    """The snapshot that the store should answer from now; None while it is not known. Blocks; raises Unreachable."""
    if settings.store == "snapshot":
        return Catalogue(settings.catalogue).head_id()
    from graph.stores.neo4j import loaded_snapshot

    return loaded_snapshot(_server(settings))


def _server(settings: Settings) -> Server:
    from graph.stores.neo4j import Server

    return Server(settings.store, settings.neo4j_user, settings.neo4j_password, settings.neo4j_database)
