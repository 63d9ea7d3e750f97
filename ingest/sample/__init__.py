"""The bundled sample: a few real families, as rows of the Hub's shape, taken in like any other source."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from graph.catalogue import Catalogue
from graph.progress import Progress, Silent
from graph.snapshot import Source
from ingest.finish import finish
from ingest.parse import PartBuilder
from ingest.report import Report
from ingest.staging import Staging


def ingest_sample(catalogue: Catalogue, progress: Progress | None = None) -> Report:
    """Make the sample HEAD of a catalogue. Doing it twice changes nothing."""
    builder = PartBuilder()
    for number, row in enumerate(rows(), 1):
        builder.add_model(row, "models.tsv", number)
    for row in _table("aliases.tsv"):
        builder.add_alias(row["alias"], row["id"], "legacy")
    with catalogue.locked():
        staging = Staging(catalogue.staging("sample"))
        staging.remove()
        staging.write("sample", builder.tables(), builder.counts())
        return finish(catalogue, staging, [Source("sample", "bundled sample", 0)], 0.0, progress or Silent())


def rows() -> Iterator[dict[str, Any]]:
    """The sample's models, in the shape of the Hub's API."""
    for row in _table("models.tsv"):
        bases = [base.split(":", 1) for base in row["bases"].split()]
        tags = [f"license:{row['licence']}"] if row["licence"] else []
        for relation, name in bases:
            tags += [f"base_model:{name}", f"base_model:{relation}:{name}"]
        tags += [f"dataset:{name}" for name in row["datasets"].split()]
        said: dict[str, Any] = {
            "_id": row["hub_id"] or None,
            "id": row["id"],
            "createdAt": f"{row['created']}Z" if row["created"] else None,
            "lastModified": f"{row['modified']}T00:00:00Z",
            "pipeline_tag": row["task"] or None,
            "library_name": row["library"] or None,
            "downloads": int(row["downloads"]),
            "likes": int(row["likes"]) if row["likes"] else None,
            "sha": row["sha"],
            "gated": row["gated"] or False,
            "tags": tags,
        }
        if row["parameters"]:
            said["safetensors"] = {"total": int(row["parameters"])}
        if row["card"]:
            said["cardData"] = {"base_model": row["card"].split()}
        yield said


def _table(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
