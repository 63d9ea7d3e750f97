"""This file knows lineages in process: derivations as records, walks around a model, and the chains between two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Protocol

import numpy as np

from graph.records import DerivationRecord, Direction, Relation
from graph.store import DerivationPage, EdgeFilter, Hidden, Key, Order, Walk, WalkNode, Want
from graph.stores.arrays.names import Texts
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.lineages.kin import Kin
from graph.stores.lineages.making import CONFLICT, CYCLE
from graph.stores.lists.coding import EVIDENCE_OF, RELATIONS, UNKNOWN

_RELATION = [Relation(word) for word in RELATIONS]


@dataclass(frozen=True, slots=True)
class Around:
    """The part of the graph around one model, as numbers: ``graph.store.Walk`` without names and models."""

    rows: Array  # int64, of what is shown
    distances: list[int]
    edges: Array  # between these, by name
    hidden: list[tuple[int, int]]  # (place in ``rows``, how many)
    total_ancestors: int
    total_descendants: int


class Keys(Protocol):
    """What knows the places of models in an order: ``graph.stores.lists.selection.Selection``."""

    def key(self, row: int, order: Order) -> Key:
        """Where a page that ends with this row goes on."""
        ...

    def place(self, order: Order, after: Key) -> int:
        """The first place that comes after a key."""
        ...


class Lineages:
    """The derivations of one snapshot. A model is a row, an edge is a number: see ``Kin``.

    ``ids`` are the names of rows; ``name_rank``: (models,) the place of each row by name.
    """

    def __init__(self, shelf: Shelf, ids: Texts, name_rank: Array) -> None:
        self._ids, self._name_rank = ids, name_rank
        self._kin = Kin(shelf, len(ids))
        self._descendants = shelf.get("value_descendants")

    def above(self, row: int) -> tuple[DerivationRecord, ...]:
        """The derivations of a model towards its base models, by name."""
        return tuple(self._records(np.arange(self._kin.up[row], self._kin.up[row + 1])))

    def below(self, row: int, where: EdgeFilter) -> tuple[Array, Array]:
        """(edges, rows of the derived models) of the derivations whose base model this is, by downloads of the derived."""
        _, edges = self._kin.edges_down(np.array([row]), where)
        return edges, self._kin.child[edges]

    def page_below(
        self, row: int, where: EdgeFilter, first: int, after: Key | None, keys: Keys
    ) -> tuple[DerivationPage, list[int]]:
        """(a page of the derivations whose base model this is, the rows of their derived models)."""
        edges, rows = self.below(row, where)
        begin = int(np.searchsorted(rows, keys.place(Order.DOWNLOADS, after))) if after else 0
        page = rows[begin : begin + first].tolist()
        shown = self.records(edges[begin : begin + first])
        told = tuple(keys.key(child, Order.DOWNLOADS) for child in page)
        return DerivationPage(shown, told, len(edges) > begin + first, len(edges)), page

    def counts_below(self, row: int) -> dict[Relation, int]:
        """How many derivations name a model as base model, by relation; those without any are absent."""
        edges = self._kin.down_edge[self._kin.down[row] : self._kin.down[row + 1]]
        tally = np.bincount(self._kin.kind[edges], minlength=len(_RELATION)).tolist()
        return {relation: count for relation, count in zip(_RELATION, tally, strict=True) if count}

    def around(self, root: int, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want) -> Around:
        """The lineage around one model: see ``graph.store.Store.walk``."""
        up = self._kin.levels(root, where, up=True) if direction is not Direction.DESCENDANTS else []
        counted = None
        if direction is Direction.DESCENDANTS and where == EdgeFilter():
            counted = int(self._descendants[root])
            counted = None if counted == UNKNOWN else counted
        enough = None if counted is None else limit
        down = self._kin.levels(root, where, up=False, enough=enough) if direction is not Direction.ANCESTORS else []
        rows, distances = self._shown(root, up, down, depth, limit)
        edges = inside = np.empty(0, dtype=np.int64)
        if want.edges or want.hidden:
            _, above = self._kin.edges_up(rows, where)
            inside = above[np.isin(self._kin.base[above], rows, kind="table")]
        if want.edges:
            edges = self._by_name(inside)
        hidden = self._hidden(rows, np.array(distances), inside, direction, where) if want.hidden else []
        total = sum(map(len, down)) if counted is None else counted
        return Around(rows, distances, edges, hidden, sum(map(len, up)), total)

    def walk(self, around: Around, names: Sequence[str], models: tuple[Any, ...]) -> Walk:
        """The same with the names of its rows, and what is wanted of their models."""
        return Walk(
            tuple(map(WalkNode, names, around.distances)),
            tuple(self._records(around.edges)),
            around.total_ancestors,
            around.total_descendants,
            tuple(Hidden(names[at], count) for at, count in around.hidden),
            models,
        )

    def path(self, here: int, there: int, limit: int) -> list[tuple[str, ...]]:
        """Shortest chains between two models: see ``graph.store.Store.path``."""
        distance = self._kin.distances_to(there, here)
        found: list[tuple[str, ...]] = []
        if distance is None:
            return found
        waiting = [[here]]
        while waiting and len(found) < limit:
            chain = waiting.pop()
            left = distance[chain[-1]]
            if left == 0:
                found.append(tuple(self._ids[row] for row in chain))
                continue
            nearer = [
                row for row in self._kin.neighbours(np.array([chain[-1]])).tolist() if distance.get(row) == left - 1
            ]
            nearer.sort(key=lambda row: self._ids[row].encode(), reverse=True)  # the first by name is taken next
            waiting += [[*chain, row] for row in nearer]
        return found

    def records(self, edges: Array) -> tuple[DerivationRecord, ...]:
        """The records of these edges."""
        return tuple(self._records(edges))

    def _records(self, edges: Array) -> Iterable[DerivationRecord]:
        kin = self._kin
        confidence = [None if isnan(value) else value for value in kin.confidence[edges].tolist()]
        flags = kin.flags[edges]
        return map(
            DerivationRecord,
            self._ids.many(kin.child[edges]),
            self._ids.many(kin.base[edges]),
            [_RELATION[kind] for kind in kin.kind[edges].tolist()],
            [EVIDENCE_OF[mask] for mask in kin.mask[edges].tolist()],
            confidence,
            ((flags & CONFLICT) != 0).tolist(),
            ((flags & CYCLE) != 0).tolist(),
        )

    @staticmethod
    def _shown(root: int, up: list[Array], down: list[Array], depth: int, limit: int) -> tuple[Array, list[int]]:
        """(rows, distances) of what is shown, in the order of ``Walk.nodes``."""
        if not (up and down):  # nothing can be on both sides
            levels = (up or down)[:depth]
            signs = [-steps if up else steps for steps in range(1, len(levels) + 1)]
            far = np.repeat([0, *signs], [1, *map(len, levels)])[: limit + 1]
            return np.concatenate([[root], *levels]).astype(np.int64)[: limit + 1], far.tolist()
        above = {row: -steps for steps, level in enumerate(up, 1) for row in level.tolist()}
        below = {row: steps for steps, level in enumerate(down, 1) for row in level.tolist()}
        both = above.keys() & below.keys()
        rows, distances = [root], [0]
        for steps, level in enumerate(up[:depth], 1):
            kept = [row for row in level.tolist() if row not in both or steps <= below[row]]
            rows += kept
            distances += [-steps] * len(kept)
        for steps, level in enumerate(down[:depth], 1):
            kept = [row for row in level.tolist() if row not in both or steps < -above[row]]
            rows += kept
            distances += [steps] * len(kept)
        return np.array(rows[: limit + 1], dtype=np.int64), distances[: limit + 1]

    def _by_name(self, edges: Array) -> Array:
        """Derivations by (model, base model)."""
        order: Array = np.lexsort((self._name_rank[self._kin.base[edges]], self._name_rank[self._kin.child[edges]]))
        return edges[order]

    def _hidden(
        self, rows: Array, distances: Array, inside: Array, direction: Direction, where: EdgeFilter
    ) -> list[tuple[int, int]]:
        """Neighbours that are not shown, of those that are: all that they have, less those along derivations ``inside``."""
        total = np.zeros(len(rows), dtype=np.int64)
        order = np.argsort(rows)

        def count(shown: Array, neighbours: Array, ends: Array) -> None:
            """Add the neighbours (places in ``shown``) of shown rows, take away those that are ends of derivations inside."""
            total[shown] += np.bincount(neighbours, minlength=len(shown))
            taken = np.bincount(order[np.searchsorted(rows, ends, sorter=order)], minlength=len(rows))
            total[shown] -= taken[shown]

        if direction is not Direction.DESCENDANTS:
            shown = np.flatnonzero(distances <= 0)
            count(shown, self._kin.edges_up(rows[shown], where)[0], self._kin.child[inside])
        if direction is not Direction.ANCESTORS:
            shown = np.flatnonzero(distances >= 0)
            count(shown, self._kin.edges_down(rows[shown], where)[0], self._kin.base[inside])
        return [(at, int(total[at])) for at in np.flatnonzero(total > 0).tolist()]
