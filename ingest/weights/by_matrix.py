"""This file knows merges that weigh their parents anew in every matrix: spherical ones, and those with a gradient over the layers.

For matrices t of model y, base b (the oldest of the family) and parents s_j, among the six heaviest of the fit of ``span``,

    y_t = b_t + a_t b_t + sum_j w_tj (s_tj - b_t)      by least squares; a_t is what an arc is longer than its chord (Shoemake 1985)

The smallest set of two or three whose residuals add up to r <= 3F, F as of ``span``, while no single elder leaves less than 6F. The
coefficient of a parent is the mean of w_tj over all weights that were changed. Some thousand weights are fitted with three numbers:
no set fits by chance. When not to trust it: a child of a merge, a few steps after it, when stored in few bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.weights.member import Doubles, Member
from ingest.weights.span import FLOOR, SINGLE, SINGLE_FLOOR, Mixture

_MOST_PARENTS = 3
_RANGE = (-0.05, 1.05)  # of a coefficient in one matrix
_LEAST = 0.03  # of a mean one
_RIDGE = 1e-12


@dataclass(frozen=True, slots=True)
class _Fit:
    left: float  # of all matrices
    chosen: tuple[int, ...]
    weights: Doubles  # (matrices changed, chosen)
    sizes: Doubles  # weights in each of them
    errors: Doubles  # (chosen,)


def by_matrix(model: Member, elders: Sequence[Member], heavy: Sequence[int]) -> Mixture | None:
    """The merge of some of the ``heavy`` elders (places among them) that a model is, matrix by matrix; None when it is none."""
    base = elders[0]
    places = [at for at in heavy if at]  # what is left of a base is told by the others
    if len(places) < 2:
        return None
    grams = [_gram(model, base, [elders[at] for at in places], role) for role in sorted(model.matrices)]
    whole = sum(gram[-1, -1] for gram, _ in grams)
    floor = max(model.rounding, SINGLE * whole)
    count = len(places)
    single = min(
        whole, *(sum(gram[-1, -1] - 2 * gram[-1, at] + gram[at, at] for gram, _ in grams) for at in range(1, count + 1))
    )
    if single <= SINGLE_FLOOR * floor:
        return None
    for size in range(2, _MOST_PARENTS + 1):
        fits = [_fit(grams, chosen) for chosen in itertools.combinations(range(1, count + 1), size)]
        good = [fit for fit in fits if fit.left < FLOOR * floor and _is_merge(fit)]
        if good:
            best = min(good, key=lambda fit: fit.left)
            return _mixture(best, [elders[places[at - 1]] for at in best.chosen], base, best.left / floor)
    return None


def _gram(model: Member, base: Member, elders: Sequence[Member], role: str) -> tuple[Doubles, int]:
    """(inner products of the base, the elders' changes and the model's, weights) of one matrix."""
    start = base.matrices[role].reshape(-1).astype(np.float64)
    columns = np.stack([start, *(one.matrices[role].reshape(-1) - start for one in (*elders, model))])
    return columns @ columns.T, len(start)


def _fit(grams: Sequence[tuple[Doubles, int]], chosen: tuple[int, ...]) -> _Fit:
    left, weights, sizes, variance = 0.0, [], [], np.zeros(len(chosen))
    columns = [0, *chosen]
    for gram, size in grams:
        inner, against, energy = gram[np.ix_(columns, columns)], gram[columns, -1], gram[-1, -1]
        if not energy:
            continue
        scale = np.sqrt(np.maximum(np.diag(inner), 1e-300))
        inverse = np.linalg.pinv(inner / np.outer(scale, scale), rcond=_RIDGE, hermitian=True) / np.outer(scale, scale)
        found = inverse @ against
        apart = max(0.0, float(energy - 2 * found @ against + found @ inner @ found))
        left += apart
        weights.append(found[1:])
        sizes.append(size)
        variance += size**2 * np.diag(inverse)[1:] * apart / size
    whole = max(1, sum(sizes))
    return _Fit(
        left,
        chosen,
        np.reshape(weights, (-1, len(chosen))),
        np.array(sizes, dtype=np.float64),
        np.sqrt(variance) / whole,
    )


def _is_merge(fit: _Fit) -> bool:
    inside = (fit.weights > _RANGE[0]) & (fit.weights < _RANGE[1])
    return bool(inside.all() and (fit.sizes @ fit.weights > _LEAST * fit.sizes.sum()).all())


def _mixture(fit: _Fit, parents: Sequence[Member], base: Member, left: float) -> Mixture:
    means = fit.sizes @ fit.weights / fit.sizes.sum()
    lowest, highest = fit.weights.min(), fit.weights.max()
    detail = f"from {lowest:.2f} to {highest:.2f} in each matrix, residual {left:.2f} of rounding"
    parts = sorted(zip(parents, means, fit.errors, strict=True), key=lambda part: -part[1])
    return Mixture(
        tuple((parent, float(mean), float(error)) for parent, mean, error in parts),
        "matrix-wise",
        detail,
        base,
        tuple(float(mean) for _, mean, _ in parts),
    )
