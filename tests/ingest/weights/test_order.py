"""In which order models are taken, and how sure a direction is: without upload times, with wrong ones, with what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from graph.catalogue import Catalogue
from graph.records import Relation
from ingest.folders import ingest_folders, shelf_of
from ingest.identify import identify
from ingest.weights.digesting import digest_of
from ingest.weights.direction import directed
from ingest.weights.exact import identity
from ingest.weights.family import relative
from ingest.weights.formats import as_bf16
from ingest.weights.grid import on_grid
from ingest.weights.growth import _averages, _is_patchwork, _root, grown
from ingest.weights.member import Doubles, Member
from ingest.weights.noise import equal_shares, noise_distances
from ingest.weights.order import chronicle
from ingest.weights.origin import origins
from ingest.weights.parent import Origin, Parent
from ingest.weights.parting import common_ways, lines_part
from ingest.weights.span import Grams, Mixture
from ingest.weights.unknown_base import stand_in
from tests.ingest.weights.families import Weights, by_role, held, root, tuned, write

DAY = datetime(2025, 1, 1, tzinfo=UTC)


@cache
def family() -> Mapping[str, Member]:
    """
    root -+- a --- c --- d          mixed = .6 a + .4 b
          +- b     copy = c
          +- e
    """
    base = root(1)
    a, b, e = (tuned(base, task=task, seed=task) for task in (21, 22, 23))
    c = tuned(a, task=24, seed=24)
    mixed = {name: as_bf16(0.6 * a[name] + 0.4 * b[name]) for name in base}
    drawn = {"q-root": base, "z-a": a, "y-b": b, "c": c, "b-d": tuned(c, task=25, seed=25), "e": e, "a-mixed": mixed}
    return {name: held(name, weights) for name, weights in {**drawn, "copy": c}.items()}


TRUE = {("z-a", "q-root"), ("y-b", "q-root"), ("e", "q-root"), ("c", "z-a"), ("b-d", "c"), ("a-mixed", "z-a")}
TRUE |= {("a-mixed", "y-b"), ("copy", "c")}


def said(models: list[Member], declared: Mapping[str, set[str]] | None = None) -> dict[tuple[str, str], Parent]:
    return {
        (parent.model, parent.base_model): parent
        for origin in origins(models, declared=declared)
        for parent in origin.parents
    }


def test_noise_grows_along_the_lines_of_descent() -> None:
    drawn = family()
    distances = noise_distances([drawn[name] for name in ("q-root", "z-a", "c", "b-d", "y-b", "e")])
    assert np.allclose(distances, distances.T)
    assert (np.diag(distances) == 0).all()
    assert distances[0, 1] < distances[0, 2] < distances[0, 3]
    assert (distances[4, 1:4] > distances[0, 1:4]).all()


def test_without_times_the_tree_is_found_and_the_direction_is_weighed() -> None:
    told = said(list(family().values()))
    assert told.keys() == TRUE
    assert told["a-mixed", "z-a"].relation is Relation.MERGE
    assert told["a-mixed", "z-a"].probability > 0.9
    assert told["copy", "c"].probability == 0.5
    assert "direction not certain" in told["z-a", "q-root"].detail
    assert 0.5 < told["b-d", "c"].probability < 0.95
    declared = said(list(family().values()), {"b-d": {"c"}})["b-d", "c"]
    assert declared.probability > told["b-d", "c"].probability
    assert "declared +2.2" in declared.detail


def test_the_order_of_what_is_given_does_not_matter() -> None:
    models = list(family().values())
    assert [model.id for model in chronicle(models).order] == [model.id for model in chronicle(models[::-1]).order]


def test_a_model_dated_before_its_root_is_put_right() -> None:
    more = [held(f"f{at:02}", tuned(dict(family()["q-root"].matrices), task=30 + at, seed=30 + at)) for at in range(16)]
    order = [family()[name] for name in ("q-root", "z-a", "y-b", "e", "c", "a-mixed", "copy")] + more
    dated = [replace(model, created_at=DAY + timedelta(days=at)) for at, model in enumerate(order)]
    dated.append(replace(family()["b-d"], created_at=DAY - timedelta(days=9)))
    told = said(dated)
    assert told.keys() == TRUE | {(model.id, "q-root") for model in more}
    assert told["b-d", "c"].probability < 0.6
    assert "upload times -2.9" in told["b-d", "c"].detail
    assert told["c", "z-a"].probability > 0.9


def test_what_was_made_from_a_model_dated_too_early_comes_after_it() -> None:
    """Its grandparent is younger than its copy and its quantised version say that it is itself."""
    more = [held(f"f{at:02}", tuned(dict(family()["q-root"].matrices), task=30 + at, seed=30 + at)) for at in range(16)]
    early = family()["b-d"]
    rounded = {role: on_grid(values, "int8") for role, values in early.matrices.items()}
    whole = {role: values for role, values in rounded.items() if values is not None}
    made = [replace(early, id="d-copy"), held("d-int8", whole, dtype="F32")]
    order = [family()[name] for name in ("q-root", "z-a", "y-b", "e")] + more + made + [family()["c"]]
    dated = [replace(model, created_at=DAY + timedelta(days=at)) for at, model in enumerate(order)]
    dated.append(replace(early, created_at=DAY - timedelta(days=9)))
    told = said(dated)
    assert told["d-copy", "b-d"].relation is Relation.IDENTICAL
    assert told["d-int8", "b-d"].relation is Relation.QUANTIZED
    assert ("b-d", "c") in told


def test_what_lies_on_a_grid_is_no_root_whatever_its_date() -> None:
    order = [family()[name] for name in ("q-root", "z-a", "y-b", "e", "c")]
    dated = [replace(model, created_at=DAY + timedelta(days=at)) for at, model in enumerate(order)]
    rounded = {role: on_grid(values, "int8") for role, values in family()["z-a"].matrices.items()}
    whole = {role: values for role, values in rounded.items() if values is not None}
    told = said([*dated, held("int8", whole, DAY - timedelta(days=9), dtype="F32")])
    assert told["int8", "z-a"].relation is Relation.QUANTIZED
    assert ("z-a", "q-root") in told


def test_what_has_many_zeros_is_no_root_whatever_its_date() -> None:
    a = family()["z-a"]
    order = [family()[name] for name in ("q-root", "z-a", "y-b", "e", "c", "b-d")]
    dated = [replace(model, created_at=DAY + timedelta(days=at)) for at, model in enumerate(order)]
    least = {
        role: np.where(np.abs(values) < np.quantile(np.abs(values), 0.3), np.float32(0), values)
        for role, values in a.matrices.items()
    }
    dated.append(held("sparse", least, DAY - timedelta(days=9)))
    told = said(dated)
    assert told["sparse", "z-a"].relation is Relation.PRUNED
    assert told.keys() == (TRUE - {("copy", "c"), ("a-mixed", "z-a"), ("a-mixed", "y-b")}) | {("sparse", "z-a")}


def test_what_was_made_from_a_younger_model_to_the_bit_comes_after_it() -> None:
    """The source is the youngest of a family whose root is dated right: the dates lie, or the source was uploaded anew."""
    order = [family()[name] for name in ("q-root", "y-b", "e", "z-a", "c", "b-d")]
    dated = [replace(model, created_at=DAY + timedelta(days=at)) for at, model in enumerate(order)]
    source = family()["b-d"].matrices
    rounded = {role: on_grid(values, "int8") for role, values in source.items()}
    whole = {role: values for role, values in rounded.items() if values is not None}
    few = {
        role: np.where(np.abs(values) < np.quantile(np.abs(values), 0.3), np.float32(0), values)
        for role, values in source.items()
    }
    early = DAY + timedelta(days=1, hours=1)
    told = said([*dated, held("int8", whole, early, dtype="F32"), held("sparse", few, early)])
    assert told["int8", "b-d"].relation is Relation.QUANTIZED
    assert told["sparse", "b-d"].relation is Relation.PRUNED
    assert ("b-d", "c") in told


def test_the_first_is_the_root_whatever_the_dates_between_others_say() -> None:
    """The tree of distances joins siblings too: base - late - hub, and three more at the hub."""
    days = [0, 9, 1, 2, 3, 4]
    like = family()["q-root"]
    models = [replace(like, id=str(at), created_at=DAY + timedelta(days=day)) for at, day in enumerate(days)]
    distances = np.full((6, 6), 2.0)
    distances[2, :] = distances[:, 2] = 1.0
    distances[0, :] = distances[:, 0] = 3.0
    distances[0, 1] = distances[1, 0] = 1.0
    np.fill_diagonal(distances, 0.0)
    root, above = _root(models, distances, np.eye(6), [0] * 6, lambda _: 0)
    assert root == 0
    assert above == [None, 0, 1, 2, 2, 2]


def test_what_was_merged_of_children_of_a_base_that_is_not_there_is_not_their_root() -> None:
    """It lies in their middle; in truth all are children of one that is not known, and were uploaded before it."""
    base = dict(family()["q-root"].matrices)
    names = [f"m{at}" for at in range(6)]
    tunes = {name: tuned(base, task=40 + at, seed=40 + at) for at, name in enumerate(names)}
    mixed = {
        role: as_bf16(values + 0.5 * sum(tunes[name][role] - values for name in names[:3]))
        for role, values in base.items()
    }
    models = [held(name, weights, DAY + timedelta(days=at)) for at, (name, weights) in enumerate(tunes.items())]
    models.append(held("mixed", mixed, DAY + timedelta(days=9)))
    assert [model.id for model in chronicle(models).order] == [*names, "mixed"]
    root = replace(family()["q-root"], created_at=DAY + timedelta(days=9))
    assert chronicle([*models[:6], root]).order[0].id == "q-root"


def test_lines_of_descent_part_at_the_root() -> None:
    """And not at its children: most of the way to one of them is common to all others."""
    base = dict(family()["q-root"].matrices)
    models = [held("root", base), *(held(f"m{at}", tuned(base, task=40 + at, seed=40 + at)) for at in range(6))]
    ways = common_ways(noise_distances(models))
    assert abs(ways[0]) < 0.03
    assert ways[1:].min() > 0.2
    assert lines_part(ways, 0)
    assert not any(lines_part(ways, at) for at in range(1, 7))
    assert common_ways(np.zeros((2, 2))).tolist() == [0, 0]


def test_along_a_line_of_descent_ways_are_common_to_its_end() -> None:
    line = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    assert common_ways(line) == pytest.approx([1, 0, 0, 0, 1])


def test_a_root_that_was_uploaded_late_is_believed_where_lines_part_there() -> None:
    base = dict(family()["q-root"].matrices)
    tunes = [held(f"m{at}", tuned(base, task=40 + at, seed=40 + at), DAY + timedelta(days=at)) for at in range(6)]
    assert grown([*tunes, held("root", base, DAY + timedelta(days=9))]).order[0].id == "root"


@cache
def without_root() -> Mapping[str, Weights]:
    """Children of a base, a child of one, and an average of two."""
    base = root(7)
    tunes = {f"m{at}": tuned(base, task=40 + at, seed=40 + at) for at in range(6)}
    mean = {name: as_bf16(((tunes["m0"][name] + tunes["m1"][name]) / 2).astype(np.float32)) for name in base}
    return {**tunes, "child": tuned(tunes["m2"], task=60, seed=60), "mean": mean}


@pytest.mark.parametrize("dated", [True, False])
def test_children_of_a_base_that_is_not_there_are_not_one_another_s(dated: bool) -> None:
    drawn = enumerate(without_root().items())
    models = [held(name, weights, DAY + timedelta(days=at) if dated else None) for at, (name, weights) in drawn]
    assert set(said(models)) == {("child", "m2"), ("mean", "m0"), ("mean", "m1")}
    told = said([*models, held("base", root(7), DAY - timedelta(days=1))])
    assert {child for child, parent in told if parent == "base"} == {f"m{at}" for at in range(6)}


def test_who_is_identified_among_children_of_a_base_that_is_not_there_is_none_of_theirs(tmp_path: Path) -> None:
    for name, weights in without_root().items():
        write(tmp_path / "models" / name, weights)
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [tmp_path / "models"], blind=True)
    write(tmp_path / "other", tuned(root(7), task=70, seed=70))
    write(tmp_path / "young", tuned(without_root()["m3"], task=71, seed=71))
    assert identify(catalogue, tmp_path / "other")[1].parents == ()
    assert [parent.base_model for parent in identify(catalogue, tmp_path / "young")[1].parents] == ["m3"]


def test_a_base_that_is_there_is_named_whatever_else_was_made_from_none(tmp_path: Path) -> None:
    """Two were given back from eight bits, and their sources are not there."""
    base = root(7)
    drawn = {"base": base} | {f"m{at}": tuned(base, task=40 + at, seed=40 + at) for at in range(5)}
    for at in range(2):
        gone = tuned(base, task=50 + at, seed=50 + at)
        drawn[f"q{at}"] = {
            name: as_bf16(back) for name, values in gone.items() if (back := on_grid(values, "int8")) is not None
        }
    for name, weights in drawn.items():
        write(tmp_path / "models" / name, weights)
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [tmp_path / "models"], blind=True)
    told = shelf_of(catalogue).origins()
    assert not told["q0"].parents
    assert not told["q1"].parents
    write(tmp_path / "other", tuned(base, task=70, seed=70))
    assert [parent.base_model for parent in identify(catalogue, tmp_path / "other")[1].parents] == ["base"]


def test_what_stands_in_for_a_base_is_near_it() -> None:
    """Where several left a matrix untouched it is that; else the noise of one child is averaged away."""
    base = root(7)
    children = [held(name, weights) for name, weights in without_root().items() if name not in ("child", "mean")]
    found = stand_in(children)
    assert relative(found, held("base", base)) < 0.5 * min(relative(child, held("base", base)) for child in children)
    frozen = [
        held(f"f{at}", {role: values if "mlp" in role else child.matrices[role] for role, values in base.items()})
        for at, child in enumerate(children)
    ]
    there = stand_in(frozen)
    assert all(np.array_equal(there.matrices[role], values) for role, values in base.items() if "mlp" in role)
    assert not there.identity.value
    assert there.shapes == children[0].shapes


@pytest.mark.parametrize("trained", [("query", "key"), ("query", ".mlp")])
def test_a_root_is_not_put_together_of_what_left_its_parts_untouched(trained: tuple[str, str]) -> None:
    """Each of its matrices is that of one or the other, but no layer is wholly of one; of a real merge of layers, each is."""
    base = by_role(dict(family()["q-root"].matrices))
    tunes = [tuned(base, task=40, seed=40 + at) for at in range(4)]
    models = [held("base", base), *(held(f"m{at}", weights) for at, weights in enumerate(tunes))]
    for at, part in enumerate(trained):
        new = tuned(base, task=50 + at, seed=50 + at)
        models.append(held(part, {role: new[role] if part in role else values for role, values in base.items()}))
    distances = (1 - equal_shares(models)) * noise_distances(models)
    assert not _averages(models, distances, Grams(models))
    stack = held("stack", {role: tunes[role.startswith("1.")][role] for role in base})
    halves = tuple((parent, 0.5, 0.0) for parent in models[1:3])
    assert not _is_patchwork(stack, Mixture(halves, "matrix-wise", "", models[0], (1.0, 1.0)))


def test_of_equal_models_the_one_named_like_its_family_stands_for_them() -> None:
    base = dict(family()["q-root"].matrices)
    tunes = [held(f"m{at}", tuned(base, task=40 + at, seed=40 + at)) for at in range(5)]
    renamed = held("a-copy", {f"{role}.renamed" if "head" in role else role: values for role, values in base.items()})
    order = [model.id for model in chronicle([renamed, *tunes, held("z-root", base)]).order]
    assert order[0] == "z-root"


def star(hub: int, twin: int, count: int = 8) -> Doubles:
    """Distances of a star; the twin is at a hundredth of the others' distance from its middle."""
    distances = np.full((count, count), 2.0)
    distances[hub, :] = distances[:, hub] = 1.0
    distances[twin, :] = distances[:, twin] = 1.01
    distances[hub, twin] = distances[twin, hub] = 0.01
    np.fill_diagonal(distances, 0.0)
    return distances


