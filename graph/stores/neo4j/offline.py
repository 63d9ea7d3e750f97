"""This file knows the files from which Neo4j's own importer builds a whole graph while its server is stopped.

``neo4j-admin database import`` writes the database's files itself, several times as fast as any transaction can, but only into a
database that does not exist yet. It reads CSV here: its Parquet reader (beta in Neo4j 5) refuses lists of numbers and drops
empty texts at the end of a list. The graph that comes out is marked as imported: a `load` of the same snapshot makes constraints
and indexes, compares the counts, and marks it as whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from graph.errors import BadInput
from graph.snapshot import Snapshot
from graph.stores.neo4j.projection import (
    ALIAS,
    ARRAYS,
    BENCHMARK,
    DATASET,
    DERIVED_FROM,
    FILE,
    HAS_TENSOR,
    HAS_WEIGHTS,
    KINDS,
    MODEL,
    SCORED,
    SIMILAR_TO,
    SUCCEEDED_BY,
    TENSOR,
    TRAINED_ON,
    WEIGHT,
    Frame,
    Kind,
)

ARGUMENTS = "import.args"
IMPORTED = "imported"  # the state of a graph that the importer made and no load has finished
BETWEEN = "\x1f"  # the values of a list; the unit separator, which no name of a Hub has
CATALOGUE = "Catalogue"
_TYPES = (
    (pl.String, "string"),
    (pl.Int32, "int"),
    (pl.Int64, "long"),
    (pl.Float64, "double"),
    (pl.Boolean, "boolean"),
)
# What relationships name nodes by.
_KEYS = {
    MODEL.name: "id",
    DATASET.name: "id",
    WEIGHT.name: "digest",
    TENSOR.name: "digest",
    BENCHMARK.name: "name",
}
_ENDS = {
    DERIVED_FROM.name: (("model", MODEL.name), ("base_model", MODEL.name)),
    TRAINED_ON.name: (("model", MODEL.name), ("dataset", DATASET.name)),
    HAS_WEIGHTS.name: (("model", MODEL.name), ("digest", WEIGHT.name)),
    HAS_TENSOR.name: (("model", MODEL.name), ("digest", TENSOR.name)),
    SIMILAR_TO.name: (("model", MODEL.name), ("other", MODEL.name)),
    SUCCEEDED_BY.name: (("model", MODEL.name), ("successor", MODEL.name)),
    SCORED.name: (("model", MODEL.name), ("benchmark", BENCHMARK.name)),
}
# Nodes without a name of their own are numbered; the last column is their model: (type, whether it points to the model).
_HUNG = {ALIAS.name: ("target", "ALIAS_OF", True), FILE.name: ("holder", "HAS_FILE", False)}
SLICE = 100_000  # rows whose text is in memory at once


@dataclass(frozen=True, slots=True)
class Part:
    """One file: nodes of a label, or relationships of a type. ``heads``: headers of the columns that are not plain properties."""

    option: str  # "nodes" or "relationships"
    name: str
    rows: Frame
    heads: dict[str, str]


def write_offline(snapshot: Snapshot, folder: Path) -> dict[str, int]:
    """Write the importer's files and ``import.args``, its arguments, into an empty folder; rows by label and type.

    To be run inside that folder: ``neo4j-admin database import full neo4j @import.args``. Raises BadInput when the folder holds
    something, or when a value cannot travel this way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty: give a new folder for the importer's files")
    arguments, rows = ["--multiline-fields=true", f"--array-delimiter=U+{ord(BETWEEN):04X}"], dict[str, int]()
    for kind in KINDS:
        frame = kind.build(snapshot)
        rows[kind.name] = len(frame)
        for part in _parts(kind, frame):
            arguments += _written(folder, part)
    mark = {"key": "catalogue", "state": IMPORTED, "loading": snapshot.id, "run": IMPORTED, "rows": json.dumps(rows)}
    arguments += _written(folder, Part("nodes", CATALOGUE, pl.DataFrame([mark]), {"key": f"key:ID({CATALOGUE})"}))
    (folder / ARGUMENTS).write_text("\n".join(arguments) + "\n", encoding="utf-8")
    return rows


def _written(folder: Path, part: Part) -> list[str]:
    """Write one file; the arguments that name it."""
    if part.rows.is_empty():
        return []
    path = folder / f"{part.name.lower()}.csv"
    with path.open("wb") as file:
        for number, rows in enumerate(part.rows.iter_slices(SLICE)):  # "" is an empty text, nothing is unknown
            _headed(part, rows).write_csv(file, include_header=number == 0, quote_style="non_numeric")
    return [f"--{part.option}={part.name}={path.name}"]


def _parts(kind: Kind, frame: Frame) -> Iterator[Part]:
    if kind.name in _KEYS:
        key = _KEYS[kind.name]
        yield Part("nodes", kind.name, frame, {key: f"{key}:ID({kind.name})"})
    elif kind is ARRAYS:
        yield Part("nodes", kind.name, frame, {})  # nothing hangs on them
    elif kind.name in _ENDS:
        (start, first), (end, second) = _ENDS[kind.name]
        yield Part("relationships", kind.name, frame, {start: f":START_ID({first})", end: f":END_ID({second})"})
    else:
        model, joined, towards = _HUNG[kind.name]
        here, there = (":START_ID", ":END_ID") if towards else (":END_ID", ":START_ID")
        numbered = frame.with_row_index("number").with_columns(pl.col("number").cast(pl.String))
        yield Part("nodes", kind.name, numbered.drop(model), {"number": f":ID({kind.name})"})
        ends = {"number": f"{here}({kind.name})", model: f"{there}({MODEL.name})"}
        yield Part("relationships", joined, numbered.select("number", model), ends)


def _headed(part: Part, rows: Frame) -> Frame:
    """Rows as the importer takes them, lists as one text each, under the importer's headers."""
    lists = [name for name, column in rows.schema.items() if isinstance(column, pl.List)]
    for name in lists:
        values = rows[name].explode(empty_as_null=False).drop_nulls()
        if values.dtype == pl.String and values.str.contains(BETWEEN, literal=True).any():
            raise BadInput(
                f"a value of {name} of some {part.name} holds the character U+001F: load this snapshot over Bolt"
            )
    texts = rows.with_columns(
        pl.col(pl.Float64).pipe(_text), pl.col(pl.List(pl.Float64)).list.eval(_text(pl.element()))
    )
    joined = texts.with_columns(pl.col(name).list.join(BETWEEN) for name in lists)
    return joined.rename({name: part.heads.get(name) or _header(name, rows) for name in rows.columns})


def _text(values: pl.Expr) -> pl.Expr:
    """Texts of fractions, as Java reads them."""
    return values.cast(pl.String).replace({"inf": "Infinity", "-inf": "-Infinity"})


def _header(name: str, frame: Frame) -> str:
    column = frame.schema[name]
    if isinstance(column, pl.List):
        return f"{name}:{_type(pl.Series(dtype=column.inner))}[]"
    return f"{name}:{_type(frame[name])}"


def _type(values: pl.Series) -> str:
    for kind, name in _TYPES:
        if values.dtype == kind:
            return name
    raise TypeError(f"{values.name}: {values.dtype}")
