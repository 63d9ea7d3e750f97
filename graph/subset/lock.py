"""This file knows a lock: the file that pins a subset, its canonical form, its digest, and how it is read back.

The digest is the sha256 of the lock's canonical JSON (RFC 8785) without the member ``digest``. A lock holds no clock time, and its
rows lie in the order of names: the same query on the same snapshot gives the same file, byte for byte. RFC 8785 differs from
sorted, compact JSON in how numbers with a fraction are written; a lock's have at most four decimals and none where they are
whole, and its whole numbers stay below 2**53, where both are the same.

The file has one model a line, so that tools that compare lines show what changed. Each row carries a short digest of itself, so
that a row changed by hand can be named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from graph.errors import BadInput, Damaged, LimitExceeded
from graph.subset.query import Query
from graph.subset.rows import Outside, Row, Totals, totals

FORMAT = "stemma-subset/1"
MOST_BYTES = 4_000_000_000  # of a lock file
_encoder = msgspec.json.Encoder(order="sorted")


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pinned subset. ``models`` and ``outside`` are sorted by name."""

    digest: str
    format: str
    models: tuple[Row, ...]
    outside: tuple[Outside, ...]
    query: Query
    schema_version: int
    snapshot: str
    totals: Totals
    unmatched: tuple[str, ...]  # excluded models that would not have been chosen

    @staticmethod
    def of(
        query: Query,
        snapshot: str,
        schema_version: int,
        models: tuple[Row, ...],
        outside: tuple[Outside, ...],
        unmatched: tuple[str, ...],
    ) -> Lock:
        """The lock of these rows, each with its check already, and its digest."""
        whole = Lock("", FORMAT, models, outside, query, schema_version, snapshot, totals(models, outside), unmatched)
        return msgspec.structs.replace(whole, digest=digest_of(whole))

    def pieces(self) -> Iterator[bytes]:
        """The file's content, a piece at a time."""
        yield b"{\n"
        for number, name in enumerate(self.__struct_fields__):  # already in the order of names
            yield b",\n" * bool(number) + canonical(name) + b":"
            if name == "models":
                for at, row in enumerate(self.models):
                    yield (b",\n" if at else b"[\n") + canonical(row)
                yield b"\n]" if self.models else b"[]"
            else:
                yield canonical(getattr(self, name))
        yield b"\n}\n"

    def write(self, path: Path) -> None:
        """Write the file beside its place and move it there, so that a cut leaves no half lock."""
        beside = path.with_name(path.name + ".new")
        try:
            with beside.open("wb") as file:
                file.writelines(self.pieces())
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise BadInput(f"{path} cannot be written ({error.strerror}): choose another place") from error


def canonical(value: Any) -> bytes:
    """Canonical JSON of a lock's value: members sorted, nothing between them, text as UTF-8."""
    return _encoder.encode(value)


def row_check(row: Row) -> str:
    """The short digest of a row without it."""
    return hashlib.sha256(canonical(msgspec.structs.replace(row, check=""))).hexdigest()[:16]


def digest_of(lock: Lock) -> str:
    """The digest that a lock should have, without building the whole text."""
    whole = hashlib.sha256(b"{")
    for number, name in enumerate(part for part in lock.__struct_fields__ if part != "digest"):
        whole.update(b"," * bool(number) + canonical(name) + b":")
        if name == "models":
            whole.update(b"[")
            for at, row in enumerate(lock.models):
                whole.update(b"," * bool(at) + canonical(row))
            whole.update(b"]")
        else:
            whole.update(canonical(getattr(lock, name)))
    whole.update(b"}")
    return whole.hexdigest()


def read(path: Path) -> Lock:
    """Read a lock file; its digests are not compared: see ``faults``. Raises BadInput (no such file), Damaged (no lock)."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise LimitExceeded(f"bytes of {path}", MOST_BYTES, size, "is it a lock?")
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror}): give a lock that `stemma subset create` wrote"
        ) from error
    try:
        lock = msgspec.json.decode(content, type=Lock)
    except msgspec.ValidationError as error:
        raise Damaged(f"{path} is not a lock of format {FORMAT} ({error}): make it again from its query") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        cut = "it ends too early; it was cut short" if not content.rstrip().endswith(b"}") else str(error)
        raise Damaged(f"{path} is no whole JSON document ({cut}): get it again, or make it from its query") from error
    if lock.format != FORMAT:
        raise Damaged(
            f"{path} has the format {lock.format!r}, this program reads {FORMAT}: use the program that wrote it"
        )
    return lock


def faults(lock: Lock) -> list[str]:
    """What in a lock does not agree with its own digests, in words; empty when all does."""
    found = [
        f"row {row.model}: it was changed after the lock was made" for row in lock.models if row.check != row_check(row)
    ]
    names = [row.model.encode() for row in lock.models]
    found += [
        f"row {names[at].decode()}: it stands twice or out of order"
        for at in range(1, len(names))
        if names[at] <= names[at - 1]
    ]
    if totals(lock.models, lock.outside) != lock.totals:
        found.append("totals: they are not those of the rows")
    expected = digest_of(lock)
    if lock.digest != expected:
        found.append(f"digest: it is {lock.digest[:16] or 'empty'}..., the content has {expected[:16]}...")
    return found
