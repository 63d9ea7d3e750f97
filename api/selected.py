"""This file knows which fields of models a question selects, so that a store need not read the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
)

from graph.store import EVERY_FIELD

_MODEL = "Model"
Info = GraphQLResolveInfo[Any]
_Pair = tuple[GraphQLObjectType | GraphQLInterfaceType, FieldNode]


def selects(info: Info, *names: str) -> bool:
    """Whether the field at hand is asked for one of these fields."""
    return any(node.name.value in names for _, node in _chosen(info))


def fields_of_models(info: Info) -> tuple[str, ...]:
    """The names in ModelRecord of what is selected of models anywhere beneath the field at hand.

    All names when a selected field is found by a resolver: that may look at any.
    """
    wanted = {"id"}
    waiting = list(_chosen(info))
    while waiting:
        kind, node = waiting.pop()
        field = kind.fields.get(node.name.value)
        if field is None:  # __typename
            continue
        if kind.name == _MODEL:
            definition = field.extensions.get("strawberry-definition")
            if definition is None or definition.base_resolver is not None:
                return EVERY_FIELD
            wanted.add(definition.python_name)
        inner = get_named_type(field.type)
        if node.selection_set and isinstance(inner, GraphQLObjectType | GraphQLInterfaceType):
            waiting += _within(inner, node.selection_set, info.fragments)
    return tuple(name for name in EVERY_FIELD if name in wanted)


def _chosen(info: Info) -> Iterator[_Pair]:
    """What is selected of the field at hand."""
    kind = get_named_type(info.return_type)
    for node in info.field_nodes:
        if node.selection_set and isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield from _within(kind, node.selection_set, info.fragments)


def _within(
    kind: GraphQLObjectType | GraphQLInterfaceType,
    chosen: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> Iterator[_Pair]:
    """Fields of a selection, those of fragments too: each fragment is on the type itself or on what it implements."""
    waiting, spread = list(chosen.selections), set[str]()
    while waiting:
        item = waiting.pop()
        if isinstance(item, FieldNode):
            yield kind, item
        elif isinstance(item, FragmentSpreadNode):
            if item.name.value not in spread:
                spread.add(item.name.value)
                waiting += fragments[item.name.value].selection_set.selections
        elif isinstance(item, InlineFragmentNode):
            waiting += item.selection_set.selections
