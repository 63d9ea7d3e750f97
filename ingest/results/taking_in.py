"""This file knows how result tables join the catalogue: read each, say what was left out, and make the next snapshot HEAD."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.progress import Progress, Silent
from graph.snapshot import Source
from ingest.finish import finish
from ingest.report import Report
from ingest.results.mapping import Known, read_mapping, shipped
from ingest.results.reading import Read, read_results
from ingest.staging import NEW_NORM, STAGED, PartCounts, Staging

_SHOWN = 3  # names that match no model, in the report


def ingest_results(
    catalogue: Catalogue,
    paths: Sequence[Path],
    *,
    mapping: Path | None = None,
    new_norm: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Take in evaluation results and votes: files, or folders of files. Abilities are fitted anew.

    ``mapping``: what the columns mean; otherwise the shipped mapping that fits each file's columns. ``new_norm``: choose the models
    whose mean is 100 anew. Raises BadInput; HEAD is then as before.
    """
    progress = progress or Silent()
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    if not files:
        raise BadInput(f"no result tables in {', '.join(map(str, paths))}")
    known = shipped() if mapping is None else Known((read_mapping(mapping),))
    progress.start("reading results", len(files), "files")
    read: list[Read] = []
    for file in files:
        read.append(read_results(file, known))
        progress.advance(1)
    progress.finish()
    with catalogue.locked():
        run = hashlib.sha256("\n".join(sorted(str(path.resolve()) for path in paths)).encode()).hexdigest()[:16]
        staging = Staging(catalogue.staging(f"results-{run}"))
        staging.remove()
        for number, part in enumerate(read):
            tables = {"results": _arrow("results", part.results), "votes": _arrow("votes", part.votes)}
            staging.write(f"{number:04}", tables, PartCounts(part.rows, 0, part.skipped))
        if new_norm:
            staging.note(NEW_NORM, "new")
        sources = [Source("results", file.name, 0) for file in files]
        report = finish(catalogue, staging, sources, 1.0, progress)
    report.notes += _unknown(catalogue, pl.concat([part.results for part in read])["source"].unique().to_list())
    return report


def _arrow(name: str, frame: pl.DataFrame) -> pa.Table:
    schema = STAGED[name]
    return frame.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)


def _unknown(catalogue: Catalogue, sources: list[str]) -> list[str]:
    """How many of the names in these sources are of no model in the catalogue."""
    told = catalogue.head().frame("results", ["model", "source", "known"])
    told = told.filter(pl.col("source").is_in(sources)).unique(["model", "known"]).sort("model")
    unknown = told.filter(~pl.col("known"))["model"]
    if not len(unknown):
        return []
    some = ", ".join(unknown.head(_SHOWN).to_list())
    return [
        f"{len(unknown)} of {told.height} names are of no model in the catalogue, such as {some}: their results are kept"
    ]
