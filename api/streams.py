"""This file knows how a table streams to whoever downloads it: media types, the file's name, and the snapshot that it is of."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


def streamed(pieces: AsyncIterator[bytes], name: str, kind: str, snapshot: str) -> StreamingResponse:
    """A response of these pieces, to be saved as ``name.kind``; ``kind`` is a key of ``MEDIA``."""
    headers = {
        "content-disposition": f'attachment; filename="{name}.{kind}"',
        "cache-control": "no-store",
        "x-stemma-snapshot": snapshot,
    }
    return StreamingResponse(pieces, media_type=MEDIA[kind], headers=headers)
