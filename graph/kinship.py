"""This file knows what follows from the shape of the graph alone: cycles, generations, and how many descendants a model has.

All arrays are indexed by a model's number. Cycles are first folded to one point (strongly connected components); what is left
has no cycle and is walked level by level. ``networkx`` does the components, on the few models that can lie on a cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt

from graph.groups import Ints, distinct, expand, starts

MOST_PAIRS = 20_000_000  # (model, ancestor) pairs in memory at once, 8 bytes each, a few copies
_PEELS = 64  # rounds of leaving out what lies on no cycle; deeper chains go to the search for components whole
_BLOCK = 200_000  # models whose ancestors are found together, when there is room


@dataclass(frozen=True, slots=True)
class Kinship:
    """What the shape of the graph says of each model, and of each derivation."""

    generation: Ints  # (models,) longest number of derivations from a root
    descendants: Ints  # (models,) distinct other models that can be reached
    cycle: npt.NDArray[np.bool_]  # (derivations,) on a directed cycle


def kinship(models: int, child: Ints, base: Ints) -> Kinship:
    """From the derivations ``child[i] -> base[i]``, each pair once, without self loops. Shapes: (derivations,)."""
    component = _components(models, child, base)
    sizes = np.bincount(component)
    cycle = component[child] == component[base]
    pairs = distinct(component[child[~cycle]] * np.int64(len(sizes)) + component[base[~cycle]])
    child_, base_ = pairs // len(sizes), pairs % len(sizes)
    generation = _generations(len(sizes), child_, base_)
    descendants = _descendants(sizes, child_, base_)
    return Kinship(generation[component], descendants[component] + sizes[component] - 1, cycle)


def _components(models: int, child: Ints, base: Ints) -> Ints:
    """The number of each model's component, 0 upwards."""
    alive = np.ones(len(child), dtype=bool)
    for _ in range(_PEELS):  # a derivation lies on no cycle when its child has no child, or its base no base
        has_child, has_base = np.zeros(models, dtype=bool), np.zeros(models, dtype=bool)
        has_child[base[alive]] = True
        has_base[child[alive]] = True
        keep = alive & has_child[child] & has_base[base]
        if keep.sum() == alive.sum():
            break
        alive = keep
    component = np.arange(models, dtype=np.int64)
    if alive.any():
        core: nx.DiGraph[int] = nx.DiGraph(zip(child[alive].tolist(), base[alive].tolist(), strict=True))
        for members in nx.strongly_connected_components(core):
            component[list(members)] = min(members)
    return np.unique(component, return_inverse=True)[1].astype(np.int64)


def _adjacency(points: int, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Compressed rows: the ends of ``point`` are ``ends[offsets[point]:offsets[point + 1]]``."""
    order = np.argsort(start, kind="stable")
    return starts(start, points), end[order]


def _generations(points: int, child: Ints, base: Ints) -> Ints:
    """Longest path from a point without base, level by level (Kahn's order)."""
    offsets, children = _adjacency(points, base, child)
    waiting = np.bincount(child, minlength=points)
    generation = np.zeros(points, dtype=np.int64)
    level = np.flatnonzero(waiting == 0)
    while len(level):
        which, place = expand(offsets, level)
        reached = children[place]
        np.maximum.at(generation, reached, generation[level[which]] + 1)
        reached, times = np.unique(reached, return_counts=True)
        waiting[reached] -= times
        level = reached[waiting[reached] == 0]
    return generation


def _descendants(sizes: Ints, child: Ints, base: Ints) -> Ints:
    """Models in the points from which each point can be reached, counted from below: each model adds to all its ancestors."""
    points = len(sizes)
    offsets, bases = _adjacency(points, child, base)
    total = np.zeros(points, dtype=np.int64)
    derived = distinct(child)
    blocks = [derived[at : at + _BLOCK] for at in range(0, len(derived), _BLOCK)]
    while blocks:
        block = blocks.pop()
        ancestors = _ancestors(points, offsets, bases, block)
        if ancestors is None:
            half = len(block) // 2
            blocks += [block[:half], block[half:]]
            continue
        which, above = ancestors
        total += np.bincount(above, weights=sizes[block[which]], minlength=points).astype(np.int64)
    return total


def _ancestors(points: int, offsets: Ints, bases: Ints, block: Ints) -> tuple[Ints, Ints] | None:
    """Distinct (which of ``block``, ancestor) pairs; None when they are too many to hold and the block can be halved."""
    which, place = expand(offsets, block)
    fresh = distinct(which * np.int64(points) + bases[place])
    known = fresh
    while len(fresh):
        at, place = expand(offsets, fresh % points)
        if len(place) + len(known) > MOST_PAIRS and len(block) > 1:
            return None
        found = distinct((fresh // points)[at] * np.int64(points) + bases[place])
        fresh = found[~_among(found, known)]
        known = np.sort(np.concatenate([known, fresh]), kind="stable") if len(fresh) else known
    return known // points, known % points


def _among(values: Ints, known: Ints) -> npt.NDArray[np.bool_]:
    """Which values are in ``known``, which is ascending."""
    place = np.minimum(np.searchsorted(known, values), max(len(known) - 1, 0))
    return known[place] == values if len(known) else np.zeros(len(values), dtype=bool)
