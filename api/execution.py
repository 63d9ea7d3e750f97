"""This file knows how a GraphQL document is run: parsed, checked and measured once a text, then executed with quick lists.

A list of objects whose selected fields are plain attributes is completed by one compiled getter a row, instead of the executor's
twelve microseconds a field; everything else takes the executor's own way. Both give the same bytes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    parse,
    validate,
)
from graphql.pyutils import is_awaitable

from api.fast_lists import QuickLists
from api.limits import Measure, check, measure
from api.loaders import Context
from api.schema import schema
from graph.errors import StemmaError
from graph.settings import Settings

GRAPHQL = schema._schema
_log = structlog.get_logger("stemma.graphql")


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that parses and validates, or why it does not.

    ``plan``: what is found out about the document while it runs, whatever its variables: kept by its nodes, which live as long.
    """

    document: DocumentNode | None
    errors: tuple[dict[str, Any], ...]
    plan: dict[object, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: the body before encoding, the cost, and whether it may be kept."""

    body: dict[str, Any]
    cost: int
    clean: bool  # without errors
    refused: bool  # nothing was executed


@lru_cache(maxsize=512)
def checked(text: str, max_tokens: int) -> Checked:
    """Parse and validate a text, once."""
    try:
        document = parse(text, max_tokens=max_tokens)
        errors = validate(GRAPHQL, document, max_errors=20)
    except GraphQLError as error:
        code = "LIMIT_EXCEEDED" if "tokens" in error.message else "GRAPHQL_SYNTAX"
        return Checked(None, (_told(error, code),))
    except RecursionError:
        return Checked(
            None, ({"message": "the document is nested too deeply", "extensions": {"code": "LIMIT_EXCEEDED"}},)
        )
    if errors:
        return Checked(None, tuple(_told(error, "GRAPHQL_INVALID") for error in errors))
    return Checked(document, ())


async def run(
    text: str, variables: Mapping[str, Any] | None, operation_name: str | None, context: Context, settings: Settings
) -> Answer:
    """Run one request. Failures of the caller and of the data are errors in the answer; others are masked and logged."""
    extensions: dict[str, Any] = {"snapshot": context.store.snapshot}
    ready = checked(text, settings.max_tokens)
    if ready.document is None:
        return Answer({"errors": list(ready.errors), "extensions": extensions}, 0, clean=False, refused=True)
    try:
        size = _measured(ready.document, ready.plan, operation_name, dict(variables or {}))
        check(size, settings)
    except (StemmaError, GraphQLError) as error:
        code = error.code if isinstance(error, StemmaError) else "GRAPHQL_INVALID"
        refusal = {"errors": [{"message": str(error), "extensions": {"code": code}}], "extensions": extensions}
        return Answer(refusal, 0, clean=False, refused=True)
    extensions["cost"] = size.cost
    result = execute(
        GRAPHQL,
        ready.document,
        context_value=replace(context, plan=ready.plan),
        variable_values=dict(variables or {}),
        operation_name=operation_name,
        executor_class=QuickLists,
        hide_suggestions=False,
    )
    if is_awaitable(result):
        result = await result
    if not isinstance(result, ExecutionResult):
        raise TypeError(type(result))
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [_masked(error) for error in result.errors]
    body["extensions"] = extensions
    return Answer(body, size.cost, clean=not result.errors, refused=False)


def _measured(document: DocumentNode, plan: dict[object, Any], name: str | None, variables: dict[str, Any]) -> Measure:
    known: Measure | None = plan.get((measure, name))
    if known is not None:
        return known
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    chosen = [node for node in operations if name is None or (node.name is not None and node.name.value == name)]
    if len(chosen) != 1:
        raise GraphQLError(
            "the document holds several operations: say which with operationName" if chosen else "no such operation"
        )
    if chosen[0].operation is not OperationType.QUERY:
        raise GraphQLError("only queries are answered")
    found = measure(GRAPHQL, document, chosen[0], variables)
    if found.fixed:
        plan[measure, name] = found
    return found


def _told(error: GraphQLError, code: str) -> dict[str, Any]:
    told: dict[str, Any] = dict(error.formatted)
    told["extensions"] = {"code": code}
    return told


def _masked(error: GraphQLError) -> dict[str, Any]:
    """An error as the client may see it: ours and the document's in full, any other by the id of its line in the log."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None:
        return _told(error, "GRAPHQL_INVALID")
    if isinstance(cause, StemmaError):
        return _told(error, cause.code)
    log_id = uuid.uuid4().hex[:12]
    _log.error("unexpected failure", log_id=log_id, path=error.path, exc_info=cause)
    told = _told(error, "INTERNAL")
    told["message"] = f"something failed inside; the server's log has it as {log_id}"
    return told
