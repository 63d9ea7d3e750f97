"""This file knows the built explorer: which files it has, and with which headers a browser gets them.

The bundles are made by `make web` (npm, Vite) in `web/dist/` and `web/graphiql/dist/`, and lie in the wheel. Files under `assets/`
carry a hash of their content in their name, so browsers may keep them for ever. Every other address that a browser opens gets the
page itself, which then finds its view there.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response

BUNDLE = Path(__file__).parent / "web" / "dist"
EDITOR = Path(__file__).parent / "web" / "graphiql" / "dist"
_HASHED = ("/assets/", "/graphiql/assets/")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_ORIGIN_ONLY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{inline}; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PAGE_POLICY = _ORIGIN_ONLY.format(inline="")
EDITOR_POLICY = _ORIGIN_ONLY.format(inline=" 'unsafe-inline'")  # GraphiQL's editor writes its styles into the page

UNBUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Stemma</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}</style></head><body>
<h1>The explorer is not built</h1>
<p>Run <code>make web</code> in the source tree, then start the service again. An installed package brings the explorer along.</p>
<p>GraphQL answers at <a href="/graphql">/graphql</a> all the same.</p>
</body></html>
"""


class Explorer:
    """The files of the bundles; an address is looked up among them and never joined to a path.

    They are listed when the service starts, and again when the page was built anew meanwhile.
    """

    def __init__(self, folder: Path = BUNDLE, editor: Path = EDITOR) -> None:
        self._folders = {"/": folder, "/graphiql/": editor}
        self._made: int | None = None
        self._files: dict[str, Path] = {}
        self._packed: dict[Path, Path] = {}
        self._page = folder / "index.html"
        self._list()

    def _list(self) -> None:
        made = self._page.stat().st_mtime_ns if self._page.exists() else None
        if made is not None and made == self._made:
            return
        self._made = made
        found = [
            (root + path.relative_to(folder).as_posix(), path)
            for root, folder in self._folders.items()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ]
        self._files = {address: path for address, path in found if path.suffix != ".gz"}
        self._packed = {path.with_suffix(""): path for _, path in found if path.suffix == ".gz"}

    async def file_or_page(self, request: Request) -> Response:
        """A file of the bundle, or the page."""
        address = request.url.path
        if address in self._files and not address.endswith("/index.html"):
            return self._file(self._files[address], request, _FOR_EVER if address.startswith(_HASHED) else _ASK_AGAIN)
        wanted = address == "/" or "text/html" in request.headers.get("accept", "")
        if address.startswith(_HASHED) or not wanted:
            return PlainTextResponse("nothing is here: the explorer is at /, GraphQL at /graphql\n", 404)
        self._list()
        if self._made is None:
            return HTMLResponse(UNBUILT, 503)
        return self._file(self._page, request, _ASK_AGAIN, PAGE_POLICY)

    def editor(self, request: Request) -> Response | None:
        """The page of GraphiQL; none when it is not built."""
        page = self._files.get("/graphiql/index.html")
        return None if page is None else self._file(page, request, _ASK_AGAIN, EDITOR_POLICY)

    def _file(self, path: Path, request: Request, caching: str, policy: str | None = None) -> Response:
        headers = {"cache-control": caching, "vary": "accept-encoding"}
        if policy is not None:
            headers["content-security-policy"] = policy
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        packed = self._packed.get(path)
        if packed is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return FileResponse(path, headers=headers, media_type=kind)
        return FileResponse(packed, headers={**headers, "content-encoding": "gzip"}, media_type=kind)
