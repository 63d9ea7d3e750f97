"""This file knows in which order models are taken: by upload time where it can be believed, else by how their family grew.

In each family (equal shapes, alike) the noise distances have a minimum spanning tree. Which node is its root: if models join a
family one by one, a tree of n nodes can have grown from v in n! / prod over u of |subtree of u seen from v| ways (the rumour
centrality of Shah and Zaman 2011), so that for neighbours v and w

    log P(v) - log P(w) = r (log |v's side| - log |w's side|),      r = d / (d + m / 10)

with d their distance and m the median of the tree's: of two that are nearly one, the others take the side of either by chance.
And less by DATED, the log-odds that an upload time is right, for whoever is not the first that was uploaded. Without times
models go by their distance from the root; a merge after its parents, which its coefficients tell apart without times. With times
they go by these, except that a model dated before the root comes after what it grew from.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from ingest.weights.by_matrix import by_matrix
from ingest.weights.elements import chosen_by_element
from ingest.weights.family import FAR, SAME_FAMILY, likeness, relative
from ingest.weights.grid import grid_of
from ingest.weights.member import Doubles, Member
from ingest.weights.noise import equal_shares, noise_distances
from ingest.weights.space import is_layer
from ingest.weights.span import Grams, Mixture, between, span
from ingest.weights.stacked import made_of

DATED = (
    2.9  # one upload time in twenty is taken to be wrong, or that of a re-upload; on the Hub three in a thousand are
)
_LAST = datetime.max.replace(tzinfo=UTC)
_TWINS = 0.1
_PARENT = 1.5  # log-odds for each average: averages are made of fine-tunes
_VOTE, _MORE = 1.0, 0.02
_KEPT_BY, _KEPT = 0.5, 0.3  # log-odds for each model that has as many weights of one
_SPARSE = 0.05
_MOST = 256  # models of one shape that are set in order by their weights; more go by time and name
_FEWEST = 3
_BETWEEN = 1.15  # of squared distances
_WHOLE = 0.05


@dataclass(frozen=True, slots=True)
class Chronicle:
    """Models in the order in which they are taken, and the merges that were found on the way."""

    order: tuple[Member, ...]
    merges: Mapping[str, Mixture]


def chronicle(members: Iterable[Member]) -> Chronicle:
    """Set models in order. The same models give the same order, however they come."""
    named = sorted(members, key=lambda member: (member.created_at or _LAST, member.id))
    chief: dict[tuple[str, ...], Member] = {}
    later: list[Member] = []
    for member in sorted(named, key=lambda member: (not member.identity.value, _precision(member))):
        marks = _marks(member)
        if member.is_float and not any(mark in chief for mark in marks):
            later.append(member)
        chief |= {mark: member for mark in marks if member.is_float and mark not in chief}
    families, others = _families([member for member in later if grid_of(member) is None])
    merges: dict[str, Mixture] = {}
    placed: dict[str, tuple[int, int]] = {}  # by model: (family, place in it), as its weights say
    after: defaultdict[str, set[str]] = defaultdict(set)
    for number, family in enumerate(sorted(families, key=_size)):
        for place, member in enumerate(_grown(family, merges, after)):
            placed[member.id] = number, place
    for member in others:
        placed[member.id] = len(families), 0
    rest = len(families) + 1
    keys = {member.id: (*placed.get(member.id, (rest, 0)), _precision(member), member.id) for member in named}
    by_weights = sorted(named, key=lambda member: keys[member.id])
    dated = iter([member for member in named if member.created_at is not None])
    order = [next(dated) if member.created_at is not None else member for member in by_weights]
    for id, parents in made_of(named).items():
        after[id] |= parents
    return Chronicle(tuple(_topological(order, after)), merges)


def _marks(member: Member) -> set[tuple[str, ...]]:
    """What equal models have in common: digests of all tensors, or the values that are held, where no more was read."""
    whose = member.identity
    read = {whose.value, whose.bf16, whose.fp16} if whose.value else set()
    return read | ({(blake2b(member.flat.tobytes(), digest_size=16).hexdigest(),)} if member.flat.size else set())


def _precision(member: Member) -> int:
    """Of models that hold the same, what others were rounded from comes first, and what was only written wider last."""
    whose = member.identity
    if not member.is_float:
        return 4
    if whose.dtype == "BF16":
        return 2
    if whose.dtype == "F16":
        return 3 if whose.value == whose.bf16 else 1
    return 4 if whose.value in (whose.bf16, whose.fp16) else 0


def _size(family: Sequence[Member]) -> tuple[int, int, int, str]:
    """Vocabularies grow, layers are cut, and who has most relatives was there first."""
    rows = {role: values.shape[0] for role, values in family[0].matrices.items()}
    layers = sum(count for role, count in rows.items() if is_layer(role))
    return rows.get("embedding", 0), -layers, -len(family), min(member.id for member in family)


def _families(members: Sequence[Member]) -> tuple[list[list[Member]], list[Member]]:
    """(families, what lies too far from the others of its family to be set in order with them)."""
    by_shape: defaultdict[tuple[tuple[str, tuple[int, ...]], ...], list[Member]] = defaultdict(list)
    for member in members:
        by_shape[member.shapes].append(member)
    found: list[list[Member]] = []
    for same in by_shape.values():
        first = len(found)
        for member in same if len(same) <= _MOST else ():
            for family in found[first:]:
                if likeness(member, family[0]) > SAME_FAMILY:
                    family.append(member)
                    break
            else:
                found.append([member])
    others: list[Member] = []
    for family in found:
        if len(family) >= _FEWEST:
            odd = [member for member in family if _is_odd(member, family)]
            if len(odd) < len(family) / 2:
                family[:] = [member for member in family if member not in odd]
                others += odd
    return found, others


def _is_odd(member: Member, family: Sequence[Member]) -> bool:
    """Whether a model's neurons are in another order, its rows scaled, or many of its weights zero."""
    if len(member.flat) and float((member.flat == 0).mean()) > _SPARSE:
        return True
    return all(relative(member, other, without="head") > FAR for other in family if other is not member)


