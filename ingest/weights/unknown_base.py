"""This file knows a base that is not there by what was made from it: matrices that most of those have in common that share any,
and of the others the median, weight by weight.

The noise of each child's training is in none of the others: of n children the median has about 1.6 / n of the energy of one's. In
what all learned alike it is between them and their base. What several have to the bit, training left untouched. When not to trust
it: fewer than about six children.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from graph.records import Relation
from ingest.weights.checkpoint import Values
from ingest.weights.exact import Described, identity_unread
from ingest.weights.member import Member
from ingest.weights.parent import EITHER, Origin, one_parent


def stand_in(children: Sequence[Member]) -> Member:
    """A model in place of the base of some; equal to nothing. Shapes of all are equal."""
    first = children[0]
    matrices = {role: _common([child.matrices[role] for child in children]) for role in first.matrices}
    tensors = tuple(Described(tensor.role, tensor.shape, "F32") for tensor in first.tensors)
    name = f"the base of {min(child.id for child in children)}"
    return Member(name, "F32", matrices, identity_unread(tensors), (), None, first.windowed, {}, tensors)


def made_from(model: str, base: str) -> Origin:
    """The origin of a model that was made from such a base."""
    return one_parent(model, base, Relation.FINETUNE, EITHER, "from a base that is not there")


def _common(values: Sequence[Values]) -> Values:
    """The matrix that most have that share one to the bit, the nearest to the median of several; else the median."""
    held = Counter(each.tobytes() for each in values)
    most = max(held.values())
    middle = np.median(np.stack(values), axis=0).astype(np.float32)
    if most < 2:
        return middle
    shared = (each for each in values if held[each.tobytes()] == most)
    return min(shared, key=lambda each: float(((each - middle) ** 2).sum()))
