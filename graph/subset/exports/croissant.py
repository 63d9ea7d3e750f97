"""This file knows a subset as a Croissant 1.0 data set: the Parquet tables, and a description of every column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from graph.snapshot import file_sha256
from graph.subset.exports import parquet
from graph.subset.exports.marks import HUB, describe
from graph.subset.exports.tables import TABLES, FlatTable
from graph.subset.lock import Lock

DESCRIPTION = "croissant.json"
_KINDS = {pa.string(): "sc:Text", pa.int64(): "sc:Integer", pa.float64(): "sc:Float", pa.bool_(): "sc:Boolean"}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        name: f"cr:{name}"
        for name in (
            *("citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet", "format", "includes"),
            *("isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
            *("repeated", "replace", "separator", "source", "subField", "transform"),
        )
    },
}


def write(lock: Lock, folder: Path) -> None:
    """Write the tables and their description."""
    parquet.write(lock, folder)
    describe(folder / DESCRIPTION, _description(lock, folder))


def _description(lock: Lock, folder: Path) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "@id": lock.digest,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": lock.query.title or f"subset {lock.digest[:16]}",
        "description": f"{lock.totals.models} models of the catalogue snapshot {lock.snapshot}: facts, derivations, files.",
        "url": HUB,
        "version": "1.0.0",
        "citeAs": f"stemma subset {lock.digest}",
        "distribution": [_file(folder / f"{table.name}.parquet") for table in TABLES],
        "recordSet": [_records(table) for table in TABLES],
    }


def _file(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": file_sha256(path),
    }


def _records(table: FlatTable) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{table.name}/{name}",
                "name": name,
                "description": meaning,
                "dataType": _KINDS[kind],
                "source": {"fileObject": {"@id": f"{table.name}.parquet"}, "extract": {"column": name}},
            }
            for name, kind, meaning in table.columns
        ],
    }
