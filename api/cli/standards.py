"""This file knows `stemma standard`: which models meet a standard, and what each rule rests on."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli import shown
from api.cli.asking import ask, chosen, known, shared
from api.facts import facts_of
from graph.standard import SHIPPED, standard
from graph.store import Store


@click.group(name="standard")
def standard_command() -> None:
    """Hold models against a standard: basic, curated, enterprise, or a TOML file of your own."""


@standard_command.command(name="list")
@shared
@click.pass_context
def listed(context: click.Context, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Show the standards that come with Stemma, with their rules."""
    chosen(context, catalogue, store)
    found = [standard(name) for name in SHIPPED]
    if as_json:
        shown.print_json([{"name": each.name, "about": each.about, "rules": dict(each.rules)} for each in found])
        return
    for each in found:
        click.secho(each.name, bold=True)
        click.echo(f"  {each.about}")
        for rule, value in each.rules:
            click.echo(f"  {rule}" + ("" if value is True else f" = {value}"))


@standard_command.command(name="check")
@click.argument("name")
@click.argument("ids", nargs=-1)
@click.option("--failing", is_flag=True, help="Without ids: also list the models that fail. Many.")
@shared
@click.pass_context
def check(
    context: click.Context,
    name: str,
    ids: tuple[str, ...],
    failing: bool,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Hold models against a standard, rule by rule; without IDS the whole catalogue, counted by rule.

    \b
    stemma standard check curated HuggingFaceH4/zephyr-7b-beta
    stemma standard check ours.toml
    """
    wanted, settings = standard(name), chosen(context, catalogue, store)
    if not ids:
        from graph.catalogue import Catalogue
        from graph.standard import counted

        snapshot = Catalogue(settings.catalogue).head()
        whole = counted(snapshot, wanted)
        if as_json:
            value = {"snapshot": snapshot.id, "standard": name, "models": whole.models, "met": whole.met}
            value |= {"failed_by_rule": whole.failed, "ids": whole.ids}
            shown.print_json(value | ({"failing": whole.failing_ids} if failing else {}))
            return
        click.echo(f"{whole.met} of {whole.models} models meet {wanted.name}")
        for rule, count in whole.failed.items():
            click.echo(f"  {count:>9} fail {rule}")
        for id in whole.failing_ids if failing else whole.ids:
            click.echo(shown.clean(id))
        return

    async def asked(graph: Store) -> None:
        records = [
            record for record in await graph.models([await known(graph, id) for id in ids]) if record is not None
        ]
        checked = [(facts.model.id, wanted.check(facts)) for facts in await facts_of(graph, records)]
        if as_json:
            shown.print_json(
                {
                    "snapshot": graph.snapshot,
                    "standard": name,
                    "models": [
                        {
                            "id": id,
                            "met": all(rule.passed for rule in rules),
                            "rules": [
                                {"rule": rule.rule, "passed": rule.passed, "evidence": rule.evidence} for rule in rules
                            ],
                        }
                        for id, rules in checked
                    ],
                }
            )
            return
        for id, rules in checked:
            met = "meets" if all(rule.passed for rule in rules) else "does not meet"
            click.secho(shown.clean(f"{id} {met} {wanted.name}"), bold=True)
            for rule in rules:
                click.echo(shown.clean(f"  {'pass' if rule.passed else 'FAIL'}  {rule.rule}: {rule.evidence}"))

    ask(settings, asked)
