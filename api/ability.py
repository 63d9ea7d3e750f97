"""This file knows the GraphQL types of evaluation results and of the abilities that follow from them."""

from __future__ import annotations

import strawberry
from strawberry import Parent

from api.domains import DomainAbility
from graph.ability import by_domain, low, told
from graph.records import AbilityRecord


@strawberry.type(description="What a model got on a benchmark, as one source says it.")
class Result:
    """See ``ResultRecord``."""

    benchmark: str = strawberry.field(description="The benchmark.")
    setting: str = strawberry.field(description="How it was run, when that is said; empty otherwise.")
    source: str = strawberry.field(description="Where the result is from.")
    metric: str = strawberry.field(description="What was measured.")
    value: float = strawberry.field(description="The value, as said.")
    fraction: float | None = strawberry.field(
        description="0 is guessing, 1 the most that can be had; null where the metric has no known scale."
    )
    items: int | None = strawberry.field(description="How many items the benchmark has, when known.")
    grade: str = strawberry.field(description="`verified`, `leaderboard`, `author` or `community`.")
    revision: str | None = strawberry.field(description="The commit that was evaluated, when it is said.")


@strawberry.type(description="A result that is too good, given the model's other results: a leak, or a speciality.")
class Suspect:
    """Part of ``AbilityRecord``."""

    benchmark: str = strawberry.field(description="The benchmark.")
    surprise: float = strawberry.field(description="By how many deviations it is better than foretold.")
    without: float = strawberry.field(description="The index when that benchmark is left out.")


@strawberry.type(description="How able a model is relative to others: 100 is the mean of the norm, 15 its deviation.")
class Ability:
    """See ``AbilityRecord``."""

    index: float | None = strawberry.field(description="The index; null where it would be a guess: see `text`.")
    error: float | None = strawberry.field(description="Its standard error.")
    benchmarks: int = strawberry.field(description="How many benchmarks the model has results on.")
    inherited_from: strawberry.ID | None = strawberry.field(
        description="The ancestor whose index this is, where the model itself was not measured."
    )
    steps: int | None = strawberry.field(description="Derivations between the two.")

    @strawberry.field(
        description="The lower end of the 95 % interval, that models are ordered by; null when inherited."
    )
    def low(root: Parent[AbilityRecord]) -> float | None:
        """See ``graph.ability.low``."""
        return low(root)

    @strawberry.field(description="The result that is too good to be true, if there is one.")
    def suspect(root: Parent[AbilityRecord]) -> Suspect | None:
        """The suspect with its facts."""
        if root.suspect is None or root.surprise is None or root.without is None:
            return None
        return Suspect(benchmark=root.suspect, surprise=root.surprise, without=root.without)

    @strawberry.field(description="The same in each domain that it has results in, by name.")
    def domains(root: Parent[AbilityRecord]) -> list[DomainAbility]:
        """See ``graph.ability.by_domain``."""
        return [DomainAbility.of(domain) for domain in by_domain(root)]

    @strawberry.field(description="The same in one line, or why there is no index.")
    def text(root: Parent[AbilityRecord]) -> str:
        """See ``graph.ability.told``."""
        return told(root)
