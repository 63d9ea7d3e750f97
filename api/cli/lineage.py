"""This file knows the commands that show a lineage, and how two models are related."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli import shown
from api.cli.asking import ask, chosen, known, shared
from api.cli.options import evidence_of, evidence_option
from graph.errors import NotFound
from graph.records import Direction, ModelRecord, Relation
from graph.store import EdgeFilter, Store, Walk


@click.command(name="lineage")
@click.argument("id")
@click.option("--direction", type=click.Choice([word.value for word in Direction]), default="both", show_default=True)
@click.option(
    "--depth", type=click.IntRange(0, 1000), default=3, show_default=True, help="Derivations away from the model."
)
@click.option("--relation", multiple=True, type=click.Choice([word.value for word in Relation]))
@evidence_option
@click.option("--limit", type=click.IntRange(0, 100_000), default=500, show_default=True, help="Most models shown.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "table", "json", "dot", "graphml"]),
    default="tree",
    show_default=True,
)
@shared
@click.pass_context
def lineage_command(
    context: click.Context,
    id: str,
    direction: str,
    depth: int,
    relation: tuple[str, ...],
    evidence: tuple[str, ...],
    limit: int,
    form: str,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Show what a model was made from and what was made from it.

    \b
    stemma lineage mistralai/Mistral-7B-v0.1 --direction descendants --depth 2
    stemma lineage MODEL --format dot | dot -Tsvg > lineage.svg
    """
    words = evidence_of(evidence)
    where = EdgeFilter(frozenset(map(Relation, relation)) if relation else None, frozenset(words) if words else None)

    async def asked(graph: Store) -> tuple[str, str, Walk, dict[str, ModelRecord]]:
        name = await known(graph, id)
        walk = await graph.walk(name, Direction(direction), where, depth, limit)
        ids = [node.id for node in walk.nodes]
        records = await graph.models(ids)
        return graph.snapshot, name, walk, {id: record for id, record in zip(ids, records, strict=True) if record}

    snapshot, root, walk, records = ask(chosen(context, catalogue, store), asked)
    if as_json or form == "json":
        shown.print_json(shown.lineage_json(snapshot, root, walk, records))
    elif form == "dot":
        click.echo(shown.lineage_dot(walk))
    elif form == "graphml":
        click.echo(shown.lineage_graphml(walk, records))
    elif form == "table":
        by = {node.id: node.distance for node in walk.nodes}
        rows = (
            (e.model, e.relation.value, e.base_model, ", ".join(w.value for w in e.evidence), str(by[e.model]))
            for e in walk.edges
        )
        shown.print_table(("model", "relation", "base model", "evidence", "distance"), rows, right=(4,))
    else:
        shown.console().print(shown.lineage_tree(root, walk, records))


@click.command(name="path")
@click.argument("start")
@click.argument("end")
@click.option("--limit", type=click.IntRange(1, 20), default=3, show_default=True, help="Most chains.")
@shared
@click.pass_context
def path_command(
    context: click.Context, start: str, end: str, limit: int, as_json: bool, catalogue: Path | None, store: str | None
) -> None:
    """Show how two models are related: shortest chains of derivations, in either direction."""

    async def asked(graph: Store) -> None:
        here, there = await known(graph, start), await known(graph, end)
        chains = await graph.path(here, there, limit)
        if as_json:
            shown.print_json({"snapshot": graph.snapshot, "paths": [list(chain) for chain in chains]})
        elif not chains:
            raise NotFound("path", f"{here} - {there}", "the two are not related by known derivations")
        else:
            for chain in chains:
                click.echo(shown.clean(" - ".join(chain)))

    ask(chosen(context, catalogue, store), asked)
