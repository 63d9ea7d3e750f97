"""The engines behind the store port: the snapshot's own columns in process, and a Neo4j server over Bolt."""

from __future__ import annotations

from graph.catalogue import Catalogue
from graph.settings import Settings
from graph.store import Store


async def open_store(settings: Settings) -> Store:
    """The store that the settings name. Raises NotFound (empty catalogue), Unreachable, Damaged."""
    if settings.store == "snapshot":
        from graph.stores.embedded import open_snapshot

        return await open_snapshot(Catalogue(settings.catalogue).head())
    from graph.stores.neo4j import open_neo4j

    return await open_neo4j(settings.store, settings.neo4j_user, settings.neo4j_password, settings.neo4j_database)


def current(settings: Settings) -> str | None:
    """The snapshot that the store should answer from now; None while it is not known. Blocks; raises Unreachable."""
    if settings.store == "snapshot":
        return Catalogue(settings.catalogue).head_id()
    from graph.stores.neo4j import Server, loaded_snapshot

    return loaded_snapshot(
        Server(settings.store, settings.neo4j_user, settings.neo4j_password, settings.neo4j_database)
    )
