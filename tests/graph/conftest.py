"""This file knows the servers that tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.neo4j_server import Neo4jServer, missing


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """One real server without authentication. Its database holds what the last test left: load what you need."""
    if reason := missing():
        pytest.skip(reason)
    server = Neo4jServer(tmp_path_factory.mktemp("neo4j"))
    server.start()
    yield server
    server.stop()
