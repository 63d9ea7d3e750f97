"""This file knows the service: which address answers what, with which headers, limits and caches."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import msgspec
import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import crowds
from api.execution import Answer, run
from api.explorer import Explorer
from api.identify import Compare, Identifying
from api.loaders import Context, Limits, Loaders
from api.page import PAGE
from api.pictures import Pictures
from api.serving import Serving
from api.subsets import KINDS, Preview
from graph.errors import LimitExceeded, StemmaError
from graph.settings import Settings
from graph.snapshot import Source
from graph.store import Store

_log = structlog.get_logger("stemma.http")
_GRAPHQL = "/graphql"
_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", _POLICY),
)


class Question(msgspec.Struct, rename={"operation_name": "operationName"}):
    """The body of a GraphQL request."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


class Metrics:
    """What Prometheus reads, of this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("stemma_requests", "Requests answered.", ["route", "status"], registry=self.registry)
        self.seconds = Histogram("stemma_request_seconds", "Time to answer.", ["route"], registry=self.registry)
        self.cost = Histogram(
            "stemma_query_cost",
            "Cost of GraphQL documents.",
            buckets=[10.0**n for n in range(1, 7)],
            registry=self.registry,
        )
        self.kept = Counter("stemma_kept_answers", "GraphQL answers given from memory.", registry=self.registry)
        self.answered = cache(self.requests.labels)  # the library looks a label up under a lock
        self.taken = cache(self.seconds.labels)


class Kept:
    """Whole answers, by snapshot and question, up to a number of bytes; the least lately used goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self.keeps = most_bytes > 0
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, key: bytes) -> bytes | None:
        """An answer given before."""
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def put(self, key: bytes, body: bytes) -> None:
        """Keep an answer, when it is not too large."""
        if len(body) * 8 > self._most or key in self._answers:
            return
        self._answers[key] = body
        self._size += len(body) + 100
        while self._size > self._most:
            _, gone = self._answers.popitem(last=False)
            self._size -= len(gone) + 100


class Service:
    """The routes and what they share."""

    def __init__(self, serving: Serving, settings: Settings, explorer: Explorer) -> None:
        self._serving = serving
        self._explorer = explorer
        self._settings = settings
        self._limits = Limits(settings.max_page, settings.max_lineage)
        self._kept = Kept(settings.response_cache_mb * 1_000_000)
        self.metrics = Metrics()

    async def posted(self, receive: Receive, send: Send) -> None:
        """A GraphQL question by POST. Raises StemmaError, ClientDisconnect."""
        status, body = await self._post_answer(receive)
        headers = [
            (b"content-length", str(len(body)).encode()),
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _post_answer(self, receive: Receive) -> tuple[int, bytes]:
        try:
            asked = await self._body(receive)
        except LimitExceeded as error:
            return 413, _refused(error.code, str(error))
        async with self._serving.store() as (store, sources):
            key = hashlib.sha256(store.snapshot.encode() + asked).digest() if self._kept.keeps else b""
            body = self._kept.get(key)
            if body is not None:
                self.metrics.kept.inc()
                return 200, body
            try:
                question = msgspec.json.decode(asked, type=Question)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                return 400, _refused("BAD_INPUT", _NO_QUESTION.format(error))
            answer, body = await self._answered(question, key, store, sources)
            return _status(answer), body

    async def got(self, request: Request) -> Response:
        """A GraphQL question by GET; GraphiQL for browsers, or a short page where it is not built."""
        if "query" not in request.query_params:
            if "text/html" in request.headers.get("accept", ""):
                return self._explorer.editor(request) or HTMLResponse(PAGE)
            return _refusal("BAD_INPUT", "give a GraphQL document as `query`", 400)
        try:
            question = self._question(request)
        except LimitExceeded as error:
            return _refusal(error.code, str(error), 413)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _refusal("BAD_INPUT", _NO_QUESTION.format(error), 400)
        async with self._serving.store() as (store, sources):
            whole = [store.snapshot, question.query, question.variables, question.operation_name]
            asked = json.dumps(whole, sort_keys=True).encode()  # quicker encoders refuse whole numbers beyond 64 bits
            key = hashlib.sha256(asked).digest()
            headers = {"etag": f'"{key.hex()[:32]}"', "cache-control": _CACHING}
            if headers["etag"] in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
            body = self._kept.get(key)
            if body is not None:
                self.metrics.kept.inc()
                return Response(body, media_type="application/json", headers=headers)
            answer, body = await self._answered(question, key, store, sources)
        return Response(body, _status(answer), headers if answer.clean else _NO_STORE, "application/json")

    async def _answered(
        self, question: Question, key: bytes, store: Store, sources: tuple[Source, ...]
    ) -> tuple[Answer, bytes]:
        context = Context(store, Loaders(store), self._limits, sources)
        answer = await run(question.query, question.variables, question.operation_name, context, self._settings)
        body = msgspec.json.encode(answer.body, enc_hook=str)
        self.metrics.cost.observe(answer.cost)
        if answer.clean:
            self._kept.put(key, body)
        return answer, body

    def _question(self, request: Request) -> Question:
        given = dict(request.query_params)
        most, size = self._settings.max_body_bytes, sum(map(len, given.values()))
        if size > most:
            raise LimitExceeded("size of the query", most, size, "send it by POST, or shorter")
        variables = given.get("variables")
        return msgspec.convert(
            {
                "query": given["query"],
                "variables": msgspec.json.decode(variables) if variables else None,
                "operationName": given.get("operationName"),
            },
            Question,
        )

    async def _body(self, receive: Receive) -> bytes:
        most, body = self._settings.max_body_bytes, bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > most:
                raise LimitExceeded("size of the body in bytes", most, len(body), "send a shorter document")
            if not message.get("more_body", False):
                return bytes(body)

    async def healthz(self, _: Request) -> Response:
        """The process runs."""
        return PlainTextResponse("ok")

    async def readyz(self, _: Request) -> Response:
        """The store answers."""
        try:
            async with self._serving.store() as (store, _sources):
                await store.coverage()
                return Response(
                    orjson.dumps({"ready": True, "snapshot": store.snapshot}), media_type="application/json"
                )
        except StemmaError as error:
            return Response(orjson.dumps({"ready": False, "reason": str(error)}), 503, media_type="application/json")

    async def prometheus(self, _: Request) -> Response:
        """Counters and times of this process."""
        return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)


