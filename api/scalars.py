"""This file knows the scalars and enums of the schema. Types take the graph's enums from here: imported, they are described."""

from __future__ import annotations

from enum import Enum
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from graph.novelty import Class, Tier
from graph.records import Contradicts as ContradictionKind
from graph.records import Direction, Evidence, Relation, State
from graph.store import Collapse, Facet, Order

__all__ = [
    "SCALARS",
    "Class",
    "Collapse",
    "ContradictionKind",
    "Direction",
    "Evidence",
    "Facet",
    "Long",
    "Order",
    "Relation",
    "RelationFilter",
    "State",
    "Tier",
]

Long = NewType("Long", int)
SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of up to 63 bits, written as a JSON number.",
        serialize=int,
        parse_value=int,
    )
}

for _kind, _name, _meaning in (
    (Relation, "Relation", "How a model was made from a base model."),
    (Evidence, "Evidence", "How a claim is known: by the Hub, the card, tags, configuration, or the weights."),
    (State, "State", "What is known about a repository's presence on its Hub."),
    (
        ContradictionKind,
        "ContradictionKind",
        "In which way weights contradict: another base model, relation, a copy, or none.",
    ),
    (Direction, "Direction", "Which way a lineage is walked."),
    (Order, "ModelOrder", "What models are ordered by: most or newest first, unknown last, then by name."),
    (Facet, "Facet", "What models can be counted by."),
    (Collapse, "Collapse", "What folds into one line: copies, quantised versions too, or all of a family."),
    (Class, "NoveltyClass", "What kind of fork a model is, by exact facts first."),
    (Tier, "NoveltyTier", "What a score rests on: no weights, windows of them, or all."),
):
    strawberry.enum(_kind, name=_name, description=_meaning)


@strawberry.enum(description="A model's place: without a base model, or its relation to one.")
class RelationFilter(Enum):
    """The relation filter of a list of models."""

    ROOT = "root"
    FINETUNE = "finetune"
    ADAPTER = "adapter"
    MERGE = "merge"
    QUANTIZED = "quantized"
    IDENTICAL = "identical"
    RECAST = "recast"
    PRUNED = "pruned"
    EXPANDED = "expanded"
    PERMUTED = "permuted"
    UNKNOWN = "unknown"
