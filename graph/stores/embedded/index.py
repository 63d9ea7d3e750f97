"""This file knows how the embedded engine's index is made from a snapshot: once, beside its tables, never part of its id.

The arrays of lists and lineages lie in a folder of their own, because other engines take them too; rows are numbered as there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from graph.derived import Derived
from graph.frames import Frames, OnDisk, milliseconds, numbered
from graph.groups import ordered, starts
from graph.snapshot import Snapshot
from graph.stores.arrays.beside import make_whole
from graph.stores.arrays.names import Groups, Lookup, Texts, folded
from graph.stores.arrays.shelf import Shelf
from graph.stores.embedded.packed import Packed
from graph.stores.lists.coding import EVIDENCE, Ranks, bits
from graph.stores.shared import build_shared
from graph.tables import BY_NAME

VERSION = 14
BY_MODEL = ("claims", "files", "similar", "tensors", "novelty", "results", "abilities")  # tables kept by model
WORKED_OUT = ("standings", "successors")  # kept by model too, and no tables of the snapshot


def build_index(snapshot: Snapshot) -> Path:
    """Make the index of a snapshot on disk, and the arrays of its lists and lineages, unless they are there."""
    return build_beside(OnDisk(snapshot), snapshot.folder)


def build_beside(tables: Frames, folder: Path) -> Path:
    """Make both for these tables in the folder that they are, or will be, written to, unless they are there."""
    derived = Derived(tables)
    build_shared(derived, folder)
    return make_whole(folder / f"index-{VERSION}", lambda work: _write(derived, Shelf(work)))


def _write(derived: Derived, shelf: Shelf) -> None:
    tables = derived.frames
    models = milliseconds(tables.frame("models"))
    ranks = Ranks.of(models)
    found = {"standings": derived.standings, "successors": derived.successors}
    with ThreadPoolExecutor(2) as pool:  # most of the work is outside Python's lock
        tasks = [
            pool.submit(Packed.build, shelf, models, ranks.order),
            pool.submit(_parts, tables, found, shelf, ranks),
            pool.submit(_names, tables, models, shelf, ranks),
            pool.submit(_weights, tables, shelf, ranks),
        ]
        del models
        for task in tasks:
            task.result()
    shelf.seal()


def frame(snapshot: Snapshot, table: str, columns: list[str] | None = None) -> pl.DataFrame:
    """A table as a Polars frame; times as milliseconds since 1970."""
    return milliseconds(OnDisk(snapshot).frame(table, columns))


def _names(tables: Frames, models: pl.DataFrame, shelf: Shelf, ranks: Ranks) -> None:
    """Where each name is, and other names."""
    Lookup.build(shelf, "folded", folded(models["id"].gather(ranks.order)))
    Lookup.build(shelf, "hub_id", models["hub_id"].gather(ranks.order))
    number = tables.numbers("aliases", "id")
    aliases = tables.frame("aliases", ["alias"])["alias"].filter(pl.Series(number >= 0))
    Texts.build(shelf, "alias", aliases)
    Lookup.build(shelf, "alias", folded(aliases))
    shelf.put("alias_model", ranks.rows(number[number >= 0]))


def _parts(tables: Frames, found: dict[str, pl.DataFrame], shelf: Shelf, ranks: Ranks) -> None:
    """Claims, trainings, datasets and files, each by model; and what is worked out, whose rows keep their order."""
    count = len(ranks.rank)
    for table in (*BY_MODEL, *WORKED_OUT):
        if table in found:
            whole, number = found[table], numbered(found[table]["model"], tables.frame("models", ["id"])["id"])
        else:
            whole = milliseconds(tables.frame(table, BY_NAME[table].schema.names))
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
    datasets = milliseconds(tables.frame("datasets", BY_NAME["datasets"].schema.names))
    shelf.put_table("datasets", datasets.to_arrow(compat_level=pl.CompatLevel.oldest()))
    trainings = tables.frame("trainings", ["dataset", "evidence"])
    row, place = ranks.rows(tables.numbers("trainings", "model")), numbered(trainings["dataset"], datasets["id"])
    order = ordered(row)
    row, place = row[order], place[order].astype(np.int32)
    shelf.put("trainings_offsets", starts(row, count))
    shelf.put("trainings_dataset", place)
    shelf.put("trainings_mask", bits(trainings["evidence"], EVIDENCE, np.uint8)[order])


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


def tensor_key(digest: str) -> np.uint64:
    """What a tensor's content is found by: the first half of its digest; 0 for what is none."""
    try:
        return np.uint64(int(digest[:16], 16))
    except ValueError:
        return np.uint64(0)
