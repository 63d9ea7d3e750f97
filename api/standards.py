"""This file knows how standards are asked of models: the facts that the rules look at, from the store, and the GraphQL types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

import strawberry

from api.loaders import Ask
from api.nodes import RuleVerdictNode
from graph import conflicts as disagreements
from graph.records import ModelRecord, State
from graph.standard import PICKLES, SAFE, SHIPPED, Facts, Standard, shipped
from graph.store import Store


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


async def facts_of(store: Store, models: Sequence[ModelRecord]) -> list[Facts]:
    """What the rules look at, of each model, from one question a kind (files: one a model)."""
    ids = [model.id for model in models]
    bases, claims = await store.base_models(ids), await store.claims(ids)
    trainings, abilities = await store.trainings(ids), await store.abilities(ids)
    named = list({edge.base_model for edges in bases for edge in edges})
    states = {record.id: record.state for record in await store.models(named) if record is not None} if named else {}
    found = []
    for at, model in enumerate(models):
        paths = [file.path for file in await store.files(model.id)]
        found.append(
            Facts(
                model,
                tuple(e.base_model for e in bases[at] if states.get(e.base_model, State.MISSING) is State.MISSING),
                tuple(conflict.text for conflict in disagreements.conflicts(claims[at])),
                tuple(training.dataset for training in trainings[at]),
                sum(bool(re.search(SAFE, path)) for path in paths) if paths else None,
                sum(bool(re.search(PICKLES, path)) for path in paths) if paths else None,
                abilities[at],
            )
        )
    return found


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
    (facts,) = await facts_of(info.context.store, [model])
    wanted = SHIPPED if names is None else tuple(dict.fromkeys(name.value for name in names))
    return [verdict(shipped()[name], facts) for name in wanted]
