"""This file knows how probable it is that two matrices agree by chance: rows that find themselves again.

For centred matrices A and B of r rows, with unit rows a_i, b_j: m = number of i with argmax_j <a_i, b_j> = i and
argmax_j <a_j, b_i> = i (mutual best match in the same place). Of unrelated matrices the best match of a row may be any, so m is at
most about Poisson(1), whatever the shape, the spectrum and the length of rows, and over T matrices

    p = P(Poisson(T) >= m_1 + ... + m_T)

(Zhu et al. 2025 count fixed points of the best assignment, which has the same law.) One product of r x r a matrix: of more than
256 rows, 256 spread evenly are taken. When not to trust it: rows that are equal within one matrix, and tables that are not trained
(sinusoidal positions), which are the same in unrelated models.
"""

from __future__ import annotations

import sys
from typing import Final

import numpy as np
from scipy.stats import poisson

from ingest.weights.checkpoint import Values
from ingest.weights.countsketch import Doubles

MOST_ROWS: Final = 256
FEWEST_ROWS: Final = 8
LEAST: Final = sys.float_info.min  # a p-value below it cannot be told from 0


def found_again(one: Values, other: Values) -> int:
    """m, for centred matrices of one shape."""
    chosen = rows_of(len(one))
    like = _unit(one[chosen]) @ _unit(other[chosen]).T
    place = np.arange(len(like))
    return int(np.sum((like.argmax(axis=1) == place) & (like.argmax(axis=0) == place)))


def rows_of(rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The rows that are looked at."""
    if rows <= MOST_ROWS:
        return np.arange(rows)
    return np.linspace(0, rows - 1, MOST_ROWS).astype(np.int64)


def chance(found: int, matrices: int) -> float:
    """The p-value of so many rows found again over so many matrices; 1 of none."""
    return max(LEAST, float(poisson.sf(found - 1, matrices))) if matrices else 1.0


def found_again_slowly(one: Values, other: Values) -> int:
    """m, row by row in float64."""
    rows = rows_of(len(one)).tolist()
    a, b = one.astype(np.float64), other.astype(np.float64)
    like = [[float(a[i] @ b[j]) / _length(b[j]) for j in rows] for i in rows]
    back_like = [[float(a[i] @ b[j]) / _length(a[i]) for j in rows] for i in rows]
    best = [max(range(len(rows)), key=lambda j: (line[j], -j)) for line in like]
    back = [max(range(len(rows)), key=lambda i: (back_like[i][j], -i)) for j in range(len(rows))]
    return sum(best[i] == i and back[i] == i for i in range(len(rows)))


def _unit(values: Values) -> Values:
    unit: Values = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-30)
    return unit


def _length(row: Doubles) -> float:
    return max(float(np.linalg.norm(row)), 1e-30)
