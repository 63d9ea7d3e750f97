"""This file knows how the embedded engine's index is made from a snapshot: once, beside its tables, never part of its id.

Models are renumbered by downloads (most first, unknown last, then by name): a row's number is its rank, so a list in that order
needs no sorting and a page can stop early. Everything else refers to these numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from graph.contradictions import all_contradictions
from graph.coverage import coverage
from graph.folding import originals
from graph.frames import Frames, Numbers, OnDisk, numbered
from graph.groups import ordered, starts
from graph.records import Contradicts, Evidence, Relation
from graph.sizes import size_class
from graph.snapshot import Snapshot
from graph.standard import SHIPPED
from graph.store import Collapse
from graph.stores.embedded.arrays import Array, Shelf
from graph.stores.embedded.beside import make_whole
from graph.stores.embedded.names import Groups, Lookup, Texts, folded
from graph.stores.embedded.packed import Packed
from graph.succession import tables as worked_out
from graph.tables import BY_NAME

VERSION = 12
UNKNOWN = np.iinfo(np.int64).min  # stands for null in the arrays of values: sorts last when largest come first
RELATIONS = [relation.value for relation in Relation]
KINDS = [kind.value for kind in Contradicts]
EVIDENCE = [evidence.value for evidence in Evidence]
EVIDENCE_OF = [  # by a mask of bits in the order of ``EVIDENCE``
    tuple(Evidence(word) for at, word in enumerate(EVIDENCE) if mask >> at & 1) for mask in range(1 << len(EVIDENCE))
]
BY_MODEL = ("claims", "files", "similar", "tensors", "novelty", "results", "abilities")  # tables kept by model
WORKED_OUT = ("standings", "successors")  # kept by model too, and no tables of the snapshot
CODED = ("task", "library", "licence", "author", "state", "novelty_class")
VALUES = ("downloads", "likes", "trending", "created_at", "modified_at", "parameters", "novelty", "ability", "standing")
FLOATS = ("trending", "novelty", "ability", "standing")  # values that are not whole numbers: unknown is minus infinity
_TIMES = ("created_at", "modified_at")
CONFLICT, CYCLE = 1, 2  # bits of a derivation's flags


def build_index(snapshot: Snapshot) -> Path:
    """Make the index of a snapshot on disk unless it is there."""
    return build_beside(OnDisk(snapshot), snapshot.folder)


def build_beside(tables: Frames, folder: Path) -> Path:
    """Make the index of these tables in the folder that they are, or will be, written to, unless it is there."""
    return make_whole(folder / f"index-{VERSION}", lambda work: _write(tables, Shelf(work)))


def _write(tables: Frames, shelf: Shelf) -> None:
    models = _with_milliseconds(tables.frame("models"))
    ranks = Ranks.of(models)
    groups = originals(tables)
    found = dict(zip(WORKED_OUT, worked_out(tables), strict=True))
    with ThreadPoolExecutor(2) as pool:  # most of the work is outside Python's lock
        tasks = [
            pool.submit(Packed.build, shelf, models, ranks.order),
            pool.submit(_models, models, ranks, found["standings"], shelf),
            pool.submit(_edges, tables, shelf, ranks),
            pool.submit(_folds, groups, shelf, ranks),
            pool.submit(_parts, tables, found, shelf, ranks),
            pool.submit(_names, tables, shelf, ranks),
            pool.submit(_domains, tables, shelf, ranks),
            pool.submit(_weights, tables, shelf, ranks),
            pool.submit(_coverage, tables, groups, shelf),
            pool.submit(_contradictions, tables, groups, shelf, ranks),
        ]
        del models
        for task in tasks:
            task.result()
    shelf.seal()


@dataclass(frozen=True, slots=True)
class Ranks:
    """The two numberings of models. Shapes: (models,)."""

    order: Array  # int32, by rank: the number (the place by name)
    rank: Array  # int32, by number: the rank, which is the row in the index

    @staticmethod
    def of(models: pl.DataFrame) -> Ranks:
        """By downloads, most first, unknown last, then by name; ``models`` lies in the order of names."""
        downloads = models["downloads"].fill_null(-1).to_numpy()
        order = ordered(~downloads).astype(np.int32)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return Ranks(order, rank)

    def rows(self, numbers: Numbers) -> Array:
        """The rows of numbers that are not -1, int32."""
        return self.rank[numbers]


def bits(lists: pl.Series, words: Sequence[str], kind: type[np.unsignedinteger[Any]]) -> Array:
    """(rows,) numbers: bit ``n`` says that a row's list, which names nothing twice, has the n-th word."""
    lengths = lists.list.len().fill_null(0)
    inner = lists.filter(lengths > 0).explode()
    values = inner.replace_strict({word: 1 << at for at, word in enumerate(words)}, default=0, return_dtype=pl.Int64)
    sums = np.concatenate([[0], np.cumsum(values.to_numpy())])
    ends = np.cumsum(lengths.to_numpy().astype(np.int64))
    return np.diff(sums[ends], prepend=0).astype(kind)


