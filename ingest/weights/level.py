"""This file knows how models of which more and less was read are made comparable: each is cut to what is held of all of its kind.

Models are of one kind when their headers are: all roles and shapes. Where of some only windows are held, whole matrices are cut to
the same windows (``member.window``), and what is not held of every model of the kind is left out of all of them. Digests stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from graph.novelty import Tier
from ingest.weights.checkpoint import Values
from ingest.weights.member import BUDGET, Member, window


def levelled(members: Sequence[Member], least: int = 0, budget: int = BUDGET) -> list[Member]:
    """The models, in their order; those of which equally much is held are the same objects.

    A model of which fewer than ``least`` values are held does not lower the others: it stays as it is, and is compared with nobody.
    """
    kinds: defaultdict[tuple[tuple[str, tuple[int, ...]], ...], list[int]] = defaultdict(list)
    for at, model in enumerate(members):
        if model.flat.size >= least or model.tier is Tier.T2:
            kinds[model.layout].append(at)
    found = list(members)
    for places in kinds.values():
        kind = [found[at] for at in places]
        if any(model.shapes != kind[0].shapes for model in kind):
            for at, model in zip(places, _cut(kind, budget), strict=True):
                found[at] = model
    return found


def _cut(kind: Sequence[Member], budget: int) -> list[Member]:
    if any(model.windowed for model in kind):
        kind = [model if model.windowed else _windowed(model, budget) for model in kind]
    common = set(kind[0].shapes).intersection(*(model.shapes for model in kind))
    return [replace(model, matrices={role: model.matrices[role] for role, _ in sorted(common)}) for model in kind]


def _windowed(model: Member, budget: int) -> Member:
    whole = sum(tensor.count for tensor in model.tensors)
    held: dict[str, Values] = {}
    for role, values in model.matrices.items():
        found = window(role, values.shape, whole, budget)
        if found is not None:
            held[role] = values[found.begin : found.begin + found.rows]
    return replace(model, matrices=held, windowed=True)
