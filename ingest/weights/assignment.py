"""This file knows how matrices without a name find theirs: by what they hold.

For unknown matrices u_i and a reference's r_j of one shape,

    cost_ij = 1 - |cos(u_i, r_j)|,      pi = argmin over one-to-one assignments of sum_i cost_i,pi(i)

(Kuhn 1955; scipy's is after Crouse 2016). A match counts when |cos| > .8 and every other |cos| in its row and column is below half
of it. Of a reference held as windows, the same rows of u_i are compared. Measured on an int8 export with 38 matrices: matches at
.9998, the best wrong one .18; unrelated 384 x 384 matrices of one model reach .14. When not to trust it: layers that share their
weights look alike, and are left without a name.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from ingest.weights.checkpoint import Checkpoint, Values
from ingest.weights.family import cosine
from ingest.weights.member import Doubles, Member
from ingest.weights.roles import role_of
from ingest.weights.sample import first_row

ALIKE = 0.8
_RUNNER_UP = 0.5  # of the match: what every other pair of its row and column must stay below


@dataclass(frozen=True, slots=True)
class Match:
    """An unknown matrix and the role that it was found to have."""

    unknown: str
    role: str
    cosine: float  # of absolute value
    runner_up: float  # the largest other one in its row and column; 0 when there is none


def matched(unknown: Sequence[str], roles: Sequence[str], likeness: Doubles) -> list[Match]:
    """The matches that count. ``likeness``: (unknown, roles) of |cos|, all of one shape."""
    rows, columns = linear_sum_assignment(1 - likeness)
    found: list[Match] = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        others = np.concatenate([np.delete(likeness[row], column), np.delete(likeness[:, column], row)])
        best, runner_up = float(likeness[row, column]), float(others.max(initial=0.0))
        if best > ALIKE and runner_up < _RUNNER_UP * best:
            found.append(Match(unknown[row], roles[column], best, runner_up))
    return found


def is_anonymous(checkpoint: Checkpoint) -> bool:
    """Whether some matrix bears no module's name: ``onnx::MatMul_470``, ``val_49_q``."""
    return any(len(tensor.shape) == 2 and "." not in name for name, tensor in checkpoint.tensors.items())


def by_content(checkpoint: Checkpoint, reference: Member) -> list[Match]:
    """The roles that a checkpoint's matrices have in a reference, where their names do not say. Each is read once."""
    shapes = {tensor.role: tensor.shape for tensor in reference.tensors}
    named = {role_of(name) for name in checkpoint.tensors}
    wanted: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for role in reference.matrices:
        if role not in named:
            wanted[shapes[role]].append(role)
    unknown: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for name, tensor in checkpoint.tensors.items():
        if role_of(name) not in shapes and tensor.shape in wanted:
            unknown[tensor.shape].append(name)
    found: list[Match] = []
    for shape, names in unknown.items():
        roles = wanted[shape]
        likeness = np.zeros((len(names), len(roles)))
        for at, name in enumerate(names):
            values = checkpoint.values(name)
            for column, role in enumerate(roles):
                likeness[at, column] = _like(values, reference.matrices[role], role)
        found += matched(names, roles, likeness)
    return found


def _like(ours: Values, theirs: Values, role: str) -> float:
    """|cos| of the rows that the reference holds; 0 where these cannot be compared."""
    if len(theirs) < len(ours):
        begin = first_row(role, len(ours))
        ours = ours[begin : begin + len(theirs)]
    if ours.shape != theirs.shape:
        return 0.0
    like = abs(cosine(ours, theirs))
    return like if math.isfinite(like) else 0.0


def named_by_content(checkpoint: Checkpoint, references: Iterable[Member]) -> Checkpoint:
    """A checkpoint whose anonymous matrices bear the roles that they have in the reference that most of them match; itself when
    none does.
    """
    best = max((by_content(checkpoint, reference) for reference in references), key=len, default=[])
    if not best:
        return checkpoint
    roles = {match.unknown: match.role for match in best}
    tensors = {
        roles.get(name, name): replace(tensor, name=roles.get(name, name))
        for name, tensor in checkpoint.tensors.items()
    }
    made = {roles.get(name, name): values for name, values in checkpoint.made.items()}
    packed = {roles.get(name, name): parts for name, parts in checkpoint.packed.items()}
    return replace(checkpoint, tensors=dict(sorted(tensors.items())), made=made, packed=packed)
