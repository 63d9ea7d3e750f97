"""This file knows how checkpoints are read on many machines: one Ray task a checkpoint, which gives back its sketch as bytes.

A task only reads: it may run twice, or half, on a worker that is killed, and Ray runs it again. The sketch is checked like a
stranger's and put on the shelf here, so that what was done is kept when the rest is cut off. The folders must lie under the same
paths on every machine. Ray passes values between its own processes by pickle; no file of a checkpoint is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from graph.catalogue import Catalogue
from graph.errors import BadInput, StemmaError, Unreachable
from graph.progress import Progress
from ingest.folders import shelf_of
from ingest.weights.assignment import is_anonymous
from ingest.weights.folder import Found, checkpoints
from ingest.weights.member import member
from ingest.weights.shelf import WeightShelf, mark_of
from ingest.weights.sketch_file import parse_sketch, write_sketch

LOCAL: Final = "ray"
_ATTEMPTS = 5  # of a task whose worker goes away
_WAITING_FOR_EACH = 4  # tasks handed out for each processor, so that sketches do not pile up
_STORE_BYTES = 512 * 2**20  # memory for results on a cluster that is started here


def sketched(model: str, path: str) -> bytes:
    """The sketch of a checkpoint, as bytes. Raises StemmaError."""
    with TemporaryDirectory() as folder:
        checkpoint = Found(model, Path(path)).read()
        found = member(model, checkpoint)
        place = Path(folder) / "sketch"
        write_sketch(place, found, mark_of(checkpoint), found.said)
        return place.read_bytes()


def spread(found: Sequence[Found], shelf: WeightShelf, on: str, progress: Progress) -> int:
    """Sketch what is not on the shelf yet, on the cluster ``on``: "ray", started on this machine, or an address, "ray://host:port".

    How many were put on the shelf. What cannot be read is left for whoever reads the folders next to say so. Raises BadInput,
    Unreachable.
    """
    waiting = [(item, mark) for item in found if (mark := _mark(item)) is not None and not shelf.has(item.model, mark)]
    if not waiting:
        return 0
    ray = _connected(on)
    try:
        task = ray.remote(max_retries=_ATTEMPTS)(sketched)
        room = max(1, int(ray.cluster_resources().get("CPU", 1))) * _WAITING_FOR_EACH
        progress.start("sketching", len(waiting), "checkpoints")
        running: dict[Any, tuple[Found, str]] = {}
        done = 0
        while waiting or running:
            while waiting and len(running) < room:
                item, mark = waiting.pop()
                running[task.remote(item.model, str(item.path.resolve()))] = item, mark
            (ready,), _ = ray.wait(list(running), num_returns=1)
            item, mark = running.pop(ready)
            try:
                shelf.put(parse_sketch(item.path, ray.get(ready)).member, mark)
                done += 1
            except (StemmaError, ray.exceptions.RayTaskError, ray.exceptions.WorkerCrashedError):
                pass  # told when the folders are read
            progress.advance(1)
        progress.finish()
        return done
    finally:
        ray.shutdown()


def spread_over(catalogue: Catalogue, paths: Sequence[Path], on: str, *, progress: Progress) -> int:
    """Sketch the checkpoints under these paths into a catalogue, which the next snapshot tells of. Raises BadInput, Unreachable."""
    found = [item for path in paths for item in checkpoints(path)]
    return spread(found, shelf_of(catalogue), on, progress)


def _mark(item: Found) -> str | None:
    """The mark of a checkpoint that can be sketched alone; None for adapters, damaged and anonymous ones."""
    try:
        if item.adapter is not None:
            return None
        checkpoint = item.read()
        return None if is_anonymous(checkpoint) else mark_of(checkpoint)
    except StemmaError:
        return None


def _connected(on: str) -> Any:  # the module ray, which has no types
    try:
        import ray
    except ImportError as error:
        raise BadInput(f"--on {on} needs Ray: install modelstemma with the extra `cluster`") from error
    here: dict[str, Any] = {"address": "local", "include_dashboard": False, "object_store_memory": _STORE_BYTES}
    try:
        ray.init(log_to_driver=False, **(here if on == LOCAL else {"address": on}))
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise Unreachable(f"no Ray cluster answers at {on} ({error}): start it, or give another address") from error
    return ray
