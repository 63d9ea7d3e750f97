"""This file knows `stemma licence`: what the licences along a model's lineage ask of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api.cli import shown
from api.cli.asking import ask, chosen, known, shared
from api.licence import report_on
from graph.errors import NotFound
from graph.store import Store

_SHOWN = 10  # models whose licence is not known


@click.command(name="licence")
@click.argument("id")
@shared
@click.pass_context
def licence_command(context: click.Context, id: str, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Show what the licences of a model and its ancestors ask, and what its own licence leaves out. No legal advice.

    stemma licence NousResearch/Hermes-2-Pro-Llama-3-8B
    """

    async def asked(graph: Store) -> None:
        name = await known(graph, id)
        (model,) = await graph.models([name])
        if model is None:
            raise NotFound("model", id)
        report = await report_on(graph, model)
        if as_json:
            shown.print_json({"snapshot": graph.snapshot, "id": model.id, **asdict(report)})
            return
        click.echo(shown.clean(f"{model.id}  {report.declared or 'declares no licence'}"))
        kinds: set[str] = set()
        for duty in report.duties:
            if duty.kind in kinds:
                continue
            kinds.add(duty.kind)
            by = "itself" if len(duty.path) == 1 else f"{duty.path[-1]}, {len(duty.path) - 1} step(s) up"
            click.echo(shown.clean(f"asks      {duty.kind}: {duty.meaning}  ({duty.licence}, {by})"))
        for each in report.left_out:
            click.echo(shown.clean(f"left out  {each.text}"))
        if report.unknown:
            more = len(report.unknown) - _SHOWN
            names = ", ".join(report.unknown[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
            click.echo(shown.clean(f"unknown   the licence of {names}: there may be more to ask"))
        if not report.complete:
            click.echo("          only the nearest ancestors were looked at")

    ask(chosen(context, catalogue, store), asked)
