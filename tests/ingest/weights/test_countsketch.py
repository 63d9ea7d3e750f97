"""The linear sketch and what is made of it, each held to its slow twin, and to what its formula promises."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import BadInput
from ingest.weights.centred import centred, centred_slowly
from ingest.weights.countsketch import sketch, sketch_slowly
from ingest.weights.matches import chance, found_again, found_again_slowly, rows_of
from ingest.weights.pairs import COLUMNS, ROWS, NumPyTiles, alike, alike_slowly
from ingest.weights.torch_sketch import EXACT as EXACT_SKETCH
from ingest.weights.torch_sketch import sketching, torch_sketch
from ingest.weights.torch_tiles import EXACT, ROUGH, TorchTiles, tiles
from ingest.weights.whole import Whole

Matrix = npt.NDArray[np.float32]


def drawn(seed: int, *shape: int) -> Matrix:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 700), size=st.sampled_from([64, 128, 1024]), seed=st.integers(0, 2**64 - 1))
def test_the_sketch_is_its_formula(count: int, size: int, seed: int) -> None:
    values = drawn(count, count)
    assert np.allclose(sketch(values, seed, size), sketch_slowly(values, seed, size), rtol=0, atol=1e-12)


def test_pieces_of_a_long_line_meet_no_seam() -> None:
    """The line is longer than what is signed at once, and ends within a run."""
    values = drawn(1, (1 << 17) + 12_345)
    whole = sketch(values, 7, 1024)
    first, rest = values.copy(), values.copy()
    first[100_000:], rest[:100_000] = 0, 0
    assert np.allclose(sketch(first, 7, 1024) + sketch(rest, 7, 1024), whole, rtol=0, atol=1e-9)


def test_distances_and_products_are_as_good_as_the_formula_says() -> None:
    a, c = drawn(2, 20_000), drawn(3, 20_000)
    b = (a + 0.001 * drawn(4, 20_000)).astype(np.float32)
    apart, product = [], []
    for seed in range(200):
        one, other, stranger = (sketch(values, seed, 256) for values in (a, b, c))
        apart.append(float(np.linalg.norm(one - other) / np.linalg.norm(a.astype(np.float64) - b)))
        product.append(float(one @ stranger) / float(np.linalg.norm(a) * np.linalg.norm(c)))
    assert np.mean(apart) == pytest.approx(1, abs=0.015)
    assert np.std(apart) == pytest.approx((2 * 256) ** -0.5, rel=0.25)
    assert np.std(product) == pytest.approx(256**-0.5, rel=0.25)


def test_columns_that_outweigh_the_others_do_no_harm() -> None:
    """A matrix as wide as the sketch, with one large column: a hash of the column alone would put all of it in one sum."""
    one, other = drawn(5, 64, 256), drawn(6, 64, 256)
    one[:, 3] *= 30
    other[:, 3] *= 30
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    errors = [
        (float(sketch(one, s, 256) @ sketch(other, s, 256)) - float((one * other).sum())) / size for s in range(200)
    ]
    assert np.std(errors) == pytest.approx(256**-0.5, rel=0.3)


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 99))
def test_centring_takes_means_and_the_strongest_direction(rows: int, columns: int, seed: int) -> None:
    strong = 20 * np.outer(drawn(seed, rows), drawn(seed + 1, columns)).astype(np.float32)
    values = drawn(seed + 2, rows, columns) + strong + 3
    assert np.allclose(centred(values), centred_slowly(values), atol=0.02 * float(np.abs(values).max()))


def test_what_unrelated_matrices_share_is_gone() -> None:
    shared = (np.outer(np.abs(drawn(1, 64)), drawn(2, 48)) + 2).astype(np.float32)
    one, other = drawn(3, 64, 48) + shared, drawn(4, 64, 48) + shared

    def cosine(a: Matrix, b: Matrix) -> float:
        return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))

    assert cosine(one, other) > 0.5
    assert abs(cosine(centred(one), centred(other))) < 0.1


def test_rows_find_themselves_again() -> None:
    one = drawn(1, 40, 16)
    near = one + 0.3 * drawn(2, 40, 16)
    assert found_again(one, near) == found_again_slowly(one, near) > 35
    assert len(rows_of(10_000)) == 256
    strangers = [found_again(drawn(10 + at, 64, 32), drawn(1_000 + at, 64, 32)) for at in range(400)]
    assert np.mean(strangers) < 1.1  # Poisson(1) or less
    assert sum(chance(found, 1) < 0.01 for found in strangers) <= 12
    assert chance(0, 3) == 1.0
    assert 0 < chance(4_000, 3) < 1e-300


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 60), old=st.integers(0, 60), most=st.integers(1, 6), seed=st.integers(0, 99))
def test_pairs_in_tiles_are_all_pairs(count: int, old: int, most: int, seed: int) -> None:
    vectors = drawn(seed, count, 8)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = alike(vectors, 0.4, most, old)
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == alike_slowly(vectors, 0.4, most, old)


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 60), old=st.integers(0, 60), most=st.integers(1, 6), seed=st.integers(0, 99))
def test_torch_finds_the_same_pairs(count: int, old: int, most: int, seed: int) -> None:
    pytest.importorskip("torch")
    vectors = drawn(seed, count, 8)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found, expected = (
        alike(vectors, 0.4, most, old, TorchTiles(vectors, "cpu", rows=7, columns=16)),
        alike(vectors, 0.4, most, old),
    )
    assert np.array_equal(found.left, expected.left)
    assert np.array_equal(found.right, expected.right)
    assert np.allclose(found.score, expected.score, rtol=0, atol=EXACT)


def test_rough_products_miss_none_that_pass() -> None:
    """Rounded to bfloat16, as on a GPU, with products that lie at the threshold."""
    torch = pytest.importorskip("torch")
    vectors = drawn(4, 500, 64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = (vectors.astype(np.float64) @ vectors.astype(np.float64).T)[np.triu_indices(500, 1)]
    rough = torch.from_numpy(vectors).to(torch.bfloat16)
    rounded = (rough @ rough.T).float().numpy()[np.triu_indices(500, 1)]
    assert float(np.abs(exact - rounded).max()) < ROUGH / 2


def test_a_gpu_that_is_not_there_is_named() -> None:
    if find_spec("torch") is None:
        said = r"modelstemma\[torch\]"
    elif pytest.importorskip("torch").cuda.is_available():
        pytest.skip("there is a GPU")
    else:
        said = "torch finds no GPU here"
    with pytest.raises(BadInput, match=said):
        tiles(drawn(1, 4, 8), "cuda")
    assert isinstance(tiles(drawn(1, 4, 8)), NumPyTiles)


def test_pairs_across_tiles() -> None:
    """Twins in every corner of more than one row and column of tiles."""
    vectors = drawn(9, COLUMNS + ROWS + 77, 32)
    twins = [0, ROWS - 1, ROWS, COLUMNS - 1, COLUMNS, len(vectors) - 1]
    vectors[twins] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = alike(vectors, 0.999, 10)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert pairs == {(a, b) for a in twins for b in twins if a != b}
    later = alike(vectors, 0.999, 10, old=COLUMNS)
    assert set(zip(later.left.tolist(), later.right.tolist(), strict=True)) == {
        (a, b) for a, b in pairs if max(a, b) >= COLUMNS
    }


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 3_000),
    size=st.sampled_from([64, 128, 1024]),
    seed=st.integers(0, 2**64 - 1),
    runs=st.integers(1, 9),
)
def test_torch_sketches_the_same(count: int, size: int, seed: int, runs: int) -> None:
    pytest.importorskip("torch")
    values = drawn(count, count) * np.float32(10) ** drawn(count + 1, count)  # of many sizes
    found = torch_sketch(values, seed, size, device="cpu", at_once=runs * size)
    within = EXACT_SKETCH * float(np.abs(values).sum())
    assert np.abs(found - sketch(values, seed, size)).max() <= within
    assert np.abs(found - sketch_slowly(values, seed, size)).max() <= within


def test_torch_sketches_matrices_of_any_layout() -> None:
    pytest.importorskip("torch")
    values = drawn(3, 300, 200)
    values.flags.writeable = False
    whole, by_torch = Whole(), Whole(partial(torch_sketch, device="cpu"))
    for one in (whole, by_torch):
        one.add("0.mlp.up", values)
        one.add("0.mlp.down", values.T)
    assert np.allclose(whole.values, by_torch.values, rtol=2**-23, atol=EXACT_SKETCH * float(np.abs(values).sum()))


def test_what_sketches_is_chosen_as_what_multiplies() -> None:
    assert sketching(1_000) is sketch
    assert sketching(2**40, "cpu") is sketch
    if find_spec("torch") is None or not pytest.importorskip("torch").cuda.is_available():
        assert sketching(2**40) is sketch
        with pytest.raises(BadInput, match="leave the device out"):
            sketching(1, "cuda")
    else:
        assert sketching(2**40) is not sketch
