"""This file knows how dump files of Hub records become staged parts: every format, a block at a time, on several processes.

Formats: JSON lines (raw API rows, or the client's ``--format json`` fields), one JSON array, hub-stats Parquet of any era; text
also as .gz or .zst. A file holds models or datasets; which, is told from its rows.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import re
from collections import deque
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.snapshot import Source
from ingest import parquet_dump, text_dump
from ingest.finish import finish
from ingest.parse import PartBuilder
from ingest.report import MAX_BAD_FRACTION, Progress, Report, Silent
from ingest.staging import Staging

POOL_FROM = 8 * 2**20  # bytes of input under which one process is quicker than starting more
_PEEK = 1_000_000  # bytes looked at to tell models from datasets

_MODEL_KEYS = frozenset(
    "modelId pipeline_tag library_name safetensors gguf baseModels base_models config transformersInfo transformers_info "  # noqa: SIM905
    "widgetData widget_data model-index model_index mask_token inference".split()
)
_DATASET_KEYS = frozenset(["description", "citation", "paperswithcode_id", "mainSize", "main_size"])
_DATASET_TAG = re.compile(r'"(?:task_categories|size_categories|modality|format):')


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
    processes: int = 2,
    progress: Progress | None = None,
    kind: str = "dump",
) -> Report:
    """Read dump files into a new snapshot and make it HEAD.

    Raises BadInput when a file cannot be read or too many rows are bad; HEAD then stays as it was. A killed run is taken up
    again by the next run on the same files: parts that were read are not read twice.
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
        _stage(staging, {marks[path]: path for path in paths}, processes, progress)
        progress.finish()
        sources = [Source(kind, path.name, 0) for path in paths]
        return finish(catalogue, staging, sources, max_bad_fraction, progress)


def _mark(path: Path) -> str:
    """What a file is known by: its size, and the first and last of its bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(65_536)
        file.seek(max(0, size - 65_536))
        tail = file.read()
    return hashlib.sha256(str(size).encode() + b"\0" + head + tail).hexdigest()[:16]


def _stage(staging: Staging, files: dict[str, Path], processes: int, progress: Progress) -> None:
    """Make all parts that are not there yet."""
    blocks = (block for mark, path in sorted(files.items()) for block in _blocks(mark, path))
    if processes == 1 or sum(path.stat().st_size for path in files.values()) < POOL_FROM:
        for block in blocks:
            _read_block(staging.folder, block)
            progress.advance(block.weight)
        return
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=gc.disable)
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
        raise BadInput(
            "a reading process was killed, perhaps for want of memory: run again to go on from there"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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
    add = builder.add_model if block.kind == "model" else builder.add_dataset
    rows = block.rows
    if isinstance(rows, text_dump.TextBlock):
        for number in range(rows.too_long):
            builder.bad_row(block.source, rows.first_row - rows.too_long + number, "line-too-long")
        for number, raw in text_dump.rows_of(rows.text, rows.array):
            add(raw, block.source, rows.first_row + number)
    else:
        for number, row in enumerate(parquet_dump.rows_of(block.path, rows)):
            add(row, block.source, rows.first_row + number)
    staging.write(block.part, builder.tables(), builder.counts())


def _blocks(mark: str, path: Path) -> Iterator[Block]:
    """The blocks of one file, in order; their parts' names do not depend on the file's."""
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    if is_parquet:
        kind = _kind(parquet_dump.columns_of(path), path)
        for number, rows in enumerate(parquet_dump.parquet_blocks(path)):
            yield Block(f"{mark}-{number:06d}", path, kind, rows)
        return
    kind = ""
    for number, text in enumerate(text_dump.text_blocks(path)):
        kind = kind or _kind_of_text(text.text, path)
        yield Block(f"{mark}-{number:06d}", path, kind, text)


def _kind_of_text(text: bytes, path: Path) -> str:
    head = text[:_PEEK].decode("utf-8", "replace")
    keys = {match[1] for match in re.finditer(r'"([A-Za-z_-]+)"\s*:', head)}
    if not keys & _MODEL_KEYS and _DATASET_TAG.search(head):
        return "dataset"
    return _kind(keys, path)


def _kind(keys: Set[str], path: Path) -> str:
    """Whether rows are of models or of datasets: by keys that only one of them has, else by the file's name."""
    if keys & _MODEL_KEYS:
        return "model"
    if keys & _DATASET_KEYS:
        return "dataset"
    return "dataset" if "dataset" in path.name.lower() else "model"
