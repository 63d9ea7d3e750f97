"""This file knows how novelty is told over GraphQL: of one model with its parts, and of the whole catalogue as a report."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import strawberry
from strawberry import Parent

from api.nodes import NoveltyGroupNode
from api.scalars import Class, Facet, Tier
from graph import novelty as told
from graph import report as reports


@strawberry.enum(description="What a report counts by.")
class ReportBy(Enum):
    """The facets that are counted for reports."""

    FAMILY = Facet.FAMILY.value
    TASK = Facet.TASK.value
    YEAR = Facet.YEAR.value


@strawberry.type(description="Where a score is likely to lie: 5 % to 95 % when the matrices are drawn anew.")
class NoveltyInterval:
    """Two scores."""

    low: float = strawberry.field(description="The lower end.")
    high: float = strawberry.field(description="The upper end.")


@strawberry.type(description="One part of a score.")
class NoveltyComponent:
    """See ``graph.novelty.Component``."""

    name: str = strawberry.field(description="What it is: `energy`, `innovation`, `data`, `task` ...")
    value: float = strawberry.field(description="How much of it there is, 0 to 1.")
    weight: float = strawberry.field(description="How much it counts; 0: it is told and does not count.")
    explanation: str = strawberry.field(description="The facts in words.")


@strawberry.type(description="The part of a model that nothing older in the catalogue explains.")
class Novelty:
    """See ``graph.novelty.Novelty``."""

    score: float | None = strawberry.field(description="0 (a copy) to 100; null where it would be a guess.")
    kind: Class = strawberry.field(name="class", description="What kind of fork it is.")
    tier: Tier = strawberry.field(description="What the score rests on.")
    components: list[NoveltyComponent] = strawberry.field(description="The parts of the score.")
    reason: str = strawberry.field(description="Why it is of this class, or why there is no score.")

    @strawberry.field(description="Where the score is likely to lie; null without weights.")
    def interval(root: Parent[told.Novelty]) -> NoveltyInterval | None:
        """The bootstrap's interval."""
        return None if root.interval is None else NoveltyInterval(low=root.interval[0], high=root.interval[1])


@strawberry.type(description="How many models are of one class.")
class NoveltyShare:
    """See ``graph.report.Share``."""

    kind: Class = strawberry.field(name="class", description="The class.")
    models: int = strawberry.field(description="How many.")
    share: float = strawberry.field(description="Of all models of the group, 0 to 1.")


@strawberry.type(description="How many models of a family, task or year bring what.")
class NoveltyGroup:
    """See ``graph.report.Group``."""

    value: str | None = strawberry.field(description="The family's original, the task or the year; null: unknown.")
    models: int = strawberry.field(description="Models that were seen themselves.")
    forks: int = strawberry.field(description="Of these, those that are made from another, or copies.")
    scored: int = strawberry.field(description="Forks with a score.")
    shares: list[NoveltyShare] = strawberry.field(description="By class; classes without models are left out.")


@strawberry.type(description="The groups of one kind.")
class NoveltyGroups:
    """One section of a report."""

    by: ReportBy = strawberry.field(description="What is counted by.")
    groups: Sequence[NoveltyGroupNode] = strawberry.field(description="Those with most models first.")


@strawberry.type(description="How many scores rest on one kind of evidence.")
class TierCount:
    """One line of coverage."""

    tier: Tier = strawberry.field(description="What they rest on.")
    scores: int = strawberry.field(description="How many.")


@strawberry.type(description="How many models of the catalogue bring what, and on what that rests.")
class NoveltyReport:
    """See ``graph.report.Report``."""

    all: NoveltyGroupNode = strawberry.field(description="The whole catalogue.")
    tiers: list[TierCount] = strawberry.field(description="What the scores rest on.")
    by: list[NoveltyGroups] = strawberry.field(description="By family, task, year, as asked for.")


def tier_counts(tiers: dict[str, int]) -> list[TierCount]:
    """Counts by tier, in the order of tiers."""
    return [TierCount(tier=tier, scores=tiers[tier]) for tier in Tier if tiers.get(tier)]


def reported(found: reports.Report) -> NoveltyReport:
    """A report in the schema's types."""
    return NoveltyReport(
        all=found.all,
        tiers=tier_counts(found.tiers),
        by=[NoveltyGroups(by=ReportBy(facet.value), groups=groups) for facet, groups in found.by.items()],
    )