def _grown(family: list[Member], merges: dict[str, Mixture], after: defaultdict[str, set[str]]) -> list[Member]:
    """One family in the order in which it grew; adds to the merges, and to what must come ``after`` what."""
    if len(family) < _FEWEST:
        return family
    equal, grams = equal_shares(family), Grams(family)
    distances = (1 - equal) * noise_distances(family)
    averages = _averages(family, distances, grams)
    mixed = [
        sum(member.id == parent.id for one in averages.values() for parent, _, _ in one.parents) for member in family
    ]
    found, root, tried = averages, -1, set[int]()
    while True:
        plain = [at for at, member in enumerate(family) if member.id not in found]
        square = np.ix_(plain, plain)
        inner, above = _root(
            [family[at] for at in plain], distances[square], equal[square], [mixed[at] for at in plain]
        )
        if plain[inner] in tried:
            break
        root = plain[inner]
        tried.add(root)
        found = _merges(family, root, grams, averages)
    merges |= found
    for child, base in enumerate(above):
        member = family[plain[child]]
        if base is not None and _before(member, family[root]) and _before(member, family[plain[base]]):
            after[member.id].add(family[plain[base]].id)
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for id, mixture in found.items():
        wanted[id] = {parent.id for parent, _, _ in mixture.parents} | {mixture.base.id}
    merged = [at for at, member in enumerate(family) if member.id in found]
    for at in plain:
        behind = [
            other
            for other in merged
            if family[at].id not in wanted[family[other].id]
            and distances[root, other] + distances[other, at] < _BETWEEN * distances[root, at]
        ]
        if behind:  # a child of a merge may be nearer to the root than the merge's parents
            wanted[family[at].id].add(family[min(behind, key=lambda other: distances[other, at])].id)
    return _topological([family[at] for at in np.lexsort((np.arange(len(family)), distances[root]))], wanted)


def _merges(family: Sequence[Member], root: int, grams: Grams, averages: Mapping[str, Mixture]) -> dict[str, Mixture]:
    """The merges of a family, with their mixtures from its root, or as averages."""
    found: dict[str, Mixture] = {}
    for member in family:
        if member is family[root]:
            continue
        elders = sorted(_elders(member, family), key=lambda other: other is not family[root])
        mixture = _mixture(member, elders, grams) if len(elders) > 1 else None
        if mixture is None:
            fit = averages.get(member.id)
            if fit is not None and not _is_part_way(fit, family[root]):
                mixture = replace(fit, base=family[root])
        if mixture is not None:
            found[member.id] = mixture
    return found


def _mixture(member: Member, elders: Sequence[Member], grams: Grams) -> Mixture | None:
    fit = span(member, elders, grams)
    return (
        fit.mixture
        or chosen_by_element(member, elders, fit.heaviest, elders[:1])
        or by_matrix(member, elders, fit.heaviest)
    )


