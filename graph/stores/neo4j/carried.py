"""This file knows how arrays lie in a graph: the files in pieces, which a load writes and a service takes back.

A server reads a property in microseconds, so that a list that is chosen among millions takes it seconds, and a lineage of
thousands a tenth of one; the arrays choose and walk in milliseconds (``graph.stores.shared``). They are 245 bytes a model, 97 as
they lie in the graph (of 200,000 generated ones), and whoever asks a graph for a list takes them once for a snapshot. A piece is
text, because the importer reads nothing else: base64 of zstd.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pyarrow as pa

from graph.errors import BadInput, Damaged

PIECE = 2**20  # bytes of a file in one node, before they are packed
KEY = ("file", "part")
DIGEST = "digest"
_CODEC = "zstd"
_NAME = re.compile(r"[a-z0-9_]{1,60}\.(npy|bin|json)")
_MOST_BYTES = 2_000  # of all files, a model; names may have 96 characters, and lie there twice
_LEAST_ROOM = 2**24
_SCHEMA = pl.Schema(
    {
        "file": pl.String,
        "part": pl.Int64,
        "whole": pl.Int64,  # bytes of the file, with its first piece alone: the others stay as they are when it grows
        "bytes": pl.Int64,  # of this piece, before they are packed
        DIGEST: pl.String,  # of them, and of ``whole``: blake2b, 16 hex digits
        "data": pl.String,
    }
)
COLUMNS = tuple(_SCHEMA)
Piece = tuple[str, int, int | None, int, str, str]  # as in ``COLUMNS``


def pieces(folder: Path) -> pl.DataFrame:
    """The files of a folder, a row a piece, by file and part."""
    found: list[Piece] = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            whole = path.stat().st_size
            for part in range(max(1, -(-whole // PIECE))):
                data, size = file.read(PIECE), None if part else whole
                found.append((path.name, part, size, len(data), _digest(data, size), _packed(data)))
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


def restore(found: Iterable[Piece], folder: Path, models: int) -> None:
    """Write the files of these pieces, in any order, into an empty folder.

    ``models``: how many the graph holds, which bounds what is written. Raises Damaged when a piece is not what was loaded, BadInput
    when the folder cannot be written.
    """
    sizes: dict[str, int] = {}
    written, ends = Counter[str](), Counter[str]()
    room = _LEAST_ROOM + models * _MOST_BYTES
    for name, part, whole, size, digest, packed in found:
        told = f"piece {part} of {name!r}"
        if not _NAME.fullmatch(name) or not 0 <= size <= PIECE or part < 0 or (whole is None) is (part == 0):
            raise Damaged(f"{told} has an impossible name or size")
        ends[name] = max(ends[name], part * PIECE + size)
        if ends.total() > room:
            raise Damaged(f"{told} belongs to files of more than {room} bytes")
        data = unpacked(packed, size)
        if data is None or _digest(data, whole) != digest:
            raise Damaged(f"{told} is not what was loaded")
        if whole is not None:
            sizes[name] = whole
        try:
            with (folder / name).open("r+b" if written[name] else "wb") as file:
                file.seek(part * PIECE)
                file.write(data)
        except OSError as error:
            raise BadInput(
                f"{folder.parent} cannot be written ({error.strerror}): set STEMMA_CACHE to one that can"
            ) from error
        written[name] += max(1, size)
    wrong = [
        name for name in sorted(ends) if not (written[name] == max(1, ends[name]) and ends[name] == sizes.get(name))
    ]
    if wrong or not sizes:
        raise Damaged(f"pieces are missing of {', '.join(wrong) or 'all files'}, or there are too many")


def as_read(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as they are compared: what is packed is told by its digest, since another version may pack it otherwise."""

    def told(text: str, size: int, whole: int | None) -> str | None:
        data = unpacked(text, size) if 0 <= size <= PIECE else None
        return None if data is None else _digest(data, whole)

    digests = [told(*row) for row in rows.select("data", "bytes", "whole").iter_rows()]
    return rows.with_columns(data=pl.Series(digests, dtype=pl.String))


def unpacked(text: str, size: int) -> bytes | None:
    """The bytes of a piece; None where it is none of that size."""
    try:
        data: bytes = pa.decompress(b64decode(text, validate=True), size, _CODEC, asbytes=True)
    except (NoBase64, TypeError, ValueError, OSError):
        return None
    return data


def _packed(data: bytes) -> str:
    packed: bytes = pa.compress(data, _CODEC, asbytes=True)
    return b64encode(packed).decode("ascii")


def _digest(data: bytes, whole: int | None) -> str:
    return blake2b(data, digest_size=8, key=str(whole).encode()).hexdigest()
