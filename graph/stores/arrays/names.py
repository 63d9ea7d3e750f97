"""This file knows names: where a name's row is, what a row's name is, and which rows have a text in their name.

Look-up is by CRC-32 of the UTF-8 bytes in a sorted array; rows whose hash is equal are compared by the caller, so a collision
costs time and never a wrong answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from zlib import crc32

import numpy as np
import polars as pl

from graph.groups import starts
from graph.stores.arrays.shelf import Array, Shelf

_AT_ONCE = 200_000  # texts that are Python's own at one time


def folded(names: pl.Series) -> pl.Series:
    """Names as ``str.lower`` gives them, which is how what is asked is folded."""
    low = names.str.to_lowercase()
    odd = names.str.len_bytes() != names.str.len_chars()  # only beyond ASCII could the two differ
    if odd.any():
        low = low.scatter(odd.arg_true(), [name.lower() for name in names.filter(odd).to_list()])
    return low


class Lookup:
    """Rows by the hash of a text."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._hashes = shelf.get(f"{name}_hash")
        self._rows = shelf.get(f"{name}_row")

    @staticmethod
    def build(shelf: Shelf, name: str, texts: pl.Series) -> None:
        """Write the look-up of these texts; their places are their rows, None has none."""
        rows = np.flatnonzero(texts.is_not_null().to_numpy()).astype(np.uint64)
        known = texts.drop_nulls().cast(pl.Binary)
        words = np.empty(
            len(rows), dtype=np.uint64
        )  # the hash and the row in one: sorted so, they are by hash, then by row
        for at in range(0, len(rows), _AT_ONCE):
            piece = known.slice(at, _AT_ONCE).to_list()
            words[at : at + len(piece)] = np.fromiter(map(crc32, piece), dtype=np.uint64, count=len(piece))
        words <<= np.uint64(32)
        words |= rows
        words.sort()
        shelf.put(f"{name}_hash", (words >> np.uint64(32)).astype(np.uint32))
        shelf.put(f"{name}_row", (words & np.uint64(0xFFFF_FFFF)).astype(np.int32))

    def candidates(self, text: str) -> Iterator[int]:
        """Rows whose text may be this one, in order of rows."""
        value = np.uint32(crc32(text.encode("utf-8", "surrogatepass")))
        low = int(np.searchsorted(self._hashes, value, side="left"))
        while low < len(self._hashes) and self._hashes[low] == value:
            yield int(self._rows[low])
            low += 1


