"""This file knows which models fold into one line of a list, and which of them is the original.

A model points at what it repeats: with ``copies`` a copy, repackaged or recast model at what it is a copy of; with ``quants`` a
quantised one at its source too; with ``family`` every fork at the model that its novelty is told against. Who ends at the same
place is one group, and that place is the original; of a cycle, or where that place was never seen, the oldest, else the most used.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.novelty import COPIES, Class
from graph.records import State
from graph.snapshot import Snapshot
from graph.store import Collapse

Numbers = npt.NDArray[np.int64]
_POINTS = {
    Collapse.COPIES: COPIES,
    Collapse.QUANTS: (*COPIES, Class.QUANTIZED),
    Collapse.FAMILY: None,
}  # None: any class


def originals(snapshot: Snapshot) -> pl.DataFrame:
    """(id, one column each for ``Collapse``: the original of its group) of every model, by id."""
    read = snapshot.table("models", ["id", "state", "created_at", "downloads", "novelty_class"])
    models = pl.DataFrame(read)
    numbers = models.select("id", number=pl.int_range(pl.len(), dtype=pl.Int64))
    told = (
        pl.DataFrame(snapshot.table("novelty", ["model", "other"]))
        .join(numbers.rename({"id": "model"}), on="model")
        .join(numbers.select(other="id", at="number"), on="other")
        .join(models.select("novelty_class", model="id"), on="model")
    )
    unused = -models["downloads"].fill_null(-1).to_numpy().astype(np.int64)
    made = models["created_at"].dt.epoch("ms").fill_null(np.iinfo(np.int64).min).to_numpy()
    missing = (models["state"] == State.MISSING.value).to_numpy()
    age = np.empty(len(models), dtype=np.int64)  # places by age, those never seen last; of equals by name
    age[np.lexsort((unused, made, missing))] = np.arange(len(models))
    found = {}
    for mode, classes in _POINTS.items():
        rows = told if classes is None else told.filter(pl.col("novelty_class").is_in(classes))
        points = np.arange(len(models))
        points[rows["number"].to_numpy()] = rows["at"].to_numpy()
        found[mode.value] = models["id"].gather(ends(points, age, missing))
    return models.select("id").with_columns(**found)


def ends(points: Numbers, age: Numbers, missing: npt.NDArray[np.bool_]) -> Numbers:
    """The original of each model's group. ``points``: what each points at, itself when at nothing. Shapes: (models,)."""
    jump, oldest = points.copy(), age.copy()
    under_way = np.flatnonzero(points != np.arange(len(points)))
    steps = 1
    while len(under_way) and steps <= len(points):  # after as many whoever is at no end was once around a cycle
        there = jump[under_way]
        oldest[under_way] = np.minimum(oldest[under_way], oldest[there])
        jump[under_way] = jump[there]
        under_way = under_way[points[jump[under_way]] != jump[under_way]]
        steps *= 2
    by_age = np.argsort(age)
    end = jump.copy()
    end[under_way] = by_age[oldest[jump[under_way]]]
    unseen = missing[end]
    if unseen.any():
        first = age.copy()
        np.minimum.at(first, end, age)  # those never seen are the last by age
        end = np.where(unseen, by_age[first[end]], end)
    return end
