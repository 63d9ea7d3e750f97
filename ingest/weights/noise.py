"""This file knows how far apart the models of one family are in the noise of their training.

Fine-tunes of one base share directions: over whole weights a sibling, or a merge, often lies nearer than the base itself. Where the
family changes least, what is left is private noise, which descendants inherit, and distances add up along the lines of descent. For
each matrix t, with X_k = y_k,t - mean over k, every X_k scaled to one length,

    L = sum_k X_k X_k'          U = the quarter of L's eigenvectors with the smallest eigenvalues
    distance(i, j) = sum over t of |U' (y_i - y_j)|**2

On four families of the zoo (seeds 1 and 100; the quarter is the best of four tried) the minimum spanning tree has .82 of the true
edges so, and .45 over whole weights; the root is its widest fan in all four, and in none over whole weights. When not to trust it:
fewer than about five models, or a handful of rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ingest.weights.formats import stored
from ingest.weights.member import Doubles, Member

_QUIET = 0.25  # of the directions
_PLACES = 16_384
_COARSE = {"F32": 0, "F16": 1, "BF16": 2}


def noise_distances(members: Sequence[Member]) -> Doubles:
    """Squared distances in noise. Shapes of all members are equal. Shape: (members, members)."""
    count = len(members)
    gram = np.zeros((count, count))
    for role in sorted(members[0].matrices) if members else ():
        mean = np.zeros(members[0].matrices[role].shape, dtype=np.float32)
        for member in members:
            mean += member.matrices[role] / np.float32(count)
        rows = len(mean)
        outer = np.zeros((rows, rows))
        for member in members:
            change = member.matrices[role] - mean
            length = float(np.linalg.norm(change))
            if length:
                outer += (change @ change.T).astype(np.float64) / length**2
        _, directions = np.linalg.eigh(outer)
        quiet = directions[:, : max(1, int(rows * _QUIET))].astype(np.float32)
        lines = np.stack([(quiet.T @ (member.matrices[role] - mean)).reshape(-1) for member in members])
        gram += (lines @ lines.T).astype(np.float64)
    size = np.diag(gram)
    return np.maximum(0.0, size[:, None] + size[None, :] - 2 * gram)


def equal_shares(members: Sequence[Member]) -> Doubles:
    """The share of 16,384 weights that are equal in two models, as the coarser of their formats holds them: what training left
    untouched, or rounding hid, is inherited to the bit (adapters, merges that keep weights of their base, little training in few
    bits). Shape: (members, members).
    """
    size = len(members[0].flat) if members else 0
    if not size:
        return np.zeros((len(members), len(members)))
    places = np.linspace(0, size - 1, min(size, _PLACES)).astype(np.int64)
    held = {dtype: np.stack([stored(member.flat[places], dtype) for member in members]) for dtype in _COARSE}
    found = np.eye(len(members))
    for at, other in itertools.combinations(range(len(members)), 2):
        coarser = max((members[at].dtype, members[other].dtype), key=lambda dtype: _COARSE.get(dtype, 0))
        values = held[coarser if coarser in _COARSE else "F32"]
        found[at, other] = found[other, at] = float((values[at] == values[other]).mean())
    return found
