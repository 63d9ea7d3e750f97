"""This file knows which fields of models a question selects, so that a store need not read the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
)

from graph.store import EVERY_FIELD

_MODEL, _BASES, _DERIVED = "Model", "baseModels", "derivedModels"
Info = GraphQLResolveInfo[Any]
T = TypeVar("T")
_Pair = tuple[GraphQLObjectType | GraphQLInterfaceType, FieldNode]


def once(info: Info, find: Callable[[Info], T]) -> T:
    """What ``find`` says of the field at hand, found once a document: it must rest on the document alone, not on variables."""
    plan, key = info.context.plan, (find, *map(id, info.field_nodes))
    if key not in plan:
        plan[key] = find(info)
    found: T = plan[key]
    return found


def selects(info: Info, *names: str) -> bool:
    """Whether the field at hand is asked for one of these fields."""
    return any(node.name.value in names for _, node in _chosen(info))


def fields_of_models(info: Info) -> tuple[str, ...]:
    """The names in ModelRecord of what is selected of models anywhere beneath the field at hand.

    All names when a selected field is found by a resolver: that may look at any.
    """
    return _fields(list(_chosen(info)), info)


def _fields(waiting: list[_Pair], info: Info) -> tuple[str, ...]:
    wanted = {"id"}
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
        waiting += _beneath([(kind, node)], info)
    return tuple(name for name in EVERY_FIELD if name in wanted)


def nearest(info: Info) -> tuple[int, tuple[str, ...]] | None:
    """How many derived models a question for one model asks for, and what of the models that its derivations name.

    None when it asks for nothing of the kind, or also for something else: many models are asked for together.
    """
    near, fields = once(info, _near)
    first = 0
    for kind, node in near:
        if node.name.value == _DERIVED:
            first = get_argument_values(kind.fields[_DERIVED], node, info.variable_values)["first"]
    return (first, fields) if near else None


def _near(info: Info) -> tuple[list[_Pair], tuple[str, ...]]:
    if len(info.operation.selection_set.selections) != 1 or not isinstance(info.return_type, GraphQLObjectType):
        return [], ()
    near = []
    for kind, node in _chosen(info):
        given = {argument.name.value for argument in node.arguments or ()}
        if node.name.value == _BASES or (node.name.value == _DERIVED and given <= {"first"}):
            near.append((kind, node))
    return near, _fields(_beneath(near, info), info) if near else ()


def _chosen(info: Info) -> Iterator[_Pair]:
    """What is selected of the field at hand."""
    kind = get_named_type(info.return_type)
    for node in info.field_nodes:
        if node.selection_set and isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield from _within(kind, node.selection_set, info.fragments)


def _beneath(pairs: list[_Pair], info: Info) -> list[_Pair]:
    """What is selected of these fields."""
    found: list[_Pair] = []
    for kind, node in pairs:
        inner = get_named_type(kind.fields[node.name.value].type)
        if node.selection_set and isinstance(inner, GraphQLObjectType | GraphQLInterfaceType):
            found += _within(inner, node.selection_set, info.fragments)
    return found


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
