"""POST /identify: a sketch is compared, whatever else is sent is refused, and few wait at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from api.app import create_app
from api.cli.weights import comparing
from api.identify import MOST_WAITING, Compare, Identifying
from api.server import serving_of
from graph.catalogue import Catalogue
from graph.settings import load
from ingest.folders import ingest_folders
from ingest.identify import sketch_to
from tests.ingest.weights import families


def client(compare: Compare, most_bytes: int = 10**7) -> httpx.AsyncClient:
    route = Route("/identify", Identifying(compare, most_bytes).identify, methods=["POST"])
    transport = httpx.ASGITransport(Starlette(routes=[route]))
    return httpx.AsyncClient(transport=transport, base_url="http://x", timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("identify")
    root = families.root(1)
    families.write(folder / "models" / "root", root)
    families.write(folder / "private", families.tuned(root, task=1, seed=1), dtype="f32")
    ingest_folders(Catalogue(folder / "catalogue"), [folder / "models"])
    sketch_to(folder / "private", folder / "private.sketch")
    return folder


def test_a_sketch_is_told_what_it_is(folder: Path) -> None:
    async def asked() -> None:
        async with client(comparing(folder / "catalogue")) as http:
            answer = await http.post("/identify", content=(folder / "private.sketch").read_bytes())
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            said: dict[str, Any] = answer.json()
            assert [(parent["base_model"], parent["relation"]) for parent in said["parents"]] == [("root", "finetune")]
            assert (said["tier"], said["dtype"]) == ("T2", "F32")
            assert not list((folder / "catalogue" / "weights").glob("*private*"))

    anyio.run(asked)


def test_the_service_has_the_address_only_when_it_is_given_what_compares(folder: Path) -> None:
    settings = load({"STEMMA_CATALOGUE": str(folder / "catalogue"), "STEMMA_MAX_SKETCH_BYTES": "100"})

    async def asked(compare: Compare | None) -> int:
        serving = serving_of(settings)
        app = create_app(serving, settings, compare=compare)
        async with (
            serving.running(),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http,
        ):
            return (await http.post("/identify", content=b"x" * 101)).status_code

    assert anyio.run(asked, None) == 405  # the explorer answers GET at any address
    assert anyio.run(asked, comparing(folder / "catalogue")) == 413


def test_what_is_no_sketch_is_refused(folder: Path) -> None:
    async def asked() -> None:
        async with client(comparing(folder / "catalogue"), most_bytes=2_000_000) as http:
            weights = (folder / "models" / "root" / "model.safetensors").read_bytes()
            for body, status, code in (
                (b"", 400, "DAMAGED"),
                (b"\x00" * 100, 400, "DAMAGED"),
                (weights, 400, "BAD_INPUT"),
                ((folder / "private.sketch").read_bytes()[:-10], 400, "DAMAGED"),
                (b"\xff" * 2_000_001, 413, "LIMIT_EXCEEDED"),
            ):
                answer = await http.post("/identify", content=body)
                assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)

    anyio.run(asked)


def test_few_wait_at_once() -> None:
    go, running = threading.Event(), []

    def compare(_: bytes) -> dict[str, Any]:
        running.append(1)
        assert sum(running) == 1  # one at a time
        go.wait(20)
        running.pop()
        return {}

    async def asked() -> None:
        async with client(compare) as http, anyio.create_task_group() as group:
            statuses: list[int] = []

            async def ask() -> None:
                statuses.append((await http.post("/identify", content=b"x")).status_code)
                if len(statuses) == 2:  # both that were sent away
                    go.set()

            for _ in range(MOST_WAITING + 2):
                group.start_soon(ask)
        assert sorted(statuses) == [200] * MOST_WAITING + [503] * 2

    anyio.run(asked)
