"""This file knows the linear sketch of all weights of a model, by which models are told apart of which only windows are kept.

    W = sum over matrices t of S_t(x_t),      K = 4,096, seeded by the role with its layer

is made while a checkpoint is streamed and is linear: |W(y) - W(s)| is |y - s| within sqrt(1 / 2K) = 1.1 % of itself (one standard
deviation), for models with the same roles and shapes. Kept as float32, never less: a change is far smaller than what it changes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.countsketch import Sketching, seed_of, sketch

SIZE: Final = 4_096
_VERSION: Final = 1


class Whole:
    """The sum so far."""

    def __init__(self, sketching: Sketching = sketch) -> None:
        self._sketching = sketching
        self._sum = np.zeros(SIZE)

    def add(self, role: str, values: Values) -> None:
        """Take in one matrix, (out, in)."""
        self._sum += self._sketching(values, seed_of(f"{_VERSION} {role}"), SIZE)

    @property
    def values(self) -> Values:
        """W. Shape: (4096,)."""
        return self._sum.astype(np.float32)


def relative_distance(one: Values, other: Values) -> float | None:
    """|other - one| / |one| of two vectors, or by their sketches; None when the first is nothing."""
    size = float(np.linalg.norm(one.astype(np.float64)))
    return float(np.linalg.norm(other.astype(np.float64) - one)) / size if size else None
