"""This file knows identity without thresholds: digests of what tensors hold, and what follows when these are equal.

For a tensor with values v: ``value`` is the digest of v, ``bf16`` and ``fp16`` those of v rounded to nearest even. A matrix and its
transpose have one digest, so that orientation plays no part (``digesting`` makes them). Then, of models as multisets of tensors:

- all ``value`` equal: one content; ``identical`` when the dtype is the same, else ``recast`` without loss;
- bf16(A) = value(B) with A != B: B is A cast to bfloat16, and the direction is certain; the same for fp16;
- some but not all of B's tensors in A: frozen part, layer slice, passthrough merge.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Identity:
    """A model as multisets of tensor digests."""

    dtype: str  # of most values
    value: tuple[str, ...]  # sorted
    bf16: tuple[str, ...]
    fp16: tuple[str, ...]


def identity(digests: Sequence[Digest]) -> Identity:
    """The identity of a model from the digests of its tensors."""
    return Identity(
        dtype_of_most(digests),
        tuple(sorted(digest.value for digest in digests)),
        tuple(sorted(digest.bf16 for digest in digests)),
        tuple(sorted(digest.fp16 for digest in digests)),
    )


def identity_unread(described: Iterable[Described]) -> Identity:
    """What a header alone tells of a model's identity: the dtype. It is equal to nothing."""
    return Identity(dtype_of_most(described), (), (), ())


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
