"""This file knows `stemma weights`, and what `stemma identify` says of a checkpoint: what it is among those that were read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.asking import Command, ask, chosen, on_device, shared
from api.cli.shown import clean, print_json
from graph.errors import BadInput
from graph.settings import Settings
from graph.store import Store
from ingest.weights.repository import WINDOW_BYTES, HubReading, Reading, Repository

if TYPE_CHECKING:
    from ingest.weights.member import Member
    from ingest.weights.parent import Origin

_REPOSITORY = re.compile(r"[\w.-]+/[\w./-]+\Z")


def on_the_hub(command: Command) -> Command:
    """The options of commands that read checkpoints of the Hub: --budget, --endpoint, --revision."""
    for option in (
        click.option(
            "--budget",
            type=click.IntRange(min=0),
            default=WINDOW_BYTES,
            show_default=True,
            help="Most bytes of weights to read of a repository of the Hub.",
        ),
        click.option("--endpoint", help="The Hub's address (or HF_ENDPOINT)."),
        click.option("--revision", help="Branch, tag or commit of the repository (default: the newest commit)."),
    ):
        command = option(command)
    return command


@click.group(name="weights")
def weights_command() -> None:
    """Read checkpoints, and compare what was read."""


@weights_command.command(name="sketch")
@click.argument("targets", nargs=-1, required=True, metavar="PATH|AUTHOR/NAME...")
@click.option(
    "--on", metavar="ADDRESS", help="Read paths on a Ray cluster: `ray` for one on this machine, or ray://HOST:PORT."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the sketch of one checkpoint to this file.")
@on_device
@on_the_hub
@shared
@click.pass_context
def sketch(
    context: click.Context,
    targets: tuple[str, ...],
    on: str | None,
    out: Path | None,
    device: str,
    budget: int,
    endpoint: str | None,
    revision: str | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Read checkpoints: digests of all tensors, and windows of their matrices.

    What is no path is a repository of the Hub, or a file in one; of it the headers are read, and windows by byte ranges within the
    budget (tier T1), or everything where that is no more (T2). Without --out the sketches are kept in the catalogue and compared
    with all others, as by `stemma ingest folder`. With --out one sketch becomes a file of a few megabytes, from which `stemma
    identify FILE` tells what the model is without its weights.

    \b
    stemma weights sketch mistralai/Mistral-7B-v0.1 HuggingFaceH4/zephyr-7b-beta
    stemma weights sketch private/model --out model.sketch
    stemma weights sketch /shared/models --on ray://head:10001
    """
    from api.cli.ingest import tell
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from ingest.cluster import spread_over
    from ingest.folders import ingest_folders
    from ingest.identify import sketch_to

    settings = chosen(context, catalogue, store)
    hub = HubReading(endpoint, budget)
    where = [_target(text, revision) for text in targets]
    if on is not None and out is not None:
        raise BadInput("--on reads many checkpoints into the catalogue, --out one into a file: give one of them")
    if out is None:
        paths = [target for target in where if isinstance(target, Path)]
        repositories = [target for target in where if isinstance(target, Repository)]
        with Bars() as bars:
            if on is not None:
                spread_over(Catalogue(settings.catalogue), paths, on, progress=bars)
            report = ingest_folders(
                Catalogue(settings.catalogue), paths, repositories=repositories, hub=hub, device=device, progress=bars
            )
        tell(report, as_json=as_json)
        return
    if len(where) != 1:
        raise BadInput(f"--out is for one checkpoint, and {len(where)} are given: name one")
    found = sketch_to(where[0], out, hub, device)
    told = {"file": str(out), "bytes": out.stat().st_size, "tensors": len(found.member.tensors), **_how_much(found)}
    if as_json:
        print_json(told)
        return
    click.echo(clean(f"{out}: {told['bytes']} bytes for {told['tensors']} tensors"))
    _tell_how_much(found)


