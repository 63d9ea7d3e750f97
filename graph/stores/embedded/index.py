"""This file knows how the embedded engine's index is made from a snapshot: once, beside its tables, never part of its id.

Models are renumbered by downloads (most first, unknown last, then by name): a row's number is its rank, so a list in that order
needs no sorting and a page can stop early. Everything else refers to these numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from graph.contradictions import all_contradictions
from graph.coverage import coverage
from graph.folding import originals
from graph.groups import starts
from graph.records import Contradicts, Evidence, Relation
from graph.snapshot import Snapshot
from graph.standard import SHIPPED
from graph.store import SIZE_CLASSES, Collapse
from graph.stores.embedded.arrays import Array, Shelf
from graph.stores.embedded.beside import make_whole
from graph.stores.embedded.names import Groups, Lookup, Texts
from graph.stores.embedded.packed import Packed

VERSION = 10
UNKNOWN = np.iinfo(np.int64).min  # stands for null in the arrays of values: sorts last when largest come first
RELATIONS = [relation.value for relation in Relation]
KINDS = [kind.value for kind in Contradicts]
EVIDENCE = [evidence.value for evidence in Evidence]
EVIDENCE_OF = [  # by a mask of bits in the order of ``EVIDENCE``
    tuple(Evidence(word) for at, word in enumerate(EVIDENCE) if mask >> at & 1) for mask in range(1 << len(EVIDENCE))
]
BY_MODEL = ("claims", "files", "similar", "tensors", "novelty", "results", "abilities")  # tables kept by model
CODED = ("task", "library", "licence", "author", "state", "novelty_class")
VALUES = ("downloads", "likes", "trending", "created_at", "modified_at", "parameters", "novelty", "ability")
FLOATS = ("trending", "novelty", "ability")  # values that are not whole numbers: unknown is minus infinity
_TIMES = ("created_at", "modified_at")
CONFLICT, CYCLE = 1, 2  # bits of a derivation's flags


def build_index(snapshot: Snapshot) -> Path:
    """Make the index unless it is there."""
    return make_whole(snapshot.folder / f"index-{VERSION}", lambda folder: _write(snapshot, Shelf(folder)))


def _write(snapshot: Snapshot, shelf: Shelf) -> None:
    models, name_rank = _ordered(snapshot)
    groups = originals(snapshot)
    ids = models.select("id", number=pl.int_range(models.height, dtype=pl.Int32))
    with ThreadPoolExecutor(2) as pool:  # most of the work is outside Python's lock
        tasks = [
            pool.submit(Packed.build, shelf, models),
            pool.submit(_models, models, name_rank, shelf),
            pool.submit(_edges, snapshot, shelf, ids),
            pool.submit(_folds, groups, shelf, ids),
            pool.submit(_names, snapshot, shelf, ids),
            pool.submit(_parts, snapshot, shelf, ids),
            pool.submit(_weights, snapshot, shelf, ids),
            pool.submit(_coverage, snapshot, groups, shelf),
            pool.submit(_contradictions, snapshot, shelf, ids),
        ]
        del models
        for task in tasks:
            task.result()
    shelf.seal()


def bits(column: str, words: Sequence[str], kind: type[pl.DataType]) -> pl.Expr:
    """(rows,) numbers: bit ``n`` says that a row's list has the n-th word."""
    each = [pl.col(column).list.contains(word).cast(kind) * (1 << at) for at, word in enumerate(words)]
    return pl.sum_horizontal(each).cast(kind)


def frame(snapshot: Snapshot, table: str, columns: list[str] | None = None) -> pl.DataFrame:
    """A table as a Polars frame; times as milliseconds since 1970."""
    found = pl.from_arrow(snapshot.table(table, columns))
    if not isinstance(found, pl.DataFrame):
        raise TypeError(type(found))
    return found.with_columns([pl.col(name).dt.epoch("ms") for name in found.columns if name in _TIMES])


def _ordered(snapshot: Snapshot) -> tuple[pl.DataFrame, Array]:
    """(models in order of rank, the place of each among all by name); the table itself lies in order of names."""
    models = frame(snapshot, "models")
    downloads = models["downloads"].fill_null(-1).to_numpy()
    order = np.argsort(~downloads, kind="stable")
    return models[order], order.astype(np.int32)


