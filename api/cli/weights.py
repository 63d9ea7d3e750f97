"""This file knows `stemma weights`, and what `stemma identify` says of a checkpoint: what it is among those that were read."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api.cli.asking import chosen, shared
from api.cli.shown import clean, print_json


@click.group(name="weights")
def weights_command() -> None:
    """Read checkpoints, and compare what was read."""


@weights_command.command(name="sketch")
@click.argument("targets", nargs=-1, required=True, metavar="PATH...")
@click.option("--out", type=click.Path(path_type=Path), help="Write the sketch of one checkpoint to this file.")
@shared
@click.pass_context
def sketch(
    context: click.Context,
    targets: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Read checkpoints: digests of all tensors, and windows of their matrices.

    Without --out the sketches are kept in the catalogue and compared with all others, as by `stemma ingest folder`. With --out
    one sketch becomes a file of a few megabytes, from which `stemma identify FILE` tells what the model is without its weights.

    \b
    stemma weights sketch models/
    stemma weights sketch private/model --out model.sketch
    """
    from api.cli.ingest import tell
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from ingest.folders import ingest_folders, sketch_to

    settings = chosen(context, catalogue, store)
    paths = [Path(target) for target in targets]
    with Bars() as bars:
        if out is None:
            tell(ingest_folders(Catalogue(settings.catalogue), paths, progress=bars), as_json=as_json)
            return
        model = sketch_to(paths, out)
    told = {"file": str(out), "bytes": out.stat().st_size, "tensors": len(model.tensors), "tier": model.tier.value}
    if as_json:
        print_json(told)
    else:
        click.echo(clean(f"{out}: {told['bytes']} bytes for {told['tensors']} tensors"))


@weights_command.command(name="compare")
@shared
@click.pass_context
def compare(context: click.Context, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Find which of the checkpoints that were read are alike: new ones against all. The next snapshot says so.

    Candidates are found by sketches, all pairs of one width; what is kept of both then decides, with the chance that it means
    nothing. Reading checkpoints does this too.

    \b
    stemma weights compare
    """
    from api.cli.ingest import tell
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from ingest.similar import compare_all

    settings = chosen(context, catalogue, store)
    with Bars() as bars:
        report = compare_all(Catalogue(settings.catalogue), progress=bars)
    tell(report, as_json=as_json)


def tell_origin(catalogue: Path, path: Path, *, as_json: bool) -> None:
    """Compare a checkpoint with all that the catalogue has read, and print what it is."""
    from graph.catalogue import Catalogue
    from ingest.folders import identify

    model, origin = identify(Catalogue(catalogue), path)
    if as_json:
        parents = [{**asdict(parent), "relation": parent.relation.value} for parent in origin.parents]
        candidates = [{"id": id, "probability": share} for id, share in origin.candidates]
        alike = [{"id": said.other, "components": dict(said.components)} for said in origin.alike]
        told = {"dtype": model.dtype, "tensors": len(model.tensors), "tier": model.tier.value, "parents": parents}
        print_json({**told, "candidates": candidates, "alike": alike})
        return
    if not origin.parents:
        click.echo("no relative among the checkpoints that were read")
    for parent in origin.parents:
        share = f"  x {parent.weight:.3f}" if parent.weight is not None else ""
        line = f"{parent.relation.value} of {parent.base_model}{share}  ({parent.probability:.2f}: {parent.detail})"
        click.echo(clean(line))
    for id, chance in origin.candidates:
        click.echo(clean(f"or          {id}  {chance:.2f}"))
    for said in origin.alike:
        click.echo(clean(str(said)))
