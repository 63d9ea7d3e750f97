"""The explorer's files as browsers get them, over a bundle made here and over none."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest

from api.app import create_app
from api.explorer import Explorer
from api.server import serving_of
from graph.settings import load
from tests.worlds import build, family

HTML = {"accept": "text/html,application/xhtml+xml;q=0.9", "accept-encoding": "gzip"}
Get = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("family")
    build(folder, family())
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for name, text in {
        "index.html": "<title>page</title>",
        "icon.svg": "<svg/>",
        "assets/main-1a2b.js": "let here = 1;" * 200,
        "licences.md": "# Licences",
    }.items():
        path = tmp_path / "dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = tmp_path / "dist" / "assets" / "main-1a2b.js"
    script.with_name("main-1a2b.js.gz").write_bytes(gzip.compress(script.read_bytes()))
    (tmp_path / "editor" / "assets").mkdir(parents=True)
    (tmp_path / "editor" / "index.html").write_text("<title>editor</title>")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path


@pytest.fixture
def get(bundle: Path, catalogue: Path) -> Get:
    settings = load({"STEMMA_CATALOGUE": str(catalogue)})
    serving = serving_of(settings)
    app = create_app(serving, settings, Explorer(bundle / "dist", bundle / "editor"))

    def ask(address: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def run() -> httpx.Response:
            async with (
                serving.running(),
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stemma") as http,
            ):
                return await http.get(address, headers=HTML if headers is None else headers)

        return anyio.run(run)

    return ask


@pytest.mark.parametrize("address", ["/", "/models/org/name.gguf", "/compare?id=a&id=b", "/lineage/a/b", "/index.html"])
def test_every_address_of_a_view_is_the_page(get: Get, address: str) -> None:
    answer = get(address)
    assert (answer.status_code, answer.text) == (200, "<title>page</title>")
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_hashed_files_are_kept_for_ever_and_sent_compressed(get: Get) -> None:
    answer = get("/assets/main-1a2b.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.text == "let here = 1;" * 200
    plain = get("/assets/main-1a2b.js", {"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text
    assert get("/icon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("address", ["/assets/gone.js", "/graphiql/assets/gone.js", "/assets/main-1a2b.js.gz"])
def test_a_missing_asset_is_not_the_page(get: Get, address: str) -> None:
    assert get(address).status_code == 404


@pytest.mark.parametrize("address", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2f..%2fsecret.txt"])
def test_nothing_outside_the_bundle_is_read(get: Get, address: str) -> None:
    assert "secret" not in get(address).text


def test_programs_get_no_page(get: Get) -> None:
    assert get("/", {"accept": "*/*"}).text == get("/", {"accept": "text/html"}).text  # which is the page for all
    answer = get("/nowhere", {"accept": "application/json"})
    assert answer.status_code == 404
    assert "/graphql" in answer.text


def test_graphql_is_an_editor_in_a_browser_and_a_service_to_programs(get: Get) -> None:
    editor = get("/graphql")
    assert editor.text == "<title>editor</title>"
    assert "script-src 'self';" in editor.headers["content-security-policy"]
    assert get("/graphql", {"accept": "*/*"}).status_code == 400
    assert get("/graphql?query={catalogue{snapshot}}").json()["data"]["catalogue"]["snapshot"]


def test_a_bundle_built_anew_is_found_without_a_new_start(get: Get, bundle: Path) -> None:
    assert get("/").text == "<title>page</title>"
    (bundle / "dist" / "assets" / "main-3c4d.js").write_text("let there = 2")
    (bundle / "dist" / "index.html").unlink()
    (bundle / "dist" / "index.html").write_text("<title>new</title>")
    assert get("/").text == "<title>new</title>"
    assert get("/assets/main-3c4d.js").text == "let there = 2"


def test_without_a_bundle_it_is_said_what_to_do(tmp_path: Path, catalogue: Path) -> None:
    settings = load({"STEMMA_CATALOGUE": str(catalogue)})
    serving = serving_of(settings)
    app = create_app(serving, settings, Explorer(tmp_path / "none", tmp_path / "none"))

    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with (
            serving.running(),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stemma") as http,
        ):
            return await http.get("/", headers=HTML), await http.get("/graphql", headers=HTML)

    page, graphql = anyio.run(run)
    assert page.status_code == 503
    assert "make web" in page.text
    assert graphql.status_code == 200
    assert "Stemma answers GraphQL here" in graphql.text
