"""This file knows how one GGUF model lies in several files: ``name-00001-of-00003.gguf`` and so on, each with a header of its own.

The facts of the model are in the first part (its tensors may all be in the others); ``split.count`` and ``split.tensors.count`` say
how many there must be. As llama.cpp's gguf-split writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ingest.weights.checkpoint import MOST_TENSORS, Checkpoint, DamagedCheckpoint, Tensor

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")
_COUNT, _TENSORS = "split.count", "split.tensors.count"


def stem_of(name: str) -> str:
    """The name of the model that a file holds or is a part of, without the ending. ``name`` is a file's, without folders."""
    found = _PART.fullmatch(name)
    return found[1] if found else name.rpartition(".")[0] or name


def models_in(names: Iterable[str]) -> list[str]:
    """Of GGUF files in one folder one a model, sorted: the file, or the first part that is there."""
    found: dict[tuple[str, str], str] = {}
    for name in sorted(names):
        part = _PART.fullmatch(name)
        found.setdefault((part[1], part[3]) if part else (name, ""), name)
    return sorted(found.values())


def parts_of(name: str, is_there: Callable[[str], bool], where: Path | str) -> list[str]:
    """The files of the model that this file is, or is a part of, in order. Raises DamagedCheckpoint when a part is missing."""
    found = _PART.fullmatch(name)
    if found is None:
        return [name]
    stem, count = found[1], int(found[3])
    if not 1 <= int(found[2]) <= count:
        raise DamagedCheckpoint(where, f"{name} is part {int(found[2])} of {count}")
    names = []
    for number in range(1, count + 1):
        names.append(f"{stem}-{number:05}-of-{count:05}.gguf")
        if not is_there(names[-1]):
            raise DamagedCheckpoint(where, f"{names[-1]} is missing, one of {count} parts")
    return names


def joined(parts: Sequence[Checkpoint], where: Path | str) -> Checkpoint:
    """One checkpoint of parts in order. Raises DamagedCheckpoint when they are not the parts of one model."""
    first = parts[0]
    if len(parts) == 1 and first.config.get(_COUNT, 1) in (0, 1):
        return first
    tensors: dict[str, Tensor] = {}
    for number, part in enumerate(parts, 1):
        if part.config.get(_COUNT, len(parts)) != len(parts):
            raise DamagedCheckpoint(where, f"part {number} of {len(parts)} says it is one of {part.config[_COUNT]}")
        twice = tensors.keys() & part.tensors.keys()
        if twice:
            raise DamagedCheckpoint(where, f"tensor {min(twice)[:80]!r} is in two parts")
        tensors |= part.tensors
    if len(tensors) > MOST_TENSORS or first.config.get(_TENSORS, len(tensors)) != len(tensors):
        raise DamagedCheckpoint(where, f"its parts hold {len(tensors)} tensors, not {first.config.get(_TENSORS)}")
    return Checkpoint("gguf", dict(sorted(tensors.items())), first.decode, first.metadata, first.config)
