"""Any document gets an answer: data, or errors with a code; never a failure inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLScalarType, get_named_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.execution import GRAPHQL
from tests.api.test_graphql import client
from tests.worlds import alike, build, family, held

# The executor drops what it was about to wait for when a sibling's failure empties the whole answer.
pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine 'Executor:RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
CODES = {"BAD_INPUT", "LIMIT_EXCEEDED", "GRAPHQL_SYNTAX", "GRAPHQL_INVALID", "NOT_FOUND"}
WORDS = st.sampled_from(
    ["root/base", "a/tuned", "e/one", "nothing/here", "", "a" * 300, "\\u0000", "some/set", "0" * 64, "é名"]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("fuzz")
    build(place, family(), [{"id": "some/set"}], [("old/name", "root/base")], similar=alike(), tensors=held())
    return place


def values(draw: st.DrawFn, kind: Any) -> str:
    """A value of a type as GraphQL writes it, now and then of another type."""
    if isinstance(kind, GraphQLNonNull):
        return values(draw, kind.of_type)
    if isinstance(kind, GraphQLList):
        return "[" + ", ".join(values(draw, kind.of_type) for _ in range(draw(st.integers(0, 3)))) + "]"
    if isinstance(kind, GraphQLEnumType):
        return str(draw(st.sampled_from(sorted(kind.values))))
    if isinstance(kind, GraphQLScalarType):
        if kind.name in ("Int", "Long"):
            return str(draw(st.sampled_from([0, 1, 3, 20, 100, 101, -1, 2**31 - 1])))
        if kind.name == "DateTime":
            return draw(
                st.sampled_from(['"2024-01-01T00:00:00Z"', '"2024-01-01T00:00:00"', '"soon"', '"9999-12-31T23:59:59Z"'])
            )
        return '"' + draw(WORDS) + '"'
    fields = kind.fields if draw(st.booleans()) else {}
    chosen = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=3)) if fields else []
    return "{" + ", ".join(f"{name}: {values(draw, fields[name].type)}" for name in chosen) + "}"


def selection(draw: st.DrawFn, kind: GraphQLObjectType, depth: int) -> str:
    names = draw(st.lists(st.sampled_from(sorted(kind.fields)), min_size=1, max_size=4, unique=True))
    parts = []
    for name in names:
        field = kind.fields[name]
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLObjectType) and depth == 0:
            continue
        needed = [name for name, argument in field.args.items() if isinstance(argument.type, GraphQLNonNull)]
        wanted = [n for n in sorted(field.args) if n in needed or draw(st.booleans())]
        arguments = ", ".join(f"{n}: {values(draw, field.args[n].type)}" for n in wanted)
        text = name + (f"({arguments})" if arguments else "")
        if isinstance(inner, GraphQLObjectType):
            text += " " + selection(draw, inner, depth - 1)
        parts.append(text)
    return "{ " + (" ".join(parts) or "__typename") + " }"


@st.composite
def documents(draw: st.DrawFn) -> str:
    root = GRAPHQL.query_type
    assert root is not None
    return selection(draw, root, 4)


def answers(folder: Path, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        async with client(folder) as http:
            return [await http.post("/graphql", json=body) for body in bodies]

    return anyio.run(ask)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(documents(), min_size=5, max_size=5))
def test_documents_of_the_schema(folder: Path, queries: list[str]) -> None:
    for query, response in zip(queries, answers(folder, [{"query": query} for query in queries]), strict=True):
        assert response.status_code in (200, 400), query
        for error in response.json().get("errors", []):
            assert error["extensions"]["code"] in CODES, (query, error)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(st.text(max_size=60), st.text(alphabet='{}()[]:$@!"#,. abq\n', max_size=60)), min_size=5, max_size=5
    )
)
def test_any_text_and_variables(folder: Path, queries: list[str]) -> None:
    bodies: list[dict[str, Any]] = [{"query": query, "variables": {query[:5]: query}} for query in queries]
    for body, response in zip(bodies, answers(folder, bodies), strict=True):
        assert response.status_code in (200, 400), body
        for error in response.json().get("errors", []):
            assert error["extensions"]["code"] in CODES, (body, error)
