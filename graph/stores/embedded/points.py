"""This file knows the points of a snapshot's map: which model each is, and where a model is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from graph.records import ModelRecord
from graph.store import ModelFilter, Spot
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.embedded.atlas import FACTS

_HIGHEST = 65_535  # of a coordinate


class EmbeddedAtlas:
    """See ``graph.store.Atlas``. ``records``, ``row`` and ``passing`` are the store's own."""

    def __init__(
        self,
        folder: Path,
        records: Callable[[Sequence[int]], list[ModelRecord]],
        row: Callable[[str], int | None],
        passing: Callable[[ModelFilter], Array],
    ) -> None:
        self.folder = folder
        self._records, self._row, self._passing = records, row, passing
        shelf = Shelf(folder)
        self._row_of, self._point_of = shelf.get("row_of"), shelf.get("point_of")
        tiers = shelf.get_facts(FACTS)["tiers"]
        self._begins = np.cumsum([0, *tiers])
        self._places = [  # x and y of a tier's points, before the colours and sizes
            shelf.get_bytes(f"points-{at}")[: 4 * many].view("<u2").reshape(many, 2) for at, many in enumerate(tiers)
        ]

    def models(self, points: Sequence[int]) -> list[ModelRecord | None]:
        """The models at these points."""
        known = [point if 0 <= point < len(self._row_of) else None for point in points]
        found = iter(self._records([int(self._row_of[point]) for point in known if point is not None]))
        return [None if point is None else next(found) for point in known]

    def spots(self, ids: Sequence[str]) -> list[Spot | None]:
        """Where these models are."""
        return [None if row is None else self._spot(int(self._point_of[row])) for row in map(self._row, ids)]

    def points(self, where: ModelFilter) -> bytes:
        """The points that pass a filter."""
        return np.sort(self._point_of[self._passing(where)]).astype("<u4").tobytes()

    def _spot(self, point: int) -> Spot:
        tier = int(np.searchsorted(self._begins, point, side="right")) - 1
        x, y = self._places[tier][point - int(self._begins[tier])].tolist()
        return Spot(point, x / _HIGHEST, y / _HIGHEST)
