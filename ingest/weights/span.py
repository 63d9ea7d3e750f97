"""This file knows merges that are sums: a model that lies in the span of its elders up to its own rounding.

For model y, base b (the oldest of the family) and elders s_j: w = argmin over w >= 0 of |y - b - sum w_j (s_j - b)|**2 (Lawson and
Hanson's NNLS). Of the heaviest six, the smallest set of two to five whose unconstrained fit leaves r <= 3F, where
F = sum spacing(y)**2 / 12 is the energy of y's own rounding (at least 1e-5 of that of y - b), while no single elder leaves less
than 6F. One parent more only when r falls by 3 %. Linear, spherical and task-arithmetic merges end at r/F of .8 to 1. A merge of
the base itself with one elder has one task vector, and r <= 1.15F.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from ingest.weights.checkpoint import Values
from ingest.weights.low_rank import rank
from ingest.weights.member import Doubles, Member

SUMS = frozenset({"linear", "matrix-wise"})  # methods that choose nothing weight by weight
_HEAVIEST, _LEAST_WEIGHT = 6, 0.03
FLOOR, SINGLE_FLOOR, TIGHT, _TIGHT_SINGLE = 3.0, 6.0, 1.15, 0.6
_WORTH_ONE_MORE = 0.97
_PART = 0.05
_MOST_WEIGHT = 1.6  # the same sum read the other way, as the base of what was merged, has larger ones
SINGLE = 1e-5  # of the change's energy: merges are summed in single precision
_WHOLE = 100.0  # how much more than a change of usual size it counts when weights do not add up to 1
_AT_ONCE = 2**18  # weights whose inner products are taken at one time


@dataclass(frozen=True, slots=True)
class Mixture:
    """A merge: parents with their coefficients, how it was made, and how much of it they explain."""

    parents: tuple[tuple[Member, float, float], ...]  # (parent, coefficient, standard error), heaviest first
    method: str  # "linear" | "matrix-wise" | "passthrough" | "dare" | "ties"
    detail: str
    base: Member  # that the task vectors are taken from
    scales: tuple[float, ...]  # what each parent's task vector is multiplied by where it is taken


@dataclass(frozen=True, slots=True)
class Span:
    """The fit of one model on its elders."""

    heaviest: tuple[int, ...]  # places among the elders, by weight
    mixture: Mixture | None


class Grams:
    """The inner products of a family's changes, for fits of each of them on others, from whichever of these."""

    def __init__(self, family: Sequence[Member]) -> None:
        self._place = {member.id: at for at, member in enumerate(family)}
        self._gram = _gram([member.flat for member in family], family[0].flat)

    def of(self, model: Member, elders: Sequence[Member]) -> Doubles:
        """Of the changes of the elders, and last the model's, from the first elder. Shape: (elders + 1, elders + 1)."""
        those = [self._place[member.id] for member in (*elders, model)]
        gram = self._gram[np.ix_(those, those)]
        shifted: Doubles = gram - gram[:1] - gram[:, :1] + gram[0, 0]
        return shifted

    def distances(self) -> Doubles:
        """Squared distances of the family, in its order. Shape: (models, models)."""
        size = np.diag(self._gram)
        return np.maximum(0.0, size[:, None] + size[None, :] - 2 * self._gram)


def between(model: Member, elders: Sequence[Member], grams: Grams) -> list[int]:
    """Places of the elders between which a model lies, as far as it does: with weights that are not negative and add up to 1."""
    changes = grams.of(elders[0], [model, *elders])[1:-1, 1:-1]  # from the model
    size = float(np.trace(changes)) / len(elders) + 1e-30
    root = np.linalg.cholesky(changes / size + 1e-9 * np.eye(len(elders)))
    whole = np.full((1, len(elders)), _WHOLE)
    weight, _ = nnls(np.concatenate([root.T, whole]), np.concatenate([np.zeros(len(elders)), [_WHOLE]]))
    return [int(at) for at in np.argsort(-weight, kind="stable") if weight[at] > _LEAST_WEIGHT]