@weights_command.command(name="compare")
@on_device
@shared
@click.pass_context
def compare(context: click.Context, device: str, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Find which of the checkpoints that were read are alike: new ones against all. The next snapshot says so.

    Candidates are found by sketches, all pairs of one width; what is kept of both then decides, with the chance that it means
    nothing. Reading checkpoints does this too. Many thousands are compared on a GPU where torch finds one.

    \b
    stemma weights compare
    """
    from api.cli.ingest import tell
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from ingest.similar import compare_all

    settings = chosen(context, catalogue, store)
    with Bars() as bars:
        report = compare_all(Catalogue(settings.catalogue), device=device, progress=bars)
    tell(report, as_json=as_json)


def _target(text: str, revision: str | None) -> Path | Repository:
    """A path where there is one, else a repository. Raises BadInput for what can be neither."""
    if Path(text).exists():
        return Path(text)
    if not _REPOSITORY.match(text):
        raise BadInput(f"{text} is not there, and is no repository: give a folder, a file, or AUTHOR/NAME")
    return Repository.parse(text, revision)


def _how_much(found: Reading) -> dict[str, Any]:
    read = {"headerBytes": found.header_bytes, "weightBytes": found.weight_bytes, "allBytes": found.all_bytes}
    return {"tier": found.member.tier.value, "commit": found.commit, **read}


def _tell_how_much(found: Reading) -> None:
    if found.all_bytes is None:
        return
    line = f"read {found.weight_bytes:,} of {found.all_bytes:,} bytes of weights and {found.header_bytes:,} of headers"
    click.echo(clean(f"{line}, at commit {found.commit}"))
    if found.member.described:
        click.echo("windows only: that all tensors are the same, or which are, takes every byte")


def tell_origin(settings: Settings, text: str, hub: HubReading, revision: str | None, *, as_json: bool) -> None:
    """Compare a checkpoint with all that the catalogue has read, and print what it is."""
    from graph.catalogue import Catalogue
    from ingest.identify import identify

    found, origin = identify(Catalogue(settings.catalogue), _target(text, revision), hub)
    holders = _holders(settings, found.content)
    if as_json:
        print_json({**_how_much(found), "sameFiles": holders, **_answer(found.member, origin)})
        return
    _tell_how_much(found)
    for holder in holders:
        click.echo(clean(f"the same files as {holder}  (sha256 of all weight files, as the Hub tells them)"))
    if not origin.parents and not holders:
        click.echo("no relative among the checkpoints that were read")
    for parent in origin.parents:
        share = f"  x {parent.weight:.3f}" if parent.weight is not None else ""
        line = f"{parent.relation.value} of {parent.base_model}{share}  ({parent.probability:.2f}: {parent.detail})"
        click.echo(clean(line))
    for id, chance in origin.candidates:
        click.echo(clean(f"or          {id}  {chance:.2f}"))
    for said in origin.alike:
        click.echo(clean(str(said)))


def _answer(model: Member, origin: Origin) -> dict[str, Any]:
    """What a model is, for programs."""
    parents = [{**asdict(parent), "relation": parent.relation.value} for parent in origin.parents]
    candidates = [{"id": id, "probability": share} for id, share in origin.candidates]
    alike = [{"id": said.other, "components": dict(said.components)} for said in origin.alike]
    told = {"dtype": model.dtype, "tensors": len(model.tensors), "tier": model.tier.value}
    return {**told, "parents": parents, "candidates": candidates, "alike": alike}


def comparing(catalogue: Path) -> Callable[[bytes], dict[str, Any]]:
    """What the service asks of a sketch that it was sent. Raises StemmaError."""
    from graph.catalogue import Catalogue
    from ingest.identify import identify_sketch

    def compare(data: bytes) -> dict[str, Any]:
        return _answer(*identify_sketch(Catalogue(catalogue), data))

    return compare


def _holders(settings: Settings, content: str | None) -> list[str]:
    """The models of the catalogue that hold just these files."""
    from graph.catalogue import Catalogue

    if content is None or (settings.store == "snapshot" and not Catalogue(settings.catalogue).head_id()):
        return []

    async def asked(graph: Store) -> list[str]:
        if await graph.weights(content) is None:
            return []
        return [model.id for model in (await graph.holders(content, 20)).models]

    return ask(settings, asked)
