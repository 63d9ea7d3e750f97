"""This file knows which models fold into one line of a list, and which of them is the original.

A model points at what it repeats: with ``copies`` a copy, repackaged or recast model at what it is a copy of; with ``quants`` a
quantised one at its source too; with ``family`` every fork at the model that its novelty is told against. Who ends at the same
place is one group, and that place is the original; of a cycle, or where that place was never seen, the oldest, else the most used.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.frames import Frames, Numbers
from graph.groups import ordered
from graph.novelty import COPIES, Class
from graph.records import State
from graph.store import Collapse

_POINTS = {
    Collapse.COPIES: COPIES,
    Collapse.QUANTS: (*COPIES, Class.QUANTIZED),
    Collapse.FAMILY: None,
}  # None: any class


def originals(tables: Frames) -> dict[Collapse, Numbers]:
    """For each way to fold the number of the original of each model's group. Shapes: (models,)."""
    models = tables.frame("models", ["state", "created_at", "downloads", "novelty_class"])
    number, at = tables.numbers("novelty", "model"), tables.numbers("novelty", "other")
    known = (number >= 0) & (at >= 0)
    number, at = number[known], at[known]
    kinds = models["novelty_class"].gather(number)
    unused = -models["downloads"].fill_null(-1).to_numpy().astype(np.int64)
    born = models["created_at"].dt.epoch("ms").cast(pl.Int64)
    made = born.fill_null(0).to_numpy()
    made = np.where(born.is_null().to_numpy(), made.min(initial=0) - 1, made)  # unknown is before all
    missing = (models["state"] == State.MISSING.value).to_numpy()
    by_age = ordered(unused)  # the oldest first, those never seen last; of equals the most used, then by name
    for more in (made, missing.astype(np.int8)):
        by_age = by_age[ordered(more[by_age])]
    age = np.empty(len(models), dtype=np.int64)
    age[by_age] = np.arange(len(models))
    found = {}
    for mode, classes in _POINTS.items():
        points = np.arange(len(models))
        of_mode = slice(None) if classes is None else kinds.is_in(classes).fill_null(value=False).to_numpy()
        points[number[of_mode]] = at[of_mode]
        found[mode] = ends(points, age, missing)
    return found


def ends(points: Numbers, age: Numbers, missing: npt.NDArray[np.bool_]) -> Numbers:
    """The original of each model's group. ``points``: what each points at, itself when at nothing; ``age``: the place of each by
    age, no two alike. Shapes: (models,).
    """
    jump, oldest = points.copy(), age.copy()
    under_way = np.flatnonzero(points != np.arange(len(points)))
    steps = 1
    while len(under_way) and steps <= len(points):  # after as many whoever is at no end was once around a cycle
        there = jump[under_way]
        oldest[under_way] = np.minimum(oldest[under_way], oldest[there])
        jump[under_way] = jump[there]
        under_way = under_way[points[jump[under_way]] != jump[under_way]]
        steps *= 2
    by_age = np.empty_like(age)
    by_age[age] = np.arange(len(age))
    end = jump.copy()
    end[under_way] = by_age[oldest[jump[under_way]]]
    unseen = missing[end]
    if unseen.any():
        first = age.copy()
        np.minimum.at(first, end, age)  # those never seen are the last by age
        end = np.where(unseen, by_age[first[end]], end)
    return end
