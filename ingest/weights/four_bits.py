"""This file knows weights that bitsandbytes packed in four bits (NF4, FP4): codes, what they stand for, and their scales.

Of a matrix ``W``: ``W`` holds n / 2 bytes, two codes each, the first in the upper half; ``W.quant_map`` the value of each of the 16
codes; ``W.quant_state.bitsandbytes__nf4`` a JSON object with the shape and the sizes of blocks. With c_i the value of code i and
b(i) its block,

    v_i = c_i a_b(i),   a = W.absmax, or where that is bytes   a_b = nested_map[absmax_b] nested_absmax_b'(b) + nested_offset

(Dettmers et al. 2023, arXiv 2305.14314: block of 64 values, scales in blocks of 256.)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from ingest.weights.checkpoint import Checkpoint, DamagedCheckpoint, Tensor, Values, checked_shape

STATE: Final = ".quant_state.bitsandbytes__"
_LONGEST_STATE = 100_000  # bytes
_LARGEST_BLOCK = 2**20
_BESIDE = ("absmax", "quant_map", "nested_absmax", "nested_quant_map")


@dataclass(frozen=True, slots=True)
class _Packing:
    """What the state of one matrix says."""

    shape: tuple[int, ...]
    block: int
    nested_block: int
    nested_offset: float


def is_packed(names: Mapping[str, Tensor]) -> bool:
    """Whether some matrix is packed."""
    return any(STATE in name for name in names)


def unpacked(checkpoint: Checkpoint) -> Checkpoint:
    """The same checkpoint with matrices in place of codes; what lies beside them is gone. Raises DamagedCheckpoint."""
    tensors, made = dict(checkpoint.tensors), dict(checkpoint.made)
    for name in [name for name in checkpoint.tensors if STATE in name]:
        matrix, _, kind = name.partition(STATE)
        packing = _packing(checkpoint, name)
        beside = {part: tensors.pop(f"{matrix}.{part}", None) for part in _BESIDE}
        del tensors[name]
        codes = checkpoint.tensors.get(matrix)
        _check(checkpoint, name, packing, codes, beside)
        if codes is not None:
            tensors[matrix] = Tensor(matrix, kind.upper(), packing.shape, codes.path, codes.offset, codes.size_bytes)
            made[matrix] = partial(_values, checkpoint, matrix, packing, nested=beside["nested_absmax"] is not None)
    return replace(checkpoint, tensors=dict(sorted(tensors.items())), made=made)


def _packing(checkpoint: Checkpoint, name: str) -> _Packing:
    tensor = checkpoint.tensors[name]
    if tensor.size_bytes > _LONGEST_STATE:
        raise DamagedCheckpoint(tensor.path, f"tensor {name[:80]!r} is too long for what it says")
    try:
        said: dict[str, Any] = json.loads(checkpoint.raw(name).tobytes())
        block, nested = said["blocksize"], said.get("nested_blocksize", 1)
        offset = float(said.get("nested_offset", 0.0))
        shape = checked_shape(tensor.path, name, said["shape"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedCheckpoint(tensor.path, f"tensor {name[:80]!r} does not say how it was packed") from error
    if any(type(size) is not int or not 1 <= size <= _LARGEST_BLOCK for size in (block, nested)):
        raise DamagedCheckpoint(tensor.path, f"tensor {name[:80]!r} says blocks of {block} and {nested}")
    return _Packing(shape, block, nested, offset)


def _check(
    checkpoint: Checkpoint, name: str, packing: _Packing, codes: Tensor | None, beside: Mapping[str, Tensor | None]
) -> None:
    """Raise DamagedCheckpoint unless all parts are there in the sizes that the shape asks for."""
    count = math.prod(packing.shape)
    blocks = -(-count // packing.block)
    expected = {"absmax": blocks, "quant_map": 16}
    if beside["nested_absmax"] is not None or beside["nested_quant_map"] is not None:
        expected |= {"nested_absmax": -(-blocks // packing.nested_block), "nested_quant_map": 256}
    fits = codes is not None and codes.dtype == "U8" and codes.size_bytes == -(-count // 2)
    for part, size in expected.items():
        tensor = beside[part]
        fits = fits and tensor is not None and tensor.count == size
    absmax = beside["absmax"]
    if not fits or (absmax is not None and (absmax.dtype == "U8") is not (len(expected) == 4)):
        where = checkpoint.tensors[name].path
        raise DamagedCheckpoint(where, f"what tensor {name[:80]!r} says does not fit the tensors beside it")


def _values(checkpoint: Checkpoint, matrix: str, packing: _Packing, *, nested: bool) -> Values:
    def part(name: str) -> Values:
        return checkpoint.values(f"{matrix}.{name}").reshape(-1)

    count = math.prod(packing.shape)
    scales = part("absmax")
    if nested:
        outer = np.repeat(part("nested_absmax"), packing.nested_block)[: len(scales)]
        scales = part("nested_quant_map")[scales.astype(np.uint8)] * outer + np.float32(packing.nested_offset)
    raw = checkpoint.raw(matrix)
    codes = np.stack([raw >> 4, raw & 15], axis=1).reshape(-1)[:count]
    values: Values = part("quant_map")[codes] * np.repeat(scales, packing.block)[:count]
    return values.reshape(packing.shape)
