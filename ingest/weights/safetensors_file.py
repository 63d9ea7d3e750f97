"""This file knows safetensors: eight bytes of length, a JSON header, then the tensors' bytes. Everything is checked before it is
believed; nothing is allocated for a claim of the header.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ingest.weights.checkpoint import MOST_TENSORS, Checkpoint, DamagedCheckpoint, Tensor, checked_shape
from ingest.weights.formats import WIDTH, decoded
from ingest.weights.four_bits import unpacked

LONGEST_HEADER = 100_000_000  # bytes; the format's own limit
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
LONGEST_INDEX = 100_000_000


def read_safetensors(paths: list[Path], config: dict[str, Any] | None = None) -> Checkpoint:
    """A checkpoint of one file or of several shards. Raises DamagedCheckpoint."""
    read = {}
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = header_length(path, start, size)
            read[path] = parse_header(path, file.read(length), size)
    return unpacked(checkpoint_of(read, config or {}))


def checkpoint_of(
    read: Mapping[Path, tuple[dict[str, Tensor], dict[str, str]]], config: Mapping[str, Any]
) -> Checkpoint:
    """The checkpoint whose files have these headers. Raises DamagedCheckpoint."""
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    for path, (found, said) in read.items():
        for name, tensor in found.items():
            if name in tensors:
                raise DamagedCheckpoint(path, f"tensor {name[:80]!r} is in two shards")
            tensors[name] = tensor
        metadata.update(said)
    return Checkpoint("safetensors", dict(sorted(tensors.items())), decoded, metadata, config)


def header_length(path: Path, start: bytes, size: int) -> int:
    """The header's length from the first eight bytes of a file of ``size`` bytes. Raises DamagedCheckpoint."""
    if len(start) < 8:
        raise DamagedCheckpoint(path, "it is shorter than a header's length")
    length = int.from_bytes(start, "little")
    if not 2 <= length <= min(LONGEST_HEADER, size - 8):
        raise DamagedCheckpoint(path, f"its header claims {length} bytes of {size}")
    return length


def parse_header(path: Path, header: bytes, size: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors, metadata) from the JSON header of a file of ``size`` bytes. Raises DamagedCheckpoint."""
    try:
        entries = json.loads(header, object_pairs_hook=lambda pairs: _once(path, pairs))
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpoint(path, "its header is not JSON") from error
    if not isinstance(entries, dict):
        raise DamagedCheckpoint(path, "its header is not a JSON object")
    if len(entries) > MOST_TENSORS:
        raise DamagedCheckpoint(path, f"it claims {len(entries)} tensors")
    said = entries.pop("__metadata__", {})
    begin = 8 + len(header)
    tensors = {name: _tensor(path, name, entry, begin, size) for name, entry in entries.items()}
    end = begin
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.offset, tensor.size_bytes)):
        if tensor.offset < end and tensor.size_bytes:
            raise DamagedCheckpoint(path, f"tensor {tensor.name[:80]!r} overlaps another")
        end = max(end, tensor.offset + tensor.size_bytes)
    words = said.items() if isinstance(said, dict) else ()
    return tensors, {key: value for key, value in words if isinstance(value, str)}


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DamagedCheckpoint(path, "its header says something twice")
    return found


def _tensor(path: Path, name: str, entry: object, begin: int, size: int) -> Tensor:
    if not isinstance(entry, dict):
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} is not described")
    dtype, offsets = entry.get("dtype"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in WIDTH:
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} has the unknown dtype {str(dtype)[:20]!r}")
    shape = checked_shape(path, name, entry.get("shape"))
    if not isinstance(offsets, list) or len(offsets) != 2 or any(type(place) is not int for place in offsets):
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} has no offsets")
    first, last = offsets
    if not 0 <= first <= last <= size - begin:
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} lies outside the file")
    tensor = Tensor(name, dtype, shape, path, begin + first, last - first)
    if tensor.count * WIDTH[dtype] != tensor.size_bytes:
        raise DamagedCheckpoint(path, f"tensor {name[:80]!r} has {tensor.size_bytes} bytes for {tensor.count} {dtype}")
    return tensor


def shards(folder: Path) -> list[Path]:
    """The weight files of a folder: those that its index names, else ``model.safetensors``, else all. May be empty."""
    index = folder / INDEX
    if not index.is_file():
        if (folder / SINGLE).is_file():
            return [folder / SINGLE]  # others beside it are other precisions of it
        return sorted(path for path in folder.glob("*.safetensors") if path.is_file())
    if index.stat().st_size > LONGEST_INDEX:
        raise DamagedCheckpoint(index, "it is too long for an index")
    names = shards_named(index, index.read_bytes(), lambda name: (folder / name).is_file())
    return [folder / name for name in names]


def shards_named(index: Path, text: bytes, is_there: Callable[[str], bool]) -> list[str]:
    """The names of the shards beside an index that hold its tensors, sorted. Raises DamagedCheckpoint."""
    try:
        names = set(json.loads(text)["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedCheckpoint(index, "it is not an index of shards") from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not is_there(name):
            raise DamagedCheckpoint(index, f"it names the shard {str(name)[:80]!r}, which is not beside it")
    return sorted(names)
