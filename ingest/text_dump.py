"""This file knows text dumps: JSON lines or one JSON array, plain, gzip or zstd, cut into blocks of whole lines."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
import zstandard

from graph.errors import BadInput

BLOCK_BYTES = 32 * 2**20  # of text that one block holds, about
LONGEST_LINE = 64 * 2**20  # bytes; a longer line is skipped
LARGEST_ARRAY = 2**30  # bytes of one JSON array; more must come as JSON lines
_ZSTD_BYTES = 2**12  # of compressed data at a time: one byte can stand for 32 KiB
_SPACE = b" \t\r\n\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Whole lines, or one whole JSON array."""

    text: bytes
    first_row: int
    too_long: int  # lines just before that were too long to keep
    array: bool
    weight: int  # bytes of the file that were read for it


class Stream(Protocol):
    """What blocks are read from."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, empty at the end."""
        ...

    def close(self) -> None:
        """Give back what it holds, but not the file under it."""
        ...


def text_blocks(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[TextBlock]:
    """The blocks of a file, in order. Raises BadInput when it is cut short, damaged, or a too large array."""
    size, done, row, begun = path.stat().st_size, 0, 1, False
    with path.open("rb") as raw, closing(_stream(raw)) as stream:
        try:
            for text, too_long, array in _pieces(stream, path, block_bytes):
                weight = min(raw.tell(), size) - done
                done += weight
                row += too_long
                yield TextBlock(text, row, too_long, array, weight)
                row += text.count(b"\n")
                begun = True
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            where = f"after about {done} of {size} bytes" if begun else f"of {size} bytes"
            raise BadInput(f"{path} is cut short or damaged {where} ({error}): get the file again") from error


def rows_of(block_text: bytes, array: bool) -> Iterator[tuple[int, bytes]]:
    """(number of the row in the block, its JSON); empty lines are no rows but are counted as lines."""
    if array:
        for number, item in enumerate(msgspec.json.decode(block_text, type=list[msgspec.Raw])):
            yield number, bytes(item)
        return
    number = start = 0
    while start < len(block_text):  # not split(): the first rows are asked for alone
        end = block_text.find(b"\n", start)
        line = block_text[start : end if end >= 0 else None].strip(_SPACE)
        if line:
            yield number, line
        if end < 0:
            return
        start, number = end + 1, number + 1


def peek(block: TextBlock, most: int = 200) -> Iterator[dict[str, Any]]:
    """The first rows of a block, decoded, those that can be."""
    for _, raw in islice(rows_of(block.text, block.array), most):
        try:
            row = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(row, dict):
            yield row


def _stream(raw: BinaryIO) -> Stream:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=raw)
    if magic == b"\x28\xb5\x2f\xfd":
        return _WholeZstd(raw)
    return raw


def _pieces(stream: Stream, path: Path, block_bytes: int) -> Iterator[tuple[bytes, int, bool]]:
    """(text, lines too long before it, whether it is an array)."""
    head = stream.read(block_bytes)
    if head.lstrip(_SPACE)[:1] == b"[":
        yield _array(head, stream, path), 0, True
        return
    for text, too_long in _cut(head, stream, block_bytes):
        yield text, too_long, False


class _WholeZstd:
    """A zstd stream that says so when it ends in the middle of a frame, which the library's own reader does not."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._decoder = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        self._ready = bytearray()
        self._pending = b""
        self._begun = False

    def read(self, size: int) -> bytes:
        """Up to ``size`` decompressed bytes; empty at the end. Raises EOFError when the last frame is not whole."""
        while len(self._ready) < size:
            data = self._pending or self._raw.read(_ZSTD_BYTES)
            self._pending = b""
            if not data:
                if self._begun and not self._decoder.eof:
                    raise EOFError("the compressed data ends in the middle")
                break
            if self._decoder.eof:  # another frame follows
                self._decoder = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
            self._begun = True
            self._ready += self._decoder.decompress(data)
            self._pending = self._decoder.unused_data
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        return taken

    def close(self) -> None:
        """Nothing is held."""


def _cut(head: bytes, stream: Stream, block_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Text in blocks that end at line ends, each with the number of lines before it that were too long to keep."""
    data, rest, too_long, dropping = head, b"", 0, False
    while data:
        if dropping:
            end = data.find(b"\n")
            data, dropping = (data[end + 1 :], False) if end >= 0 else (b"", True)
        rest += data
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end], too_long
            rest, too_long = rest[end:], 0
        elif len(rest) > LONGEST_LINE:
            rest, too_long, dropping = b"", too_long + 1, True
        data = stream.read(block_bytes)
    if rest or too_long:
        yield rest, too_long


def _array(head: bytes, stream: Stream, path: Path) -> bytes:
    """All of a file that is one JSON array, as `hf ... --format json` prints it."""
    pieces, size = [head], len(head)
    while data := stream.read(BLOCK_BYTES):
        pieces.append(data)
        size += len(data)
        if size > LARGEST_ARRAY:
            raise BadInput(
                f"{path} is one JSON array of more than {LARGEST_ARRAY // 2**20} MiB: turn it into JSON lines (`jq -c '.[]'`)"
            )
    whole = b"".join(pieces).strip(_SPACE)
    try:
        msgspec.json.decode(whole, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(
            f"{path} begins as a JSON array and is not one ({error}): give JSON lines or one whole array"
        ) from error
    return whole
