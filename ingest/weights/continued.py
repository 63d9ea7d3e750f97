"""This file knows which of its relatives a model continues, by the noise that it inherited.

The nearest are asked first (``inherited.descent``), those with untouched matrices before all others. The first that the model
descends from is its base, unless it goes on from where a nearer one stopped: one of which it has more noise than of those that
look alike. Where the noise does not tell, the nearest are candidates with probabilities.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from graph.records import Relation
from ingest.weights.checkpoint import Values
from ingest.weights.family import FAR, WHOLE, kept, relative, squared
from ingest.weights.inherited import Candidate, Descent, descent, shared_directions
from ingest.weights.low_rank import is_noise
from ingest.weights.member import Member
from ingest.weights.parent import BEND, EITHER, FLAT, NEAREST_ONLY, Origin, one_parent

_AS_NEAR = 1.1  # of the least distance: models that another may equally go on from
_AHEAD = 0.06  # of growth: what a model may go on from
_ALIKE = 0.15  # of growth and distance: twins
_MORE, _CLEARLY = 0.04, 3.5  # of slopes, and deviations: whose noise a model has of theirs
_SMALL = 16_000  # weights below which siblings cannot be told from parents

Seen = tuple[Member, Descent]  # an elder, and whether a model continues it


@dataclass(frozen=True, slots=True)
class Elders:
    """The older models that a model may continue, or that tell of these."""

    relatives: Sequence[Member]  # of its family
    others: Sequence[Member]  # all that may have been continued
    candidates: Mapping[str, Candidate]  # these, with what they were made from
    unknown: AbstractSet[str] = frozenset()  # what stands in for bases that are not there, nearer than these are

    def are_siblings(self, one: Member, other: Member) -> bool:
        """Whether both were made from the same single model."""
        ours, theirs = self.candidates[one.id].parents, self.candidates[other.id].parents
        return len(ours) == len(theirs) == 1 and ours[0][0] is theirs[0][0]

    def siblings(self, member: Member) -> Iterator[Member]:
        """Those by the same single parent."""
        if len(self.candidates[member.id].parents) == 1:
            for other in self.others:
                if other is not member and self.are_siblings(member, other):
                    yield other


def continued(model: Member, elders: Elders) -> Origin | None:
    """The origin of a fine-tune; None when there is no relative that it could continue."""
    family = [elder for elder in elders.relatives if not _is_apart(model, elder)]
    if not family:
        return None
    near = sorted(
        untouched(model, family) or family, key=lambda elder: (elder.id in elders.unknown, squared(model, elder))
    )
    if len(model.flat) < _SMALL:
        return _uncertain(model, near, "too few weights to tell a parent from a sibling")

    @cache
    def shared() -> Mapping[str, Values]:
        if not model.windowed:
            return {}
        relatives = sorted(elders.relatives, key=lambda elder: squared(model, elder))
        return shared_directions(elders.candidates[elder.id] for elder in relatives)

    looked: list[Seen] = []
    for elder in near:
        seen = descent(model, elders.candidates[elder.id], elders.siblings(elder), shared)
        if seen.accepted and seen.kind != "goes on":
            return _settled(model, (elder, seen), looked, elders)
        looked.append((elder, seen))
    return _uncertain(model, near, "no relative whose noise it inherits: the nearest")


def _accepted(model: Member, base: Member, seen: Descent) -> Origin:
    if is_noise(model, base):
        kind = "only noise was added"
    elif seen.kind == "root":
        kind = "the root of its family: it continues no relative between them"
    else:
        kind = f"inherits its noise: {seen}"
    return one_parent(model.id, base.id, Relation.FINETUNE, FLAT if seen.kind in ("root", "flat") else BEND, kind)


def _settled(model: Member, first: Seen, nearer: Sequence[Seen], elders: Elders) -> Origin:
    """The first relative that it continues, unless it goes on from where a nearer one stopped."""
    onward = [
        (*each, _goes_on(each, nearer, elders)) for each in nearer if each[1].errors and each[1].growth > 1 + _AHEAD
    ]
    onward = [each for each in onward if each[2] is not False]
    if not onward:
        return _accepted(model, *first)
    reach = _AS_NEAR * onward[0][1].distance
    alike = [each for each in onward if elders.are_siblings(each[0], onward[0][0]) and each[1].distance < reach]
    further, how, sure = max(alike, key=lambda each: -each[1].lost)
    found = _accepted(model, further, how)
    if sure:
        return found
    base = next((elder for elder, _, goes_on in onward if goes_on and elder is not further), first[0])
    likely = (further.id, EITHER), (base.id, 1 - EITHER)
    return replace(found, candidates=likely, parents=(replace(found.parents[0], probability=EITHER),))


def _goes_on(one: Seen, others: Sequence[Seen], elders: Elders) -> bool | None:
    """Whether a model continues one that it may go on from, and not others like that one: it has more of its noise than of
    theirs. None when nobody is like it, or noise is hard to see, and it may be a sibling that was trained for longer.
    """
    elder, seen = one
    if seen.accepted:
        return True
    twins = [
        other
        for twin, other in others
        if twin is not elder
        and elders.are_siblings(twin, elder)
        and abs(other.growth / seen.growth - 1) < _ALIKE
        and abs(other.distance / seen.distance - 1) < _ALIKE
    ]
    more = [seen.more_than(twin) for twin in twins]
    if more and all(by > max(_MORE, _CLEARLY * error) for by, error in more):
        return True
    error = _CLEARLY * np.sqrt(2) * seen.errors[-1] / seen.growth
    if seen.kind != "goes on" or (twins and seen.lost > error):
        return False
    return None


def _uncertain(model: Member, near: Sequence[Member], why: str) -> Origin:
    """The nearest relative, as one of several."""
    distances = np.maximum([squared(model, elder) for elder in near[:5]], 1e-30)  # 0 where all that is held is equal
    share = distances.min() / distances
    shares = share / share.sum()
    found = one_parent(model.id, near[0].id, Relation.FINETUNE, float(min(NEAREST_ONLY, shares[0] + 0.2)), why)
    chances = tuple((elder.id, float(value)) for elder, value in zip(near[:5], shares, strict=True))
    return replace(found, candidates=chances)


def untouched(model: Member, relatives: Sequence[Member]) -> list[Member]:
    """The relatives that share most untouched matrices; none when nobody shares one."""
    held = {elder.id: elder.held_as(model.dtype).matrices for elder in relatives}
    shared = {
        id: sum(np.array_equal(values, theirs[role]) for role, values in model.matrices.items())
        for id, theirs in held.items()
    }
    most = max(shared.values(), default=0)
    return [elder for elder in relatives if most and shared[elder.id] == most]


def _is_apart(model: Member, elder: Member) -> bool:
    """Whether a relative is no base, but started where the model did."""
    return relative(model, elder, without="head") > FAR and kept(model, elder) < WHOLE
