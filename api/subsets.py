"""This file knows how a subset is looked at before it is made: over GraphQL in numbers, over REST as a table that streams."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import strawberry
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from api.nodes import ModelNode
from api.scalars import Long, State
from api.serving import Serving
from api.streams import streamed
from api.subset_views import from_pairs
from graph.store import Store
from graph.subset.build import build, rows
from graph.subset.exports import csv_tables, parquet
from graph.subset.exports.tables import MODELS, model_values
from graph.subset.lock import canonical
from graph.subset.query import Query, to_toml
from graph.subset.selection import Selection, select

MOST_ROWS = 10_000  # of a table that streams
_ROWS = 500  # between two looks at other requests
KINDS = ("csv", "jsonl", "parquet")


@strawberry.input(description="A model taken, or left out, by name.")
class SubsetName:
    """See ``graph.subset.query.Named``."""

    model: strawberry.ID = strawberry.field(description="Its name, in any spelling.")
    reason: str = strawberry.field(description="Why.")


@strawberry.type(description="A declared licence, and how many models have it.")
class SubsetLicence:
    """One line of the totals."""

    licence: str = strawberry.field(description="As declared on the Hub.")
    count: int = strawberry.field(description="Models.")


@strawberry.type(description="A base model of the subset that is not in it.")
class SubsetOutside:
    """See ``graph.subset.rows.Outside``."""

    id: strawberry.ID = strawberry.field(description="Its name.")
    state: State = strawberry.field(description="Whether it was seen.")
    licence: str | None = strawberry.field(description="As declared on the Hub.")
    why: str = strawberry.field(description="`missing`: never seen; `excluded` by the query; `not chosen`.")
    derived: int = strawberry.field(description="Models of the subset made from it.")


@strawberry.type(description="What a subset would be, were it made now. What is not known is counted, not left out.")
class SubsetPreview:
    """See ``graph.subset.rows.Totals``."""

    snapshot: str = strawberry.field(description="The snapshot that it would be of.")
    digest: str = strawberry.field(description="The digest that its lock would have.")
    query: str = strawberry.field(description="The query as a file for `stemma subset create`.")
    models: int = strawberry.field(description="How many models.")
    gated: int = strawberry.field(description="Models whose files need consent.")
    gone: int = strawberry.field(description="Models that are gone from the Hub.")
    files: int = strawberry.field(description="Known files.")
    bytes: Long = strawberry.field(description="Bytes of the files whose size is known.")
    without_files: int = strawberry.field(description="Models whose files are not known.")
    files_without_size: int = strawberry.field(description="Files whose size is not known.")
    files_by_git_blob: int = strawberry.field(description="Files known by a git blob id instead of a sha256.")
    files_without_hash: int = strawberry.field(description="Files known by neither.")
    without_commit: int = strawberry.field(description="Models whose commit is not known.")
    without_licence: int = strawberry.field(description="Models that declare no licence.")
    licences: list[SubsetLicence] = strawberry.field(description="Declared licences, most first.")
    derivations: int = strawberry.field(description="Derivations of the models.")
    conflicts: int = strawberry.field(description="Derivations about which claims disagree.")
    cycles: int = strawberry.field(description="Derivations on a cycle.")
    outside: list[SubsetOutside] = strawberry.field(description="Base models outside, by name.")
    nodes: list[ModelNode] = strawberry.field(description="The models, by name.")


async def previewed(store: Store, query: Query, most: int) -> SubsetPreview:
    """A subset of at most ``most`` models in numbers. Raises LimitExceeded, NotFound, BadInput."""
    lock = await build(store, query, most)
    counts = lock.totals
    ordered = sorted(counts.licences.items(), key=lambda item: (-item[1], item[0]))
    numbers = {
        name: getattr(counts, name)
        for name in counts.__struct_fields__
        if name not in ("licences", "outside", "outside_missing")
    }
    return SubsetPreview(
        snapshot=lock.snapshot,
        digest=lock.digest,
        query=to_toml(lock.query),
        licences=[SubsetLicence(licence=licence, count=count) for licence, count in ordered],
        outside=[
            SubsetOutside(
                id=strawberry.ID(base.model),
                state=State(base.state),
                licence=base.licence,
                why=base.why,
                derived=base.derived,
            )
            for base in lock.outside
        ],
        nodes=[model for model in await store.models([row.model for row in lock.models]) if model is not None],
        **numbers,
    )


class Preview:
    """Answers GET /subsets/preview.{csv,jsonl,parquet}: the models of a view, in its order, as they are read."""

    def __init__(self, serving: Serving, kind: str) -> None:
        self._serving = serving
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. The store stays open until the last row is sent."""
        query = from_pairs(Request(scope).query_params.multi_items(), MOST_ROWS)
        async with self._serving.store() as (store, _):
            chosen = await select(store, query, MOST_ROWS)
            table = streamed(self._pieces(store, chosen), "subset", self._kind, store.snapshot)
            await table(scope, receive, send)

    async def _pieces(self, store: Store, chosen: Selection) -> AsyncIterator[bytes]:
        file = parquet.Pieces(MODELS) if self._kind == "parquet" else None
        if self._kind == "csv":
            yield csv_tables.lines([tuple(MODELS.names)])
        async for part in rows(store, list(chosen.why), chosen, _ROWS):
            if file is not None:
                yield file.more(list(map(model_values, part)))
            elif self._kind == "csv":
                yield csv_tables.lines(map(model_values, part))
            else:
                yield b"".join(canonical(row) + b"\n" for row in part)
            await anyio.lowlevel.checkpoint()  # others may want to be answered between two pages
        if file is not None:
            yield file.end()