def frame(snapshot: Snapshot, table: str, columns: list[str] | None = None) -> pl.DataFrame:
    """A table as a Polars frame; times as milliseconds since 1970."""
    return _with_milliseconds(OnDisk(snapshot).frame(table, columns))


def _with_milliseconds(found: pl.DataFrame) -> pl.DataFrame:
    return found.with_columns([pl.col(name).dt.epoch("ms") for name in found.columns if name in _TIMES])


def _models(models: pl.DataFrame, ranks: Ranks, standings: pl.DataFrame, shelf: Shelf) -> None:
    """What models are filtered, ordered and found by."""
    ids = models["id"].gather(ranks.order)
    low = folded(ids)
    Texts.build(shelf, "id", ids)
    Texts.build(shelf, "folded", low)
    Lookup.build(shelf, "folded", low)
    del ids, low
    Lookup.build(shelf, "hub_id", models["hub_id"].gather(ranks.order))
    shelf.put("name_rank", ranks.order)
    for name in VALUES:
        values = _standing(models["id"], standings) if name == "standing" else models[name]
        if name in FLOATS:
            array: Array = values.fill_null(-np.inf).to_numpy()
            falling = -array
        else:
            known = values.is_not_null().to_numpy()
            array = values.cast(pl.Int64).fill_null(UNKNOWN).to_numpy()
            least = array.min(where=known, initial=0) - 1  # unknown near the others, so that all have room in a word
            falling = ~np.where(known, array, least)
        shelf.put(f"value_{name}", array[ranks.order])
        if name != "downloads":
            shelf.put(f"order_{name}", ranks.rows(ordered(falling)))
    for name in CODED:
        _codes(shelf, name, models[name], ranks)
    created = models["created_at"].cast(pl.Datetime("ms")).dt.year().cast(pl.String)
    _codes(shelf, "year", created, ranks)
    _codes(shelf, "size", models.select(size=size_class())["size"], ranks)
    roots = (models["base_models"].fill_null(0) == 0).to_numpy().astype(np.uint16)
    relations = bits(models["relations"], RELATIONS, np.uint16)
    shelf.put("relations", ((relations << 1) + roots)[ranks.order])
    shelf.put("standards", bits(models["standards"], SHIPPED, np.uint8)[ranks.order])


def _standing(ids: pl.Series, standings: pl.DataFrame) -> pl.Series:
    """What each model's standing is."""
    if standings.is_empty():
        return pl.repeat(None, len(ids), dtype=pl.Float64, eager=True)
    stood = standings.select(id="model", standing="probability")
    return ids.to_frame("id").join(stood, on="id", how="left", maintain_order="left")["standing"]


