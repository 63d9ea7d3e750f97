"""This file knows how alike two models are, exactly, from what is kept of both: by component, and how probably by chance.

For models a and b with matrices t of one role and one shape (of an embedding the first rows, where one has more words), and
these centred (``ingest.weights.centred``), a'_t and b'_t:

    component cosine  = median over its t of <a'_t, b'_t> / |a'_t| |b'_t|      components: the layers, and each matrix outside
    cosine            = sum_t <a'_t, b'_t> / sqrt(sum_t |a'_t|^2  sum_t |b'_t|^2)
    relative distance = |b - a| / |a| over all t, as they are, where both have the same roles and shapes
    shared fraction   = share of the compared weights with a_t = b_t, to the bit
    p                 = of rows found again (``ingest.weights.matches``), of the best component, times the number of components

Kept when p <= 1e-6 and some component's cosine is above .1. Where windows are kept of the models, the numbers are those of the
windows, but the distance is that of all weights by their sketches, within 1.1 %. When not to trust it: rows of an embedding differ,
and a window is few of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np

from graph.records import SimilarRecord
from ingest.weights.centred import centred
from ingest.weights.checkpoint import Values
from ingest.weights.linear_sketch import EVERYWHERE
from ingest.weights.matches import FEWEST_ROWS, chance, found_again
from ingest.weights.member import Member
from ingest.weights.roles import is_layer
from ingest.weights.whole import relative_distance

CHANCE: Final = 1e-6  # of calling two unrelated models alike
_DIGITS: Final = 6  # told: another order of sums changes those after them
_LEAST_COSINE: Final = 0.1
_MOST_MATCHED: Final = 16  # matrices of a component whose rows are matched


class Compared:
    """One model with its centred matrices, made once."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self._centred: dict[str, Values] = {}

    def centred(self, role: str, rows: int) -> Values:
        """The first ``rows`` of a matrix, centred; kept while the same are asked for."""
        known = self._centred.get(role)
        if known is None or len(known) != rows:
            known = self._centred[role] = centred(self.member.matrices[role][:rows])
        return known


@dataclass(frozen=True, slots=True)
class Component:
    """What is alike of one component."""

    name: str
    cosine: float
    p_value: float


def similarity(one: Compared, other: Compared) -> tuple[SimilarRecord, SimilarRecord] | None:
    """How alike two models are, told from each; None when that may be chance."""
    common = _common(one, other)
    ours = {role: one.centred(role, rows) for role, rows in common.items()}
    theirs = {role: other.centred(role, rows) for role, rows in common.items()}
    parts = components(ours, theirs)
    told = min((part.p_value for part in parts), default=1.0) * len(parts)
    parts = [part for part in parts if part.cosine > _LEAST_COSINE and part.p_value * len(parts) <= CHANCE]
    if not parts:
        return None
    inner, left, right = (
        sum(_product(a[role], b[role]) for role in common) for a, b in ((ours, theirs), (ours, ours), (theirs, theirs))
    )
    cosine = round(float(np.clip(inner / np.sqrt(left * right), -1, 1)), _DIGITS) if left and right else 0.0
    raw = one.member.matrices, other.member.matrices
    equal = sum(int((raw[0][role][:rows] == raw[1][role][:rows]).sum()) for role, rows in common.items())
    shared = equal / sum(values.size for values in ours.values())
    windows = one.member.windowed or other.member.windowed
    names, cosines = tuple(part.name for part in parts), tuple(round(part.cosine, _DIGITS) for part in parts)

    def told_from(a: Member, b: Member) -> SimilarRecord:
        method = "windows" if windows else "weights"
        distance = distance_of(a, b)
        rounded = None if distance is None else float(f"{distance:.{_DIGITS}g}")
        return SimilarRecord(
            a.id, b.id, cosine, rounded, round(shared, _DIGITS), names, cosines, method, float(f"{told:.1e}")
        )

    return told_from(one.member, other.member), told_from(other.member, one.member)


def components(ours: dict[str, Values], theirs: dict[str, Values]) -> list[Component]:
    """The components of centred matrices by role, the most alike first."""
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for role in ours:
        grouped["layers" if is_layer(role) else role].append(role)
    found = []
    for name, roles in grouped.items():
        pairs = [(ours[role], theirs[role]) for role in roles]
        tall = [pair for pair in pairs if len(pair[0]) >= FEWEST_ROWS and pair[0].any() and pair[1].any()]
        looked = tall[:: -(-len(tall) // _MOST_MATCHED)] if tall else []
        p = chance(sum(found_again(*pair) for pair in looked), len(looked))
        found.append(Component(name, float(np.median([_cosine(a, b) for a, b in pairs])), p))
    return sorted(found, key=lambda part: (-part.cosine, part.name))


def _common(one: Compared, other: Compared) -> dict[str, int]:
    """Rows by role that both models have; of a whole matrix outside of the layers the first, where one has more words."""
    found: dict[str, int] = {}
    whole = not (one.member.windowed or other.member.windowed)
    for role, values in sorted(one.member.matrices.items()):
        theirs = other.member.matrices.get(role)
        if theirs is None or role in EVERYWHERE:
            continue
        if theirs.shape == values.shape or (whole and not is_layer(role) and theirs.shape[1] == values.shape[1]):
            found[role] = min(len(values), len(theirs))
    return found


def distance_of(one: Member, other: Member) -> float | None:
    """|other - one| / |one|; by the sketches of all weights where windows are kept; None where shapes differ."""
    if one.shapes != other.shapes or not one.matrices:
        return None
    if one.windowed and one.whole is not None and other.whole is not None:
        return relative_distance(one.whole, other.whole)
    return relative_distance(one.flat, other.flat)


def _cosine(one: Values, other: Values) -> float:
    lengths = np.sqrt(_product(one, one) * _product(other, other))
    return float(np.clip(_product(one, other) / lengths, -1, 1)) if lengths else 0.0


def _product(one: Values, other: Values) -> float:
    """<one, other>, float32 products in float64 sums."""
    return float(np.einsum("ij,ij->", one, other, dtype=np.float64))
