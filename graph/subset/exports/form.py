"""This file knows the forms that a subset can be exported in: their names, where each writes, and what it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from graph.errors import BadInput
from graph.subset.lock import Lock


@dataclass(frozen=True, slots=True)
class Form:
    """One form. ``ending``: what is added to the lock's name; a form of several files makes a folder of that name."""

    name: str
    module: str
    ending: str
    folder: bool
    meaning: str


FORMS: tuple[Form, ...] = (
    Form("parquet", "parquet", "parquet", True, "models, derivations and files as Parquet"),
    Form("csv", "csv_tables", "csv", True, "the same tables as CSV"),
    Form("jsonl", "json_lines", "jsonl", False, "the lock's rows, one model a line"),
    Form("graphml", "graphml", "graphml", False, "the graph for Gephi, yEd, igraph, networkx"),
    Form("gexf", "gexf", "gexf", False, "the graph for Gephi"),
    Form("neo4j", "neo4j", "neo4j", True, "CSV for neo4j-admin import, and a Cypher script that loads it"),
    Form("cyclonedx", "cyclonedx", "cdx.json", False, "CycloneDX 1.6 ML-BOM"),
    Form("spdx", "spdx", "spdx.json", False, "SPDX 3.0 with AI packages"),
    Form("croissant", "croissant", "croissant", True, "Parquet tables described in Croissant"),
    Form("ro-crate", "ro_crate", "ro-crate", True, "lock and CSV tables described in RO-Crate 1.1"),
    Form("bibtex", "bibtex", "bib", False, "a citation for each model"),
    Form("download", "download", "download.sh", False, "a script of `hf download` lines pinned to commits"),
    Form("in-toto", "in_toto", "intoto.json", False, "an in-toto statement over the lock, to be signed"),
    Form("snapshot", "snapshot", "catalogue", True, "a catalogue of its own, to be served or loaded"),
)
BY_NAME = {form.name: form for form in FORMS}


def export(lock: Lock, form: Form, place: Path) -> None:
    """Write a form that follows from the lock alone. Raises BadInput when it cannot be written there."""
    module = import_module(f"graph.subset.exports.{form.module}")
    write: Callable[[Lock, Path], None] = module.write
    try:
        write(lock, place)
    except OSError as error:
        raise BadInput(f"{place} cannot be written ({error.strerror}): choose another place") from error