_CACHING = "public, max-age=0, must-revalidate"
_NO_STORE = {"cache-control": "no-store"}
_NO_QUESTION = "the request is not a GraphQL question ({}): send JSON with `query`"


def _status(answer: Answer) -> int:
    return 400 if answer.refused else 200


def _refused(code: str, message: str) -> bytes:
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})


def _refusal(code: str, message: str, status: int) -> Response:
    return Response(_refused(code, message), status, _NO_STORE, "application/json")


class Questions:
    """The address of GraphQL, by GET and POST."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["method"] == "POST":
            await self._service.posted(receive, send)
        else:
            await (await self._service.got(Request(scope, receive)))(scope, receive, send)


class Straight:
    """Around the router: a question by POST does not take the way through it, which costs as much as a kept answer."""

    def __init__(self, app: ASGIApp, questions: Questions) -> None:
        self._app = app
        self._questions = questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        is_question = scope["type"] == "http" and scope["path"] == _GRAPHQL and scope["method"] == "POST"
        await (self._questions if is_question else self._app)(scope, receive, send)


class Compressed:
    """Around what answers: gzip for who asks for it. An answer by POST is kept by nobody, and needs no word about it otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._gzip = GZipMiddleware(app, minimum_size=2_000, compresslevel=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        plain = (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and not any(name == b"accept-encoding" for name, _ in scope["headers"])
        )
        await (self._app if plain else self._gzip)(scope, receive, send)


class Watched:
    """Around everything: security headers, a request id, one line in the log, counters; and no failure shows its inside."""

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: frozenset[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        route = scope["path"] if scope["path"] in self._routes else "other"
        request_id, begun, status, begun_answer = secrets.token_hex(8), time.perf_counter(), 500, False

        async def tell(message: Message) -> None:
            nonlocal status, begun_answer
            begun_answer = True
            if message["type"] == "http.response.start":
                status = message["status"]
                named = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in _HEADERS if header[0] not in named),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, tell)
        except ClientDisconnect:
            status = 499
        except StemmaError as error:
            if not begun_answer:
                await _refusal(error.code, str(error), error.http_status)(scope, receive, tell)
        except Exception:
            _log.exception("unexpected failure", request_id=request_id, route=route)
            if begun_answer:
                raise
            body = f"something failed inside; the server's log has it as {request_id}"
            await _refusal("INTERNAL", body, 500)(scope, receive, tell)
        finally:
            seconds = time.perf_counter() - begun
            self._metrics.answered(route, status).inc()
            self._metrics.taken(route).observe(seconds)
            _log.debug(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route,
                status=status,
                ms=round(seconds * 1e3, 2),
            )


def create_app(
    serving: Serving, settings: Settings, explorer: Explorer | None = None, compare: Compare | None = None
) -> Starlette:
    """The ASGI application; the store is opened when it starts and closed when it stops.

    ``compare``: what `/identify` asks of a sketch; without it there is no such address.
    """
    explorer = explorer or Explorer()
    service = Service(serving, settings, explorer)
    questions = Questions(service)
    handlers: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/healthz": service.healthz,
        "/readyz": service.readyz,
        "/metrics": service.prometheus,
    }
    routes = [Route(_GRAPHQL, questions, methods=["GET", "POST"])]
    routes += [Route(path, handler, methods=["GET"]) for path, handler in handlers.items()]
    if compare is not None:
        handlers["/identify"] = Identifying(compare, settings.max_sketch_bytes).identify
        routes.append(Route("/identify", handlers["/identify"], methods=["POST"]))
    routes += Pictures(serving).routes()
    previews = {f"/subsets/preview.{kind}": Preview(serving, kind) for kind in KINDS}
    routes += [Route(path, preview, methods=["GET"]) for path, preview in previews.items()]
    routes += [
        Route(f"/models/{{id:path}}/derived.{kind}", crowds.Crowd(serving, kind), methods=["GET"])
        for kind in crowds.KINDS
    ]
    routes.append(Route("/{address:path}", explorer.file_or_page, methods=["GET"]))  # last: whatever is not above

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with serving.running():
            yield

    middleware = [
        Middleware(Watched, metrics=service.metrics, routes=frozenset([_GRAPHQL, *handlers, *previews])),
        Middleware(Compressed),
    ]
    if settings.cors_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["content-type"],
                expose_headers=["etag"],
            )
        )
    middleware.append(Middleware(Straight, questions=questions))
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)
