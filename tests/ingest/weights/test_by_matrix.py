"""Merges with coefficients of their own in every matrix."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.weights.by_matrix import by_matrix
from ingest.weights.formats import as_bf16, as_fp16
from ingest.weights.member import Member
from ingest.weights.span import span
from tests.ingest.weights.families import Weights, held, root, tuned

BASE = root(1)
ONE, OTHER, THIRD = (tuned(BASE, task=task, seed=task) for task in (21, 22, 23))
SHARES = dict(zip(BASE, np.linspace(0, 1, len(BASE)), strict=True))


def spherical(one: Weights, other: Weights, shares: dict[str, float]) -> Weights:
    """On the arc between both, matrix by matrix, as half precision."""
    found = {}
    for name, values in one.items():
        a, b = values.astype(np.float64), other[name].astype(np.float64)
        angle = np.arccos(np.clip((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))
        weights = np.sin((1 - shares[name]) * angle) / np.sin(angle), np.sin(shares[name] * angle) / np.sin(angle)
        found[name] = as_fp16((weights[0] * a + weights[1] * b).astype(np.float32))
    return found


def half(name: str, weights: Weights) -> Member:
    return held(name, weights, dtype="F16")


@pytest.mark.parametrize("even", [True, False])
def test_a_spherical_merge_has_its_parents(even: bool) -> None:
    shares = dict.fromkeys(BASE, 0.35) if even else SHARES
    elders = [held(*each) for each in (("base", BASE), ("one", ONE), ("other", OTHER), ("third", THIRD))]
    model = half("merged", spherical(ONE, OTHER, shares))
    fit = span(model, elders)
    mixture = fit.mixture or by_matrix(model, elders, fit.heaviest)
    assert mixture is not None
    told = {parent.id: weight for parent, weight, _ in mixture.parents}
    share = (
        0.35
        if even
        else sum(SHARES[name] * values.size for name, values in BASE.items())
        / sum(values.size for values in BASE.values())
    )
    assert told == {"one": pytest.approx(1 - share, abs=0.03), "other": pytest.approx(share, abs=0.03)}


def test_a_tune_is_no_merge() -> None:
    elders = [held(*each) for each in (("base", BASE), ("one", ONE), ("other", OTHER))]
    model = half("tuned", {name: as_fp16(values) for name, values in tuned(ONE, task=24, seed=24).items()})
    assert by_matrix(model, elders, span(model, elders).heaviest) is None
    assert by_matrix(model, elders[:1], (0,)) is None


def test_coefficients_out_of_range_are_no_merge() -> None:
    """1.6 of one and .5 of the other: a sum, but no arc and no average."""
    elders = [held(*each) for each in (("base", BASE), ("one", ONE), ("other", OTHER))]
    beyond = {
        name: as_fp16(values + 1.6 * (ONE[name] - values) + 0.5 * (OTHER[name] - values))
        for name, values in BASE.items()
    }
    model = half("beyond", beyond)
    assert by_matrix(model, elders, (1, 2)) is None


def test_a_base_and_its_child_weighed_anew_in_every_matrix_are_the_parents() -> None:
    elders = [held(*each) for each in (("base", BASE), ("one", ONE), ("other", OTHER))]
    shares = dict(zip(BASE, np.linspace(0.2, 0.6, len(BASE)), strict=True))
    mixed = {name: as_fp16(values + shares[name] * (ONE[name] - values)) for name, values in BASE.items()}
    mixture = by_matrix(half("between", mixed), elders, ())
    assert mixture is not None
    told = {parent.id: weight for parent, weight, _ in mixture.parents}
    assert told.keys() == {"base", "one"}
    assert sum(told.values()) == pytest.approx(1)


def test_an_adapter_weighed_anew_in_every_matrix_is_no_merge() -> None:
    rng = np.random.default_rng(5)
    low = {
        name: (
            0.05 * rng.normal(size=(len(values), 2)) @ rng.normal(size=(2, values.shape[1])) / np.sqrt(values.shape[1])
        ).astype(np.float32)
        for name, values in BASE.items()
    }
    shares = dict(zip(BASE, np.linspace(0.2, 0.6, len(BASE)), strict=True))
    adapted = {name: as_fp16(values + low[name]) for name, values in BASE.items()}
    less = {name: as_fp16(values + shares[name] * low[name]) for name, values in BASE.items()}
    assert by_matrix(half("less", less), [held("base", BASE), half("adapted", adapted)], (1,)) is None


def test_a_parent_that_is_a_merge_itself_is_found_among_what_it_was_merged_of() -> None:
    """Least squares over the whole weigh its own parents more."""
    merge = {name: as_bf16(0.5 * ONE[name] + 0.5 * OTHER[name]) for name in BASE}
    shares = dict(zip(BASE, np.linspace(0.05, 0.3, len(BASE)), strict=True))
    parents = (merge, THIRD, OTHER)
    stock = {
        name: as_fp16(values + shares[name] * sum(parent[name] - values for parent in parents))
        for name, values in BASE.items()
    }
    elders = [
        held(*each) for each in (("base", BASE), ("one", ONE), ("other", OTHER), ("third", THIRD), ("merge", merge))
    ]
    mixture = by_matrix(half("stock", stock), elders, (1, 2, 3))
    assert mixture is not None
    assert {parent.id for parent, _, _ in mixture.parents} == {"merge", "third", "other"}


def test_a_coefficient_is_of_the_matrices_that_a_parent_changed() -> None:
    part = {name: values if at % 2 else BASE[name] for at, (name, values) in enumerate(ONE.items())}
    shares = dict(zip(BASE, np.linspace(0.3, 0.5, len(BASE)), strict=True))
    mixed = {
        name: as_fp16(values + 0.4 * (part[name] - values) + shares[name] * (OTHER[name] - values))
        for name, values in BASE.items()
    }
    elders = [held(*each) for each in (("base", BASE), ("part", part), ("other", OTHER))]
    mixture = by_matrix(half("mixed", mixed), elders, (1, 2))
    assert mixture is not None
    told = {parent.id: weight for parent, weight, _ in mixture.parents}
    assert told["part"] == pytest.approx(0.4, abs=0.03)