class Texts:
    """Many texts in one buffer, each after the other with a line end between."""

    def __init__(self, shelf: Shelf, name: str, *, search: bool = False) -> None:
        self._offsets = shelf.get(f"{name}_offsets")
        mapped = shelf.get_bytes(name)
        self._bytes: bytes | memoryview = mapped.tobytes() if search else mapped.data

    @staticmethod
    def build(shelf: Shelf, name: str, texts: pl.Series) -> None:
        """Write the buffer of these texts; none is null."""
        Texts.build_from(shelf, name, [texts])

    @staticmethod
    def build_from(shelf: Shelf, name: str, texts: Iterable[pl.Series]) -> None:
        """Write the buffer of texts that come in pieces; each piece is let go before the next is asked for."""
        ends: list[Array] = [np.zeros(1, dtype=np.int64)]

        def pieces() -> Iterator[Array]:
            for piece in texts:
                offsets, data = _lines(piece)
                ends.append(ends[-1][-1] + offsets[1:])
                yield data

        shelf.put_bytes(name, pieces())
        shelf.put(f"{name}_offsets", np.concatenate(ends))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: int) -> str:
        return str(self._bytes[self._offsets[row] : self._offsets[row + 1] - 1], "utf-8")

    def many(self, rows: Array) -> list[str]:
        """The texts of these rows."""
        return [str(text, "utf-8") for text in self.raw(rows)]

    def raw(self, rows: Array) -> list[bytes | memoryview]:
        """The texts of these rows as UTF-8, not copied."""
        begin, end = self._offsets[rows].tolist(), (self._offsets[rows + 1] - 1).tolist()
        data = self._bytes
        return [data[a:b] for a, b in zip(begin, end, strict=True)]

    def place(self, text: str) -> int:
        """Where ``text`` is or would be among texts that are sorted by their bytes."""
        low, high = 0, len(self)
        wanted = text.encode("utf-8", "surrogatepass")
        while low < high:
            middle = (low + high) // 2
            if bytes(self._bytes[self._offsets[middle] : self._offsets[middle + 1] - 1]) < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def containing(self, part: str, start: int = 0) -> Iterator[int]:
        """Rows from ``start`` on whose text contains ``part``, in order. Needs ``search``."""
        data, offsets = self._bytes, self._offsets
        if not isinstance(data, bytes):
            raise TypeError("texts were not opened for search")
        wanted = part.encode("utf-8", "surrogatepass")
        if b"\n" in wanted or start >= len(self):
            return
        at = data.find(wanted, int(offsets[start]))
        locate: Callable[..., np.intp] = offsets.searchsorted
        while at >= 0:
            row = int(locate(at, side="right")) - 1
            yield row
            at = data.find(wanted, int(offsets[row + 1]))

    def all_containing(self, part: str) -> Array:
        """All rows whose text contains ``part``, ascending: what ``containing`` gives, several times as fast. Needs ``search``."""
        data = self._bytes
        if not isinstance(data, bytes):
            raise TypeError("texts were not opened for search")
        wanted = part.encode("utf-8", "surrogatepass")
        if b"\n" in wanted or not len(self):
            return np.empty(0, dtype=np.int64)
        if not wanted:
            return np.arange(len(self))
        hits = np.fromiter((found.start() for found in re.finditer(re.escape(wanted), data)), dtype=np.int64)
        rows = np.searchsorted(self._offsets, hits, side="right") - 1
        return rows[np.flatnonzero(np.diff(rows, prepend=-1))]


def _lines(texts: pl.Series) -> tuple[Array, Array]:
    """(where each line begins, and where the last ends; the bytes) of texts as lines."""
    if not len(texts):
        return np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.uint8)
    lines = (texts + "\n").rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[lines.offset : lines.offset + len(lines) + 1]
    return ends - ends[0], np.frombuffer(data, dtype=np.uint8)[int(ends[0]) : int(ends[-1])]


class Names:
    """Names and the number of each, in any case."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._texts, self._by_folded = Texts(shelf, name), Lookup(shelf, name)

    @staticmethod
    def build(shelf: Shelf, name: str, texts: pl.Series) -> None:
        """Write these names; their places are their numbers."""
        Texts.build(shelf, name, texts)
        Lookup.build(shelf, name, folded(texts))

    def number(self, text: str) -> int | None:
        """The number of that name, else of the first that differs in case alone."""
        low = text.lower()
        same = [number for number in self._by_folded.candidates(low) if self._texts[number].lower() == low]
        exact = [number for number in same if self._texts[number] == text]
        return exact[0] if exact else same[0] if same else None


class Groups:
    """Rows by a group's number: compressed rows."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self.offsets = shelf.get(f"{name}_offsets")
        self.rows = shelf.get(f"{name}_rows")

    @staticmethod
    def build(shelf: Shelf, name: str, groups: Array, rows: Array, count: int) -> None:
        """Write the rows of ``count`` groups; pairs (group, row) in any order; each group's rows end up sorted."""
        order = np.lexsort((rows, groups))
        shelf.put(f"{name}_offsets", starts(groups, count))
        shelf.put(f"{name}_rows", rows[order].astype(np.int32))

    def of(self, group: int) -> Array:
        """The rows of one group, ascending."""
        return self.rows[int(self.offsets[group]) : int(self.offsets[group + 1])]
