"""The server that a Hub's resolver sends on to: another origin, files by ranges, and faults by script."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.loopback_hub.loopback import Loopback, Quiet


@dataclass
class Storage(Loopback):
    """Holds contents by sha256. ``faults``: by the number of the request, from 1.

    cut: half of the bytes, then the connection ends. stall: nothing for a while. whole: 200 with everything. shifted: another range
    than asked for. etag: other content. more: bytes beyond the range. 416, 429, 503 ...: that status. encoded: said to be gzip.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    ranges: list[str] = field(default_factory=list)  # asked for
    sent: int = 0  # bytes of bodies
    secrets: list[str] = field(default_factory=list)  # of requests: authorization and cookie headers
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> Storage:
        self.serve(_Handler, storage=self)
        return self

    def keep(self, content: bytes) -> str:
        """The sha256 under which a content is held from now on."""
        digest = hashlib.sha256(content).hexdigest()
        self.contents[digest] = content
        return digest


class _Handler(Quiet):
    storage: Storage

    def do_GET(self) -> None:
        storage, parts = self.storage, urlsplit(self.path)
        said = self.headers.get("range", "")
        with storage.lock:
            storage.ranges.append(said)
            number = len(storage.ranges)
            storage.secrets += [self.headers[name] for name in ("authorization", "cookie") if self.headers.get(name)]
        fault = storage.faults.get(number, "")
        content = storage.contents[parts.path.strip("/")]
        signed = parse_qs(parts.query).get("range", [""])[0]
        if signed and signed != said:  # an address that is good for one range alone
            self._answer(403, b"", {})
            return
        if fault == "stall":
            time.sleep(2)
            self.close_connection = True
            return
        if fault.isdigit():
            self._answer(int(fault), b"", {"Retry-After": "0"} if fault == "429" else {})
            return
        etag = {"ETag": f'"{parts.path.strip("/") if fault != "etag" else "0" * 64}"'}
        if not said or fault == "whole":
            self._answer(200, content, etag)
            return
        first, last = (int(number) for number in said.removeprefix("bytes=").split("-"))
        if first >= len(content):
            self._answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        last = min(last, len(content) - 1)
        told = first + 1 if fault == "shifted" else first
        headers = {**etag, "Content-Range": f"bytes {told}-{last + told - first}/{len(content)}"}
        if fault == "encoded":
            headers["Content-Encoding"] = "gzip"
        self._answer(206, content[first : last + 1], headers, fault)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], fault: str = "") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if fault == "more":
            body += b"more"
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "cut":
            body = body[: len(body) // 2]
            self.close_connection = True
        with self.storage.lock:
            self.storage.sent += len(body)
        self.wfile.write(body)
