"""This file knows how dump files of Hub records become staged parts: every format, a block at a time, on several processes.

Formats: JSON lines (raw API rows, or the client's ``--format json`` fields), one JSON array, hub-stats Parquet of any era; text
also as .gz or .zst. A file holds models or datasets; which, is told from its rows.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from graph.catalogue import Catalogue
from graph.errors import BadInput, StemmaError
from graph.progress import Progress, Silent
from graph.snapshot import Source
from ingest import parquet_dump, text_dump
from ingest.finish import finish
from ingest.kinds import kind_of
from ingest.parse import PartBuilder
from ingest.report import MAX_BAD_FRACTION, Report
from ingest.staging import Staging

POOL_FROM = 8 * 2**20  # bytes of input under which one process is quicker than starting more
MOST_PROCESSES = 8  # more only wait for the one that reads the file


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a file, that becomes one part."""

    part: str
    path: Path
    kind: str  # "model" | "dataset"
    rows: text_dump.TextBlock | parquet_dump.ParquetBlock

    @property
    def source(self) -> str:
        """What the report calls the file."""
        return self.path.name

    @property
    def weight(self) -> int:
        """Bytes of the file that it stands for."""
        return self.rows.weight


def ingest_dumps(
    catalogue: Catalogue,
    paths: Sequence[Path],
    *,
    max_bad_fraction: float = MAX_BAD_FRACTION,
    processes: int | None = None,
    progress: Progress | None = None,
    kind: str = "dump",
) -> Report:
    """Read dump files into a new snapshot and make it HEAD.

    Raises BadInput when a file cannot be read or too many rows are bad; HEAD then stays as it was. A killed run is taken up
    again by the next run on the same files: parts that were read are not read twice. ``processes``: as many as there are
    processors when not given.
    """
    progress = progress or Silent()
    if not paths:
        raise BadInput("no dump file was named: give one or more paths")
    for path in paths:
        if not path.is_file():
            raise BadInput(f"{path} is not a file: give dump files (Parquet, JSON lines, .gz, .zst)")
    with catalogue.locked():
        marks = {path: _mark(path) for path in paths}
        run = hashlib.sha256("\n".join(sorted(marks.values())).encode()).hexdigest()[:16]
        staging = Staging(catalogue.staging(f"{kind}-{run}"))
        progress.start("reading", sum(path.stat().st_size for path in paths), "bytes")
        try:
            _stage(staging, {marks[path]: path for path in paths}, processes or _processors(), progress)
        except BadInput:
            staging.remove()  # these files will never make a run
            raise
        progress.finish()
        sources = [Source(kind, path.name, 0) for path in paths]
        return finish(catalogue, staging, sources, max_bad_fraction, progress)


def _processors() -> int:
    return min(
        MOST_PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


def _mark(path: Path) -> str:
    """What a file is known by: name, size, time of its last change, and the first and last of its bytes."""
    facts = path.stat()
    with path.open("rb") as file:
        head = file.read(65_536)
        file.seek(max(0, facts.st_size - 65_536))
        tail = file.read()
    known = f"{path.name}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode("utf-8", "surrogateescape")
    return hashlib.sha256(known + head + tail).hexdigest()[:16]


def _stage(staging: Staging, files: Mapping[str, Path], processes: int, progress: Progress) -> None:
    """Make all parts that are not there yet."""
    blocks = (block for mark, path in sorted(files.items()) for block in _blocks(mark, path))
    if processes == 1 or sum(path.stat().st_size for path in files.values()) < POOL_FROM:
        for block in blocks:
            _read_block(staging.folder, block)
            progress.advance(block.weight)
        return
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_worker)
    waiting: deque[tuple[Future[None], int]] = deque()
    try:
        for block in blocks:
            if staging.has(block.part):
                progress.advance(block.weight)
                continue
            waiting.append((pool.submit(_read_block, staging.folder, block), block.weight))
            while len(waiting) > processes:  # as many blocks in memory as workers, and one more
                _take(waiting, progress)
        while waiting:
            _take(waiting, progress)
    except BrokenProcessPool as error:
        raise StemmaError(
            "a reading process was killed, perhaps for want of memory: run again to go on from there"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _worker() -> None:
    """What a reading process does first."""
    gc.disable()  # rows hold no cycles; looking for them costs a fifth of the time
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it, between two blocks
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent leaves no process behind that holds memory and waits for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _take(waiting: deque[tuple[Future[None], int]], progress: Progress) -> None:
    future, weight = waiting.popleft()
    future.result()
    progress.advance(weight)


def _read_block(folder: Path, block: Block) -> None:
    """Turn one block into a part, unless it is there."""
    staging = Staging(folder)
    if staging.has(block.part):
        return
    builder = PartBuilder()
    rows = block.rows
    first = rows.first_row
    if isinstance(rows, text_dump.TextBlock):
        for number in range(rows.too_long):
            builder.bad_row(block.source, first - rows.too_long + number, "line-too-long")
        for number, raw in text_dump.rows_of(rows.text, rows.array):
            if len(raw) > text_dump.LONGEST_LINE:
                builder.bad_row(block.source, first + number, "line-too-long")
            else:
                builder.add(block.kind, raw, block.source, first + number)
    else:
        for number, row in enumerate(parquet_dump.rows_of(rows)):
            if row is None:
                builder.bad_row(block.source, first + number, "not-text")
            else:
                builder.add(block.kind, row, block.source, first + number)
    staging.write(block.part, builder.tables(), builder.counts())


def _blocks(mark: str, path: Path) -> Iterator[Block]:
    """The blocks of one file, in order."""
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if is_parquet:
        told = kind_of([dict.fromkeys(parquet_dump.columns_of(path))], path.name)
        for number, rows in enumerate(parquet_dump.parquet_blocks(path)):
            yield Block(f"{mark}-{number:06d}", path, told, rows)
        return
    told = ""
    for number, text in enumerate(text_dump.text_blocks(path)):
        told = told or kind_of(text_dump.peek(text), path.name)
        yield Block(f"{mark}-{number:06d}", path, told, text)
