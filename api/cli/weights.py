"""This file knows what `stemma identify` says of a checkpoint on disk: what it is among those that the catalogue has read."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from api.cli.shown import clean, print_json


def tell_origin(catalogue: Path, path: Path, *, as_json: bool) -> None:
    """Compare a checkpoint with all that the catalogue has read, and print what it is."""
    from graph.catalogue import Catalogue
    from ingest.folders import identify

    model, origin = identify(Catalogue(catalogue), path)
    if as_json:
        parents = [{**asdict(parent), "relation": parent.relation.value} for parent in origin.parents]
        candidates = [{"id": id, "probability": share} for id, share in origin.candidates]
        alike = [{"id": said.other, "components": dict(said.components)} for said in origin.alike]
        told = {"dtype": model.dtype, "tensors": len(model.digests), "parents": parents}
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
