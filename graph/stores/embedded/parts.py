"""This file knows what is told of models beside their records: rows of the mapped tables by model, and by what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from graph.records import DatasetRecord, Evidence, FileRecord, State, TensorRecord, WeightsRecord
from graph.stores.arrays.names import Groups, Lookup
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.embedded.index import BY_MODEL, WORKED_OUT, tensor_key
from graph.stores.lists.coding import EVIDENCE_OF

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


class Parts:
    """The tables of one index but that of the models. A ``row`` is a model's; None is a model that is not there."""

    def __init__(self, shelf: Shelf) -> None:
        self._tables = {name: shelf.get_table(name) for name in (*BY_MODEL, *WORKED_OUT, "datasets", "weights")}
        self._offsets = {name: shelf.get(f"{name}_offsets") for name in (*BY_MODEL, *WORKED_OUT, "trainings")}
        self._trainings_dataset, self._trainings_mask = shelf.get("trainings_dataset"), shelf.get("trainings_mask")
        self._by_sha256 = Lookup(shelf, "sha256")
        self._tensor_key, self._tensor_row = shelf.get("tensor_key"), shelf.get("tensor_row")
        self._by_digest, self._weights_of = Lookup(shelf, "digest"), shelf.get("weights_of")
        self._holders = Groups(shelf, "holders")
        self._dataset_ids = self._tables["datasets"].column("id")
        self._digests = self._tables["weights"].column("digest")

    def of(self, table: str, row: int | None) -> list[dict[str, Any]]:
        """What a table of ``BY_MODEL`` or ``WORKED_OUT`` says of a model."""
        places = self._places(table, row)
        rows: list[dict[str, Any]] = self._tables[table].slice(places.start, places.stop - places.start).to_pylist()
        return rows

    def trainings(self, row: int | None) -> Iterable[tuple[str, tuple[Evidence, ...]]]:
        """(dataset, evidence) for each that a model says it was trained on."""
        places = self._places("trainings", row)
        names = self._dataset_ids.take(pa.array(self._trainings_dataset[places])).to_pylist()
        masks = self._trainings_mask[places].tolist()
        return zip(names, (EVIDENCE_OF[mask] for mask in masks), strict=True)

    def dataset(self, number: int) -> DatasetRecord:
        """The record of a dataset."""
        (row,) = self._taken("datasets", np.array([number]))
        row["state"] = State(row["state"])
        row["created_at"], row["modified_at"] = _time(row["created_at"]), _time(row["modified_at"])
        row["tags"], row["languages"] = tuple(row["tags"]), tuple(row["languages"])
        return DatasetRecord(**row)

    def files_with(self, sha256: str) -> list[FileRecord]:
        """The files with this content."""
        places = np.array([*self._by_sha256.candidates(sha256)], dtype=np.int64)
        return [FileRecord(**row) for row in self._taken("files", places) if row["sha256"] == sha256]

    def tensors_with(self, digest: str) -> list[TensorRecord]:
        """The tensors with this content."""
        key = tensor_key(digest)
        begin, end = (int(np.searchsorted(self._tensor_key, key, side=side)) for side in _SIDES)
        rows = self._taken("tensors", self._tensor_row[begin:end])
        return [TensorRecord(**row) for row in rows if row["digest"] == digest]

    def weights(self, digest: str) -> WeightsRecord | None:
        """One distinct weight content."""
        number = self._content(digest)
        return None if number is None else WeightsRecord(**self._taken("weights", np.array([number]))[0])

    def weights_of(self, row: int | None) -> str | None:
        """The digest of a model's weight content."""
        number = -1 if row is None else int(self._weights_of[row])
        digest: str | None = None if number < 0 else self._digests[number].as_py()
        return digest

    def holders(self, digest: str) -> Array:
        """The rows of the models that hold this weight content, ascending."""
        number = self._content(digest)
        return np.empty(0, dtype=np.int32) if number is None else self._holders.of(number)

    def _places(self, table: str, row: int | None) -> slice:
        offsets = self._offsets[table]
        return slice(0, 0) if row is None else slice(int(offsets[row]), int(offsets[row + 1]))

    def _taken(self, table: str, places: Array) -> list[dict[str, Any]]:
        """Rows of a table, in the order asked."""
        rows: list[dict[str, Any]] = self._tables[table].take(pa.array(places)).to_pylist()
        return rows

    def _content(self, digest: str) -> int | None:
        return next((at for at in self._by_digest.candidates(digest) if self._digests[at].as_py() == digest), None)


def _time(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value / 1000, UTC)
