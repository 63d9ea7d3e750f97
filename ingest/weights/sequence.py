"""This file knows how models stay in their order and yet each comes after what it must come after."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from ingest.weights.member import Member


def sequence(members: Sequence[Member], after: Mapping[str, AbstractSet[str]]) -> list[Member]:
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
