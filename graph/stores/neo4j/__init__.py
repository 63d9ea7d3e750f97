"""The shared graph: a snapshot loaded into a Neo4j server, questions in static Cypher over Bolt."""

from graph.stores.neo4j.connection import Server, translated
from graph.stores.neo4j.graph import LoadedGraph
from graph.stores.neo4j.load import LoadReport, load
from graph.stores.neo4j.offline import ARGUMENTS, write_offline
from graph.stores.neo4j.store import Neo4jStore, open_neo4j
from graph.stores.neo4j.verify import Verdict, Verification, verify

__all__ = [
    "ARGUMENTS",
    "LoadReport",
    "Neo4jStore",
    "Server",
    "Verdict",
    "Verification",
    "load",
    "loaded_snapshot",
    "open_neo4j",
    "verify",
    "write_offline",
]


def loaded_snapshot(server: Server) -> str | None:
    """The snapshot that a graph holds whole; None while it is being loaded, or when it holds none. Raises Unreachable."""
    with server.driver() as driver, translated(server):
        state = LoadedGraph(driver, server).state()
    return state.snapshot if state.state == "ready" else None