def _averages(family: Sequence[Member], distances: Doubles, grams: Grams) -> dict[str, Mixture]:
    """The merges that need no root, which would lie in the middle of the tree: the weights of averages add up to 1 from wherever
    they are taken, here from the farthest model.
    """
    found: dict[str, Mixture] = {}
    place = {member.id: at for at, member in enumerate(family)}
    for at, member in enumerate(family):
        elders = _elders(member, family)
        if len(elders) < 3:
            continue
        inner = {elders[near].id for near in between(member, elders, grams)}
        elders.sort(key=lambda other: (other.id in inner, -distances[at, place[other.id]]))
        if len(inner) < 2 or elders[0].id in inner:
            continue
        fit = span(member, elders, grams)
        mixture = fit.mixture or by_matrix(member, elders, fit.heaviest)
        if mixture is not None and abs(sum(weight for _, weight, _ in mixture.parents) - 1) <= _WHOLE:
            found[member.id] = mixture
    return found


def _elders(member: Member, family: Sequence[Member]) -> list[Member]:
    return [other for other in family if other is not member and not _before(member, other)]


def _is_part_way(mixture: Mixture, root: Member) -> bool:
    """Whether a mixture is of the root and one model alone: so are adapters that were weighed less."""
    return len(mixture.parents) == 2 and any(parent is root for parent, _, _ in mixture.parents)


def _before(one: Member, other: Member) -> bool:
    """Whether one was uploaded before the other, as far as both times are known."""
    return one.created_at is not None and other.created_at is not None and one.created_at < other.created_at


def _root(
    family: Sequence[Member], distances: Doubles, equal: Doubles, mixed: Sequence[int]
) -> tuple[int, list[int | None]]:
    """(the most probable root, the neighbour above each model seen from it). ``equal``: shares of weights; ``mixed``: of how many
    averages each is a parent.
    """
    count = len(family)
    floor = 1e-12 * (float(distances.max()) or 1.0)
    tree = minimum_spanning_tree(np.triu(distances + floor, 1))
    order, above = breadth_first_order(tree, 0, directed=False)
    sizes = np.ones(count)
    for at in order[:0:-1]:
        sizes[above[at]] += sizes[at]
    lengths = np.array([distances[at, above[at]] if at != order[0] else 0.0 for at in range(count)])
    middle = float(np.median(lengths[order[1:]])) if count > 1 else 0.0
    certain = lengths / (lengths + _TWINS * middle + floor)
    score = np.zeros(count)
    for at in order[1:]:
        score[at] = score[int(above[at])] + certain[at] * np.log(sizes[at] / (count - sizes[at]))
    score -= _PARENT * np.array(mixed)
    first = min((member.created_at for member in family if member.created_at is not None), default=_LAST)
    score -= [DATED * (member.created_at is not None and member.created_at > first) for member in family]
    score += [_KEPT_BY * kept for kept in _votes(equal, range(count), least=_KEPT).values()]
    root = max(range(count), key=lambda at: (round(float(score[at]), 9), -at))
    twins = [at for at in range(count) if at == root or distances[root, at] < _TWINS * middle]
    votes = _votes(equal, twins)
    root = max(twins, key=lambda at: (round(float(score[at]) + _VOTE * votes[at], 9), -at))
    _, above = breadth_first_order(tree, root, directed=False)
    return root, [None if at == root else int(above[at]) for at in range(count)]


def _votes(equal: Doubles, candidates: Sequence[int], least: float = 0.0) -> dict[int, int]:
    """Of how many other models each of some candidates has more to the bit than the others of these have, and ``least`` at all."""
    votes = dict.fromkeys(candidates, 0)
    for at in range(len(equal)) if len(candidates) > 1 else ():
        others = [other for other in candidates if other != at]
        if len(others) == len(candidates) or least:
            first, second = sorted(others, key=lambda other: -equal[at, other])[:2]
            votes[first] += bool(equal[at, first] > max(least, equal[at, second] + _MORE))
    return votes


def _topological(members: Sequence[Member], after: Mapping[str, set[str]]) -> list[Member]:
    """Members in their order, but each after what it must come after; a circle is cut at its first member."""
    place = {member.id: at for at, member in enumerate(members)}
    waits = {member.id: {id for id in after.get(member.id, ()) if id in place} for member in members}
    behind: defaultdict[str, list[str]] = defaultdict(list)
    for id, needed in waits.items():
        for other in needed:
            behind[other].append(id)
    ready = [place[id] for id, needed in waits.items() if not needed]
    heapq.heapify(ready)
    left = dict.fromkeys(member.id for member in members)
    order: list[Member] = []
    while left:
        member = members[heapq.heappop(ready)] if ready else members[place[next(iter(left))]]
        if member.id not in left:
            continue
        del left[member.id]
        order.append(member)
        for id in behind[member.id]:
            waits[id].discard(member.id)
            if not waits[id] and id in left:
                heapq.heappush(ready, place[id])
    return order
