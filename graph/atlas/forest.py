"""This file knows families: every model under its primary base, and what that forest looks like, a generation at a time (NumPy)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graph.groups import Array, expand


@dataclass(frozen=True, slots=True)
class Forest:
    """All (models,): ``root`` of the family, ``size`` of what hangs below and itself, ``place`` in it, depth first."""

    root: Array
    size: Array
    place: Array  # 0 the root
    generations: int


def primary(child: Array, base: Array, mask: Array, confidence: Array, cycle: Array, models: int) -> Array:
    """(models,) int64: the base that each model stands under, -1 for none. See ``graph.scene``; edges on a cycle never count.

    ``child``, ``base``: rows, the more downloaded first; ``mask``: bits of evidence, the strongest lowest; NaN is declared.
    """
    kept = np.flatnonzero(~cycle & (child != base))
    strongest = mask[kept] & -mask[kept].astype(np.int16)  # the lowest bit
    sure = np.where(np.isnan(confidence[kept]), 1.0, confidence[kept])
    order = kept[np.lexsort((base[kept], -sure, strongest, child[kept]))]
    first = np.ones(len(order), dtype=bool)
    first[1:] = child[order][1:] != child[order][:-1]
    parent = np.full(models, -1, dtype=np.int64)
    parent[child[order[first]]] = base[order[first]]
    return parent


def mixed(rows: Array) -> Array:
    """Numbers below 2**32 that follow from rows and keep nothing of their order (Knuth's multiplicative hash)."""
    spread: Array = rows * 2_654_435_761 % 4_294_967_296
    return spread


def grow(parent: Array) -> Forest:
    """The forest of these parents (-1: none), which must be without circles. Time and memory grow with models and generations."""
    count = len(parent)
    order = np.argsort(parent, kind="stable")
    begin = np.searchsorted(parent[order], np.arange(count + 1))  # of the children of each in ``order``
    roots = np.flatnonzero(parent < 0)
    root = np.arange(count)
    generations = [roots]
    while True:
        below = order[expand(begin, generations[-1])[1]]
        if not len(below):
            break
        root[below] = root[parent[below]]
        generations.append(below)
    size = np.ones(count, dtype=np.int64)
    for below in reversed(generations[1:]):
        np.add.at(size, parent[below], size[below])
    place = np.zeros(count, dtype=np.int64)
    for below in generations[1:]:
        # largest first; equal ones in mixed order, so that age makes no spiral
        ordered = below[np.lexsort((mixed(below), -size[below], parent[below]))]
        before = np.cumsum(size[ordered]) - size[ordered]
        first = np.r_[True, parent[ordered][1:] != parent[ordered][:-1]]
        place[ordered] = place[parent[ordered]] + 1 + before - np.maximum.accumulate(np.where(first, before, 0))
    return Forest(root, size, place, len(generations) - 1)
