"""This file knows how the digests of a tensor are made, in blocks that stay in the processor's cache and beside the reading.

For a tensor of values v and each form f of bf16, fp16, fp32: digest_f = the first 128 bits of SHA-256 over f, the sorted shape and
the words of v rounded to f, in canonical order. The canonical order of a matrix has its longer side first; of a square one it is
the order whose words come first, of the matrix and its transpose. So a matrix and its transpose have one digest, whichever is
stored, and it makes no difference when values are rounded. ``value`` is the digest of the narrowest form that holds v exactly.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.exact import TRIVIAL, Digest
from ingest.weights.words import FORMS, FORMS_OF, Room, ToWords

_BLOCK = 2**15  # values: a block and what it becomes on its way stay in the cache
_TILE = 128  # rows and columns of a matrix that are turned at once
_LOOKED_AT = 4096  # values from which it is seen whether they are many different ones
_LARGE = 2**16  # values of a tensor from which a thread is worth its while
_AHEAD = 2  # tensors that wait for their digests, while the next is read


def digest_of(role: str, values: Values, dtype: str, block_size: int = _BLOCK) -> Digest:
    """The digests of one tensor, taken ``block_size`` values at a time."""
    forms = FORMS_OF.get(dtype, FORMS)
    shape = "x".join(map(str, sorted(values.shape)))
    hashes = {form: hashlib.sha256(f"{form} {shape} ".encode(), usedforsecurity=False) for form in forms}
    is_bf16 = is_fp16 = True
    room = Room()
    turned = {form: _is_turned(values, words_of) for form, words_of in forms.items()}
    for way in sorted(set(turned.values())):
        for block in _blocks(values, block_size, turned=way):
            for form, words_of in forms.items():
                if turned[form] is not way:
                    continue
                words = words_of(block, room)
                hashes[form].update(words.data)
                if form == "bf16" and dtype != "BF16":
                    is_bf16 = is_bf16 and not (block.view(np.uint32) & np.uint32(0xFFFF)).any()
                elif form == "fp16" and "fp32" in forms and is_fp16:
                    is_fp16 = np.array_equal(words.view("<f2").astype(np.float32), block, equal_nan=True)
    found = {form: hashed.hexdigest()[:32] for form, hashed in hashes.items()}
    value = found["bf16"] if is_bf16 else found["fp16"] if is_fp16 else found["fp32"]
    trivial = values.size < TRIVIAL or len(np.unique(values.flat[:_LOOKED_AT])) < TRIVIAL
    return Digest(role, values.shape, values.size, dtype, value, found["bf16"], found["fp16"], trivial)


def _is_turned(values: Values, words: ToWords) -> bool:
    """Whether the canonical order of a matrix is that of its transpose."""
    if values.ndim != 2:
        return False
    rows, columns = values.shape
    if rows != columns:
        return bool(columns > rows)
    for at in range(rows):
        row = words(np.ascontiguousarray(values[at]), None)
        column = words(np.ascontiguousarray(values[:, at]), None)
        other = np.flatnonzero(row != column)
        if len(other):
            first = int(other[0])
            return int(column[first]) < int(row[first])
    return False


def _blocks(values: Values, size: int, *, turned: bool) -> Iterator[Values]:
    """The values in order, of a matrix or of its transpose, some rows at a time. Each: contiguous float32."""
    if values.ndim != 2:
        line = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
        yield from (line[at : at + size] for at in range(0, len(line), size))
        return
    if not turned:
        step = max(1, size // max(1, values.shape[1]))
        for at in range(0, len(values), step):
            yield np.ascontiguousarray(values[at : at + step], dtype=np.float32)
        return
    rows, columns = values.shape
    step = max(1, size // max(1, rows))
    for left in range(0, columns, _TILE):
        slab = np.empty((min(_TILE, columns - left), rows), dtype=np.float32)
        for top in range(0, rows, _TILE):
            slab[:, top : top + _TILE] = values[top : top + _TILE, left : left + _TILE].T
        yield from (slab[at : at + step] for at in range(0, len(slab), step))


class Digesting:
    """The digests of tensors in turn: of large ones in a thread, while the next is read. At most three are in memory."""

    def __init__(self) -> None:
        self._done: list[Digest | Future[Digest]] = []
        self._ahead: deque[Future[Digest]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="digests")

    def __enter__(self) -> Digesting:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def add(self, role: str, values: Values, dtype: str) -> None:
        """The next tensor. Waits when too many are ahead."""
        if values.size < _LARGE:
            self._done.append(digest_of(role, values, dtype))
            return
        while len(self._ahead) >= _AHEAD:
            self._ahead.popleft().result()
        future = self._thread.submit(digest_of, role, values, dtype)
        self._ahead.append(future)
        self._done.append(future)

    @property
    def digests(self) -> tuple[Digest, ...]:
        """All digests, in the order of their tensors."""
        return tuple(each.result() if isinstance(each, Future) else each for each in self._done)
