"""This file knows which models of a shelf are alike: found by their sketches, judged by what is kept of them, told once.

1. Blocks: models whose layers have one width.
2. All pairs of a block by ``layers`` and by ``outside`` (``ingest.weights.pairs``), above a threshold that is measured in this
   block: 6.5 standard deviations of the products with models whose rows were shuffled (one pair in ten thousand million), and at
   least .2. Besides, pairs whose ``profile`` is the same within a thousandth: copies with another order of neurons.
3. Of each model the 40 best are judged (``ingest.weights.similarity``), and the 20 most alike are kept.

New models are compared with all, old ones not again among themselves. What was told of a pair stays on the shelf.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from graph.errors import Damaged
from graph.progress import Progress
from graph.records import SimilarRecord
from graph.tables import SIMILAR, UNREADABLE
from ingest.weights.linear_sketch import PARTS, directions
from ingest.weights.near import LEAST_PRODUCT, SAME_PROFILE
from ingest.weights.pairs import Ints, Pairs, alike, nearest
from ingest.weights.shelf import WeightShelf
from ingest.weights.similarity import Compared, similarity
from ingest.weights.sketch_table import Sketches, SketchTable
from ingest.weights.torch_tiles import tiles

MOST_ALIKE: Final = 20  # rows of one model
_JUDGED: Final = 40
_DEVIATIONS: Final = 6.5
_SHUFFLED, _AGAINST = 8, 2_048  # models whose rows are shuffled, and models that these are held against, in a block
_NEIGHBOURS = 8
_IN_MEMORY = 64  # models
_VERSION = 1
Pair = tuple[int, int]


class Comparison:
    """What was told of the models of a shelf, and what is to be told."""

    def __init__(self, shelf: WeightShelf, device: str = "auto") -> None:
        self._shelf, self._device = shelf, device
        self._rows = shelf.folder / f"similar-{_VERSION}.arrow"
        self._done = shelf.folder / f"similar-{_VERSION}.json"

    def table(self, progress: Progress) -> pa.Table:
        """Compare what was not yet, and give the rows of all models as the snapshot holds them."""
        sketches = SketchTable(self._shelf).refreshed()
        done = self._compared()
        is_old = np.array(
            [done.get(f) == stamp for f, stamp in zip(sketches.files, sketches.stamps, strict=True)], bool
        )
        old = {model for model, known in zip(sketches.models, is_old, strict=True) if known}
        kept = [row for row in self._known() if row.model in old and row.other in old]
        pairs = sorted(candidates(sketches, is_old, self._shelf, self._device))
        read = lru_cache(maxsize=_IN_MEMORY)(lambda row: Compared(self._shelf.read(sketches.files[row])))
        progress.start("comparing", len(pairs), "pairs")
        for one, other in pairs:
            kept += similarity(read(one), read(other)) or ()
            progress.advance(1)
        progress.finish()
        table = _table(most_alike(kept))
        self._keep(table, sketches)
        return table

    def _known(self) -> list[SimilarRecord]:
        if not self._rows.is_file():
            return []
        try:
            found = pa.ipc.open_file(pa.memory_map(str(self._rows))).read_all()
        except UNREADABLE as error:
            raise Damaged(f"{self._rows} cannot be read ({error}): remove it, and compare again") from error
        return msgspec.convert(found.to_pylist(), list[SimilarRecord])

    def _compared(self) -> dict[str, int]:
        """The state of the files that were compared."""
        if not self._done.is_file() or not self._rows.is_file():
            return {}
        try:
            found = json.loads(self._done.read_bytes())
        except ValueError as error:
            raise Damaged(f"{self._done} is not JSON: remove it, and compare again") from error
        return {str(file): int(stamp) for file, stamp in found.items()}

    def _keep(self, table: pa.Table, sketches: Sketches) -> None:
        """The rows first: what is cut off between the two is compared again."""
        work = self._rows.with_name(f".new-{os.getpid()}.arrow")
        with pa.OSFile(str(work), "wb") as file, pa.ipc.new_file(file, SIMILAR.schema) as out:
            out.write_table(table)
        work.replace(self._rows)
        work = self._done.with_name(f".new-{os.getpid()}.json")
        work.write_text(json.dumps(dict(zip(sketches.files, sketches.stamps, strict=True))), encoding="utf-8")
        work.replace(self._done)


def candidates(
    sketches: Sketches, is_old: np.ndarray[tuple[int], np.dtype[np.bool_]], shelf: WeightShelf, device: str = "auto"
) -> set[Pair]:
    """The pairs (of rows, the smaller first) that may be alike and are not both old."""
    found: set[Pair] = set()
    for width in np.unique(sketches.width).tolist():
        block = np.flatnonzero(sketches.width == width)
        block = np.concatenate([block[is_old[block]], block[~is_old[block]]])
        old = int(is_old[block].sum())
        if old == len(block) or len(block) < 2:
            continue
        parts = []
        for part in PARTS:
            vectors = getattr(sketches, part)[block]
            threshold = threshold_of(sketches, block, part, shelf)
            parts.append(alike(vectors, threshold, _JUDGED, old, tiles(vectors, device)))
        pairs = nearest([_best(parts)], _JUDGED)
        left, right = block[pairs.left], block[pairs.right]
        found |= set(zip(np.minimum(left, right).tolist(), np.maximum(left, right).tolist(), strict=True))
        found |= set(_same_profile(sketches, block, old))
    return found


def threshold_of(sketches: Sketches, block: Ints, part: str, shelf: WeightShelf) -> float:
    """The product above which a pair of this block is looked at: measured against shuffled rows, never 1 / sqrt(K)."""
    sample = block[:: -(-len(block) // _SHUFFLED)]
    against = getattr(sketches, part)[block[:: -(-len(block) // _AGAINST)]]
    shuffled = [directions(shelf.read(sketches.files[row]), shuffled=True)[part] for row in sample.tolist()]
    products = [against @ vector for vector in shuffled if vector is not None]
    deviation = float(np.sqrt(np.mean(np.concatenate(products).astype(np.float64) ** 2))) if products else 0.0
    return max(LEAST_PRODUCT, _DEVIATIONS * deviation)


def _best(parts: list[Pairs]) -> Pairs:
    """Each directed pair once, with its larger score."""
    left, right = (np.concatenate([getattr(part, name) for part in parts]) for name in ("left", "right"))
    score = np.concatenate([part.score for part in parts])
    order = np.lexsort((-score, right, left))
    left, right, score = left[order], right[order], score[order]
    first = (np.diff(left, prepend=-1) != 0) | (np.diff(right, prepend=-1) != 0)
    return Pairs(left[first], right[first], score[first])


def _same_profile(sketches: Sketches, block: Ints, old: int) -> Iterator[Pair]:
    """Pairs with the same lengths of rows: neighbours in the order of their sum are looked at."""
    profiles = [sketches.profile_of(row) for row in block.tolist()]
    ranked = sorted(range(len(block)), key=lambda at: (len(profiles[at]), float(profiles[at].sum()), at))
    for place, at in enumerate(ranked):
        ours, row = profiles[at], int(block[at])
        for beside in ranked[place + 1 : place + 1 + _NEIGHBOURS]:
            theirs, other = profiles[beside], int(block[beside])
            if len(ours) != len(theirs) or not len(ours) or max(at, beside) < old:
                continue
            if float(np.linalg.norm(ours - theirs)) <= SAME_PROFILE * float(np.linalg.norm(ours)):
                yield min(row, other), max(row, other)


def most_alike(rows: Iterable[SimilarRecord]) -> list[SimilarRecord]:
    """The most alike of each model, by model and other."""
    ranked = sorted(rows, key=lambda row: (row.model.encode(), -row.cosine, row.other.encode()))
    kept: list[SimilarRecord] = []
    for row in ranked:
        if len(kept) < MOST_ALIKE or kept[-MOST_ALIKE].model != row.model:
            kept.append(row)
    return sorted(kept, key=lambda row: (row.model.encode(), row.other.encode()))


def _table(rows: list[SimilarRecord]) -> pa.Table:
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=SIMILAR.schema)
