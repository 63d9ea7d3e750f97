"""The shared graph: a snapshot loaded into a Neo4j server, questions in static Cypher over Bolt."""

from graph.stores.neo4j.connection import Server
from graph.stores.neo4j.load import LoadReport, load
from graph.stores.neo4j.store import Neo4jStore, open_neo4j
from graph.stores.neo4j.verify import Verdict, Verification, verify

__all__ = ["LoadReport", "Neo4jStore", "Server", "Verdict", "Verification", "load", "open_neo4j", "verify"]
