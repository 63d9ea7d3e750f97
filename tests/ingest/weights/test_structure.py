"""Rows and columns scaled: what the best factors leave is rounding, or it was not scaled."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from ingest.weights.formats import as_bf16, as_fp16
from ingest.weights.structure import rescaled
from tests.ingest.weights.families import Weights, root, tuned
from tests.ingest.weights.test_order import held
from tests.ingest.weights.test_trunk import by_role

DAY = datetime(2025, 1, 1, tzinfo=UTC)
BASE = by_role(root(1))
TUNE, FAR = (by_role(tuned(root(1), task, 10 + task)) for task in (1, 2))
ROUNDED = {"F32": lambda values: values, "BF16": as_bf16, "F16": as_fp16}


def scaled(weights: Weights, seed: int) -> Weights:
    """Rows and columns of all matrices of the layers, by anything: norms taken in, and heads scaled against each other."""
    rng = np.random.default_rng(seed)
    out = dict(weights)
    for role, values in weights.items():
        if role[0].isdigit():
            rows, columns = (np.exp(0.5 * rng.normal(size=size)) for size in ((len(values), 1), (1, values.shape[1])))
            out[role] = (values * rows * columns).astype(np.float32)
    return out


@pytest.mark.parametrize("dtype", ROUNDED)
def test_of_relatives_that_one_is_found_that_was_scaled(dtype: str) -> None:
    model = {role: ROUNDED[dtype](values) for role, values in scaled(TUNE, 1).items()}
    family = [held(name, each, DAY) for name, each in (("base", BASE), ("tune", TUNE), ("far", FAR))]
    found = rescaled(held("model", model, DAY, dtype), family)
    assert found is not None
    assert found.id == "tune"
    assert rescaled(held("model", model, DAY, dtype), [family[0], family[2]]) is None


def test_a_merge_is_no_scaled_copy_of_a_relative_that_was_scaled_itself() -> None:
    """Scaled back it lies far nearer to the merge than before, and no nearer than any relative that never was scaled."""
    mixed = {role: as_bf16((0.55 * TUNE[role] + 0.45 * FAR[role]).astype(np.float32)) for role in BASE}
    away = {role: as_bf16(values) for role, values in scaled(BASE, 2).items()}
    family = [held(name, each, DAY) for name, each in (("base", BASE), ("tune", TUNE), ("far", FAR), ("away", away))]
    assert rescaled(held("mixed", mixed, DAY), family) is None
    assert rescaled(held("mixed", mixed, DAY), family[3:]) is None


def test_a_window_of_few_rows_is_not_fitted_by_factors() -> None:
    """Of two rows any two models agree, but for one column, once rows and columns are scaled."""
    few, other = ({role: values[:2] for role, values in each.items()} for each in (TUNE, FAR))
    assert rescaled(held("few", few, DAY), [held("other", other, DAY)]) is None
