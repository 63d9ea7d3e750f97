"""This file knows where what was read of checkpoints is kept between runs: one sketch a model, never the weights whole. What was
read is not read again until it changes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec

from graph.errors import Damaged, StemmaError
from ingest.weights.checkpoint import Checkpoint
from ingest.weights.member import Member
from ingest.weights.parent import Origin
from ingest.weights.sketch_file import VERSION, Known, read_known, read_sketch, write_sketch

_ORIGINS = "origins.json"
_KIND = ".sketch"


def mark_of(checkpoint: Checkpoint) -> str:
    """What a checkpoint's files are known by: path, size and time of the last change of each."""
    paths = sorted({tensor.path for tensor in checkpoint.tensors.values()})
    facts = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(json.dumps([VERSION, facts]).encode()).hexdigest()


class WeightShelf:
    """The folder of what was read, by model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._is_tidy = False

    def _path(self, model: str) -> Path:
        return self.folder / f"{hashlib.sha256(model.encode()).hexdigest()[:32]}{_KIND}"

    def has(self, model: str, mark: str) -> bool:
        """Whether this state of the model's files was read."""
        known = self.known(model)
        return known is not None and known.mark == mark

    def known(self, model: str) -> Known | None:
        """What the model's files were known by when they were read, and how much of them was; None when they were not."""
        path = self._path(model)
        if not path.is_file():
            return None
        try:
            return read_known(path)
        except StemmaError:
            return None  # read again, it is whole

    def put(self, model: Member, mark: str) -> None:
        """Keep a model; the file appears whole. Threads may put different models at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._is_tidy:  # once: to list the folder for every model would take longer than to write it
            for old in self.folder.glob("*.npz"):  # the form before version 3
                old.unlink(missing_ok=True)
            self._is_tidy = True
        write_sketch(self._path(model.id), model, mark, model.said)

    def members(self) -> Iterator[Member]:
        """All models kept, without their times. Raises Damaged."""
        return map(self.read, self.stamps())

    def stamps(self) -> dict[str, int]:
        """The files of all models kept, by name, with the time of their last change in ns."""
        if not self.folder.is_dir():
            return {}
        with os.scandir(self.folder) as entries:
            kept = [entry for entry in entries if entry.name.endswith(_KIND) and not entry.name.startswith(".")]
            return {entry.name: entry.stat().st_mtime_ns for entry in sorted(kept, key=lambda entry: entry.name)}

    def member(self, model: str, created: Mapping[str, datetime]) -> Member:
        """One model that is kept. Raises Damaged."""
        return replace(self.read(self._path(model).name), created_at=created.get(model))

    def read(self, file: str) -> Member:
        """The model kept in a file, without its time. Raises Damaged."""
        path = self.folder / file
        try:
            return read_sketch(path, is_own=True).member
        except (OSError, StemmaError) as error:
            raise Damaged(f"{path} cannot be read ({error}): remove it and read the checkpoint again") from error

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
