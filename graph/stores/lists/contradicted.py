"""This file knows whose weights contradict what is said of them: arrays, one place a contradiction, by model."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from graph.records import ContradictionRecord, Contradicts
from graph.store import Doubt, Key, ModelFilter, Order
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.lists.coding import KINDS
from graph.stores.lists.selection import Selection


class Contradicted:
    """The contradictions of one snapshot."""

    def __init__(self, shelf: Shelf, selection: Selection) -> None:
        self._selection, self._ids = selection, selection.ids
        self._model, self._base = shelf.get("contradiction_model"), shelf.get("contradiction_base")
        self._kind, self._probability = shelf.get("contradiction_kind"), shelf.get("contradiction_probability")

    def page(
        self, where: ModelFilter, doubt: Doubt, first: int, after: Key | None
    ) -> tuple[list[int], tuple[tuple[ContradictionRecord, ...], ...], bool, int]:
        """(rows of the next page by downloads, the contradictions of each, whether more follow, how many models in all)."""
        passing = None if where == ModelFilter() else self._selection.rows(where)
        rows, places = self._rows(doubt, passing)
        begin = int(np.searchsorted(rows, self._selection.place(Order.DOWNLOADS, after))) if after else 0
        found = tuple(map(self._records, places[begin : begin + first]))
        return rows[begin : begin + first].tolist(), found, len(rows) > begin + first, len(rows)

    def _rows(self, doubt: Doubt, passing: Array | None) -> tuple[Array, list[Array]]:
        """(rows of models, ascending; the places of each one's contradictions that pass). ``passing``: rows, None for all."""
        kept = self._probability >= doubt.probability
        if doubt.kinds:
            kept &= np.isin(self._kind, [KINDS.index(kind.value) for kind in doubt.kinds])
        if passing is not None:
            kept &= np.isin(self._model, passing)
        places = np.flatnonzero(kept)
        rows, begin = np.unique(self._model[places], return_index=True)
        return rows, np.split(places, begin[1:]) if len(rows) else []

    def _records(self, places: Iterable[int]) -> tuple[ContradictionRecord, ...]:
        """The contradictions at these places."""
        return tuple(
            ContradictionRecord(
                self._ids[int(self._model[at])],
                self._ids[int(self._base[at])],
                Contradicts(KINDS[self._kind[at]]),
                float(self._probability[at]),
            )
            for at in places
        )
