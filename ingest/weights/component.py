"""This file knows likeness by component: what of two models is alike when the whole is not, as an embedding taken over.

For each component (the layers together, and each part outside of them) the median over its matrices t of cos(y_t, s_t), where both
have t in one shape. Told when some component is above .5. A likeness is no derivation: embeddings travel between models that share
nothing else, by distillation and by copying. When not to trust the number: of large models it rests on a window of neighbouring
rows, and the rows of an embedding differ (.98 on the window where the whole has .88, for two models of a package index).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ingest.weights.family import SAME_FAMILY, cosine
from ingest.weights.member import Member
from ingest.weights.roles import is_layer

LAYERS = "layers"


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How alike two models are, by component."""

    other: str
    components: tuple[tuple[str, float], ...]  # (component, median cosine), the most alike first

    def __str__(self) -> str:
        return f"like {self.other} in part: " + ", ".join(f"{name} {like:.2f}" for name, like in self.components)


def resemblance(one: Member, other: Member) -> Resemblance | None:
    """What is alike of two models; None when nothing outside of the layers is."""
    found = _likeness(one, other, layers=False)
    if max(found.values(), default=0.0) <= SAME_FAMILY:
        return None
    found |= _likeness(one, other, layers=True)
    return Resemblance(other.id, tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))))


def _likeness(one: Member, other: Member, *, layers: bool) -> dict[str, float]:
    cosines: defaultdict[str, list[float]] = defaultdict(list)
    for role, values in one.matrices.items():
        if is_layer(role) is layers and role in other.matrices and other.matrices[role].shape == values.shape:
            cosines[LAYERS if layers else role].append(cosine(values, other.matrices[role]))
    return {name: float(np.median(each)) for name, each in cosines.items()}
