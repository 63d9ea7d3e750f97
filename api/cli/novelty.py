"""This file knows the commands about novelty: of one model, and the report over all, which has decay too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from api.cli import shown
from api.cli.asking import ask, chosen, known, shared
from api.cli.standing import decay_lines
from graph.decay import decay
from graph.errors import NotFound
from graph.novelty import Class, told
from graph.report import KEPT_LINES, REPORTED, Group, Report, report
from graph.store import Facet, Store


@click.command(name="novelty")
@click.argument("id")
@shared
@click.pass_context
def novelty_command(context: click.Context, id: str, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Say how much of a model nothing older in the catalogue explains, from 0 to 100, and why.

    \b
    stemma novelty HuggingFaceH4/zephyr-7b-beta
    """

    async def asked(graph: Store) -> None:
        name = await known(graph, id)
        (model,) = await graph.models([name])
        (facts,) = await graph.novelty([name])
        seen = None if model is None else told(model, facts)
        if seen is None:
            raise NotFound("novelty", name, "the model was named by others and never seen itself")
        if as_json:
            kind = {"class": seen.kind.value, "tier": seen.tier.value}
            parts = [asdict(part) for part in seen.components]
            value = {"snapshot": graph.snapshot, "id": name, "score": seen.score, **kind, "interval": seen.interval}
            shown.print_json({**value, "components": parts, "reason": seen.reason})
            return
        interval = "" if seen.interval is None else f" ({seen.interval[0]:.1f} to {seen.interval[1]:.1f})"
        score = "no score" if seen.score is None else f"{seen.score:.1f}{interval}"
        click.secho(shown.clean(name), bold=True)
        click.echo(f"novelty     {score}  {seen.kind.value}  {seen.tier.value}")
        click.echo(shown.clean(f"because     {seen.reason}"))
        for part in seen.components:
            counts = f"{part.value:.2f} x {part.weight:g}" if part.weight else ""
            click.echo(shown.clean(f"{part.name:<11} {counts:<12}{part.explanation}"))

    ask(chosen(context, catalogue, store), asked)


@click.command(name="report")
@click.option(
    "--by", multiple=True, type=click.Choice([facet.value for facet in REPORTED]), help="Sections; all when not said."
)
@click.option("--first", type=click.IntRange(1, KEPT_LINES), default=10, show_default=True, help="Lines of a section.")
@shared
@click.pass_context
def report_command(
    context: click.Context, by: tuple[str, ...], first: int, as_json: bool, catalogue: Path | None, store: str | None
) -> None:
    """Count what models bring: copies, quantised, merges of the known, light, substantial, new; as Markdown.

    Where abilities were measured, also how long the best of a kind stayed the best.

    \b
    stemma report --by year > report.md
    """
    facets = tuple(Facet(word) for word in by) or REPORTED

    async def asked(graph: Store) -> None:
        held = await graph.coverage()
        found, lasted = report(held, facets, first), decay(held, first)
        if as_json:
            sections = {facet.value: [_plain(group) for group in groups] for facet, groups in found.by.items()}
            told_of = {"all": _plain(found.all), "tiers": found.tiers, "by": sections}
            shown.print_json({"snapshot": graph.snapshot, **told_of, "decay": asdict(lasted) if lasted else None})
            return
        for line in _markdown(found, graph.snapshot):
            click.echo(line)
        for line in ("", *decay_lines(lasted)) if lasted else ():
            click.echo(line)

    ask(chosen(context, catalogue, store), asked)


def _plain(group: Group) -> dict[str, object]:
    """A group as JSON has it."""
    counts = {share.kind.value: share.models for share in group.shares}
    return {"value": group.value, "models": group.models, "forks": group.forks, "scored": group.scored, **counts}


def _markdown(found: Report, snapshot: str) -> Iterator[str]:
    whole = found.all
    rests = ", ".join(f"{tier} {count}" for tier, count in sorted(found.tiers.items())) or "nothing"
    yield f"# What {whole.models} models bring"
    yield ""
    yield f"{whole.forks} are forks, of which {whole.scored} have a score; these rest on: {rests}. Snapshot {snapshot[:12]}."
    yield ""
    yield from _table(
        ("class", "models", "share"), [(one.kind.value, f"{one.models}", f"{one.share:.1%}") for one in whole.shares]
    )
    kinds = [kind for kind in Class if any(share.kind is kind for share in whole.shares)]
    for facet, groups in found.by.items():
        yield ""
        yield f"## By {facet.value}"
        yield ""
        rows = []
        for group in groups:
            counts = {share.kind: str(share.models) for share in group.shares}
            name = "unknown" if group.value is None else shown.clean(group.value).replace("|", "\\|")
            rows.append((name, str(group.models), *(counts.get(kind, "") for kind in kinds)))
        yield from _table((facet.value, "models", *(kind.value for kind in kinds)), rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
