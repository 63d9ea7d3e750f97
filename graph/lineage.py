"""This file knows how to think about walks: nearest common ancestors, roots, and a walk as columns. Pure Python over records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graph.records import DerivationRecord
from graph.store import Walk


def ancestors_of(edges: Iterable[DerivationRecord]) -> dict[str, set[str]]:
    """For each model that has a base model: all its ancestors along these derivations (itself only when on a cycle)."""
    bases: dict[str, list[str]] = {}
    for edge in edges:
        bases.setdefault(edge.model, []).append(edge.base_model)
    reach: dict[str, set[str]] = {}
    for start, first in bases.items():
        seen: set[str] = set()
        waiting = list(first)
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                waiting += bases.get(at, ())
        reach[start] = seen
    return reach


def nearest_common_ancestors(walks: Sequence[Walk]) -> list[str]:
    """Models that all walks' roots descend from (or are), without those that another of them descends from.

    ``walks``: one walk towards ancestors for each model, at full depth. Models on one cycle descend from each other and all
    stay. Ordered by the sum of distances to the roots of the walks, then by name.
    """
    if not walks:
        return []
    distances = [{node.id: -node.distance for node in walk.nodes} for walk in walks]
    common = set(distances[0]).intersection(*distances[1:])
    reach = ancestors_of(edge for walk in walks for edge in walk.edges)
    nearest = [
        id
        for id in common
        if not any(id in reach.get(other, ()) and other not in reach.get(id, ()) for other in common if other != id)
    ]
    return sorted(nearest, key=lambda name: (sum(steps[name] for steps in distances), name.encode()))


def roots(walk: Walk) -> list[Any]:
    """The models at the top of a walk towards ancestors: those of generation 0, by name. Asked for with ``generation``."""
    above = (model for node, model in zip(walk.nodes, walk.models, strict=True) if node.distance <= 0)
    return sorted((model for model in above if model.generation == 0), key=lambda model: model.id.encode())


PACKED = (  # of each model in ``packed``
    "state",
    "downloads",
    "likes",
    "task",
    "licence",
    "parameters",
    "created_at",
    "descendants",
    "novelty",
    "novelty_class",
)


def packed(walk: Walk) -> dict[str, object]:
    """A walk as columns: ``nodes`` by place, and ``edges`` that refer to these places (-1 never occurs: both ends are shown).

    The walk must have been asked for with ``PACKED``, derivations and what is hidden.
    """
    place = {node.id: at for at, node in enumerate(walk.nodes)}
    models = walk.models
    return {
        "nodes": {
            "id": [node.id for node in walk.nodes],
            "distance": [node.distance for node in walk.nodes],
            "state": [model.state.value for model in models],
            "downloads": [model.downloads for model in models],
            "likes": [model.likes for model in models],
            "task": [model.task for model in models],
            "licence": [model.licence for model in models],
            "parameters": [model.parameters for model in models],
            "createdAt": [model.created_at.isoformat() if model.created_at else None for model in models],
            "descendants": [model.descendants or 0 for model in models],
            "novelty": [model.novelty for model in models],
            "noveltyClass": [model.novelty_class for model in models],
        },
        "edges": {
            "model": [place[edge.model] for edge in walk.edges],
            "baseModel": [place[edge.base_model] for edge in walk.edges],
            "relation": [edge.relation.name for edge in walk.edges],
            "evidence": [[evidence.name for evidence in edge.evidence] for edge in walk.edges],
            "confidence": [edge.confidence for edge in walk.edges],
            "conflict": [edge.conflict for edge in walk.edges],
            "cycle": [edge.cycle for edge in walk.edges],
        },
        "truncated": {"id": [hidden.id for hidden in walk.hidden], "hidden": [hidden.hidden for hidden in walk.hidden]},
        "totalAncestors": walk.total_ancestors,
        "totalDescendants": walk.total_descendants,
    }
