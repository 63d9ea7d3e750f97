"""This file knows how many questions a second the service answers: a real server process, keep-alive clients on other processes."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import random
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

MODEL = (
    "query($id: ID!) { model(id: $id) { id author task library licence downloads likes createdAt parameters gated architecture sha "
    "baseModels { relation baseModel { id downloads } } derivedModels(first: 10) { nodes { relation model { id downloads } } } } }"
)
ANCESTORS = "query($id: ID!) { lineage(id: $id, direction: ANCESTORS, depth: 20) { nodes { distance model { id downloads } } } }"
LINEAGE = (
    "query($id: ID!) { lineage(id: $id, direction: DESCENDANTS, depth: 20, limit: 1000) "
    "{ nodes { distance model { id downloads likes task } } } }"
)
PACKED = "query($id: ID!) { lineage(id: $id, direction: DESCENDANTS, depth: 20, limit: 1000) { packed } }"
SEARCH = (
    'query($id: ID!) { models(first: 20, filter: { task: ["text-generation"], licence: ["mit"], parametersMin: 1000000000 }) '
    "{ nodes { id downloads likes task } } model(id: $id) { id } }"
)
FACETS = (
    '{ facets(by: [TASK, LIBRARY, LICENCE], filter: { task: ["text-generation"] }, first: 20) { facet value count } }'
)
QUESTIONS = {
    "model page": MODEL,
    "ancestors": ANCESTORS,
    "lineage of 1,000, typed": LINEAGE,
    "lineage of 1,000, packed": PACKED,
    "search, three filters": SEARCH,
    "three facets": FACETS,
}


WARM = 2.5  # seconds before what is measured
# Where a database answers: Java compiles a question after thousands of answers, and whoever is asked later would gain from it.
WARM_JAVA = 15.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What one question cost."""

    question: str
    per_second: float
    p50_ms: float
    p99_ms: float
    failures: int
    size: int  # bytes of one answer
    cpu_ms: (
        float  # of the service, and of the database behind it, for one answer: says more than a rate on a busy machine
    )


def measure(
    catalogue: Path,
    ids: list[str],
    roots: list[str],
    *,
    workers: int,
    cache_mb: int,
    seconds: float,
    store: str = "snapshot",
    database: int | None = None,
) -> list[Rate]:
    """Start a server, ask each question for a while from 8 connections on as many processes, stop it.

    ``database``: the process of the database behind it.
    """
    command = [sys.executable, "-m", "api.cli", "--catalogue", str(catalogue), "--store", store, "serve"]
    with subprocess.Popen(
        [*command, "--port", "0", "--workers", str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "STEMMA_RESPONSE_CACHE_MB": str(cache_mb), "STEMMA_CACHE": str(catalogue.parent / "cache")},
    ) as server:
        try:
            lines = (
                [server.stdout.readline() for _ in range(2)] if server.stdout else []
            )  # the explorer's, the service's
            found = re.search(r"http://127\.0\.0\.1:(\d+)/graphql", "".join(lines))
            if found is None:
                raise RuntimeError(f"the server did not start: {lines!r}")
            port = int(found[1])
            _wait(port)
            servers = [server.pid, *([database] if database else [])]
            return asked(port, QUESTIONS, ids, roots, seconds, servers, WARM_JAVA if database else WARM)
        finally:
            server.terminate()


def asked(
    port: int,
    questions: dict[str, str],
    ids: list[str],
    roots: list[str],
    seconds: float,
    servers: list[int],
    warm: float,
) -> list[Rate]:
    """Each question for a while: lineages of ``roots``, all else of ``ids``. ``servers``: the processes that answer.

    ``warm``: seconds for which each is asked before that.
    """
    return [
        _load(port, name, query, roots if name.startswith("lineage") else ids, (warm, seconds), servers)
        for name, query in questions.items()
    ]


def cpu_seconds(processes: list[int]) -> float:
    """CPU time used so far by these processes and all that came from them and still run."""
    parents, used = dict[int, int](), dict[int, int]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(folder.name)], used[int(folder.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    family = set(processes)
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(used.get(process, 0) for process in family) / os.sysconf("SC_CLK_TCK")


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")


def _load(port: int, name: str, query: str, ids: list[str], span: tuple[float, float], servers: list[int]) -> Rate:
    """``span``: seconds before what is measured, and of it."""
    warm, seconds = span
    results: Queue[Any] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=_client, args=(port, query, ids, span, seed, results)) for seed in range(8)
    ]
    for worker in workers:
        worker.start()
    time.sleep(warm)
    before = cpu_seconds(servers)
    told = [results.get() for _ in workers]
    used = cpu_seconds(servers) - before
    for worker in workers:
        worker.join()
    times = sorted(value for times, _, _ in told for value in times)
    answered, times = len(times), times or [seconds]  # none within the time: at least that long
    failures, size = sum(failed for _, failed, _ in told), max(size for _, _, size in told)
    middle, slow = times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3
    cpu_ms = used / max(1, answered) * 1e3
    return Rate(name, answered / seconds, middle, slow, failures, size, round(cpu_ms, 2))


def _client(port: int, query: str, ids: list[str], span: tuple[float, float], seed: int, results: Queue[Any]) -> None:
    """Ask over one connection. A bare socket: clients share the processors, a library would take a third."""
    rng = random.Random(seed)
    times, failures, size = [], 0, 0
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    start = time.perf_counter() + span[0]
    end = start + span[1]
    while (begun := time.perf_counter()) < end:
        body = json.dumps({"query": query, "variables": {"id": rng.choice(ids)} if "$id" in query else {}}).encode()
        try:
            connection.sendall(_HEAD % len(body) + body)
            answer = _answer(connection)
        except (TimeoutError, ConnectionError):
            failures += 1
            connection.close()
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            continue
        if begun < start:
            continue
        times.append(time.perf_counter() - begun)
        failures += b'"errors"' in answer[:200]
        size = max(size, len(answer))
    connection.close()
    results.put((times, failures, size))


_HEAD = b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def _answer(connection: socket.socket) -> bytes:
    """The body of one answer of known length, or in chunks."""
    got = bytearray()
    while (head := got.find(b"\r\n\r\n") + 4) < 4:
        _more(connection, got)
    length = _LENGTH.search(got, 0, head)
    if length is None:
        while not got.endswith(b"\r\n0\r\n\r\n"):
            _more(connection, got)
        return bytes(got[head:])
    while len(got) < head + int(length[1]):
        _more(connection, got)
    return bytes(got[head:])


def _more(connection: socket.socket, got: bytearray) -> None:
    piece = connection.recv(2**18)
    if not piece:
        raise ConnectionError("closed by the server")
    got += piece
