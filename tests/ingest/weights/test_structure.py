"""Heads in another order or left out, also where queries share keys. Rows and columns scaled: what the best factors leave is
rounding, or it was not scaled.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from graph.records import Relation
from ingest.weights.formats import as_bf16, as_fp16
from ingest.weights.order import _too_early
from ingest.weights.structure import rescaled
from tests.ingest.weights.families import Weights, by_role, held, root, tuned
from tests.ingest.weights.test_order import said
from tests.ingest.weights.test_sample import cut_to_windows
from tests.ingest.weights.test_sample import reordered as neurons_reordered

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


def test_two_models_are_too_few_to_know_which_came_first() -> None:
    drawn = {"base": BASE, "tune": TUNE, "far": FAR}
    family = [held(name, weights, DAY + timedelta(days=at)) for at, (name, weights) in enumerate(drawn.items())]
    away = held("away", scaled(TUNE, 3), DAY - timedelta(days=1), "F32")
    assert list(_too_early([away], family, family[0])) == [("away", "base")]
    assert list(_too_early([away], family[1:], family[1])) == []


def shared_keys(weights: Weights) -> Weights:
    """Four heads of 16 rows that ask two of keys and values."""
    parts = ("attention.key", "attention.value")
    return {role: values[:32] if role.endswith(parts) else values for role, values in by_role(weights).items()}


def reordered(weights: Weights, groups: list[int], swapped: bool) -> Weights:
    """These of the two groups of heads in this order, and each group's two queries perhaps the other way round."""
    rows = np.arange(16)
    keys = np.concatenate([16 * group + rows for group in groups])
    heads = [2 * group + (head ^ swapped) for group in groups for head in (0, 1)]
    queries = np.concatenate([16 * head + rows for head in heads])
    out = dict(weights)
    for layer in (0, 1):
        for part, order in (("query", queries), ("key", keys), ("value", keys)):
            out[f"{layer}.attention.{part}"] = weights[f"{layer}.attention.{part}"][order]
        out[f"{layer}.attention.out"] = np.ascontiguousarray(weights[f"{layer}.attention.out"][:, queries])
    return out


def relations(drawn: dict[str, Weights], *, windows: bool) -> dict[tuple[str, str], Relation]:
    """What is told of models, the oldest first: read whole, or in windows."""
    models = [held(name, weights, DAY + timedelta(days=at)) for at, (name, weights) in enumerate(drawn.items())]
    return {key: parent.relation for key, parent in said(cut_to_windows(models) if windows else models).items()}


@pytest.mark.parametrize("windows", [False, True])
def test_heads_in_another_order_and_left_out_where_queries_share_keys(windows: bool) -> None:
    drawn = {name: shared_keys(tuned(root(1), task, task)) for name, task in (("a", 21), ("b", 22), ("c", 23))}
    drawn = {"base": shared_keys(root(1)), **drawn}
    drawn["turned"] = reordered(drawn["a"], [1, 0], swapped=True)
    drawn["dropped"] = reordered(drawn["b"], [1], swapped=False)
    assert relations(drawn, windows=windows) == {
        ("a", "base"): Relation.FINETUNE,
        ("b", "base"): Relation.FINETUNE,
        ("c", "base"): Relation.FINETUNE,
        ("turned", "a"): Relation.PERMUTED,
        ("dropped", "b"): Relation.PRUNED,
    }


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("how", ["neurons", "heads", "scaled"])
def test_what_goes_on_from_a_model_in_another_order(how: str, windows: bool) -> None:
    drawn = {"base": shared_keys(root(1))}
    drawn |= {name: shared_keys(tuned(root(1), task, task)) for name, task in (("a", 21), ("b", 22), ("c", 23))}
    if how == "heads":
        drawn["turned"] = reordered(drawn["a"], [1, 0], swapped=True)
    elif how == "scaled":
        drawn["turned"] = {role: as_bf16(values) for role, values in scaled(drawn["a"], 4).items()}
    else:
        drawn["turned"] = neurons_reordered(drawn["a"], kept=160, seed=4)
    drawn |= {f"on{task}": tuned(drawn["turned"], task, task) for task in (24, 25)}
    drawn["d"] = tuned(drawn["c"], 26, 26)
    drawn["further"] = tuned(drawn["on24"], 27, 27)
    assert relations(drawn, windows=windows) == {
        ("a", "base"): Relation.FINETUNE,
        ("b", "base"): Relation.FINETUNE,
        ("c", "base"): Relation.FINETUNE,
        ("turned", "a"): Relation.PERMUTED,
        ("on24", "turned"): Relation.FINETUNE,
        ("on25", "turned"): Relation.FINETUNE,
        ("d", "c"): Relation.FINETUNE,
        ("further", "on24"): Relation.FINETUNE,
    }
