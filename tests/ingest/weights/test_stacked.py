"""Models put together of layers of others: slices, deepened ones, passthrough merges; healed ones by likeness."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from graph.records import Relation
from ingest.weights.change import Changes
from ingest.weights.formats import as_bf16, as_fp16
from ingest.weights.order import chronicle
from ingest.weights.origin import origins
from ingest.weights.roles import is_layer
from ingest.weights.stacked import made_of, stacked
from ingest.weights.structure import laid
from tests.ingest.weights.families import Weights, by_role, held, root, tuned
from tests.ingest.weights.test_order import DAY


def deep(seed: int) -> Weights:
    """Four layers, of two drawn models."""
    lower, upper = by_role(root(seed)), by_role(root(seed + 100))
    moved = {
        role.replace("0.", "2.", 1).replace("1.", "3.", 1): values for role, values in upper.items() if is_layer(role)
    }
    return lower | moved


def changed(weights: Weights, seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    return {
        role: as_bf16(values + rng.normal(0, 0.003, values.shape).astype(np.float32))
        for role, values in weights.items()
    }


def built(*layers: tuple[Weights, int], like: Weights) -> Weights:
    """A stack of layers, under another's embedding and head."""
    found = {role: values for role, values in like.items() if not is_layer(role)}
    for at, (source, number) in enumerate(layers):
        found |= {
            f"{at}.{role.partition('.')[2]}": values for role, values in source.items() if role.startswith(f"{number}.")
        }
    return found


BASE = deep(1)
ONE, OTHER = changed(BASE, 1), changed(BASE, 2)


def told(*models: tuple[str, Weights], dated: bool = True) -> dict[tuple[str, str], Relation]:
    members = [
        held(name, weights, DAY + timedelta(days=at) if dated else None) for at, (name, weights) in enumerate(models)
    ]
    return {
        (parent.model, parent.base_model): parent.relation for origin in origins(members) for parent in origin.parents
    }


def test_a_slice_has_fewer_layers_and_a_deepened_model_more() -> None:
    fewer = built((BASE, 0), (BASE, 1), (BASE, 3), like=BASE)
    more = built((BASE, 0), (BASE, 1), (BASE, 1), (BASE, 2), (BASE, 3), like=BASE)
    found = told(("base", BASE), ("fewer", fewer), ("more", more))
    assert found == {("fewer", "base"): Relation.PRUNED, ("more", "base"): Relation.EXPANDED}


def test_layers_of_two_are_a_merge_with_their_shares() -> None:
    mixed = built((ONE, 0), (ONE, 1), (ONE, 2), (OTHER, 1), (OTHER, 2), (OTHER, 3), like=ONE)
    members = [held(*each) for each in (("base", BASE), ("one", ONE), ("other", OTHER))]
    stack = stacked(held("mixed", mixed), members)
    assert stack is not None
    assert [(parent.id, taken) for parent, taken in stack.parents] == [("one", 3), ("other", 3)]
    found = told(("base", BASE), ("one", ONE), ("other", OTHER), ("mixed", mixed))
    assert found["mixed", "one"] is found["mixed", "other"] is Relation.MERGE


@pytest.mark.parametrize("depth", [4, 6])
def test_what_is_only_put_together_is_not_new(depth: int) -> None:
    upper = [(OTHER, 2), (OTHER, 3)] if depth == 4 else [(ONE, 2), (OTHER, 1), (OTHER, 2), (OTHER, 3)]
    mixed = built((ONE, 0), (ONE, 1), *upper, like=ONE)
    deepened = built(*((ONE, at) for at in (0, 1, 1, 2, 3)), like=ONE)
    names = (("base", BASE), ("one", ONE), ("other", OTHER), ("mixed", mixed), ("deepened", deepened))
    members = {name: held(name, weights, DAY + timedelta(days=at)) for at, (name, weights) in enumerate(names)}
    changes = Changes()
    found = {origin.model: changes.add(members[origin.model], origin) for origin in origins(members.values())}
    one = found["one"]
    assert one is not None
    assert one.changed > 0.5
    for name in ("mixed", "deepened"):
        change = found[name]
        assert change is not None
        assert change.energy == change.changed == 0


def test_in_fewer_digits_too() -> None:
    """A stack written as bfloat16 of a finer source."""
    rng = np.random.default_rng(0)
    fine = {role: values + rng.normal(0, 1e-5, values.shape).astype(np.float32) for role, values in BASE.items()}
    cut = {role: as_bf16(values) for role, values in built((fine, 0), (fine, 2), like=fine).items()}
    stack = stacked(held("cut", cut), [held("fine", fine, dtype="F32")])
    assert stack is not None
    assert stack.fewer


def test_nobodys_layer_makes_no_stack() -> None:
    own = built((ONE, 0), (changed(BASE, 3), 1), (OTHER, 2), like=BASE)
    assert stacked(held("own", own), [held("one", ONE), held("other", OTHER)]) is None
    assert stacked(held("copy", ONE), [held("one", ONE)]) is None


def test_without_times_a_stack_comes_after_what_it_is_made_of() -> None:
    more = built((BASE, 0), (BASE, 1), (BASE, 1), (BASE, 2), (BASE, 3), like=BASE)
    mixed = built((ONE, 0), (ONE, 1), (ONE, 2), (OTHER, 1), (OTHER, 2), (OTHER, 3), like=ONE)
    members = [held(*each) for each in (("a", more), ("b", mixed), ("base", BASE), ("one", ONE), ("other", OTHER))]
    order = [member.id for member in chronicle(members).order]
    assert order.index("a") > order.index("base")
    assert order.index("b") > max(order.index("one"), order.index("other"))


