"""This file knows which nodes and relationships a snapshot becomes, and every property that they carry.

Each ``Kind`` is one label or relationship type: its columns are the properties, its frame is what the snapshot says. Unknown
values and empty lists are absent properties. Times are milliseconds since 1970. ``downloads_key`` holds the negated downloads with
the largest number for unknown, so that one ascending order has its ties by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from graph.contradictions import all_contradictions
from graph.derived import Derived
from graph.frames import Numbers, OnDisk, milliseconds
from graph.snapshot import Snapshot
from graph.store import Collapse
from graph.stores.lists.making import originals_in
from graph.stores.neo4j.carried import DIGEST, KEY, as_read, pieces
from graph.stores.shared import VERSION, shared_of
from graph.tables import (
    ABILITIES,
    ALIASES,
    CLAIMS,
    DATASETS,
    DERIVATIONS,
    FILES,
    HOLDINGS,
    MODELS,
    NOVELTY,
    RESULTS,
    SIMILAR,
    TENSORS,
    TRAININGS,
    WEIGHTS,
)

FORM = (
    7_000 + VERSION
)  # of a graph: which labels, types and properties are written; kept with it, a load mends an older one
UNKNOWN_KEY = 2**63 - 1
BATCH = 2_000  # rows of a transaction: 10,000 take the server twice the CPU a row, 500 gain nothing
CLAIM = ("evidence", "relation", "where", "confidence", "detail")  # the parts of a claim on a DERIVED_FROM
Frame = pl.DataFrame


@dataclass(frozen=True, slots=True)
class Kind:
    """One label or type. ``key`` columns name a row; ``nodes`` kinds are updated in place, the others replaced."""

    name: str  # as in the graph: "Model", "DERIVED_FROM"
    slug: str  # of its statements: cypher/load_<slug>_add.cypher ...
    key: tuple[str, ...]
    build: Callable[[Snapshot], Frame]
    update: bool = False  # changed rows are set in place: relationships hang on them, or they are large
    batch: int = BATCH  # rows that are sent at once
    digest: str | None = None  # a column that tells rows of one key apart: then a load reads no more of what is there
    as_read: Callable[[Frame], Frame] = lambda rows: rows  # what is compared of rows that are read back whole


def derived(snapshot: Snapshot) -> Derived:
    """What follows from a snapshot. That of the last two is kept: a load compares two, and each takes seconds for millions."""
    return _derived(snapshot.folder)


@lru_cache(maxsize=2)
def _derived(folder: Path) -> Derived:
    return Derived(OnDisk(Snapshot.open(folder)))


def _read(snapshot: Snapshot, table: str, columns: list[str] | None = None) -> Frame:
    frame = milliseconds(snapshot.frame(table, columns))
    return frame.with_columns(_unless_empty(name) for name, kind in frame.schema.items() if isinstance(kind, pl.List))


def models(snapshot: Snapshot) -> Frame:
    """Model: the columns of the table, the lower-case id, the key of the order by downloads, facts of novelty, ability and standing
    as JSON, and for each way to fold the original of its group, where the group has other models.
    """
    facts = snapshot.frame(NOVELTY.name)
    told = facts.select(
        pl.col("model").alias("id"), pl.struct(facts.columns).struct.json_encode().alias("novelty_facts")
    )
    able = snapshot.frame(ABILITIES.name).select(pl.exclude("norm"))
    ability = able.select(
        pl.col("model").alias("id"),
        _unless_empty("domains"),
        pl.struct(able.columns).struct.json_encode().alias("ability_facts"),
    )
    known = derived(snapshot)
    standing = known.standings.select(
        pl.col("model").alias("id"),
        pl.struct(known.standings.columns).struct.json_encode().alias("standing_facts"),
    )
    read = _read(snapshot, MODELS.name)
    groups = {
        f"{mode.value}_of": read["id"].gather(_with_others(of))
        for mode, of in originals_in(shared_of(snapshot)).items()
    }
    joined = (
        read.join(told, on="id", how="left", maintain_order="left")
        .join(ability, on="id", how="left", maintain_order="left")
        .join(standing, on="id", how="left", maintain_order="left")
        .with_columns(**groups)
    )
    return joined.with_columns(
        id_lower=pl.col("id").str.to_lowercase(), downloads_key=(-pl.col("downloads")).fill_null(UNKNOWN_KEY)
    )


def _unless_empty(column: str) -> pl.Expr:
    """A list, absent where it has no value."""
    return pl.when(pl.col(column).list.len() > 0).then(pl.col(column)).alias(column)


def _json_of(column: str) -> pl.Expr:
    """The values of a column, each as JSON, unknown ones as null."""
    return pl.struct(column).struct.json_encode().str.slice(len(column) + 4).str.head(-1)


def _with_others(of: Numbers) -> pl.Series:
    """The numbers of the originals, null where a group is one model. Shapes: (models,)."""
    return pl.Series(of).set(pl.Series(np.bincount(of, minlength=1)[of] == 1), None)


def arrays(snapshot: Snapshot) -> Frame:
    """Arrays: those of lists and lineages, in pieces. See ``graph.stores.neo4j.carried``."""
    return pieces(shared_of(snapshot).folder)


def datasets(snapshot: Snapshot) -> Frame:
    """Dataset: the columns of the table and the lower-case id."""
    return _read(snapshot, DATASETS.name).with_columns(pl.col("id").str.to_lowercase().alias("id_lower"))


def aliases(snapshot: Snapshot) -> Frame:
    """Alias with its ALIAS_OF: ``target`` is the model at the other end, the same as ``id`` in a whole graph."""
    known = snapshot.frame(MODELS.name, ["id"])  # an alias of nothing has nowhere to point
    return (
        _read(snapshot, ALIASES.name)
        .join(known, on="id", how="semi", maintain_order="left")
        .with_columns(pl.col("alias").str.to_lowercase().alias("alias_lower"), pl.col("id").alias("target"))
    )


def files(snapshot: Snapshot) -> Frame:
    """File with its HAS_FILE: ``holder`` is the model at the other end, the same as ``model`` in a whole graph."""
    return _read(snapshot, FILES.name).with_columns(pl.col("model").alias("holder"))


def derivations(snapshot: Snapshot) -> Frame:
    """DERIVED_FROM with its claims, each a JSON array (evidence, relation, where, confidence, detail), and how what the weights say
    of it contradicts the others.
    """
    text = pl.format("[{}]", pl.concat_str(*map(_json_of, CLAIM), separator=",")).alias("claims")
    claims = (
        _read(snapshot, CLAIMS.name)
        .select("model", "base_model", text)
        .group_by("model", "base_model", maintain_order=True)
        .agg(pl.col("claims"))
    )
    against = all_contradictions(OnDisk(snapshot), lambda: originals_in(shared_of(snapshot))[Collapse.COPIES])
    against = against.rename({"kind": "contradicts", "probability": "contradiction"})
    ends = ["model", "base_model"]
    return (
        _read(snapshot, DERIVATIONS.name)
        .join(claims, on=ends, how="left", maintain_order="left")
        .join(against, on=ends, how="left", maintain_order="left")
    )


def results(snapshot: Snapshot) -> Frame:
    """SCORED, of models in the catalogue."""
    return _read(snapshot, RESULTS.name).filter("known").drop("known", "domain")


def benchmarks(snapshot: Snapshot) -> Frame:
    """Benchmark: what it is about, and how many models have a result on it."""
    rows = _read(snapshot, RESULTS.name).filter("known")
    return (
        rows.group_by("benchmark")
        .agg(domain=pl.col("domain").drop_nulls().sort().first(), models=pl.col("model").n_unique().cast(pl.Int64))
        .rename({"benchmark": "name"})
        .sort("name")
    )


def tensors(snapshot: Snapshot) -> Frame:
    """Tensor: one a content, with the number of models that hold it."""
    held = _read(snapshot, TENSORS.name)
    return (
        held.group_by("digest")
        .agg(pl.col("values").first(), pl.col("model").n_unique().cast(pl.Int64).alias("models"))
        .sort("digest")
    )


DATASET = Kind("Dataset", "dataset", DATASETS.key, datasets, update=True)
WEIGHT = Kind("Weights", "weights", WEIGHTS.key, lambda snapshot: _read(snapshot, WEIGHTS.name), update=True)
MODEL = Kind("Model", "model", MODELS.key, models, update=True)
ALIAS = Kind("Alias", "alias", ALIASES.key, aliases)
FILE = Kind("File", "file", FILES.key, files)
DERIVED_FROM = Kind("DERIVED_FROM", "derived_from", ("model", "base_model"), derivations)
TRAINED_ON = Kind("TRAINED_ON", "trained_on", TRAININGS.key, lambda snapshot: _read(snapshot, TRAININGS.name))
HAS_WEIGHTS = Kind("HAS_WEIGHTS", "has_weights", HOLDINGS.key, lambda snapshot: _read(snapshot, HOLDINGS.name))
BENCHMARK = Kind("Benchmark", "benchmark", ("name",), benchmarks, update=True)
SCORED = Kind("SCORED", "scored", RESULTS.key, results)
SIMILAR_TO = Kind("SIMILAR_TO", "similar_to", SIMILAR.key, lambda snapshot: _read(snapshot, SIMILAR.name))
TENSOR = Kind("Tensor", "tensor", ("digest",), tensors, update=True)
SUCCEEDED_BY = Kind(
    "SUCCEEDED_BY", "succeeded_by", ("model", "successor"), lambda snapshot: derived(snapshot).successors
)
ARRAYS = Kind(
    "Arrays", "arrays", KEY, arrays, update=True, batch=8, digest=DIGEST, as_read=as_read
)  # a row may have a megabyte
HAS_TENSOR = Kind(
    "HAS_TENSOR", "has_tensor", TENSORS.key, lambda snapshot: _read(snapshot, TENSORS.name).drop("values")
)

# In the order of creation: ends before what joins them. Removal goes the other way.
KINDS: tuple[Kind, ...] = (
    DATASET,
    WEIGHT,
    BENCHMARK,
    TENSOR,
    MODEL,
    ALIAS,
    FILE,
    DERIVED_FROM,
    TRAINED_ON,
    HAS_WEIGHTS,
    SIMILAR_TO,
    HAS_TENSOR,
    SCORED,
    SUCCEEDED_BY,
    ARRAYS,
)
