"""This file knows the form in which what was read of one checkpoint is kept and passed on: a sketch.

A sketch is a safetensors file. Its tensors are the windows of the matrices by role, each in the narrowest of BF16, F16 and F32 that
holds its values exactly; its metadata are one JSON text of what is known of all tensors: role, shape, dtype, and the digests where
every byte was read. Strangers send such files: sizes are checked before memory is taken, and whatever is not a sketch is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from graph.errors import BadInput
from graph.novelty import Tier
from ingest.weights.checkpoint import MOST_TENSORS, DamagedCheckpoint, Tensor, Values, checked_shape
from ingest.weights.exact import Described, Digest, identity, identity_unread
from ingest.weights.formats import as_bf16, as_fp16, decoded
from ingest.weights.member import Member
from ingest.weights.safetensors_file import header_length, parse_header
from ingest.weights.whole import SIZE

VERSION = 7
LARGEST = 64 * 2**20  # bytes of one sketch
LONGEST_HEADER = 8 * 2**20  # bytes of its header, where a stranger wrote it
_OWN_HEADER = 64 * 2**20
_KEY = "stemma.sketch"
_WHOLE = "stemma.whole"  # beside the windows: the linear sketch of all weights
_DIGEST = re.compile(r"[0-9a-f]{32}")


class _About(msgspec.Struct, forbid_unknown_fields=True):
    """What the metadata hold. ``digests``: of each tensor in turn (value, bf16, fp16, whether it is trivial), or none."""

    version: int
    id: str
    windowed: bool
    tensors: list[tuple[str, list[int], str]]
    digests: list[tuple[str, str, str, bool]]
    said: dict[str, str] = {}
    mark: str | None = None
    read_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a sketch holds. ``mark``: what the checkpoint's files were known by, of a sketch on the shelf."""

    member: Member
    mark: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a sketch on the shelf is of: what its files were known by, and how much of them was read."""

    mark: str | None
    tier: Tier
    read_bytes: int


def write_sketch(path: Path, model: Member, mark: str | None = None, said: Mapping[str, str] | None = None) -> None:
    """Keep a model; the file appears whole. What the checkpoint says of itself is left out unless given as ``said``."""
    tensors = [(each.role, list(each.shape), each.dtype) for each in model.tensors]
    digests = [(each.value, each.bf16, each.fp16, each.trivial) for each in model.digests]
    about = _About(VERSION, model.id, model.windowed, tensors, digests, dict(said or {}), mark, model.read_bytes)
    header: dict[str, object] = {"__metadata__": {_KEY: msgspec.json.encode(about).decode()}}
    pieces: list[bytes] = []
    at = 0
    held = dict(model.matrices) if model.whole is None else {**model.matrices, _WHOLE: model.whole}
    for role, values in sorted(held.items()):
        dtype, piece = _narrowest(values)
        header[role] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [at, at + len(piece)]}
        pieces.append(piece)
        at += len(piece)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    work = path.with_name(f".new-{path.name}")
    with work.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.writelines(pieces)
    work.replace(path)


def _narrowest(values: Values) -> tuple[str, bytes]:
    """(dtype, bytes) of values in the narrowest form that holds them exactly."""
    values = np.ascontiguousarray(values, dtype=np.float32)
    if np.array_equal(as_bf16(values), values):
        return "BF16", (values.view(np.uint32) >> np.uint32(16)).astype("<u2").tobytes()
    if np.array_equal(as_fp16(values), values):
        return "F16", values.astype("<f2").tobytes()
    return "F32", values.astype("<f4", copy=False).tobytes()


def is_sketch(path: Path) -> bool:
    """Whether a file says that it is a sketch."""
    with path.open("rb") as file:
        start = file.read(64)
    return _KEY.encode() in start


def read_sketch(path: Path, *, is_own: bool = False) -> Sketch:
    """A sketch on disk; ``is_own``: Stemma wrote it here, and its header may be long. Raises DamagedCheckpoint, BadInput."""
    size = path.stat().st_size
    if size > LARGEST + (_OWN_HEADER if is_own else 0):
        raise BadInput(
            f"{path} has {size} bytes, a sketch has at most {LARGEST}: give what `stemma weights sketch` wrote"
        )
    return parse_sketch(path, path.read_bytes(), _OWN_HEADER if is_own else LONGEST_HEADER)


def read_known(path: Path) -> Known | None:
    """What a sketch on the shelf is of; None when it is of another version. Raises DamagedCheckpoint, BadInput."""
    size = path.stat().st_size
    with path.open("rb") as file:
        text = file.read(header_length(path, file.read(8), size))
    about = _about(path, parse_header(path, text, size)[1])
    tier = Tier.T2 if about.digests or not about.tensors else Tier.T1
    return Known(about.mark, tier, about.read_bytes) if about.version == VERSION else None


def parse_sketch(path: Path, data: bytes, longest_header: int = LONGEST_HEADER) -> Sketch:
    """A sketch from its bytes; ``path`` is what messages call it. Raises DamagedCheckpoint, BadInput."""
    length = header_length(path, data[:8], len(data))
    if length > longest_header:
        raise DamagedCheckpoint(path, f"its header has {length} bytes, and a sketch's at most {longest_header}")
    held, metadata = parse_header(path, data[8 : 8 + length], len(data))
    about = _about(path, metadata)
    if about.version != VERSION:
        raise BadInput(
            f"{path} is a sketch of version {about.version}, and {VERSION} is read here: sketch the model again"
        )
    tensors = tuple(_described(path, *tensor) for tensor in about.tensors)
    shapes: dict[tuple[str, tuple[int, ...]], tuple[int, ...]] = {
        (tensor.role, tensor.shape[1:]): tensor.shape for tensor in tensors if len(tensor.shape) == 2
    }
    matrices: dict[str, Values] = {}
    whole_sketch: Values | None = None
    for role, tensor in held.items():
        if role == _WHOLE:
            whole_sketch = _linear(path, data, tensor)
            continue
        whole = shapes.get((role, tensor.shape[1:]))
        if whole is None or len(tensor.shape) != 2 or tensor.dtype not in ("BF16", "F16", "F32"):
            raise DamagedCheckpoint(path, f"{role[:80]!r} is not a window of a matrix that it tells of")
        if tensor.shape[0] > whole[0] or (tensor.shape[0] < whole[0] and not about.windowed):
            raise DamagedCheckpoint(path, f"{role[:80]!r} is no window of a matrix of shape {whole}")
        raw = np.frombuffer(data, dtype=np.uint8, count=tensor.size_bytes, offset=tensor.offset)
        values = decoded(raw, tensor.dtype, tensor.shape)
        if not np.isfinite(values).all():
            raise DamagedCheckpoint(path, f"{role[:80]!r} holds what is no number")
        matrices[role] = values
    digests = _digests(path, tensors, about.digests)
    whose = identity(digests) if digests else identity_unread(tensors)
    described = () if digests else tensors
    facts = (about.windowed, about.said, described, about.read_bytes, whole_sketch)
    return Sketch(Member(about.id, whose.dtype, matrices, whose, digests, None, *facts), about.mark)


def _linear(path: Path, data: bytes, tensor: Tensor) -> Values:
    """The linear sketch of all weights."""
    if tensor.shape != (SIZE,) or tensor.dtype not in ("BF16", "F16", "F32"):
        raise DamagedCheckpoint(path, f"its linear sketch is not one of {SIZE} numbers")
    raw = np.frombuffer(data, dtype=np.uint8, count=tensor.size_bytes, offset=tensor.offset)
    values = decoded(raw, tensor.dtype, tensor.shape)
    if not np.isfinite(values).all():
        raise DamagedCheckpoint(path, "its linear sketch holds what is no number")
    return values


def _about(path: Path, metadata: Mapping[str, str]) -> _About:
    if _KEY not in metadata:
        raise BadInput(f"{path} is not a sketch: `stemma weights sketch MODEL --out FILE` writes one")
    try:
        return msgspec.json.decode(metadata[_KEY], type=_About)
    except msgspec.DecodeError as error:
        raise DamagedCheckpoint(path, f"what it tells of its tensors cannot be read ({error})") from error


def _described(path: Path, role: str, shape: list[int], dtype: str) -> Described:
    return Described(role, checked_shape(path, role, shape), dtype)


def _digests(path: Path, tensors: tuple[Described, ...], told: list[tuple[str, str, str, bool]]) -> tuple[Digest, ...]:
    if len(tensors) > MOST_TENSORS:
        raise DamagedCheckpoint(path, f"it tells of {len(tensors)} tensors")
    if told and len(told) != len(tensors):
        raise DamagedCheckpoint(path, f"it has digests of {len(told)} of {len(tensors)} tensors")
    if not all(_DIGEST.fullmatch(text) for each in told for text in each[:3]):
        raise DamagedCheckpoint(path, "it has a digest that is none")
    return tuple(
        Digest(tensor.role, tensor.shape, tensor.count, tensor.dtype, *each)
        for tensor, each in zip(tensors, told, strict=False)
    )
