"""This file knows the addresses of pictures: a lineage as SVG."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from api.serving import Serving
from api.svg import draw
from graph.errors import NotFound
from graph.fan import Crowd, Fan, fans_in
from graph.records import Direction, ModelRecord, Relation
from graph.scene import lay_out
from graph.store import EVERY_FIELD, EdgeFilter, Store, Want

LONGEST_NAME = 500  # characters
ANCESTORS = 16  # drawn, the nearest
DEEPEST = 12  # derivations towards ancestors
CACHING = "public, max-age=0, must-revalidate"


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
