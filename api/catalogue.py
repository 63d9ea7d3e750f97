"""This file knows the GraphQL types of what the catalogue holds: where it came from, and how many there are of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry

from api.nodes import SourceNode
from api.novelty import TierCount, tier_counts
from api.scalars import Facet
from graph.store import Store


@strawberry.type(description="How many models have one value.")
class FacetCount:
    """See ``graph.store.FacetCount``."""

    facet: Facet = strawberry.field(description="What is counted by.")
    value: str | None = strawberry.field(description="The value; null where it is unknown.")
    count: int = strawberry.field(description="How many of the filtered models have it.")


@strawberry.type(description="A name and a count.")
class Count:
    """One line of a coverage table."""

    name: str = strawberry.field(description="What is counted.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="Where the catalogue's rows came from.")
class Source:
    """See ``graph.snapshot.Source``."""

    kind: str = strawberry.field(description="`dump`, `hub`, `sample` ...")
    name: str = strawberry.field(description="A file's name, or an endpoint.")
    rows: int = strawberry.field(description="Rows read.")
    watermark: datetime | None = strawberry.field(description="The newest change that its rows carry.")


@strawberry.type(description="The catalogue that answers.")
class Catalogue:
    """See ``graph.store.Coverage``."""

    snapshot: str = strawberry.field(description="The id of the snapshot that every answer comes from.")
    sources: Sequence[SourceNode] = strawberry.field(
        description="Where it came from; empty when only the graph database knows."
    )
    models: list[Count] = strawberry.field(description="Models by state.")
    datasets: int = strawberry.field(description="Datasets, named ones included.")
    derivations: int = strawberry.field(description="Pairs of a model and a base model.")
    derivations_by_evidence: list[Count] = strawberry.field(
        description="Derivations by evidence; one may count in several."
    )
    derivations_by_relation: list[Count] = strawberry.field(description="Derivations by relation.")
    results: int = strawberry.field(description="Evaluation results of models in the catalogue.")
    with_ability: int = strawberry.field(description="Models whose ability is measured.")
    conflicts: int = strawberry.field(description="Derivations about which claims disagree.")
    cycles: int = strawberry.field(description="Derivations that lie on a cycle.")
    models_with_base: int = strawberry.field(description="Models with a base model.")
    trainings: int = strawberry.field(description="Pairs of a model and a dataset.")
    files: int = strawberry.field(description="Known files.")
    weights: int = strawberry.field(description="Distinct weight contents.")
    models_with_weights: int = strawberry.field(description="Models whose weight content is known.")
    skipped: list[Count] = strawberry.field(description="What the last run left out, by reason.")
    novelty: list[Count] = strawberry.field(description="Models by their class of novelty.")
    novelty_by_tier: list[TierCount] = strawberry.field(description="Scores of novelty by what they rest on.")


async def catalogue_of(store: Store, sources: Sequence[SourceNode]) -> Catalogue:
    """Coverage."""
    held = await store.coverage()
    return Catalogue(
        snapshot=store.snapshot,
        sources=sources,
        models=_counts(held.models),
        datasets=held.datasets,
        derivations=held.derivations_total,
        derivations_by_evidence=_counts(held.derivations),
        derivations_by_relation=_counts(held.relations),
        conflicts=held.conflicts,
        cycles=held.cycles,
        results=held.results,
        with_ability=held.with_ability,
        models_with_base=held.with_base,
        trainings=held.trainings,
        files=held.files,
        weights=held.weights,
        models_with_weights=held.with_weights,
        skipped=_counts(held.skipped),
        novelty=_counts(held.novelty),
        novelty_by_tier=tier_counts(held.tiers),
    )


def _counts(table: dict[str, int]) -> list[Count]:
    ordered = sorted(table.items(), key=lambda item: (-item[1], item[0]))
    return [Count(name=name, count=count) for name, count in ordered]
