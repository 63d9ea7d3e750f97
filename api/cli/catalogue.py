"""This file knows the command that says what the catalogue holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api.cli import shown
from api.cli.asking import ask, chosen, shared
from graph.store import Store


@click.command(name="catalogue")
@shared
@click.pass_context
def catalogue_command(context: click.Context, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Say what the catalogue holds, and how much of it rests on what."""

    async def asked(graph: Store) -> None:
        held = await graph.coverage()
        if as_json:
            shown.print_json({"snapshot": graph.snapshot, **asdict(held)})
            return
        rows = [("models, " + state, str(count)) for state, count in held.models.items()]
        rows += [("models with a base model", str(held.with_base)), ("derivations", str(held.derivations_total))]
        rows += [("derivations said by " + word, str(count)) for word, count in held.derivations.items()]
        rows += [("derivations, " + word, str(count)) for word, count in held.relations.items()]
        rows += [("derivations in conflict", str(held.conflicts)), ("derivations on a cycle", str(held.cycles))]
        rows += [("datasets", str(held.datasets)), ("trainings", str(held.trainings))]
        rows += [("novelty, " + word, str(count)) for word, count in held.novelty.items()]
        rows += [("novelty scores on " + word, str(count)) for word, count in held.tiers.items()]
        rows += [("files", str(held.files)), ("weight contents", str(held.weights))]
        rows += [("left out, " + word, str(count)) for word, count in held.skipped.items()]
        click.echo(f"snapshot {graph.snapshot}")
        shown.print_table(("what", "how many"), rows, right=(1,))

    ask(chosen(context, catalogue, store), asked)
