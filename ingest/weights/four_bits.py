"""This file knows weights that bitsandbytes packed in four bits (NF4, FP4): codes, what they stand for, and their scales.

Of a matrix ``W``: ``W`` holds n / 2 bytes, two codes each, the first in the upper half; ``W.quant_map`` the value of each of the 16
codes; ``W.quant_state.bitsandbytes__nf4`` a JSON object with the shape and the sizes of blocks. With c_i the value of code i and
b(i) its block,

    v_i = c_i a_b(i),   a = W.absmax, or where that is bytes   a_b = nested_map[absmax_b] nested_absmax_b'(b) + nested_offset

(Dettmers et al. 2023, arXiv 2305.14314: block of 64 values, scales in blocks of 256.) Some rows need their codes, the scales of
their blocks, and the few bytes of the maps and of the state.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ingest.weights.checkpoint import (
    Bytes,
    Checkpoint,
    DamagedCheckpoint,
    Part,
    Tensor,
    Values,
    bytes_of,
    checked_shape,
)
from ingest.weights.formats import WIDTH, decoded

STATE: Final = ".quant_state.bitsandbytes__"
_LONGEST_STATE = 100_000  # bytes
_LARGEST_BLOCK = 2**20
_BESIDE = ("absmax", "quant_map", "nested_absmax", "nested_quant_map")
_NUMBER = re.compile(r"\d+")
ReadParts = Callable[[Sequence[Part]], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class _State:
    """What the state of one matrix says."""

    shape: tuple[int, ...]
    block: int
    nested_block: int
    nested_offset: float


@dataclass(frozen=True, slots=True)
class FourBits:
    """One packed matrix: the layout of its state, and where its parts lie."""

    told: _State
    state: Tensor
    codes: Tensor
    beside: Mapping[str, Tensor]  # by the names of ``_BESIDE``

    @property
    def beside_bytes(self) -> int:
        """Bytes of scales, maps and state."""
        return self.state.size_bytes + sum(tensor.size_bytes for tensor in self.beside.values())

    def parts(self, first: int, end: int) -> list[Part]:
        """The bytes that give rows ``first`` to ``end``: of the codes, the state, and what lies beside, by name."""
        begin, after = self._values_of(first, end)
        blocks = begin // self.told.block, -(-after // self.told.block)
        found = [_items(self.codes, begin // 2, -(-after // 2)), _items(self.state, 0, self.state.count)]
        for name, tensor in sorted(self.beside.items()):
            if name == "absmax":
                found.append(_items(tensor, *blocks))
            elif name == "nested_absmax":
                found.append(_items(tensor, *self._nested(*blocks)))
            else:
                found.append(_items(tensor, 0, tensor.count))
        return found

    def values(self, pieces: Sequence[Bytes], first: int, end: int) -> Values:
        """These rows from their bytes. Shape: (end - first, ...). Raises DamagedCheckpoint."""
        told = _said(self.state, bytes(pieces[1]))
        if replace(told, nested_offset=0.0) != replace(self.told, nested_offset=0.0):
            raise DamagedCheckpoint(
                self.state.path, f"tensor {self.state.name[:80]!r} says another layout than its like"
            )
        names = sorted(self.beside)
        part = {
            name: decoded(piece, self.beside[name].dtype, (-1,)) for name, piece in zip(names, pieces[2:], strict=True)
        }
        begin, after = self._values_of(first, end)
        block, nested = begin // told.block, self._nested(begin // told.block, -(-after // told.block))[0]
        scales = part["absmax"]
        if "nested_absmax" in part:
            outer = np.repeat(part["nested_absmax"], told.nested_block)[block - nested * told.nested_block :]
            scales = part["nested_quant_map"][scales.astype(np.uint8)] * outer[: len(scales)]
            scales = scales + np.float32(told.nested_offset)
        codes = np.stack([pieces[0] >> 4, pieces[0] & 15], axis=1).reshape(-1)[begin % 2 :][: after - begin]
        each = np.repeat(scales, told.block)[begin - block * told.block :][: after - begin]
        values: Values = part["quant_map"][codes] * each
        return values.reshape(end - first, *told.shape[1:])

    def _values_of(self, first: int, end: int) -> tuple[int, int]:
        wide = math.prod(self.told.shape[1:])
        return first * wide, end * wide

    def _nested(self, first: int, end: int) -> tuple[int, int]:
        """The scales of scales of these blocks."""
        return first // self.told.nested_block, -(-end // self.told.nested_block)


def unpacked(checkpoint: Checkpoint, read: ReadParts | None = None) -> Checkpoint:
    """The same checkpoint with matrices in place of codes; what lies beside them is gone. Raises DamagedCheckpoint.

    ``read``: how bytes are read that tell shapes, where files do not lie on disk. Matrices whose names differ only in numbers, and
    which have as many codes and scales, have one shape, and one is asked for all: a model of many layers needs a handful of parts.
    """
    tensors, packed = dict(checkpoint.tensors), dict(checkpoint.packed)
    found: dict[str, tuple[Tensor, Tensor, dict[str, Tensor]]] = {}
    for name in [name for name in checkpoint.tensors if STATE in name]:
        matrix = name.partition(STATE)[0]
        beside = {part: tensor for part in _BESIDE if (tensor := tensors.pop(f"{matrix}.{part}", None)) is not None}
        state, codes = tensors.pop(name), tensors.get(matrix)
        if codes is None:
            raise _misfit(state)
        if state.size_bytes > _LONGEST_STATE:
            raise DamagedCheckpoint(state.path, f"tensor {name[:80]!r} is too long for what it says")
        found[matrix] = state, codes, beside
    likes = {_like(*each): each[0] for each in found.values()}
    pieces = (read or _from_disk)([_items(state, 0, state.count) for state in likes.values()])
    told = {like: _said(state, piece) for (like, state), piece in zip(likes.items(), pieces, strict=True)}
    for matrix, (state, codes, beside) in found.items():
        packing = FourBits(told[_like(state, codes, beside)], state, codes, beside)
        if not _fits(packing):
            raise _misfit(state)
        kind = state.name.partition(STATE)[2].upper()
        tensors[matrix] = replace(codes, dtype=kind, shape=packing.told.shape)
        packed[matrix] = packing
    return replace(checkpoint, tensors=dict(sorted(tensors.items())), packed=packed)


def _like(state: Tensor, codes: Tensor, beside: Mapping[str, Tensor]) -> tuple[object, ...]:
    """What matrices of one shape have in common."""
    return (
        _NUMBER.sub("#", state.name),
        codes.count,
        *((name, tensor.count) for name, tensor in sorted(beside.items())),
    )


def _from_disk(parts: Sequence[Part]) -> Sequence[bytes]:
    return [bytes_of(*part).tobytes() for part in parts]


def _items(tensor: Tensor, first: int, end: int) -> Part:
    """The bytes of some items of a tensor."""
    wide = WIDTH[tensor.dtype]
    return tensor.path, tensor.offset + first * wide, tensor.offset + end * wide


def _said(state: Tensor, text: bytes) -> _State:
    name, path = state.name, state.path
    try:
        said: dict[str, Any] = json.loads(text)
        block, nested = said["blocksize"], said.get("nested_blocksize", 1)
        offset = float(said.get("nested_offset", 0.0))
        shape = checked_shape(path, name, said["shape"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} does not say how it was packed") from error
    if any(type(size) is not int or not 1 <= size <= _LARGEST_BLOCK for size in (block, nested)):
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} says blocks of {block} and {nested}")
    return _State(shape, block, nested, offset)


def _fits(packing: FourBits) -> bool:
    """Whether all parts are there in the sizes that the shape asks for."""
    count = math.prod(packing.told.shape)
    blocks = -(-count // packing.told.block)
    expected = {"absmax": blocks, "quant_map": 16}
    is_nested = "nested_absmax" in packing.beside or "nested_quant_map" in packing.beside
    if is_nested:
        expected |= {"nested_absmax": -(-blocks // packing.told.nested_block), "nested_quant_map": 256}
    return (
        bool(packing.told.shape)
        and packing.codes.dtype == "U8"
        and packing.codes.size_bytes == -(-count // 2)
        and {name: tensor.count for name, tensor in packing.beside.items()} == expected
        and (packing.beside["absmax"].dtype == "U8") is is_nested
    )


def _misfit(state: Tensor) -> DamagedCheckpoint:
    return DamagedCheckpoint(state.path, f"what tensor {state.name[:80]!r} says does not fit the tensors beside it")