def _names(tables: Frames, shelf: Shelf, ranks: Ranks) -> None:
    """Other names."""
    number = tables.numbers("aliases", "id")
    aliases = tables.frame("aliases", ["alias"])["alias"].filter(pl.Series(number >= 0))
    Texts.build(shelf, "alias", aliases)
    Lookup.build(shelf, "alias", folded(aliases))
    shelf.put("alias_model", ranks.rows(number[number >= 0]))


def _domains(tables: Frames, shelf: Shelf, ranks: Ranks) -> None:
    """The rows of models that have results in each domain."""
    number = tables.numbers("abilities", "model")
    named = tables.frame("abilities", ["domains"]).with_columns(row=pl.Series(number)).filter(pl.col("row") >= 0)
    pairs = named.explode("domains").drop_nulls()
    words = pairs["domains"].unique().sort()
    Texts.build(shelf, "domain", words)
    place = numbered(pairs["domains"], words)
    Groups.build(shelf, "measured", place, ranks.rows(pairs["row"].to_numpy()), len(words))


def _codes(shelf: Shelf, name: str, values: pl.Series, ranks: Ranks) -> None:
    """Numbers for words, in the order of the words; unknown is one past the last. Also the rows of each word."""
    words = values.drop_nulls().unique().sort()
    codes = (
        values.to_frame("word")
        .join(words.to_frame("word").with_row_index("code"), on="word", how="left", maintain_order="left")["code"]
        .fill_null(len(words))
        .to_numpy()
    )[ranks.order]
    small = np.uint8 if len(words) < 256 else np.uint16 if len(words) < 65_536 else np.uint32
    shelf.put(f"code_{name}", codes.astype(small))
    Texts.build(shelf, f"word_{name}", words)
    if name == "author":
        Groups.build(shelf, "author", codes, np.arange(len(codes)), len(words) + 1)


def _edges(tables: Frames, shelf: Shelf, ranks: Ranks) -> None:
    """Derivations in both directions. ``up``: by (model, base model's name); ``down``: by (base model, derived model's rank)."""
    count = len(ranks.rank)
    edges = tables.frame("derivations")
    child, base = (ranks.rows(tables.numbers("derivations", end)) for end in ("model", "base_model"))
    order = ordered(child)  # a model's derivations lie in the order of its base models' names
    child, base = child[order], base[order]
    flags = edges["conflict"].cast(pl.UInt8) * CONFLICT + edges["cycle"].cast(pl.UInt8) * CYCLE
    kind = edges["relation"].replace_strict({w: i for i, w in enumerate(RELATIONS)}, return_dtype=pl.UInt8)
    shelf.put("up_offsets", starts(child, count))
    shelf.put("up_child", child)
    shelf.put("up_base", base)
    mask = bits(edges["evidence"], EVIDENCE, np.uint8)[order]
    told = np.zeros(count, dtype=np.uint8)
    np.bitwise_or.at(told, child, mask)
    shelf.put("evidence", told)
    shelf.put("up_kind", kind.to_numpy()[order])
    shelf.put("up_mask", mask)
    shelf.put("up_flags", flags.cast(pl.UInt8).to_numpy()[order])
    shelf.put("up_confidence", edges["confidence"].fill_null(np.nan).to_numpy()[order])
    shelf.put("down_offsets", starts(base, count))
    shelf.put("down_edge", ordered(base).astype(np.int32))  # edges lie by the derived model


def _folds(groups: Mapping[Collapse, Numbers], shelf: Shelf, ranks: Ranks) -> None:
    """The original of each model's group, for each way to fold."""
    for mode, original in groups.items():
        shelf.put(f"fold_{mode.value}", ranks.rows(original[ranks.order]))


