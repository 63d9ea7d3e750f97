"""This file knows how the map's files are made from a snapshot and its index: once, beside it, never part of its id.

A point is six bytes: x and y (uint16), the colour of its family, its size by downloads. Points are numbered by tier (the most
downloaded first), within it by cell of a grid of ``CELLS`` by ``CELLS``, so that what is in view is a few runs of numbers, a
pointer finds the point under it by looking into one cell, and nothing needs an index. Further codes, a byte a point each, are for
other colours and for filters. Numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from graph.atlas.forest import Forest, grow, mixed, primary
from graph.atlas.layout import Layout, lay_out
from graph.atlas.still import SHADES, palette, still
from graph.records import Relation
from graph.snapshot import Snapshot
from graph.stores.arrays.beside import make_whole
from graph.stores.arrays.names import Texts
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.embedded.index import frame
from graph.stores.lineages.making import CYCLE
from graph.stores.lists.coding import UNKNOWN
from graph.stores.shared import shared_of

VERSION = 1
CELLS = 64
TIERS = (32, 5)  # the most downloaded 32nd part, the 5th part, the rest
WHOLE = 20_000  # so many models are one tier
CONTINENTS = 24  # with the one of all others
WORDS = 30  # of a code; the others are one
OTHERS, NONE = 254, 255  # codes
LABELS = 800  # families with a label
LABELLED = 8  # members from which on a family has one
SIDE = 1_024  # pixels of the still picture
FIRST_YEAR = 2018  # of the months
CODES = ("task", "licence", "library", "novelty", "relation", "month")
FACTS = "head"


def atlas_folder(snapshot: Snapshot) -> Path:
    """Where the map of this version lies."""
    return snapshot.folder / f"map-{VERSION}"


def build_atlas(snapshot: Snapshot) -> Path:
    """Make the map unless it is there."""
    return make_whole(atlas_folder(snapshot), lambda folder: _write(snapshot, folder))


def _write(snapshot: Snapshot, work: Path) -> None:
    out, shared = Shelf(work), shared_of(snapshot)
    downloads, born = shared.get("value_downloads"), shared.get("value_created_at")
    count = len(downloads)
    parent = primary(
        shared.get("up_child"),
        shared.get("up_base"),
        shared.get("up_mask"),
        shared.get("up_confidence"),
        (shared.get("up_flags") & CYCLE) != 0,
        count,
    )
    forest = grow(parent)
    names, continent = _continents(snapshot, shared, forest)
    layout = lay_out(forest, continent, born)
    x, y = (np.round(side * 65_535).astype(np.uint16) for side in (layout.x, layout.y))
    bounds = [max(count // part, min(count, WHOLE)) for part in TIERS]
    tier = np.digitize(np.arange(count), bounds)
    cell = (y.astype(np.int64) // 1024) * CELLS + x // 1024
    row_of = np.lexsort((cell, tier)).astype(np.int32)
    point_of = np.empty(count, dtype=np.int32)
    point_of[row_of] = np.arange(count, dtype=np.int32)
    shade = np.where(forest.size[forest.root] > 1, 1 + mixed(forest.root) % (SHADES - 1), 0)
    colour = (continent[forest.root] * SHADES + shade).astype(np.uint8)
    known = np.where(downloads == UNKNOWN, 0, downloads)
    size = np.clip(np.log10(1.0 + known) * 32, 0, 255).astype(np.uint8)
    tiers = np.bincount(tier, minlength=3)
    ends = np.cumsum(tiers)
    for at, (begin, end) in enumerate(zip(ends - tiers, ends, strict=True)):
        rows = row_of[begin:end]
        place = np.stack([x[rows], y[rows]], axis=1).astype("<u2")
        out.put_bytes(f"points-{at}", [place.reshape(-1).view(np.uint8), colour[rows], size[rows]])
    cells = [
        begin + np.searchsorted(cell[row_of[begin:end]], np.arange(CELLS * CELLS + 1))
        for begin, end in zip(ends - tiers, ends, strict=True)
    ]
    out.put_bytes("cells", [np.concatenate(cells).astype("<u4").view(np.uint8)])
    legends = {}
    for name, codes, words in _codes(shared):
        legends[name] = words
        for at, (begin, end) in enumerate(zip(ends - tiers, ends, strict=True)):
            out.put_bytes(f"{name}-{at}", [codes[row_of[begin:end]]])
    out.put("row_of", row_of)
    out.put("point_of", point_of)
    out.seal()
    (work / "still.png").write_bytes(still(x, y, colour, SIDE))
    members = np.bincount(continent[forest.root], minlength=len(names))
    out.put_facts(
        FACTS,
        {
            "version": VERSION,
            "snapshot": snapshot.id,
            "models": count,
            "tiers": tiers.tolist(),
            "cells": CELLS,
            "palette": ["#" + bytes(colour).hex() for colour in palette()],
            "shades": SHADES,
            "firstYear": FIRST_YEAR,
            "codes": legends,
            "continents": [
                {"name": name, "count": int(many), "x": _near(disc[0]), "y": _near(disc[1]), "radius": _near(disc[2])}
                for name, many, disc in zip(names, members, layout.continents, strict=True)
            ],
            "families": _labels(shared, forest, layout, point_of),
        },
    )


def _near(value: float) -> float:
    return round(float(value), 5)


def _labels(shared: Shelf, forest: Forest, layout: Layout, point_of: Array) -> list[dict[str, object]]:
    """The largest families, largest first."""
    roots = np.flatnonzero((forest.root == np.arange(len(forest.root))) & (forest.size >= LABELLED))
    largest = roots[np.argsort(-forest.size[roots], kind="stable")][:LABELS]
    labels = []
    for row, name in zip(largest.tolist(), Texts(shared, "id").many(largest), strict=True):
        x, y, radius = layout.families[row]
        labels.append(
            {
                "id": name,
                "size": int(forest.size[row]),
                "point": int(point_of[row]),
                "x": _near(x),
                "y": _near(y),
                "radius": _near(radius),
            }
        )
    return labels


def _continents(snapshot: Snapshot, shared: Shelf, forest: Forest) -> tuple[list[str], Array]:
    """(their names, (models,) which one): the commonest architecture of the family, else what its root is for."""
    by_rank = shared.get("name_rank")
    models = frame(snapshot, "models", ["architecture", "task", "library"])[by_rank].with_columns(
        root=pl.Series(forest.root, dtype=pl.Int32)
    )
    commonest = (
        models.filter(pl.col("architecture").is_not_null())
        .group_by("root", "architecture")
        .len()
        .sort("root", "len", "architecture", descending=[False, True, False])
        .unique("root", keep="first", maintain_order=True)
    )
    roots = np.flatnonzero(forest.root == np.arange(len(forest.root)))
    named = (
        models[roots]
        .select("root", "task", "library")
        .join(commonest.select("root", "architecture"), on="root", how="left", maintain_order="left")
        .with_columns(
            name=pl.coalesce("architecture", "task", "library", pl.lit("unknown")),
            size=pl.Series(forest.size[roots]),
        )
    )
    largest = named.group_by("name").agg(pl.col("size").sum()).sort("size", "name", descending=[True, False])
    names = largest["name"].head(CONTINENTS - 1).to_list()
    if largest.height == CONTINENTS:
        names = largest["name"].to_list()
    elif largest.height > CONTINENTS:
        names.append("all others")
    code = named["name"].replace_strict({name: at for at, name in enumerate(names)}, default=len(names) - 1)
    continent = np.zeros(len(forest.root), dtype=np.int64)
    continent[roots] = code.cast(pl.Int64).to_numpy()
    return names, continent


def _codes(shared: Shelf) -> Iterator[tuple[str, Array, list[dict[str, object]]]]:
    """(name, (models,) uint8, what each code means with its count, most first) for each of ``CODES``."""
    for name in CODES[:3]:
        words = Texts(shared, f"word_{name}")
        yield name, *_coded(shared.get(f"code_{name}"), words.many(np.arange(len(words))))
    classes = Texts(shared, "word_novelty_class")
    yield "novelty", *_coded(shared.get("code_novelty_class"), classes.many(np.arange(len(classes))))
    bits = shared.get("relations").astype(np.int64)
    lowest = np.log2(np.maximum(bits & -bits, 1)).astype(np.int64)
    yield "relation", *_coded(lowest, ["root", *(relation.value for relation in Relation)])
    born = shared.get("value_created_at")
    month = born.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) - (FIRST_YEAR - 1970) * 12
    code = np.where(born == UNKNOWN, NONE, np.clip(month, 0, NONE - 1)).astype(np.uint8)
    many = np.bincount(code, minlength=256)
    yield "month", code, [{"code": at, "count": int(many[at])} for at in np.flatnonzero(many).tolist()]


def _coded(codes: Array, words: Sequence[str]) -> tuple[Array, list[dict[str, object]]]:
    """The commonest words as small numbers. A number past the last word is unknown."""
    many = np.bincount(codes.astype(np.int64), minlength=len(words) + 1)
    order = np.argsort(-many[: len(words)], kind="stable")
    order = order[many[order] > 0]
    new = np.full(len(many), NONE, dtype=np.uint8)
    new[order] = OTHERS
    kept = order if len(order) <= WORDS + 1 else order[:WORDS]
    new[kept] = np.arange(len(kept))
    legend: list[dict[str, object]] = [
        {"code": at, "word": words[word], "count": int(many[word])} for at, word in enumerate(kept.tolist())
    ]
    left = int(many[order].sum() - many[kept].sum())
    unknown = int(many.sum() - many[order].sum())
    legend += [{"code": OTHERS, "word": None, "count": left}] if left else []
    legend += [{"code": NONE, "word": None, "count": unknown}] if unknown else []
    return new[codes], legend
