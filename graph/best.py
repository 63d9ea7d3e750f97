"""This file knows the chance of each of several models to be the best of them, from abilities with their standard errors.

    P(i is best) = integral over x of  phi((x - m_i) / s_i) / s_i  *  prod over j != i of Phi((x - m_j) / s_j)

m, s: indices and standard errors, taken as independent; phi, Phi: the normal density and distribution. The sum of all is 1.

The integral is a trapezoid sum on one grid for all models. The integrand is analytic and vanishes at both ends, so that the sum
converges faster than any power of the step (Trefethen & Weideman, SIAM Review 56, 2014); an eighth of the least error leaves
less than 1e-9. The grid reaches ``REACH`` errors beyond every index, where a density is below 1e-16 of its height. Products of
thousands of factors are sums of logarithms. Not to be trusted where errors of models are strongly related.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
REACH = 8.5  # errors
STEP = 0.125  # errors
LEAST = 0.1  # index points: no model is known better than that
_BLOCK = 4_000_000  # models times nodes at once
_DIGITS = 12  # chances that differ by less are equal, and the earlier model leads


def below(z: Floats) -> Floats:
    """The standard normal distribution function Phi."""
    from scipy.special import ndtr  # heavy, and needed only where something was measured

    return np.asarray(ndtr(z))


def log_below(z: Floats) -> Floats:
    """The logarithm of Phi, also far below."""
    from scipy.special import log_ndtr

    return np.asarray(log_ndtr(z))


class Field:
    """Models that are compared; more may join. ``mean``, ``error``: (models,) of all that ever will."""

    def __init__(self, mean: Floats, error: Floats) -> None:
        self._mean, self._error = mean, np.maximum(error, LEAST)
        low, high = (mean - REACH * self._error).min(), (mean + REACH * self._error).max()
        nodes = math.ceil((high - low) / (STEP * self._error.min())) + 1
        self._x: Floats = np.linspace(low, high, nodes)
        self._h = float(self._x[1] - self._x[0])
        self._below = np.zeros(nodes)  # (nodes,) log of the chance that all who joined are below

    def join(self, rows: Sequence[int] | Ints) -> None:
        """Add models to those that are compared."""
        for part in self._parts(np.asarray(rows, dtype=np.int64)):
            self._below += log_below(self._z(part)).sum(axis=0)

    def chances(self, rows: Sequence[int] | Ints) -> Floats:
        """(rows,) the chance of each of these, which have joined, to be the best of those that have."""
        found = [self._chances(part) for part in self._parts(np.asarray(rows, dtype=np.int64))]
        return np.concatenate(found) if found else np.zeros(0)

    def _chances(self, rows: Ints) -> Floats:
        z = self._z(rows)
        density: Floats = np.exp(self._below - log_below(z) - z**2 / 2)  # (rows, nodes), without the constant
        whole: Floats = density.sum(axis=1) * self._h / (math.sqrt(2 * math.pi) * self._error[rows])
        return whole

    def _z(self, rows: Ints) -> Floats:
        return (self._x - self._mean[rows, None]) / self._error[rows, None]

    def _parts(self, rows: Ints) -> Iterator[Ints]:
        size = max(1, _BLOCK // len(self._x))
        return (rows[at : at + size] for at in range(0, len(rows), size))


def chances(mean: Floats, error: Floats) -> Floats:
    """(models,) the chance of each model to be the best of all."""
    field, rows = Field(mean, error), np.arange(len(mean))
    field.join(rows)
    return field.chances(rows)


def leaders(mean: Floats, error: Floats, made: Ints) -> list[tuple[int, int]]:
    """(time, model) each time that another model becomes the one with the largest chance, as models are made.

    ``made``: (models,) times, ascending; those of one time join together. A chance only falls while others join, so an old value
    is a bound: only models whose bound is above the leader's chance are looked at again.
    """
    field, found = Field(mean, error), list[tuple[int, int]]()
    bounds: list[
        tuple[float, int, int]
    ] = []  # minus the chance when it was last looked at, model, number who had joined
    times, begins = np.unique(made, return_index=True)
    for time, begin, end in zip(times.tolist(), begins.tolist(), [*begins[1:].tolist(), len(made)], strict=True):
        field.join(np.arange(begin, end))
        for row, chance in zip(range(begin, end), field.chances(np.arange(begin, end)).tolist(), strict=True):
            heapq.heappush(bounds, (-round(chance, _DIGITS), row, end))
        while bounds[0][2] != end:
            _, row, _ = bounds[0]
            heapq.heapreplace(bounds, (-round(float(field.chances([row])[0]), _DIGITS), row, end))
        if not found or found[-1][1] != bounds[0][1]:
            found.append((time, bounds[0][1]))
    return found
