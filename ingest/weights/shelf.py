"""This file knows where what was read of checkpoints is kept between runs: one file a model, digests and windows, never the weights
whole. A file that was read is not read again until it changes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from graph.errors import Damaged
from ingest.weights.checkpoint import Checkpoint
from ingest.weights.exact import Digest, identity
from ingest.weights.member import Member
from ingest.weights.parent import Origin

_VERSION = 2
_ABOUT = "about"
_ORIGINS = "origins.json"


def mark_of(checkpoint: Checkpoint) -> str:
    """What a checkpoint's files are known by: path, size and time of the last change of each."""
    paths = sorted({tensor.path for tensor in checkpoint.tensors.values()})
    facts = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(json.dumps([_VERSION, facts]).encode()).hexdigest()


class WeightShelf:
    """The folder of what was read, by model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, model: str) -> Path:
        return self.folder / f"{hashlib.sha256(model.encode()).hexdigest()[:32]}.npz"

    def has(self, model: str, mark: str) -> bool:
        """Whether this state of the model's files was read."""
        path = self._path(model)
        if not path.is_file():
            return False
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file[_ABOUT].tobytes())
        return bool(about["mark"] == mark and about["version"] == _VERSION)

    def put(self, model: Member, mark: str) -> None:
        """Keep a model; the file appears whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        about = {
            "version": _VERSION,
            "mark": mark,
            "id": model.id,
            "dtype": model.dtype,
            "windowed": model.windowed,
            "said": dict(model.said),
            "digests": [asdict(digest) for digest in model.digests],
        }
        text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        work = self.folder / f".new-{os.getpid()}.npz"
        with work.open("wb") as file:
            arrays: dict[str, Any] = {f"matrix {role}": values for role, values in model.matrices.items()}
            arrays[_ABOUT] = text
            np.savez(file, **arrays)
        work.replace(self._path(model.id))

    def members(self, created: dict[str, datetime]) -> Iterator[Member]:
        """All models kept, by name, with the times that are known. Raises Damaged."""
        for path in sorted(self.folder.glob("[!.]*.npz")):
            yield self._read(path, created)

    def put_origins(self, found: Iterable[Origin]) -> None:
        """Keep where all models kept come from, so that the next question need not find it again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        work = self.folder / f".new-{os.getpid()}.json"
        work.write_bytes(msgspec.json.encode(list(found)))
        work.replace(self.folder / _ORIGINS)

    def origins(self) -> dict[str, Origin]:
        """Where models come from, by model, as far as it was kept. Raises Damaged."""
        path = self.folder / _ORIGINS
        if not path.is_file():
            return {}
        try:
            return {origin.model: origin for origin in msgspec.json.decode(path.read_bytes(), type=list[Origin])}
        except (OSError, msgspec.DecodeError) as error:
            raise Damaged(f"{path} cannot be read ({error}): remove it and ingest the folders again") from error

    def _read(self, path: Path, created: dict[str, datetime]) -> Member:
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(file[_ABOUT].tobytes())
                matrices = {name.removeprefix("matrix "): file[name] for name in file.files if name != _ABOUT}
            digests = tuple(Digest(**{**digest, "shape": tuple(digest["shape"])}) for digest in about["digests"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Damaged(f"{path} cannot be read ({error}): remove it and read the checkpoint again") from error
        whose = identity(list(digests))
        found = Member(about["id"], about["dtype"], matrices, whose, digests, None, about["windowed"], about["said"])
        return replace(found, created_at=created.get(found.id))
