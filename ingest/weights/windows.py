"""This file knows how windows of a checkpoint's matrices are read without the rest: which bytes they are, and what these say.

The rows are those that a whole reading keeps (``ingest.weights.sample``), or the first of them where the bytes allow fewer. Within
a budget of bytes the windows of the smallest draws that fit are taken, so that of two models of one shape the smaller choice mostly
lies within the larger.

Of a matrix that lies turned, (in, out), each row has a value in every stored row: it takes all bytes of the matrix, or as many
requests as it has columns, and resolvers limit these. So its windows are those of any other layout, taken where the whole matrix
fits the budget; windows of one such matrix (query, key and value lie in one) cost its bytes once. Of GPT-2 (124 M weights as
float32, 2.4 to 9.4 MB a matrix) 2 MiB give the embeddings, 16 MiB some matrices of its layers too, 64 MiB all that are ever kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from ingest.weights.checkpoint import Bytes, Checkpoint, Part, Tensor, Values
from ingest.weights.exact import Described, identity_unread
from ingest.weights.member import BUDGET, Member, is_comparable
from ingest.weights.sample import Window, sampled
from ingest.weights.space import Place, places, shaped

Fetch = Callable[[Sequence[Part]], list[bytes]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One window, and the bytes that hold it. ``rows``: the stored rows in their order; None for all of a turned matrix."""

    place: Place
    tensor: Tensor
    rows: Sequence[int] | None
    window: Window
    parts: Sequence[Part]

    @property
    def size_bytes(self) -> int:
        """Bytes to read."""
        return sum(end - begin for _, begin, end in self.parts)

    @property
    def span(self) -> tuple[int, int]:
        """The first of the stored rows to read, and the one after the last."""
        return (0, self.tensor.shape[0]) if self.rows is None else (min(self.rows), max(self.rows) + 1)


def planned(checkpoint: Checkpoint, most_bytes: int, budget: int = BUDGET) -> list[Wanted]:
    """The windows to read, together at most ``most_bytes``; of ``budget`` values in a whole reading."""
    there = [
        place for place in places(checkpoint) if len(place.shape) == 2 and checkpoint.tensors[place.name].size_bytes
    ]
    chosen = sampled({place.role: place.shape for place in there}, min(budget, _values_in(checkpoint, most_bytes)))
    found = [
        _wanted(checkpoint, place, checkpoint.tensors[place.name], chosen[place.role])
        for place in there
        if place.role in chosen
    ]
    room = most_bytes
    kept: list[Wanted] = []
    read: set[str] = set()  # turned matrices that are read anyway
    for wanted in sorted(found, key=lambda wanted: wanted.window.draw):
        cost = 0 if wanted.tensor.name in read else wanted.size_bytes
        if cost <= room:
            room -= cost
            kept.append(wanted)
            if wanted.rows is None:
                read.add(wanted.tensor.name)
    return kept


def _values_in(checkpoint: Checkpoint, most_bytes: int) -> int:
    """How many values so many bytes hold, as its largest tensor is stored."""
    largest = max(checkpoint.tensors.values(), key=lambda tensor: tensor.count, default=None)
    return 0 if largest is None or not largest.size_bytes else most_bytes * largest.count // largest.size_bytes


def _wanted(checkpoint: Checkpoint, place: Place, tensor: Tensor, chosen: Window) -> Wanted:
    rows = None if place.turned else place.rows(chosen.begin, chosen.begin + chosen.rows)
    wanted = Wanted(place, tensor, rows, chosen, ())
    return replace(wanted, parts=checkpoint.parts(tensor.name, *wanted.span))


def windows(checkpoint: Checkpoint, wanted: Sequence[Wanted], fetch: Fetch) -> dict[str, Values]:
    """The windows by role, (rows, in) float32; those that cannot be compared are left out. One call of ``fetch``."""
    scales = sorted({each.place.scale.name for each in wanted if each.place.scale is not None})
    tensors = [checkpoint.tensors[name] for name in scales]
    parts = [part for each in wanted for part in each.parts]
    scale_parts = [(tensor.path, tensor.offset, tensor.offset + tensor.size_bytes) for tensor in tensors]
    pieces = [np.frombuffer(piece, dtype=np.uint8) for piece in fetch([*parts, *scale_parts])]
    factors = {
        tensor.name: checkpoint.decode(piece, tensor.dtype, tensor.shape)
        for tensor, piece in zip(tensors, pieces[len(parts) :], strict=True)
    }
    found: dict[str, Values] = {}
    ahead = iter(pieces)
    for each in wanted:
        values = _values(checkpoint, each, list(islice(ahead, len(each.parts))), factors)
        if is_comparable(values):
            found[each.place.role] = np.ascontiguousarray(values, dtype=np.float32)
    return found


def _values(
    checkpoint: Checkpoint,
    wanted: Wanted,
    pieces: Sequence[Bytes],
    factors: Mapping[str, Values],
) -> Values:
    place, tensor = wanted.place, wanted.tensor
    there = checkpoint.rows(tensor.name, pieces, *wanted.span)
    begin, end = wanted.window.begin, wanted.window.begin + wanted.window.rows
    if wanted.rows is None:
        if place.scale is not None:
            there = there * shaped(factors[place.scale.name], place.scale, tensor.shape)
        return there.T[place.rows(begin, end)]
    values: Values = there[np.asarray(wanted.rows) - wanted.span[0]]
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
