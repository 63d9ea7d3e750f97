"""This file knows how a Neo4j server is reached: drivers, what is tried again, and what a driver's failure means to a user."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

from neo4j import READ_ACCESS, AsyncDriver, AsyncGraphDatabase, Driver, GraphDatabase
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConfigurationError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
)

from graph.errors import BadInput, StemmaError, Unreachable

ATTEMPTS = 5  # of a read that fails in a way that passes: a restart, a deadlock, a lost connection
PAUSE_SECONDS = 0.2  # before the second attempt; doubled each time
CONNECT_SECONDS = 10.0
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Server:
    """Where a graph lives and as whom to ask. An empty password means that the server asks for none."""

    address: str
    user: str = "neo4j"
    password: str = ""
    database: str = "neo4j"

    def __repr__(self) -> str:
        return f"Server({self.address!r}, database={self.database!r})"  # never the password

    @property
    def auth(self) -> tuple[str, str] | None:
        """What the driver sends as credentials."""
        return (self.user, self.password) if self.password else None

    def driver(self) -> Driver:
        """A blocking driver, for loading and verifying. Close it."""
        with translated(self), _parsed(self):
            return GraphDatabase.driver(
                self.address,
                auth=self.auth,
                connection_timeout=CONNECT_SECONDS,
                max_transaction_retry_time=30.0,
                notifications_min_severity="OFF",  # an empty graph does not know our labels yet: no news
            )

    def async_driver(self) -> AsyncDriver:
        """A driver for the event loop, for answering questions. Close it."""
        with translated(self), _parsed(self):
            return AsyncGraphDatabase.driver(
                self.address,
                auth=self.auth,
                connection_timeout=CONNECT_SECONDS,
                connection_acquisition_timeout=30.0,
                max_connection_pool_size=CONNECTIONS,
                notifications_min_severity="OFF",
            )


def is_ours(error: Exception) -> bool:
    """Whether the server refused a statement itself: a fault of this program, which must not look like one of the server's."""
    return isinstance(error, ClientError) and (error.code or "").startswith("Neo.ClientError.Statement.")


def explain(server: Server, error: Exception) -> StemmaError:
    """The failure as the user should read it."""
    where = f"the Neo4j server at {server.address}"
    if isinstance(error, AuthError):
        return BadInput(
            f"{where} refuses the user {server.user!r}: set STEMMA_NEO4J_USER and STEMMA_NEO4J_PASSWORD to its credentials"
        )
    if isinstance(error, ConfigurationError | ValueError):
        return BadInput(f"{server.address!r} is not a Bolt address ({error}): give one such as bolt://localhost:7687")
    if isinstance(error, ClientError) and "DatabaseNotFound" in (error.code or ""):
        return BadInput(f"{where} has no database {server.database!r}: set STEMMA_NEO4J_DATABASE to one that it has")
    if isinstance(error, ServiceUnavailable):
        return Unreachable(f"{where} does not answer ({error}): check the address, and that the server is running")
    return Unreachable(f"{where} failed ({type(error).__name__}: {error}): see the server's log, then try again")


@contextmanager
def translated(server: Server) -> Iterator[None]:
    """Turn the driver's exceptions into ours."""
    try:
        yield
    except (DriverError, Neo4jError, OSError) as error:
        if is_ours(error):
            raise
        raise explain(server, error) from error


@contextmanager
def _parsed(server: Server) -> Iterator[None]:
    """Turn what the driver raises for an address that it cannot parse into ours. Elsewhere a ValueError is a fault of our own."""
    try:
        yield
    except ValueError as error:
        raise explain(server, error) from error


class Asker:
    """Asks one statement at a time of a server and returns the single value of its single record."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._driver = server.async_driver()

    async def ask(self, text: LiteralString, parameters: Mapping[str, object]) -> Any:
        """One auto-commit read. Tries again after failures that pass; raises Unreachable when they do not."""
        pause = PAUSE_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._driver.session(
                    database=self.server.database, default_access_mode=READ_ACCESS, fetch_size=-1
                ) as session:
                    result = await session.run(text, dict(parameters))
                    record = await result.single()
                    return None if record is None else record.value()
            except (DriverError, Neo4jError, OSError) as error:
                passing = isinstance(error, OSError) or error.is_retryable()
                if is_ours(error):
                    raise
                if not passing or attempt == ATTEMPTS:
                    raise explain(self.server, error) from error
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Give back the connections."""
        await self._driver.close()
