"""The zoo of tiny checkpoints: the same seed, the same bytes; a truth that holds; and a score that knows right from wrong."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("gguf")
pytest.importorskip("safetensors")

import torch
from click.testing import CliRunner
from safetensors import safe_open

from bench.zoo import baselines, checkpoints, making, merges, networks, plan, score, surgery, tasks, telling, truth
from bench.zoo.__main__ import main
from bench.zoo.truth import Candidate, Candidates, Card, Edge, Model, Negative, Parent, Predictions, Truth

SEED = 5


def made(folder: Path) -> Path:
    for _ in making.make_all(folder, SEED, 1, "micro", 1):
        pass
    telling.tell(folder, SEED, 1, "micro", 0.0, 0.0)
    return folder


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def own(zoo: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(zoo, tmp_path / "own"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def by_name(folder: Path) -> dict[str, Model]:
    return {model.name.removeprefix("R0."): model for model in truth.read(folder).models}


def said_by(of: Truth) -> Predictions:
    edges = [
        Edge(model=m.id, base_model=p.id, relation=p.relation, weight=p.weight) for m in of.models for p in m.parents
    ]
    sets = [
        Candidates(model=m.id, candidates=(Candidate(base_model=m.parents[0].id, probability=1.0),))
        for m in of.models
        if m.parents
    ]
    return Predictions(edges=tuple(edges), sets=tuple(sets))


def assert_perfect(result: score.Score) -> None:
    for rate in (result.copies, result.typed, result.untyped, result.undirected, result.merge_parents):
        assert (rate.precision, rate.recall, rate.f1) == (1, 1, 1)
    for share in (
        result.top,
        result.merge_sets,
        result.set_coverage,
        *result.top_by_kind.values(),
        *result.quantised.values(),
    ):
        assert share.value == 1
    assert result.coefficient_error in (0, None)
    assert (
        result.negatives.right,
        result.false_pairs.right,
        result.cross_root,
        result.brier,
        result.calibration_error,
    ) == (0, 0, 0, 0, 0)


# ---- the generator


def test_the_same_seed_makes_the_same_bytes(zoo: Path, tmp_path: Path) -> None:
    assert contents(made(tmp_path / "again")) == contents(zoo)


def test_what_is_made_is_kept_and_what_is_lost_is_made_again(own: Path) -> None:
    before = contents(own)
    lost = by_name(own)["fan1"].id
    shutil.rmtree(own / "models" / lost)
    stamp = {path: path.stat().st_mtime_ns for path in (own / "models").rglob("*") if path.is_file()}
    assert list(making.make_all(own, SEED, 1, "micro", 1)) == [(0, 1)]
    assert contents(own) == before
    assert {path: path.stat().st_mtime_ns for path in stamp} == stamp


def test_another_seed_in_the_same_folder_replaces_everything(own: Path) -> None:
    before = contents(own / "models")
    assert list(making.make_all(own, SEED + 1, 1, "micro", 1)) == [(0, len(by_name(own)))]
    assert not any(
        data == before.get(name)
        for name, data in contents(own / "models").items()
        if name.endswith("model.safetensors")
    )


def test_two_makers_of_one_folder_are_refused(own: Path) -> None:
    with (own / "made" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError, match="another process"):
            next(making.make_all(own, SEED, 1, "micro", 1))


def test_truth_holds(zoo: Path) -> None:
    known = {model.id: model for model in truth.read(zoo).models}
    assert {path.name for path in (zoo / "models").iterdir()} == known.keys()
    for model in known.values():
        for parent in model.parents:
            assert known[parent.id].created_at < model.created_at
            assert known[parent.id].class_ != model.id
        assert model.created_at == model.created_truly
        assert known[known[model.class_].class_].id == model.class_
        assert known[model.class_].created_at <= model.created_at
    assert {n.id for n in truth.read(zoo).negatives} == {id for id, model in known.items() if not model.parents}
    [merge] = [model for model in known.values() if model.kind == "linear"]
    assert sum(parent.weight or 0 for parent in merge.parents) == pytest.approx(1)


def test_classes_join_copies_and_casts_only(zoo: Path) -> None:
    models = by_name(zoo)
    sizes = Counter(model.class_ for model in models.values())
    assert sizes[models["fan0"].id] == sizes[models["fan1"].id] == 2
    assert models["fan0-copy"].class_ == models["fan0"].id
    assert models["fan1-float32"].class_ == models["fan1"].id
    assert sorted(sizes.values()) == [1] * (len(models) - 4) + [2, 2]


def test_names_and_folders_tell_nothing(zoo: Path) -> None:
    plain = {"config.json", "model.safetensors"}
    for model in truth.read(zoo).models:
        files = {path.name for path in (zoo / "models" / model.id).iterdir()}
        expected = {
            "gguf": {"config.json", "model-Q8_0.gguf"},
            "peft adapter": {"adapter_config.json", "adapter_model.safetensors"},
        }
        assert files == expected.get(model.format, plain)
        assert len(model.id) == 5


def test_a_backdated_model_is_older_than_its_base_and_a_withheld_base_is_aside(own: Path) -> None:
    before = contents(own / "models")
    telling.tell(own, SEED, 1, "micro", 1.0, 1.0)
    told = truth.read(own)
    known = {model.id: model for model in told.models}
    held = {model.id for model in told.models if model.missing}
    assert {known[id].name for id in held} == {"R0.fan0", "R0.fan1"}
    assert {path.name for path in (own / "withheld").iterdir()} == held
    for model in told.models:
        assert model.time_wrong == bool(model.parents)
        assert all(model.created_at < known[parent.id].created_truly for parent in model.parents)
        assert all(parent.missing == (parent.id in held) for parent in model.parents)
    assert not held & {card.id for card in msgspec.json.decode((own / "cards.json").read_bytes(), type=list[Card])}
    assert_perfect(score.score(told, said_by(told)))
    assert list(making.make_all(own, SEED, 1, "micro", 1)) == [(0, 0)]
    telling.tell(own, SEED, 1, "micro", 0.0, 0.0)
    assert contents(own / "models") == before


def test_cards_lie_as_often_as_they_should() -> None:
    recipes = plan.planned(3, 40, "small")
    ids = {recipe.name: id for id, recipe in recipes}
    draw = tasks.generator("lies of a test")
    dates = telling.dates(3, recipes)
    standing = Counter(telling.card_of(recipe, ids, dates, draw)[0] for _, recipe in recipes if recipe.relation)
    declared = sum(standing.values()) - standing["silent"]
    assert standing["wrong"] / declared == pytest.approx(0.10, abs=0.025)
    assert standing["gone"] / declared == pytest.approx(0.05, abs=0.02)
    assert declared / sum(standing.values()) == pytest.approx(0.6, abs=0.05)


def test_every_kind_is_planned_with_two_roots() -> None:
    recipes = [recipe for _, recipe in plan.planned(1, 2, "full")]
    assert {recipe.relation for recipe in recipes} == {*truth.Relation.__args__, None}  # type: ignore[attr-defined]
    assert len({recipe.name for recipe in recipes}) == len(recipes) == len({id for id, _ in plan.planned(1, 2, "full")})
    layouts = {recipe.layout for recipe in recipes}
    assert layouts >= {
        "bytes",
        "stripped",
        "renamed",
        "anonymous",
        "transposed",
        "resharded",
        "int8",
        "adapter",
        "gguf:Q8_0",
        "gguf:Q4_0",
        "gguf:F16",
    }
    assert {recipe.kind for recipe in recipes if recipe.verb == "merge"} == {
        "linear",
        "slerp",
        "task arithmetic",
        "dare",
        "ties",
    }
    before: set[str] = set()
    for recipe in recipes:
        assert before >= set(recipe.bases)
        assert len(set(recipe.bases)) == len(recipe.bases)
        before.add(recipe.name)


# ---- files


SHAPE = networks.Shape(vocabulary=64, hidden=32, layers=2, heads=4, kv_heads=2, ffn=64)
WEIGHTS = networks.first(SHAPE, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("layout", ["plain", "stripped", "resharded"])
def test_the_same_values_are_read_back(tmp_path: Path, layout: str) -> None:
    checkpoints.write(tmp_path, WEIGHTS, SHAPE, "bfloat16", layout, 0)
    back = checkpoints.read(tmp_path)
    assert back.keys() == WEIGHTS.keys()
    assert all(torch.equal(back[name], tensor.bfloat16().float()) for name, tensor in WEIGHTS.items())


@pytest.mark.parametrize("layout", ["renamed", "anonymous", "transposed"])
def test_the_same_values_under_other_names_or_turned(tmp_path: Path, layout: str) -> None:
    checkpoints.write(tmp_path, WEIGHTS, SHAPE, "bfloat16", layout, 0)
    back = checkpoints.read(tmp_path)

    def values(weights: networks.Weights) -> list[list[float]]:
        return sorted(sorted(tensor.bfloat16().float().flatten().tolist()) for tensor in weights.values())

    assert values(back) == values(WEIGHTS)
    if layout == "transposed":
        name = "model.layers.1.mlp.up_proj.weight"
        assert torch.equal(back[name], WEIGHTS[name].T.bfloat16().float())
    else:
        assert not set(back) & (set(WEIGHTS) - {"lm_head.weight"})


@pytest.mark.parametrize("grid", ["Q8_0", "Q4_0", "F16"])
def test_gguf_is_read_back_through_its_row_order(tmp_path: Path, grid: str) -> None:
    checkpoints.write_gguf(tmp_path, WEIGHTS, SHAPE, grid)
    back, wanted = checkpoints.read(tmp_path), checkpoints.quantised(WEIGHTS, grid)
    assert back.keys() == wanted.keys()
    assert all(torch.equal(back[name], wanted[name]) for name in wanted)


def test_rotary_order_is_that_of_llama_cpp() -> None:
    rows = torch.arange(8.0)[:, None]
    assert checkpoints.rotary(rows, 2).flatten().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    assert torch.equal(checkpoints.rotary(checkpoints.rotary(rows, 2), 2, back=True), rows)


def test_int8_is_a_code_and_a_scale_a_row(tmp_path: Path) -> None:
    checkpoints.write_int8(tmp_path, WEIGHTS, SHAPE)
    with safe_open(tmp_path / "model.safetensors", "np") as file:
        assert file.get_tensor("lm_head.weight").dtype == np.int8
        assert file.get_tensor("lm_head.weight_scale").shape == (64, 1)
    back, wanted = checkpoints.read(tmp_path), checkpoints.quantised(WEIGHTS, "int8")
    assert all(torch.equal(back[name], wanted[name]) for name in WEIGHTS if WEIGHTS[name].ndim > 1)


# ---- what is done to weights


def changed(seed: int, scale: float = 0.01) -> networks.Weights:
    draw = torch.Generator().manual_seed(seed)
    return {name: w + scale * torch.randn(w.shape, generator=draw) for name, w in WEIGHTS.items()}


def equal(one: networks.Weights, two: networks.Weights, tolerance: float = 1e-6) -> bool:
    return all(torch.allclose(one[name], two[name], atol=tolerance) for name in one)


def test_merges_at_their_ends() -> None:
    one, two = changed(1), changed(2)
    draw = torch.Generator().manual_seed(0)
    assert equal(merges.linear([one, two], [1, 0]), one)
    assert equal(merges.slerp([one, two], [0, 1]), two)
    near, nearer = changed(1, 1e-3), changed(2, 1e-3)
    assert equal(merges.slerp([near, nearer], [0.7, 0.3]), merges.linear([near, nearer], [0.7, 0.3]), 1e-4)
    assert equal(merges.task_arithmetic(WEIGHTS, [one, two], [0.4, 0.6]), merges.linear([one, two], [0.4, 0.6]))
    assert equal(merges.dare(WEIGHTS, [one, two], [0.4, 0.6], 1.0, draw), merges.linear([one, two], [0.4, 0.6]))
    assert equal(merges.ties(WEIGHTS, [one], [1.0], 1.0), one)


def test_ties_against_its_definition() -> None:
    base = {"w": torch.zeros(6)}
    one, two = (
        {"w": torch.tensor([3.0, -2.0, 1.0, 0.1, 4.0, 0.2])},
        {"w": torch.tensor([1.0, 3.0, 0.1, 0.2, -5.0, -2.0])},
    )
    # the largest three of each: 3 -2 . . 4 .   and   . 3 . . -5 -2 ; elected by .75, .25: + - . . + -
    assert merges.ties(base, [one, two], [0.75, 0.25], 0.5)["w"].tolist() == [3.0, -2.0, 0.0, 0.0, 4.0, -2.0]


@pytest.mark.parametrize("change", [surgery.permute_neurons, surgery.rescale])
def test_the_function_is_the_same(change: object) -> None:
    assert callable(change)
    tokens = torch.arange(20).view(2, 10)
    other = change(WEIGHTS, torch.Generator().manual_seed(1))
    name = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(other[name], WEIGHTS[name])
    assert torch.allclose(networks.forward(other, SHAPE, tokens), networks.forward(WEIGHTS, SHAPE, tokens), atol=1e-4)


def test_what_is_cut_runs() -> None:
    tokens = torch.arange(20).view(2, 10)
    draw = torch.Generator().manual_seed(1)
    for cut, size in (
        (surgery.drop_neurons(WEIGHTS, 40), {"ffn": 40}),
        (surgery.drop_layer(WEIGHTS, 0), {"layers": 1}),
        (surgery.extend_vocabulary(WEIGHTS, 8, draw), {"vocabulary": 72}),
    ):
        shape = networks.shape_of(cut, SHAPE)
        assert shape == msgspec.structs.replace(SHAPE, **size)
        assert networks.forward(cut, shape, tokens).shape == (2, 10, shape.vocabulary)
    sparse = surgery.sparsify(WEIGHTS, 0.4)["model.layers.0.mlp.up_proj.weight"]
    assert float((sparse == 0).float().mean()) == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("family", tasks.FAMILIES)
def test_tasks_are_tokens_with_a_rule(family: str) -> None:
    rows = tasks.sequences(family, 1, tasks.generator("a"), 20)
    assert rows.shape == (20, tasks.LENGTH)
    assert rows.min() >= 0
    assert rows.max() < tasks.TOKENS
    assert (rows == tasks.sequences(family, 1, tasks.generator("a"), 20)).all()
    assert (rows != tasks.sequences(family, 1, tasks.generator("b"), 20)).any()


# ---- the score


def test_the_truth_scores_one(zoo: Path) -> None:
    told = truth.read(zoo)
    assert_perfect(score.score(told, said_by(told)))
    nothing = score.score(told, Predictions(edges=()))
    assert (nothing.typed.precision, nothing.typed.recall, nothing.typed.f1, nothing.top.right) == (1, 0, 0, 0)


def model(
    id: str, *parents: tuple[str, truth.Relation, float | None], root: int = 0, kind: str = "fan", of: str = ""
) -> Model:
    above = tuple(Parent(id=p, relation=relation, weight=weight) for p, relation, weight in parents)
    fields = {
        "root": root,
        "kind": kind,
        "created_at": id,
        "created_truly": id,
        "dtype": "bfloat16",
        "format": "safetensors",
    }
    return msgspec.convert(
        {**fields, "id": id, "name": id, "class": of or id, "parents": msgspec.to_builtins(above)}, Model
    )


#   a ─┬─ b ── c (copy of b)          x (another family)
#      ├─ d
#      └┄ m = .75 b + .25 d (ties)
DRAWN = Truth(
    version=1,
    seed=0,
    models=(
        model("a"),
        model("b", ("a", "finetune", None)),
        model("c", ("b", "identical", None), of="b"),
        model("d", ("a", "finetune", None)),
        model("m", ("b", "merge", 0.75), ("d", "merge", 0.25), kind="ties"),
        model("x", root=1),
    ),
    negatives=(Negative(id="a", why=""), Negative(id="x", why="")),
)


def scored(
    *edges: tuple[str, str, truth.Relation], weights: tuple[float, ...] = (), probability: float = 1.0
) -> score.Score:
    said = [
        Edge(
            model=child,
            base_model=base,
            relation=relation,
            probability=probability,
            weight=weights[n] if weights else None,
        )
        for n, (child, base, relation) in enumerate(edges)
    ]
    return score.score(DRAWN, Predictions(edges=tuple(said)))


def test_the_copy_of_a_base_is_as_right_as_the_base() -> None:
    assert scored(("m", "c", "merge")).typed.right == 1
    assert scored(("m", "c", "merge"), ("m", "b", "merge")).typed.said == 1
    assert scored(("c", "c", "identical")).copies == score.Rate(right=1, said=1, wanted=1)


def test_type_and_direction_count_apart() -> None:
    wrong_type = scored(("b", "a", "quantized"))
    assert (wrong_type.typed.right, wrong_type.untyped.right, wrong_type.undirected.right) == (0, 1, 1)
    reversed_edge = scored(("a", "b", "finetune"))
    assert (reversed_edge.typed.right, reversed_edge.untyped.right, reversed_edge.undirected.right) == (0, 0, 1)
    assert reversed_edge.negatives == score.Share(right=1, of=2)


def test_only_the_ratio_of_ties_counts() -> None:
    result = scored(("m", "b", "merge"), ("m", "d", "merge"), weights=(1.5, 0.5))
    assert result.merge_sets == score.Share(right=1, of=1)
    assert result.coefficient_error == pytest.approx(0)
    assert scored(("m", "b", "merge")).merge_sets == score.Share(right=0, of=1)
    assert scored(("m", "b", "merge")).merge_parents.f1 == pytest.approx(2 / 3)


def test_edges_between_families_are_false() -> None:
    result = scored(("x", "a", "finetune"), ("b", "x", "finetune"))
    assert (result.false_pairs.right, result.false_pairs.of, result.cross_root) == (2, 5, 2)
    assert (scored(("b", "d", "finetune")).false_pairs.right, result.negatives.right) == (0, 1)


def test_probabilities_are_judged() -> None:
    half = scored(("b", "a", "finetune"), ("d", "b", "finetune"), probability=0.5)
    assert half.brier == pytest.approx(0.25)
    assert half.calibration_error == pytest.approx(0)
    assert half.bins == ((0.5, 0.5, 2),)
    assert score.reliability(half).endswith("said 0.50 right 0.50 (2)")


def test_without_times_any_of_equal_models_may_be_the_oldest() -> None:
    turned = Predictions(
        edges=(
            Edge(model="c", base_model="a", relation="finetune"),
            Edge(model="b", base_model="c", relation="identical"),
        )
    )
    dated, timeless = score.score(DRAWN, turned), score.score(DRAWN, turned, timeless=True)
    assert (dated.typed.right, timeless.typed.right) == (0, 2)
    assert timeless.copies == score.Rate(right=1, said=1, wanted=1)
    reversed_edge = Predictions(edges=(Edge(model="a", base_model="d", relation="finetune"),))
    assert score.score(DRAWN, reversed_edge, timeless=True).typed.right == 0


# ---- the baselines and the commands


def test_baselines_do_what_they_are_called(zoo: Path) -> None:
    models = by_name(zoo)
    said = {name: {(e.model, e.base_model) for e in one.edges} for name, one in baselines.predictions(zoo).items()}
    assert (models["student"].id, models["root"].id) in said["config hash, oldest"]
    assert {base for _, base in said["family root (star)"]} == {models["root"].id}
    assert (models["fan0"].id, models["root"].id) in said["nearest earlier, L2"]
    for name in ("nearest earlier, L2", "nearest earlier, bf16 Hamming", "family root (star)"):
        assert all(child != models["student"].id for child, _ in said[name])
    result = score.score(truth.read(zoo), baselines.predictions(zoo)["nearest earlier, L2"])
    assert (
        result.untyped.f1 > score.score(truth.read(zoo), baselines.predictions(zoo)["config hash, oldest"]).untyped.f1
    )


def test_commands(own: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    again = run(main, ["make", str(own), "--micro", "--roots", "1", "--seed", str(SEED)])
    assert again.exit_code == 0, again.output
    assert "root 0: 0 models made" in again.output
    shown = run(main, ["baselines", str(own), "--out", str(tmp_path / "said"), "--details"])
    assert shown.exit_code == 0, shown.output
    assert "| nearest earlier, L2 |" in shown.output
    perfect = tmp_path / "perfect.json"
    truth.write(perfect, said_by(truth.read(own)))
    result = run(main, ["score", str(own), str(perfect), "--json", "--roots", "0"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["perfect"]["typed"] == {"right": 10, "said": 10, "wanted": 10}
    assert "1.000 / 1.000 / 1.000" in run(main, ["score", str(own), str(perfect)]).output