def test_the_smallest_distances_are_distances() -> None:
    """Of models whose weights, or changes, are small: the tree is the same at any scale."""
    models = [replace(family()["q-root"], id=str(at)) for at in range(8)]
    wide = _root(models, star(hub=3, twin=0), np.eye(8), [0] * 8, lambda _: 0)
    assert _root(models, 1e-10 * star(hub=3, twin=0), np.eye(8), [0] * 8, lambda _: 0) == wide


def test_of_two_that_are_nearly_one_the_first_uploaded_is_the_root() -> None:
    """A little training moves a model towards all its siblings: they are nearer to it than to their base."""
    like = family()["q-root"]
    models = [replace(like, id=str(at), created_at=DAY + timedelta(days=at)) for at in range(8)]
    root, _ = _root(models, star(hub=1, twin=0), np.eye(8), [0] * 8, lambda _: 0)
    assert root == 0


@pytest.mark.parametrize("apart", [True, False])
def test_who_many_others_tell_from_its_base_is_not_the_root_for_a_wrong_date(apart: bool) -> None:
    """A little training, dated first: the others lie farther from it than from its base by all between these, or to and fro."""
    like, count = family()["q-root"], 42
    models = [replace(like, id=f"{at:02}", created_at=DAY + timedelta(days=at)) for at in range(count)]
    distances = star(hub=1, twin=0, count=count)
    others = np.arange(2, count)
    distances[0, others] = distances[others, 0] = 1.1 if apart else 1 + 0.002 * (-1.0) ** others
    distances[0, 1] = distances[1, 0] = 0.1
    root, _ = _root(models, distances, np.eye(count), [0] * count, lambda _: 0)
    assert root == (1 if apart else 0)


