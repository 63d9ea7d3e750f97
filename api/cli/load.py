"""This file knows `stemma load`: a snapshot into a Neo4j server, or a check of what one holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api.cli.asking import chosen, shared
from api.cli.shown import print_json, print_table
from graph.catalogue import Catalogue
from graph.errors import BadInput, Damaged


@click.command(name="load")
@click.argument("address", required=False)
@click.option("--snapshot", "id", default="HEAD", show_default=True, help="Which snapshot.")
@click.option("--verify", "only_verify", is_flag=True, help="Load nothing: compare the graph with the snapshot.")
@click.option(
    "--offline",
    type=click.Path(path_type=Path, file_okay=False),
    help="Load nothing: write what Neo4j's own importer reads into this new folder, for the first load of a whole Hub.",
)
@shared
@click.pass_context
def load_command(
    context: click.Context,
    address: str | None,
    id: str,
    only_verify: bool,
    offline: Path | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Load a snapshot into Neo4j: only what differs from the snapshot that it holds; goes on where it was cut off.

    \b
    STEMMA_NEO4J_PASSWORD=... stemma load bolt://localhost:7687
    stemma load bolt://localhost:7687 --verify
    stemma load --offline import/
    """
    from api.cli.progress import Bars
    from graph.stores.neo4j import ARGUMENTS, Server, load, verify, write_offline

    settings = chosen(context, catalogue, store)
    snapshot = Catalogue(settings.catalogue).get(id)
    if offline is not None:
        written = write_offline(snapshot, offline)
        if as_json:
            print_json({"snapshot": snapshot.id, "folder": str(offline), "rows": written})
            return
        print_table(("kind", "rows"), [(kind, str(count)) for kind, count in written.items() if count], right=(1,))
        click.echo(f"with the server stopped, in {offline}: neo4j-admin database import full neo4j @{ARGUMENTS}")
        click.echo("with the server started: stemma load ADDRESS")
        return
    if address is None:
        raise BadInput("nothing to load into: give the address of a Neo4j server, or --offline with a folder")
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