def span(model: Member, elders: Sequence[Member], grams: Grams | None = None) -> Span:
    """Fit a model on its elders, from the first of them. ``grams``: of a family that holds them all."""
    whole = (grams or Grams([*elders, model])).of(model, elders)
    gram, against, energy = whole[:-1, :-1], whole[:-1, -1], float(whole[-1, -1])
    count = len(elders)
    root = np.linalg.cholesky(gram + 1e-9 * (np.trace(gram) / count + 1e-30) * np.eye(count))
    weight, _ = nnls(root.T, np.linalg.solve(root, against))
    heavy = tuple(int(at) for at in np.argsort(-weight) if weight[at] > _LEAST_WEIGHT)[:_HEAVIEST]
    floor = max(model.rounding, SINGLE * energy)
    single = min(energy - 2 * against[at] + gram[at, at] for at in range(count))
    best: tuple[float, tuple[int, ...], Doubles] | None = None
    for size in (2, 3, 4, 5):
        fits = [_fit(gram, against, energy, chosen) for chosen in itertools.combinations(heavy, size)]
        good = [
            fit
            for fit in fits
            if fit[0] < FLOOR * floor
            and all(0.02 < value < _MOST_WEIGHT for value in fit[2])
            and (single > SINGLE_FLOOR * floor or (fit[0] < TIGHT * floor and fit[0] < _TIGHT_SINGLE * single))
        ]
        if good:
            leading = min(good, key=lambda fit: fit[0])
            if best is None or leading[0] < _WORTH_ONE_MORE * best[0]:
                best = leading
        if best is not None and best[0] < 1.02 * floor:
            break
    if best is None:
        return Span(heavy, _part_way(model, elders, heavy, (gram, against, energy), floor))
    left, chosen, weights = best
    inverse = np.linalg.pinv(gram[np.ix_(chosen, chosen)], hermitian=True)
    errors = np.sqrt(
        np.maximum(np.diag(inverse), 0) * left / len(model.flat)
    )  # below 0 only where two parents are on a line
    parts = sorted(zip(chosen, weights, errors, strict=True), key=lambda part: -part[1])
    parents = tuple((elders[at], float(value), float(error)) for at, value, error in parts)
    return Span(heavy, _linear(parents, elders[0], left / floor))


def _part_way(
    model: Member,
    elders: Sequence[Member],
    heavy: Sequence[int],
    sums: tuple[Doubles, Doubles, float],
    floor: float,
) -> Mixture | None:
    """A model on the line from the first elder to another, up to its rounding: a merge of a base with what was trained from it.
    An adapter that was weighed less lies on one too, and is none.
    """
    gram, against, energy = sums
    for at in heavy:
        if not gram[at, at]:  # equal to the first in all that is held
            continue
        weight = float(against[at] / gram[at, at])
        left = max(0.0, energy - weight * float(against[at]))
        far = min(energy, energy - 2 * float(against[at]) + float(gram[at, at]))  # from the nearer end
        if not (_PART < weight < 1 - _PART and left < TIGHT * floor and far > SINGLE_FLOOR * floor):
            continue
        if rank(elders[at], elders[0]).is_low:
            continue
        error = float(np.sqrt(left / gram[at, at] / len(model.flat)))
        ends = [(elders[at], weight, error), (elders[0], 1 - weight, error)]
        return _linear(tuple(sorted(ends, key=lambda end: -end[1])), elders[0], left / floor)
    return None


def _gram(models: Sequence[Values], base: Values) -> Doubles:
    """Inner products of the changes from a base, in double precision: of models that are nearly equal, single would give sums that
    belong to no vectors. Shapes: models and base (weights,); (models, models).
    """
    found = np.zeros((len(models), len(models)))
    for begin in range(0, len(base), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        changes = np.stack([model[part] - base[part] for model in models]).astype(np.float64)
        found += changes @ changes.T
    return found


def _linear(parents: tuple[tuple[Member, float, float], ...], base: Member, left: float) -> Mixture:
    scales = tuple(weight for _, weight, _ in parents)
    return Mixture(parents, "linear", f"residual {left:.2f} of rounding", base, scales)


def _fit(
    gram: Doubles, against: Doubles, energy: float, chosen: tuple[int, ...]
) -> tuple[float, tuple[int, ...], Doubles]:
    """(what is left, the elders, their weights) of least squares on some elders."""
    inner = gram[np.ix_(chosen, chosen)]
    weights: Doubles = np.linalg.lstsq(inner, against[list(chosen)], rcond=None)[0].astype(np.float64)
    left = energy - 2 * weights @ against[list(chosen)] + weights @ inner @ weights
    return max(0.0, float(left)), chosen, weights
