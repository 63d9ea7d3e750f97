"""This file knows what follows from the tables of a snapshot and several things are made of: worked out once, when first asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import polars as pl

from graph.folding import originals
from graph.frames import Frames, Numbers
from graph.store import Collapse
from graph.succession import tables


class Derived:
    """Of these tables."""

    def __init__(self, frames: Frames) -> None:
        self.frames = frames

    @cached_property
    def groups(self) -> Mapping[Collapse, Numbers]:
        """For each way to fold the number of the original of each model's group. Shapes: (models,)."""
        return originals(self.frames)

    @property
    def standings(self) -> pl.DataFrame:
        """The standings of all measured models: see ``graph.succession.tables``."""
        return self._worked_out[0]

    @property
    def successors(self) -> pl.DataFrame:
        """The successors of all models: see ``graph.succession.tables``."""
        return self._worked_out[1]

    @cached_property
    def _worked_out(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        return tables(self.frames)
