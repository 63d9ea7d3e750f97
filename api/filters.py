"""This file knows which models a question may ask for: the filter that clients give, checked and as the store takes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import strawberry
from strawberry.types import get_object_definition
from strawberry.types.arguments import InputContext
from strawberry.utils.str_converters import to_camel_case

from api.scalars import Class, Evidence, Long, RelationFilter, State
from api.standards import StandardName
from graph.errors import BadInput, LimitExceeded
from graph.store import ModelFilter as Filter

LONGEST_TEXT = 200  # characters of a search
MOST_VALUES = 50  # of one filter field


@strawberry.input(description="Which models: every field that is set must hold; within a list one value is enough.")
class ModelFilter:
    """See ``graph.store.ModelFilter``."""

    text: str | None = strawberry.field(default=None, description="Part of the name, case ignored.")
    task: list[str] | None = strawberry.field(default=None, description="The Hub's pipeline tag.")
    library: list[str] | None = strawberry.field(default=None, description="The library that loads it.")
    licence: list[str] | None = strawberry.field(default=None, description="As declared on the Hub, lower case.")
    author: list[str] | None = strawberry.field(default=None, description="The part of the name before the slash.")
    state: list[State] | None = strawberry.field(default=None, description="Listed, gated, missing or gone.")
    relation: list[RelationFilter] | None = strawberry.field(
        default=None, description="Its relation to a base model, or ROOT."
    )
    evidence: list[Evidence] | None = strawberry.field(
        default=None, description="How some claim about one of its base models is known."
    )
    domain: list[str] | None = strawberry.field(
        default=None, description="What some benchmark that it has results on is about, such as mathematics."
    )
    dataset: str | None = strawberry.field(default=None, description="A dataset that it says it was trained on.")
    parameters_min: Long | None = strawberry.field(default=None, description="Least number of parameters.")
    parameters_max: Long | None = strawberry.field(default=None, description="Largest number of parameters.")
    created_from: datetime | None = strawberry.field(default=None, description="Made at this time or later.")
    created_until: datetime | None = strawberry.field(default=None, description="Made before this time.")
    meets: list[StandardName] | None = strawberry.field(
        default=None, description="Standards, all of which the model meets."
    )
    novelty_class: list[Class] | None = strawberry.field(default=None, description="What kind of fork it is.")
    novelty_min: float | None = strawberry.field(default=None, description="Least novelty score, 0 to 100.")
    novelty_max: float | None = strawberry.field(default=None, description="Largest novelty score, 0 to 100.")


def _made(kind: type[ModelFilter], given: Mapping[str, Any], context: InputContext) -> ModelFilter:
    """The filter of an input. Only what is set is converted: the library looks at every field, a third of a short answer's time."""
    said: dict[str, Any] = {
        _FIELDS[name].python_name: context.convert(value, _FIELDS[name].resolve_type(), name)
        for name, value in given.items()
        if value is not None
    }
    return kind(**said)


_DEFINITION = get_object_definition(ModelFilter, strict=True)
_DEFINITION.from_input = _made
_FIELDS = {to_camel_case(field.python_name): field for field in _DEFINITION.fields}


def filter_of(given: ModelFilter | None) -> Filter:
    """A filter of the store's. Raises LimitExceeded, BadInput."""
    if given is None:
        return Filter()
    for name, values in vars(given).items():
        if isinstance(values, list) and len(values) > MOST_VALUES:
            raise LimitExceeded(f"values of filter.{name}", MOST_VALUES, len(values), "ask for fewer at once")
    if given.text is not None and len(given.text) > LONGEST_TEXT:
        raise LimitExceeded(
            "length of filter.text", LONGEST_TEXT, len(given.text), "search for a shorter part of the name"
        )
    if given.dataset is not None and len(given.dataset) > LONGEST_TEXT:
        raise LimitExceeded("length of filter.dataset", LONGEST_TEXT, len(given.dataset), "give a dataset's name")
    for name in ("parameters_min", "parameters_max"):
        number = getattr(given, name)
        if number is not None and not 0 <= number < 2**63:
            raise BadInput(f"filter.{name} is {number}: give a whole number from 0 up")
    for name in ("novelty_min", "novelty_max"):
        score = getattr(given, name)
        if score is not None and not 0 <= score <= 100:
            raise BadInput(f"filter.{name} is {score}: give a score from 0 to 100")
    return Filter(
        text=given.text or None,
        tasks=tuple(given.task or ()),
        libraries=tuple(given.library or ()),
        licences=tuple(word.lower() for word in given.licence or ()),
        authors=tuple(given.author or ()),
        states=tuple(given.state or ()),
        relations=tuple(item.value for item in given.relation or ()),
        evidence=tuple(given.evidence or ()),
        domains=tuple(given.domain or ()),
        dataset=given.dataset,
        parameters_min=given.parameters_min,
        parameters_max=given.parameters_max,
        created_from=_aware(given.created_from),
        created_until=_aware(given.created_until),
        novelty_classes=tuple(given.novelty_class or ()),
        standards=tuple(name.value for name in given.meets or ()),
        novelty_min=given.novelty_min,
        novelty_max=given.novelty_max,
    )


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
