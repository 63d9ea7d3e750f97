"""This file knows whether downloaded files are those that a lock pins: which are wrong, which are missing, which are extra.

A model's files lie in ``DIR/org/name/``, as `hf download --local-dir DIR/org/name` puts them, or in the Hub's cache,
``DIR/models--org--name/snapshots/COMMIT/``. What was found right is noted in ``DIR/.stemma-verified.jsonl``; a run that resumes
reads again only what is not noted or was touched since. Paths come from strangers: one that leaves its folder is never opened.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import msgspec

from graph.errors import BadInput
from graph.subset.lock import Lock
from graph.subset.rows import File, Row

NOTED = ".stemma-verified.jsonl"
_CHUNK = 1 << 20  # bytes
_BATCH = 256  # files waiting at once
_OWN = (".cache", ".locks")  # where `hf` keeps things for itself
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not as the lock says. ``kind``: "wrong", "missing", "extra", "unsafe", "unreadable"."""

    kind: str
    model: str | None
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at a folder found."""

    faults: tuple[Fault, ...]  # by model and path
    right: int  # files whose content is the one pinned
    resumed: int  # of these noted by an earlier run, and not touched since
    unhashed: int  # files of the right size of which the lock knows no hash
    unknown: tuple[str, ...]  # models whose files the lock does not know


class _Note(msgspec.Struct, frozen=True):
    path: str  # within the folder
    size: int
    mtime_ns: int
    hash: str


@dataclass(frozen=True, slots=True)
class _Task:
    model: str
    file: File
    path: Path
    name: str  # within the folder


def bytes_to_read(lock: Lock) -> int:
    """How much a whole look reads, as far as sizes are known."""
    return lock.totals.bytes


def verify(
    lock: Lock, folder: Path, *, resume: bool = False, threads: int = 0, advance: Advance = lambda _: None
) -> Verdict:
    """Compare a folder with a lock. ``advance`` is told of bytes as they are read. Raises BadInput when there is no folder."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder: give the one that the models were downloaded to")
    noted = _noted(folder / NOTED) if resume else {}
    faults, tasks = list[Fault](), list[_Task]()
    for row in lock.models:
        if row.files is not None:
            more, bad = _tasks(row, folder)
            tasks += more
            faults += bad
    right = resumed = unhashed = 0
    with _notes(folder / NOTED, resume=resume) as notes, ThreadPoolExecutor(threads or _threads()) as pool:
        waiting = iter(tasks)
        while batch := list(islice(waiting, _BATCH)):
            for outcome, note in pool.map(lambda task: _look(task, noted, advance), batch):
                if isinstance(outcome, Fault):
                    faults.append(outcome)
                    continue
                right += outcome != "unhashed"
                resumed += outcome == "resumed"
                unhashed += outcome == "unhashed"
                if note is not None:
                    notes.write(msgspec.json.encode(note) + b"\n")
            notes.flush()
    faults += _extra(lock, folder)
    faults.sort(key=lambda fault: ((fault.model or "").encode(), fault.path.encode(), fault.kind))
    unknown = tuple(row.model for row in lock.models if row.files is None)
    return Verdict(tuple(faults), right, resumed, unhashed, unknown)


def _threads() -> int:
    return min(8, os.cpu_count() or 1)


def place_of(row: Row, folder: Path) -> Path:
    """Where a model's files lie."""
    usual = folder.joinpath(*PurePosixPath(row.model).parts)
    if row.commit is None or not is_safe(row.commit):
        return usual
    cached = folder / f"models--{row.model.replace('/', '--')}" / "snapshots" / row.commit
    return cached if cached.is_dir() else usual


def is_safe(path: str) -> bool:
    """Whether a path of a stranger stays within its folder on any system."""
    parts = path.replace("\\", "/").split("/")
    return not any(part in ("", ".", "..") for part in parts) and ":" not in parts[0] and "\0" not in path


