"""This file knows what a checkpoint is: named tensors in files, read where they lie and never all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from graph.errors import Damaged

Values = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
MOST_TENSORS = 200_000
MOST_DIMENSIONS = 8
LARGEST_TENSOR = 2**40  # values; more is a hostile header


class DamagedCheckpoint(Damaged):
    """A checkpoint's file is not what its header says, or its header is not one."""

    def __init__(self, path: Path | str, what: str) -> None:
        super().__init__(f"{path}: {what}: fetch the file again, or leave it out")
        self.what = what


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: where its bytes lie and how they are to be read."""

    name: str
    dtype: str  # as safetensors spells it (F32, BF16, F8_E4M3 ...), or ggml's name of a block format (Q8_0, Q4_K ...)
    shape: tuple[int, ...]  # outermost dimension first
    path: Path
    offset: int  # bytes from the start of the file
    size_bytes: int

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def is_stack(self) -> bool:
        """Whether it is a stack of matrices, as of experts."""
        return len(self.shape) == 3

    @property
    def rows(self) -> int:
        """Number of rows; of a stack those of all its matrices."""
        return self.shape[0] * self.shape[1] if self.is_stack else self.shape[0]


Read = Callable[[Bytes, str, tuple[int, ...]], Values]
Part = tuple[Path, int, int]  # file, first byte, byte after the last


class Packed(Protocol):
    """A tensor whose rows are made of bytes of several places."""

    @property
    def beside_bytes(self) -> int:
        """Bytes of what lies beside its codes."""
        ...

    def parts(self, first: int, end: int) -> list[Part]:
        """The bytes that give rows ``first`` to ``end``."""
        ...

    def values(self, pieces: Sequence[Bytes], first: int, end: int) -> Values:
        """These rows from their bytes. Raises DamagedCheckpoint."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights of a model at one commit. ``tensors`` by name; ``decode`` turns bytes of a dtype into float32 values."""

    format: str  # "safetensors" | "gguf" | "onnx" | "torch"
    tensors: Mapping[str, Tensor]
    decode: Read
    metadata: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Callable[[], Values]] = field(
        default_factory=dict
    )  # values that are more than their bytes decoded
    packed: Mapping[str, Packed] = field(default_factory=dict)

    def raw(self, name: str) -> Bytes:
        """The bytes of a tensor, mapped. Shape: (size_bytes,)."""
        return mapped(self.tensors[name])

    def values(self, name: str) -> Values:
        """The values of a tensor as float32, in its shape. Needs 4 bytes a value."""
        if name in self.made:
            return self.made[name]()
        tensor = self.tensors[name]
        if name in self.packed:
            rows = 0, tensor.shape[0]
            return self.rows(name, [bytes_of(*part) for part in self.parts(name, *rows)], *rows)
        return self.decode(self.raw(name), tensor.dtype, tensor.shape)

    def parts(self, name: str, first: int, end: int) -> list[Part]:
        """The bytes that give rows ``first`` to ``end`` of a tensor that has any; of a stack of matrices rows go on."""
        if name in self.packed:
            return self.packed[name].parts(first, end)
        tensor = self.tensors[name]
        wide = tensor.size_bytes // tensor.rows
        return [(tensor.path, tensor.offset + first * wide, tensor.offset + end * wide)]

    def rows(self, name: str, pieces: Sequence[Bytes], first: int, end: int) -> Values:
        """These rows from the bytes of their parts. Shape: (end - first, ...)."""
        if name in self.packed:
            return self.packed[name].values(pieces, first, end)
        tensor = self.tensors[name]
        return self.decode(pieces[0], tensor.dtype, (end - first, *tensor.shape[2 if tensor.is_stack else 1 :]))

    @property
    def size_bytes(self) -> int:
        """Bytes of all tensors, and of what lies beside packed ones."""
        beside = sum(packed.beside_bytes for packed in self.packed.values())
        return sum(tensor.size_bytes for tensor in self.tensors.values()) + beside


def mapped(tensor: Tensor) -> Bytes:
    """The bytes of a tensor where they lie, mapped. Shape: (size_bytes,)."""
    return bytes_of(tensor.path, tensor.offset, tensor.offset + tensor.size_bytes)


def bytes_of(path: Path, begin: int, end: int) -> Bytes:
    """A part of a file where it lies, mapped. Shape: (end - begin,)."""
    if begin == end:
        return np.empty(0, dtype=np.uint8)
    found = np.memmap(path, dtype=np.uint8, mode="r", offset=begin, shape=(end - begin,))
    return found.view(np.ndarray)


def checked_shape(path: Path | str, name: str, shape: object) -> tuple[int, ...]:
    """A tensor's shape. Raises DamagedCheckpoint when it is none, or larger than any tensor is."""
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS:
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} has no shape of at most {MOST_DIMENSIONS} dimensions")
    if any(type(size) is not int or not 0 <= size <= LARGEST_TENSOR for size in shape):
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} has a dimension that is no size")
    if math.prod(shape) > LARGEST_TENSOR:
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} claims {math.prod(shape)} values")
    return tuple(shape)
