"""This file knows how to end a process as a power cut would, at a chosen moment, without touching the code that runs.

A moment is the n-th change that the process is about to make to the file system below a folder, told by Python's audit events;
or the n-th message that it is about to send to a database, told by the interpreter's profile of calls. Processes are forked
from one that has everything imported, so that each costs milliseconds.

Asked over standard input, one JSON object a line: ``{"task", "arguments", "moment"}``; answered the same way: ``{"moments"}``
(what they were, of a process that lived to its end) and ``{"status"}`` (how it ended).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from graph.catalogue import Catalogue
from graph.snapshot import Snapshot
from graph.stores.neo4j import Server, load
from ingest.dumps import ingest_dumps

REPOSITORY = Path(__file__).resolve().parents[2]
_CHANGES = frozenset(["os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"])
_SENDING = "_send_all"  # of the driver's Bolt connection


@dataclass
class Moments:
    """Counts moments, and ends the process at the chosen one."""

    chosen: int | None
    told: list[str] = field(default_factory=list)

    def reached(self, what: str) -> None:
        if self.chosen is not None and len(self.told) >= self.chosen:  # several threads may count at once
            os.kill(os.getpid(), signal.SIGKILL)
        self.told.append(re.sub(r"[0-9a-f]{64}", "ID", what.replace(str(os.getpid()), "PID")))

    def file_system(self, folder: str) -> None:
        """From now on, what this process does to files below ``folder`` counts; opening to read brackets what C++ wrote."""

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if (event == "open" or event in _CHANGES) and isinstance(arguments[0], str | os.PathLike):
                path = os.fspath(arguments[0])
                if isinstance(path, str) and path.startswith(folder):
                    self.reached(f"{event} {path.removeprefix(folder)}")

        sys.addaudithook(hook)

    def database(self) -> None:
        """From now on, messages that the Neo4j driver is about to send count."""

        def profile(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_name == _SENDING and "/neo4j/_sync/" in frame.f_code.co_filename:
                self.reached("send")

        threading.setprofile(profile)
        sys.setprofile(profile)


def ingest(moments: Moments, catalogue: str, *dumps: str) -> None:
    moments.file_system(catalogue)
    ingest_dumps(Catalogue(Path(catalogue)), [Path(dump) for dump in dumps], processes=1)


def load_graph(moments: Moments, snapshot: str, address: str) -> None:
    moments.database()
    load(Snapshot.open(Path(snapshot)), Server(address))


TASKS: dict[str, Callable[..., None]] = {"ingest": ingest, "load": load_graph}


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Do the task in a fork of this process, that ends at the moment."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        moments, status = Moments(asked["moment"]), 1
        try:
            TASKS[asked["task"]](moments, *asked["arguments"])
            sys.setprofile(None)
            with open(writing, "w", encoding="utf-8") as out:  # noqa: PTH123 - a file descriptor
                json.dump(moments.told, out)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading, encoding="utf-8") as told:  # noqa: PTH123 - a file descriptor
        text = told.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"status": status, "moments": json.loads(text) if text else []}


class Killer:
    """The other side: asks the process that forks."""

    def __enter__(self) -> Killer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.killing"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=60)

    def moments(self, task: str, *arguments: object) -> list[str]:
        """Run undisturbed; what the moments were."""
        told = self._ask(task, arguments, None)
        assert told["status"] == 0, told
        moments: list[str] = told["moments"]
        return moments

    def kill(self, task: str, moment: int, *arguments: object) -> None:
        """Run and kill at the moment."""
        told = self._ask(task, arguments, moment)
        assert told["status"] == -signal.SIGKILL, told

    def _ask(self, task: str, arguments: tuple[object, ...], moment: int | None) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the killing process has no pipes")
        asked = {"task": task, "arguments": [str(argument) for argument in arguments], "moment": moment}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
