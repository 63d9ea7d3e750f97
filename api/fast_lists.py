"""This file knows how a list of flat objects is answered quickly: its rows are read by compiled getters, not field by field.

It serves lists whose selected fields are plain attributes (no arguments, directives, fragments or resolvers) of scalar, enum or
plain object type. Every other list is left to the executor. The output is the same; a test compares both over the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)
from graphql.execution import Executor

Row = Callable[[Any], Any]


class NotFlat(Exception):
    """A selection that the executor must answer itself."""


class QuickLists(Executor[Any]):
    """The executor, with a shorter way through flat lists."""

    def complete_list_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> Any:
        """Complete a list; the signature is the executor's."""
        kind = _required(return_type.of_type)
        if isinstance(kind, GraphQLObjectType) and isinstance(result, (list, tuple)):
            try:
                read = self._plan(kind, field_details_list)
                if read is not None:
                    return [read(row) for row in result]
            except (NotFlat, AttributeError, TypeError, ValueError):
                pass  # a null where none may be, or a value of another type: the executor says it properly
        return super().complete_list_value(return_type, field_details_list, info, path, result, *rest)

    def _plan(self, kind: GraphQLObjectType, field_details_list: Any) -> Row | None:
        nodes = [details.node for details in field_details_list]
        if len(nodes) != 1:
            return None
        plans = self.__dict__.setdefault("_quick_plans", {})
        key = id(nodes[0])
        if key not in plans:
            try:
                plans[key] = _object(kind, nodes[0])
            except NotFlat:
                plans[key] = None
        found: Row | None = plans[key]
        return found


def _required(kind: GraphQLOutputType) -> GraphQLOutputType:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _object(kind: GraphQLObjectType, node: FieldNode) -> Row:
    """A reader of one object; raises NotFlat when some field needs the executor."""
    if node.selection_set is None:
        raise NotFlat
    readers: dict[str, tuple[str, Row | None, bool]] = {}
    for selection in node.selection_set.selections:
        if not isinstance(selection, FieldNode) or selection.arguments or selection.directives:
            raise NotFlat
        name = selection.alias.value if selection.alias else selection.name.value
        field = kind.fields.get(selection.name.value)
        if field is None or name in readers:
            raise NotFlat
        definition = field.extensions.get("strawberry-definition")
        if definition is None or definition.base_resolver is not None or field.args:
            raise NotFlat
        readers[name] = (definition.python_name, _value(field.type, selection), isinstance(field.type, GraphQLNonNull))
    fields = [(name, attribute, read, required) for name, (attribute, read, required) in readers.items()]

    def row(value: Any) -> dict[str, Any]:
        if value is None:
            raise NotFlat
        out: dict[str, Any] = {}
        for name, attribute, read, required in fields:
            item = getattr(value, attribute)
            if item is None:
                if required:
                    raise NotFlat
                out[name] = None
            else:
                out[name] = item if read is None else read(item)
        return out

    return row


def _value(kind: GraphQLOutputType, node: FieldNode) -> Row | None:
    """A reader of one value; None when it is written as it is."""
    plain = _required(kind)
    if isinstance(plain, GraphQLObjectType):
        return _object(plain, node)
    if isinstance(plain, GraphQLEnumType):
        return _enum
    if isinstance(plain, GraphQLScalarType):
        serialize: Row = plain.serialize
        return _PLAIN.get(plain.name, serialize)
    if isinstance(plain, GraphQLList):
        inner = _value(plain.of_type, node)
        return list if inner is None else lambda items: _items(items, inner)
    raise NotFlat


def _items(items: Sequence[Any], read: Row) -> list[Any]:
    if None in items:
        raise NotFlat
    return [read(item) for item in items]


def _enum(value: Any) -> str:
    if not isinstance(value, Enum):
        raise NotFlat
    return value.name


def _text(value: Any) -> str:
    if type(value) is not str:
        raise NotFlat
    return value


def _small(value: Any) -> int:
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise NotFlat
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise NotFlat
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise NotFlat
    return value


_PLAIN: dict[str, Row] = {"String": _text, "ID": _text, "Int": _small, "Long": _whole, "Boolean": _truth}
