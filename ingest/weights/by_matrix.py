"""This file knows merges that weigh their parents anew in every matrix: spherical ones, and those with a gradient over the layers.

For matrices t of model y, base b (the oldest of the family) and parents s_j, among the six heaviest of the fit of ``span`` and
three that are sought in a few matrices,

    y_t = b_t + a_t b_t + sum_j w_tj (s_tj - b_t)      by least squares; a_t is what an arc is longer than its chord (Shoemake 1985)

The smallest set of two or three whose residuals add up to r <= 3F, F as of ``span``, while no single elder leaves less than 6F; or
one with the base itself, with r <= 1.15F, that is no adapter. The coefficient of a parent is the mean of w_tj over all weights of
the matrices in which it is not the base. Some thousand weights are fitted with three numbers: no set fits by chance. When not to
trust it: a child of a merge, a few steps after it, when stored in few bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.weights.formats import spacing
from ingest.weights.low_rank import rank
from ingest.weights.member import Doubles, Member
from ingest.weights.span import FLOOR, SINGLE, SINGLE_FLOOR, TIGHT, Mixture

_MOST_PARENTS = 3
_RANGE = (-0.05, 1.05)  # of a coefficient in one matrix
_LEAST = 0.03  # of a mean one
_RIDGE = 1e-12
_LOOKED_AT, _FOR_EACH = 4, 100  # matrices in which parents are sought, and weights in each of them for every elder


@dataclass(frozen=True, slots=True)
class _Fit:
    left: float  # of all matrices
    chosen: tuple[int, ...]
    weights: Doubles  # (matrices changed, chosen)
    sizes: Doubles  # weights in each of them that tell of each of the chosen: none where it is the base there
    errors: Doubles  # (chosen,)

    def means(self, *, older: bool) -> Doubles:
        """The coefficient of each of the chosen: of the weights that tell of it, or of all. Shape: (chosen,)."""
        of = self.sizes.sum(axis=0) if older else self.sizes.max(axis=1, initial=0).sum()
        mean: Doubles = (self.sizes * self.weights).sum(axis=0) / np.maximum(of, 1)
        return mean


def by_matrix(model: Member, elders: Sequence[Member], heavy: Sequence[int], *, older: bool = True) -> Mixture | None:
    """The merge that a model is of some of the ``heavy`` elders (places among them); None when it is none.

    ``older``: they are known to be; then the first may be a parent too, and more of them are sought in a few matrices. Of others, a
    root would be put together of children that each left other matrices untouched.
    """
    base = elders[0]
    more = _sought(model, elders) if older else []
    places = sorted({at for at in (*heavy, *more) if at})  # what is left of a base is told by the others
    if not places:
        return None
    grams = [_gram(model, base, [elders[at] for at in places], role) for role in sorted(model.matrices)]
    whole = sum(gram[-1, -1] for gram, _ in grams)
    floor = max(model.rounding, SINGLE * whole)
    numbers = range(1, len(places) + 1)
    single = min(whole, *(sum(gram[-1, -1] - 2 * gram[-1, at] + gram[at, at] for gram, _ in grams) for at in numbers))
    if single <= SINGLE_FLOOR * floor:
        return None
    for size in range(1 if older else 2, _MOST_PARENTS + 1):
        most = FLOOR if size > 1 else TIGHT
        fits = [_fit(grams, chosen) for chosen in itertools.combinations(numbers, size)]
        good = [fit for fit in fits if fit.left < most * floor and _is_merge(fit, older=older)]
        if size == 1:  # an adapter that was weighed less lies between, too
            good = [fit for fit in good if not _is_adapter(elders[places[fit.chosen[0] - 1]], base)]
        if good:
            best = min(good, key=lambda fit: fit.left)
            return _mixture(best, [elders[places[at - 1]] for at in best.chosen], base, best.left / floor, older=older)
    return None


def _is_adapter(model: Member, base: Member) -> bool:
    return rank(model, base.held_as(model.dtype)).is_low


def _sought(model: Member, elders: Sequence[Member]) -> list[int]:
    """Places of elders, one after the other that which with those before leaves least of the smallest matrices that tell
    (orthogonal matching pursuit; Pati, Rezaiifar and Krishnaprasad 1993); none where all elders together leave more than rounding.
    What was merged of a merge and others has less of it, over the whole, than of what that was merged of.
    """
    enough = _FOR_EACH * len(elders)
    changed = [
        role
        for role, values in model.matrices.items()
        if values.size >= enough and not np.array_equal(values, elders[0].matrices[role])
    ]
    roles = sorted(changed, key=lambda role: (model.matrices[role].size, role))[:_LOOKED_AT]
    grams = [_gram(model, elders[0], elders[1:], role) for role in roles]
    floor = sum(
        float((spacing(model.matrices[role], model.dtype).astype(np.float64) ** 2).sum()) / 12 for role in roles
    )
    floor = max(floor, SINGLE * sum(gram[-1, -1] for gram, _ in grams))
    places = range(1, len(elders))
    if not roles or not places or _fit(grams, tuple(places)).left > FLOOR * floor:
        return []
    chosen: list[int] = []
    left = float("inf")
    while len(chosen) < min(_MOST_PARENTS, len(places)) and left > floor:
        fits = [_fit(grams, (*chosen, at)) for at in places if at not in chosen]
        best = min(fits, key=lambda fit: (fit.left, fit.chosen))
        left, chosen = best.left, list(best.chosen)
    return chosen


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
        sizes.append(size * (np.diag(inner)[1:] > 0))
        variance += size**2 * np.diag(inverse)[1:] * apart / size
    shape = -1, len(chosen)
    found_sizes = np.reshape(np.array(sizes, dtype=np.float64), shape)
    return _Fit(
        left,
        chosen,
        np.reshape(weights, shape),
        found_sizes,
        np.sqrt(variance) / np.maximum(found_sizes.sum(axis=0), 1),
    )


def _is_merge(fit: _Fit, *, older: bool) -> bool:
    inside = (fit.weights > _RANGE[0]) & (fit.weights < _RANGE[1])
    return bool(inside.all() and (fit.means(older=older) > _LEAST).all())


def _mixture(fit: _Fit, parents: Sequence[Member], base: Member, left: float, *, older: bool) -> Mixture:
    means, errors = fit.means(older=older), fit.errors
    if len(parents) == 1:  # the rest is of the base
        parents, means, errors = [*parents, base], np.append(means, 1 - means), np.append(errors, errors)
    lowest, highest = fit.weights.min(), fit.weights.max()
    detail = f"from {lowest:.2f} to {highest:.2f} in each matrix, residual {left:.2f} of rounding"
    parts = sorted(zip(parents, means, errors, strict=True), key=lambda part: -part[1])
    return Mixture(
        tuple((parent, float(mean), float(error)) for parent, mean, error in parts),
        "matrix-wise",
        detail,
        base,
        tuple(float(mean) for _, mean, _ in parts),
    )
