"""What lies on a grid, and whose weights were put on it: rows with steps of their own, sources of other shapes, scaled ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from graph.records import Relation
from ingest.weights.formats import as_bf16, as_fp16
from ingest.weights.grid import IN_BLOCKS, IN_ROWS, grid_of, within_steps
from ingest.weights.member import Member
from ingest.weights.origin import Origins
from ingest.weights.parent import Origin
from tests.ingest.weights.families import Weights, by_role, held, root, tuned

DAY = datetime(2025, 1, 1, tzinfo=UTC)
BASE = by_role(root(1))
TUNE, SIBLING, NEAR = (
    by_role(tuned(root(1), task, seed, size)) for task, seed, size in ((1, 11, 0.03), (1, 14, 0.03), (3, 15, 0.002))
)
Matrix = npt.NDArray[np.float32]


def by_row(values: Matrix, levels: int = 256) -> Matrix:
    """int8 with a zero point by row, given back: v = d (c - z) with 0 <= c < levels."""
    least = np.minimum(values.min(axis=1, keepdims=True), 0)
    step = (np.maximum(values.max(axis=1, keepdims=True), 0) - least) / (levels - 1)
    zero = np.round(-least / step)
    back: Matrix = ((np.clip(np.round(values / step) + zero, 0, levels - 1) - zero) * step).astype(np.float32)
    return back


def in_blocks(values: Matrix) -> Matrix:
    """Each 16 on 16 even levels from their least to their largest, given back."""
    blocks = values.reshape(-1, 16)
    least = blocks.min(axis=1, keepdims=True)
    step = (blocks.max(axis=1, keepdims=True) - least) / 15
    return as_bf16((least + np.round((blocks - least) / step) * step).astype(np.float32).reshape(values.shape))


def told(*models: Member) -> dict[str, Origin]:
    known = Origins()
    return {model.id: known.add(model) for model in models}


def edge(origin: Origin) -> tuple[str, Relation]:
    (parent,) = origin.parents
    return parent.base_model, parent.relation


ROUNDED = {"F32": lambda values: values, "BF16": as_bf16, "F16": as_fp16}


@pytest.mark.parametrize("dtype", ROUNDED)
@pytest.mark.parametrize("levels", [256, 200])
def test_rows_with_a_zero_point_lie_on_levels_and_within_half_a_step_of_their_source(dtype: str, levels: int) -> None:
    weights = {role: ROUNDED[dtype](by_row(values, levels)) for role, values in TUNE.items()}
    weights["embedding"] = TUNE["embedding"]  # left as it was
    back = held("back", weights, DAY, dtype)
    elders = [held(name, each, DAY) for name, each in (("base", BASE), ("sibling", SIBLING), ("tune", TUNE))]
    assert grid_of(back) == IN_ROWS
    base, sibling, tune = within_steps(back, elders)
    assert tune == 1.0
    assert max(base, sibling) < 0.9
    origin = told(*elders, back)["back"]
    assert edge(origin) == ("tune", Relation.QUANTIZED)
    assert origin.parents[0].probability > 0.95


def test_within_less_than_a_step_the_nearest_is_not_told_surely() -> None:
    """The source of the rows is not there, and a model whose weights moved by less than the steps is."""
    models = {"base": BASE, "near": NEAR}
    back = held("back", {role: by_row(values) for role, values in BASE.items()}, DAY, "F32")
    members = [held(name, weights, DAY) for name, weights in models.items()]
    assert edge(told(*members, back)["back"]) == ("base", Relation.QUANTIZED)
    (parent,) = told(members[1], back)["back"].parents
    assert parent.probability <= 0.5


@pytest.mark.parametrize("seed", range(3))
def test_weights_that_are_on_no_grid_are_on_none(seed: int) -> None:
    """Rounded, of few large values, mostly zero, of narrow rows."""
    rng = np.random.default_rng(seed)
    plain = (rng.standard_t(4, size=(64, 96)) * 0.04).astype(np.float32)
    sparse = np.where(rng.random(plain.shape) < 0.5, 0, plain).astype(np.float32)
    for matrix in (plain, as_bf16(plain), as_fp16(plain), as_bf16(sparse), as_bf16(plain[:, :33]), plain[:, :9]):
        assert grid_of(held("m", {"0.mlp.up": matrix}, DAY, "F32")) is None


@pytest.mark.parametrize("kept", [0.5, 0.4])
def test_what_was_pruned_is_not_quantised(kept: float) -> None:
    """Of each block few values are left, and these are as different as before."""
    pruned = {role: np.where(np.abs(v) < np.quantile(np.abs(v), 1 - kept), 0, v) for role, v in BASE.items()}
    model = held("pruned", pruned, DAY)
    assert grid_of(model) is None
    assert edge(told(held("base", BASE, DAY), model)["pruned"]) == ("base", Relation.PRUNED)


def test_a_source_under_a_head_that_the_format_leaves_out_is_found() -> None:
    """As of encoders, whose GGUF holds no head, beside a relative that has none either."""
    cut = {role: values for role, values in BASE.items() if role != "head"}
    encoder = held("encoder", by_role(tuned(cut, task=5, seed=16)), DAY + timedelta(days=1))
    models = [held("base", BASE, DAY), encoder, held("tune", TUNE, DAY), held("sibling", SIBLING, DAY)]
    back = held("back", {role: in_blocks(TUNE[role]) for role in cut}, DAY + timedelta(days=5))
    assert grid_of(back) == IN_BLOCKS
    origin = told(*models, back)["back"]
    assert edge(origin) == ("tune", Relation.QUANTIZED)
    assert origin.parents[0].probability > 0.95


def test_what_was_cut_from_a_source_is_not_taken_for_it() -> None:
    cut = {role: values for role, values in TUNE.items() if not role.endswith("mlp.down")}
    model = held("m", {role: by_row(values) for role, values in TUNE.items()}, dtype="F32")
    found = told(held("cut", cut), held("base", BASE), held("tune", TUNE), model)
    assert edge(found["m"]) == ("tune", Relation.QUANTIZED)


def test_what_was_scaled_may_be_what_was_quantised() -> None:
    """Values by twos and fours, and what brings them together by their inverse: no base of fine-tunes here, but a source."""
    rng = np.random.default_rng(3)
    scaled: Weights = dict(TUNE)
    for layer in range(2):
        by = (2.0 ** rng.integers(-2, 3, size=(64, 1))).astype(np.float32)
        scaled[f"{layer}.attention.value"] = TUNE[f"{layer}.attention.value"] * by
        scaled[f"{layer}.attention.out"] = TUNE[f"{layer}.attention.out"] / by.T
    back = held("back", {role: in_blocks(values) for role, values in scaled.items()}, DAY)
    found = told(held("base", BASE, DAY), held("tune", TUNE, DAY), held("scaled", scaled, DAY), back)
    assert edge(found["scaled"]) == ("tune", Relation.PERMUTED)
    assert edge(found["back"]) == ("scaled", Relation.QUANTIZED)
