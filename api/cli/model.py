"""This file knows the commands that show one model, and the models with the same weight files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api.cli import shown
from api.cli.asking import ask, chosen, known, shared
from api.cli.standing import lines_of
from graph import ability
from graph import conflicts as disagreements
from graph.errors import NotFound
from graph.records import ModelRecord
from graph.store import Store


@click.command(name="model")
@click.argument("id")
@shared
@click.pass_context
def model_command(context: click.Context, id: str, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Show one model: facts, what it was made from and who says so, what was made from it, datasets, copies."""

    async def asked(graph: Store) -> None:
        name = await known(graph, id)
        (model,) = await graph.models([name])
        (bases,) = await graph.base_models([name])
        (claims,) = await graph.claims([name])
        (counts,) = await graph.derived_counts([name])
        (trainings,) = await graph.trainings([name])
        (digest,) = await graph.weights_of([name])
        (able,) = await graph.abilities([name])
        (stood,) = await graph.standings([name])
        (successors,) = await graph.successors([name])
        weights = await graph.weights(digest) if digest else None
        similar = await graph.similar(name, 5)
        if model is None:
            raise NotFound("model", id)
        trouble = [conflict.text for conflict in disagreements.conflicts(claims)]
        if as_json:
            value = {
                "snapshot": graph.snapshot,
                **asdict(model),
                "derivations": [asdict(edge) for edge in bases],
                "claims": [asdict(claim) for claim in claims],
                "conflicts": trouble,
                "derived": {relation.value: count for relation, count in counts.items()},
                "datasets": [training.dataset for training in trainings],
                "ability_facts": asdict(able) if able else None,
                "standing": asdict(stood) if stood else None,
                "successors": [asdict(record) for record in successors],
                "similar": [asdict(record) for record in similar],
                "weights": digest,
                "copies": weights.holders - 1 if weights else None,
            }
            shown.print_json(value)
            return
        _print_card(model)
        for edge in bases:
            by = ", ".join(word.value for word in edge.evidence)
            click.echo(shown.clean(f"made from   {edge.base_model}  {edge.relation.value}  (says {by})"))
            for claim in claims:
                if claim.base_model == edge.base_model and claim.confidence is not None:
                    click.echo(
                        shown.clean(f"            {claim.evidence.value} {claim.confidence:.2f}: {claim.detail}")
                    )
        for text in trouble:
            click.echo(shown.clean(f"conflict    {text}"))
        if able is not None:
            click.echo(shown.clean(f"ability     {ability.told(able)}"))
            for domain in ability.by_domain(able):
                click.echo(shown.clean(f"            {ability.told_domain(domain)}"))
        for line in lines_of(stood, successors):
            click.echo(shown.clean(line))
        if counts:
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].value))
            click.echo("made of it  " + ", ".join(f"{count} {relation.value}" for relation, count in ordered))
        if model.descendants:
            click.echo(f"in all      {model.descendants} descendants")
        for training in trainings:
            click.echo(shown.clean(f"trained on  {training.dataset}"))
        for record in similar:
            parts = ", ".join(
                f"{part} {cosine:.3f}" for part, cosine in zip(record.components, record.component_cosines, strict=True)
            )
            click.echo(shown.clean(f"alike       {record.other}  {record.cosine:.3f}  ({parts})"))
        if weights is not None:
            click.echo(f"copies      {weights.holders - 1} with the same weight files")

    ask(chosen(context, catalogue, store), asked)


def _novelty(model: ModelRecord) -> str | None:
    if model.novelty is None:
        return model.novelty_class
    return f"{model.novelty:.1f} {model.novelty_class}"


def _print_card(model: ModelRecord) -> None:
    click.secho(shown.clean(model.id), bold=True)
    facts = {
        "state": model.state.value,
        "task": model.task,
        "library": model.library,
        "licence": model.licence,
        "size": f"{shown.number(model.parameters)} {model.dtype or ''}".strip() if model.parameters else None,
        "architecture": model.architecture,
        "created": shown.date(model.created_at),
        "modified": shown.date(model.modified_at),
        "downloads": shown.number(model.downloads),
        "likes": shown.number(model.likes),
        "commit": model.sha,
        "generation": str(model.generation) if model.generation else None,
        "novelty": _novelty(model),
    }
    for name, value in facts.items():
        if value:
            click.echo(shown.clean(f"{name:<11} {value}"))


@click.command(name="copies")
@click.argument("id")
@click.option("--first", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@shared
@click.pass_context
def copies_command(
    context: click.Context, id: str, first: int, as_json: bool, catalogue: Path | None, store: str | None
) -> None:
    """List the models that have exactly the same weight files."""

    async def asked(graph: Store) -> None:
        name = await known(graph, id)
        (digest,) = await graph.weights_of([name])
        if digest is None:
            raise NotFound(
                "weight content", name, "the hashes of its weight files are not known; ingest it with its files"
            )
        page = await graph.holders(digest, first + 1)
        others = [model for model in page.models if model.id != name][:first]
        if as_json:
            shown.print_json({"snapshot": graph.snapshot, "digest": digest, "copies": [model.id for model in others]})
        else:
            rows = ((model.id, shown.number(model.downloads), shown.date(model.created_at)) for model in others)
            shown.print_table(("model", "downloads", "created"), rows, right=(1,))

    ask(chosen(context, catalogue, store), asked)
