"""A service over a graph that changes under it, and statements that a server refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from neo4j.exceptions import ClientError

from api.server import serving_of
from graph import settings as all_settings
from graph.errors import StemmaError
from graph.stores.neo4j import Server, load
from graph.stores.neo4j.connection import Asker
from tests.graph.test_neo4j_load import family, server, wipe, written
from tests.neo4j_server import missing

__all__ = ["server"]  # a fixture
pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


def test_a_service_follows_a_graph_that_is_loaded_anew(tmp_path: Path, server: Server) -> None:
    wipe(server)
    before, after = written(tmp_path / "a", family(likes=3)), written(tmp_path / "b", family(likes=9))
    load(before, server)
    settings = replace(all_settings.load(), catalogue=tmp_path, store=server.address)

    async def answers() -> str:
        async with serving.store() as (store, _):
            (model,) = await store.models(["org/base"])
            assert model is not None
            return store.snapshot

    async def followed() -> None:
        async with serving.running():
            assert await answers() == before.id
            await anyio.to_thread.run_sync(load, after, server)
            with anyio.fail_after(20):
                while True:
                    try:
                        if await answers() == after.id:
                            return
                    except StemmaError:
                        pass  # between the load and the next look
                    await anyio.sleep(0.2)

    serving = serving_of(settings)
    anyio.run(followed)


def test_a_statement_of_ours_that_the_server_refuses_is_not_called_its_failure(server: Server) -> None:
    async def asked() -> None:
        asker = Asker(server)
        try:
            await asker.ask("THIS IS NO CYPHER", {})
        finally:
            await asker.close()

    with pytest.raises(ClientError):
        anyio.run(asked)
