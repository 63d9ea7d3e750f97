"""This file knows a catalogue: the folder with all snapshots, which of them is HEAD, and who may write."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graph.errors import BadInput, NotFound
from graph.snapshot import Snapshot, SnapshotWriter

_HEX = frozenset("0123456789abcdef")


class Catalogue:
    """A folder: ``HEAD``, ``snapshots/<id>/``, ``staging/<run>/`` for unfinished runs, ``lock``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def _snapshots(self) -> Path:
        return self.folder / "snapshots"

    def head_id(self) -> str | None:
        """The id of the snapshot that answers now; None for an empty catalogue. Cheap: one small read."""
        try:
            return (self.folder / "HEAD").read_text(encoding="ascii").strip() or None
        except (FileNotFoundError, NotADirectoryError):
            return None

    def head(self) -> Snapshot:
        """The snapshot that answers now. Raises NotFound for an empty catalogue, Damaged when it cannot be read."""
        found = self.head_id()
        if found is None:
            raise NotFound("snapshot", "HEAD", f"the catalogue {self.folder} is empty; fill it with `stemma ingest`")
        return Snapshot.open(self._snapshots / found)

    def get(self, prefix: str) -> Snapshot:
        """The snapshot whose id starts with ``prefix`` ("HEAD" is HEAD). Raises NotFound, BadInput when several do."""
        if prefix == "HEAD":
            return self.head()
        found = [name for name in self._ids() if name.startswith(prefix.lower())] if prefix else []
        if not found:
            raise NotFound("snapshot", prefix, "`stemma snapshot list` shows those that there are")
        if len(found) > 1:
            raise BadInput(
                f"snapshot {prefix!r} could be {', '.join(name[:12] for name in found[:4])}: give more digits"
            )
        return Snapshot.open(self._snapshots / found[0])

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, the newest written first."""
        found = [Snapshot.open(self._snapshots / name) for name in self._ids()]
        return sorted(found, key=lambda snapshot: (snapshot.manifest.created_at, snapshot.id), reverse=True)

    def set_head(self, id: str) -> None:
        """Let this snapshot answer from now on: one atomic rename. Raises NotFound when there is none of that id."""
        if id not in self._ids():
            raise NotFound("snapshot", id)
        new = self.folder / "HEAD.new"  # one writer at a time: a killed run's is written over
        with new.open("w", encoding="ascii") as file:
            file.write(id + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / "HEAD")
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextmanager
    def writer(self) -> Iterator[SnapshotWriter]:
        """A writer for the next snapshot; what is not committed is removed. Hold ``locked`` around it."""
        for stale in self._snapshots.glob(".new-*"):  # left by a killed run: only one run at a time holds the lock
            shutil.rmtree(stale, ignore_errors=True)
        writer = SnapshotWriter(self._snapshots / f".new-{os.getpid()}", self._snapshots)
        try:
            yield writer
        finally:
            writer.discard()

    def prune(self, keep: int) -> list[str]:
        """Remove all but the ``keep`` newest snapshots and HEAD; the ids removed, newest first."""
        if keep < 1:
            raise BadInput(f"cannot keep {keep} snapshots: keep 1 or more")
        head = self.head_id()
        removed = []
        for snapshot in self.snapshots()[keep:]:
            if snapshot.id != head:
                trash = self._snapshots / f".new-removed-{snapshot.id}"
                snapshot.folder.rename(trash)  # gone at once, even when killed in the middle of removing
                shutil.rmtree(trash)
                removed.append(snapshot.id)
        return removed

    def staging(self, run: str) -> Path:
        """The folder where an unfinished run keeps what it has done; it may not exist yet."""
        return self.folder / "staging" / run

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer. Raises BadInput that names the process that is, when there is one."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"cannot write the catalogue {self.folder} ({error.strerror}): choose another folder"
            ) from error
        with (self.folder / "lock").open("a+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise BadInput(
                    f"another process (pid {holder}) is writing to {self.folder}: wait for it to end, then run again"
                ) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _ids(self) -> list[str]:
        if not self._snapshots.is_dir():
            return []
        return sorted(
            path.name for path in self._snapshots.iterdir() if len(path.name) == 64 and set(path.name) <= _HEX
        )
