"""This file knows how a family grew: which of models of equal shapes is the root, which are merges, and in what order others came.

The noise distances, less the share of weights that are equal to the bit, have a minimum spanning tree. Merges would lie in the
middle of it: those that can be told without a root, averages, are left out. If models join a family one by one, a tree of n nodes
can have grown from v in n! / prod over u of |subtree of u seen from v| ways (the rumour centrality of Shah and Zaman 2011), so that
for neighbours v and w

    log P(v) - log P(w) = r (log |v's side| - log |w's side|),      r = median over the others u of min(1, |d(u, v) - d(u, w)| / d)

with d their distance: of two that others do not tell apart, these take the side of either by chance. A distance of no more than a
hundredth of the tree's median counts half. Without upload times nothing speaks against a model with a little training, which lies
nearer to all its siblings than their base does: r = d / (d + m / 10) there, with m the median of the tree's distances.
Besides, in log-odds: -1.5 for each average that is made of it (averages are made of fine-tunes), of the four likeliest +1.5 for
each model that is a sum of others' task vectors from it, +.5 for each model that has three in ten of its weights and more of them
than of any other's (adapters, heads, merges that keep weights of their base), and -DATED, the log-odds that an upload time is
right, for whoever is not the first that was uploaded. Of those as near the root as m / 10, who has most that have more of its
weights to the bit.

Besides, -r for each edge of the tree, but the root's own, that leads to a model which was uploaded before the one above it.

A root before which several were uploaded is believed only where the lines of descent part there (``ingest.weights.parting``).

From the root all merges are sought; the root is chosen anew without these, until it stays. Models go by their distance from it, a
merge after its parents, a child of a merge after the merge. When not to trust it: fewer than about five models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from ingest.weights.by_matrix import by_matrix
from ingest.weights.elements import chosen_by_element
from ingest.weights.member import Doubles, Member
from ingest.weights.noise import equal_shares, noise_distances
from ingest.weights.parting import FEWEST, is_between, is_unknown, lines_part, nearest_to_unknown, ways_to
from ingest.weights.roles import is_layer
from ingest.weights.sequence import sequence
from ingest.weights.span import Grams, Mixture, between, span
from ingest.weights.stacked import Stack, stacked
from ingest.weights.unknown_base import stand_in

DATED: Final = (
    2.9  # one upload time in twenty is taken to be wrong, or that of a re-upload; on the Hub three in a thousand are
)
LAST: Final = datetime.max.replace(tzinfo=UTC)
Integers = npt.NDArray[np.int32]
_TWINS, _SAME = 0.1, 0.01  # of the median of a tree's distances
_CROSSED = 1.0
_MERGED = 1.5
_LIKELIEST = 4
_VOTE, _MORE = 1.0, 0.02
_KEPT_BY, _KEPT = 0.5, 0.3
_BETWEEN = 1.15  # of squared distances
_WHOLE = 0.05


@dataclass(frozen=True, slots=True)
class Growth:
    """How a family grew."""

    order: Sequence[Member]
    merges: Mapping[str, Mixture]
    after: Mapping[str, AbstractSet[str]]  # what its upload time puts too early must come after these
    late: Member | None  # the root, where several were uploaded before it: its own time is wrong, or of a re-upload
    base: Member | None  # what stands in for the base of all, where that is not there


def grown(family: Sequence[Member]) -> Growth:
    """How a family of equal shapes grew."""
    if len(family) < FEWEST:
        return Growth(family, {}, {}, None, None)
    equal, grams = equal_shares(family), Grams(family)
    noise, whole = noise_distances(family), grams.distances()
    distances = (1 - equal) * noise
    averages = _averages(family, distances, grams)
    mixed = [
        sum(member.id == parent.id for one in averages.values() for parent, _, _ in one.parents) for member in family
    ]
    found, root, tried, barred = averages, -1, set[int](), set[str]()
    unknown: Member | None = None

    @cache
    def sums(base: str) -> int:
        return _sums(family, base, grams, averages)

    while True:
        plain = [at for at, member in enumerate(family) if member.id not in found]
        square = np.ix_(plain, plain)
        those, parents = [family[at] for at in plain], [mixed[at] for at in plain]
        ways = ways_to(those, noise[square], whole[square])
        while True:
            inner, above = _root(those, distances[square], equal[square], parents, sums, barred)
            is_late = sum(before(member, those[inner]) for member in those) > 1
            if not is_late or (lines_part(ways, inner) and not is_between(ways, inner)):
                break
            barred.add(those[inner].id)
        root = plain[inner]
        if found is averages and is_unknown(ways, inner):
            unknown = stand_in([those[at] for at in nearest_to_unknown(noise[square], whole[square], ways)])
        if root in tried or unknown is not None:
            break
        tried.add(root)
        found = _merges(family, root, grams, averages)
    early = [at for at in plain if before(family[at], family[root])]
    after: dict[str, set[str]] = {}
    if len(early) == 1 and unknown is None:
        base = above[plain.index(early[0])]
        if base is not None and before(family[early[0]], family[plain[base]]):
            after[family[early[0]].id] = {family[plain[base]].id}
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for id, mixture in found.items():
        wanted[id] = {parent.id for parent, _, _ in mixture.parents} | ({mixture.base.id} if unknown is None else set())
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
    order = sequence(_by_distance(family, distances[root]), wanted)
    return Growth(order, found, after, family[root] if len(early) > 1 and unknown is None else None, unknown)


def _by_distance(family: Sequence[Member], distances: Doubles) -> list[Member]:
    return [family[at] for at in np.lexsort((np.arange(len(family)), distances))]


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
    if fit.mixture is not None:
        return fit.mixture
    by_element = chosen_by_element(member, elders, fit.heaviest, elders[:1])
    if by_element is not None and not _is_patchwork(member, by_element):
        return by_element
    return _by_matrix(member, elders, fit.heaviest)


def _by_matrix(member: Member, elders: Sequence[Member], heaviest: Sequence[int]) -> Mixture | None:
    found = by_matrix(member, elders, heaviest, older=False)
    return None if found is None or _is_patchwork(member, found) else found


def _is_patchwork(member: Member, mixture: Mixture) -> bool:
    """Whether a model has, in every layer, matrices of some of its parents and not of the others, and layers that are nobody's: so
    a base is put together of what left its parts untouched. Layers that are somebody's were taken from them, and sums of weights
    are in no matrix those of one parent.
    """
    parents = [parent.held_as(member.dtype).matrices for parent, _, _ in mixture.parents]
    layers: defaultdict[str, list[set[int]]] = defaultdict(list)
    for role, values in member.matrices.items():
        if is_layer(role):
            whose = {at for at, parent in enumerate(parents) if np.array_equal(values, parent[role])}
            layers[role.partition(".")[0]].append(whose)
    mixed = all(any(0 < len(whose) < len(parents) for whose in layer) for layer in layers.values())
    return bool(layers) and mixed and not all(set.intersection(*layer) for layer in layers.values())


def _averages(family: Sequence[Member], distances: Doubles, grams: Grams) -> dict[str, Mixture]:
    """The merges that need no root, which would lie in the middle of the tree: stacks, and averages, whose weights add up to 1 from
    wherever they are taken, here from the farthest model.
    """
    found: dict[str, Mixture] = {}
    place = {member.id: at for at, member in enumerate(family)}
    for at, member in enumerate(family):
        elders = _elders(member, family)
        stack = stacked(member, elders)
        if stack is not None and len(stack.parents) > 1:
            found[member.id] = _passthrough(stack)
            continue
        if len(elders) < 3:
            continue
        inner = {elders[near].id for near in between(member, elders, grams)}
        elders.sort(key=lambda other: (other.id in inner, -distances[at, place[other.id]]))
        if len(inner) < 2 or elders[0].id in inner:
            continue
        fit = span(member, elders, grams)
        mixture = fit.mixture or _by_matrix(member, elders, fit.heaviest)
        if mixture is not None and abs(sum(weight for _, weight, _ in mixture.parents) - 1) <= _WHOLE:
            found[member.id] = mixture
    one_way = {id: mixture for id, mixture in found.items() if not _is_mutual(id, mixture, found)}
    return one_way if len(one_way) < len(family) else {}


def _is_mutual(id: str, mixture: Mixture, found: Mapping[str, Mixture]) -> bool:
    """Whether a parent could as well be made of the model: of halves that are there twice any is put together of two others."""
    theirs = (found[parent.id].parents for parent, _, _ in mixture.parents if parent.id in found)
    return any(grandparent.id == id for parents in theirs for grandparent, _, _ in parents)


def _sums(family: Sequence[Member], base: str, grams: Grams, averages: Mapping[str, Mixture]) -> int:
    """How many models are sums of task vectors from a base, and no averages."""
    count = 0
    for member in family:
        if member.id != base and member.id not in averages:
            elders = sorted(_elders(member, family), key=lambda other: other.id != base)
            if len(elders) > 1 and elders[0].id == base:
                mixture = span(member, elders, grams).mixture
                count += mixture is not None and all(parent.id != base for parent, _, _ in mixture.parents)
    return count


def _passthrough(stack: Stack) -> Mixture:
    parts = tuple((parent, taken / stack.layers, float("nan")) for parent, taken in stack.parents)
    return Mixture(parts, "passthrough", stack.detail, parts[0][0], tuple(share for _, share, _ in parts))


def _elders(member: Member, family: Sequence[Member]) -> list[Member]:
    return [other for other in family if other is not member and not before(member, other)]


def _is_part_way(mixture: Mixture, root: Member) -> bool:
    """Whether a mixture is of the root and one model alone: so are adapters that were weighed less."""
    return len(mixture.parents) == 2 and any(parent is root for parent, _, _ in mixture.parents)


def before(one: Member, other: Member) -> bool:
    """Whether one was uploaded before the other, as far as both times are known."""
    return one.created_at is not None and other.created_at is not None and one.created_at < other.created_at


def _root(
    family: Sequence[Member],
    distances: Doubles,
    equal: Doubles,
    mixed: Sequence[int],
    sums: Callable[[str], int],
    barred: AbstractSet[str] = frozenset(),
) -> tuple[int, list[int | None]]:
    """(the most probable root, the neighbour above each model seen from it). ``equal``: shares of weights; ``mixed``: of how many
    averages each is a parent; ``sums``: how many models are sums from one; ``barred``: who is not the root.
    """
    count = len(family)
    floor = 1e-12 * (float(distances.max()) or 1.0)
    pairs = np.triu_indices(count, 1)
    tree = minimum_spanning_tree(
        csr_array((distances[pairs] + floor, pairs), shape=(count, count))
    )  # a dense one loses 1e-8
    order, above = breadth_first_order(tree, 0, directed=False)
    sizes = np.ones(count)
    for at in order[:0:-1]:
        sizes[above[at]] += sizes[at]
    lengths = np.array([distances[at, above[at]] if at != order[0] else 0.0 for at in range(count)])
    middle = float(np.median(lengths[order[1:]])) if count > 1 else 0.0
    certain = lengths / (lengths + _TWINS * middle + floor)
    if any(before(one, other) for one in family for other in family):
        certain = _told_apart(distances, above, order) * lengths / (lengths + _SAME * middle + floor)
    score = np.zeros(count)
    for at in order[1:]:
        score[at] = score[int(above[at])] + certain[at] * np.log(sizes[at] / (count - sizes[at]))
    score -= _MERGED * np.array(mixed)
    first = min((member.created_at for member in family if member.created_at is not None), default=LAST)
    score -= [DATED * (member.created_at is not None and member.created_at > first) for member in family]
    score -= _CROSSED * _crossed(family, order, above, certain)
    score += [_KEPT_BY * kept for kept in _votes(equal, range(count), least=_KEPT).values()]
    ranked = sorted(range(count), key=lambda at: (-round(float(score[at]), 9), at))
    for at in ranked[:_LIKELIEST]:
        score[at] += _MERGED * sums(family[at].id)
    score[[at for at, member in enumerate(family) if member.id in barred]] = -np.inf
    root = max(range(count), key=lambda at: (round(float(score[at]), 9), -at))
    twins = [at for at in range(count) if at == root or distances[root, at] < _TWINS * middle]
    votes = _votes(equal, twins)
    root = max(twins, key=lambda at: (round(float(score[at]) + _VOTE * votes[at], 9), -at))
    _, above = breadth_first_order(tree, root, directed=False)
    return root, [None if at == root else int(above[at]) for at in range(count)]


def _told_apart(distances: Doubles, above: Integers, order: Integers) -> Doubles:
    """How clearly the others tell the ends of each edge of a tree apart, 0 to 1: the median, over the other models, of the
    difference of their distances to both, as a share of the edge; along a tree it is 1. By the end that lies farther from the first
    of ``order``; 0 for that. Shape: (models,).
    """
    count = len(distances)
    found = np.zeros(count)
    for at in order[1:].tolist():
        up = int(above[at])
        others = np.ones(count, dtype=np.bool_)
        others[[at, up]] = False
        shares = np.abs(distances[others, at] - distances[others, up]) / max(float(distances[at, up]), 1e-30)
        found[at] = float(np.median(np.minimum(shares, 1.0))) if len(shares) else 0.0
    return found


def _crossed(family: Sequence[Member], order: Integers, above: Integers, certain: Doubles) -> Doubles:
    """How many edges of a tree, each counted as far as it is certain, lead, seen from each model as its root, to a model that was
    uploaded before the one it would be made of; the root's own do not count. ``order``: from some model on, ``above`` the neighbour
    of each towards that. Shape: (models,).
    """
    count = np.zeros(len(family))
    own = np.zeros(len(family))  # of each, when it is the root
    first = int(order[0])
    for at in order[1:].tolist():
        up = int(above[at])
        count[first] += certain[at] * before(family[at], family[up])
        own[up] += certain[at] * before(family[at], family[up])
        own[at] += certain[at] * before(family[up], family[at])
    for at in order[1:].tolist():
        up = int(above[at])
        turned = before(family[up], family[at]) - before(family[at], family[up])
        count[at] = count[up] + certain[at] * turned
    return count - own


def _votes(equal: Doubles, candidates: Sequence[int], least: float = 0.0) -> dict[int, int]:
    """Of how many other models each of some candidates has more to the bit than the others of these have, and ``least`` at all."""
    votes = dict.fromkeys(candidates, 0)
    for at in range(len(equal)):
        others = [other for other in candidates if other != at]
        if len(others) > 1 and (len(others) == len(candidates) or least):
            first, second = sorted(others, key=lambda other: -equal[at, other])[:2]
            votes[first] += bool(equal[at, first] > max(least, equal[at, second] + _MORE))
    return votes
