"""This file knows how all that was made from a model in one way streams as a table, a page of the store at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import anyio.lowlevel
import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from api.limits import LONGEST_NAME
from api.serving import Serving
from api.streams import streamed
from graph.errors import BadInput, NotFound
from graph.records import DerivationRecord, ModelRecord, Relation
from graph.store import EdgeFilter, Key, Store
from graph.subset.exports import csv_tables

MOST_ROWS = 100_000
_PAGE = 1_000
KINDS = ("csv", "jsonl")


class Member(msgspec.Struct, frozen=True, gc=False):
    """One row: a derived model, and what is claimed about it."""

    model: str
    base_model: str
    relation: str
    evidence: tuple[str, ...]
    confidence: float | None
    conflict: bool
    cycle: bool
    state: str
    created: datetime | None
    downloads: int | None
    descendants: int | None
    novelty: float | None
    novelty_class: str | None
    licence: str | None


class Crowd:
    """Answers GET /models/ID/derived.{csv,jsonl}: the derived models, most downloaded first, of one or more relations."""

    def __init__(self, serving: Serving, kind: str) -> None:
        self._serving = serving
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. The store stays open until the last row is sent."""
        request = Request(scope)
        where = EdgeFilter(_relations(request.query_params.getlist("relation")))
        name = request.path_params["id"][:LONGEST_NAME]
        async with self._serving.store() as (store, _):
            (id,) = await store.resolve([name])
            if id is None:
                raise NotFound("model", name)
            table = streamed(self._pieces(store, id, where), "derived", self._kind, store.snapshot)
            await table(scope, receive, send)

    async def _pieces(self, store: Store, id: str, where: EdgeFilter) -> AsyncIterator[bytes]:
        if self._kind == "csv":
            yield csv_tables.lines([Member.__struct_fields__])
        async for part in members(store, id, where):
            if self._kind == "csv":
                yield csv_tables.lines(map(_values, part))
            else:
                yield b"".join(msgspec.json.encode(row) + b"\n" for row in part)
            await anyio.lowlevel.checkpoint()  # others may want to be answered between two pages


async def members(store: Store, id: str, where: EdgeFilter) -> AsyncIterator[list[Member]]:
    """What was made from a model, a page at a time, at most ``MOST_ROWS``."""
    after: Key | None = None
    for _ in range(MOST_ROWS // _PAGE):
        (page,) = await store.derived_models([id], where, _PAGE, after)
        models = await store.models([edge.model for edge in page.derivations])
        yield [_member(edge, model) for edge, model in zip(page.derivations, models, strict=True) if model is not None]
        if not page.has_next:
            return
        after = page.keys[-1]


def _member(edge: DerivationRecord, model: ModelRecord) -> Member:
    return Member(
        model=model.id,
        base_model=edge.base_model,
        relation=edge.relation.value,
        evidence=tuple(word.value for word in edge.evidence),
        confidence=edge.confidence,
        conflict=edge.conflict,
        cycle=edge.cycle,
        state=model.state.value,
        created=model.created_at,
        downloads=model.downloads,
        descendants=model.descendants,
        novelty=model.novelty,
        novelty_class=model.novelty_class,
        licence=model.licence,
    )


def _values(row: Member) -> tuple[object, ...]:
    """The row as CSV has it: several kinds of evidence in one cell."""
    values = msgspec.structs.astuple(msgspec.structs.replace(row, evidence=(" ".join(row.evidence),)))
    return tuple(
        value[0] if isinstance(value, tuple) else value.isoformat() if isinstance(value, datetime) else value
        for value in values
    )


def _relations(words: list[str]) -> frozenset[Relation] | None:
    known = {relation.value: relation for relation in Relation}
    for word in words:
        if word.lower() not in known:
            raise BadInput(f"relation is {word!r}: give one of {', '.join(known)}")
    return frozenset(known[word.lower()] for word in words) or None
