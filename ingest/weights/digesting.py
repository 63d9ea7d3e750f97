"""This file knows how the digests of a tensor are made, in blocks that stay in the processor's cache and beside the reading.

For a tensor of values v and each form f of bf16, fp16, fp32: digest_f = the first 128 bits of SHA-256 over f, the sorted shape and
the words of v rounded to f, in canonical order. The canonical order of a matrix has its longer side first; of a square one it is
the order whose words come first, of the matrix and its transpose. So a matrix and its transpose have one digest, whichever is
stored, and it makes no difference when values are rounded. ``value`` is the digest of the narrowest form that holds v exactly.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from ingest.weights.checkpoint import Values
from ingest.weights.exact import TRIVIAL, Digest

Words = npt.NDArray[np.unsignedinteger]
_BLOCK = 2**17  # values
_LOOKED_AT = 4096  # values from which it is seen whether they are many different ones
_LARGE = 2**16  # values of a tensor from which a thread is worth its while
_AHEAD = 2  # tensors that wait for their digests, while the next is read


def bf16_words(values: Values) -> Words:
    """Values as bfloat16, rounded to nearest even; NaN stays NaN."""
    words = values.view(np.uint32)
    rounded = (words + np.uint32(0x7FFF) + ((words >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    nan = np.isnan(values)
    if nan.any():
        rounded = np.where(nan, (words >> np.uint32(16)) | np.uint32(0x40), rounded)
    return rounded.astype("<u2")


def fp16_words(values: Values) -> Words:
    """Values as binary16, rounded to nearest even; too large ones become infinite."""
    with np.errstate(over="ignore"):
        return values.astype("<f2").view("<u2")


def fp32_words(values: Values) -> Words:
    """Values as they are."""
    return values.view("<u4")


_FORMS: dict[str, Callable[[Values], Words]] = {"bf16": bf16_words, "fp16": fp16_words, "fp32": fp32_words}


def digest_of(role: str, values: Values, dtype: str, block_size: int = _BLOCK) -> Digest:
    """The digests of one tensor, taken ``block_size`` values at a time."""
    forms = [form for form in _FORMS if form != "fp32" or dtype not in ("BF16", "F16")]  # these two hold no more
    shape = "x".join(map(str, sorted(values.shape)))
    hashes = {form: hashlib.sha256(f"{form} {shape} ".encode(), usedforsecurity=False) for form in forms}
    is_bf16 = is_fp16 = True
    turned = {form: _is_turned(values, _FORMS[form]) for form in forms}
    for way in sorted(set(turned.values())):
        for block in _blocks(values, block_size, turned=way):
            for form in forms:
                if turned[form] is not way:
                    continue
                words = _FORMS[form](block)
                hashes[form].update(words.data)
                if form == "bf16" and dtype != "BF16":
                    is_bf16 = is_bf16 and not (block.view(np.uint32) & np.uint32(0xFFFF)).any()
                elif form == "fp16" and "fp32" in forms and is_fp16:
                    is_fp16 = np.array_equal(words.view("<f2").astype(np.float32), block, equal_nan=True)
    found = {form: hashed.hexdigest()[:32] for form, hashed in hashes.items()}
    value = found["bf16"] if is_bf16 else found["fp16"] if is_fp16 else found["fp32"]
    trivial = values.size < TRIVIAL or len(np.unique(values.flat[:_LOOKED_AT])) < TRIVIAL
    return Digest(role, values.shape, values.size, dtype, value, found["bf16"], found["fp16"], trivial)


def _is_turned(values: Values, words: Callable[[Values], Words]) -> bool:
    """Whether the canonical order of a matrix is that of its transpose."""
    if values.ndim != 2:
        return False
    rows, columns = values.shape
    if rows != columns:
        return bool(columns > rows)
    for at in range(rows):
        row = words(np.ascontiguousarray(values[at]))
        column = words(np.ascontiguousarray(values[:, at]))
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
    rows, columns = values.shape[::-1] if turned else values.shape
    step = max(1, size // max(1, columns))
    for at in range(0, rows, step):
        if turned:
            slab = np.ascontiguousarray(values[:, at : at + step])  # twice, so that each copy runs along the cache
            yield np.ascontiguousarray(slab.T, dtype=np.float32)
        else:
            yield np.ascontiguousarray(values[at : at + step], dtype=np.float32)


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
