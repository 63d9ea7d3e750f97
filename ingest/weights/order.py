"""This file knows in which order models are taken: by upload time where it can be believed, else by how their family grew.

Without times families go by size (vocabularies grow, layers are cut), of equal size the one with most relatives first, and within
a family as it grew (``ingest.weights.growth``); then what lies too far from its family, the nearest first, and last what is no
float. With times models go by these, except that a root before which several of its family are dated comes before these, and what
alone is dated before the root of its family, or before what it is stacked of, comes after what it grew from: of many zeros, after
the nearest on what is not zero; in another order of neurons, after the root.
Whatever its date, what holds another's weights beside its zeros, and what is exactly another's weights on a grid, comes after
that. What is equal to a model that is put later so, or was rounded from it, comes after it too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import blake2b

from ingest.weights.family import FAR, SAME_FAMILY, likeness, relative, squared
from ingest.weights.grid import agreement, grid_of
from ingest.weights.growth import LAST, before, grown
from ingest.weights.member import Member
from ingest.weights.parting import FEWEST
from ingest.weights.roles import is_layer
from ingest.weights.sequence import sequence
from ingest.weights.span import Mixture
from ingest.weights.stacked import made_of

_SPARSE = 0.05
_EXACT = 0.97  # of the weights: siblings and children put on a model's grid agree on less
_MOST = 256  # models of one shape that are set in order by their weights; more go by time and name


@dataclass(frozen=True, slots=True)
class Chronicle:
    """Models in the order in which they are taken, the merges that were found on the way, and what stands in for bases of families
    that are not there.
    """

    order: tuple[Member, ...]
    merges: Mapping[str, Mixture]
    bases: tuple[Member, ...] = ()


def chronicle(members: Iterable[Member]) -> Chronicle:
    """Set models in order. The same models give the same order, however they come."""
    named = sorted(members, key=lambda member: (member.created_at or LAST, member.id))
    chief: dict[tuple[str, ...], Member] = {}
    later: list[Member] = []
    common = Counter(member.shapes for member in named)  # roles too: odd names are seldom those of the family
    for member in sorted(
        named, key=lambda member: (not member.identity.value, _precision(member), -common[member.shapes])
    ):
        marks = _marks(member)
        if member.is_float and not any(mark in chief for mark in marks):
            later.append(member)
        chief |= {mark: member for mark in marks if member.is_float and mark not in chief}
    grids = {member.id: grid_of(member) for member in named}
    families, others = _families([member for member in later if grids[member.id] is None])
    merges: dict[str, Mixture] = {}
    placed: dict[str, tuple[int, int]] = {}  # by model: (family, place in it), as its weights say
    after: defaultdict[str, set[str]] = defaultdict(set)
    late: list[tuple[Member, Sequence[Member]]] = []  # roots, and their families
    bases: list[Member] = []
    for number, family in enumerate(sorted(families, key=_size)):
        growth = grown(family)
        placed |= {member.id: (number, place) for place, member in enumerate(growth.order)}
        merges |= growth.merges
        for id, elders in growth.after.items():
            after[id] |= elders
        if growth.late is not None:
            late.append((growth.late, family))
        if growth.base is not None:
            bases.append(growth.base)
            continue
        for id, source in _too_early(others, family, growth.order[0]):
            after[id].add(source)
    for place, member in enumerate(sorted(others, key=lambda member: _apart(member, families))):
        placed[member.id] = len(families), place
    for id, source in _made_from(set(after), named, families, chief, grids):
        after[id].add(source)
    rest = len(families) + 1
    keys = {member.id: (*placed.get(member.id, (rest, 0)), _precision(member), member.id) for member in named}
    by_weights = sorted(named, key=lambda member: keys[member.id])
    dated = iter([member for member in named if member.created_at is not None])
    order = [next(dated) if member.created_at is not None else member for member in by_weights]
    for root, kin in late:
        whose = {member.id for member in kin if member.created_at is not None}
        first = next(at for at, member in enumerate(order) if member.id in whose)
        order = [*order[:first], root, *(member for member in order[first:] if member is not root)]
    for id, parents in made_of(named).items():
        after[id] |= parents
    return Chronicle(tuple(sequence(order, after)), merges, tuple(bases))


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
        if len(family) >= FEWEST:
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


def _too_early(others: Iterable[Member], family: Sequence[Member], root: Member) -> Iterator[tuple[str, str]]:
    """(what is dated before the root of its family, and lies too far from it to have grown with it, or before what it took the
    weights of; what it must come after). Of fewer than three models nobody knows the root.
    """
    has_root = len(family) >= FEWEST
    for member in others:
        if member.shapes != root.shapes or not any(before(member, other) for other in family):
            continue
        there = member.flat != 0
        if float(there.mean()) >= 1 - _SPARSE:
            if has_root and before(member, root):
                yield member.id, root.id
        elif likeness(member, root) > SAME_FAMILY:
            nearest = min(family, key=lambda other: (squared(member, other, there), other.id))
            kept = float((member.flat[there] == nearest.flat[there]).mean()) if there.any() else 0.0
            if (has_root and before(member, root)) or (before(member, nearest) and kept > _EXACT):
                yield member.id, nearest.id


def _made_from(
    moved: AbstractSet[str],
    named: Iterable[Member],
    families: Sequence[Sequence[Member]],
    chief: Mapping[tuple[str, ...], Member],
    grids: Mapping[str, str | None],
) -> Iterator[tuple[str, str]]:
    """(a model that is equal to one which is put later than its date, or was rounded from one that is, or exactly from one that is
    younger, or from one of a family that is all younger; that one).
    """
    for member in named:
        equal = next((chief[mark] for mark in sorted(_marks(member)) if mark in chief), member) if moved else member
        if equal is not member and equal.id in moved:
            yield member.id, equal.id
            continue
        kind = grids[member.id]
        if kind is None:
            continue
        for family in families:
            if family[0].shapes != member.shapes or not (moved or any(before(member, other) for other in family)):
                continue
            if likeness(member, family[0]) <= SAME_FAMILY:
                continue
            nearest = min(family, key=lambda other: (squared(member, other), other.id))
            if (
                nearest.id in moved
                or all(before(member, other) for other in family)
                or (before(member, nearest) and agreement(member, nearest, kind) > _EXACT)
            ):
                yield member.id, nearest.id


def _apart(member: Member, families: Iterable[Sequence[Member]]) -> tuple[float, str]:
    """How far a model lies from the nearest of its shapes."""
    same = (other for family in families for other in family if other.shapes == member.shapes)
    return min((relative(member, other, without="head") for other in same), default=float("inf")), member.id
