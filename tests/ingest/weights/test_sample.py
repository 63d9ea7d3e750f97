"""Which rows are kept of large models, and what they tell of models whose shapes or neurons are others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.records import Relation
from ingest.weights.change import Changes
from ingest.weights.formats import as_bf16
from ingest.weights.level import levelled
from ingest.weights.member import Member
from ingest.weights.origin import origins
from ingest.weights.parent import Parent
from ingest.weights.roles import is_layer
from ingest.weights.sample import first_row, sampled
from ingest.weights.structure import laid
from tests.ingest.weights.families import Weights, by_role, held, root, tuned

DAY = datetime(2025, 1, 1, tzinfo=UTC)
BUDGET = 40_000  # of 106,496 values
LLAMA = {
    "embedding": (32_000, 4096),
    "head": (32_000, 4096),
    **{
        f"{layer}.{part}": shape
        for layer in range(32)
        for part, shape in (
            *((f"attention.{name}", (4096, 4096)) for name in ("query", "key", "value", "out")),
            ("mlp.gate", (11_008, 4096)),
            ("mlp.up", (11_008, 4096)),
            ("mlp.down", (4096, 11_008)),
            ("norm", (4096,)),
        )
    },
}
ROLES = st.sampled_from(["embedding", "head", "0.mlp.up", "0.mlp.down", "7.attention.key", "1.norm", "conv"])
SIZES = st.lists(st.integers(0, 3000), min_size=1, max_size=3).map(tuple)


@given(st.dictionaries(ROLES, SIZES), st.integers(0, 2**21))
def test_windows_lie_within_their_matrices_and_the_budget(shapes: Mapping[str, tuple[int, ...]], budget: int) -> None:
    found = sampled(shapes, budget)
    assert sum(window.rows * shapes[role][1] for role, window in found.items()) <= budget
    for role, window in found.items():
        assert len(shapes[role]) == 2
        assert window.rows > 0
        assert 0 <= window.begin <= shapes[role][0] - window.rows


@pytest.mark.parametrize("budget", [2**14, 2**16, 2**18])
def test_a_smaller_window_is_the_beginning_of_a_larger_one(budget: int) -> None:
    few, many = sampled(LLAMA, budget), sampled(LLAMA, 4 * budget)
    assert few
    assert few.keys() <= many.keys()
    assert all(many[role].begin == window.begin and many[role].rows >= window.rows for role, window in few.items())


def test_another_head_and_more_words_leave_the_windows_where_they_are() -> None:
    classifier = {role: shape for role, shape in LLAMA.items() if role != "head"} | {"score": (2, 4096)}
    more = LLAMA | {"embedding": (32_064, 4096), "head": (32_064, 4096)}
    whole = sampled(LLAMA, 10**6)
    layers = {role: window for role, window in whole.items() if is_layer(role)}
    assert {role.partition(".")[2] for role in layers} > {"mlp.down", "attention.query"}
    assert {role: window for role, window in sampled(classifier, 10**6).items() if is_layer(role)} == layers
    assert sampled(more, 10**6) == whole
    assert first_row("embedding", 32_000) == first_row("embedding", 32_064)


def cut_to_windows(members: list[Member], budget: int = BUDGET) -> list[Member]:
    found = []
    for member in members:
        chosen = sampled({tensor.role: tensor.shape for tensor in member.tensors}, budget)
        rows = {role: window.of(member.matrices[role]) for role, window in chosen.items()}
        found.append(replace(member, matrices=rows, windowed=True))
    return found


def reordered(weights: Weights, kept: int, seed: int) -> Weights:
    """Some of each block's neurons, in another order."""
    order = np.random.default_rng(seed).permutation(len(weights["0.mlp.up"]))[:kept]
    if kept < len(weights["0.mlp.up"]):
        order.sort()
    out = dict(weights)
    for layer in (0, 1):
        for part in ("gate", "up"):
            out[f"{layer}.mlp.{part}"] = weights[f"{layer}.mlp.{part}"][order]
        out[f"{layer}.mlp.down"] = np.ascontiguousarray(weights[f"{layer}.mlp.down"][:, order])
    return out


def family() -> dict[str, Weights]:
    """
    base -+- a -+- permuted, dropped --- healed
          +- b  +- more words (trained on)
          +- c
    """
    base = root(1)
    a, b, c = (tuned(base, task=task, seed=task) for task in (21, 22, 23))
    dropped = reordered(by_role(a), kept=120, seed=5)
    words = by_role(tuned(a, task=25, seed=25, size=0.01))
    rng = np.random.default_rng(3)
    for role in ("embedding", "head"):
        new = as_bf16(rng.normal(0, 0.05, (16, words[role].shape[1])).astype(np.float32))
        words[role] = np.concatenate([words[role], new])
    drawn = {"base": base, "a": a, "b": b, "c": c}
    return {name: by_role(weights) for name, weights in drawn.items()} | {
        "permuted": reordered(by_role(a), kept=160, seed=4),
        "dropped": dropped,
        "healed": tuned(dropped, task=24, seed=24, size=0.01),
        "words": words,
    }


def said(members: list[Member]) -> dict[tuple[str, str], Parent]:
    return {(parent.model, parent.base_model): parent for origin in origins(members) for parent in origin.parents}


