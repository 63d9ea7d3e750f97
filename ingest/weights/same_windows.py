"""This file knows sameness in part: two models of which not every byte was read, and which agree in all that was.

For windows y_t, s_t of one kind: the same when y_t = s_t for all t, or y_t = round(s_t) to y's dtype. A light fine-tune changes
weights everywhere (6 % of bfloat16 weights at a relative change of 1e-4), so that 16,000 equal weights hardly come by chance; but a
part that was not read, such as a head, may be another. Hence a probability below 1.
"""

from __future__ import annotations

import numpy as np

from graph.novelty import Tier
from ingest.weights.formats import stored
from ingest.weights.member import Member

FEWEST = 16_000  # equal weights that say something
PROBABILITY = 0.9


def same_in_windows(model: Member, elder: Member) -> bool:
    """Whether the model agrees with the elder, as the model's dtype holds it, in all that is held of both."""
    if Tier.T1 not in (model.tier, elder.tier) or model.layout != elder.layout or model.shapes != elder.shapes:
        return False
    if model.flat.size < FEWEST or len(np.unique(model.flat[:FEWEST])) < FEWEST // 1000:
        return False
    if model.dtype == elder.dtype:
        return np.array_equal(model.flat, elder.flat)
    return np.array_equal(model.flat, stored(elder.flat, model.dtype))
