"""This file knows what the arrays hold of models besides their names: which row has a name, and some fields as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graph.stores.arrays.names import Texts
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.lists.coding import CODED, FLOATS, UNKNOWN, VALUES

_NUMBERS = (*VALUES, "descendants")


class Held:
    """Fields of the models of one snapshot. ``name_rank``: (models,) the place of each row by name."""

    def __init__(self, shelf: Shelf, ids: Texts, name_rank: Array) -> None:
        self._ids = ids
        self._by_name = np.empty_like(name_rank)
        self._by_name[name_rank] = np.arange(len(name_rank), dtype=name_rank.dtype)
        self._numbers = {name: shelf.get(f"value_{name}") for name in _NUMBERS}
        self._codes = {name: (shelf.get(f"code_{name}"), Texts(shelf, f"word_{name}")) for name in CODED}
        self._names = {"id", *self._numbers, *self._codes}

    def row(self, id: str) -> int | None:
        """The row of a canonical id."""
        wanted, low, high = id.encode("utf-8", "surrogatepass"), 0, len(self._by_name)
        while low < high:
            middle = (low + high) // 2
            row = int(self._by_name[middle])
            name = self._ids[row].encode()
            if name == wanted:
                return row
            low, high = (middle + 1, high) if name < wanted else (low, middle)
        return None

    def has(self, names: Iterable[str]) -> bool:
        """Whether ``columns`` knows all of these fields of models."""
        return self._names.issuperset(names)

    def columns(self, rows: Array, names: Sequence[str]) -> list[list[Any]]:
        """These fields of the models of ``rows``, as tables have them; times are milliseconds since 1970. Shapes: (rows,)."""
        return [self._column(rows, name) for name in names]

    def _column(self, rows: Array, name: str) -> list[Any]:
        if name == "id":
            return self._ids.many(rows)
        if name in self._codes:
            codes, words = self._codes[name]
            here = codes[rows]
            known = here < len(words)
            found = iter(words.many(here[known]))
            return [next(found) if one else None for one in known.tolist()]
        unknown = -np.inf if name in FLOATS else UNKNOWN
        return [None if value == unknown else value for value in self._numbers[name][rows].tolist()]
