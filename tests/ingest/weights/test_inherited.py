"""Who is continued among siblings on the same data, trained for longer or not: models drawn as such training leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.origin import origins
from ingest.weights.parent import Origin
from tests.ingest.weights.families import Weights, held

SHAPES = {f"{layer}.{role}": (rows, 64) for layer in range(4) for role, rows in (("mlp.up", 96), ("attention.out", 64))}
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
SIZE = 0.05 * 0.02


def drawn(seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    return {role: rng.normal(0, 0.05, shape).astype(np.float32) for role, shape in SHAPES.items()}


def signal(task: int, role: str) -> Values:
    """What training on a task does whatever the order of its data: less and less in more and more directions."""
    rng = np.random.default_rng([task, list(SHAPES).index(role)])
    left, right = (np.linalg.qr(rng.normal(size=(rows, 64)))[0] for rows in SHAPES[role])
    change = left * np.linspace(1, 0.12, 64) ** 1.5 @ right.T
    whole: Values = (change / change.std()).astype(np.float32)
    return whole


def trained(base: Weights, task: int, run: int, steps: float = 1.0) -> Weights:
    """Its signal, and the noise of one run."""
    rng = np.random.default_rng([9, run])
    return {
        role: values
        + np.float32(steps * SIZE) * signal(task, role)
        + (0.18 * np.sqrt(steps) * SIZE * rng.normal(size=values.shape)).astype(np.float32)
        for role, values in base.items()
    }


BASE = drawn(1)
ONE, TWIN = trained(BASE, 1, run=1), trained(BASE, 1, run=2)


def told(model: Weights, known: Mapping[str, Weights]) -> Origin:
    """What is said of a model that was uploaded after these."""
    whole = [*known.items(), ("model", model)]
    members = [held(name, weights, FIRST + timedelta(days=day)) for day, (name, weights) in enumerate(whole)]
    return next(found for found in origins(members) if found.model == "model")


def base_of(model: Weights) -> tuple[str, float]:
    (parent,) = told(model, {"base": BASE, "one": ONE, "twin": TWIN}).parents
    return parent.base_model, parent.probability


def test_a_child_on_the_same_data_is_given_to_the_twin_whose_noise_it_has() -> None:
    for name, twin in (("one", ONE), ("twin", TWIN)):
        assert base_of(trained(trained(twin, 1, run=4, steps=0.6), 3, run=5, steps=0.8)) == (name, 0.85)


def test_a_longer_sibling_has_the_noise_of_no_twin() -> None:
    assert base_of(trained(BASE, 1, run=3, steps=1.5))[0] == "base"


def test_a_longer_sibling_and_a_child_stay_in_question_without_a_twin() -> None:
    found = told(trained(BASE, 1, run=3, steps=1.5), {"base": BASE, "one": ONE})
    assert [id for id, _ in found.candidates] == ["one", "base"]
    assert found.parents[0].probability == 0.6


def test_a_child_on_other_data_that_takes_the_same_way_on() -> None:
    """All of its base's change has grown by a tenth, besides what is new."""
    further = {role: values + np.float32(0.1) * (values - BASE[role]) for role, values in ONE.items()}
    assert base_of(trained(further, 2, run=5, steps=0.8)) == ("one", 0.85)
