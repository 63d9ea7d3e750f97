"""This file knows the words that values become when they are stored as bfloat16, binary16 or binary32: some thousand at a time, in
few steps a value.

Rounding is to nearest, ties to even (``ingest.weights.formats`` has the plain casts). With u the 32 bits of a value,

    bfloat16   (u + 0x7FFF + bit 16 of u) >> 16
    binary16   (|u| + 0xFFF + bit 13 of u - 112 * 2^23) >> 13 from 2^-14 on, and below, where steps have one size, |v| + .5 - .5
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ingest.weights.checkpoint import Values

Words = npt.NDArray[np.unsignedinteger]
_SIZE = np.uint32(0x7FFFFFFF)  # the bits of a float32 without its sign
_SIGN_16 = np.uint32(0x8000)
_INFINITE_FP16 = np.uint32(0x477FF000)  # 65,520: from here on values become infinite as binary16
_INFINITE_BF16 = np.uint16(0x7F80)
_NORMAL_FP16 = np.uint32(113 << 23)  # 2**-14: below it binary16 has steps of one size,
_HALF = np.float32(0.5)  # which are those of float32 here
_REBIASED = np.uint32(2**32 + 0xFFF - (112 << 23))  # half a step less one, and exponents counted from 15


class Room:
    """Arrays that are used again for each block: asking for new ones can take longer than filling them."""

    def __init__(self) -> None:
        self._lines: dict[int, npt.NDArray[np.uint32]] = {}

    def __call__(self, number: int, shape: tuple[int, ...]) -> npt.NDArray[np.uint32]:
        """An array with anything in it, until the same number is asked for again."""
        count = math.prod(shape)
        line = self._lines.get(number)
        if line is None or line.size < count:
            line = self._lines[number] = np.empty(count, dtype=np.uint32)
        return line[:count].reshape(shape)


def bf16_words(values: Values, room: Room | None = None) -> Words:
    """Values as bfloat16, rounded to nearest even; NaN stays NaN."""
    words = values.view(np.uint32)
    rounded = np.right_shift(words, np.uint32(16), out=(room or Room())(0, values.shape))
    rounded &= np.uint32(1)
    rounded += np.uint32(0x7FFF)
    rounded += words
    rounded >>= np.uint32(16)
    nan = np.isnan(values)
    if nan.any():
        rounded = np.where(nan, (words >> np.uint32(16)) | np.uint32(0x40), rounded)
    return rounded.astype("<u2")


def fp16_words(values: Values, room: Room | None = None) -> Words:
    """Values as binary16, rounded to nearest even; too large ones become infinite. As NumPy casts, in fewer steps a value."""
    room = room or Room()
    words = values.view(np.uint32)
    size = np.bitwise_and(words, _SIZE, out=room(0, values.shape))
    if size.max(initial=0) >= _INFINITE_FP16:
        with np.errstate(over="ignore"):
            return values.astype("<f2").view("<u2")
    rounded = np.right_shift(size, np.uint32(13), out=room(1, values.shape))
    rounded &= np.uint32(1)
    rounded += size
    rounded += _REBIASED
    rounded >>= np.uint32(13)
    is_small = size < _NORMAL_FP16
    small = size.view(np.float32)
    small += _HALF
    size -= _HALF.view(np.uint32)
    np.copyto(rounded, size, where=is_small)
    sign = np.right_shift(words, np.uint32(16), out=size)
    sign &= _SIGN_16
    rounded |= sign
    return rounded.astype("<u2")


def fp32_words(values: Values, _: Room | None = None) -> Words:
    """Values as they are."""
    return values.view("<u4")


def bf16_words_of_bf16(values: Values, _: Room | None = None) -> Words:
    """``bf16_words`` of values that bfloat16 holds exactly."""
    words = np.ascontiguousarray(_upper_halves(values))
    if (words & np.uint16(0x7FFF)).max(initial=0) > _INFINITE_BF16:
        words[np.isnan(values)] |= np.uint16(0x40)
    return words


def fp16_words_of_bf16(values: Values, _: Room | None = None) -> Words:
    """``fp16_words`` of values that bfloat16 holds exactly: there are 65,536 of them."""
    return _FP16_OF_BF16.take(_upper_halves(values))


def _upper_halves(values: Values) -> Words:
    return values.view("<u2")[..., 1::2]


_FP16_OF_BF16 = fp16_words((np.arange(2**16, dtype=np.uint32) << np.uint32(16)).view(np.float32))


ToWords = Callable[[Values, Room | None], Words]
FORMS: dict[str, ToWords] = {"bf16": bf16_words, "fp16": fp16_words, "fp32": fp32_words}
FORMS_OF: dict[str, dict[str, ToWords]] = {  # of what is stored in 16 bits, which these two forms hold
    "BF16": {"bf16": bf16_words_of_bf16, "fp16": fp16_words_of_bf16},
    "F16": {"bf16": bf16_words, "fp16": fp16_words},
}
