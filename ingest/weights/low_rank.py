"""This file knows changes of low rank (merged adapters) and changes that are noise, by their singular values.

With D = y_t - s_t of shape (m, n) and rounding energy u**2 / 12 a weight, noise has no singular value above
1.15 u / sqrt(12) (sqrt m + sqrt n) (the Marchenko-Pastur edge, with room). The rank is the number above it. Noise put on a base
has sigma_max < 1.12 sd (sqrt m + sqrt n) in nearly every matrix; fine-tunes are at 1.7 to 3.9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.weights.formats import spacing
from ingest.weights.member import Member

LOW = 0.34  # of the full rank
_ROOM, _ISOTROPIC = 1.15, 1.12
_EVEN = 1.5  # little training drowns in rounding, in one matrix more than in the other; adapters have one rank


@dataclass(frozen=True, slots=True)
class Rank:
    """The rank of a change over the matrices that it touches."""

    median: float
    upper: float  # nine in ten matrices have no more
    median_share: float  # of the full rank
    total: int
    touched: int

    @property
    def is_low(self) -> bool:
        """Whether an adapter could have made it: of few directions, and of about as many in each matrix."""
        return self.touched > 0 and self.median_share < LOW and self.upper <= _EVEN * self.median + 2


def rank(model: Member, base: Member) -> Rank:
    """The rank of the change from a base. Shapes are equal."""
    ranks: list[int] = []
    shares: list[float] = []
    for role, values in model.matrices.items():
        change = values - base.matrices[role]
        if not change.any():
            continue
        if model.dtype in ("F32", "F64"):
            edge = 1e-4 * float(np.abs(change).max())
        else:
            step = np.sqrt(float((spacing(values, model.dtype).astype(np.float64) ** 2).mean()) / 12)
            edge = _ROOM * step * float(np.sqrt(change.shape[0]) + np.sqrt(change.shape[1]))
        above = int((np.linalg.svd(change, compute_uv=False) > edge).sum())
        ranks.append(above)
        shares.append(above / min(change.shape))
    if not ranks:
        return Rank(0.0, 0.0, 0.0, 0, 0)
    return Rank(
        float(np.median(ranks)), float(np.quantile(ranks, 0.9)), float(np.median(shares)), sum(ranks), len(ranks)
    )


def is_noise(model: Member, base: Member) -> bool:
    """Whether the change from a base looks the same in every direction."""
    flat = []
    for role, values in model.matrices.items():
        change = (values - base.matrices[role]).astype(np.float64)
        if not change.any():
            return False
        sizes = np.sqrt(change.shape[0]) + np.sqrt(change.shape[1])
        flat.append(np.linalg.norm(change, 2) < _ISOTROPIC * change.std() * sizes)
    return bool(flat) and float(np.mean(flat)) > 0.9
