"""This file knows which of the models that are there was put on a grid to give a model: the source of a quantised one.

Of the nearest ten, that which agrees with the model on its grid (``grid``); where the steps were chosen otherwise than they are
here, that within half a step of which it lies, or the likeliest by the noise of the format (``matched``). A model given back from
a grid as floats names a source only where more than half of its weights agree: it would with its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from graph.records import Relation
from ingest.weights.family import relative
from ingest.weights.grid import IN_ROWS, agreement, within_steps
from ingest.weights.matched import likelihoods, probabilities
from ingest.weights.member import Member
from ingest.weights.parent import FLAT, NEAREST_ONLY, SURE, Origin, one_parent
from ingest.weights.trunk import cut

HELD = 0.5  # of one model's weights: what another must have of them to be its source, where shapes differ
_NEAREST = 10  # candidates whose grid is tried
_AGREES = 0.9
_OFF = 0.5  # agreement below which another grid is tried
_CLEARER = 4.0  # there: how much more the second must leave of 1 than the first
_WITHIN = 0.99  # of rows of even levels, that lie within half a step of their source


def put_on_grid(model: Member, kind: str, pairs: Sequence[tuple[Member, Member]]) -> Origin:
    """The origin of a model on a grid of this kind. ``pairs``: (model, elder), each with the matrices that both have."""
    near = _in_all(sorted(pairs, key=lambda pair: relative(*pair)))
    in_rows = kind == IN_ROWS
    scored = _within(near) if in_rows else _ranked([agreement(*pair, kind) for pair in near], near)
    if not scored:
        return Origin(model.id, is_leaf=not model.is_float)
    share, source = scored[0]
    in_blocks = not model.is_float and kind != "int8"
    if share < 0 or (in_blocks and share < _OFF):  # there its steps were chosen otherwise than they are here
        return _most_likely(model, near, kind)
    if model.is_float and share < _OFF:  # given back from a grid: its source would have more in common with it
        return Origin(model.id, is_leaf=True)
    second = scored[1][0] if len(scored) > 1 else 0.0
    is_sure = share > _AGREES or (share > _OFF and share > 1.05 * second)
    what = f"on the {kind} grid of it: {share:.3f} of the weights"
    if in_rows or (not model.is_float and share < _OFF):
        scored = scored if in_rows else _within(near)
        share, source = scored[0]
        second = scored[1][0] if len(scored) > 1 else 0.0
        is_sure = share > (_WITHIN if in_rows else _AGREES) and 1 - second > _CLEARER * (1 - share)
        what = f"within half a step of it: {share:.3f} of the weights"
    probability = SURE if is_sure else NEAREST_ONLY
    return one_parent(model.id, source.id, Relation.QUANTIZED, probability, what, is_leaf=not model.is_float)


def _most_likely(model: Member, near: Sequence[tuple[Member, Member]], kind: str) -> Origin:
    """The source of a model on a grid that cannot be written here, told from its siblings by the format's noise."""
    logs = likelihoods(near)
    shares, order = probabilities(logs), np.argsort(-logs, kind="stable")
    source = near[order[0]][1]
    probability = float(min(SURE, shares[order[0]]))
    what = f"nearest in {kind}: {relative(*near[order[0]]):.4f} apart"
    if len(near) > 1:
        second = order[1]
        what += f", log-odds {-logs[second]:+.1f} over {near[second][1].id}"
    found = one_parent(model.id, source.id, Relation.QUANTIZED, probability, what, is_leaf=not model.is_float)
    if probability >= FLAT:
        return found
    return replace(found, candidates=tuple((near[at][1].id, float(shares[at])) for at in order[:5]))


def _ranked(scores: Iterable[float], pairs: Sequence[tuple[Member, Member]]) -> list[tuple[float, Member]]:
    """(score, elder), the highest first."""
    return sorted(zip(scores, (elder for _, elder in pairs), strict=True), key=lambda scored: -scored[0])


def _within(pairs: Sequence[tuple[Member, Member]]) -> list[tuple[float, Member]]:
    """(share of weights within half a step, elder), the highest first."""
    return _ranked(within_steps(pairs[0][0], [elder for _, elder in pairs]), pairs) if pairs else []


def _in_all(pairs: Sequence[tuple[Member, Member]]) -> list[tuple[Member, Member]]:
    """Of (model, elder), the nearest first, some of the nearest, with the matrices that all of these have: most of the model's.
    First those that had most of the model: what was cut from its source agrees as well in what is left.
    """
    found: list[tuple[Member, Member]] = []
    whole: list[int] = []  # weights of the model that each had
    for ours, elder in pairs:
        roles = [role for role in ours.matrices if not found or role in found[0][0].matrices]
        if not found or sum(ours.matrices[role].size for role in roles) > HELD * len(found[0][0].flat):
            found = [(cut(one, roles), cut(other, roles)) for one, other in [*found, (ours, elder)]]
            whole.append(len(ours.flat))
        if len(found) == _NEAREST:
            break
    return [found[at] for at in sorted(range(len(found)), key=lambda at: -whole[at])]