def _models(models: pl.DataFrame, name_rank: Array, shelf: Shelf) -> None:
    """What models are filtered, ordered and found by."""
    folded = pl.Series(
        [name.lower() for name in models["id"].to_list()], dtype=pl.String
    )  # as Python folds what is asked
    Texts.build(shelf, "id", models["id"])
    Texts.build(shelf, "folded", folded)
    Lookup.build(shelf, "folded", folded.to_list())
    Lookup.build(shelf, "hub_id", models["hub_id"].to_list())
    shelf.put("name_rank", name_rank)
    for name in VALUES:
        values = models[name]
        if name in FLOATS:
            array: Array = values.fill_null(-np.inf).to_numpy()
        else:
            array = values.cast(pl.Int64).fill_null(UNKNOWN).to_numpy()
        shelf.put(f"value_{name}", array)
        if name != "downloads":
            shelf.put(f"order_{name}", np.lexsort((name_rank, -array if name in FLOATS else ~array)).astype(np.int32))
    for name in CODED:
        _codes(shelf, name, models[name])
    created = models["created_at"].cast(pl.Datetime("ms")).dt.year().cast(pl.String)
    _codes(shelf, "year", created)
    _codes(shelf, "size", _size_class(models["parameters"]))
    roots = (models["base_models"].fill_null(0) == 0).to_numpy().astype(np.uint16)
    relations = models.select(bits("relations", RELATIONS, pl.UInt16)).to_series().to_numpy()
    shelf.put("relations", (relations << 1) + roots)
    shelf.put("standards", models.select(bits("standards", SHIPPED, pl.UInt8)).to_series().to_numpy())


def _names(snapshot: Snapshot, shelf: Shelf, ids: pl.DataFrame) -> None:
    """Other names."""
    aliases = frame(snapshot, "aliases").join(ids, on="id")
    Texts.build(shelf, "alias", aliases["alias"])
    Lookup.build(shelf, "alias", [alias.lower() for alias in aliases["alias"].to_list()])
    shelf.put("alias_model", aliases["number"].to_numpy())


def _size_class(parameters: pl.Series) -> pl.Series:
    bounds = [limit for _, limit in SIZE_CLASSES if limit is not None]
    place = np.searchsorted(bounds, parameters.fill_null(0).to_numpy(), side="right")
    words = pl.Series([name for name, _ in SIZE_CLASSES])[place]
    return words.to_frame("size").select(size=pl.when(parameters.is_not_null()).then("size"))["size"]


def _codes(shelf: Shelf, name: str, values: pl.Series) -> None:
    """Numbers for words, in the order of the words; unknown is one past the last. Also the rows of each word."""
    words = values.drop_nulls().unique().sort()
    codes = (
        values.to_frame("word")
        .join(words.to_frame("word").with_row_index("code"), on="word", how="left", maintain_order="left")["code"]
        .fill_null(len(words))
        .to_numpy()
    )
    small = np.uint8 if len(words) < 256 else np.uint16 if len(words) < 65_536 else np.uint32
    shelf.put(f"code_{name}", codes.astype(small))
    Texts.build(shelf, f"word_{name}", words)
    if name == "author":
        Groups.build(shelf, "author", codes, np.arange(len(codes)), len(words) + 1)


def _edges(snapshot: Snapshot, shelf: Shelf, ids: pl.DataFrame) -> None:
    """Derivations in both directions. ``up``: by (model, base model's name); ``down``: by (base model, derived model's rank)."""
    count = ids.height
    edges = (
        frame(snapshot, "derivations")
        .with_columns(
            kind=pl.col("relation").replace_strict({w: i for i, w in enumerate(RELATIONS)}, return_dtype=pl.UInt8),
            mask=bits("evidence", EVIDENCE, pl.UInt8),
            flags=(pl.col("conflict").cast(pl.UInt8) * CONFLICT + pl.col("cycle").cast(pl.UInt8) * CYCLE).cast(
                pl.UInt8
            ),
        )
        .join(ids.select(model="id", child="number"), on="model")
        .join(ids.select(base_model="id", base="number"), on="base_model")
        .sort("child", "base_model")
    )
    child, base = edges["child"].to_numpy(), edges["base"].to_numpy()
    shelf.put("up_offsets", starts(child, count))
    shelf.put("up_child", child)
    shelf.put("up_base", base)
    for name in ("kind", "mask", "flags"):
        shelf.put(f"up_{name}", edges[name].to_numpy())
    shelf.put("up_confidence", edges["confidence"].fill_null(np.nan).to_numpy())
    order = np.lexsort((child, base))
    shelf.put("down_offsets", starts(base, count))
    shelf.put("down_edge", order.astype(np.int32))


