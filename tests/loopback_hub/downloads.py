"""This file knows a Hub on this machine that gives out files to `hf download`: pinned revisions, ranges, cuts, and consent."""

from __future__ import annotations

import hashlib
import json
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.loopback_hub.loopback import Loopback, Quiet


@dataclass
class FileHub(Loopback):
    """``files``: content by path by repository. ``cuts``: by ``repository/path``, its next downloads that break off."""

    files: dict[str, dict[str, bytes]]
    commits: dict[str, str]
    gated: set[str] = field(default_factory=set)
    cuts: dict[str, int] = field(default_factory=dict)
    served: list[tuple[str, str, str]] = field(default_factory=list)  # (repository, path, range) of downloads

    def start(self) -> FileHub:
        self.serve(_Handler, hub=self)
        return self


class _Handler(Quiet):
    hub: FileHub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        if path.startswith("api/models/"):
            self._facts(path.removeprefix("api/models/"))
        elif "/resolve/" in path:
            repository, _, rest = path.partition("/resolve/")
            revision, _, name = rest.partition("/")
            self._file(repository, revision, name)
        else:
            self._json(404, {"error": "Not Found"})

    def _facts(self, rest: str) -> None:
        repository, _, more = rest.replace("/tree/", "/revision/").partition("/revision/")
        revision = more.split("/")[0]
        files = self.hub.files.get(repository)
        if files is None or revision not in ("", self.hub.commits[repository]):
            self._json(404, {"error": "not found"}, {"X-Error-Code": "RevisionNotFound"})
        elif "/tree/" in rest:
            self._json(200, [self._entry(path, content) for path, content in files.items()])
        else:
            siblings = [{"rfilename": path} for path in files]
            facts = {"_id": "f" * 24, "id": repository, "sha": self.hub.commits[repository], "siblings": siblings}
            self._json(200, facts | {"private": False, "tags": []})

    @staticmethod
    def _entry(path: str, content: bytes) -> dict[str, Any]:
        return {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    def _file(self, repository: str, revision: str, name: str) -> None:
        content = self.hub.files.get(repository, {}).get(name)
        if repository in self.hub.gated:
            self._json(403, {"error": "ask"}, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."})
            return
        if content is None or revision != self.hub.commits[repository]:
            self._json(404, {"error": "not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        wanted, begin = self.headers.get("Range", ""), 0
        if wanted:
            begin = int(wanted.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("X-Repo-Commit", revision)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.hub.served.append((repository, name, wanted))
        whole = f"{repository}/{name}"
        if self.hub.cuts.get(whole, 0) > 0:
            self.hub.cuts[whole] -= 1
            self.wfile.write(content[begin : (begin + len(content)) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            self.wfile.write(content[begin:])

    def _json(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