def _parts(tables: Frames, found: dict[str, pl.DataFrame], shelf: Shelf, ranks: Ranks) -> None:
    """Claims, trainings, datasets and files, each by model; and what is worked out, whose rows keep their order."""
    count = len(ranks.rank)
    for table in (*BY_MODEL, *WORKED_OUT):
        if table in found:
            whole, number = found[table], numbered(found[table]["model"], tables.frame("models", ["id"])["id"])
        else:
            whole = _with_milliseconds(tables.frame(table, BY_NAME[table].schema.names))
            number = tables.numbers(table, "model")
        known = np.flatnonzero(
            number >= 0
        )  # results and abilities are also kept of names that are not in the catalogue
        row = ranks.rows(number[known])
        order = ordered(row)
        rows = whole[known[order]]
        del whole
        if table == "tensors":
            rows = rows.with_columns(row=pl.Series(row[order])).sort("row", "role", "digest", maintain_order=True)
            rows = rows.drop("row")
        shelf.put(f"{table}_offsets", starts(row, count))
        shelf.put_table(table, rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
        if table == "tensors":
            keys = np.array([tensor_key(digest) for digest in rows["digest"].to_list()], dtype=np.uint64)
            by_key = np.argsort(keys, kind="stable")
            shelf.put("tensor_key", keys[by_key])
            shelf.put("tensor_row", by_key)
        if table == "files":
            Lookup.build(shelf, "sha256", rows["sha256"])
        del rows
    datasets = _with_milliseconds(tables.frame("datasets", BY_NAME["datasets"].schema.names))
    shelf.put_table("datasets", datasets.to_arrow(compat_level=pl.CompatLevel.oldest()))
    Lookup.build(shelf, "dataset", folded(datasets["id"]))
    trainings = tables.frame("trainings", ["dataset", "evidence"])
    row, place = ranks.rows(tables.numbers("trainings", "model")), numbered(trainings["dataset"], datasets["id"])
    order = ordered(row)
    row, place = row[order], place[order].astype(np.int32)
    shelf.put("trainings_offsets", starts(row, count))
    shelf.put("trainings_dataset", place)
    shelf.put("trainings_mask", bits(trainings["evidence"], EVIDENCE, np.uint8)[order])
    Groups.build(shelf, "trained", place, row, datasets.height)


def _weights(tables: Frames, shelf: Shelf, ranks: Ranks) -> None:
    weights = tables.frame("weights", BY_NAME["weights"].schema.names)
    shelf.put_table("weights", weights.to_arrow(compat_level=pl.CompatLevel.oldest()))
    Lookup.build(shelf, "digest", weights["digest"])
    number = tables.numbers("holdings", "model")
    row = ranks.rows(number[number >= 0])
    place = numbered(tables.frame("holdings", ["digest"])["digest"], weights["digest"])[number >= 0].astype(np.int32)
    Groups.build(shelf, "holders", place, row, weights.height)
    of_model = np.full(len(ranks.rank), -1, dtype=np.int32)
    of_model[row] = place
    shelf.put("weights_of", of_model)


def _coverage(tables: Frames, groups: Mapping[Collapse, Numbers], shelf: Shelf) -> None:
    shelf.put_facts("coverage", asdict(coverage(tables, groups)))


def _contradictions(tables: Frames, groups: Mapping[Collapse, Numbers], shelf: Shelf, ranks: Ranks) -> None:
    """Contradictions of weights with what is said, by (model's rank, base model's name)."""
    rows, ids = all_contradictions(tables, lambda: groups[Collapse.COPIES]), tables.frame("models", ["id"])["id"]
    order = ordered(ranks.rows(numbered(rows["model"], ids)))
    rows = rows[order]
    kinds = rows["kind"].replace_strict({word: at for at, word in enumerate(KINDS)}, return_dtype=pl.UInt8)
    shelf.put("contradiction_model", ranks.rows(numbered(rows["model"], ids)))
    shelf.put("contradiction_base", ranks.rows(numbered(rows["base_model"], ids)))
    shelf.put("contradiction_kind", kinds.to_numpy())
    shelf.put("contradiction_probability", rows["probability"].to_numpy())


def tensor_key(digest: str) -> np.uint64:
    """What a tensor's content is found by: the first half of its digest; 0 for what is none."""
    try:
        return np.uint64(int(digest[:16], 16))
    except ValueError:
        return np.uint64(0)