def test_without_times_layers_of_two_of_one_depth_are_a_merge() -> None:
    """It lies in the middle of its family, and is not its root."""
    third = changed(BASE, 3)
    mixed = built((ONE, 0), (ONE, 1), (OTHER, 2), (OTHER, 3), like=ONE)
    found = told(("z", BASE), ("a", mixed), ("one", ONE), ("other", OTHER), ("third", third), dated=False)
    assert found == {
        ("one", "z"): Relation.FINETUNE,
        ("other", "z"): Relation.FINETUNE,
        ("third", "z"): Relation.FINETUNE,
        ("a", "one"): Relation.MERGE,
        ("a", "other"): Relation.MERGE,
    }


def test_slices_do_not_make_what_they_were_cut_from() -> None:
    lower, upper = built((BASE, 0), (BASE, 1), like=BASE), built((BASE, 2), (BASE, 3), like=BASE)
    members = [held(*each) for each in (("base", BASE), ("lower", lower), ("upper", upper))]
    assert made_of(members) == {}
    assert told(("z", BASE), ("lower", lower), ("upper", upper), dated=False) == {
        ("lower", "z"): Relation.PRUNED,
        ("upper", "z"): Relation.PRUNED,
    }


def test_layers_left_out_are_seen_through_training() -> None:
    healed = changed(built((ONE, 0), (ONE, 1), (ONE, 3), like=ONE), 7)
    fit = laid(held("healed", healed), held("one", ONE))
    assert fit is not None
    assert (fit.relation, fit.detail) == ("pruned", "layers left out")
    assert laid(held("healed", healed), held("stranger", deep(5))) is None
    found = told(("base", BASE), ("one", ONE), ("other", OTHER), ("healed", healed))
    assert found["healed", "one"] is Relation.PRUNED


def test_a_child_of_a_sparse_model_keeps_its_zeros() -> None:
    base = by_role(root(1))
    rng = np.random.default_rng(4)
    masks = {role: rng.random(values.shape) > 0.4 for role, values in base.items()}
    sparse = {role: values * masks[role] for role, values in base.items()}
    child = {role: values * masks[role] for role, values in by_role(tuned(root(1), task=21, seed=21)).items()}
    found = told(("base", base), ("sparse", sparse), ("child", child))
    assert found == {("sparse", "base"): Relation.PRUNED, ("child", "sparse"): Relation.FINETUNE}


def test_two_of_one_start_are_not_made_from_each_other() -> None:
    """Both hold .8 of what they began as, and each as much of its own: neither holds the other whole."""
    rng = np.random.default_rng(5)
    start = by_role(root(1))

    def trained(share: float) -> Weights:
        return {
            role: as_fp16(values + rng.normal(0, share * values.std(), values.shape).astype(np.float32))
            for role, values in start.items()
        }

    found = told(("one", trained(0.5)), ("other", trained(0.5)))
    assert found == {}
    assert told(("start", start), ("far", trained(0.5))) == {("far", "start"): Relation.FINETUNE}


def test_a_passthrough_merge_and_its_parents_alone_are_joined_either_way_round() -> None:
    """Or one model of a line of three, each of which left half of the layers alone: nothing tells."""
    mixed = built((ONE, 0), (ONE, 1), (OTHER, 2), (OTHER, 3), like=ONE)
    found = told(("a", mixed), ("one", ONE), ("other", OTHER), dated=False)
    assert {frozenset(pair) for pair in found} == {frozenset({"a", "one"}), frozenset({"a", "other"})}


def test_where_each_could_be_put_together_of_the_others_none_is_before_the_root() -> None:
    """One with a tuned half, one with the other, one with both: any of the four has its layers from two others."""
    lower, upper = (
        built(*((ONE, at) if at in parts else (BASE, at) for at in range(4)), like=BASE) for parts in ((0, 1), (2, 3))
    )
    both = built(*((ONE, at) for at in range(4)), like=BASE)
    models = (("base", BASE), ("lower", lower), ("upper", upper), ("both", both))
    members = [held(*each) for each in models]
    assert {member.id for member in chronicle(members).order} == {"base", "lower", "upper", "both"}
    assert len({frozenset(pair) for pair in told(*models, dated=False)}) >= 3
    assert told(*models)["both", "lower"] is Relation.MERGE


def test_embeddings_alone_are_no_stack_of_layers() -> None:
    """As a static model distilled from a transformer, or cut out of it."""
    words = {role: values for role, values in BASE.items() if not is_layer(role)}
    assert laid(held("base", BASE), held("words", words)) is None
    assert laid(held("words", words), held("base", BASE)) is None
    found = told(("words", words), ("base", BASE), ("one", ONE))
    assert ("base", "words") not in found
    assert found["one", "base"] is Relation.FINETUNE


def test_roles_that_only_begin_with_a_digit_are_read() -> None:
    """As `3d_conv.weight`, or a Sequential's `0.weight`."""
    rng = np.random.default_rng(1)
    odd = {name: as_bf16(rng.normal(size=(32, 32)).astype(np.float32)) for name in ("3d_conv", "1x1", "0", "²", "10")}
    fewer = {name: odd[name] for name in ("3d_conv", "0")}
    found = told(("odd", odd), ("copy", dict(odd)), ("fewer", fewer), ("other", odd | {"0": odd["10"]}))
    assert found["copy", "odd"] is Relation.IDENTICAL
