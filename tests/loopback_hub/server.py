"""A Hub on this machine: real HTTP, the Hub's shapes, its limits, and faults by script.

Lists are walked by keyset: the cursor is base64 JSON of the sort key and ``_id`` of the last row, in a ``Link`` header.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.loopback_hub.loopback import Loopback, Quiet
from tests.loopback_hub.storage import Storage

Row = dict[str, Any]
EXPANDS = {
    *(
        "author",
        "baseModels",
        "cardData",
        "config",
        "createdAt",
        "disabled",
        "downloads",
        "downloadsAllTime",
        "evalResults",
    ),
    *("gated", "gguf", "inference", "lastModified", "library_name", "likes", "model-index", "pipeline_tag", "private"),
    *("safetensors", "sha", "siblings", "spaces", "tags", "transformersInfo", "trendingScore", "widgetData"),
}
CAP = 1000  # rows of a page
WINDOW = 300  # seconds
COMMIT = "c0" * 20
SMALL = 2_000  # bytes up to which a file comes from the Hub itself


@dataclass
class Hub(Loopback):
    """What the server holds and what it is told to do wrong. ``faults``: by the number of the list request, from 1."""

    models: list[Row] = field(default_factory=list)
    datasets: list[Row] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)  # old name -> name today
    faults: dict[int, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)  # expands that this Hub does not know
    quota: int = 500
    on_page: Callable[[int], None] = lambda _: None
    hostile_next: str | None = None
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)  # repository -> path -> content
    storage: Storage | None = None  # where the resolver sends on to
    commits: dict[str, str] = field(default_factory=dict)  # repository -> commit, where not that of ``COMMIT``
    gated: set[str] = field(default_factory=set)
    resolved: int = 0
    on_resolve: Callable[[int], None] = lambda _: None
    signs_ranges: bool = False  # an address of the storage is good for the range asked for alone
    lists: int = 0
    requests: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> Hub:
        self.serve(_Handler, hub=self)
        return self


def cursor(row: Row, sort: str) -> str:
    return base64.b64encode(json.dumps([row.get(sort), row["_id"]]).encode()).decode()


class _Handler(Quiet):
    hub: Hub

    def do_GET(self) -> None:
        hub, parts = self.hub, urlsplit(self.path)
        with hub.lock:
            hub.requests.append(self.path)
            hub.tokens.append(self.headers.get("authorization", ""))
        if parts.path in ("/api/models", "/api/datasets"):
            self._list(hub.models if parts.path.endswith("models") else hub.datasets, parts.path, parse_qs(parts.query))
        elif parts.path.startswith("/api/models/"):
            self._one(unquote(parts.path.removeprefix("/api/models/")))
        elif "/resolve/" in parts.path:
            self._resolve(parts.path.strip("/"))
        else:
            self._send(404, {"error": "Not Found"})

    def _resolve(self, path: str) -> None:
        """A file of a repository: small ones from here, large ones by a redirect to the storage."""
        hub = self.hub
        with hub.lock:
            hub.resolved += 1
            number = hub.resolved
        hub.on_resolve(number)
        repository, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        repository = hub.moved.get(repository, repository)
        content = hub.files.get(repository, {}).get(unquote(name))
        commit = hub.commits.get(repository, COMMIT)
        if repository in hub.gated:
            self._send(403, {}, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."})
        elif content is None or revision not in (commit, "main"):
            self._send(404, {}, {"X-Error-Code": "EntryNotFound"})
        elif hub.storage is not None and len(content) > SMALL:
            digest = hub.storage.keep(content)
            signed = f"?range={self.headers.get('range', '')}" if hub.signs_ranges else ""
            facts = {"X-Repo-Commit": commit, "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
            self._send(302, {}, {"Location": f"{hub.storage.address}/{digest}{signed}", **facts})
        else:
            self._plain(content, commit)

    def _plain(self, content: bytes, commit: str) -> None:
        said = self.headers.get("range", "")
        self.send_response(206 if said else 200)
        if said:
            first, last = (int(number) for number in said.removeprefix("bytes=").split("-"))
            self.send_header("Content-Range", f"bytes {first}-{min(last, len(content) - 1)}/{len(content)}")
            content = content[first : last + 1]
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _held(self, name: str) -> Row:
        """A repository with files, as the Hub tells of it with ``blobs=true``."""
        siblings = []
        for path, content in sorted(self.hub.files[name].items()):
            lfs = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            sibling = {"rfilename": path, "size": len(content), "blobId": hashlib.sha1(content).hexdigest()}
            siblings.append({**sibling, "lfs": lfs} if path.endswith((".safetensors", ".gguf", ".bin")) else sibling)
        known = next((row for row in self.hub.models if row["id"] == name), {"_id": "f" * 24, "id": name})
        return {**known, "sha": self.hub.commits.get(name, COMMIT), "siblings": siblings}

    def _one(self, name: str) -> None:
        name, _, revision = name.partition("/revision/")
        row = next((row for row in self.hub.models if row["id"].lower() == name.lower()), None)
        if name in self.hub.files:
            known = revision in ("", "main", self.hub.commits.get(name, COMMIT))
            row = self._held(name) if known else None
        if name in self.hub.moved:
            self._send(307, {}, {"Location": f"/api/models/{self.hub.moved[name]}"})
        elif row is None:
            self._send(401, {"error": "Invalid username or password."}, {"X-Error-Code": "RepoNotFound"})
        else:
            self._send(200, row)

    def _list(self, rows: list[Row], path: str, query: dict[str, list[str]]) -> None:
        hub = self.hub
        with hub.lock:
            hub.lists += 1
            number = hub.lists
        fault = hub.faults.get(number)
        expands = query.get("expand", []) + query.get("expand[]", [])
        wrong = [name for name in expands if name not in EXPANDS - hub.unknown]
        if wrong:
            valid = "|".join(sorted(EXPANDS - hub.unknown))
            self._send(400, {"error": f"Invalid enum value. Expected {valid}, received '...'"})
            return
        if fault == "stall":
            time.sleep(3)
            self.close_connection = True
            return
        if fault == "reset":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if fault and fault.isdigit():
            self._send(int(fault), {"error": "try again"}, {"Retry-After": "0"} if fault == "429" else {})
            return
        sort = query.get("sort", ["_id"])[0]
        chosen = [
            row
            for row in rows
            if all(row["id"].split("/")[0] == name for name in query.get("author", []))
            and all(tag in row.get("tags", []) for tag in query.get("filter", []))
        ]
        chosen.sort(key=lambda row: (row.get(sort) or "", row["_id"]), reverse=sort != "_id")
        if "cursor" in query:
            value, oid = json.loads(base64.b64decode(query["cursor"][0]))
            place = ((value or ""), oid)
            chosen = [
                row
                for row in chosen
                if (
                    ((row.get(sort) or "", row["_id"]) > place)
                    if sort == "_id"
                    else ((row.get(sort) or "", row["_id"]) < place)
                )
            ]
        limit = min(CAP, int(query.get("limit", ["30"])[0]))
        page, more = chosen[:limit], len(chosen) > limit
        headers = {}
        if more:
            following = {name: values for name, values in query.items() if name != "cursor"}
            following["cursor"] = [cursor(page[-1], sort)]
            base = hub.hostile_next or hub.address
            headers["Link"] = f'<{base}{path}?{urlencode(following, doseq=True)}>; rel="next"'
        body: list[Any] = [{name: value for name, value in row.items() if name not in hub.unknown} for row in page]
        if fault == "malformed":
            body = ["a row that is no object", *body]
        if fault == "repeat" and page:
            body = [*body, page[0]]
        self._send(200, body, headers, cut=fault == "cut")
        hub.on_page(number)

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        content = json.dumps(body).encode()
        left = max(0, self.hub.quota - len(self.hub.requests))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("RateLimit", f'"api";r={left};t=1')
        self.send_header("RateLimit-Policy", f'"fixed window";"api";q={self.hub.quota};w={WINDOW}')
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self.close_connection = True
