"""Models that lie on a line between others: merges of a base with its child, and adapters that were weighed less."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.weights.formats import as_bf16
from ingest.weights.low_rank import rank
from ingest.weights.span import _part_way, span
from tests.ingest.weights.families import Weights, held, root, tuned

BASE = root(1)
TUNE = tuned(BASE, task=21, seed=21)


def between(one: Weights, other: Weights, share: float) -> Weights:
    return {role: as_bf16((1 - share) * one[role] + np.float32(share) * other[role]) for role in one}


def adapted(scale: float, ranks: tuple[int, ...] = (4,)) -> Weights:
    """A merged adapter on every other matrix, of these ranks in turn."""
    rng = np.random.default_rng(7)
    out = dict(BASE)
    for at, role in enumerate(sorted(BASE)[::2]):
        rows, columns = BASE[role].shape
        width = ranks[at % len(ranks)]
        change = rng.normal(0, 0.02, (rows, width)) @ rng.normal(0, 0.2, (width, columns))
        out[role] = as_bf16((BASE[role] + scale * change).astype(np.float32))
    return out


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_merge_of_a_base_with_its_child(share: float) -> None:
    elders = [held("base", BASE), held("tune", TUNE), held("other", tuned(BASE, task=22, seed=22))]
    mixture = span(held("between", between(BASE, TUNE, share)), elders).mixture
    assert mixture is not None
    weights = {parent.id: weight for parent, weight, _ in mixture.parents}
    assert weights == {"base": pytest.approx(1 - share, abs=0.01), "tune": pytest.approx(share, abs=0.01)}


def test_an_elder_that_is_equal_in_what_is_held_is_no_end_of_a_line() -> None:
    """Of few weights a sparse change shows nothing, and what is left of its products is rounding."""
    elders = [held("base", BASE), held("equal", dict(BASE))]
    sums = np.zeros((2, 2)), np.array([0.0, 1e-12]), 1.0
    assert _part_way(held("model", TUNE), elders, [1], sums, 1e-6) is None


def test_what_goes_beyond_a_child_or_beside_it_is_no_merge_with_the_base() -> None:
    elders = [held("base", BASE), held("tune", TUNE)]
    assert span(held("beyond", between(BASE, TUNE, 1.4)), elders).mixture is None
    beside = tuned(between(BASE, TUNE, 0.5), task=23, seed=23, size=0.005)
    assert span(held("beside", beside), elders).mixture is None


def test_an_adapter_that_was_weighed_less_is_no_merge() -> None:
    elders = [held("base", BASE), held("adapted", adapted(1.0))]
    assert rank(elders[1], elders[0]).is_low
    assert span(held("less", adapted(0.5)), elders).mixture is None


def test_a_change_of_few_directions_here_and_many_there_is_no_adapter() -> None:
    base = held("base", BASE)
    assert rank(held("even", adapted(1.0, ranks=(8,))), base).is_low
    assert not rank(held("uneven", adapted(1.0, ranks=(1, 2, 30))), base).is_low
