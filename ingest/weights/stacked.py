"""This file knows stacks: models whose layers are, untouched, layers of others, put together anew.

With the layers of a model as multisets of tensor digests, rounded as the model stores them, and for elders e the set H_e of the
model's layers that e has too, wherever they lie, the parents are a small cover of all layers: by turns who has most of those not
covered yet, of equals who has most of the other tensors, then the first (the greedy cover of Chvatal 1979).

- one parent with more layers: a layer slice; with fewer: deepened, some of its layers are there twice
- several parents: a passthrough merge, and each one's coefficient is the share of the layers taken from it

No thresholds. When not to trust it: a layer that parent and child of one line left untouched is told to be of the one with more.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.weights.family import SAME_FAMILY, likeness
from ingest.weights.member import Member
from ingest.weights.roles import is_layer

_MOST_OWNERS = 16  # of one layer, with as many layers: more are copies of these, or left it untouched as they did


@dataclass(frozen=True, slots=True)
class Stack:
    """Whose layers a model has. Of one parent it has all."""

    parents: tuple[tuple[Member, int], ...]  # (parent, layers taken from it), most first
    layers: int
    fewer: bool  # than the first parent

    @property
    def detail(self) -> str:
        """In words."""
        if len(self.parents) > 1:
            return f"passthrough: {self.layers} layers, each untouched from one of them"
        if self.fewer:
            return f"layer slice: the {self.layers} layers kept are untouched"
        return f"deepened: its {self.layers} layers are layers of it, untouched"


def stacked(model: Member, elders: Sequence[Member]) -> Stack | None:
    """The models whose layers a model has; None when some layer is nobody's, or one elder has as many and the same."""
    kind = _kind(model)
    ours = model.stack[kind]
    if not ours:
        return None
    left, chosen = set(ours), dict[int, int]()
    held = {at: shared for at, elder in enumerate(elders) if (shared := left.intersection(elder.stack[kind]))}
    outside = _outside(model, kind)
    beside = {at: len(outside & _outside(elders[at], kind)) for at in held}
    while left:
        at = max(held, key=lambda at: (len(held[at] & left), beside[at], -at), default=None)
        if at is None or not held[at] & left:
            return None
        taken = held[at] & left
        chosen[at] = sum(layer in taken for layer in ours)
        left -= taken
    first = elders[next(iter(chosen))]
    theirs = len(first.stack[kind])
    if len(chosen) == 1 and (theirs == len(ours) or (len(ours) < 2 and not beside[next(iter(chosen))])):
        return None  # nor of one layer, where nothing else is the same
    parents = sorted(chosen.items(), key=lambda pair: -pair[1])
    return Stack(tuple((elders[at], count) for at, count in parents), len(ours), len(ours) < theirs)


def _outside(model: Member, kind: str) -> frozenset[str]:
    return frozenset(getattr(digest, kind) for digest in model.digests if not is_layer(digest.role))


def _kind(model: Member) -> str:
    return {"BF16": "bf16", "F16": "fp16"}.get(model.dtype, "value")


def made_of(members: Sequence[Member]) -> Mapping[str, set[str]]:
    """Of models of whatever age, those that can only be stacks, and of which others: with layers twice, or of other numbers of
    layers than their parents, which are no slices of it: some layer of theirs is left out, or they are alike.
    """
    owners: defaultdict[str, defaultdict[int, list[Member]]] = defaultdict(lambda: defaultdict(list))
    for member in members:
        for layer in {layer for layers in member.stack.values() for layer in layers}:
            alike = owners[layer][len(member.stack["value"])]
            if len(alike) < _MOST_OWNERS:
                alike.append(member)
    found: dict[str, set[str]] = {}
    for member in members:
        ours = member.stack[_kind(member)]
        known = {
            other.id: other
            for layer in set(ours)
            for count, alike in owners[layer].items()
            if count != len(ours)
            for other in alike
        }
        others = [other for _, other in sorted(known.items())]
        stack = stacked(member, others) if others else None
        if stack is None:
            continue
        parents = [parent for parent, _ in stack.parents]
        if len(set(ours)) < len(ours) or (len(parents) > 1 and not _are_slices(parents, set(ours), _kind(member))):
            found[member.id] = {parent.id for parent in parents}
    return found


def _are_slices(parents: Sequence[Member], layers: set[str], kind: str) -> bool:
    """Whether parents hold no layer but these, and none like those of another."""
    if any(set(parent.stack[kind]) - layers for parent in parents):
        return False
    return all(likeness(one, other) <= SAME_FAMILY for one, other in itertools.combinations(parents, 2))
