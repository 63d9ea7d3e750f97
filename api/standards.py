"""This file knows the GraphQL types of standards, and how a model is held against those that come with Stemma."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import strawberry

from api.loaders import Ask
from api.nodes import RuleVerdictNode
from graph.records import ModelRecord
from graph.standard import SHIPPED, Facts, Standard, shipped


@strawberry.enum(description="The standards that come with Stemma.")
class StandardName(Enum):
    """See ``graph/standards``."""

    BASIC = "basic"
    CURATED = "curated"
    ENTERPRISE = "enterprise"


@strawberry.type(description="One rule of a standard on one model.")
class RuleVerdict:
    """See ``graph.standard.Verdict``."""

    rule: str = strawberry.field(description="The rule.")
    passed: bool = strawberry.field(description="Whether the model passes it; what is not known does not pass.")
    evidence: str = strawberry.field(description="What that rests on.")


@strawberry.type(description="Whether a model meets a standard, rule by rule.")
class StandardVerdict:
    """See ``graph.standard.Standard``."""

    name: str = strawberry.field(description="The standard.")
    about: str = strawberry.field(description="What it is for.")
    met: bool = strawberry.field(description="Whether every rule is passed.")
    rules: list[RuleVerdictNode] = strawberry.field(description="The rules one by one.")


def verdict(standard: Standard, facts: Facts) -> StandardVerdict:
    """One standard on one model."""
    rules = standard.check(facts)
    return StandardVerdict(
        name=standard.name,
        about=standard.about,
        met=all(each.passed for each in rules),
        rules=rules,
    )


async def standards_of(model: ModelRecord, names: Sequence[StandardName] | None, info: Ask) -> list[StandardVerdict]:
    """The shipped standards on one model."""
    facts = await info.context.load.facts.load(model)
    wanted = SHIPPED if names is None else tuple(dict.fromkeys(name.value for name in names))
    return [verdict(shipped()[name], facts) for name in wanted]
