"""This file knows how what is flat is answered quickly: lists a field of all rows at a time, single values without ceremony.

It serves fields that are plain attributes (no arguments or resolvers) of scalar, enum or plain object type, and lists and objects
that select nothing else (no directives or fragments either). Everything else is left to the executor. The output is the same; a
test compares both over the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache, lru_cache, partial
from operator import attrgetter
from types import NoneType
from typing import Any

import msgspec
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)
from graphql.execution import Executor

Column = Callable[[Iterable[Any]], Iterable[Any]]  # from the values of all rows to what is written of them


class NotFlat(Exception):
    """A selection that the executor must answer itself."""


# A null where none may be, or a value of another type: the executor says it properly.
_NOT_PLAIN = (NotFlat, AttributeError, TypeError, ValueError)


class QuickLists(Executor[Any]):
    """The executor, with a shorter way through flat lists, flat objects and plain fields. Signatures are the executor's."""

    def execute_field(self, parent_type: Any, source: Any, field_details_list: Any, *rest: Any) -> Any:
        """One field of one object."""
        plain = _leaf(parent_type, field_details_list[0].node.name.value)
        if plain is not None:
            attribute, written, read, required = plain
            try:
                value = attribute(source)
                if type(value) is written:
                    return value
                (value,) = _column([value], read, required=required)
            except _NOT_PLAIN:
                pass
            else:
                return value
        return super().execute_field(parent_type, source, field_details_list, *rest)

    def complete_object_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> Any:
        """Complete an object."""
        try:
            read = _plan(info.context.plan, return_type, field_details_list)
            if read is not None:
                (value,) = read([result])
                return value
        except _NOT_PLAIN:
            pass
        return super().complete_object_value(return_type, field_details_list, info, path, result, *rest)

    def complete_list_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> Any:
        """Complete a list."""
        kind = _required(return_type.of_type)
        if isinstance(kind, GraphQLObjectType) and isinstance(result, (list, tuple)):
            try:
                read = _plan(info.context.plan, kind, field_details_list)
                if read is not None:
                    return list(read(result))
            except _NOT_PLAIN:
                pass
        return super().complete_list_value(return_type, field_details_list, info, path, result, *rest)


def _plan(plans: dict[object, Any], kind: GraphQLObjectType, field_details_list: Any) -> Column | None:
    nodes = [details.node for details in field_details_list]
    if len(nodes) != 1:
        return None
    key = kind, id(nodes[0])
    if key not in plans:
        try:
            plans[key] = _object(kind, nodes[0])
        except NotFlat:
            plans[key] = None
    found: Column | None = plans[key]
    return found


@cache
def _leaf(parent: GraphQLObjectType, name: str) -> tuple[Callable[[Any], Any], type | None, Column | None, bool] | None:
    """How a field is read that is a plain attribute and selects nothing below it (the attribute, the type that is written as it is,
    a reader of others, whether it must be there); None for all others.
    """
    field = parent.fields.get(name)
    if field is None:
        return None
    try:
        written = _AS_IT_IS.get(str(_required(field.type)))
        return _attribute(field), written, _value(field.type, None), isinstance(field.type, GraphQLNonNull)
    except NotFlat:
        return None


def _attribute(field: GraphQLField) -> Callable[[Any], Any]:
    definition = field.extensions.get("strawberry-definition")
    if definition is None or definition.base_resolver is not None or field.args:
        raise NotFlat
    return attrgetter(definition.python_name)


def _required(kind: GraphQLOutputType) -> GraphQLOutputType:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _object(kind: GraphQLObjectType, node: FieldNode | None) -> Column:
    """A reader of objects; raises NotFlat when some field needs the executor, or none is selected."""
    if node is None or node.selection_set is None:
        raise NotFlat
    readers: dict[str, tuple[Column, Column | None, bool]] = {}
    for selection in node.selection_set.selections:
        if not isinstance(selection, FieldNode) or selection.arguments or selection.directives:
            raise NotFlat
        name = selection.alias.value if selection.alias else selection.name.value
        field = kind.fields.get(selection.name.value)
        if field is None or name in readers:
            raise NotFlat
        attribute = partial(map, _attribute(field))
        readers[name] = (attribute, _value(field.type, selection), isinstance(field.type, GraphQLNonNull))
    row, fields = _row(tuple(readers)), tuple(readers.values())

    def objects(rows: Iterable[Any]) -> list[Any]:
        rows = list(rows)
        columns = [_column(list(attribute(rows)), read, required=required) for attribute, read, required in fields]
        return list(map(row, *columns))

    return objects


@lru_cache(maxsize=512)
def _row(names: tuple[str, ...]) -> type[msgspec.Struct]:
    """A class of objects with these names in JSON: made and encoded in a fifth of a dict's time."""
    plain = [f"field_{at}" for at in range(len(names))]
    return msgspec.defstruct("Row", plain, rename=dict(zip(plain, names, strict=True)), gc=False)


def _column(items: list[Any], read: Column | None, *, required: bool) -> Iterable[Any]:
    """One field of all rows; raises NotFlat where the executor must speak."""
    if NoneType not in set(map(type, items)):  # quicker than `None in items`, which compares records
        return items if read is None else read(items)
    if required:
        raise NotFlat
    if read is None:
        return items
    known = iter(read([item for item in items if item is not None]))
    return [None if item is None else next(known) for item in items]


def _value(kind: GraphQLOutputType, node: FieldNode | None) -> Column | None:
    """A reader of values that are not None; None when they are written as they are."""
    plain = _required(kind)
    if isinstance(plain, GraphQLObjectType):
        return _object(plain, node)
    if isinstance(plain, GraphQLEnumType):
        return _enums
    if isinstance(plain, GraphQLScalarType):
        return _PLAIN.get(plain.name) or partial(map, plain.serialize)
    if isinstance(plain, GraphQLList):
        inner = _value(plain.of_type, node)
        return lambda lists: [_column(list(items), inner, required=True) for items in lists]
    raise NotFlat


def _enums(values: Iterable[Any]) -> list[Any]:
    values = list(values)
    if not all(isinstance(value, Enum) for value in values):
        raise NotFlat
    return [value.name for value in values]


def _only(kind: type, values: Iterable[Any]) -> Iterable[Any]:
    if not set(map(type, values)) <= {kind}:
        raise NotFlat
    return values


def _small(values: Iterable[Any]) -> Iterable[Any]:
    numbers = list(_only(int, values))
    if numbers and not -(2**31) <= min(numbers) <= max(numbers) < 2**31:
        raise NotFlat
    return numbers


_AS_IT_IS = {"String": str, "ID": str, "Long": int, "Boolean": bool}
_PLAIN: dict[str, Column] = {"Int": _small} | {name: partial(_only, kind) for name, kind in _AS_IT_IS.items()}
