"""This file knows all pairs that are alike among many vectors: products in tiles, the threshold inside the tile.

For unit vectors x_i (rows of X) and a threshold t: the pairs i < j with <x_i, x_j> >= t, of each i the ``most`` largest. The whole
matrix never exists: of a tile only what passes is kept, and what is kept is cut to ``most`` a vector whenever it grows beyond a
bound. Pairs of two old vectors are left out when the first ``old`` are: new against all, not all against all again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ingest.weights.checkpoint import Values

Ints = npt.NDArray[np.int64]
ROWS, COLUMNS = 1_024, 4_096  # of a tile: its products stay in the processor's cache for the comparison
_AT_HAND = 4_000_000  # pairs kept between two cuttings


class Multiply(Protocol):
    """The work of one tile, on whatever does it. ``rows``, ``columns``: how large a tile should be."""

    rows: int
    columns: int

    def __call__(self, rows: slice, columns: slice, threshold: float) -> tuple[Ints, Ints, Values]:
        """(row, column, product) of what passes, by row and column, counted from the start of X."""
        ...


@dataclass(frozen=True, slots=True)
class Pairs:
    """Directed pairs: of each ``left`` its most alike, by left, then product (largest first), then right."""

    left: Ints
    right: Ints
    score: Values


class NumPyTiles:
    """Tiles by BLAS."""

    rows, columns = ROWS, COLUMNS

    def __init__(self, vectors: Values) -> None:
        self._vectors = vectors
        self._out = np.empty((ROWS, COLUMNS), dtype=np.float32)

    def __call__(self, rows: slice, columns: slice, threshold: float) -> tuple[Ints, Ints, Values]:
        """(row, column, product) of what passes."""
        left, right = self._vectors[rows], self._vectors[columns]
        product = np.matmul(left, right.T, out=self._out[: len(left), : len(right)] if len(right) == COLUMNS else None)
        some = np.flatnonzero(product.max(axis=1) >= threshold)
        row, column = np.nonzero(product[some] >= threshold)
        return some[row] + rows.start, column + columns.start, product[some[row], column]


def alike(vectors: Values, threshold: float, most: int, old: int = 0, multiply: Multiply | None = None) -> Pairs:
    """The pairs, each in both directions. ``vectors``: (models, K) float32."""
    multiply = multiply or NumPyTiles(vectors)
    height, width = multiply.rows, multiply.columns
    kept = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    waiting: list[Pairs] = []
    held = 0
    for first in range(0, len(vectors), height):
        rows = slice(first, min(first + height, len(vectors)))
        for begin in range(first // width * width, len(vectors), width):
            columns = slice(begin, min(begin + width, len(vectors)))
            if columns.stop <= old:
                continue
            row, column, score = multiply(rows, columns, threshold)
            wanted = (row < column) & (column >= old)
            row, column, score = row[wanted], column[wanted], score[wanted]
            if len(row):
                both = np.concatenate([row, column]), np.concatenate([column, row]), np.concatenate([score, score])
                waiting.append(Pairs(*both))
                held += len(both[0])
            if held > _AT_HAND:
                kept, waiting, held = nearest([kept, *waiting], most), [], 0
    return nearest([kept, *waiting], most)


def nearest(parts: list[Pairs], most: int) -> Pairs:
    """The ``most`` best of each left, in order."""
    left, right = (np.concatenate([getattr(part, name) for part in parts]) for name in ("left", "right"))
    score = np.concatenate([part.score for part in parts])
    order = np.lexsort((right, -score, left))
    left, right, score = left[order], right[order], score[order]
    begins = np.flatnonzero(np.diff(left, prepend=-1))
    place = np.arange(len(left)) - np.repeat(begins, np.diff(begins, append=len(left)))
    good = place < most
    return Pairs(left[good], right[good], score[good])


def alike_slowly(vectors: Values, threshold: float, most: int, old: int = 0) -> list[tuple[int, int]]:
    """The same pairs one by one, float64: (left, right) in order."""
    exact = vectors.astype(np.float64)
    found: list[tuple[int, float, int]] = []
    for i in range(len(exact)):
        for j in range(max(i + 1, old), len(exact)):
            score = float(exact[i] @ exact[j])
            if score >= threshold:
                found += [(i, -score, j), (j, -score, i)]
    found.sort()
    return [(i, j) for at, (i, _, j) in enumerate(found) if at < most or found[at - most][0] != i]
