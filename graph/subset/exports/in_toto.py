"""This file knows a subset as an in-toto statement: which lock file it is, by its sha256, and what it pins, ready to be signed.

Nothing is signed here: keys stay with the tools that keep them. The statement is canonical JSON, so the same lock gives the same
bytes. Both it and the lock file can be signed with `ssh-keygen -Y sign`, `cosign sign-blob`, `openssl` or `gpg`, offline.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from graph.errors import BadInput
from graph.snapshot import file_sha256
from graph.subset.lock import Lock, canonical

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://stemma.example/subset/v1"


def statement(lock: Lock) -> dict[str, Any]:
    """The statement. Its subject is the lock file as Stemma writes it."""
    content = hashlib.sha256()
    for piece in lock.pieces():
        content.update(piece)
    return {
        "_type": STATEMENT,
        "subject": [{"name": "subset.lock.json", "digest": {"sha256": content.hexdigest()}}],
        "predicateType": PREDICATE,
        "predicate": {
            "digest": lock.digest,
            "format": lock.format,
            "snapshot": lock.snapshot,
            "models": lock.totals.models,
            "title": lock.query.title,
        },
    }


def write(lock: Lock, path: Path) -> None:
    """Write one file."""
    path.write_bytes(canonical(statement(lock)) + b"\n")


def faults(path: Path, file: Path, lock: Lock) -> list[str]:
    """What in a statement does not fit a lock and its file, in words. Raises BadInput when it cannot be read."""
    try:
        said = msgspec.json.decode(path.read_bytes())
        digests = {subject["digest"]["sha256"] for subject in said["subject"]}
        pinned = said["predicate"]["digest"]
    except (OSError, msgspec.DecodeError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path} is no in-toto statement over a subset ({error}): export one with --format in-toto"
        ) from error
    found = file_sha256(file)
    wrong = [] if found in digests else [f"statement: it is over another file; this one's sha256 is {found}"]
    if pinned != lock.digest:
        wrong.append(f"statement: it pins subset {str(pinned)[:16]}..., the lock is {lock.digest[:16]}...")
    return wrong
