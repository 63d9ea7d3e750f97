"""This file knows how a walk and paths are put together from what the graph returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graph.records import DerivationRecord, Direction
from graph.store import Hidden, Walk, WalkNode, Want
from graph.stores.neo4j.rows import Row, derivation, some


@dataclass(frozen=True, slots=True)
class Around:
    """The answer of walk.cypher and walk_filtered.cypher."""

    cyclic: bool
    total_ancestors: int
    total_descendants: int
    ancestor_distances: list[int]
    descendant_distances: list[int]
    models: list[tuple[str, int, Row]]  # root, ancestors, descendants: id, number of derived models, wanted fields
    edges: list[Row]

    def nodes(self, limit: int) -> list[WalkNode]:
        """Root, ancestors, descendants; a model on both sides once, where it is nearer, as an ancestor when equal."""
        ids = [id for id, _, _ in self.models[1:]]
        up = dict(zip(ids, self.ancestor_distances, strict=False))
        down = dict(zip(ids[len(up) :], self.descendant_distances, strict=True))
        nodes = [WalkNode(id, -far) for id, far in up.items() if far <= down.get(id, far)]
        nodes += [WalkNode(id, far) for id, far in down.items() if far < up.get(id, far + 1)]
        return [WalkNode(self.models[0][0], 0), *nodes[:limit]]


def walk(around: Around, direction: Direction, limit: int, want: Want) -> Walk:
    """The walk as the port defines it."""
    nodes = around.nodes(limit)
    edges, hidden = _links(around, nodes, direction) if want.edges or want.hidden else ([], [])
    models: tuple[Any, ...] = ()
    if want.fields:
        read, values = some(want.fields), {id: row for id, _, row in around.models}
        models = tuple(read(values[node.id]) for node in nodes)
    return Walk(
        tuple(nodes),
        tuple(edges) if want.edges else (),
        around.total_ancestors,
        around.total_descendants,
        tuple(hidden) if want.hidden else (),
        models,
    )


def _links(
    around: Around, nodes: Sequence[WalkNode], direction: Direction
) -> tuple[list[DerivationRecord], list[Hidden]]:
    """Derivations between shown models, and what of their neighbours is not shown."""
    shown = {node.id for node in nodes}
    derived = {id: count for id, count, _ in around.models}
    bases: dict[str, int] = {}
    shown_bases: dict[str, int] = {}
    edges = []
    for row in around.edges:
        model, base = row[0], row[1]
        if model not in shown:
            continue
        bases[model] = bases.get(model, 0) + 1
        if base in shown:
            edges.append(derivation(row))
            shown_bases[model] = shown_bases.get(model, 0) + 1
            derived[base] -= 1
    hidden = []
    for node in nodes:
        count = 0
        if node.distance <= 0 and direction is not Direction.DESCENDANTS:
            count += bases.get(node.id, 0) - shown_bases.get(node.id, 0)
        if node.distance >= 0 and direction is not Direction.ANCESTORS:
            count += derived[node.id]
        if count:
            hidden.append(Hidden(node.id, count))
    return edges, hidden


class Side:
    """One half of a search from both ends: how far each model is, level by level."""

    def __init__(self, start: str) -> None:
        self.distance = {start: 0}
        self.frontier = [start]
        self.neighbours: dict[str, set[str]] = {}

    def grow(self, pairs: Iterable[Row]) -> None:
        """Take in the neighbours of the frontier."""
        far = self.distance[self.frontier[0]] + 1
        new = []
        for id, neighbour in pairs:
            self.neighbours.setdefault(id, set()).add(neighbour)
            if neighbour not in self.distance:
                self.distance[neighbour] = far
                new.append(neighbour)
        self.frontier = sorted(new)


def shortest(near: Side, far: Side, start: str, end: str, length: int) -> Iterator[tuple[str, ...]]:
    """All chains of ``length`` steps from ``start`` to ``end``, ordered by their ids, one at a time.

    Only steps that lie on some such chain are kept, so that each step taken leads to an answer: many equal chains cost nothing
    unless they are asked for.
    """
    steps: dict[str, set[str]] = {}
    for side in (near, far):
        for id, others in side.neighbours.items():
            for other in others:
                steps.setdefault(id, set()).add(other)
                steps.setdefault(other, set()).add(id)
    left = {end: 0}  # steps to the end, over what both sides have seen
    level = [end]
    while level:
        level = [
            other for id in level for other in steps.get(id, ()) if left.setdefault(other, left[id] + 1) > left[id]
        ]
        level = [id for id in dict.fromkeys(level) if left[id] < length]
    chain = [start]

    def on(id: str) -> Iterator[tuple[str, ...]]:
        if id == end:
            yield tuple(chain)
            return
        for other in sorted(steps[id]):
            if left.get(other, length) == left[id] - 1:
                chain.append(other)
                yield from on(other)
                chain.pop()

    if left.get(start) == length:
        yield from on(start)
