"""This file knows how the arrays are made by which lineages are walked: derivations in both directions, as compressed rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from graph.frames import Frames
from graph.groups import ordered, starts
from graph.stores.arrays.shelf import Shelf
from graph.stores.lists.coding import EVIDENCE, RELATIONS, UNKNOWN, Ranks, bits

CONFLICT, CYCLE = 1, 2  # bits of a derivation's flags


def write_derivations(tables: Frames, shelf: Shelf, ranks: Ranks) -> None:
    """``up``: by (model, base model's name); ``down``: by (base model, derived model's rank); and how many each model has below."""
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
    shelf.put("up_kind", kind.to_numpy()[order])
    shelf.put("up_mask", bits(edges["evidence"], EVIDENCE, np.uint8)[order])
    shelf.put("up_flags", flags.cast(pl.UInt8).to_numpy()[order])
    shelf.put("up_confidence", edges["confidence"].fill_null(np.nan).to_numpy()[order])
    shelf.put("down_offsets", starts(base, count))
    shelf.put("down_edge", ordered(base).astype(np.int32))  # edges lie by the derived model
    below = tables.frame("models", ["descendants"])["descendants"].fill_null(UNKNOWN).to_numpy()
    shelf.put("value_descendants", below[ranks.order])
