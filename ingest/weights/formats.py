"""This file knows number formats: how stored bytes become float32, and how values are rounded when they are stored.

Rounding is to nearest, ties to even. Formulas: IEEE 754 binary16; bfloat16 is the upper half of binary32; E4M3 and E5M2 after
Micikevicius et al. 2022 (arXiv 2209.05433), where E4M3 has no infinities and S.1111.111 is NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ingest.weights.checkpoint import Bytes, Values

WIDTH = {  # bytes of one value
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
_PLAIN = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U64": "<u8", "I32": "<i4", "U32": "<u4", "I16": "<i2",
    "U16": "<u2", "I8": "<i1", "U8": "<u1", "BOOL": "<u1",
}  # fmt: skip
FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")
BITS = {"F64": 52, "F32": 23, "F16": 10, "BF16": 7, "F8_E4M3": 3, "F8_E5M2": 2}  # of the fraction


def decoded(raw: Bytes, dtype: str, shape: tuple[int, ...]) -> Values:
    """Values of a plain dtype as float32. Integers above 2**24 and F64 lose digits."""
    if dtype == "BF16":
        halves = np.zeros((raw.size // 2, 2), dtype="<u2")
        halves[:, 1] = raw.view("<u2")
        return halves.view("<f4").reshape(shape)
    if dtype in ("F8_E4M3", "F8_E5M2"):
        small: Values = _TABLES[dtype][raw].reshape(shape)
        return small
    with np.errstate(over="ignore"):
        values: Values = raw.view(_PLAIN[dtype]).astype(np.float32).reshape(shape)
    return values


def _small_floats(exponent_bits: int, fraction_bits: int, bias: int, *, infinities: bool) -> Values:
    """(256,) the values of an 8-bit format by its code."""
    codes = np.arange(256)
    sign = np.where(codes >> 7, -1.0, 1.0)
    exponent = (codes >> fraction_bits) & ((1 << exponent_bits) - 1)
    fraction = codes & ((1 << fraction_bits) - 1)
    normal = (1 + fraction / (1 << fraction_bits)) * np.exp2(exponent - float(bias))
    values = np.where(exponent == 0, fraction / (1 << fraction_bits) * np.exp2(1.0 - bias), normal)
    top = exponent == (1 << exponent_bits) - 1
    if infinities:
        values = np.where(top, np.where(fraction == 0, np.inf, np.nan), values)
    else:
        values = np.where(top & (fraction == (1 << fraction_bits) - 1), np.nan, values)
    return (sign * values).astype(np.float32)


_TABLES = {
    "F8_E4M3": _small_floats(4, 3, 7, infinities=False),
    "F8_E5M2": _small_floats(5, 2, 15, infinities=True),
}


def as_bf16(values: Values) -> Values:
    """Values rounded to bfloat16, as float32. NaN stays NaN."""
    words = np.ascontiguousarray(values).view(np.uint32)
    rounded = (words + np.uint32(0x7FFF) + ((words >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(values), values, rounded.view(np.float32)).astype(np.float32, copy=False)


def as_fp16(values: Values) -> Values:
    """Values rounded to binary16, as float32; too large ones become infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)


def stored(values: Values, dtype: str) -> Values:
    """Values as a dtype would hold them."""
    return as_bf16(values) if dtype == "BF16" else as_fp16(values) if dtype == "F16" else values


def spacing(values: npt.NDArray[np.floating], dtype: str) -> Values:
    """The distance of neighbouring numbers of a dtype around each value: 2**(exponent - fraction bits)."""
    exponent = np.floor(np.log2(np.maximum(np.abs(values), 1e-30)))
    apart: Values = np.exp2(exponent - BITS.get(dtype, 23)).astype(np.float32)
    return apart
