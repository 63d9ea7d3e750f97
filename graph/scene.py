"""This file knows where things stand in a picture of a lineage: columns by generation, rows by family, and the main lines.

A model stands under its primary base: of the base models in the picture the one with the strongest evidence, then the greater
confidence, then more downloads, then by name; derivations on a cycle come last, and one that would close a circle is never
primary. Its column is one right of that base. Children stand in the order of ``graph.fan``: by relation, then by interest, then
by name, with the crowd of each relation after those that are named. A model stands half-way between its first and its last
child. The explorer lays out the same picture (``api/web/src/views/lineage/layout.ts``); ``tests/lineage_scenes.json`` holds both
to one answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graph.fan import ORDER, Crowd, interest
from graph.records import DerivationRecord, Evidence, ModelRecord, Relation

_PLACE = {relation: at for at, relation in enumerate(ORDER)}
_STRENGTH = {evidence: len(Evidence) - at for at, evidence in enumerate(Evidence)}


@dataclass(frozen=True, slots=True)
class Item:
    """A model, or the crowd of one relation. ``first`` to ``last``: the rows of its children, its own row without any."""

    key: str  # the model's name, or the parent's name and the relation
    model: str | None  # None for a crowd
    parent: str | None
    relation: Relation | None  # to the parent
    column: int
    row: float
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Items in reading order, the edges that are not primary, and the size."""

    items: tuple[Item, ...]
    overlays: tuple[DerivationRecord, ...]
    primary: Mapping[str, DerivationRecord]
    rows: int
    columns: int


def crowd_key(parent: str, relation: Relation) -> str:
    """The key of a crowd. No model has a space in its name."""
    return f"{parent} {relation.name}"


def primary_edges(edges: Sequence[DerivationRecord], models: Mapping[str, ModelRecord]) -> dict[str, DerivationRecord]:
    """For each model in the picture that has a base model there: the derivation that it stands by."""
    best: dict[str, DerivationRecord] = {}

    def worth(edge: DerivationRecord) -> tuple[bool, int, float, int, list[int]]:
        strength = max((_STRENGTH[evidence] for evidence in edge.evidence), default=0)
        downloads = models[edge.base_model].downloads
        backwards = [-byte for byte in edge.base_model.encode()]  # of equals the first by name
        sure = 1.0 if edge.confidence is None else edge.confidence
        return not edge.cycle, strength, sure, -1 if downloads is None else downloads, backwards

    for edge in sorted(edges, key=worth, reverse=True):
        if edge.model in best or edge.model == edge.base_model:
            continue
        above: str | None = edge.base_model
        while above is not None and above != edge.model:
            above = best[above].base_model if above in best else None
        if above is None:
            best[edge.model] = edge
    return best


def lay_out(
    models: Mapping[str, ModelRecord],
    edges: Sequence[DerivationRecord],
    crowds: Mapping[str, Mapping[Relation, Crowd]],
) -> Scene:
    """The picture of these models. ``edges``: among them; ``crowds``: by the model whose forks they are."""
    primary = primary_edges(edges, models)
    children: dict[str, list[DerivationRecord]] = {}
    for edge in primary.values():
        children.setdefault(edge.base_model, []).append(edge)
    items: list[Item] = []
    row = 0

    def leaf(key: str, model: str | None, parent: str | None, relation: Relation | None, column: int) -> float:
        nonlocal row
        items.append(Item(key, model, parent, relation, column, row, row, row))
        row += 1
        return float(row - 1)

    def place(id: str, parent: str | None, relation: Relation | None, column: int) -> float:
        own = children.get(id, [])
        told = crowds.get(id, {})
        if not own and not told:
            return leaf(id, id, parent, relation, column)
        at = len(items)
        items.append(Item(id, id, parent, relation, column, 0, 0, 0))  # its row is known when its children stand
        own.sort(key=lambda edge: (_PLACE[edge.relation], -interest(models[edge.model], edge), edge.model.encode()))
        stood = []
        for kind in ORDER:
            stood += [place(edge.model, id, kind, column + 1) for edge in own if edge.relation is kind]
            if kind in told:
                stood.append(leaf(crowd_key(id, kind), None, id, kind, column + 1))
        middle = (stood[0] + stood[-1]) / 2
        items[at] = Item(id, id, parent, relation, column, middle, stood[0], stood[-1])
        return middle

    for id in models:
        if id not in primary:
            place(id, None, None, 0)
    chosen = {(edge.model, edge.base_model) for edge in primary.values()}
    overlays = tuple(
        edge for edge in edges if (edge.model, edge.base_model) not in chosen and edge.model != edge.base_model
    )
    return Scene(tuple(items), overlays, primary, row, 1 + max((item.column for item in items), default=0))
