"""This file knows `stemma load`: a snapshot into a Neo4j server, or a check of what one holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api.cli.asking import chosen, shared
from api.cli.shown import print_json, print_table
from graph.catalogue import Catalogue
from graph.errors import Damaged


@click.command(name="load")
@click.argument("address")
@click.option("--snapshot", "id", default="HEAD", show_default=True, help="Which snapshot.")
@click.option("--verify", "only_verify", is_flag=True, help="Load nothing: compare the graph with the snapshot.")
@shared
@click.pass_context
def load_command(
    context: click.Context,
    address: str,
    id: str,
    only_verify: bool,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Load a snapshot into Neo4j: only what differs from the snapshot that it holds; goes on where it was cut off.

    \b
    STEMMA_NEO4J_PASSWORD=... stemma load bolt://localhost:7687
    stemma load bolt://localhost:7687 --verify
    """
    from api.cli.progress import Bars
    from graph.stores.neo4j import Server, load, verify

    settings = chosen(context, catalogue, store)
    snapshot = Catalogue(settings.catalogue).get(id)
    server = Server(address, settings.neo4j_user, settings.neo4j_password, settings.neo4j_database)
    with Bars() as bars:
        if not only_verify:
            report = load(snapshot, server, progress=bars)
            if as_json:
                print_json(asdict(report))
                return
            kinds = sorted({*report.added, *report.updated, *report.removed})
            rows = [
                (kind, *(str(part.get(kind, 0)) for part in (report.added, report.updated, report.removed)))
                for kind in kinds
            ]
            print_table(("kind", "added", "updated", "removed"), rows, right=(1, 2, 3))
            click.echo(f"the graph holds snapshot {report.snapshot} ({report.seconds:.1f} s)")
            return
        found = verify(snapshot, server, progress=bars)
    if as_json:
        print_json({"equal": found.equal, **asdict(found)})
    else:
        rows = [(v.kind, str(v.expected), str(v.found), v.difference or "equal") for v in found.verdicts]
        print_table(("kind", "in the snapshot", "in the graph", "difference"), rows, right=(1, 2))
    if not found.equal:
        raise Damaged(
            f"the graph at {address} does not hold snapshot {snapshot.id[:12]} as it is: run `stemma load {address}`"
        )
