"""This file knows what is left of a matrix without what unrelated matrices have in common.

For a matrix X with rows i and columns j and the means over rows, columns and all,

    Y_ij = X_ij - mean_i - mean_j + mean,       centred = Y - s u v'

with s, u, v the top singular triple of Y by power iteration. Layers share a strong mean and one strong direction whatever they
were trained for: unrelated 384 x 384 matrices of one model reach cosines of .14 with them, and of some .003 without. When not to
trust it: fewer than four rows or columns, where little is left.
"""

from __future__ import annotations

import numpy as np

from ingest.weights.checkpoint import Values

_FEWEST = 4
_ROUNDS = 6  # of power iteration: the direction need not be exact, only gone for the most part


def centred(values: Values) -> Values:
    """What is left of a matrix. Shape as given, float32; zeros where there is too little."""
    rows, columns = values.shape
    if min(rows, columns) < _FEWEST:
        return np.zeros_like(values)
    left: Values = values - values.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    left -= left.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    right = np.ones(columns, dtype=np.float32) + np.arange(columns, dtype=np.float32) / columns
    for _ in range(_ROUNDS):
        along = left @ right
        right = along @ left
        length = float(np.linalg.norm(right))
        if not length:
            return left
        right /= length
    left -= np.outer(left @ right, right)
    return left


def centred_slowly(values: Values) -> Values:
    """The same by the singular value decomposition, float64."""
    exact = values.astype(np.float64)
    if min(exact.shape) < _FEWEST:
        return np.zeros_like(values)
    exact = exact - exact.mean(axis=1, keepdims=True) - exact.mean(axis=0, keepdims=True) + exact.mean()
    left, sizes, right = np.linalg.svd(exact, full_matrices=False)
    sizes[0] = 0
    return np.asarray((left * sizes) @ right, dtype=np.float32)
