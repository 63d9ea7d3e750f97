"""Whatever a family is drawn of, in whatever order and with whatever times: origins and changes are told, and the same."""

from __future__ import annotations

import random
import warnings
from datetime import timedelta

import numpy as np
import pytest

from ingest.weights.change import Changes
from ingest.weights.formats import as_bf16
from ingest.weights.member import Member
from ingest.weights.origin import origins
from ingest.weights.roles import is_layer
from tests.ingest.weights.families import Weights, held
from tests.ingest.weights.test_order import DAY
from tests.ingest.weights.test_sample import cut_to_windows
from tests.ingest.weights.test_stacked import BASE, built, changed, deep


def made(draw: random.Random, pool: list[Weights]) -> Weights:
    """One model more: trained, averaged, summed, put together, cut, extended, copied or unrelated."""
    one = draw.choice(pool)
    shapes = {role: values.shape for role, values in one.items()}
    other = draw.choice([each for each in pool if {role: values.shape for role, values in each.items()} == shapes])
    layers = sorted({int(role.partition(".")[0]) for role in one if is_layer(role)})
    seed = draw.randint(0, 999)
    match draw.choice(
        ["trained", "average", "sum", "stack", "zero", "copy", "sparse", "scaled", "halves", "words", "new", "bare"]
    ):
        case "trained":
            return changed(one, seed)
        case "average":
            share = np.float32(draw.choice([0, 0.3, 0.5, 1]))
            return {role: as_bf16(share * one[role] + (1 - share) * other[role]) for role in one}
        case "sum" if shapes == {role: values.shape for role, values in BASE.items()}:
            scale = np.float32(0.7)
            return {role: as_bf16(base + scale * (one[role] + other[role] - 2 * base)) for role, base in BASE.items()}
        case "stack" if layers:
            chosen = [(draw.choice([one, other]), draw.choice(layers)) for _ in range(draw.randint(1, 6))]
            return built(*chosen, like=one)
        case "zero":
            role = draw.choice(sorted(one))
            return one | {role: np.zeros_like(one[role])}
        case "sparse":
            rng = np.random.default_rng(seed)
            return {role: values * (rng.random(values.shape) > 0.4) for role, values in one.items()}
        case "scaled":
            return {role: values * np.float32(0.5) for role, values in one.items()}
        case "halves":
            half = set(sorted(one)[len(one) // 2 :])
            return {role: (one if role in half else other)[role] for role in one}
        case "words":
            return one | {role: np.concatenate([one[role], one[role][:8]]) for role in ("embedding", "head")}
        case "new":
            return deep(seed)
        case "bare":
            return {role: values for role, values in one.items() if not is_layer(role)}
    return dict(one)


def drawn(seed: int) -> list[Member]:
    draw = random.Random(seed)
    pool = [BASE]
    for _ in range(draw.randint(2, 6)):
        pool.append(made(draw, pool))
    draw.shuffle(pool)
    dated = draw.choice([0.0, 0.5, 1.0])
    return [
        held(
            f"m{at}",
            weights,
            DAY + timedelta(days=draw.randint(0, 5)) if draw.random() < dated else None,
            dtype=draw.choice(["BF16", "F32"]),
        )
        for at, weights in enumerate(pool)
    ]


@pytest.mark.parametrize("seed", range(48))
def test_of_any_family_all_origins_and_changes_are_told(seed: int) -> None:
    members = drawn(seed)
    if seed >= 36:
        members = cut_to_windows(members, budget=[2_000, 20_000][seed % 2])
    by_id, changes = {member.id: member for member in members}, Changes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = list(origins(members))
        for origin in found:
            changes.add(by_id[origin.model], origin)
    assert sorted(origin.model for origin in found) == sorted(by_id)
    parents = [parent for origin in found for parent in origin.parents]
    assert all(parent.model != parent.base_model and 0 <= parent.probability <= 1 for parent in parents)
    assert len({(parent.model, parent.base_model) for parent in parents}) == len(parents)
    again = list(origins(members[::-1]))
    assert [(origin.model, origin.parents) for origin in found] == [(origin.model, origin.parents) for origin in again]
