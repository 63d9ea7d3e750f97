"""This file knows how the service is run: sockets, processes, logs, and a quiet end."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn

from api.app import create_app
from api.identify import Compare
from api.serving import Serving
from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.settings import Settings
from graph.snapshot import Source
from graph.store import Store
from graph.stores import current, open_store

COLLECT_AFTER = 50_000  # objects
GRACE_SECONDS = 10


def configure_logs(settings: Settings) -> None:
    """Structured lines on stderr, as text or JSON."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shown: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def serving_of(settings: Settings) -> Serving:
    """What answers, as the settings say: the catalogue's HEAD, or a graph database."""
    catalogue = Catalogue(settings.catalogue)
    embedded = settings.store == "snapshot"

    async def opened() -> tuple[Store, tuple[Source, ...]]:
        store = await open_store(settings, ahead=True)
        return store, catalogue.get(store.snapshot).manifest.sources if embedded else ()

    return Serving(lambda: current(settings), opened)


def serve(settings: Settings, ready: Callable[[str], None], compare: Compare | None = None) -> None:
    """Serve until a signal says stop. ``ready`` gets the address once connections are accepted; ``compare``: see ``create_app``.

    Raises BadInput when the address cannot be used.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise BadInput(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): choose another with --host and --port"
        ) from error
    listener.listen(1024)
    listener.set_inheritable(True)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{listener.getsockname()[1]}"
    if settings.workers == 1:
        _serve_one(settings, listener, lambda: ready(address), compare)
        return
    spawn = multiprocessing.get_context("fork")
    workers = [
        spawn.Process(target=_serve_one, args=(settings, listener, _nothing, compare)) for _ in range(settings.workers)
    ]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for worker in workers:
            if worker.is_alive():
                worker.terminate()

    for worker in workers:
        worker.start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ready(address)
    for worker in workers:
        worker.join()


def _nothing() -> None:
    """A worker is ready; the parent has said so."""


class _Server(uvicorn.Server):
    """Uvicorn, that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def _serve_one(settings: Settings, listener: socket.socket, ready: Callable[[], None], compare: Compare | None) -> None:
    configure_logs(settings)
    app = create_app(serving_of(settings), settings, compare=compare)
    gc.collect()
    gc.freeze()  # what stands now stays; answers hold few cycles, and looking for them often cost more than answering
    gc.set_threshold(COLLECT_AFTER, 20, 50)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=1000,
        h11_max_incomplete_event_size=65_536,
    )
    _Server(config, ready).run(sockets=[listener])
