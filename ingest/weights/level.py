"""This file knows how models of which more and less was read are made comparable: each is cut to what is held of all of its kind.

Models are of one kind when their headers are: all roles and shapes. Where of some only windows are held, whole matrices are cut to
the same windows (``ingest.weights.sample``), and what is not held of every model of the kind is left out of all of them. Digests
stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from graph.novelty import Tier
from ingest.weights.member import BUDGET, Member
from ingest.weights.sample import sampled


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
    held = [{role: len(values) for role, values in model.matrices.items()} for model in kind]
    common = {role: min(rows[role] for rows in held) for role in set(held[0]).intersection(*held)}
    return [
        replace(model, matrices={role: model.matrices[role][:rows] for role, rows in sorted(common.items())})
        for model in kind
    ]


def _windowed(model: Member, budget: int) -> Member:
    chosen = sampled({tensor.role: tensor.shape for tensor in model.tensors}, budget)
    held = {role: window.of(model.matrices[role]) for role, window in chosen.items() if role in model.matrices}
    return replace(model, matrices=held, windowed=True)
