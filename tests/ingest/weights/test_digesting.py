"""Digests are those of the plain definition, whatever the order, the orientation and the dtype."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ingest.weights.checkpoint import Values
from ingest.weights.digesting import Digesting, digest_of
from ingest.weights.exact import Digest
from ingest.weights.formats import as_bf16, as_fp16
from ingest.weights.words import Room, bf16_words, bf16_words_of_bf16, fp16_words, fp16_words_of_bf16, fp32_words


def plain(form: str, values: Values) -> str:
    """The definition, all at once: of a matrix the longer side first, of a square one whichever words come first."""
    words = {"bf16": bf16_words, "fp16": fp16_words, "fp32": fp32_words}[form]
    ways: list[npt.NDArray[np.unsignedinteger]] = [words(np.ascontiguousarray(values))]
    if values.ndim == 2:
        other = words(np.ascontiguousarray(values.T))
        rows, columns = values.shape
        ways = [other] if columns > rows else ways if rows > columns else [*ways, other]
    least = min(ways, key=lambda way: way.reshape(-1).tolist())
    said = f"{form} {'x'.join(map(str, sorted(values.shape)))} ".encode()
    return hashlib.sha256(said + least.tobytes()).hexdigest()[:32]


GOLDEN = [  # (value, bf16, fp16) of one matrix as F32, BF16 and F16
    ("e9703b2356ee", "f2f6117e945d", "7d3def6996ab"),
    ("81e30e2b6962", "81e30e2b6962", "053a8ec8c27c"),
    ("7d3def6996ab", "fd10e89ca293", "7d3def6996ab"),
]
matrices = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=1, max_dims=3, max_side=7), elements=st.floats(width=32)
)


@settings(max_examples=150, deadline=None)
@given(matrices, st.integers(1, 9))
def test_digests_are_those_of_the_definition(values: Values, block: int) -> None:
    found = digest_of("x", values, "F32", block)
    assert found.bf16 == plain("bf16", values)
    assert found.fp16 == plain("fp16", values)
    is_bf16 = np.array_equal(as_bf16(values), values, equal_nan=True) and not np.isnan(values).any()
    is_fp16 = np.array_equal(as_fp16(values), values, equal_nan=True)
    if not np.isnan(values).any():
        assert found.value == (found.bf16 if is_bf16 else found.fp16 if is_fp16 else plain("fp32", values))


@settings(max_examples=60, deadline=None)
@given(matrices)
def test_orientation_and_rounding_make_no_difference(values: Values) -> None:
    one = digest_of("x", values, "F32")
    if values.ndim == 2:
        other = digest_of("y", values.T, "F32")
        assert (one.value, one.bf16, one.fp16) == (other.value, other.bf16, other.fp16)
    if not np.isnan(values).any():
        assert digest_of("x", as_bf16(values), "BF16").value == one.bf16
        half = digest_of("x", as_fp16(values), "F16")
        assert half.fp16 == one.fp16
        assert half.value in (half.fp16, half.bf16)


def every_kind() -> Values:
    """Float32 numbers of every sign and exponent, NaN too: just below, at and above what is rounded up in both formats."""
    tops = np.arange(2**16, dtype=np.uint32) << np.uint32(16)
    ends = np.array([0, 1, 0x0FFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001, 0xFFFF], dtype=np.uint32)
    return (tops[:, None] | ends).view(np.float32).reshape(-1)


def test_words_are_those_of_the_plain_casts() -> None:
    values = every_kind()
    room = Room()
    with np.errstate(over="ignore"):
        assert np.array_equal(fp16_words(values, room), values.astype("<f2").view("<u2"))
        few = values[np.abs(values) < 65_000]
        assert np.array_equal(fp16_words(few, room), few.astype("<f2").view("<u2"))
    is_number = ~np.isnan(values)
    assert np.array_equal(bf16_words(values, room)[is_number], as_bf16(values)[is_number].view(np.uint32) >> 16)
    exact = np.ascontiguousarray(values[::9])
    assert not (exact.view(np.uint32) & 0xFFFF).any()
    assert np.array_equal(bf16_words_of_bf16(exact), bf16_words(exact))
    assert np.array_equal(fp16_words_of_bf16(exact), fp16_words(exact))


def test_digests_stay_what_they_were() -> None:
    """Tables of earlier snapshots hold them."""
    rng = np.random.default_rng(7)
    values = (rng.standard_t(3, size=(257, 700)) * 0.02).astype(np.float32)
    values[::7] *= np.float32(1e-4)
    values[5, 5], values[6, 6] = np.inf, 65_520
    upper = (values.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    found = [digest_of("x", *each) for each in ((values, "F32"), (upper, "BF16"), (as_fp16(values), "F16"))]
    assert [(each.value[:12], each.bf16[:12], each.fp16[:12]) for each in found] == GOLDEN


def test_other_shapes_and_other_values_differ() -> None:
    values = np.arange(24, dtype=np.float32).reshape(4, 6)
    changed = values.copy()
    changed[3, 5] = np.nextafter(np.float32(23), np.float32(30))
    found = {digest_of("x", each, "F32").value for each in (values, values.reshape(3, 8), values.reshape(-1), changed)}
    assert len(found) == 4


def test_many_tensors_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    tensors = [rng.normal(size=(300, 300 + at % 3)).astype(np.float32) for at in range(9)]
    tensors.insert(4, np.ones(3, np.float32))
    with Digesting() as many:
        for at, values in enumerate(tensors):
            many.add(str(at), values, "F32")
        found = many.digests
    expected: list[Digest] = [digest_of(str(at), values, "F32") for at, values in enumerate(tensors)]
    assert list(found) == expected
