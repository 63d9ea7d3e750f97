"""Models under other heads are told by the trunk that they share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from graph.records import Relation
from ingest.weights.change import Changes
from ingest.weights.formats import as_bf16
from ingest.weights.origin import origins
from ingest.weights.trunk import cut, trunk
from tests.ingest.weights.families import Weights, by_role, held, root, tuned

DAY = datetime(2025, 1, 1, tzinfo=UTC)


def drawn(seed: int) -> Weights:
    """By roles."""
    return by_role(root(seed))


def classifier(weights: Weights, seed: int) -> Weights:
    """Without the language model's head, with one of two classes."""
    scores = np.random.default_rng(seed).normal(0, 0.02, (2, weights["embedding"].shape[1])).astype(np.float32)
    return {role: values for role, values in weights.items() if role != "head"} | {"score": as_bf16(scores)}


def test_a_classifier_is_found_under_its_language_model() -> None:
    first = root(1)
    second = tuned(first, task=21, seed=21)
    base, other, trained = (by_role(each) for each in (first, second, tuned(second, task=22, seed=22)))
    models = [("base", base), ("other", other), ("frozen", classifier(other, 1)), ("trained", classifier(trained, 2))]
    models.append(("stranger", classifier(drawn(9), 3)))
    members = [held(name, weights, DAY + timedelta(days=at)) for at, (name, weights) in enumerate(models)]
    found = list(origins(members))
    told = {origin.model: [(parent.base_model, parent.relation) for parent in origin.parents] for origin in found}
    assert told == {
        "base": [],
        "other": [("base", Relation.FINETUNE)],
        "frozen": [("other", Relation.FINETUNE)],
        "trained": [("other", Relation.FINETUNE)],
        "stranger": [],
    }
    changes, by_id = Changes(), {model.id: model for model in members}
    energies = {
        origin.model: change.energy
        for origin in found
        if (change := changes.add(by_id[origin.model], origin)) is not None
    }
    assert "frozen" not in energies
    assert energies["trained"] > 0.001


def test_a_trunk_has_all_layers_and_most_weights() -> None:
    base = drawn(1)
    one, other = held("one", base), held("other", classifier(base, 1))
    shared = trunk(one, other)
    assert shared == base.keys() - {"head"}
    assert cut(one, shared).shapes == cut(other, shared).shapes
    assert trunk(one, held("same", base)) == frozenset()
    fewer = {role: values for role, values in base.items() if not role.startswith("0.")}
    assert trunk(one, held("fewer", fewer)) == frozenset()


def test_a_model_with_layers_twice_is_no_copy() -> None:
    base = drawn(1)
    deeper = base | {role.replace("0.", "7.", 1): values for role, values in base.items() if role.startswith("0.")}
    found = list(origins([held("base", base, DAY), held("deeper", deeper, DAY + timedelta(days=1))]))
    assert not any(parent.relation is Relation.IDENTICAL for origin in found for parent in origin.parents)
