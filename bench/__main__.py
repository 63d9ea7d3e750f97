"""One command, one table: a generated Hub taken in, indexed, opened, asked, and served."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio

from bench import serving, world
from graph.catalogue import Catalogue
from graph.records import Direction
from graph.snapshot import Snapshot
from graph.store import EdgeFilter, Facet, ModelFilter, Order, Store
from graph.stores.embedded import open_snapshot
from ingest.dumps import ingest_dumps

RESULTS = Path(__file__).parent / "results"


class Steps:
    """Progress that keeps the time of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._at = ("", 0.0)

    def start(self, what: str, total: int | None, unit: str) -> None:
        """A step begins."""
        self._at = (what, time.perf_counter())

    def advance(self, n: int) -> None:
        """More is done."""

    def finish(self) -> None:
        """A step ended."""
        self.seconds[self._at[0]] = round(time.perf_counter() - self._at[1], 1)


def peak_memory(stop: threading.Event, out: dict[str, int]) -> None:
    """The largest sum of resident memory of this process and its children, in bytes, looked at five times a second."""
    page, me = resource.getpagesize(), str(os.getpid())
    while not stop.is_set():
        total = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if folder.name == me or fields[1] == me:
                total += int(fields[21]) * page
        out["bytes"] = max(out.get("bytes", 0), total)
        stop.wait(0.2)


def ingested(dump: Path, folder: Path) -> dict[str, Any]:
    """Take the dump in, whole; seconds by step and peak memory."""
    shutil.rmtree(folder, ignore_errors=True)
    steps, memory, stop = Steps(), dict[str, int](), threading.Event()
    watcher = threading.Thread(target=peak_memory, args=(stop, memory))
    watcher.start()
    begun = time.perf_counter()
    report = ingest_dumps(Catalogue(folder), [dump], progress=steps, processes=2)
    whole = time.perf_counter() - begun
    stop.set()
    watcher.join()
    return {
        "seconds": round(whole, 1),
        "steps": steps.seconds,
        "peak_gb": round(memory["bytes"] / 1e9, 2),
        "models": report.models,
        "derivations": report.derivations,
        "claims": report.claims,
        "dump_gb": round(dump.stat().st_size / 1e9, 2),
    }


async def asked(snapshot: Snapshot) -> tuple[dict[str, Any], list[str], list[str]]:
    """Milliseconds of each question in process; some models, and those with most descendants."""
    begun = time.perf_counter()
    store: Store = await open_snapshot(snapshot)
    await store.find(ModelFilter(), first=100)
    opened = time.perf_counter() - begun
    table = snapshot.table("models", ["id", "descendants"]).sort_by([("descendants", "descending")])
    roots: list[str] = table["id"][:200].to_pylist()
    ids = table["id"][:: max(1, table.num_rows // 2000)].to_pylist()
    mit = ModelFilter(tasks=("text-generation",), licences=("mit",), parameters_min=10**9)
    questions: dict[str, Callable[[int], Awaitable[object]]] = {
        "model by id": lambda n: store.models([ids[n % len(ids)]]),
        "base models": lambda n: store.base_models([ids[n % len(ids)]]),
        "derived models, a page": lambda n: store.derived_models([roots[n % len(roots)]], EdgeFilter(), 10),
        "lineage of 500": lambda n: store.walk(roots[n % 20], Direction.DESCENDANTS, EdgeFilter(), 20, 500),
        "ancestors": lambda n: store.walk(ids[n % len(ids)], Direction.ANCESTORS, EdgeFilter(), 20, 500),
        "search, three filters": lambda _: store.find(mit),
        "search, another order": lambda _: store.find(mit, Order.LIKES),
        "part of the name, common": lambda _: store.find(ModelFilter(text="llama")),
        "part of the name, no hit": lambda n: store.find(ModelFilter(text=f"zzqq{n}")),
        "count, three filters, new each time": lambda n: store.count(
            ModelFilter(tasks=("fill-mask",), parameters_min=10**9 + n)
        ),
        "three facets, new each time": lambda n: store.facets(
            ModelFilter(parameters_min=10**8 + n), [Facet.TASK, Facet.LIBRARY, Facet.LICENCE]
        ),
    }
    out: dict[str, Any] = {"open and first page, s": round(opened, 2)}
    for name, question in questions.items():
        times = []
        for number in range(40):
            begun = time.perf_counter()
            await question(number)
            times.append((time.perf_counter() - begun) * 1e3)
        times.sort()
        out[name] = {"p50_ms": round(times[20], 2), "p99_ms": round(times[39], 2)}
    out["nodes of the largest lineage"] = table["descendants"][0].as_py()
    await store.close()
    return out, ids, roots


def main() -> None:
    """Measure, print, and write down."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(".bench"))
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    dump = options.folder / f"models-{options.size}.jsonl"
    if not dump.exists():
        world.write(dump, options.size)
    catalogue = options.folder / f"catalogue-{options.size}"
    results: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "versions": {
            name: version(name) for name in ("polars", "pyarrow", "numpy", "strawberry-graphql", "uvicorn", "msgspec")
        },
        "size": options.size,
        "ingest": ingested(dump, catalogue),
    }
    print(json.dumps(results["ingest"], indent=1))
    results["questions"], ids, roots = anyio.run(asked, Catalogue(catalogue).head())
    print(json.dumps(results["questions"], indent=1))
    results["http"] = {}
    for cache in (0, 64):
        rates = serving.measure(catalogue, ids, roots, workers=2, cache_mb=cache, seconds=options.seconds)
        results["http"][f"response cache {cache} MB"] = [
            {name: getattr(rate, name) for name in ("question", "per_second", "p50_ms", "p99_ms", "failures", "size")}
            for rate in rates
        ]
        for rate in rates:
            speed = f"{rate.per_second:8.0f}/s  p50 {rate.p50_ms:7.2f}  p99 {rate.p99_ms:7.2f} ms"
            print(f"cache {cache:3d}  {rate.question:26s} {speed}  {rate.failures} failed", flush=True)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{options.size}.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"written to {path}\n")


if __name__ == "__main__":
    main()
