"""This file knows the end that every run has: from staged parts to the snapshot that answers, and the report."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import polars as pl

from graph.catalogue import Catalogue
from graph.frames import InMemory
from graph.progress import Progress
from graph.snapshot import Source
from graph.stores.embedded.atlas import build_atlas
from graph.stores.embedded.index import build_beside, build_index
from graph.tables import TABLES
from ingest.assemble import arrow_batches, assemble
from ingest.report import Report
from ingest.staging import Staging


def finish(
    catalogue: Catalogue, staging: Staging, sources: Iterable[Source], max_bad_fraction: float, progress: Progress
) -> Report:
    """Assemble, write and index at once, make HEAD, forget the parts, draw the map. The caller holds the catalogue's lock.

    Raises BadInput when too many rows were bad: HEAD is as before.
    """
    counts = staging.counts()
    report = Report(rows=counts.rows, bad_rows=counts.bad_rows)
    report.skipped.update(counts.skipped)
    try:
        report.check(max_bad_fraction)
    except Exception:
        staging.remove()
        raise
    previous = catalogue.head() if catalogue.head_id() else None
    progress.start("assembling", None, "tables")
    tables = assemble(staging, previous)
    progress.finish()
    loops = int((tables["skipped"]["reason"] == "self-loop").sum())
    if loops:
        report.skipped["self-loop"] += loops
    newest = tables["models"].select(pl.col("modified_at").max()).item()
    named = [
        replace(source, rows=counts.rows if source.rows == 0 else source.rows, watermark=newest) for source in sources
    ]
    if previous is not None:
        named += [source for source in previous.manifest.sources if source.kind not in {new.kind for new in named}]
    report.models, report.datasets = tables["models"].height, tables["datasets"].height
    report.claims, report.derivations = tables["claims"].height, tables["derivations"].height
    with catalogue.writer() as writer, ThreadPoolExecutor(1) as beside:
        index = beside.submit(build_beside, InMemory(tables), writer.folder)
        progress.start("writing", len(TABLES), "tables")
        for table in TABLES:
            writer.write(table.name, arrow_batches(table.name, tables[table.name]))
            progress.advance(1)
        progress.finish()
        progress.start("indexing", None, "arrays")
        index.result()
        progress.finish()
        del tables, index
        snapshot = writer.commit(named)
    build_index(snapshot)  # there already, unless the same content was a snapshot before
    catalogue.set_head(snapshot.id)
    staging.remove()
    progress.start("drawing", None, "points")
    build_atlas(snapshot)
    progress.finish()
    report.snapshot = snapshot.id
    return report
