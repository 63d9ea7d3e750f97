"""This file knows lineages in process: derivations as records, walks around a model, and the chains between two."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan

import numpy as np

from graph.records import DerivationRecord, Direction, Relation
from graph.store import EdgeFilter, Hidden, Walk, WalkNode, Want
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.embedded.index import CONFLICT, CYCLE
from graph.stores.embedded.kin import Kin
from graph.stores.embedded.models import Models
from graph.stores.lists.coding import EVIDENCE_OF, RELATIONS

_RELATION = [Relation(word) for word in RELATIONS]


class Lineages:
    """The derivations of one index. An edge is a number: see ``Kin``. ``name_rank``: (models,) the place of each row by name."""

    def __init__(self, shelf: Shelf, models: Models, name_rank: Array) -> None:
        self._models = models
        self._kin = Kin(shelf, len(models.ids))
        self._name_rank = name_rank

    def above(self, row: int) -> tuple[DerivationRecord, ...]:
        """The derivations of a model towards its base models, by name."""
        return tuple(self.records(np.arange(self._kin.up[row], self._kin.up[row + 1])))

    def below(self, row: int, where: EdgeFilter) -> tuple[Array, Array]:
        """(edges, rows of the derived models) of the derivations whose base model this is, by downloads of the derived."""
        _, edges = self._kin.edges_down(np.array([row]), where)
        return edges, self._kin.child[edges]

    def counts_below(self, row: int) -> dict[Relation, int]:
        """How many derivations name a model as base model, by relation; those without any are absent."""
        edges = self._kin.down_edge[self._kin.down[row] : self._kin.down[row + 1]]
        tally = np.bincount(self._kin.kind[edges], minlength=len(_RELATION)).tolist()
        return {relation: count for relation, count in zip(_RELATION, tally, strict=True) if count}

    def walk(self, root: int, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want) -> Walk:
        """The lineage around one model: see ``graph.store.Store.walk``."""
        up = self._kin.levels(root, where, up=True) if direction is not Direction.DESCENDANTS else []
        counted = None
        if direction is Direction.DESCENDANTS and where == EdgeFilter():
            counted = self._models.descendants(root)
        enough = None if counted is None else limit
        down = self._kin.levels(root, where, up=False, enough=enough) if direction is not Direction.ANCESTORS else []
        rows, distances = self._shown(root, up, down, depth, limit)
        models = self._models.some(rows, want.fields)
        names = [model.id for model in models] or self._models.ids.many(rows)
        if not models:
            self._models.meet(names, rows.tolist())
        edges: tuple[DerivationRecord, ...] = ()
        hidden: tuple[Hidden, ...] = ()
        if want.edges or want.hidden:
            _, above = self._kin.edges_up(rows, where)
            inside = above[np.isin(self._kin.base[above], rows, kind="table")]
            if want.edges:
                edges = tuple(self.records(self._by_name(inside)))
            if want.hidden:
                hidden = tuple(self._hidden(rows, names, np.array(distances), inside, direction, where))
        nodes = tuple(map(WalkNode, names, distances))
        total = sum(map(len, down)) if counted is None else counted
        return Walk(nodes, edges, sum(map(len, up)), total, hidden, models)

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
                found.append(tuple(self._models.ids[row] for row in chain))
                continue
            nearer = [
                row for row in self._kin.neighbours(np.array([chain[-1]])).tolist() if distance.get(row) == left - 1
            ]
            nearer.sort(key=lambda row: self._models.ids[row].encode(), reverse=True)  # the first by name is taken next
            waiting += [[*chain, row] for row in nearer]
        return found

    def records(self, edges: Array) -> Iterable[DerivationRecord]:
        """The records of these edges."""
        kin = self._kin
        confidence = [None if isnan(value) else value for value in kin.confidence[edges].tolist()]
        flags = kin.flags[edges]
        return map(
            DerivationRecord,
            self._models.ids.many(kin.child[edges]),
            self._models.ids.many(kin.base[edges]),
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
        self, rows: Array, names: list[str], distances: Array, inside: Array, direction: Direction, where: EdgeFilter
    ) -> Iterable[Hidden]:
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
        return (Hidden(names[at], int(total[at])) for at in np.flatnonzero(total > 0))
