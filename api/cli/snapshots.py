"""This file knows `stemma snapshot`: list, show, diff, verify, prune."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.asking import chosen, shared
from api.cli.shown import clean, print_json, print_table
from graph.catalogue import Catalogue


@click.group(name="snapshot")
def snapshot_command() -> None:
    """Look after the snapshots of a catalogue."""


@snapshot_command.command(name="list")
@shared
@click.pass_context
def list_command(context: click.Context, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """List the snapshots, the newest first; HEAD is marked."""
    found = Catalogue(chosen(context, catalogue, store).catalogue)
    head = found.head_id()
    snapshots = found.snapshots()
    if as_json:
        rows = [
            {
                "id": s.id,
                "head": s.id == head,
                "created_at": s.manifest.created_at,
                "models": s.manifest.tables["models"].rows,
            }
            for s in snapshots
        ]
        print_json(rows)
        return
    table = (
        (
            "*" if s.id == head else "",
            s.id[:12],
            f"{s.manifest.created_at:%Y-%m-%d %H:%M}",
            str(s.manifest.tables["models"].rows),
        )
        for s in snapshots
    )
    print_table(("", "snapshot", "written (UTC)", "models"), table, right=(3,))


@snapshot_command.command(name="show")
@click.argument("id", default="HEAD")
@shared
@click.pass_context
def show_command(context: click.Context, id: str, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Show one snapshot's tables, digests and sources."""
    import json

    snapshot = Catalogue(chosen(context, catalogue, store).catalogue).get(id)
    if as_json:
        print_json(json.loads(snapshot.manifest.to_json()))
        return
    click.echo(f"snapshot {snapshot.id}\nfolder   {snapshot.folder}")
    for source in snapshot.manifest.sources:
        click.echo(clean(f"source   {source.kind} {source.name}, {source.rows} rows"))
    rows = (
        (name, str(facts.rows), facts.digest[:12], str(facts.size)) for name, facts in snapshot.manifest.tables.items()
    )
    print_table(("table", "rows", "digest", "bytes"), rows, right=(1, 3))


@snapshot_command.command(name="diff")
@click.argument("before")
@click.argument("after", default="HEAD")
@shared
@click.pass_context
def diff_command(
    context: click.Context, before: str, after: str, as_json: bool, catalogue: Path | None, store: str | None
) -> None:
    """Say how two snapshots differ: rows added, removed and changed in each table, with examples."""
    from graph.difference import differences

    found = Catalogue(chosen(context, catalogue, store).catalogue)
    changes = differences(found.get(before), found.get(after))
    if as_json:
        print_json({name: change.as_json() for name, change in changes.items()})
        return
    rows = (
        (name, str(c.added), str(c.removed), str(c.changed), "; ".join(c.examples[:3])) for name, c in changes.items()
    )
    print_table(("table", "added", "removed", "changed", "for example"), rows, right=(1, 2, 3))


@snapshot_command.command(name="verify")
@click.argument("id", default="HEAD")
@shared
@click.pass_context
def verify_command(context: click.Context, id: str, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Read a whole snapshot and compare it with its manifest; exit status 4 when it is damaged."""
    snapshot = Catalogue(chosen(context, catalogue, store).catalogue).get(id)
    snapshot.verify()
    if as_json:
        print_json({"id": snapshot.id, "whole": True})
    else:
        click.echo(f"snapshot {snapshot.id} is whole")


@snapshot_command.command(name="prune")
@click.option("--keep", type=click.IntRange(min=1), default=3, show_default=True, help="How many of the newest stay.")
@shared
@click.pass_context
def prune_command(context: click.Context, keep: int, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Remove old snapshots. HEAD always stays."""
    found = Catalogue(chosen(context, catalogue, store).catalogue)
    with found.locked():
        removed = found.prune(keep)
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(f"{len(removed)} removed" + "".join(f"\n{id}" for id in removed))
