"""This file knows what the tests of kills share: the process that forks, and a Neo4j server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.killing import Killer
from tests.graph.conftest import neo4j_server

__all__ = ["killer", "neo4j_server"]


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    """Ends processes at chosen moments."""
    with Killer() as running:
        yield running
