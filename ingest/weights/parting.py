"""This file knows where the lines of descent of a family part: at its root; and whether that is there at all.

In noise distances add up along the lines of descent (``ingest.weights.noise``). Of the way to any model but the root others have
some in common (``common_ways``): the tenth of pairs that have least -.07 to .03 of the way to the root in each of 33 families, and
.06 to .6 of the way to whoever comes nearest where the root was taken away, but for one of 12 families. What was merged of children
of a base lies between these, and has less than nothing. Where lines part at nobody, the base of all is not there.

When not to trust it: fewer than about six models, or windows of a few matrices, where some of the noise is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ingest.weights.family import FAR
from ingest.weights.member import Doubles, Member
from ingest.weights.noise import noise_distances
from ingest.weights.span import Grams

FEWEST: Final = 3
_PART, _BETWEEN = 0.05, -0.15  # of common ways: where lines part, and where they cross
_NEARLY = 0.2
_LEAST = 0.1  # of pairs
_ADAPTED = 0.6  # over all weights: most of the way to an adapter is common
_BEHIND = 0.3  # of a step, that ways to others have in common: half of it of a sibling
_TELLING = 6  # models whose common ways tell that a root is not there


def common_ways(distances: Doubles) -> Doubles:
    """How much of the way to each model the others have in common: the least tenth over pairs i and j of them of the Gromov product

        (d(x, i) + d(x, j) - d(i, j)) / 2,      over the smaller of d(x, i) and d(x, j)

    0 where lines of descent part, and 1 at the end of a line. Shapes: (models, models); (models,).
    """
    count = len(distances)
    found = np.zeros(count)
    one, other = np.triu_indices(count - 1, 1)
    for at in range(count if len(one) else 0):
        others = np.arange(count) != at
        ways, apart = distances[at, others], distances[np.ix_(others, others)]
        least = np.maximum(np.minimum(ways[one], ways[other]), 1e-30)
        shares = (ways[one] + ways[other] - apart[one, other]) / 2 / least
        found[at] = float(np.quantile(shares, _LEAST))
    return found


def ways_to(family: Sequence[Member], noise: Doubles, whole: Doubles) -> Doubles:
    """How much of the ways to each of some models others have in common, in noise; NaN for those that lie apart from most, in
    another order. ``noise``, ``whole``: squared distances. Shape: (models,).
    """
    sizes = np.array([float(member.flat.astype(np.float64) @ member.flat) for member in family])
    near = whole <= FAR**2 * np.minimum(sizes[:, None], sizes)
    _, cluster = connected_components(csr_array(near), directed=False)
    most = np.flatnonzero(cluster == np.bincount(cluster).argmax())
    together = len(most) == len(family)
    those = noise[np.ix_(most, most)] if together else noise_distances([family[at] for at in most.tolist()])
    found = np.full(len(family), np.nan)
    found[most] = common_ways(those)
    return found


def lines_part(ways: Doubles, at: int) -> bool:
    """Whether the lines of descent part at one of some models, by how much of the ways to them others have in common."""
    return bool(ways[at] < _PART)


def is_between(ways: Doubles, at: int) -> bool:
    """Whether a model may lie between others as a merge does, by the same."""
    return bool(ways[at] < _BETWEEN)


def is_unknown(ways: Doubles, root: int) -> bool:
    """Whether the lines of descent part at none of some models, and not nearly at what is the likeliest root of them, either."""
    told = ways[~np.isnan(ways)]
    if len(told) < _TELLING or any(lines_part(ways, at) for at in range(len(ways))):
        return False
    return bool(ways[root] > min(_NEARLY, float(told.min())))


def is_without_base(family: Sequence[Member]) -> bool:
    """Whether the base of a family of equal shapes is not there, as far as it tells; merges must be left out of it."""
    if len(family) < _TELLING:
        return False
    ways = ways_to(family, noise_distances(family), Grams(family).distances())
    return is_unknown(ways, int(np.nanargmin(ways)))


def nearest_to_unknown(noise: Doubles, whole: Doubles, ways: Doubles) -> list[int]:
    """Of some models those that are not behind another on most ways to the rest, as its children are; all, where hardly any is
    left. Adapters are on most ways, near the base as they are. Squared distances as of ``ways_to``, and what it gave.
    """
    places = np.flatnonzero(~np.isnan(ways)).tolist()
    adapted = common_ways(whole) > _ADAPTED
    found: list[int] = []
    for at in places:
        behind = False
        for ahead in places:
            others = [other for other in places if other not in (at, ahead)]
            if ahead == at or adapted[ahead]:
                continue
            step, ways_on = noise[ahead, at], noise[ahead, others]
            detour = (step + ways_on - noise[at, others]) / 2 / np.maximum(np.minimum(step, ways_on), 1e-30)
            behind |= bool(np.median(detour) < _BEHIND)
        if not behind:
            found.append(at)
    return found if len(found) >= FEWEST else places