def test_of_two_that_are_nearly_one_the_root_is_what_others_have_to_the_bit() -> None:
    models = [replace(family()["q-root"], id=str(at)) for at in range(8)]
    equal = np.eye(8)
    assert _root(models, star(hub=1, twin=0), equal, [0] * 8, lambda _: 0)[0] == 1
    equal[0, 2:4] = equal[2:4, 0] = 0.1
    assert _root(models, star(hub=1, twin=0), equal, [0] * 8, lambda _: 0)[0] == 0


def test_what_averages_are_made_of_is_no_root() -> None:
    """In a line of three either end may be the root, and the middle most probably."""
    models = [replace(family()["q-root"], id=str(at)) for at in range(3)]
    line = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 0.0]])
    assert _root(models, line, np.eye(3), [0, 0, 0], lambda _: 0)[0] == 1
    assert _root(models, line, np.eye(3), [0, 2, 1], lambda _: 0)[0] == 0


def test_equal_weights_count_in_the_coarser_format() -> None:
    values = np.linspace(0.1, 0.9, 4000, dtype=np.float32).reshape(40, 100)
    exact = values * np.float32(1.0001)
    coarse = as_bf16(exact)
    coarse[:20] += 1
    digests = [digest_of("head", each, dtype) for each, dtype in ((exact, "F32"), (coarse, "BF16"))]
    one, other = (
        Member(name, digest.dtype, {"head": each}, identity([digest]), (digest,))
        for name, each, digest in (("one", exact, digests[0]), ("other", coarse, digests[1]))
    )
    shares = equal_shares([one, other])
    assert shares[0, 1] == shares[1, 0] == pytest.approx(1 - 20 / len(values), abs=0.01)
    assert (np.diag(shares) == 1).all()


