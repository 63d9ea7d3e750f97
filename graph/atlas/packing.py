"""This file knows how discs are packed side by side around a middle: the front chain of Wang et al. (2006), as circle packings of
trees use it. Each disc touches two of those before it; nothing is moved afterwards, so the picture is the same every time.
"""

from __future__ import annotations

import math

import numpy as np

from graph.groups import Array

_SLACK = 1e-6


def pack(radii: Array) -> tuple[Array, Array]:
    """(x, y) of discs with these radii, the largest first. Discs do not overlap; the first two touch at the origin."""
    count, radius = len(radii), [float(value) for value in radii]
    x, y = [0.0] * count, [0.0] * count
    if count > 1:
        x[0], x[1] = -radius[1], radius[0]
    if count > 2:
        _chain(x, y, radius)
    return np.array(x), np.array(y)


def _touch(x: list[float], y: list[float], radius: list[float], one: int, other: int, new: int) -> None:
    """Put ``new`` where it touches both, on the left of the way from ``other`` to ``one``."""
    dx, dy = x[one] - x[other], y[one] - y[other]
    square = dx * dx + dy * dy
    near_other, near_one = (radius[other] + radius[new]) ** 2, (radius[one] + radius[new]) ** 2
    if near_other > near_one:
        along = (square + near_one - near_other) / (2 * square)
        aside = math.sqrt(max(0.0, near_one / square - along * along))
        x[new], y[new] = x[one] - along * dx - aside * dy, y[one] - along * dy + aside * dx
    else:
        along = (square + near_other - near_one) / (2 * square)
        aside = math.sqrt(max(0.0, near_other / square - along * along))
        x[new], y[new] = x[other] + along * dx - aside * dy, y[other] + along * dy + aside * dx


def _chain(x: list[float], y: list[float], radius: list[float]) -> None:
    """Place the third disc and all after it. ``after`` and ``before`` are the ring of discs on the outside."""

    def overlap(one: int, other: int) -> bool:
        apart = radius[one] + radius[other] - _SLACK
        return apart > 0 and apart * apart > (x[other] - x[one]) ** 2 + (y[other] - y[one]) ** 2

    def distance(one: int) -> float:
        """From the origin to where this disc and the next of the ring touch, squared."""
        other = after[one]
        both = radius[one] + radius[other]
        return ((x[one] * radius[other] + x[other] * radius[one]) / both) ** 2 + (
            (y[one] * radius[other] + y[other] * radius[one]) / both
        ) ** 2

    _touch(x, y, radius, 1, 0, 2)
    after, before = {0: 1, 1: 2, 2: 0}, {1: 0, 2: 1, 0: 2}
    one, other, new = 0, 1, 3
    while new < len(radius):
        _touch(x, y, radius, one, other, new)
        ahead, behind, far_ahead, far_behind = after[other], before[one], radius[other], radius[one]
        free = True
        while True:
            if far_ahead <= far_behind:
                if overlap(ahead, new):
                    other, free = ahead, False
                    break
                far_ahead, ahead = far_ahead + radius[ahead], after[ahead]
            else:
                if overlap(behind, new):
                    one, free = behind, False
                    break
                far_behind, behind = far_behind + radius[behind], before[behind]
            if ahead == after[behind]:
                break
        if not free:
            after[one], before[other] = other, one
            continue
        before[new], after[new], after[one], before[other] = one, other, new, new
        other = new
        nearest, at = distance(one), after[new]
        while at != other:
            here = distance(at)
            if here < nearest:
                one, nearest = at, here
            at = after[at]
        other = after[one]
        new += 1
