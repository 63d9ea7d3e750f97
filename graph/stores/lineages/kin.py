"""This file knows the graph's edges in process: walks in either direction, and shortest chains between two models."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from graph.groups import Ints, distinct, expand
from graph.records import Evidence, Relation
from graph.store import EdgeFilter
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.lists.coding import EVIDENCE, RELATIONS

LONGEST_PATH = 20  # derivations
FEW = 64  # rows


class Kin:
    """Derivations as compressed rows: ``up`` from a model to its base models, ``down`` to what was made from it.

    An edge's number is its place in ``up``; ``down_edge`` lists edges by base model. Frontiers are expanded whole (NumPy).
    """

    def __init__(self, shelf: Shelf, models: int) -> None:
        self._models = models
        self.up = shelf.get("up_offsets")
        self.down = shelf.get("down_offsets")
        self.child = shelf.get("up_child")
        self.base = shelf.get("up_base")
        self.kind = shelf.get("up_kind")
        self.mask = shelf.get("up_mask")
        self.flags = shelf.get("up_flags")
        self.confidence = shelf.get("up_confidence")
        self.down_edge = shelf.get("down_edge")
        # (models,) bool, all False: new ones cost a page fault for every model that is met.
        self._clear: list[Array] = []
        self._passing = lru_cache(maxsize=64)(self._which_pass)

    def passing(self, where: EdgeFilter) -> Array | None:
        """(edges,) which derivations pass a filter; None when all do."""
        return self._passing(where)

    def _which_pass(self, where: EdgeFilter) -> Array | None:
        if where.relations is None and where.evidence is None:
            return None
        mask = np.ones(len(self.kind), dtype=bool)
        if where.relations is not None:
            mask &= np.isin(self.kind, [RELATIONS.index(Relation(word).value) for word in where.relations])
        if where.evidence is not None:
            mask &= (self.mask & sum(1 << EVIDENCE.index(Evidence(word).value) for word in where.evidence)) != 0
        return mask

    def edges_up(self, rows: Array, where: EdgeFilter) -> tuple[Ints, Array]:
        """(which of ``rows``, edge) for the derivations of these models towards their base models."""
        which, edge = expand(self.up, rows)
        return self._kept(which, edge, where)

    def edges_down(self, rows: Array, where: EdgeFilter) -> tuple[Ints, Array]:
        """(which of ``rows``, edge) for the derivations whose base model these are, by downloads of the derived."""
        which, place = expand(self.down, rows)
        return self._kept(which, self.down_edge[place], where)

    def _kept(self, which: Ints, edge: Array, where: EdgeFilter) -> tuple[Ints, Array]:
        passing = self.passing(where)
        if passing is None:
            return which, edge
        kept = passing[edge]
        return which[kept], edge[kept]

    def levels(self, row: int, where: EdgeFilter, *, up: bool, enough: int | None = None) -> list[Array]:
        """Rows first reached after 1, 2, ... derivations, each level ascending; no further level when there are ``enough``."""
        few = self._few_levels(row) if up and enough is None and self.passing(where) is None else None
        if few is not None:
            return few
        seen = self._clear.pop() if self._clear else np.zeros(self._models, dtype=bool)
        seen[row] = True
        frontier: Array = np.array([row])
        found: list[Array] = []
        while enough is None or sum(map(len, found)) < enough:
            _, edge = self.edges_up(frontier, where) if up else self.edges_down(frontier, where)
            reached = (self.base if up else self.child)[edge]
            reached = reached[~seen[reached]]
            if not len(reached):
                break
            frontier = distinct(reached)
            seen[frontier] = True
            found.append(frontier)
        seen[row] = False
        for level in found:
            seen[level] = False
        self._clear.append(seen)
        return found

    def _few_levels(self, row: int) -> list[Array] | None:
        """The levels above a row; None when they are more than a few rows, which NumPy walks sooner."""
        seen, frontier, found = {row}, [row], list[Array]()
        while frontier:
            reached: set[int] = set()
            for one in frontier:
                reached.update(self.base[self.up[one] : self.up[one + 1]].tolist())
            frontier = sorted(reached - seen)
            seen |= reached
            if len(seen) > FEW:
                return None
            if frontier:
                found.append(np.array(frontier, dtype=self.base.dtype))
        return found

    def neighbours(self, rows: Array) -> Ints:
        """All models one derivation away from any of these, ascending."""
        anything = EdgeFilter()
        _, up = self.edges_up(rows, anything)
        _, down = self.edges_down(rows, anything)
        return distinct(np.concatenate([self.base[up], self.child[down]])).astype(np.int64)

    def distances_to(self, end: int, start: int) -> dict[int, int] | None:
        """For models within reach: derivations, in either direction, to ``end``; None when ``start`` is not in reach."""
        distance = {end: 0}
        seen = np.zeros(self._models, dtype=bool)
        seen[end] = True
        frontier: Array = np.array([end])
        for steps in range(1, LONGEST_PATH + 1):
            if start in distance:
                return distance
            reached = self.neighbours(frontier)
            frontier = reached[~seen[reached]]
            seen[frontier] = True
            distance.update(dict.fromkeys(frontier.tolist(), steps))
            if not len(frontier):
                break
        return distance if start in distance else None