def test_an_average_in_the_middle_of_a_small_family_is_not_its_root() -> None:
    """Without times, and with weights that add up to 1: any of base, parents and merge may look like the middle."""
    base = root(1)
    a, b = (tuned(base, task=task, seed=task) for task in (21, 22))
    models = {"m": base, "z": a, "y": b, "a": {name: as_bf16(0.5 * a[name] + 0.5 * b[name]) for name in base}}
    told = said([held(name, weights) for name, weights in models.items()])
    assert told.keys() == {("z", "m"), ("y", "m"), ("a", "z"), ("a", "y")}


def test_two_models_alone_may_be_either_way_round() -> None:
    pair = Origin("y", (Parent("y", "x", Relation.FINETUNE, 0.9, "near"),))
    (told,) = directed([pair], {})
    assert told.parents[0].probability == pytest.approx(0.45)
    (dated,) = directed([pair], {"x": DAY, "y": DAY})
    assert dated == pair


def test_a_declared_base_leads_among_those_in_question() -> None:
    asked = Origin(
        "y", (Parent("y", "x", Relation.FINETUNE, 0.4, "near"),), candidates=(("x", 0.4), ("w", 0.35), ("v", 0.25))
    )
    (told,) = directed([asked], {"v": DAY, "w": DAY, "x": DAY, "y": DAY}, {"y": {"w"}})
    assert told.parents[0].base_model == told.candidates[0][0] == "w"
    assert told.parents[0].probability == told.candidates[0][1] > 0.8
    assert sum(share for _, share in told.candidates) == pytest.approx(1)
