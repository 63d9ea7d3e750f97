"""The service as clients meet it: GraphQL over HTTP, in process, over a drawn family."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from graphql import GraphQLObjectType, get_named_type

from api.app import create_app
from api.execution import GRAPHQL
from api.fast_lists import QuickLists
from api.scalars import RelationFilter
from api.schema import sdl
from api.server import serving_of
from graph.catalogue import Catalogue
from graph.lineage import PACKED
from graph.records import Relation
from graph.settings import Settings, load
from graph.store import EVERY_FIELD, ROOT, Want
from graph.stores.embedded.store import EmbeddedStore
from tests.worlds import alike, build, family, held, model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("family")
    build(place, family(), [{"id": "some/set"}], [("old/name", "root/base")], similar=alike(), tensors=held())
    return place


def settings(folder: Path, **more: str) -> Settings:
    return load({"STEMMA_CATALOGUE": str(folder), **more})


@asynccontextmanager
async def client(folder: Path, **more: str) -> AsyncIterator[httpx.AsyncClient]:
    chosen = settings(folder, **more)
    serving = serving_of(chosen)
    app = create_app(serving, chosen)
    async with (
        serving.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stemma") as http,
    ):
        yield http


def asked(folder: Path, query: str, more: dict[str, str] | None = None, **variables: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client(folder, **(more or {})) as http:
            return await http.post("/graphql", json={"query": query, "variables": variables})

    return anyio.run(ask)


def data(folder: Path, query: str, **variables: Any) -> Any:
    response = asked(folder, query, **variables)
    body = response.json()
    assert "errors" not in body, body
    return body["data"]


def test_sdl_is_the_schema() -> None:
    assert (Path(__file__).parents[2] / "api" / "schema.graphql").read_text(encoding="utf-8") == sdl()


def test_everything_is_described() -> None:
    for name, kind in GRAPHQL.type_map.items():
        if name.startswith("__") or not isinstance(kind, GraphQLObjectType):
            continue
        assert kind.description, name
        for field_name, field in kind.fields.items():
            assert field.description, f"{name}.{field_name}"


def test_model_by_any_spelling(folder: Path) -> None:
    for spelling in ("root/base", "ROOT/Base", "old/name"):
        assert data(folder, "query($id: ID!) { model(id: $id) { id } }", id=spelling) == {"model": {"id": "root/base"}}
    assert data(folder, '{ model(id: "no/such") { id } }') == {"model": None}


def test_lineage_with_totals_and_what_is_hidden(folder: Path) -> None:
    found = data(
        folder,
        '{ lineage(id: "root/base", depth: 1, limit: 1) { nodes { distance model { id } } edges { model { id } baseModel { id } '
        "relation evidence } totalAncestors totalDescendants truncated { id hidden } } }",
    )["lineage"]
    assert found["nodes"] == [{"distance": 0, "model": {"id": "root/base"}}, {"distance": 1, "model": {"id": "d/mix"}}]
    assert found["edges"] == [
        {"model": {"id": "d/mix"}, "baseModel": {"id": "root/base"}, "relation": "MERGE", "evidence": ["HUB", "TAG"]}
    ]
    assert (found["totalAncestors"], found["totalDescendants"]) == (0, 3)
    assert found["truncated"] == [{"id": "root/base", "hidden": 1}]


def test_packed_says_the_same(folder: Path) -> None:
    found = data(
        folder,
        '{ lineage(id: "a/tuned") { packed nodes { distance model { id } } edges { model { id } baseModel { id } } } }',
    )["lineage"]
    ids = found["packed"]["nodes"]["id"]
    assert ids == [node["model"]["id"] for node in found["nodes"]]
    pairs = zip(found["packed"]["edges"]["model"], found["packed"]["edges"]["baseModel"], strict=True)
    assert [(ids[a], ids[b]) for a, b in pairs] == [(e["model"]["id"], e["baseModel"]["id"]) for e in found["edges"]]


def test_conflicts_in_words(folder: Path) -> None:
    found = data(folder, '{ model(id: "a/tuned") { conflicts { kind baseModel silent text } } }')
    (conflict,) = found["model"]["conflicts"]
    assert conflict["baseModel"] == "x/other"
    assert conflict["silent"] == ["HUB", "TAG"]
    assert "not by hub, tag" in conflict["text"]


def test_weights_that_are_alike(folder: Path) -> None:
    found = data(
        folder,
        '{ model(id: "root/base") { similar(first: 2) { model { id } cosine relativeDistance sharedFraction method pValue '
        "parts { name cosine } } } }",
    )
    first, second = found["model"]["similar"]
    assert (first["model"]["id"], second["model"]["id"]) == ("a/tuned", "d/mix")  # of one cosine, by name
    assert first["parts"] == [{"name": "embedding", "cosine": 1.0}, {"name": "layers", "cosine": 0.99}]
    assert (first["cosine"], first["method"]) == (0.99, "weights")
    assert first["relativeDistance"] == pytest.approx(0.01)
    assert first["pValue"] == 1e-300


def test_who_holds_a_tensor(folder: Path) -> None:
    query = (
        "query($digest: String!) { tensor(digest: $digest, first: 2) { values models places { role model { id } } } }"
    )
    found = data(folder, query, digest="A" * 32)["tensor"]
    assert (found["values"], found["models"]) == (10_000, 3)
    assert [(place["model"]["id"], place["role"]) for place in found["places"]] == [
        ("a/tuned", "0.mlp.up"),
        ("d/mix", "0.mlp.up"),
    ]
    assert data(folder, query, digest="0" * 32)["tensor"] is None
    own = data(folder, '{ model(id: "d/mix") { tensors { digest role values } } }')["model"]["tensors"]
    assert [tensor["role"] for tensor in own] == ["0.mlp.up", "embedding"]


def test_pages_cover_everything_once(folder: Path) -> None:
    seen: list[str] = []
    after = None
    for _ in range(20):
        page = data(
            folder,
            "query($after: String) { models(first: 2, orderBy: LIKES, after: $after) { totalCount nodes { id } "
            "pageInfo { hasNextPage endCursor } } }",
            after=after,
        )["models"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == page["totalCount"] == 9


def test_common_ancestors_paths_and_roots(folder: Path) -> None:
    found = data(
        folder,
        '{ commonAncestors(ids: ["b/quant", "d/mix"]) { id } paths(from: "b/quant", to: "d/mix") { length models { id } } '
        'model(id: "b/quant") { roots { id } generation } }',
    )
    assert found["commonAncestors"] == [{"id": "a/tuned"}]
    assert found["paths"] == [{"length": 2, "models": [{"id": "b/quant"}, {"id": "a/tuned"}, {"id": "d/mix"}]}]
    assert found["model"] == {"roots": [{"id": "root/base"}, {"id": "x/other"}], "generation": 2}


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ("{ models(first: 101) { nodes { id } } }", "LIMIT_EXCEEDED", 200),
        ('{ models(after: "junk") { nodes { id } } }', "BAD_INPUT", 200),
        ("{ models { nodes { id", "GRAPHQL_SYNTAX", 400),
        ("{ nope }", "GRAPHQL_INVALID", 400),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(40)) + " }", "LIMIT_EXCEEDED", 400),
        ("{ models(first: 100) { nodes { derivedModels(first: 100) { nodes { model { derivedModels(first: 100) { nodes "
         "{ relation } } } } } } } }", "LIMIT_EXCEEDED", 400),
        ('{ model(id: "a") { ' + "baseModels { baseModel { " * 9 + "id" + " } }" * 9 + " } }", "LIMIT_EXCEEDED", 400),
        ("{ a: __typename " * 1 + " __typename" * 2100 + "}", "LIMIT_EXCEEDED", 400),
        ("mutation { x }", "GRAPHQL_INVALID", 400),
    ],
)  # fmt: skip
def test_refusals_have_codes(folder: Path, query: str, code: str, status: int) -> None:
    response = asked(folder, query)
    assert response.status_code == status
    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {code}


def test_fragments_that_double_are_measured_at_once(folder: Path) -> None:
    fragments = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))
    response = asked(folder, f"{{ ...f0 }} {fragments} fragment f60 on Query {{ catalogue {{ snapshot }} }}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


def test_fragments_count_where_they_are_spread(folder: Path) -> None:
    plain = "{ models(first: 7) { nodes { id a: task baseModels { relation } } } }"
    spread = "{ models(first: 7) { ...page } } fragment page on ModelConnection { nodes { ...facts } } "
    spread += "fragment facts on Model { id a: task baseModels { relation } }"
    costs = [asked(folder, query).json()["extensions"]["cost"] for query in (plain, spread)]
    assert costs[0] == costs[1]


@pytest.mark.parametrize("number", [2**64, -(2**70), 10**400])
def test_numbers_of_any_size_in_variables(folder: Path, number: int) -> None:
    async def ask() -> httpx.Response:
        async with client(folder) as http:
            query = "query($n: Int! = 5) { models(first: $n) { totalCount } }"
            return await http.post("/graphql", content=json.dumps({"query": query, "variables": {"n": number}}))

    response = anyio.run(ask)
    assert response.status_code in (200, 400)
    assert "INTERNAL" not in response.text


def test_cursor_of_another_order_is_refused(folder: Path) -> None:
    cursor = data(folder, "{ models(first: 1, orderBy: LIKES) { pageInfo { endCursor } } }")["models"]["pageInfo"][
        "endCursor"
    ]
    response = asked(folder, "query($c: String) { models(after: $c) { nodes { id } } }", c=cursor)
    assert "ordered by likes" in response.json()["errors"][0]["message"]


def test_body_limit_and_bad_bodies(folder: Path) -> None:
    async def ask() -> list[int]:
        async with client(folder, STEMMA_MAX_BODY_BYTES="1000") as http:
            bodies = [
                b"x" * 2000,
                b"{",
                b"[]",
                b'{"query": 3}',
                b"\xff\xfe",
                b'{"query":"{__typename}","variables":[]}',
            ]
            return [(await http.post("/graphql", content=body)).status_code for body in bodies]

    assert anyio.run(ask) == [413, 400, 400, 400, 400, 400]


def test_get_has_an_entity_tag_and_headers(folder: Path) -> None:
    async def ask() -> None:
        async with client(folder) as http:
            first = await http.get("/graphql", params={"query": "{ catalogue { snapshot } }"})
            again = await http.get(
                "/graphql",
                params={"query": "{ catalogue { snapshot } }"},
                headers={"if-none-match": first.headers["etag"]},
            )
            assert first.status_code == 200
            assert (again.status_code, again.content) == (304, b"")
            assert first.headers["x-content-type-options"] == "nosniff"
            page = await http.get("/graphql", headers={"accept": "text/html"})
            assert "http-equiv" not in page.text
            assert page.headers["content-type"].startswith("text/html")
            assert (await http.get("/healthz")).text == "ok"
            assert (await http.get("/readyz")).json()["ready"] is True
            assert 'stemma_requests_total{route="/graphql",status="200"}' in (await http.get("/metrics")).text

    anyio.run(ask)


def test_unexpected_failures_are_masked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(EmbeddedStore, "coverage", broken)
    response = asked(folder, "{ catalogue { snapshot } }")
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "secret" not in response.text


def test_store_is_asked_once_for_a_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("base_models", "models", "claims", "trainings", "derived_counts", "find"):
        original = getattr(EmbeddedStore, name)

        def counted(self: EmbeddedStore, *args: Any, _name: str = name, _original: Any = original) -> Any:
            calls.append(_name)
            return _original(self, *args)

        monkeypatch.setattr(EmbeddedStore, name, counted)
    data(
        folder,
        "{ models(first: 9) { nodes { id baseModels { relation baseModel { id } claims { where } } derivedCounts { count } "
        "datasets { evidence } } } }",
    )
    assert sorted(calls) == ["base_models", "claims", "derived_counts", "find", "models", "trainings"]
    calls.clear()
    data(folder, "{ models(first: 9) { nodes { standards(names: [CURATED]) { met } } } }")
    assert sorted(calls) == ["base_models", "claims", "find", "models", "trainings"]


def test_a_page_of_one_model_is_one_question(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = """fragment shown on Model { id licence baseModels { relation baseModel { id likes } claims { where } }
        derivedModels(first: $first) { totalCount nodes { model { ...brief } } pageInfo { endCursor } }
        few: derivedModels(first: 1) { totalCount nodes { model { id author } } } } fragment brief on Model { id task downloads }"""
    apart = data(
        folder, f'query($first: Int! = 2) {{ model(id: "ROOT/base") {{ ...shown }} catalogue {{ snapshot }} }} {shown}'
    )
    calls: list[str] = []
    for name in ("models", "base_models", "derived_models", "near", "resolve"):
        original = getattr(EmbeddedStore, name)

        async def counted(*args: Any, _name: str = name, _original: Any = original, **named: Any) -> Any:
            calls.append(_name)
            return await _original(*args, **named)

        monkeypatch.setattr(EmbeddedStore, name, counted)
    together = data(folder, f'query($first: Int! = 2) {{ model(id: "root/base") {{ ...shown }} }} {shown}')
    assert together["model"] == apart["model"]
    assert calls.count("near") == 1
    plain = '{ model(id: "root/base") { id baseModels { baseModel { id } } derivedModels(first: 3) { nodes { model { id } } } } }'
    calls.clear()
    assert len(data(folder, plain)["model"]["derivedModels"]["nodes"]) == 2
    assert calls == ["near", "models", "base_models", "models"]  # the last three are how this engine answers the first


def selections(kind: GraphQLObjectType, depth: int) -> Sequence[str]:
    """Every field of a type that takes no required argument, with something selected below."""
    found = []
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLObjectType):
            if depth:
                found.append(f"{name} {{ __typename {' '.join(selections(inner, depth - 1))} }}")
                found[-1] = found[-1].replace("{ __typename  }", "{ __typename }")
        else:
            found.append(name)
    return found


def test_every_relation_can_be_filtered_by() -> None:
    assert [each.value for each in RelationFilter] == [ROOT, *(relation.value for relation in Relation)]
    assert [each.name for each in RelationFilter] == ["ROOT", *(relation.name for relation in Relation)]


def test_quick_lists_give_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = []
    for name in ("models(first: 9) { nodes", 'lineage(id: "a/tuned") { nodes', 'lineage(id: "a/tuned") { edges'):
        kind = {"models": "Model", "nodes": "LineageNode", "edges": "Derivation"}[
            "models" if name.startswith("models") else name.rsplit(" ", 1)[1]
        ]
        root = GRAPHQL.type_map[kind]
        assert isinstance(root, GraphQLObjectType)
        fields = [text.replace("__typename ", "") for text in selections(root, 1)]
        queries += [f"{{ {name} {{ {one} {other} }} }} }}" for one, other in itertools.pairwise(fields)]
    of_models = GRAPHQL.type_map["Model"]
    assert isinstance(of_models, GraphQLObjectType)
    mixed = selections(of_models, 1)
    queries += [f'{{ model(id: "a/tuned") {{ {one} {other} }} }}' for one, other in itertools.pairwise(mixed)]
    plain = [text for text in mixed if "{" not in text]
    queries += [f'{{ model(id: "{id}") {{ {" ".join(plain)} }} }}' for id in ("a/tuned", "a/gone", "nothing/here")]
    quick = [asked(folder, query).content for query in queries]
    with monkeypatch.context() as patch:
        for method in ("complete_list_value", "complete_object_value", "execute_field"):
            patch.delattr(QuickLists, method)
        slow = [asked(folder, query).content for query in queries]
    assert len(queries) > 30
    assert quick == slow
    assert all(b'"errors"' not in body for body in quick)


def test_head_swap_drops_no_request(tmp_path: Path) -> None:
    build(tmp_path, [model("a/one")])
    chosen = settings(tmp_path)

    async def run() -> None:
        serving = serving_of(chosen)
        serving._watch_seconds = 0.02
        app = create_app(serving, chosen)
        async with (
            serving.running(),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stemma") as http,
        ):
            seen = set()
            for number in range(200):
                answer = await http.post("/graphql", json={"query": "{ catalogue { snapshot } models { totalCount } }"})
                body = answer.json()
                assert "errors" not in body, json.dumps(body)
                seen.add((body["data"]["catalogue"]["snapshot"], body["data"]["models"]["totalCount"]))
                if number == 20:
                    await anyio.to_thread.run_sync(build, tmp_path, [model("a/one"), model("b/two")])
                await anyio.sleep(0.005)
            assert {count for _, count in seen} == {1, 2}
            assert len(seen) == 2

    anyio.run(run)
    assert Catalogue(tmp_path).head().manifest.tables["models"].rows == 2


def test_a_lineage_reads_only_what_is_selected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[Want] = []
    walk = EmbeddedStore.walk

    async def seen(self: EmbeddedStore, *given: Any) -> Any:
        wanted.append(given[-1])
        return await walk(self, *given)

    monkeypatch.setattr(EmbeddedStore, "walk", seen)
    for chosen in (
        "nodes { distance model { downloads id } }",
        "... { nodes { model { ...names } } } totalAncestors",
        "__typename nodes { model { __typename id } } edges { model { task } baseModel { createdAt } }",
        "nodes { model { id conflicts { __typename } } }",
        "packed",
        "truncated { id hidden } root { hubId }",
    ):
        fragment = "fragment names on Model { likes }" if "names" in chosen else ""
        data(folder, '{ lineage(id: "root/base") { ' + chosen + " } } " + fragment)
    packed = tuple(name for name in EVERY_FIELD if name in {"id", *PACKED})
    assert [(sorted(want.fields), want.edges, want.hidden) for want in wanted] == [
        (sorted(fields), edges, hidden)
        for fields, edges, hidden in (
            (("id", "downloads"), False, False),
            (("id", "likes"), False, False),
            (("id", "task", "created_at"), True, False),
            (EVERY_FIELD, False, False),
            (packed, True, True),
            (("id", "hub_id"), False, True),
        )
    ]
