"""This file knows how sure it is which of two models was made from the other.

Quantised, cut, extended and merged models follow from their sources, and what was rounded from what it was rounded from: there the
weights tell. Else it is weighed, in log-odds for "c was made from b":

    times, both known                          ends it when c is the younger, else -2.9
    the family: log (n - d) / d                n models, d of them c and what descends from c (see ``growth``)
    declared: c names b, or b names c          +2.2, -2.2: nine in ten are right

and the probability of the pair is multiplied by that of the direction. Copies have none: half without times. Where several base
models are in question, a declared one gains 2.2 too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

import networkx as nx

from graph.records import Relation
from ingest.weights.growth import DATED
from ingest.weights.parent import Origin, Parent

DECLARED = 2.2
_TOLD = frozenset({Relation.QUANTIZED, Relation.MERGE, Relation.PRUNED, Relation.EXPANDED, Relation.RECAST})
_CERTAIN = 0.8
Declared = Mapping[str, AbstractSet[str]]


def directed(
    found: Sequence[Origin], created: Mapping[str, datetime | None], declared: Declared | None = None
) -> list[Origin]:
    """The same origins with the probabilities of their directions. ``declared``: what models name as their bases."""
    links: nx.DiGraph[str] = nx.DiGraph()
    for origin in found:
        for parent in origin.parents:
            if parent.relation not in (Relation.IDENTICAL, Relation.RECAST):
                links.add_edge(parent.base_model, parent.model)
    size: dict[str, int] = {}
    for part in nx.weakly_connected_components(links):
        size |= dict.fromkeys(part, len(part))
    below: defaultdict[str, int] = defaultdict(lambda: 1)
    below |= {model: len(nx.descendants(links, model)) + 1 for model in links}
    told: list[Origin] = []
    for origin in (_declared(origin, (declared or {}).get(origin.model, frozenset())) for origin in found):
        parents = tuple(
            _weighed(parent, created, declared or {}, size.get(parent.model, 1), below[parent.model])
            for parent in origin.parents
        )
        told.append(replace(origin, parents=parents))
    return told


def _declared(origin: Origin, named: AbstractSet[str]) -> Origin:
    """An origin in question, with what is declared weighed in."""
    if len(origin.parents) != 1 or not named & {model for model, _ in origin.candidates}:
        return origin
    shares = {model: share * (math.exp(DECLARED) if model in named else 1) for model, share in origin.candidates}
    whole = sum(shares.values())
    ranked = sorted(((model, share / whole) for model, share in shares.items()), key=lambda pair: (-pair[1], pair[0]))
    parent = origin.parents[0]
    detail = parent.detail + (f"; declared {DECLARED:+.1f}" if ranked[0][0] in named else "")
    first = replace(parent, base_model=ranked[0][0], probability=ranked[0][1], detail=detail)
    return replace(origin, parents=(first,), candidates=tuple(ranked))


def _weighed(
    parent: Parent, created: Mapping[str, datetime | None], declared: Declared, count: int, below: int
) -> Parent:
    child, base = created.get(parent.model), created.get(parent.base_model)
    if parent.relation in _TOLD or (child is not None and base is not None and base <= child):
        return parent
    said: list[tuple[str, float]] = []
    if parent.relation is not Relation.IDENTICAL:
        said.append((f"a family of {count}, {below} of it below", math.log(max(1, count - below) / below)))
    if child is not None and base is not None:
        said.append(("upload times", -DATED))
    for one, other, weight in (
        (parent.model, parent.base_model, DECLARED),
        (parent.base_model, parent.model, -DECLARED),
    ):
        if other in declared.get(one, ()):
            said.append(("declared", weight))
    odds = sum(weight for _, weight in said)
    right = 1 / (1 + math.exp(-odds))
    words = ", ".join(f"{what} {weight:+.1f}" for what, weight in said) or "nothing tells"
    lead = "direction" if right > _CERTAIN else "direction not certain: either may have been made from the other"
    return replace(parent, probability=parent.probability * right, detail=f"{parent.detail}; {lead} ({words})")
