"""This file knows standing: how probable it is that a model is the best of its niche, now.

A niche is a task, a size class and a class of licences: what who may not take a larger or a stricter one chooses from.
In it stand the models that have an ability of their own (an inherited one tells nothing new) and are still there; ``graph.best``
has the formula for the chance of each. None, with a reason, where the task or the size is not known, or the model is gone.

Copies that were measured one by one share the chance between them. Standing is worked out when a snapshot is indexed or loaded: it
follows from the tables and is none of them.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import polars as pl
import pyarrow as pa

from graph.best import chances
from graph.frames import Frames
from graph.licence import licence_class
from graph.records import StandingRecord, State
from graph.sizes import size_class
from graph.tables import MODELS

NICHE = ("task", "size", "licence")
DIGITS = 6  # of a probability
STANDINGS = pl.Schema(
    {
        "model": pl.String,
        "probability": pl.Float64,
        "unknown": pl.String,
        "task": pl.String,
        "size": pl.String,
        "licence": pl.String,
        "models": pl.Int32,
        "leader": pl.String,
    }
)
_UNDER = {
    "permissive": "a permissive licence",
    "conditions": "a licence with conditions",
    "non-commercial": "a licence without commercial use",
    "unknown": "a licence that is not known",
}


class Unplaced(StrEnum):
    """Why a measured model stands in no niche."""

    GONE = "gone"
    NO_TASK = "no-task"
    NO_SIZE = "no-size"


WORDS = {
    Unplaced.GONE: "it is no longer there",
    Unplaced.NO_TASK: "its task is not known",
    Unplaced.NO_SIZE: "its number of parameters is not known",
}


def measured(tables: Frames) -> pl.DataFrame:
    """Models with an ability of their own, by name: their index, error and number of benchmarks, and what makes their niche.

    ``made``: ms since 1970, null when it is not known; ``there``: whether the repository still is. Cheap when there are none.
    """
    own = (
        tables.frame("abilities", ["model", "index", "error", "benchmarks", "inherited_from"])
        .filter(pl.col("inherited_from").is_null() & pl.col("index").is_not_null() & pl.col("error").is_not_null())
        .drop("inherited_from")
    )
    names = ["id", "state", "created_at", "task", "parameters", "licence"]
    empty = pa.schema([MODELS.schema.field(name) for name in names]).empty_table()
    models = pl.DataFrame(empty) if own.is_empty() else tables.frame("models", names)
    found = own.join(models, left_on="model", right_on="id", how="inner").sort("model")
    licences = found["licence"].unique().to_list()
    classes = pl.DataFrame({"licence": licences, "class": [licence_class(each) for each in licences]}, schema=_CLASSES)
    return found.join(classes, on="licence", how="left", nulls_equal=True, maintain_order="left").select(
        "model",
        "index",
        "error",
        "benchmarks",
        "task",
        "parameters",
        declared="licence",
        size=size_class(),
        licence="class",
        made=pl.col("created_at").dt.epoch("ms"),
        there=pl.col("state").is_in([State.LISTED.value, State.GATED.value]),
    )


_CLASSES = {"licence": pl.String, "class": pl.String}


def standings(found: pl.DataFrame) -> pl.DataFrame:
    """The standing of each model that ``measured`` gives, by name, in the columns of ``STANDINGS``."""
    unknown = (
        pl.when(~pl.col("there"))
        .then(pl.lit(Unplaced.GONE.value))
        .when(pl.col("task").is_null())
        .then(pl.lit(Unplaced.NO_TASK.value))
        .when(pl.col("parameters").is_null())
        .then(pl.lit(Unplaced.NO_SIZE.value))
    )
    rows = found.with_columns(unknown=unknown)
    placed = [_placed(niche) for _, niche in niches(rows.filter(pl.col("unknown").is_null()))]
    whole = pl.concat([part.select("model", "probability", "models", "leader") for part in placed] or [_NONE])
    return rows.join(whole, on="model", how="left", maintain_order="left").select(STANDINGS.names()).cast(STANDINGS)


_NONE = pl.DataFrame(schema={name: STANDINGS[name] for name in ("model", "probability", "models", "leader")})


def niches(rows: pl.DataFrame) -> list[tuple[tuple[str, str, str], pl.DataFrame]]:
    """Rows with a task and a size by their niche, niches in the order of their names."""
    parts = rows.partition_by(NICHE, as_dict=True, maintain_order=True)
    return [((str(task), str(size), str(licence)), part) for (task, size, licence), part in sorted(parts.items())]


def _placed(niche: pl.DataFrame) -> pl.DataFrame:
    """The models of one niche, which are in order of names, with their chances."""
    chance = chances(niche["index"].to_numpy(), niche["error"].to_numpy()).round(DIGITS)
    leader = niche["model"][int(np.argmax(chance))]
    return niche.with_columns(
        probability=pl.Series(chance), models=pl.lit(niche.height, pl.Int32), leader=pl.lit(leader, pl.String)
    )


def told(record: StandingRecord) -> str:
    """The standing in one line."""
    if record.probability is None:
        return WORDS[Unplaced(record.unknown or Unplaced.NO_TASK)]
    among = f"for {record.task} of {record.size} parameters under {_UNDER[record.licence]}"
    if record.models == 1:
        return f"the only one measured {among}"
    text = f"{percent(record.probability)} likely the best of {record.models} measured {among}"
    return text if record.leader == record.model else f"{text}; most likely is {record.leader}"


def percent(probability: float) -> str:
    """A probability in words, never rounded to what is certain."""
    if probability < 0.001:
        return "less than 0.1 %"
    if probability > 0.999:
        return "more than 99.9 %"
    return f"{100 * probability:.0f} %" if 0.1 <= probability < 0.99 else f"{100 * probability:.1f} %"
