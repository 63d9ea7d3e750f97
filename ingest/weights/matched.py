"""This file knows which of close siblings a model was quantised from when its format cannot be written here: how likely each is.

y_r: rows of the model, given back from its blocks; s_r: the same rows of a candidate; n the nearest one. The format's noise is
seen on n, row by row, with variance v_r = mean of (y_r - n_r)**2, and

    l(s) = - sum over r of |y_r - s_r|**2 / (2 v_r)         P(s) = exp l(s) / sum of exp l

For a source s and a sibling s' the difference l(s) - l(s') is nearly normal, with mean m = sum |s'_r - s_r|**2 / (2 v_r) and
variance 2 m, whatever the noise, as long as it does not follow the step from s to s'; hence the odds are those of the sums alone.
When not to trust it: where the true source was not read, its nearest sibling is told instead; at two or three bits noise shrinks
what is large, and so follows steps that grew it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ingest.weights.member import Member

Pair = tuple[Member, Member]  # the model and a candidate, with the same matrices
_LEAST = 1e-30


def likelihoods(pairs: Sequence[Pair]) -> npt.NDArray[np.float64]:
    """Log-likelihoods of the candidates, the nearest (the one whose distances give the noise) at 0. Shape: (pairs,)."""
    apart = [_rows(*pair) for pair in pairs]
    nearest = min(apart, key=lambda rows: float(rows.sum()))
    wide = np.concatenate([np.full(len(values), values.shape[1]) for _, values in sorted(pairs[0][0].matrices.items())])
    variance = np.maximum(nearest / wide, _LEAST)
    logs = np.array([-float((rows / (2 * variance)).sum()) for rows in apart])
    shifted: npt.NDArray[np.float64] = logs - logs.max()
    return shifted


def probabilities(logs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P of each candidate. Shape: (pairs,)."""
    weights = np.exp(logs - logs.max())
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares


def _rows(model: Member, candidate: Member) -> npt.NDArray[np.float64]:
    """|y_r - s_r|**2 of all rows, by role. Shape: (rows of all matrices,)."""
    found = []
    for role, values in sorted(model.matrices.items()):
        difference = (values - candidate.matrices[role]).astype(np.float64)
        found.append((difference**2).sum(axis=1))
    return np.concatenate(found)


def likelihoods_slowly(pairs: Sequence[Pair]) -> list[float]:
    """The same, value by value."""
    names = sorted(pairs[0][0].matrices)

    def distance(pair: Pair, role: str, row: int) -> float:
        y, s = pair[0].matrices[role][row].tolist(), pair[1].matrices[role][row].tolist()
        return float(sum((a - b) ** 2 for a, b in zip(y, s, strict=True)))

    places = [(role, row) for role in names for row in range(len(pairs[0][0].matrices[role]))]
    totals = [sum(distance(pair, *place) for place in places) for pair in pairs]
    nearest = pairs[totals.index(min(totals))]
    logs = []
    for pair in pairs:
        log = 0.0
        for role, row in places:
            variance = max(distance(nearest, role, row) / len(pair[0].matrices[role][row]), _LEAST)
            log -= distance(pair, role, row) / (2 * variance)
        logs.append(log)
    return [log - max(logs) for log in logs]
