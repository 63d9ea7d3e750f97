"""This file knows the command that searches models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api import cursors
from api.cli import shown
from api.cli.asking import ask, chosen, shared
from api.cli.options import evidence_of, evidence_option
from graph import ranges
from graph.novelty import Class
from graph.records import Relation, State
from graph.standard import SHIPPED
from graph.standing import percent
from graph.store import ROOT, Collapse, FoldedPage, ModelFilter, ModelPage, Order, Store


@click.command(name="find")
@click.argument("text", required=False)
@click.option("--task", multiple=True, help="The Hub's pipeline tag.")
@click.option("--library", multiple=True, help="The library that loads it.")
@click.option("--licence", multiple=True, help="As declared on the Hub.")
@click.option("--author", multiple=True, help="The part of the name before the slash.")
@click.option("--state", multiple=True, type=click.Choice([state.value for state in State]))
@click.option("--relation", multiple=True, type=click.Choice([ROOT, *[relation.value for relation in Relation]]))
@evidence_option
@click.option("--domain", multiple=True, help="What a benchmark that it has results on is about: mathematics.")
@click.option("--dataset", help="A dataset that it says it was trained on.")
@click.option("--parameters", metavar="LOW..HIGH", help="1B..8B, 350M.., ..3B")
@click.option("--created", metavar="FROM..TO", help="2024, 2024-06..2025, ..2023-12-31")
@click.option("--novelty", metavar="LOW..HIGH", help="By score: 40.., ..5")
@click.option("--novelty-class", multiple=True, type=click.Choice([kind.value for kind in Class]))
@click.option("--collapse", type=click.Choice([mode.value for mode in Collapse]), help="One line a group.")
@click.option("--order", type=click.Choice([order.value for order in Order]), default="downloads", show_default=True)
@click.option("--first", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--meets", multiple=True, type=click.Choice(SHIPPED), help="A standard that it meets; repeat for more.")
@click.option("--after", help="The cursor that the page before ended with.")
@shared
@click.pass_context
def find_command(
    context: click.Context,
    text: str | None,
    task: tuple[str, ...],
    library: tuple[str, ...],
    licence: tuple[str, ...],
    author: tuple[str, ...],
    state: tuple[str, ...],
    relation: tuple[str, ...],
    evidence: tuple[str, ...],
    domain: tuple[str, ...],
    dataset: str | None,
    parameters: str | None,
    created: str | None,
    novelty: str | None,
    novelty_class: tuple[str, ...],
    meets: tuple[str, ...],
    collapse: str | None,
    order: str,
    first: int,
    after: str | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Search models by a part of the name and by what they are.

    \b
    stemma find mistral --task text-generation --relation merge --order likes
    stemma find mistral --order novelty --collapse quants
    """
    least, most = ranges.ends(parameters)
    since, until = ranges.ends(created)
    lowest, highest = ranges.ends(novelty)
    ranges.check_ordered("--parameters", parameters, ranges.count(least), ranges.count(most))
    ranges.check_ordered("--created", created, ranges.day(since, end=False), ranges.day(until, end=True))
    ranges.check_ordered("--novelty", novelty, ranges.score(lowest), ranges.score(highest))
    where = ModelFilter(
        text=text or None,
        tasks=task,
        libraries=library,
        licences=tuple(word.lower() for word in licence),
        authors=author,
        states=tuple(map(State, state)),
        relations=relation,
        evidence=tuple(sorted(evidence_of(evidence))),
        domains=domain,
        dataset=dataset,
        parameters_min=ranges.count(least),
        parameters_max=ranges.count(most),
        created_from=ranges.day(since, end=False),
        created_until=ranges.day(until, end=True),
        novelty_classes=novelty_class,
        standards=meets,
        novelty_min=ranges.score(lowest),
        novelty_max=ranges.score(highest),
    )
    key = cursors.read(order, after)

    async def asked(graph: Store) -> None:
        page: ModelPage | FoldedPage
        if collapse is None:
            page, total = await graph.find(where, Order(order), first, key), await graph.count(where)
        else:
            mode = Collapse(collapse)
            page = await graph.find_folded(where, mode, Order(order), first, key)
            total = await graph.count_folded(where, mode)
        folded = page.folded if isinstance(page, FoldedPage) else None
        cursor = cursors.write(order, page.keys[-1]) if page.has_next else None
        if as_json:
            models = [asdict(model) for model in page.models]
            for at, count in enumerate(folded or ()):
                models[at]["folded"] = count
            shown.print_json({"snapshot": graph.snapshot, "total": total, "models": models, "next": cursor})
            return
        stood = await graph.standings([model.id for model in page.models]) if order == Order.STANDING else []
        best = [percent(each.probability) if each and each.probability is not None else "" for each in stood]
        measured = any(model.ability is not None for model in page.models)
        rows = (
            (
                model.id,
                model.task or "",
                model.licence or "",
                shown.number(model.parameters),
                shown.number(model.downloads),
                shown.number(model.likes),
                shown.date(model.created_at),
                ", ".join(word.value for word in model.relations) or ("" if model.state is State.MISSING else ROOT),
                f"{model.novelty:.1f}" if model.novelty is not None else model.novelty_class or "",
                *(("" if model.ability is None else f"{model.ability:.0f}",) if measured else ()),
                *((best[at],) if best else ()),
                *(() if folded is None else (str(folded[at]),)),
            )
            for at, model in enumerate(page.models)
        )
        columns: tuple[str, ...] = (
            "model",
            "task",
            "licence",
            "size",
            "downloads",
            "likes",
            "created",
            "relation",
            "novelty",
        )
        columns += (*(("ability at least",) if measured else ()), *(("best of its niche",) if best else ()))
        columns += () if folded is None else ("folded",)
        shown.print_table(columns, rows, right=(3, 4, 5, 8, 9, 10, 11))
        click.echo(f"{len(page.models)} of {total}" + (f"; next page: --after {cursor}" if cursor else ""))

    ask(chosen(context, catalogue, store), asked)