def _tasks(row: Row, folder: Path) -> tuple[list[_Task], list[Fault]]:
    if not is_safe(row.model):
        return [], [Fault("unsafe", row.model, "", "the name leaves the folder; it was not looked at")]
    place, tasks, faults = place_of(row, folder), list[_Task](), list[Fault]()
    for file in row.files or ():
        if not is_safe(file.path):
            faults.append(
                Fault("unsafe", row.model, file.path, "the path leaves the model's folder; it was not opened")
            )
            continue
        path = place / file.path
        tasks.append(_Task(row.model, file, path, path.relative_to(folder).as_posix()))
    return tasks, faults


def _look(task: _Task, noted: dict[str, _Note], advance: Advance) -> tuple[Fault | str, _Note | None]:
    """The fault of one file, or how it was found right; and what to note of it."""
    file, fault = task.file, Fault("", task.model, task.file.path, "")
    try:
        facts = task.path.stat()
        if not task.path.is_file():
            return _changed(fault, "wrong", "it is no plain file"), None
        if file.size is not None and facts.st_size != file.size:
            return _changed(fault, "wrong", f"it has {facts.st_size} bytes, the lock says {file.size}"), None
        expected = file.sha256 or file.git_blob
        if expected is None:
            advance(facts.st_size)
            return "unhashed", None
        note = _Note(task.name, facts.st_size, facts.st_mtime_ns, expected)
        if noted.get(task.name) == note:
            advance(facts.st_size)
            return "resumed", None
        hashing = hashlib.sha256()
        if file.sha256 is None:  # git's id of a file: SHA-1 over a header and the content
            hashing = hashlib.sha1(b"blob %d\0" % facts.st_size, usedforsecurity=False)
        with task.path.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                hashing.update(chunk)
                advance(len(chunk))
    except FileNotFoundError:
        return _changed(fault, "missing", "it is not there"), None
    except OSError as error:
        return _changed(fault, "unreadable", error.strerror or "it cannot be read"), None
    if hashing.hexdigest() != expected:
        kind = "sha256" if file.sha256 else "git blob id"
        return _changed(fault, "wrong", f"its {kind} is {hashing.hexdigest()}, the lock says {expected}"), None
    return "right", note


def _changed(fault: Fault, kind: str, detail: str) -> Fault:
    return Fault(kind, fault.model, fault.path, detail)


def _notes(path: Path, *, resume: bool) -> BinaryIO:
    """Where notes go; nowhere when the folder may not be written to."""
    try:
        return path.open("ab" if resume else "wb")
    except OSError:
        return Path(os.devnull).open("wb")


def _noted(path: Path) -> dict[str, _Note]:
    """The notes of earlier runs, none when they cannot be read; a line cut short is left out."""
    found, decoder = dict[str, _Note](), msgspec.json.Decoder(_Note)
    try:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    note = decoder.decode(line)
                except msgspec.MsgspecError:
                    continue
                found[note.path] = note
    except OSError:
        return {}
    return found


def _extra(lock: Lock, folder: Path) -> Iterable[Fault]:
    """Files that the lock does not name. Of models whose files it does not know, none is extra."""
    places = {
        place_of(row, folder): (row.model, None if row.files is None else {file.path for file in row.files})
        for row in lock.models
        if is_safe(row.model)
    }
    for path in _files(folder):
        place = next((parent for parent in path.parents if parent in places), None)
        if place is None:
            yield Fault("extra", None, path.relative_to(folder).as_posix(), "no model of the lock has it")
            continue
        model, named = places[place]
        name = path.relative_to(place).as_posix()
        if named is not None and name not in named:
            yield Fault("extra", model, name, "the lock does not name it")


def _files(folder: Path) -> Iterator[Path]:
    """Every file below, without what tools keep for themselves and the contents that the Hub's cache links to."""
    for at, folders, names in os.walk(folder):
        here = Path(at)
        cached = here.name.startswith("models--") and here.parent == folder
        hidden = {"blobs", "refs", ".no_exist"} if cached else set()
        folders[:] = sorted(name for name in folders if name not in _OWN and name not in hidden)
        yield from (here / name for name in sorted(names) if not (here == folder and name == NOTED))
