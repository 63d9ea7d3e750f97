"""This file knows a subset as three flat tables: models (those outside that are named too), derivations, files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from graph.subset.lock import Lock
from graph.subset.rows import Outside, Row

BATCH = 10_000  # rows
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class FlatTable:
    """One table: its name, columns with their Arrow types and meanings, and how its rows follow from a lock."""

    name: str
    columns: tuple[tuple[str, pa.DataType, str], ...]
    rows: Callable[[Lock], Iterator[Values]]

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [name for name, _, _ in self.columns]

    @property
    def schema(self) -> pa.Schema:
        """For Arrow."""
        return pa.schema([(name, kind) for name, kind, _ in self.columns])


def batches(rows: Iterable[Values], size: int = BATCH) -> Iterator[list[Values]]:
    """Rows, so many at a time."""
    waiting = iter(rows)
    while batch := list(islice(waiting, size)):
        yield batch


def model_values(row: Row) -> Values:
    """One model as a row of ``MODELS``."""
    licence = row.licence
    return (
        row.model,
        True,
        row.hub_id,
        row.author,
        row.commit,
        row.state,
        row.gated,
        licence.id if licence else None,
        licence.where if licence else None,
        row.task,
        row.library,
        row.architecture,
        row.parameters,
        row.created_at,
        None if row.novelty is None else float(row.novelty),
        row.novelty_class,
        None if row.ability is None else float(row.ability.index),
        None if row.ability is None or row.ability.error is None else float(row.ability.error),
        None if row.files is None else len(row.files),
        None if row.files is None else row.size,
        row.why.text(),
    )


def _outside_values(base: Outside) -> Values:
    author = base.model.split("/", 1)[0] if "/" in base.model else None
    known = (base.model, False, None, author, None, base.state, None, base.licence)
    told = f"outside, {base.why}" + (f": {base.reason}" if base.reason else "")
    return (*known, *[None] * (len(MODELS.columns) - len(known) - 1), told)


def _models(lock: Lock) -> Iterator[Values]:
    yield from map(model_values, lock.models)
    yield from map(_outside_values, lock.outside)


def _derivations(lock: Lock) -> Iterator[Values]:
    for row in lock.models:
        for base in row.bases:
            evidence = " ".join(base.evidence)
            yield row.model, base.model, base.relation, evidence, base.inside, base.conflict, base.cycle


def _files(lock: Lock) -> Iterator[Values]:
    for row in lock.models:
        for file in row.files or ():
            yield row.model, row.commit, file.path, file.size, file.sha256, file.git_blob


_TEXT, _WHOLE, _YES = pa.string(), pa.int64(), pa.bool_()
KINDS = {
    _TEXT: "string",
    _WHOLE: "long",
    pa.float64(): "double",
    _YES: "boolean",
}  # as GraphML, GEXF and Neo4j call them
MODELS = FlatTable(
    "models",
    (
        ("id", _TEXT, "the repository's name"),
        ("inside", _YES, "whether it is in the subset; else it is a base model of one that is"),
        ("hub_id", _TEXT, "the Hub's permanent id"),
        ("author", _TEXT, "the part of the name before the slash"),
        ("commit", _TEXT, "the commit that is pinned"),
        ("state", _TEXT, "listed, gated, gone; missing: named and never seen"),
        ("gated", _TEXT, "auto or manual when its files need consent"),
        ("licence", _TEXT, "as declared on the Hub"),
        ("licence_where", _TEXT, "where it was declared"),
        ("task", _TEXT, "the Hub's pipeline tag"),
        ("library", _TEXT, "the library that loads it"),
        ("architecture", _TEXT, "its architecture"),
        ("parameters", _WHOLE, "number of parameters"),
        ("created_at", _TEXT, "when the repository was made, ISO 8601"),
        ("novelty", pa.float64(), "fork novelty, 0 to 100"),
        ("novelty_class", _TEXT, "class of the fork"),
        ("ability", pa.float64(), "index of ability, 100 on the norm's mean"),
        ("ability_error", pa.float64(), "its standard error"),
        ("files", _WHOLE, "number of files; empty when they are not known"),
        ("bytes", _WHOLE, "bytes of the files whose size is known"),
        ("why", _TEXT, "why it is here"),
    ),
    _models,
)
DERIVATIONS = FlatTable(
    "derivations",
    (
        ("model", _TEXT, "the derived model"),
        ("base_model", _TEXT, "what it was made from"),
        ("relation", _TEXT, "how"),
        ("evidence", _TEXT, "who says so, separated by spaces"),
        ("inside", _YES, "whether the base model is in the subset"),
        ("conflict", _YES, "whether claims about the pair disagree"),
        ("cycle", _YES, "whether it lies on a cycle"),
    ),
    _derivations,
)
FILES = FlatTable(
    "files",
    (
        ("model", _TEXT, "the model"),
        ("commit", _TEXT, "the commit that is pinned"),
        ("path", _TEXT, "path in the repository"),
        ("size", _WHOLE, "bytes"),
        ("sha256", _TEXT, "sha256 of the content"),
        ("git_blob", _TEXT, "git blob id, where the sha256 is not known"),
    ),
    _files,
)
TABLES = (MODELS, DERIVATIONS, FILES)
