"""This file knows the command that lists the models whose weights contradict what is said of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api import cursors
from api.cli import shown
from api.cli.asking import ask, chosen, shared
from graph.contradictions import in_full
from graph.records import Contradicts
from graph.store import Doubt, ModelFilter, Order, Store

_ORDER = Order.DOWNLOADS.value


@click.command(name="conflicts")
@click.argument("text", required=False)
@click.option("--kind", multiple=True, type=click.Choice([kind.value for kind in Contradicts]), help="In which way.")
@click.option(
    "--probability",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Least of what the weights say.",
)
@click.option("--author", multiple=True, help="The part of the name before the slash.")
@click.option("--task", multiple=True, help="The Hub's pipeline tag.")
@click.option("--licence", multiple=True, help="As declared on the Hub.")
@click.option("--first", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many models.")
@click.option("--after", help="The cursor that the page before ended with.")
@shared
@click.pass_context
def conflicts_command(
    context: click.Context,
    text: str | None,
    kind: tuple[str, ...],
    probability: float,
    author: tuple[str, ...],
    task: tuple[str, ...],
    licence: tuple[str, ...],
    first: int,
    after: str | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """List the models whose weights contradict what is said of them, most downloaded first, with what both sides say.

    A copy that its card does not admit (copy), another base model than those named (base_model), another relation to it
    (relation), a base model where none is named (undeclared), or an adapter whose shapes do not fit (shapes). TEXT is a part of
    the name.

    \b
    stemma conflicts --kind copy --probability 0.95
    """
    where = ModelFilter(text=text or None, authors=author, tasks=task, licences=tuple(word.lower() for word in licence))
    doubt, key = Doubt(tuple(map(Contradicts, kind)), probability), cursors.read(_ORDER, after)

    async def asked(graph: Store) -> None:
        page = await graph.contradicted(where, doubt, first, key)
        claims = await graph.claims([model.id for model in page.models])
        sides = [in_full(found, said) for found, said in zip(page.contradictions, claims, strict=True)]
        cursor = cursors.write(_ORDER, page.keys[-1]) if page.has_next else None
        if as_json:
            models = [
                {"id": model.id, "downloads": model.downloads, "contradictions": [asdict(one) for one in found]}
                for model, found in zip(page.models, sides, strict=True)
            ]
            shown.print_json({"snapshot": graph.snapshot, "total": page.total, "models": models, "next": cursor})
            return
        for model, found in zip(page.models, sides, strict=True):
            click.secho(shown.clean(model.id), bold=True)
            for one in found:
                click.echo(shown.clean(f"  {one.kind.value:<11} {one.text}"))
        click.echo(f"{len(page.models)} of {page.total}" + (f"; next page: --after {cursor}" if cursor else ""))

    ask(chosen(context, catalogue, store), asked)
