"""What the servers of this folder share: a port of their own on this machine, a thread, and a handler that logs nothing."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    """A handler that keeps connections and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Loopback:
    """A server that can be started and stopped; ``address`` is known once it is started."""

    address: str
    _server: ThreadingHTTPServer

    def serve(self, handler: type[Quiet], **known: object) -> None:
        """Answer with ``handler`` in the background; ``known`` becomes attributes of its class, for this server alone."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type(handler.__name__, (handler,), known))
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
