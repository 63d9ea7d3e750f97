"""This file knows the GraphQL types of contradictions between a model's weights and what is said of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import strawberry

from api import cursors
from api.connections import DOWNLOADS, PageInfo, page_info, page_size
from api.filters import ModelFilter, filter_of
from api.loaders import Ask
from api.nodes import ClaimNode, ContradictionNode, ModelNode
from api.scalars import ContradictionKind
from graph.contradictions import in_full
from graph.errors import BadInput
from graph.records import ContradictionRecord, Contradicts
from graph.store import Doubt


@strawberry.type(description="What the weights say of a base model, against what everyone else says.")
class Contradiction:
    """See ``graph.contradictions``."""

    kind: ContradictionKind = strawberry.field(description="In which way they disagree.")
    base_model: str = strawberry.field(description="The base model that the weights name.")
    probability: float = strawberry.field(description="Of the weights' claim, 0 to 1.")
    found: Sequence[ClaimNode] = strawberry.field(description="The claims of the weights about it.")
    said: Sequence[ClaimNode] = strawberry.field(description="All claims of others about the model's base models.")
    text: str = strawberry.field(description="The contradiction in words.")


@strawberry.type(description="A model whose weights contradict what is said of it.")
class ContradictedEdge:
    """Relay's edge."""

    node: ModelNode = strawberry.field(description="The model.")
    cursor: str = strawberry.field(description="Its place in the list.")
    sides: strawberry.Private[Callable[[], Awaitable[list[ContradictionNode]]]]

    @strawberry.field(description="Its contradictions that pass, by base model, with both sides' claims.")
    async def contradictions(self) -> list[ContradictionNode]:
        """The claims are read only when they are asked for."""
        return await self.sides()


@strawberry.type(description="A page of models whose weights contradict what is said of them, by downloads.")
class ContradictedConnection:
    """Relay's connection."""

    edges: list[ContradictedEdge] = strawberry.field(description="The rows with their cursors.")
    nodes: Sequence[ModelNode] = strawberry.field(description="The models alone.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    total_count: int = strawberry.field(description="How many models there are under the same filters, exactly.")


async def contradicted(
    info: Ask,
    filter: ModelFilter | None,
    kinds: Sequence[Contradicts] | None,
    probability: float,
    first: int,
    after: str | None,
) -> ContradictedConnection:
    """A page. Raises LimitExceeded, BadInput."""
    if not 0 <= probability <= 1:
        raise BadInput(f"probability {probability} is none: give a number from 0 to 1")
    doubt, key = Doubt(tuple(kinds or ()), probability), cursors.read(DOWNLOADS, after)
    page = await info.context.store.contradicted(filter_of(filter), doubt, page_size(info, first), key)

    async def sides(model: str, found: tuple[ContradictionRecord, ...]) -> list[ContradictionNode]:
        return in_full(found, await info.context.load.claims.load(model))

    rows = zip(page.models, page.keys, page.contradictions, strict=True)
    return ContradictedConnection(
        edges=[
            ContradictedEdge(node=m, cursor=cursors.write(DOWNLOADS, k), sides=partial(sides, m.id, found))
            for m, k, found in rows
        ],
        nodes=page.models,
        page_info=page_info(DOWNLOADS, page.keys, page.has_next, after),
        total_count=page.total,
    )
