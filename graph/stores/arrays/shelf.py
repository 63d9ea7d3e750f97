"""This file knows how the index lies on disk: plain arrays and Arrow files that are mapped, not read, so processes share them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]


class Shelf:
    """A folder of arrays, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arrays: dict[str, tuple[str, list[int], int]] = {}  # dtype, shape, bytes before the values

    def put(self, name: str, array: Array) -> None:
        """Write an array. It can be read once the shelf is sealed."""
        path = self.folder / f"{name}.npy"
        np.save(path, np.ascontiguousarray(array))
        self._arrays[name] = array.dtype.str, list(array.shape), path.stat().st_size - array.nbytes

    def seal(self) -> None:
        """Write down what the arrays are, so that opening them needs no look into each."""
        self.put_facts("arrays", dict(sorted(self._arrays.items())))

    def get(self, name: str) -> Array:
        """Map an array, read only. An empty one cannot be mapped and is made."""
        if not self._arrays:
            self._arrays = {known: tuple(facts) for known, facts in self.get_facts("arrays").items()}
        dtype, shape, begin = self._arrays[name]
        if not all(shape):
            return np.empty(shape, dtype=dtype)
        path = self.folder / f"{name}.npy"
        return np.memmap(path, dtype=dtype, mode="r", offset=begin, shape=tuple(shape)).view(np.ndarray)

    def put_bytes(self, name: str, pieces: Iterable[Array]) -> None:
        """Write bytes, a piece at a time."""
        with (self.folder / f"{name}.bin").open("wb") as file:
            for piece in pieces:
                file.write(piece.data)

    def get_bytes(self, name: str) -> Array:
        """Map bytes, read only. None cannot be mapped and are read."""
        path = self.folder / f"{name}.bin"
        if not path.stat().st_size:
            return np.empty(0, dtype=np.uint8)
        return np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)

    def put_table(self, name: str, table: pa.Table) -> None:
        """Write a table, uncompressed, in one batch."""
        whole = table.combine_chunks()
        with pa.OSFile(str(self.folder / f"{name}.arrow"), "wb") as file, pa.ipc.new_file(file, whole.schema) as out:
            out.write_table(whole, max_chunksize=max(1, whole.num_rows))

    def get_table(self, name: str) -> pa.Table:
        """Map a table."""
        return pa.ipc.open_file(pa.memory_map(str(self.folder / f"{name}.arrow"))).read_all()

    def put_facts(self, name: str, facts: object) -> None:
        """Write a small JSON value."""
        (self.folder / f"{name}.json").write_text(json.dumps(facts), encoding="utf-8")

    def get_facts(self, name: str) -> Any:  # a JSON value
        """Read a small JSON value."""
        return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
