"""This file knows `POST /identify`: a sketch in, what the model is out. Comparing takes seconds: one at a time, in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from graph.errors import LimitExceeded, StemmaError

Compare = Callable[[bytes], dict[str, Any]]  # raises StemmaError
MOST_WAITING = 4  # requests; more are sent away


class Identifying:
    """The route. ``compare`` is given by who may import the reading of weights; ``most_bytes``: the largest sketch."""

    def __init__(self, compare: Compare, most_bytes: int) -> None:
        self._compare = compare
        self._most_bytes = most_bytes
        self._one_at_a_time = anyio.Lock()
        self._waiting = 0

    async def identify(self, request: Request) -> Response:
        """What the model is of which the body is a sketch, as `stemma identify --json` prints it."""
        if self._waiting >= MOST_WAITING:
            return _answer({"errors": [_error("UNREACHABLE", "too many are waiting: ask again later")]}, 503)
        self._waiting += 1
        try:
            body = await self._body(request)
            async with self._one_at_a_time:
                told = await anyio.to_thread.run_sync(self._compare, body)
        except StemmaError as error:
            status = 413 if isinstance(error, LimitExceeded) else 400 if error.code == "DAMAGED" else error.http_status
            return _answer({"errors": [_error(error.code, str(error))]}, status)
        finally:
            self._waiting -= 1
        return _answer(told, 200)

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._most_bytes:
                advice = "send what `stemma weights sketch --out FILE` writes"
                raise LimitExceeded("size of the sketch in bytes", self._most_bytes, len(body), advice)
        return bytes(body)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}


def _answer(said: dict[str, Any], status: int) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(said), status, media_type="application/json", headers=headers)
