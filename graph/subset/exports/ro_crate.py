"""This file knows a subset as an RO-Crate 1.1: the lock, the CSV tables, and their description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graph.snapshot import file_sha256
from graph.subset.exports import csv_tables
from graph.subset.exports.marks import describe
from graph.subset.exports.tables import TABLES
from graph.subset.lock import Lock

DESCRIPTION = "ro-crate-metadata.json"
LOCK = "subset.lock.json"
_MEANINGS = {
    "models": "the models of the subset, and base models outside",
    "derivations": "what each was made from",
    "files": "the files pinned",
}


def write(lock: Lock, folder: Path) -> None:
    """Write lock, tables and description."""
    csv_tables.write(lock, folder)
    lock.write(folder / LOCK)
    describe(folder / DESCRIPTION, _description(lock, folder))


def _description(lock: Lock, folder: Path) -> dict[str, Any]:
    files = [_file(folder / LOCK, "the lock: query, snapshot, commits, hashes and reasons", "application/json")]
    files += [_file(folder / f"{table.name}.csv", _MEANINGS[table.name], "text/csv") for table in TABLES]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": lock.query.title or f"subset {lock.digest[:16]}",
        "description": f"{lock.totals.models} models of the catalogue snapshot {lock.snapshot}.",
        "identifier": f"stemma-subset:{lock.digest}",
        "license": "The models' own licences, as models.csv lists them: "
        + (", ".join(lock.totals.licences) or "none is known"),
        "hasPart": [{"@id": file["@id"]} for file in files],
    }
    times = [row.created_at for row in lock.models if row.created_at]
    if times:  # RO-Crate wants a date, and clocks are kept out of exports: that of the newest model
        root["datePublished"] = max(times)
    about = {
        "@id": DESCRIPTION,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [about, root, *files]}


def _file(path: Path, meaning: str, kind: str) -> dict[str, Any]:
    return {
        "@id": path.name,
        "@type": "File",
        "name": path.name,
        "description": meaning,
        "encodingFormat": kind,
        "contentSize": str(path.stat().st_size),
        "sha256": file_sha256(path),
    }
