"""This file knows `stemma successors`, and how standing, successors and decay are told on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from api.cli import shown
from api.cli.asking import ask, chosen, known, shared
from graph import standing, succession
from graph.decay import Decay
from graph.errors import NotFound
from graph.records import StandingRecord, SuccessorRecord
from graph.store import Store


@click.command(name="successors")
@click.argument("id")
@shared
@click.pass_context
def successors_command(
    context: click.Context, id: str, as_json: bool, catalogue: Path | None, store: str | None
) -> None:
    """List the models to take instead: later, of the same task, not much larger, under no stricter licence, and better.

    At most 20 are kept of each model, those nearest in the lineage first; the last may be one that only its author names.

    \b
    stemma successors mistralai/Mistral-7B-v0.1
    """

    async def asked(graph: Store) -> None:
        name = await known(graph, id)
        (found,), (stood,), (model,) = (
            await graph.successors([name]),
            await graph.standings([name]),
            await graph.models([name]),
        )
        if as_json:
            shown.print_json(
                {
                    "snapshot": graph.snapshot,
                    "id": name,
                    "new_version": model.new_version if model else None,
                    "standing": asdict(stood) if stood else None,
                    "successors": [asdict(each) for each in found],
                }
            )
            return
        if not found:
            why = "none is surely better" if stood else "its own ability is not known"
            raise NotFound("successor", name, f"{why}, and its author names none that is in the catalogue")
        records = await graph.models([each.successor for each in found])
        rows = [
            (
                each.successor,
                "" if each.probability is None else standing.percent(each.probability),
                "" if each.steps is None else str(each.steps),
                "yes" if each.declared else "",
                shown.date(record.created_at) if record else "",
                shown.number(record.parameters) if record else "",
                (record.licence or "") if record else "",
            )
            for each, record in zip(found, records, strict=True)
        ]
        head = ("successor", "better with", "derivations away", "named by author", "created", "size", "licence")
        shown.print_table(head, rows, right=(1, 2, 5))
        if stood is not None and stood.superseded_by:
            click.echo(f"superseded by {stood.superseded_by} since {shown.date(stood.superseded_since)}")

    ask(chosen(context, catalogue, store), asked)


def lines_of(stood: StandingRecord | None, successors: Sequence[SuccessorRecord]) -> Iterator[str]:
    """What the page of a model says of both."""
    if stood is not None:
        yield f"standing    {standing.told(stood)}"
    if successors:
        first = successors[0]
        more = max(stood.superseded_by if stood else 0, len(successors)) - 1
        since = f"; superseded since {shown.date(stood.superseded_since)}" if stood and stood.superseded_since else ""
        yield (
            f"succeeded   by {first.successor} ({succession.told(first)})"
            + (f" and {more} more" if more else "")
            + since
        )


def decay_lines(found: Decay) -> Iterator[str]:
    """The section of the report, as Markdown."""
    yield "## How long leaders last"
    yield ""
    half = "is not known yet" if found.half_life_days is None else f"is {found.half_life_days:g} days"
    niches = f"{found.niches} niches (task, size and kind of licence)"
    yield (
        f"The half-life of the {found.leaders} models that led one of {niches} as the most probable best {half}. This rests on "
        f"{found.models} measured models."
    )
    yield ""
    yield "| task | size | licence | models | leaders | half-life in days | leads now | since |"
    yield "|---|---|---|---:|---:|---:|---|---|"
    for niche in found.by:
        days = "" if niche.half_life_days is None else f"{niche.half_life_days:g}"
        since = shown.date(datetime.fromtimestamp(niche.since / 1000, UTC))
        words = (
            niche.task,
            niche.size,
            niche.licence,
            str(niche.models),
            str(niche.leaders),
            days,
            niche.leader,
            since,
        )
        yield "| " + " | ".join(shown.clean(word).replace("|", "\\|") for word in words) + " |"
