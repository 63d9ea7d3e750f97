"""This file knows the GraphQL type of an ability in one domain."""

from __future__ import annotations

from typing import Self

import strawberry

from graph import ability, benchmarks


@strawberry.type(description="How able a model is in one domain, on the scale of its whole ability.")
class DomainAbility:
    """See ``graph.ability.DomainAbility``."""

    name: str = strawberry.field(description="The domain: `mathematics`, `code` ...")
    about: str | None = strawberry.field(description="What belongs to it, in words.")
    index: float | None = strawberry.field(description="The index; null where it would be a guess: see `reason`.")
    standard_error: float | None = strawberry.field(
        description="Its standard error, as if the benchmarks were known without one."
    )
    results: int = strawberry.field(description="How many benchmarks of the domain the model has results on.")
    reason: str | None = strawberry.field(description="Why there is no index.")
    text: str = strawberry.field(description="The same in one line.")

    @classmethod
    def of(cls, domain: ability.DomainAbility) -> Self:
        """As the record says it."""
        return cls(
            name=domain.name,
            about=benchmarks.domains().get(domain.name),
            index=domain.index,
            standard_error=domain.error,
            results=domain.results,
            reason=None if domain.unknown is None else ability.why(domain),
            text=ability.told_domain(domain),
        )
