"""A small world whose files exist: what a Hub would hold, as rows and as bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import anyio

from graph.snapshot import Snapshot
from graph.stores.embedded import open_snapshot
from graph.subset.build import build as build_lock
from graph.subset.lock import Lock
from graph.subset.query import Query, from_toml
from tests.worlds import Row, build, model

Contents = dict[str, dict[str, bytes]]

CONTENTS: Contents = {
    "root/base": {"config.json": b'{"a": 1}\n', "model.safetensors": b"w" * 3000},
    "a/tuned": {"config.json": b'{"a": 2}\n', "model.safetensors": b"t" * 3000, "sub dir/note's.txt": b"read me\n"},
    "a/again": {"model.safetensors": b"t" * 3000},
    "g/gated": {"model.gguf": b"g" * 500},
}


def commit(id: str) -> str:
    return hashlib.sha1(id.encode()).hexdigest()


def siblings(id: str) -> list[Row]:
    """Files as the Hub lists them: the large as LFS with their sha256, the small with git's blob id alone."""
    found: list[Row] = []
    for path, content in CONTENTS[id].items():
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        row: Row = {"rfilename": path, "size": len(content), "blobId": blob}
        if path.startswith("model."):
            row["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        found.append(row)
    return found


def rows() -> list[Row]:
    """
    root/base <--- a/tuned <--- b/quant      lost/base <--- c/orphan      e/one <--> e/two (a cycle)
        ^            ^
        +--- d/mix --+  (merge of both)      a/again: the same weights as a/tuned      g/gated: needs consent
    """

    def made(id: str, *bases: str, **more: Any) -> Row:
        row = model(id, *bases, sha=commit(id), **more)
        return {**row, "siblings": siblings(id)} if id in CONTENTS else row

    tags = ["license:apache-2.0"]
    return [
        made("root/base", downloads=100, pipeline_tag="text-generation", createdAt="2023-01-02T00:00:00Z", tags=tags),
        made("a/tuned", "root/base", downloads=50, cardData={"license": "mit", "datasets": ["some/set"]}),
        made("a/again", downloads=40),
        made("b/quant", "a/tuned", relation="quantized", downloads=70),
        made("d/mix", "root/base", "a/tuned", relation="merge", downloads=70, createdAt="2024-05-06T00:00:00Z"),
        made("c/orphan", "lost/base", downloads=None),
        made("e/one", "e/two", downloads=1),
        made("e/two", "e/one", downloads=2),
        made("g/gated", downloads=90, gated="manual", cardData={"license": 'llama3 <odd> & "quoted" \\\''}),
    ]


def shelf(folder: Path) -> Snapshot:
    return build(folder, rows(), [{"id": "some/set"}], [("old/name", "root/base")])


def put(folder: Path, *ids: str) -> None:
    """What `hf download --local-dir` would leave."""
    for id in ids or CONTENTS:
        for path, content in CONTENTS[id].items():
            place = folder / id / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def locked(snapshot: Snapshot, query: str | Query) -> Lock:
    asked = from_toml(query, "a test") if isinstance(query, str) else query

    async def asking() -> Lock:
        store = await open_snapshot(snapshot)
        try:
            return await build_lock(store, asked)
        finally:
            await store.close()

    return anyio.run(asking)


ALL = "[where]\n"
