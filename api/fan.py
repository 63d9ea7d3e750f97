"""This file knows the GraphQL types of a fan: what was made from a model in one way, some by name, the rest counted."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.loaders import Ask, Edge
from api.nodes import CrowdNode, DerivationNode
from api.scalars import Evidence, Long, Relation
from graph.fan import fans_in
from graph.records import DerivationRecord, ModelRecord


@strawberry.type(description="Derived models that are told together, not one by one.")
class Crowd:
    """See ``graph.fan.Crowd``."""

    count: int = strawberry.field(description="How many.")
    downloads: Long = strawberry.field(description="Their downloads in the last 30 days together.")
    conflicts: int = strawberry.field(description="About how many of them claims disagree.")
    inferred: int = strawberry.field(description="How many are known by their weights alone.")
    dated: int = strawberry.field(description="Of how many the time of making is known.")
    since: datetime | None = strawberry.field(description="When the first of the whole fan was made.")
    until: datetime | None = strawberry.field(description="When the last of the whole fan was made.")
    histogram: list[int] = strawberry.field(description="By time of making, in equal spans from `since` to `until`.")


@strawberry.type(description="A derived model that is told by name.")
class Named:
    """A derivation, with what a picture shows of it."""

    derivation: DerivationNode = strawberry.field(description="The derivation, with both models.")
    novelty: float | None = strawberry.field(description="The derived model's novelty, 0 to 100; null when not known.")
    novelty_class: str | None = strawberry.field(description="What kind of fork it is.")
    cosine: float | None = strawberry.field(description="How alike the weights of the two are, where they were read.")


@strawberry.type(description="What was made from a model in one way: the telling ones by name, the rest counted.")
class Fan:
    """See ``graph.fan.Fan``."""

    relation: Relation = strawberry.field(description="In which way.")
    count: int = strawberry.field(description="How many in all; the same as in `derivedCounts`.")
    named: list[Named] = strawberry.field(
        description="The most interesting: by downloads, descendants, novelty, conflict."
    )
    rest: CrowdNode | None = strawberry.field(description="The others together; null when all are named.")


async def fan_of(model: ModelRecord, info: Ask) -> list[Fan]:
    """The fans of a model."""
    found, known = await fans_in(info.context.store, model.id)
    return [
        Fan(
            relation=fan.relation,
            count=fan.count,
            named=[await _named(info, edge, known[edge.model], model) for edge in fan.named],
            rest=fan.rest,
        )
        for fan in found
    ]


async def _named(info: Ask, edge: DerivationRecord, model: ModelRecord, base: ModelRecord) -> Named:
    """A derived model as a picture shows it. Likeness is looked up only where the weights were read."""
    cosine = None
    if Evidence.WEIGHTS in edge.evidence:
        alike = await info.context.store.similar(edge.model, 50)
        cosine = next((pair.cosine for pair in alike if pair.other == edge.base_model), None)
    return Named(
        derivation=Edge(edge, model, base),
        novelty=model.novelty,
        novelty_class=model.novelty_class,
        cosine=cosine,
    )