def test_shapes_and_order_are_told_from_windows() -> None:
    members = [held(name, weights, DAY + timedelta(days=at)) for at, (name, weights) in enumerate(family().items())]
    windows = cut_to_windows(members)
    assert max(model.flat.size for model in windows) <= BUDGET
    told = {key: parent.relation for key, parent in said(windows).items()}
    assert told == {
        ("a", "base"): Relation.FINETUNE,
        ("b", "base"): Relation.FINETUNE,
        ("c", "base"): Relation.FINETUNE,
        ("permuted", "a"): Relation.PERMUTED,
        ("dropped", "a"): Relation.PRUNED,
        ("healed", "dropped"): Relation.FINETUNE,
        ("words", "a"): Relation.EXPANDED,
    }
    changes = Changes()
    energies = {
        origin.model: change.energy
        for origin, model in zip(origins(windows), windows, strict=True)
        if (change := changes.add(model, origin)) is not None
    }
    assert energies["words"] == pytest.approx(0.011, abs=0.003)  # what was trained on, and not the new words
    assert energies.get("dropped", 0.0) == 0.0


def test_what_was_cut_and_trained_on_is_told_by_the_noise_that_it_kept() -> None:
    """The cut model itself is not there, and a sibling on the same task lies nearer than the base."""
    base = root(1)
    a = tuned(base, task=21, seed=21)
    drawn = {"base": base, "a": a, "b": tuned(base, task=22, seed=22), "sibling": tuned(a, task=24, seed=30, size=0.01)}
    weights = {name: by_role(each) for name, each in drawn.items()}
    weights["healed"] = tuned(reordered(weights["a"], kept=120, seed=5), task=24, seed=24, size=0.01)
    members = [held(name, each, DAY + timedelta(days=at)) for at, (name, each) in enumerate(weights.items())]
    for models in (members, cut_to_windows(members)):
        told = said(models)
        assert told["healed", "a"].relation is Relation.PRUNED


def test_heads_of_other_sizes_are_no_vocabulary() -> None:
    drawn = family()
    heads = {"two": 2, "three": 3}
    for name, classes in heads.items():
        scores = np.random.default_rng(classes).normal(0, 0.02, (classes, 64)).astype(np.float32)
        drawn[name] = {role: values for role, values in drawn["a"].items() if role != "head"} | {"score": scores}
    names = ("base", "a", "b", "c", "two", "three")
    members = [held(name, drawn[name], DAY + timedelta(days=at)) for at, name in enumerate(names)]
    for models in (members, cut_to_windows(members)):
        told = {key: parent.relation for key, parent in said(models).items()}
        assert {key: told[key] for key in told if key[0] in heads} == {
            ("two", "a"): Relation.FINETUNE,
            ("three", "a"): Relation.FINETUNE,
        }


def test_a_stranger_of_other_shapes_is_laid_onto_nothing() -> None:
    drawn = family()
    stranger = reordered(by_role(root(9)), kept=120, seed=6)
    ours, theirs = cut_to_windows([held("stranger", stranger), held("a", drawn["a"])])
    assert laid(ours, theirs) is None
    (larger,) = cut_to_windows([held("larger", by_role(root(1)) | {"2.mlp.up": drawn["a"]["0.mlp.up"]})])
    assert laid(larger, theirs) is None


def test_a_block_that_does_not_fit_together_is_left_out() -> None:
    """As many neurons, and other columns where they lead out: these are no columns of the neurons."""
    a = family()["a"]
    narrow = next(
        role for role in sampled({role: v.shape for role, v in a.items()}, BUDGET) if role.endswith("mlp.down")
    )
    odd = a | {narrow: np.ascontiguousarray(a[narrow][:, :96])}
    odd["embedding"] = odd["embedding"][:120]
    ours, theirs = cut_to_windows([held("odd", odd), held("a", a)])
    fit = laid(ours, theirs)
    assert fit is not None
    assert fit.detail == "vocabulary cut"
    assert narrow not in fit.matrices


def test_of_few_weights_nothing_is_sure() -> None:
    drawn = {name: weights for name, weights in family().items() if name in ("base", "a", "b", "c")}
    drawn["mixed"] = {role: as_bf16(0.6 * drawn["a"][role] + 0.4 * drawn["b"][role]) for role in drawn["a"]}
    members = [held(name, weights, DAY + timedelta(days=at)) for at, (name, weights) in enumerate(drawn.items())]
    many, few = (said(cut_to_windows(members, budget)) for budget in (BUDGET, 2_000))
    assert many["mixed", "a"].probability > 0.9
    assert few
    assert all(parent.probability <= 0.75 for parent in few.values())


def test_what_changed_beyond_the_windows_is_no_new_head() -> None:
    """An adapter on matrices that are not held looks like its base, and unlike a sibling with another head."""
    drawn = family()
    head = {**drawn["base"], "head": drawn["b"]["embedding"]}
    chosen = sampled({role: values.shape for role, values in drawn["base"].items()}, 4_000)
    unseen = next(role for role in drawn["base"] if role not in chosen and is_layer(role))
    adapted = {**drawn["base"], unseen: drawn["a"][unseen]}
    members = [
        held(name, weights, DAY + timedelta(days=at))
        for at, (name, weights) in enumerate({"base": drawn["base"], "head": head, "adapted": adapted}.items())
    ]
    assert said(cut_to_windows(members, 4_000)).keys() == {("head", "base"), ("adapted", "base")}


def test_more_and_fewer_rows_are_made_equal() -> None:
    (many,), (few,) = (cut_to_windows([held("x", family()["a"])], budget) for budget in (BUDGET, BUDGET // 2))
    one, other = levelled([many, replace(few, id="y")])
    assert np.array_equal(one.flat, other.flat)
    assert one.flat.size == few.flat.size
