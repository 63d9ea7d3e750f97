"""This file knows the GraphQL types of lineages and paths, and what a question for a lineage needs of the walk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import strawberry
from graphql import GraphQLResolveInfo
from strawberry.scalars import JSON

from api.loaders import Ask, Edge
from api.nodes import DerivationNode, ModelNode, ReachedNode, TruncationNode
from api.selected import fields_of_models, once, selects
from graph.lineage import PACKED, packed
from graph.store import EVERY_FIELD, Walk, Want


@strawberry.type(description="A model reached, and how far away it is.")
class LineageNode:
    """See ``graph.store.WalkNode``."""

    model: ModelNode = strawberry.field(description="The model.")
    distance: int = strawberry.field(description="Fewest derivations to the root; negative towards ancestors.")


class Reached(msgspec.Struct, frozen=True, gc=False):
    """What a LineageNode is read from."""

    model: Any  # what was wanted of it
    distance: int


@strawberry.type(description="A model shown whose neighbours are not all shown.")
class Truncation:
    """See ``graph.store.Hidden``."""

    id: strawberry.ID = strawberry.field(description="The model.")
    hidden: int = strawberry.field(description="How many of its neighbours in the direction of the walk are not shown.")


@strawberry.type(
    description="The part of the graph around one model. Totals are exact whatever the depth and the limit."
)
class Lineage:
    """See ``graph.store.Walk``."""

    root: ModelNode = strawberry.field(description="The model in the middle.")
    nodes: Sequence[ReachedNode] = strawberry.field(
        description="The root, then ancestors and descendants, nearest first."
    )
    total_ancestors: int = strawberry.field(description="Distinct ancestors at any distance, under the same filters.")
    total_descendants: int = strawberry.field(
        description="Distinct descendants at any distance, under the same filters."
    )
    truncated: Sequence[TruncationNode] = strawberry.field(description="Where something is hidden, and how much.")
    columns: strawberry.Private[Callable[[], dict[str, object]]]
    links: strawberry.Private[Callable[[], list[Edge]]]

    @strawberry.field(description="All derivations among the nodes, by model and base model.")
    def edges(self) -> list[DerivationNode]:
        """Joined with their models only when they are asked for."""
        return self.links()

    @strawberry.field(description="The same as columns: smaller and much quicker for large lineages.")
    def packed(self) -> JSON:
        """Made only when it is asked for."""
        return JSON(self.columns())


@strawberry.type(description="A chain of models, each made from the one before or after it.")
class Path:
    """One shortest chain."""

    models: list[ModelNode] = strawberry.field(description="From the first model to the last.")
    length: int = strawberry.field(description="Number of derivations.")


def wanted_of(info: Ask) -> Want:
    """What a question for a lineage needs of the walk."""
    return once(info._raw_info, _wanted)


def _wanted(asked: GraphQLResolveInfo[Any]) -> Want:
    fields, columns = fields_of_models(asked), selects(asked, "packed")
    return Want(
        edges=columns or selects(asked, "edges"),
        hidden=columns or selects(asked, "truncated"),
        fields=tuple(dict.fromkeys((*fields, *PACKED))) if columns and fields != EVERY_FIELD else fields,
    )


def lineage_of(walk: Walk) -> Lineage:
    """A walk as the schema shows it; edges and columns are made when they are asked for."""

    def links() -> list[Edge]:
        known = {node.id: model for node, model in zip(walk.nodes, walk.models, strict=True)}
        return [Edge(edge, known[edge.model], known[edge.base_model]) for edge in walk.edges]

    return Lineage(
        root=walk.models[0],
        nodes=list(map(Reached, walk.models, [node.distance for node in walk.nodes])),
        links=links,
        total_ancestors=walk.total_ancestors,
        total_descendants=walk.total_descendants,
        truncated=walk.hidden,
        columns=lambda: packed(walk),
    )