def _folds(groups: pl.DataFrame, shelf: Shelf, ids: pl.DataFrame) -> None:
    """The original of each model's group, for each way to fold."""
    found = ids.join(groups, on="id", how="left", maintain_order="left")
    for mode in Collapse:
        original = found.select(id=mode.value).join(ids, on="id", how="left", maintain_order="left")["number"]
        shelf.put(f"fold_{mode.value}", original.to_numpy())


def _parts(snapshot: Snapshot, shelf: Shelf, ids: pl.DataFrame) -> None:
    """Claims, trainings, datasets and files, each by model."""
    count = ids.height
    for table in BY_MODEL:
        rows = (
            frame(snapshot, table)  # results and abilities are also kept of names that are not in the catalogue
            .join(ids.rename({"id": "model"}), on="model", how="inner", maintain_order="left")
            .sort("number", *(("role", "digest") if table == "tensors" else ()), maintain_order=True)
        )
        shelf.put(f"{table}_offsets", starts(rows["number"].to_numpy(), count))
        shelf.put_table(table, rows.drop("number").to_arrow(compat_level=pl.CompatLevel.oldest()))
        if table == "tensors":
            keys = np.array([tensor_key(digest) for digest in rows["digest"].to_list()], dtype=np.uint64)
            order = np.argsort(keys, kind="stable")
            shelf.put("tensor_key", keys[order])
            shelf.put("tensor_row", order)
        if table == "files":
            Lookup.build(shelf, "sha256", rows["sha256"].to_list())
    datasets = frame(snapshot, "datasets")
    shelf.put_table("datasets", datasets.to_arrow(compat_level=pl.CompatLevel.oldest()))
    Lookup.build(shelf, "dataset", [name.lower() for name in datasets["id"].to_list()])
    trainings = (
        frame(snapshot, "trainings")
        .join(ids.rename({"id": "model"}), on="model")
        .join(datasets.select(dataset="id", place=pl.int_range(pl.len(), dtype=pl.Int32)), on="dataset")
        .with_columns(mask=bits("evidence", EVIDENCE, pl.UInt8))
        .sort("number", "dataset")
    )
    number, place = trainings["number"].to_numpy(), trainings["place"].to_numpy()
    shelf.put("trainings_offsets", starts(number, count))
    shelf.put("trainings_dataset", place)
    shelf.put("trainings_mask", trainings["mask"].to_numpy())
    Groups.build(shelf, "trained", place, number, datasets.height)


def _weights(snapshot: Snapshot, shelf: Shelf, ids: pl.DataFrame) -> None:
    weights = frame(snapshot, "weights")
    shelf.put_table("weights", weights.to_arrow(compat_level=pl.CompatLevel.oldest()))
    Lookup.build(shelf, "digest", weights["digest"].to_list())
    holdings = (
        frame(snapshot, "holdings")
        .join(ids.rename({"id": "model"}), on="model")
        .join(weights.select("digest", place=pl.int_range(pl.len(), dtype=pl.Int32)), on="digest")
    )
    place, number = holdings["place"].to_numpy(), holdings["number"].to_numpy()
    Groups.build(shelf, "holders", place, number, weights.height)
    of_model = np.full(ids.height, -1, dtype=np.int32)
    of_model[number] = place
    shelf.put("weights_of", of_model)


def _coverage(snapshot: Snapshot, groups: pl.DataFrame, shelf: Shelf) -> None:
    shelf.put_facts("coverage", asdict(coverage(snapshot, groups)))


def _contradictions(snapshot: Snapshot, shelf: Shelf, ids: pl.DataFrame) -> None:
    """Contradictions of weights with what is said, by (model's number, base model's name)."""
    rows = (
        all_contradictions(snapshot)
        .join(ids.select(model="id", number="number"), on="model", maintain_order="left")
        .join(ids.select(base_model="id", base="number"), on="base_model", maintain_order="left")
        .sort("number", maintain_order=True)
    )
    kinds = rows["kind"].replace_strict({word: at for at, word in enumerate(KINDS)}, return_dtype=pl.UInt8)
    shelf.put("contradiction_model", rows["number"].to_numpy())
    shelf.put("contradiction_base", rows["base"].to_numpy())
    shelf.put("contradiction_kind", kinds.to_numpy())
    shelf.put("contradiction_probability", rows["probability"].to_numpy())


def tensor_key(digest: str) -> np.uint64:
    """What a tensor's content is found by: the first half of its digest; 0 for what is none."""
    try:
        return np.uint64(int(digest[:16], 16))
    except ValueError:
        return np.uint64(0)
