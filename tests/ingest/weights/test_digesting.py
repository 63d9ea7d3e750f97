"""Digests are those of the plain definition, whatever the order, the orientation and the dtype."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ingest.weights.checkpoint import Values
from ingest.weights.digesting import Digesting, bf16_words, digest_of, fp16_words, fp32_words
from ingest.weights.exact import Digest
from ingest.weights.formats import as_bf16, as_fp16


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
