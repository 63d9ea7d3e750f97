"""This file knows where each model stands on the map.

A family is a disc of even density: the angle is the depth-first place, so that sub-families are sectors; the radius is the rank
by age among those in about the same direction, the oldest inside. The discs of a continent's large families are packed around its
middle; small families and single models go round them on a spiral of golden angles. Continents are packed the same way. No force,
no chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graph.atlas.forest import Forest, mixed
from graph.atlas.packing import pack
from graph.groups import Array

LARGE = 24  # members from which on a family is packed as a disc
MOST_LARGE = 4_000  # families packed a continent
WEDGE = 32  # least members of a wedge
GOLDEN = 2.399963229728653
_AROUND, _ALONE = 1.4, 0.62  # radius of a family per root of its size; of a single model
_APART = 1.25  # room on the spiral, in radii
_STEP = 1.2  # of radius per root of rank: so that all lie inside the disc


@dataclass(frozen=True, slots=True)
class Layout:
    """``x``, ``y``: (models,) from 0 to 1. Of each continent and of each root's family: middle and radius, in the same units."""

    x: Array
    y: Array
    continents: Array  # (continents, 3)
    families: Array  # (models, 3), of roots; zero elsewhere


def lay_out(forest: Forest, continent: Array, born: Array) -> Layout:
    """Place all models. ``continent``: (models,) from 0 without gaps, that of the root counts; ``born``: larger is younger."""
    count = len(continent)
    middle_x, middle_y, radius = np.zeros(count), np.zeros(count), np.zeros(count)
    roots = np.flatnonzero(forest.root == np.arange(count))
    radius[roots] = np.where(forest.size[roots] > 1, np.sqrt(forest.size[roots]) * _AROUND, _ALONE)
    lands = [roots[continent[roots] == land] for land in range(int(continent.max(initial=-1)) + 1)]
    rims = np.array([_fill(land, forest.size, radius, middle_x, middle_y) for land in lands])
    order = np.argsort(-rims, kind="stable")
    discs = np.zeros((len(lands), 3))
    for at, x, y in zip(order.tolist(), *pack(rims[order] * 1.04), strict=True):
        middle_x[lands[at]] += x
        middle_y[lands[at]] += y
        discs[at] = x, y, rims[at]
    angle = 2 * np.pi * (forest.place + 0.5) / forest.size[forest.root] + forest.root * GOLDEN
    out = _STEP * np.sqrt(forest.size[forest.root] * _share(forest, born))
    out[roots] = 0
    x = middle_x[forest.root] + out * np.cos(angle)
    y = middle_y[forest.root] + out * np.sin(angle)
    if not count:
        return Layout(x, y, discs, np.zeros((0, 3)))
    low = np.array([(discs[:, axis] - discs[:, 2]).min() for axis in (0, 1)])
    high = np.array([(discs[:, axis] + discs[:, 2]).max() for axis in (0, 1)])
    span = float((high - low).max()) or 1.0
    shift = (span - (high - low)) / 2 - low
    x, y = (x + shift[0]) / span, (y + shift[1]) / span
    discs = (discs + np.r_[shift, 0.0]) / span
    families = np.stack([middle_x + shift[0], middle_y + shift[1], radius], axis=1) / span
    families[forest.root != np.arange(count)] = 0
    return Layout(np.clip(x, 0, 1), np.clip(y, 0, 1), discs, families)


def _share(forest: Forest, born: Array) -> Array:
    """(models,) how far out: the rank by age, from 0 to 1, in a wedge of neighbours, so that all lies equally dense."""
    size = forest.size[forest.root]
    wedges = np.maximum(1, size // np.maximum(WEDGE, 2 * np.sqrt(size)).astype(np.int64))
    wedge = forest.place * wedges // size
    order = np.lexsort((forest.place, born, wedge, forest.root))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (forest.root[order][1:] != forest.root[order][:-1]) | (wedge[order][1:] != wedge[order][:-1])
    begin = np.flatnonzero(first)
    many = np.diff(np.r_[begin, len(order)])
    part = mixed(order) / 2**32  # so that the oldest of all wedges make no ring
    share = np.empty(len(order))
    share[order] = (np.arange(len(order)) - np.repeat(begin, many) + part) / np.repeat(many, many)
    return share


def _fill(roots: Array, size: Array, radius: Array, middle_x: Array, middle_y: Array) -> float:
    """Place the families of one continent around (0, 0); the continent's radius."""
    if not len(roots):
        return _ALONE
    order = roots[np.argsort(-radius[roots], kind="stable")]
    large = min(MOST_LARGE, max(1, int((size[order] >= LARGE).sum())))
    discs, rest = order[:large], order[large:]
    x, y = pack(radius[discs])
    weight = radius[discs] ** 2
    x, y = x - (x * weight).sum() / weight.sum(), y - (y * weight).sum() / weight.sum()
    rim = float((np.hypot(x, y) + radius[discs]).max())
    middle_x[discs], middle_y[discs] = x, y
    out = np.sqrt(rim**2 + np.cumsum((radius[rest] * _APART) ** 2))
    angle = np.arange(len(rest)) * GOLDEN
    middle_x[rest], middle_y[rest] = out * np.cos(angle), out * np.sin(angle)
    return float(out[-1] + radius[rest].max()) if len(rest) else rim
