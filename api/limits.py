"""This file knows what a GraphQL document may ask for: how deep, how many aliases, and what it would cost, before it runs.

The cost of a document is the number of fields that it could answer with: each field counts once for each row of the lists
around it, a list for as many rows as its `first` or `limit` says, or a usual number where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
)
from graphql.type import GraphQLNonNull, GraphQLOutputType

from graph.errors import LimitExceeded
from graph.settings import Settings

LONGEST_NAME = 500  # characters of a name that is looked up
_USUAL_ROWS = 5  # of a list that takes no `first` or `limit`
_ROWS_OF = ("first", "limit")  # arguments that say how many rows
_PLAIN_LISTS = 1  # a list of words costs as one field
_HELD = frozenset(["nodes", "edges", "places"])  # lists whose rows the field around them has counted


@dataclass(frozen=True, slots=True)
class Measure:
    """How large a document is. ``fixed``: whatever its variables."""

    depth: int
    aliases: int
    cost: int
    fixed: bool


def measure(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, object]
) -> Measure:
    """Measure one operation of a valid document."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    walk = _Measuring(schema, fragments, variables)
    root = schema.query_type
    cost, depth = walk.selections(operation.selection_set, root, 1, 1) if root else (0, 0)
    return Measure(depth, walk.aliases, cost, walk.fixed)


def check(found: Measure, settings: Settings) -> None:
    """Raise LimitExceeded when a document is larger than allowed."""
    if found.depth > settings.max_depth:
        raise LimitExceeded("depth of the document", settings.max_depth, found.depth, "ask for fewer levels at once")
    if found.aliases > settings.max_aliases:
        raise LimitExceeded("number of aliases", settings.max_aliases, found.aliases, "send several requests")
    if found.cost > settings.max_cost:
        raise LimitExceeded(
            "cost of the document",
            settings.max_cost,
            found.cost,
            "ask for shorter pages, fewer fields, or `packed` lineages",
        )


class _Measuring:
    """One pass over an operation."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, object]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self.aliases = 0
        self.fixed = True
        self._measured: dict[str, tuple[int, int, int]] = {}

    def selections(self, node: SelectionSetNode, kind: object, rows: int, level: int) -> tuple[int, int]:
        """(cost, depth) of what is selected on a type for each of ``rows`` rows."""
        cost, depth = 0, level
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                more, below = self._field(selection, kind, rows, level)
            elif isinstance(selection, InlineFragmentNode):
                inner = kind
                if selection.type_condition is not None:
                    inner = self._schema.type_map.get(selection.type_condition.name.value, kind)
                more, below = self.selections(selection.selection_set, inner, rows, level)
            elif isinstance(selection, FragmentSpreadNode):
                more, below = self._spread(selection.name.value, kind, rows, level)
            else:
                continue
            cost, depth = cost + more, max(depth, below)
        return cost, depth

    def _spread(self, name: str, kind: object, rows: int, level: int) -> tuple[int, int]:
        """A fragment, measured once for one row at level 0: fragments that spread others twice would double without end."""
        if name not in self._measured:
            fragment = self._fragments[name]
            inner = self._schema.type_map.get(fragment.type_condition.name.value, kind)
            before = self.aliases
            cost, depth = self.selections(fragment.selection_set, inner, 1, 0)
            self._measured[name] = (cost, depth, self.aliases - before)
            self.aliases = before
        cost, depth, aliases = self._measured[name]
        self.aliases += aliases
        return rows * cost, level + depth

    def _field(self, node: FieldNode, kind: object, rows: int, level: int) -> tuple[int, int]:
        if node.alias is not None:
            self.aliases += 1
        field = None
        if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            field = kind.fields.get(node.name.value)
        if field is None or node.selection_set is None:
            return rows, level
        inner = rows * self._rows(node, {name: arg.default_value for name, arg in field.args.items()}, field.type)
        cost, depth = self.selections(node.selection_set, get_named_type(field.type), inner, level + 1)
        return rows + cost, depth

    def _rows(self, node: FieldNode, defaults: Mapping[str, object], kind: GraphQLOutputType) -> int:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        for name in _ROWS_OF:
            if name in defaults or name in given:
                value = given.get(name)
                number: object = defaults.get(name)
                if isinstance(value, IntValueNode):
                    number = int(value.value)
                elif isinstance(value, VariableNode):
                    self.fixed = False
                    number = self._variables.get(value.name.value, number)
                return max(1, number) if isinstance(number, int) else 20
        if node.name.value in _HELD:
            return 1
        plain = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        return _USUAL_ROWS if is_list_type(plain) else _PLAIN_LISTS
