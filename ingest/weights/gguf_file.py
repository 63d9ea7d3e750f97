"""This file knows GGUF: its header is read here, within bounds; block formats are decoded by the ``gguf`` package."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from ingest.weights.checkpoint import MOST_TENSORS, Bytes, Checkpoint, DamagedCheckpoint, Tensor, Values, checked_shape
from ingest.weights.formats import WIDTH, decoded

MOST_FACTS = 10_000
LONGEST_TEXT = 1_000_000  # bytes of one text that is kept; longer ones are passed over
LARGEST_HEADER = 1_000_000_000  # bytes; vocabularies lie in it
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _ARRAY = 8, 9
_PLAIN = {0: "F32", 1: "F16", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 30: "BF16"}


class HeaderGoesOn(Exception):
    """The first bytes of a file are not its whole header: ``needed`` bytes are, at least."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"{needed} bytes are needed")
        self.needed = needed


class _Header:
    """Reads forward in the first bytes of a file, never past its end."""

    def __init__(self, path: Path, data: memoryview, size: int) -> None:
        self.path, self.data, self.size, self.at = path, data, min(size, LARGEST_HEADER), 0

    def take(self, count: int) -> memoryview:
        if count < 0 or self.at + count > self.size:
            raise DamagedCheckpoint(self.path, f"its header ends at byte {self.at}")
        if self.at + count > len(self.data):
            raise HeaderGoesOn(self.at + count)
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self) -> str:
        length = self.number("<Q")
        piece = self.take(length)
        return bytes(piece[:LONGEST_TEXT]).decode("utf-8", "replace")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _TEXT:
            return self.text()
        if kind == _ARRAY and depth < 4:
            inner, count = self.number("<I"), self.number("<Q")
            if inner in _SCALARS:
                self.take(count * struct.calcsize(_SCALARS[inner]))
                return None
            if count > self.size:
                raise DamagedCheckpoint(self.path, f"its header claims a list of {count}")
            for _ in range(count):
                if inner == _TEXT:
                    self.take(self.number("<Q"))
                else:
                    self.value(inner, depth + 1)
            return None
        raise DamagedCheckpoint(self.path, f"its header holds a value of the unknown kind {kind}")


def read_gguf(path: Path) -> Checkpoint:
    """The checkpoint of one GGUF file, version 2 or 3, little-endian. Raises DamagedCheckpoint."""
    size = path.stat().st_size
    return parse_gguf(
        path, np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray).data if size else memoryview(b""), size
    )


def parse_gguf(path: Path, data: memoryview, size: int) -> Checkpoint:
    """The checkpoint from the first bytes of a file of ``size`` bytes. Raises DamagedCheckpoint, HeaderGoesOn."""
    header = _Header(path, data, size)
    if bytes(header.take(4)) != b"GGUF":
        raise DamagedCheckpoint(path, "it does not begin as GGUF does")
    version = header.number("<I")
    if version not in (2, 3):
        raise DamagedCheckpoint(path, f"it is GGUF of version {version}, and 2 and 3 are known")
    tensor_count, fact_count = header.number("<Q"), header.number("<Q")
    if tensor_count > MOST_TENSORS or fact_count > MOST_FACTS:
        raise DamagedCheckpoint(path, f"it claims {tensor_count} tensors and {fact_count} facts")
    facts: dict[str, Any] = {}
    for _ in range(fact_count):
        name = header.text()
        facts[name] = header.value(header.number("<I"))
    described = [_described(header) for _ in range(tensor_count)]
    alignment = facts.get("general.alignment", 32)
    if type(alignment) is not int or not 1 <= alignment <= 2**20:
        raise DamagedCheckpoint(path, f"its alignment is {alignment}")
    begin = -(-header.at // alignment) * alignment
    tensors: dict[str, Tensor] = {}
    for name, kind, shape, offset in described:
        tensor = _tensor(path, name, kind, shape, begin + offset)
        if offset + begin + tensor.size_bytes > size or name in tensors:
            raise DamagedCheckpoint(path, f"tensor {name[:80]!r} lies outside the file or is there twice")
        tensors[name] = tensor
    words = {key: value for key, value in facts.items() if isinstance(value, str) and len(value) < 1000}
    config = {key: value for key, value in facts.items() if isinstance(value, (int, float, str))}
    return Checkpoint("gguf", dict(sorted(tensors.items())), _decoded, words, config)


def _described(header: _Header) -> tuple[str, int, tuple[int, ...], int]:
    name = header.text()
    dimensions = header.number("<I")
    if dimensions > 8:
        raise DamagedCheckpoint(header.path, f"tensor {name[:80]!r} has {dimensions} dimensions")
    sizes = [header.number("<Q") for _ in range(dimensions)]
    return name, header.number("<I"), checked_shape(header.path, name, sizes[::-1]), header.number("<Q")


def _tensor(path: Path, name: str, kind: int, shape: tuple[int, ...], offset: int) -> Tensor:
    if kind in _PLAIN:
        dtype, per_row = _PLAIN[kind], 1
        width = WIDTH[dtype]
    else:
        import gguf

        try:
            form = gguf.GGMLQuantizationType(kind)
        except ValueError:
            raise DamagedCheckpoint(path, f"tensor {name[:80]!r} has the unknown format {kind}") from None
        dtype = form.name
        per_row, width = gguf.GGML_QUANT_SIZES[form]
    if shape and shape[-1] % per_row:
        raise DamagedCheckpoint(
            path, f"tensor {name[:80]!r} has rows of {shape[-1]}, {dtype} needs blocks of {per_row}"
        )
    count = 1
    for size in shape:
        count *= size
    return Tensor(name, dtype, shape, path, offset, count // per_row * width)


def _decoded(raw: Bytes, dtype: str, shape: tuple[int, ...]) -> Values:
    if dtype in WIDTH:
        return decoded(raw, dtype, shape)
    import gguf

    form = gguf.GGMLQuantizationType[dtype]
    per_row, width = gguf.GGML_QUANT_SIZES[form]
    rows = raw.reshape(-1, shape[-1] // per_row * width)
    values: Values = gguf.quants.dequantize(rows, form)
    return values.reshape(shape)
