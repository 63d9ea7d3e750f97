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
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio

from bench import beside, folding, serving, world
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
    before, begun = _cpu_seconds(), time.perf_counter()
    report = ingest_dumps(Catalogue(folder), [dump], progress=steps, processes=2)
    whole, used = time.perf_counter() - begun, _cpu_seconds() - before
    stop.set()
    watcher.join()
    return {
        "seconds": round(whole, 1),
        "cpu_seconds": round(used, 1),
        "steps": steps.seconds,
        "peak_gb": round(memory["bytes"] / 1e9, 2),
        "models": report.models,
        "derivations": report.derivations,
        "claims": report.claims,
        "dump_gb": round(dump.stat().st_size / 1e9, 2),
    }


def _cpu_seconds() -> float:
    """What this process and its ended children used so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


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
    out["folded page, filter new each time"] = await folding.pages(store, seed=1)
    out["nodes of the largest lineage"] = table["descendants"][0].as_py()
    await store.close()
    return out, ids, roots


def told(rates: dict[str, list[serving.Rate]]) -> str:
    """One table: answers a second, p50 and p99 in ms, CPU for an answer, and both as times the peer's."""
    peer = {rate.question: rate for rate in rates.get(PEER, [])}
    lines = [
        "| question | over | a second | p50 ms | p99 ms | CPU ms | failed | x peer | x peer by CPU |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in serving.QUESTIONS:
        for over, found in rates.items():
            for rate in found:
                if rate.question == name:
                    times = ""
                    if name in peer:
                        times = f"{rate.per_second / peer[name].per_second:.1f} | {peer[name].cpu_ms / rate.cpu_ms:.1f}"
                    speed = f"{rate.per_second:.0f} | {rate.p50_ms:.1f} | {rate.p99_ms:.1f} | {rate.cpu_ms:.2f}"
                    lines.append(f"| {name} | {over} | {speed} | {rate.failures} | {times or ' | '} |")
    return "\n".join(lines)


PEER = "@neo4j/graphql"
OFFLINE = 1_000_000  # models from which on the first load goes through Neo4j's own importer


def main() -> None:
    """Measure, print, and write down."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--size", type=int, default=200_000)
    parser.add_argument("--folder", type=Path, default=Path(".bench"))
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--without", action="append", default=[], choices=["neo4j", "peer", "verify"])
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    folder = options.folder.resolve()  # the importer runs in a folder of its own
    folder.mkdir(parents=True, exist_ok=True)
    dump = folder / f"models-{options.size}.jsonl"
    if not dump.exists():
        world.write(dump, options.size)
        os.sync()  # writing it is not to be measured
    catalogue = folder / f"catalogue-{options.size}"
    libraries = ("polars", "pyarrow", "numpy", "strawberry-graphql", "uvicorn", "msgspec", "neo4j")
    results: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load average before": round(os.getloadavg()[0], 1),
        },
        "versions": {name: version(name) for name in libraries},
        "size": options.size,
        "ingest": ingested(dump, catalogue),
    }
    _say(results["ingest"])
    results["questions"], ids, roots = anyio.run(asked, Catalogue(catalogue).head())
    _say(results["questions"])
    rates: dict[str, list[serving.Rate]] = {}
    for cache, name in ((0, "embedded"), (64, "embedded, kept answers")):
        rates[name] = serving.measure(catalogue, ids, roots, workers=2, cache_mb=cache, seconds=options.seconds)
    why = "left out" if "neo4j" in options.without else beside.without_server()
    if why is None:
        offline = Catalogue(catalogue).head() if options.size >= OFFLINE else None
        with beside.neo4j(folder / "neo4j", "2g", offline) as (server, process, times):
            verified = "verify" not in options.without
            results["neo4j"] = times | beside.loaded(Catalogue(catalogue), dump, folder, server, verified=verified)
            _say(results["neo4j"])
            seconds, store = options.seconds, server.address
            for cache, name in ((0, "Neo4j"), (64, "Neo4j, kept answers")):
                rates[name] = serving.measure(
                    catalogue, ids, roots, workers=2, cache_mb=cache, seconds=seconds, store=store, database=process
                )
            why = "left out" if "peer" in options.without else beside.without_peer()
            if why is None:
                rates[PEER] = beside.peer_rates(server, process, ids, roots, options.seconds)
    if why is not None:
        results["not measured"] = why
        sys.stderr.write(f"not measured beside: {why}\n")
    results["http"] = {name: [asdict(rate) for rate in found] for name, found in rates.items()}
    table = told(rates)
    print(table)
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"{datetime.now(UTC):%Y-%m-%d}-{options.size}.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    facts = {name: results[name] for name in ("machine", "versions", "ingest", "questions", "neo4j") if name in results}
    head = f"# {options.size} models\n\n8 connections on the server's own machine, 2 workers.\n\n"
    details = f"\n\n```json\n{json.dumps(facts, indent=1)}\n```\n"
    path.with_suffix(".md").write_text(head + table + details, encoding="utf-8")
    sys.stderr.write(f"written to {path}\n")


def _say(facts: dict[str, Any]) -> None:
    print(json.dumps(facts, indent=1), flush=True)


if __name__ == "__main__":
    main()
