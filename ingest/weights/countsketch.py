"""This file knows the linear sketch of a vector: a few thousand sums with random signs, from which distances can be told.

For values x_0 .. x_{n-1} and a seed, with i the place of a value in the canonical layout (row by row, (out, in)):

    S_k = sum over i with h(i) = k of s(i) x_i,      k = 0 .. K-1
    h(i) = (i + r(i // K)) mod K,                    r a hash of the seed and of the number of the run of K values
    s(i) = +1 or -1, bit i mod 64 of a hash of the seed and of i // 64

S is linear: S(x) - S(y) = S(x - y). <S(x), S(y)> has the mean <x, y> and, over seeds, a variance of about
(|x|^2 |y|^2 + <x, y>^2) / K, so |S(x - y)| is |x - y| within about sqrt(1 / 2K) of itself, whatever the size of x and y. Two
values of one run never meet, two of different runs meet with the chance 1/K (count sketch: Charikar, Chen, Farach-Colton 2002;
the runs take the place of a hash for every value, which costs more than the sums). The hash is the finaliser of SplitMix64
(Steele, Lea, Flood 2014). Sums are float64. When not to trust it: an inner product much smaller than |x| |y| / sqrt(K).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

from ingest.weights.checkpoint import Values

Doubles = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
Sketching = Callable[[Values, int, int], Doubles]  # of values, with a seed, of a size
_STEP: Final = 0x9E3779B97F4A7C15
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
WORD: Final = 64
_AT_ONCE = 1 << 17  # values with their signs at hand, so that they stay in the processor's cache
_SIGN = np.uint32(31)


def seed_of(text: str) -> int:
    """The seed that a name stands for, the same for ever."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def hashed(seed: int, first: int, count: int) -> Words:
    """The hashes of the counters ``first`` .. ``first + count - 1``. Shape: (count,)."""
    word = np.arange(first, first + count, dtype=np.uint64) * np.uint64(_STEP) + np.uint64(seed)
    for shift, factor in _MIX:
        word = (word ^ (word >> np.uint64(shift))) * np.uint64(factor)
    return word


def turns(seed: int, first: int, count: int, size: int) -> npt.NDArray[np.int64]:
    """r: how far the runs ``first`` .. are turned. Shape: (count,)."""
    return (hashed(~seed & (2**64 - 1), first, count) % np.uint64(size)).astype(np.int64)


def sketch(values: Values, seed: int, size: int) -> Doubles:
    """S of all values in their order, float32 in, float64 out. Shape: (size,); ``size`` is a multiple of 64."""
    line = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
    ends = np.zeros(2 * size)  # a turned run reaches past the end, and is folded back below
    runs = max(1, _AT_ONCE // size)
    for begin in range(0, len(line), runs * size):
        part = line[begin : begin + runs * size]
        signed = _signed(part, seed, begin)
        whole = len(part) // size
        for at, turn in enumerate(turns(seed, begin // size, whole + 1, size).tolist()):
            run = signed[at * size : (at + 1) * size]
            ends[turn : turn + len(run)] += run
    return ends[:size] + ends[size:]


def _signed(part: Values, seed: int, begin: int) -> Values:
    """s(i) x_i of a part that begins at a whole word: the hash's bits are the sign bits. Shape: as the part."""
    words = hashed(seed, begin // WORD, -(-len(part) // WORD)).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8), count=len(part), bitorder="little")
    return (part.view(np.uint32) ^ (bits.astype(np.uint32) << _SIGN)).view(np.float32)


def sketch_slowly(values: Values, seed: int, size: int) -> Doubles:
    """The same, value by value."""
    found = np.zeros(size)
    for i, value in enumerate(np.asarray(values, dtype=np.float64).reshape(-1)):
        turn = int(turns(seed, i // size, 1, size)[0])
        negative = (int(hashed(seed, i // WORD, 1)[0]) >> (i % WORD)) & 1
        found[(i + turn) % size] += -value if negative else value
    return found
