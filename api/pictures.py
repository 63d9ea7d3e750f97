"""This file knows the addresses of pictures: a lineage as SVG, and the files of the map.

The map's files lie under an address that names their snapshot, so a browser may keep them for ever; `/map/head.json` says which
they are. They are sent as they lie: they hardly shrink, and compressing them anew for each reader would cost more than it saves.
"""

from __future__ import annotations

import hashlib
import re

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from api.limits import LONGEST_NAME
from api.serving import Serving
from api.svg import draw
from graph.errors import BadInput, NotFound
from graph.fan import Crowd, Fan, fans_in
from graph.records import Direction, ModelRecord, Relation
from graph.scene import lay_out
from graph.store import EVERY_FIELD, Atlas, EdgeFilter, ModelFilter, Store, Want

ANCESTORS = 16  # drawn, the nearest
DEEPEST = 12  # derivations towards ancestors
CACHING = "public, max-age=0, must-revalidate"
FOR_EVER = "public, max-age=31536000, immutable"
SHORTEST, LONGEST = 2, 200  # characters of a text that points are looked for by
_FILES = re.compile(r"(?:[a-z]+-[0-9]|cells)\.bin|still\.png")
_AS_IT_IS = {"content-encoding": "identity"}


class Pictures:
    """Answers with pictures of what the store knows."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def lineage(self, request: Request) -> Response:
        """One model's lineage: the nearest ancestors and the fan."""
        async with self._serving.store() as (store, _):
            name = request.path_params["id"][:LONGEST_NAME]
            (id,) = await store.resolve([name])
            if id is None:
                raise NotFound("model", name)
            tag = f'"{hashlib.sha256(f"svg 1 {store.snapshot} {id}".encode()).hexdigest()[:32]}"'
            headers = {"etag": tag, "cache-control": CACHING, "cross-origin-resource-policy": "cross-origin"}
            if tag in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
            return Response(await lineage_svg(store, id), media_type="image/svg+xml", headers=headers)

    async def map_head(self, request: Request) -> Response:
        """What the map's files hold, and where they are."""
        async with self._serving.store() as (store, _):
            atlas = await _atlas(store)
            head = (atlas.folder / "head.json").read_bytes()
        tag = f'"{hashlib.sha256(head).hexdigest()[:32]}"'
        headers = {"etag": tag, "cache-control": CACHING}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(head, media_type="application/json", headers=headers)

    async def map_file(self, request: Request) -> Response:
        """One file of the map."""
        name = request.path_params["name"]
        async with self._serving.store() as (store, _):
            path = (await _atlas(store)).folder / name
            current = request.path_params["snapshot"] == store.snapshot
        if not _FILES.fullmatch(name) or not path.is_file() or not current:
            raise NotFound("file of the map", name, "read /map/head.json again")
        kind = "image/png" if path.suffix == ".png" else "application/octet-stream"
        return FileResponse(path, media_type=kind, headers={"cache-control": FOR_EVER, **_AS_IT_IS})

    async def map_points(self, request: Request) -> Response:
        """The numbers of the points whose model has a text in its name."""
        text = request.query_params.get("text", "")
        if not SHORTEST <= len(text) <= LONGEST:
            raise BadInput(f"`text` has {len(text)} characters: give {SHORTEST} to {LONGEST}")
        async with self._serving.store() as (store, _):
            points = (await _atlas(store)).points(ModelFilter(text=text))
        headers = {"cache-control": "no-store", **_AS_IT_IS}
        return Response(points, media_type="application/octet-stream", headers=headers)

    def routes(self) -> list[Route]:
        """Where each is."""
        return [
            Route("/models/{id:path}/lineage.svg", self.lineage, methods=["GET"]),
            Route("/map/head.json", self.map_head, methods=["GET"]),
            Route("/map/points", self.map_points, methods=["GET"]),
            Route("/map/{snapshot}/{name}", self.map_file, methods=["GET"]),
        ]


async def _atlas(store: Store) -> Atlas:
    atlas = await store.atlas()
    if atlas is None:
        raise NotFound(
            "map", store.snapshot[:12], "it is drawn from a snapshot's own files; serve with --store snapshot"
        )
    return atlas


async def lineage_svg(store: Store, id: str) -> str:
    """The picture of the lineage of a canonical id."""
    want = Want(fields=EVERY_FIELD)
    walk = await store.walk(id, Direction.ANCESTORS, EdgeFilter(), DEEPEST, ANCESTORS, want)
    whole = await store.walk(id, Direction.DESCENDANTS, EdgeFilter(), 0, 0, Want(edges=False, hidden=False))
    fans, derived = await fans_in(store, id)
    models: dict[str, ModelRecord] = {node.id: model for node, model in zip(walk.nodes, walk.models, strict=True)}
    edges = {(edge.model, edge.base_model): edge for edge in walk.edges}
    for fan in fans:
        for edge in fan.named:
            models.setdefault(edge.model, derived[edge.model])
            edges.setdefault((edge.model, edge.base_model), edge)
    crowds = {id: _crowds(fans)} if any(fan.rest for fan in fans) else {}
    scene = lay_out(models, tuple(edges.values()), crowds)
    totals = walk.total_ancestors, whole.total_descendants
    return draw(id, scene, models, crowds, totals, store.snapshot)


def _crowds(fans: tuple[Fan, ...]) -> dict[Relation, Crowd]:
    return {fan.relation: fan.rest for fan in fans if fan.rest is not None}
