"""Merges with coefficients of their own in every matrix."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.weights.by_matrix import by_matrix
from ingest.weights.formats import as_fp16
from ingest.weights.member import Member
from ingest.weights.span import span
from tests.ingest.weights.families import Weights, root, tuned
from tests.ingest.weights.test_order import held

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
