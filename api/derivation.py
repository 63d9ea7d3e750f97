"""This file knows the GraphQL types of derivations: what was made from what, who claims it, and where claims disagree."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry
from strawberry import Parent

from api.connections import PageInfo
from api.loaders import Ask, Edge
from api.nodes import ClaimNode, DerivationNode, ModelNode
from api.scalars import Evidence, Relation
from graph.store import EdgeFilter


@strawberry.type(description="One statement that a model was made from a base model.")
class Claim:
    """See ``ClaimRecord``."""

    relation: Relation = strawberry.field(description="The relation claimed; UNKNOWN when none is.")
    evidence: Evidence = strawberry.field(description="How it is known.")
    confidence: float | None = strawberry.field(description="0 to 1 for inferred claims, null for declared ones.")
    where: str = strawberry.field(description="Where it was said: `baseModels`, `tags`, `cardData.base_model`, a file.")
    detail: str | None = strawberry.field(
        description="The spelling that was said, when it differs from the base model's name."
    )


@strawberry.type(description="What a model was made from, with all that is claimed about it.")
class Derivation:
    """See ``DerivationRecord``."""

    model: ModelNode = strawberry.field(description="The derived model.")
    base_model: ModelNode = strawberry.field(description="What it was made from.")
    relation: Relation = strawberry.field(description="The relation by the strongest evidence that knows one.")
    evidence: Sequence[Evidence] = strawberry.field(description="All kinds of evidence for this pair.")
    confidence: float | None = strawberry.field(description="0 to 1 when it is inferred, null when it is declared.")
    conflict: bool = strawberry.field(description="Whether claims disagree about this pair.")
    cycle: bool = strawberry.field(description="Whether it lies on a cycle, which no true history can have.")

    @strawberry.field(description="The claims one by one.")
    async def claims(root: Parent[Edge], info: Ask) -> list[ClaimNode]:
        """The claims about this pair."""
        all_claims = await info.context.load.claims.load(root.record.model)
        return [claim for claim in all_claims if claim.base_model == root.record.base_model]


@strawberry.type(description="How many models were made from a model in one way.")
class RelationCount:
    """One relation and a count."""

    relation: Relation = strawberry.field(description="The relation.")
    count: int = strawberry.field(description="How many derivations have it.")


@strawberry.type(description="A row of derivations.")
class DerivationEdge:
    """Relay's edge."""

    node: DerivationNode = strawberry.field(description="The derivation.")
    cursor: str = strawberry.field(description="Its place in the list.")


@strawberry.type(description="A page of derivations, by downloads of the derived model.")
class DerivationConnection:
    """Relay's connection."""

    edges: list[DerivationEdge] = strawberry.field(description="The rows with their cursors.")
    nodes: Sequence[DerivationNode] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    total_count: int = strawberry.field(description="How many there are under the same filter, exactly.")


@strawberry.type(description="A disagreement among the claims about a model's base models.")
class Conflict:
    """See ``graph.conflicts``."""

    kind: str = strawberry.field(description="`relation`: told differently; `base_model`: not named by all evidence.")
    base_model: str = strawberry.field(description="The base model that it is about.")
    claims: Sequence[ClaimNode] = strawberry.field(description="The claims about it.")
    silent: Sequence[Evidence] = strawberry.field(description="Evidence that names other base models and not this one.")
    text: str = strawberry.field(description="The disagreement in words.")


def edge_filter(relations: Sequence[Relation] | None, evidence: Sequence[Evidence] | None) -> EdgeFilter:
    """Which derivations a field asks for."""
    return EdgeFilter(
        None if relations is None else frozenset(relations), None if evidence is None else frozenset(evidence)
    )
