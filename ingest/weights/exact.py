"""This file knows identity without thresholds: digests of what tensors hold, and what follows when these are equal.

For a tensor with values v: ``value`` is the digest of v, ``bf16`` and ``fp16`` those of v rounded to nearest even. A matrix and its
transpose have one digest, so that orientation plays no part. Then, of models as multisets of tensors:

- all ``value`` equal: one content; ``identical`` when the dtype is the same, else ``recast`` without loss;
- bf16(A) = value(B) with A != B: B is A cast to bfloat16, and the direction is certain; the same for fp16;
- some but not all of B's tensors in A: frozen part, layer slice, passthrough merge.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.formats import as_bf16, as_fp16

TRIVIAL = 16  # fewer distinct values than this, or fewer values, and a tensor says nothing of its origin


@dataclass(frozen=True, slots=True)
class Described:
    """What a header tells of one tensor in the one space."""

    role: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Digest:
    """What one tensor holds, three times; 32 hex digits each."""

    role: str
    shape: tuple[int, ...]
    count: int
    dtype: str
    value: str
    bf16: str
    fp16: str
    trivial: bool  # constants and the like: equal in unrelated models


def digest_of(role: str, values: Values, dtype: str) -> Digest:
    """The digests of one tensor."""
    narrow, half = as_bf16(values), as_fp16(values)
    bf16 = _hash("bf16", values.shape, (np.ascontiguousarray(narrow).view(np.uint32) >> 16).astype("<u2"))
    fp16 = _hash("fp16", values.shape, half.astype("<f2").view("<u2"))
    if np.array_equal(narrow, values, equal_nan=True):
        value = bf16
    elif np.array_equal(half, values, equal_nan=True):
        value = fp16
    else:
        value = _hash("fp32", values.shape, np.ascontiguousarray(values).view("<u4"))
    trivial = values.size < TRIVIAL or len(np.unique(values.reshape(-1)[:4096])) < TRIVIAL
    return Digest(role, values.shape, values.size, dtype, value, bf16, fp16, trivial)


def _hash(kind: str, shape: tuple[int, ...], words: np.ndarray[tuple[int, ...], np.dtype[np.unsignedinteger]]) -> str:
    said = f"{kind} {'x'.join(map(str, sorted(shape)))} ".encode()
    ways = (words, words.T) if words.ndim == 2 and words.shape[0] > 1 and words.shape[1] > 1 else (words,)
    return min(hashlib.blake2b(said + np.ascontiguousarray(way).tobytes(), digest_size=16).hexdigest() for way in ways)


@dataclass(frozen=True, slots=True)
class Identity:
    """A model as multisets of tensor digests."""

    dtype: str  # of most values
    value: tuple[str, ...]  # sorted
    bf16: tuple[str, ...]
    fp16: tuple[str, ...]
    counts: dict[str, int]  # values of each ``value`` digest that says something


def identity(digests: list[Digest]) -> Identity:
    """The identity of a model from the digests of its tensors."""
    return Identity(
        dtype_of_most(digests),
        tuple(sorted(digest.value for digest in digests)),
        tuple(sorted(digest.bf16 for digest in digests)),
        tuple(sorted(digest.fp16 for digest in digests)),
        {digest.value: digest.count for digest in digests if not digest.trivial},
    )


def identity_unread(described: Iterable[Described]) -> Identity:
    """What a header alone tells of a model's identity: the dtype. It is equal to nothing."""
    return Identity(dtype_of_most(described), (), (), (), {})


def dtype_of_most(tensors: Iterable[Described | Digest]) -> str:
    """The dtype of most values; "" of none."""
    held: Counter[str] = Counter()
    for tensor in tensors:
        held[tensor.dtype] += tensor.count
    return max(sorted(held), key=lambda name: held[name]) if held else ""


def same_content(one: Identity, other: Identity) -> str | None:
    """``identical`` or ``recast`` when two models hold the same up to rounding of the second to the first's dtype."""
    if not one.value:
        return None
    if one.value == other.value:
        return "identical" if one.dtype == other.dtype else "recast"
    if one.dtype == other.dtype:
        return None
    rounded = {"BF16": one.bf16 == other.bf16, "F16": one.fp16 == other.fp16}
    return "recast" if rounded.get(one.dtype, False) else None


def contained(one: Identity, other: Identity) -> float:
    """The share of the first's values, in tensors that say something, that lie in tensors of the second too; 0 to 1."""
    whole = sum(one.counts.values())
    return sum(count for value, count in one.counts.items() if value in other.counts) / whole if whole else 0.0
