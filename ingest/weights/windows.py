"""This file knows how windows of a checkpoint's matrices are read without the rest: which bytes they are, and what these say.

The rows are those that a whole reading keeps (``member.window``). Within a budget of bytes the windows of the smallest draws are
taken, so that of two models of one shape the smaller choice lies within the larger. Matrices that lie turned, (in, out), would need
all their bytes for a few rows; they are left out unless they fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.weights.checkpoint import Checkpoint, Tensor, Values
from ingest.weights.exact import Described, identity_unread
from ingest.weights.member import BUDGET, Member, Window, is_comparable, window
from ingest.weights.space import Place, places, shaped

Part = tuple[Path, int, int]  # file, first byte, byte after the last
Fetch = Callable[[Sequence[Part]], list[bytes]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One window, and the bytes that hold it. ``rows``: the stored rows in their order; None for all of a turned matrix."""

    place: Place
    tensor: Tensor
    rows: Sequence[int] | None
    window: Window
    part: Part

    @property
    def size_bytes(self) -> int:
        """Bytes to read."""
        return self.part[2] - self.part[1]


def planned(checkpoint: Checkpoint, most_bytes: int, budget: int = BUDGET) -> list[Wanted]:
    """The windows to read, together at most ``most_bytes``; of ``budget`` values in a whole reading."""
    whole = sum(tensor.count for tensor in checkpoint.tensors.values())
    found: list[Wanted] = []
    for place in places(checkpoint):
        tensor = checkpoint.tensors[place.name]
        if len(place.shape) != 2 or not tensor.size_bytes:
            continue
        chosen = window(place.role, place.shape, whole, budget)
        if chosen is not None:
            found.append(_wanted(place, tensor, chosen))
    room = most_bytes
    kept: list[Wanted] = []
    for wanted in sorted(found, key=lambda wanted: wanted.window.draw):
        if wanted.size_bytes <= room:
            room -= wanted.size_bytes
            kept.append(wanted)
    return kept


def _wanted(place: Place, tensor: Tensor, chosen: Window) -> Wanted:
    if place.turned:
        return Wanted(place, tensor, None, chosen, (tensor.path, tensor.offset, tensor.offset + tensor.size_bytes))
    rows = place.rows(chosen.begin, chosen.begin + chosen.rows)
    wide = tensor.size_bytes // tensor.shape[0]
    first, last = tensor.offset + min(rows) * wide, tensor.offset + (max(rows) + 1) * wide
    return Wanted(place, tensor, rows, chosen, (tensor.path, first, last))


def windows(checkpoint: Checkpoint, wanted: Sequence[Wanted], fetch: Fetch) -> dict[str, Values]:
    """The windows by role, (rows, in) float32; those that cannot be compared are left out. One call of ``fetch``."""
    scales = sorted({each.place.scale.name for each in wanted if each.place.scale is not None})
    tensors = [checkpoint.tensors[name] for name in scales]
    parts = [each.part for each in wanted]
    parts += [(tensor.path, tensor.offset, tensor.offset + tensor.size_bytes) for tensor in tensors]
    pieces = fetch(parts)
    factors = {
        tensor.name: checkpoint.decode(np.frombuffer(piece, dtype=np.uint8), tensor.dtype, tensor.shape)
        for tensor, piece in zip(tensors, pieces[len(wanted) :], strict=True)
    }
    found: dict[str, Values] = {}
    for each, piece in zip(wanted, pieces, strict=False):
        values = _values(checkpoint, each, np.frombuffer(piece, dtype=np.uint8), factors)
        if is_comparable(values):
            found[each.place.role] = np.ascontiguousarray(values, dtype=np.float32)
    return found


def _values(
    checkpoint: Checkpoint,
    wanted: Wanted,
    raw: np.ndarray[tuple[int], np.dtype[np.uint8]],
    factors: Mapping[str, Values],
) -> Values:
    place, tensor = wanted.place, wanted.tensor
    begin, end = wanted.window.begin, wanted.window.begin + wanted.window.rows
    if wanted.rows is None:
        values: Values = checkpoint.decode(raw, tensor.dtype, tensor.shape)
        if place.scale is not None:
            values = values * shaped(factors[place.scale.name], place.scale, tensor.shape)
        return values.T[place.first + begin : place.first + end]
    first = min(wanted.rows)
    there = checkpoint.decode(raw, tensor.dtype, (max(wanted.rows) + 1 - first, *tensor.shape[1:]))
    values = there[np.asarray(wanted.rows) - first]
    if place.scale is not None:
        values = values * shaped(factors[place.scale.name], place.scale, tensor.shape, wanted.rows)
    return values


def windowed_member(id: str, checkpoint: Checkpoint, matrices: Mapping[str, Values]) -> Member:
    """A model of which the header and some windows were read."""
    described = tuple(
        Described(place.role, place.shape, checkpoint.tensors[place.name].dtype) for place in places(checkpoint)
    )
    whose = identity_unread(described)
    return Member(id, whose.dtype, matrices, whose, (), None, True, dict(checkpoint.metadata), described)
