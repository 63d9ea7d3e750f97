"""This file knows the GraphQL types of standing: of a model in its niche, what supersedes it, and how long leaders last."""

from __future__ import annotations

from datetime import UTC, datetime

import strawberry
from strawberry import Parent

from api.loaders import Ask
from api.nodes import ModelNode, NicheDecayNode
from graph import decay as decays
from graph.records import StandingRecord, SuccessorRecord
from graph.standing import told
from graph.succession import told as told_successor


@strawberry.type(
    description="How a measured model stands in its niche: among those of its task, size and kind of licence."
)
class Standing:
    """See ``StandingRecord``."""

    probability: float | None = strawberry.field(
        description="That it is the best of its niche now; null where it stands in none: see `text`."
    )
    task: str | None = strawberry.field(description="The niche's task.")
    size: str | None = strawberry.field(description="The niche's size class, by parameters.")
    licence: str = strawberry.field(
        description="The niche's class of licences: `permissive`, `conditions`, `non-commercial` or `unknown`."
    )
    models: int | None = strawberry.field(description="How many models are compared, itself among them.")
    leader: strawberry.ID | None = strawberry.field(description="Of these the one that is most probably the best.")
    superseded_by: int = strawberry.field(description="How many models supersede it; `successors` has the first.")

    @strawberry.field(description="The same in one line, or why it stands in no niche.")
    def text(root: Parent[StandingRecord]) -> str:
        """See ``graph.standing.told``."""
        return told(root)


@strawberry.type(
    description="A later model to take instead: of the same task, not much larger, under no stricter licence, and better."
)
class Successor:
    """See ``SuccessorRecord``."""

    probability: float | None = strawberry.field(
        description="That it is better, by the abilities of both; null when only the author names it."
    )
    steps: int | None = strawberry.field(description="Derivations between the two; null when none are near.")
    declared: bool = strawberry.field(description="Whether the model's author names it as the new version.")

    @strawberry.field(description="The model to take instead.")
    async def model(root: Parent[SuccessorRecord], info: Ask) -> ModelNode:
        """Its record."""
        return await info.context.load.known(root.successor)

    @strawberry.field(description="What speaks for it, in words.")
    def text(root: Parent[SuccessorRecord]) -> str:
        """See ``graph.succession.told``."""
        return told_successor(root)


@strawberry.type(description="How long leaders of one niche lasted, by the dates when models were made.")
class NicheDecay:
    """See ``graph.decay.NicheDecay``."""

    task: str = strawberry.field(description="The niche's task.")
    size: str = strawberry.field(description="Its size class.")
    licence: str = strawberry.field(description="Its class of licences.")
    models: int = strawberry.field(description="Measured models with a known date, which this rests on.")
    leaders: int = strawberry.field(description="How many led, one after the other.")
    half_life_days: float | None = strawberry.field(
        description="After how many days half of them led no more; null when that is not known yet."
    )
    leader: strawberry.ID = strawberry.field(description="Who leads now.")

    @strawberry.field(description="Since when.")
    def since(root: Parent[decays.NicheDecay]) -> datetime:
        """When the leader was made."""
        return datetime.fromtimestamp(root.since / 1000, UTC)


@strawberry.type(description="How long leaders of niches last before another model is more probably the best.")
class Decay:
    """See ``graph.decay.Decay``."""

    models: int = strawberry.field(description="Measured models with a known date, which this rests on.")
    niches: int = strawberry.field(description="How many niches they are in.")
    leaders: int = strawberry.field(description="How many led, in all of them.")
    half_life_days: float | None = strawberry.field(
        description="After how many days half of all led no more; null when that is not known yet."
    )
    by: list[NicheDecayNode] = strawberry.field(description="The niches with most models.")


def decayed(found: decays.Decay | None) -> Decay | None:
    """The decay in the schema's types."""
    if found is None:
        return None
    return Decay(
        models=found.models,
        niches=found.niches,
        leaders=found.leaders,
        half_life_days=found.half_life_days,
        by=list(found.by),
    )
