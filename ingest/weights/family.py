"""This file knows distance: which models are of one family, and how far apart two of a family are.

For models y and s with matrices y_t, s_t of equal shapes: family when the median over t of cos(y_t, s_t) exceeds 0.5. Related
models are at .9 and more, other seeds and distilled students about 0; the median does not mind a new head.

What was made from a base b holds it whole, beside what it learned:

    kept(y, b) = median over t of <y_t, b_t> / |b_t|**2

is 1 for a child however far it went (1.00 at .2 to .5 of relative distance, adapters included), and .80 each way for two that
started from one initialisation and saw other data. When not to trust it: long training with strong weight decay.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ingest.weights.checkpoint import Values
from ingest.weights.member import Member

Flags = npt.NDArray[np.bool_]
SAME_FAMILY = 0.5
WHOLE = 0.9  # of a base: what is far from it, and holds less of it, was not made from it
FAR = 0.25  # relative distance beyond which shapes or order must have changed


def cosine(one: Values, other: Values) -> float:
    """The cosine of two arrays as vectors; 0 when one is 0. BLAS sums in blocks: good to about 1e-6."""
    a, b = one.reshape(-1), other.reshape(-1)
    lengths = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0


def likeness(one: Member, other: Member) -> float:
    """The median over matrices of their cosines; 0 when the shapes differ."""
    if not one.matrices or one.shapes != other.shapes:
        return 0.0
    return float(np.median([cosine(values, other.matrices[role]) for role, values in one.matrices.items()]))


def kept(model: Member, base: Member) -> float:
    """How much of a base a model holds; 1 for what was made from it. Shapes are equal."""
    shares = []
    for role, values in base.matrices.items():
        whole = values.reshape(-1).astype(np.float64)
        size = float(whole @ whole)
        if size:
            shares.append(float(model.matrices[role].reshape(-1).astype(np.float64) @ whole) / size)
    return float(np.median(shares)) if shares else 0.0


def squared(one: Member, other: Member, there: Flags | None = None) -> float:
    """|one - other|**2 over all kept weights, or those that are ``there``, (weights,); the shapes are equal."""
    apart = one.flat - other.flat
    difference = (apart if there is None else apart[there]).astype(np.float64)
    return float(difference @ difference)


def relative(one: Member, other: Member, without: str = "") -> float:
    """|one - other| / |other| over the matrices whose role is not ``without``."""
    apart = size = 0.0
    for role, values in one.matrices.items():
        if role != without:
            difference = (values - other.matrices[role]).astype(np.float64)
            apart += float((difference**2).sum())
            size += float((other.matrices[role].astype(np.float64) ** 2).sum())
    return float(np.sqrt(apart / size)) if size else float("inf")
