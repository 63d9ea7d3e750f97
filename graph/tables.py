"""This file knows the tables of a snapshot: their Arrow schemas, keys, and the order of their rows.

Every table is sorted by its key, compared as UTF-8 bytes; lists of names are sorted unless said otherwise. A change here
is a change of ``SCHEMA_VERSION``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SCHEMA_VERSION = 3
# What reading a damaged Parquet file raises: the last of a column's name.
UNREADABLE = (OSError, pa.ArrowException, UnicodeDecodeError)

TIME = pa.timestamp("ms", tz="UTC")
NAMES = pa.list_(pa.string())


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, its columns, and the columns that order it. ``content`` tables make the snapshot's id."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    content: bool = True


def _schema(*fields: tuple[str, pa.DataType], required: tuple[str, ...]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=name not in required) for name, kind in fields])


MODELS = Table(
    "models",
    _schema(
        ("id", pa.string()),
        ("hub_id", pa.string()),
        ("author", pa.string()),
        ("state", pa.string()),
        ("created_at", TIME),
        ("modified_at", TIME),
        ("task", pa.string()),
        ("library", pa.string()),
        ("licence", pa.string()),
        ("parameters", pa.int64()),
        ("dtype", pa.string()),
        ("architecture", pa.string()),
        ("context_length", pa.int64()),
        ("downloads", pa.int64()),
        ("downloads_all_time", pa.int64()),
        ("likes", pa.int64()),
        ("trending", pa.float64()),
        ("sha", pa.string()),
        ("gated", pa.string()),
        ("tags", NAMES),  # in the Hub's order
        ("languages", NAMES),
        ("relations", NAMES),
        ("generation", pa.int32()),
        ("descendants", pa.int64()),
        ("base_models", pa.int32()),
        ("new_version", pa.string()),
        ("novelty", pa.float64()),
        ("novelty_class", pa.string()),
        ("ability", pa.float64()),
        ("standards", NAMES),
        required=("id", "state", "tags", "languages", "relations"),
    ),
    key=("id",),
)
ALIASES = Table(
    "aliases",
    _schema(("alias", pa.string()), ("id", pa.string()), ("source", pa.string()), required=("alias", "id", "source")),
    key=("alias", "id"),
)
DATASETS = Table(
    "datasets",
    _schema(
        ("id", pa.string()),
        ("hub_id", pa.string()),
        ("author", pa.string()),
        ("state", pa.string()),
        ("created_at", TIME),
        ("modified_at", TIME),
        ("downloads", pa.int64()),
        ("likes", pa.int64()),
        ("licence", pa.string()),
        ("gated", pa.string()),
        ("tags", NAMES),
        ("languages", NAMES),
        ("models", pa.int64()),
        required=("id", "state", "tags", "languages", "models"),
    ),
    key=("id",),
)
CLAIMS = Table(
    "claims",
    _schema(
        ("model", pa.string()),
        ("base_model", pa.string()),
        ("evidence", pa.string()),
        ("relation", pa.string()),
        ("where", pa.string()),
        ("confidence", pa.float64()),
        ("detail", pa.string()),
        required=("model", "base_model", "evidence", "relation", "where"),
    ),
    key=("model", "base_model", "evidence", "relation", "where"),
)
DERIVATIONS = Table(
    "derivations",
    _schema(
        ("model", pa.string()),
        ("base_model", pa.string()),
        ("relation", pa.string()),
        ("evidence", NAMES),  # in the order of records.Evidence
        ("confidence", pa.float64()),
        ("conflict", pa.bool_()),
        ("cycle", pa.bool_()),
        required=("model", "base_model", "relation", "evidence", "conflict", "cycle"),
    ),
    key=("model", "base_model"),
)
TRAININGS = Table(
    "trainings",
    _schema(
        ("model", pa.string()),
        ("dataset", pa.string()),
        ("evidence", NAMES),
        required=("model", "dataset", "evidence"),
    ),
    key=("model", "dataset"),
)
FILES = Table(
    "files",
    _schema(
        ("model", pa.string()),
        ("path", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.string()),
        ("blob_id", pa.string()),
        required=("model", "path"),
    ),
    key=("model", "path"),
)
WEIGHTS = Table(
    "weights",
    _schema(
        ("digest", pa.string()),
        ("files", pa.int32()),
        ("size", pa.int64()),
        ("holders", pa.int32()),
        required=("digest", "files", "holders"),
    ),
    key=("digest",),
)
HOLDINGS = Table(
    "holdings",
    _schema(("digest", pa.string()), ("model", pa.string()), required=("digest", "model")),
    key=("digest", "model"),
)
SIMILAR = Table(
    "similar",
    _schema(
        ("model", pa.string()),
        ("other", pa.string()),
        ("cosine", pa.float64()),
        ("relative_distance", pa.float64()),
        ("shared_fraction", pa.float64()),
        ("components", NAMES),  # the most alike first
        ("component_cosines", pa.list_(pa.float64())),
        ("method", pa.string()),
        ("p_value", pa.float64()),
        required=("model", "other", "cosine", "components", "component_cosines", "method"),
    ),
    key=("model", "other"),
)
TENSORS = Table(
    "tensors",
    _schema(
        ("digest", pa.string()),
        ("model", pa.string()),
        ("role", pa.string()),
        ("values", pa.int64()),
        required=("digest", "model", "role", "values"),
    ),
    key=("digest", "model", "role"),
)
CHANGES = Table(
    "changes",
    _schema(
        ("model", pa.string()),
        ("tier", pa.string()),
        ("energy", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("innovation", pa.float64()),
        ("structured", pa.float64()),
        ("isotropic", pa.bool_()),
        ("changed", pa.float64()),
        ("rank", pa.float64()),
        ("explained_by", pa.string()),
        ("explained", pa.float64()),
        required=("model", "tier", "energy", "low", "high", "innovation", "structured", "isotropic", "changed"),
    ),
    key=("model",),
)
NOVELTY = Table(
    "novelty",
    _schema(
        ("model", pa.string()),
        ("tier", pa.string()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("other", pa.string()),
        ("datasets", NAMES),
        ("first", pa.int32()),
        ("languages", NAMES),
        ("task", pa.bool_()),
        ("architecture", pa.bool_()),
        ("licence", pa.bool_()),
        ("context", pa.float64()),
        ("parameters", pa.float64()),
        ("trained", pa.bool_()),
        ("unseen", pa.int32()),
        ("energy", pa.float64()),
        ("innovation", pa.float64()),
        ("structured", pa.float64()),
        ("isotropic", pa.bool_()),
        ("changed", pa.float64()),
        ("rank", pa.float64()),
        ("explained_by", pa.string()),
        ("explained", pa.float64()),
        required=(
            "model",
            "tier",
            "datasets",
            "first",
            "languages",
            "task",
            "architecture",
            "licence",
            "trained",
            "unseen",
        ),
    ),
    key=("model",),
)
RESULTS = Table(
    "results",
    _schema(
        ("model", pa.string()),  # its id, or the name as the table spells it when it is not in the catalogue
        ("benchmark", pa.string()),
        ("setting", pa.string()),
        ("source", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("fraction", pa.float64()),  # null where the metric's scale is not known
        ("items", pa.int64()),
        ("domain", pa.string()),
        ("grade", pa.string()),
        ("revision", pa.string()),
        ("known", pa.bool_()),  # whether the model is in the catalogue
        required=("model", "benchmark", "setting", "source", "metric", "value", "grade", "known"),
    ),
    key=("model", "benchmark", "setting", "source"),
)
VOTES = Table(
    "votes",
    _schema(
        ("first", pa.string()),  # by name before ``second``
        ("second", pa.string()),
        ("source", pa.string()),
        ("wins", pa.int64()),  # of the first
        ("ties", pa.int64()),
        ("losses", pa.int64()),
        required=("first", "second", "source", "wins", "ties", "losses"),
    ),
    key=("first", "second", "source"),
)
ABILITIES = Table(
    "abilities",
    _schema(
        ("model", pa.string()),
        ("index", pa.float64()),
        ("error", pa.float64()),
        ("benchmarks", pa.int32()),
        ("unknown", pa.string()),
        ("inherited_from", pa.string()),
        ("steps", pa.int32()),
        ("suspect", pa.string()),
        ("surprise", pa.float64()),
        ("without", pa.float64()),
        ("domains", NAMES),  # in which it has results, by name; and for each of them:
        ("domain_indexes", pa.list_(pa.float64())),
        ("domain_errors", pa.list_(pa.float64())),
        ("domain_results", pa.list_(pa.int32())),
        ("norm", pa.bool_()),  # whether it is one of those whose mean is 100
        required=("model", "benchmarks", "domains", "domain_indexes", "domain_errors", "domain_results", "norm"),
    ),
    key=("model",),
)
SKIPPED = Table(
    "skipped",
    _schema(
        ("source", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("model", pa.string()),
        required=("source", "reason"),
    ),
    key=("source", "row", "reason", "model", "detail"),
    content=False,  # says what a run left out: row numbers depend on the order of the input
)

TABLES: tuple[Table, ...] = (
    MODELS,
    ALIASES,
    DATASETS,
    CLAIMS,
    DERIVATIONS,
    TRAININGS,
    FILES,
    WEIGHTS,
    HOLDINGS,
    SIMILAR,
    TENSORS,
    CHANGES,
    NOVELTY,
    RESULTS,
    VOTES,
    ABILITIES,
    SKIPPED,
)
BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}
