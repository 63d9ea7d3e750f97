"""This file knows ONNX: where its initialisers lie, and what gives their values. Messages are parsed by the ``onnx`` package,
piece by piece; the outer layers are walked here, within bounds, because no parser tells at which byte a tensor begins: so weights
are mapped and never copied whole.

Values are (stored - zero) * scale where the graph says so, and matrices are turned to (out, in). What is one value, or whole
numbers that nothing scales, is the graph's own bookkeeping and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from graph.errors import BadInput
from ingest.weights.checkpoint import MOST_TENSORS, Checkpoint, DamagedCheckpoint, Tensor, Values, checked_shape, mapped
from ingest.weights.formats import FLOATS, WIDTH, decoded
from ingest.weights.onnx_graph import Graph, Node, Use

LARGEST_FILE = 2**31 - 1  # bytes; what one protocol buffer may be
MOST_PARTS = 3_000_000  # fields that are looked at
MOST_NODES = 300_000
LARGEST_GRAPH = 64_000_000  # bytes of everything that is no tensor's data
LONGEST_PIECE = 1_000_000  # bytes of one node or one tensor's description
_DTYPES = {
    "FLOAT": "F32", "DOUBLE": "F64", "FLOAT16": "F16", "BFLOAT16": "BF16", "FLOAT8E4M3FN": "F8_E4M3", "FLOAT8E5M2": "F8_E5M2",
    "INT8": "I8", "UINT8": "U8", "INT16": "I16", "UINT16": "U16", "INT32": "I32", "UINT32": "U32", "INT64": "I64", "UINT64": "U64",
    "BOOL": "BOOL",
}  # fmt: skip
_LAID_OUT = {
    "raw_data": None,
    "float_data": "F32",
    "double_data": "F64",
}  # fields that hold values as a file does, and of what
_LISTED = ("int32_data", "int64_data", "uint64_data")  # fields that hold them as numbers of varying length
_NOT_WEIGHTS = ("STRING", "COMPLEX64", "COMPLEX128")
_BYTES = 2  # the wire type of texts, messages and packed numbers


class _Wire:
    """The fields of a protocol buffer in a file, within bounds. Positions are bytes from the start of the file."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size, self.parts, self.room = path, size, MOST_PARTS, LARGEST_GRAPH
        self.data = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray).data if size else memoryview(b"")

    def fields(self, begin: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
        """(number, wire type, where its tag begins, where its value begins, where it ends). Raises DamagedCheckpoint."""
        at = begin
        while at < end:
            self.parts -= 1
            if self.parts < 0:
                raise DamagedCheckpoint(self.path, f"it has more than {MOST_PARTS} parts")
            tag, value = self._number(at, end)
            number, kind = tag >> 3, tag & 7
            if kind == 0:
                last = self._number(value, end)[1]
            elif kind == _BYTES:
                length, value = self._number(value, end)
                last = value + length
            elif kind in (1, 5):
                last = value + (8 if kind == 1 else 4)
            else:
                raise DamagedCheckpoint(self.path, f"it is not ONNX at byte {at}")
            if last > end or not number:
                raise DamagedCheckpoint(self.path, f"it ends within a part that begins at byte {at}")
            yield number, kind, at, value, last
            at = last

    def _number(self, at: int, end: int) -> tuple[int, int]:
        """(a number of varying length, the byte after it)."""
        found = 0
        for place in range(10):
            if at + place >= end:
                break
            byte = self.data[at + place]
            found |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return found, at + place + 1
        raise DamagedCheckpoint(self.path, f"it ends within a number at byte {at}")

    def take(self, begin: int, end: int) -> bytes:
        """A copy of a small piece."""
        self.room -= end - begin
        if end - begin > LONGEST_PIECE or self.room < 0:
            raise DamagedCheckpoint(self.path, f"the piece at byte {begin} is larger than any graph's")
        return bytes(self.data[begin:end])


def _text(said: str | bytes) -> str:
    """A text of a message; the parser leaves what is not UTF-8 as bytes."""
    return said if isinstance(said, str) else said.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Stored:
    """A tensor as the file holds it. ``listed``: its whole message, where values are written as numbers of varying length."""

    tensor: Tensor
    listed: tuple[int, int] | None = None


class _Reader:
    """Reads one file's graph."""

    def __init__(self, path: Path, wire: _Wire, onnx: ModuleType) -> None:
        self.path, self.wire, self.onnx = path, wire, onnx
        self.stored: dict[str, _Stored] = {}
        self.nodes: list[Node] = []
        tensor = onnx.TensorProto.DESCRIPTOR.fields_by_name
        self._laid_out = {tensor[name].number: dtype for name, dtype in _LAID_OUT.items()}
        self._listed = [tensor[name].number for name in _LISTED]
        self._attribute, self._inner = self.number_of("NodeProto", "attribute"), self.number_of("AttributeProto", "t")

    def number_of(self, message: str, field: str) -> int:
        """The number of a message's field."""
        return int(getattr(self.onnx, message).DESCRIPTOR.fields_by_name[field].number)

    def read(self) -> None:
        """All nodes and tensors of the main graph. Raises DamagedCheckpoint, BadInput."""
        graph, node = self.number_of("ModelProto", "graph"), self.number_of("GraphProto", "node")
        initializer = self.number_of("GraphProto", "initializer")
        graphs = [
            field[3:] for field in self.wire.fields(0, self.wire.size) if field[0] == graph and field[1] == _BYTES
        ]
        if len(graphs) != 1:
            raise DamagedCheckpoint(self.path, f"it holds {len(graphs)} graphs")
        for number, kind, _, begin, end in self.wire.fields(*graphs[0]):
            if kind == _BYTES and number == node:
                self._node(begin, end)
            elif kind == _BYTES and number == initializer:
                self._tensor(begin, end)

    def _parsed(self, message: str, data: bytes) -> Any:
        try:
            return getattr(self.onnx, message).FromString(data)
        except Exception as error:  # protobuf's own, and what its texts raise
            raise DamagedCheckpoint(self.path, f"a {message} in it cannot be parsed") from error

    def _node(self, begin: int, end: int) -> None:
        if len(self.nodes) >= MOST_NODES:
            raise DamagedCheckpoint(self.path, f"its graph has more than {MOST_NODES} nodes")
        rest = bytearray()
        inside: list[tuple[int, int]] = []
        for number, kind, tag, first, last in self.wire.fields(begin, end):
            held = []
            if number == self._attribute and kind == _BYTES:
                held = [
                    field[3:]
                    for field in self.wire.fields(first, last)
                    if field[0] == self._inner and field[1] == _BYTES
                ]
            if held:
                inside += held
            else:
                rest += self.wire.take(tag, last)
        said = self._parsed("NodeProto", bytes(rest))
        numbers = {_text(each.name): each.i for each in said.attribute if each.type == self.onnx.AttributeProto.INT}
        perm = next((tuple(each.ints) for each in said.attribute if each.name == "perm"), ())
        inputs, outputs = tuple(map(_text, said.input)), tuple(map(_text, said.output))
        self.nodes.append(Node(_text(said.op_type), _text(said.name), inputs, outputs, numbers, perm))
        if said.op_type == "Constant" and len(inside) == 1 and outputs:
            self._tensor(*inside[0], outputs[0])

    def _tensor(self, begin: int, end: int, name: str | None = None) -> None:
        rest = bytearray()
        laid_out: dict[int, tuple[int, int]] = {}
        listed = False
        for number, kind, tag, first, last in self.wire.fields(begin, end):
            if number in self._laid_out and kind == _BYTES:
                if number in laid_out:
                    raise DamagedCheckpoint(self.path, f"the tensor at byte {begin} has data twice")
                laid_out[number] = (first, last)
            elif number in self._laid_out or number in self._listed:
                listed = True
            else:
                rest += self.wire.take(tag, last)
        said = self._parsed("TensorProto", bytes(rest))
        name = _text(said.name) if name is None else name
        try:
            kind_of = str(self.onnx.TensorProto.DataType.Name(said.data_type))
        except ValueError:
            raise DamagedCheckpoint(self.path, f"tensor {name[:80]!r} has the unknown type {said.data_type}") from None
        if kind_of in _NOT_WEIGHTS:
            return
        if kind_of not in _DTYPES:
            raise BadInput(
                f"{self.path}: tensor {name[:80]!r} holds {kind_of}, which is not read yet: give a file of another precision"
            )
        if name in self.stored or len(self.stored) >= MOST_TENSORS:
            raise DamagedCheckpoint(self.path, f"tensor {name[:80]!r} is there twice, or there are too many")
        dtype, shape = _DTYPES[kind_of], checked_shape(self.path, name, list(said.dims))
        if said.data_location == self.onnx.TensorProto.EXTERNAL:
            facts = {_text(entry.key): _text(entry.value) for entry in said.external_data}
            self.stored[name] = _Stored(self._beside(name, dtype, shape, facts))
            return
        for number, (first, last) in laid_out.items():
            if self._laid_out[number] in (None, dtype) and (last > first or not listed):
                tensor = Tensor(name, dtype, shape, self.path, first, last - first)
                if tensor.count * WIDTH[dtype] != tensor.size_bytes:
                    raise DamagedCheckpoint(
                        self.path, f"tensor {name[:80]!r} has {tensor.size_bytes} bytes for {tensor.count} {dtype}"
                    )
                self.stored[name] = _Stored(tensor)
                return
        tensor = Tensor(name, dtype, shape, self.path, begin, end - begin if listed else 0)
        if tensor.count > tensor.size_bytes:  # the shortest number takes a byte
            raise DamagedCheckpoint(
                self.path, f"tensor {name[:80]!r} has {tensor.size_bytes} bytes for {tensor.count} {dtype}"
            )
        self.stored[name] = _Stored(tensor, (begin, end) if listed else None)

    def _beside(self, name: str, dtype: str, shape: tuple[int, ...], facts: dict[str, str]) -> Tensor:
        """A tensor in another file of the same folder. Raises DamagedCheckpoint when it lies elsewhere or not within that file."""
        where = facts.get("location", "")
        path = self.path.parent / where
        if not where or where in (".", "..") or "/" in where or "\\" in where or "\0" in where or not path.is_file():
            raise DamagedCheckpoint(
                self.path, f"tensor {name[:80]!r} names the file {where[:80]!r}, which is not beside it"
            )
        tensor = Tensor(name, dtype, shape, path, 0, 0)
        needed = tensor.count * WIDTH[dtype]
        try:
            offset, length = int(facts.get("offset") or 0), int(facts.get("length") or needed)
        except ValueError:
            offset = length = -1
        if length != needed or offset < 0 or offset + length > path.stat().st_size:
            raise DamagedCheckpoint(self.path, f"tensor {name[:80]!r} does not lie within {where[:80]}")
        return replace(tensor, offset=offset, size_bytes=length)

    def values(self, name: str) -> Values:
        """What one stored tensor holds, as it lies. Raises DamagedCheckpoint."""
        held = self.stored[name]
        if held.listed is None:
            return decoded(mapped(held.tensor), held.tensor.dtype, held.tensor.shape)
        begin, end = held.listed
        said = self._parsed("TensorProto", bytes(self.wire.data[begin:end]))
        try:
            found: Values = self.onnx.numpy_helper.to_array(said).astype(np.float32).reshape(held.tensor.shape)
        except (ValueError, TypeError) as error:
            raise DamagedCheckpoint(self.path, f"tensor {name[:80]!r} does not hold what its shape says") from error
        return found

    def given_back(self, name: str, use: Use) -> Values:
        """A weight's values, (out, in) for matrices. Raises DamagedCheckpoint."""
        values = self.values(name)
        if use.scale is not None:
            scale = self._across(use.scale, use.axis, values.shape)
            zero = 0 if use.zero is None else self._across(use.zero, use.axis, values.shape)
            with np.errstate(over="ignore", invalid="ignore"):  # a damaged scale may be any number
                values = (values - zero) * scale
        return values.T if use.turned and values.ndim == 2 else values

    def _across(self, name: str, axis: int, shape: tuple[int, ...]) -> Values:
        """A scale or zero point so that it multiplies along its axis. Shape: broadcasts against ``shape``."""
        factor = self.values(name)
        if factor.size == 1:
            return factor.reshape(())
        if factor.ndim == 1 and -len(shape) <= axis < len(shape) and factor.size == shape[axis]:
            return factor.reshape(tuple(-1 if at == axis % len(shape) else 1 for at in range(len(shape))))
        if factor.ndim == len(shape) and 0 not in factor.shape:
            if -len(shape) <= axis < len(shape) and factor.shape[axis] > 1 and shape[axis] % factor.shape[axis] == 0:
                factor = np.repeat(factor, shape[axis] // factor.shape[axis], axis=axis)  # one factor a block
            if all(ours in (1, theirs) for ours, theirs in zip(factor.shape, shape, strict=True)):
                return factor
        raise DamagedCheckpoint(
            self.path, f"{name[:80]!r} of shape {factor.shape} does not fit a weight of shape {shape}"
        )


def read_onnx(path: Path, config: dict[str, Any] | None = None) -> Checkpoint:
    """The checkpoint of one ONNX file and of the data files beside it. Raises DamagedCheckpoint, BadInput."""
    try:
        import onnx
        import onnx.numpy_helper
    except ImportError as error:
        raise BadInput("reading ONNX needs the extra: pip install 'modelstemma[onnx]'") from error
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise BadInput(
            f"{path} has {size} bytes, ONNX allows {LARGEST_FILE} in one file: its tensors should lie in a file beside it"
        )
    reader = _Reader(path, _Wire(path, size), onnx)
    reader.read()
    graph = Graph(reader.nodes, reader.stored)
    if graph.unread is not None:
        raise BadInput(
            f"{path} is quantised by {graph.unread}, which is not read yet: give a file of another precision"
        )
    uses = graph.uses()
    factors = {name for use in uses.values() for name in (use.scale, use.zero) if name is not None}
    tensors: dict[str, Tensor] = {}
    made: dict[str, Callable[[], Values]] = {}
    for stored, held in reader.stored.items():
        use = uses.get(stored, Use(None, turned=False))
        tensor = held.tensor
        is_number = tensor.dtype in FLOATS or use.scale is not None
        if stored in factors or not is_number or tensor.count <= 1:
            continue
        is_matrix = len(tensor.shape) == 2
        name = use.name if use.name is not None else stored
        shape = tensor.shape[::-1] if use.turned and is_matrix else tensor.shape
        tensors[name] = replace(tensor, name=name, shape=shape)
        made[name] = partial(reader.given_back, stored, use)
    return Checkpoint("onnx", dict(sorted(tensors.items())), decoded, {}, config or {}, made)
