"""This file knows models by their rows: the row of any spelling, the name of a row, and its record; those met lately are ready."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from graph.records import ModelRecord, State
from graph.store import EVERY_FIELD
from graph.stores.arrays.names import Lookup, Texts
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.embedded.packed import Packed

_KEPT = 50_000  # model records kept ready


class Models:
    """The models of one index."""

    def __init__(self, shelf: Shelf, ids: Texts) -> None:
        self.ids = ids
        self._aliases = Texts(shelf, "alias")
        self._alias_model = shelf.get("alias_model")
        self._by_folded, self._by_hub_id = Lookup(shelf, "folded"), Lookup(shelf, "hub_id")
        self._by_alias = Lookup(shelf, "alias")
        self._packed = Packed(shelf)
        self._ready: OrderedDict[int, ModelRecord] = OrderedDict()
        self._rows_of: dict[str, int] = {}  # of ids met lately

    def forget(self) -> None:
        """Keep nothing ready."""
        self._ready.clear()
        self._rows_of.clear()

    def row(self, id: str) -> int | None:
        """The row of a canonical id."""
        met = self._rows_of.get(id)
        if met is not None:
            return met
        for row in self._by_folded.candidates(id.lower()):
            if self.ids[row] == id:
                self.meet([id], [row])
                return row
        return None

    def meet(self, ids: Sequence[str], rows: Sequence[int]) -> None:
        """Remember where these are: they are likely to be asked for next."""
        if len(self._rows_of) > _KEPT:
            self._rows_of.clear()
        self._rows_of.update(zip(ids, rows, strict=True))

    def resolve(self, name: str) -> int | None:
        """The row of any spelling: exact id, else hub id, else alias, else any case."""
        folded = name.lower()
        same = [row for row in self._by_folded.candidates(folded) if self.ids[row].lower() == folded]
        for row in same:
            if self.ids[row] == name:
                return row
        for row in self._by_hub_id.candidates(name):
            if self.records([row])[0].hub_id == name:
                return row
        aliases = [at for at in self._by_alias.candidates(folded) if self._aliases[at].lower() == folded]
        for at in aliases:
            if self._aliases[at] == name:
                return int(self._alias_model[at])
        if same:
            return min(same, key=lambda row: (self.records([row])[0].state is State.MISSING, row))
        if aliases:
            return int(self._alias_model[min(aliases, key=lambda at: self._aliases[at].encode())])
        return None

    def records(self, rows: Sequence[int]) -> list[ModelRecord]:
        """Records of rows; those asked for lately are kept."""
        ready = self._ready
        absent = [row for row in dict.fromkeys(rows) if row not in ready]
        if absent:
            ready.update(zip(absent, self._packed.many(absent), strict=True))
        found = [ready[row] for row in rows]
        while len(ready) > _KEPT:
            ready.popitem(last=False)
        return found

    def some(self, rows: Array, names: tuple[str, ...]) -> tuple[Any, ...]:
        """What is wanted of the models of these rows, and their ids."""
        if not names:
            return ()
        if names == EVERY_FIELD:
            return tuple(self.records(rows.tolist()))
        return tuple(self._packed.some(rows, names if "id" in names else ("id", *names)))
