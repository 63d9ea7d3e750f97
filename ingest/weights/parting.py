"""This file knows where the lines of descent of a family part: at its root; and whether that is there at all.

In noise distances add up along the lines of descent (``ingest.weights.noise``). Of the way to a root others have next to nothing in
common, of the way to any other model most (``common_ways``). Lines part at a model where these are below .15, or below .3 and 1.25
times less than anybody's. Adapters are as near to their base in noise as it is itself; of them, over all weights, nearly all of the
way is common. What was merged of children of a base that is not there lies in their middle too, and has noise in common with them
(``noise.common_noise`` of .13 and more).

Where lines part at nobody, and at the likeliest root less than elsewhere, the base of all is not there. So told are 17 of 20
families of zoos whose root was taken away, and none of 24 that have theirs. When not to trust it: fewer than about six models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ingest.weights.family import FAR
from ingest.weights.member import Doubles, Member
from ingest.weights.noise import common_noise, noise_distances

FEWEST: Final = 3
_PART, _PART_HERE, _CLEARLY, _BESIDE = 0.15, 0.3, 1.25, 0.9  # of common ways
_COMMON = 0.13
_BEHIND = 0.3  # of a step, that ways to others have in common: half of it of a sibling
_TELLING = 6  # models whose common ways tell that a root is not there


def common_ways(distances: Doubles) -> Doubles:
    """How much of the way to each model the others have in common: the median over pairs i and j of them of the Gromov product

        (d(x, i) + d(x, j) - d(i, j)) / 2,      over the smaller of d(x, i) and d(x, j)

    0 where most lines of descent part, and 1 at the end of a line. In noise it was least for the root of each of 24 families (.07
    to .28), and .2 to .4 there where the root was taken away. Shapes: (models, models); (models,).
    """
    count = len(distances)
    found = np.zeros(count)
    for at in range(count):
        others = np.arange(count) != at
        one, other = np.triu_indices(count - 1, 1)
        ways, apart = distances[at, others], distances[np.ix_(others, others)]
        shares = (
            (ways[one] + ways[other] - apart[one, other]) / 2 / np.maximum(np.minimum(ways[one], ways[other]), 1e-30)
        )
        found[at] = float(np.median(shares)) if len(shares) else 0.0
    return found


def ways_to(family: Sequence[Member], noise: Doubles, whole: Doubles) -> Doubles:
    """How much of the ways to each of some models others have in common, in noise; 1 for adapters, and NaN for those that lie apart
    from most, in another order. ``noise``, ``whole``: squared distances. Shape: (models,).
    """
    sizes = np.array([float(member.flat.astype(np.float64) @ member.flat) for member in family])
    near = whole <= FAR**2 * np.minimum(sizes[:, None], sizes)
    _, cluster = connected_components(csr_array(near), directed=False)
    most = np.flatnonzero(cluster == np.bincount(cluster).argmax())
    square = np.ix_(most, most)
    those = noise[square] if len(most) == len(family) else noise_distances([family[at] for at in most.tolist()])
    found = np.full(len(family), np.nan)
    found[most] = np.where(common_ways(whole[square]) > _BESIDE, 1.0, common_ways(those))
    return found


def parts(ways: Doubles, at: int) -> bool:
    """Whether the lines of descent part at one of some models, by how much of the ways to them others have in common."""
    rest = np.delete(ways, at)
    is_less = not np.isnan(rest).all() and float(np.nanmin(rest)) > _CLEARLY * ways[at]
    return bool(ways[at] < _PART or (ways[at] < _PART_HERE and is_less))


def has_no_common_noise(family: Sequence[Member], root: int) -> bool:
    """Whether the others have no noise in common beyond a root."""
    return common_noise(family[root], [member for member in family if member is not family[root]]) < _COMMON


def is_unknown(ways: Doubles, root: int) -> bool:
    """Whether the lines of descent part at none of some models, and not even at what is the likeliest root of them."""
    told = ways[~np.isnan(ways)]
    if len(told) < _TELLING or any(parts(ways, at) for at in range(len(ways))):
        return False
    return bool(ways[root] > min(_PART_HERE, float(told.min())))


def nearest_to_unknown(distances: Doubles, ways: Doubles) -> list[int]:
    """Of some models those that are not behind another on most ways to the rest, as its children are; all, where hardly any is
    left. Adapters are on most ways, near the base as they are.
    """
    places = np.flatnonzero(~np.isnan(ways)).tolist()
    found: list[int] = []
    for at in places:
        behind = False
        for before_it in places:
            others = [other for other in places if other not in (at, before_it)]
            if before_it == at or not ways[before_it] < 1:
                continue
            step, ahead = distances[before_it, at], distances[before_it, others]
            detour = (step + ahead - distances[at, others]) / 2 / np.maximum(np.minimum(step, ahead), 1e-30)
            behind |= bool(np.median(detour) < _BEHIND)
        if not behind:
            found.append(at)
    return found if len(found) >= FEWEST else places
