"""Where checkpoints come from, by their weights alone: on a drawn family, through files, the catalogue and the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from graph.catalogue import Catalogue
from graph.records import Relation
from ingest.folders import ingest_folders
from ingest.identify import identify
from ingest.weights.folder import checkpoints
from ingest.weights.formats import as_bf16, as_fp16
from ingest.weights.member import Member, member
from ingest.weights.origin import origins
from ingest.weights.parent import Origin
from tests.cli.test_commands import stemma
from tests.ingest.weights.families import CONFIG, Weights, held, root, ties, tuned, write

BASE = root(1)
TUNE = tuned(BASE, task=1, seed=11)
FAR = tuned(BASE, task=2, seed=12)
DAY = datetime(2025, 1, 1, tzinfo=UTC)


def found(tmp_path: Path, **models: Weights) -> dict[str, Origin]:
    """The origins of models, uploaded in the order given."""
    members = [
        replace(_member(write(tmp_path / name, weights)), created_at=DAY + timedelta(days=at))
        for at, (name, weights) in enumerate(models.items())
    ]
    return {origin.model: origin for origin in origins(members)}


def _member(path: Path) -> Member:
    item = next(checkpoints(path))
    return member(item.model, item.read())


def edges(origin: Origin) -> set[tuple[str, Relation]]:
    return {(parent.base_model, parent.relation) for parent in origin.parents}


def test_a_root_and_a_stranger_have_no_base(tmp_path: Path) -> None:
    told = found(tmp_path, root=BASE, stranger=root(2))
    assert not told["root"].parents
    assert not told["stranger"].parents


def test_a_child_of_a_tune_is_told_from_a_sibling(tmp_path: Path) -> None:
    grown = tuned(TUNE, task=3, seed=13)
    sibling = tuned(BASE, task=1, seed=14)
    told = found(tmp_path, root=BASE, tune=TUNE, sibling=sibling, far=FAR, grown=grown)
    assert edges(told["tune"]) == edges(told["sibling"]) == edges(told["far"]) == {("root", Relation.FINETUNE)}
    assert edges(told["grown"]) == {("tune", Relation.FINETUNE)}
    assert told["grown"].parents[0].probability > 0.8


def test_a_merge_has_its_parents_and_coefficients(tmp_path: Path) -> None:
    mixed = {name: as_bf16(0.6 * TUNE[name] + 0.4 * FAR[name]) for name in BASE}
    told = found(tmp_path, root=BASE, tune=TUNE, far=FAR, mixed=mixed)
    assert edges(told["mixed"]) == {("tune", Relation.MERGE), ("far", Relation.MERGE)}
    weights = {parent.base_model: parent.weight for parent in told["mixed"].parents}
    assert weights == {"tune": pytest.approx(0.6, abs=0.03), "far": pytest.approx(0.4, abs=0.03)}


def test_dropped_and_scaled_task_vectors_are_a_merge(tmp_path: Path) -> None:
    """DARE: each weight of each task vector is dropped at one half, the rest doubled."""
    rng = np.random.default_rng(5)
    parts = [(0.5, TUNE), (0.5, FAR)]
    mixed = {
        name: as_bf16(
            (
                base + sum(share * (part[name] - base) * rng.integers(0, 2, base.shape) * 2 for share, part in parts)
            ).astype(np.float32)
        )
        for name, base in BASE.items()
    }
    told = found(tmp_path, root=BASE, tune=TUNE, far=FAR, mixed=mixed)
    assert edges(told["mixed"]) == {("tune", Relation.MERGE), ("far", Relation.MERGE)}


@pytest.mark.parametrize(("kept", "size"), [(0.9, 3), (0.8, 2), (0.77, 3), (0.7, 3)])
def test_task_vectors_of_which_little_was_dropped_are_a_merge(tmp_path: Path, kept: float, size: int) -> None:
    """Of few weights all task vectors are dropped, so that few are the base's."""
    rng = np.random.default_rng(5)
    models = {"tune": TUNE, "far": FAR, "third": tuned(BASE, task=5, seed=16)}
    shares = dict(zip(models, (0.85, 0.6, 0.4)[:size], strict=False))
    mixed = {
        name: as_bf16(
            (
                base
                + sum(
                    share / kept * (models[part][name] - base) * (rng.random(base.shape) < kept)
                    for part, share in shares.items()
                )
            ).astype(np.float32)
        )
        for name, base in BASE.items()
    }
    told = found(tmp_path, root=BASE, **models, sibling=tuned(BASE, task=1, seed=14), mixed=mixed)
    assert edges(told["mixed"]) == {(name, Relation.MERGE) for name in shares}
    assert {parent.base_model: parent.weight for parent in told["mixed"].parents} == pytest.approx(shares, abs=0.03)


def test_an_average_of_five_has_all_of_them(tmp_path: Path) -> None:
    models = {f"m{at}": tuned(BASE, task=20 + at, seed=20 + at) for at in range(5)}
    shares = dict(zip(models, (0.35, 0.2, 0.2, 0.15, 0.1), strict=True))
    mixed = {
        name: as_bf16(np.sum([share * models[part][name] for part, share in shares.items()], axis=0).astype(np.float32))
        for name in BASE
    }
    told = found(tmp_path, root=BASE, **models, mixed=mixed)
    assert {parent.base_model: parent.weight for parent in told["mixed"].parents} == pytest.approx(shares, abs=0.02)


def test_trimmed_task_vectors_are_a_merge_where_one_touches_few_matrices(tmp_path: Path) -> None:
    """TIES of an adapter and two siblings: where the adapter changed nothing, their mean says nothing of its weight."""
    models = {"adapter": adapted(), "tune": TUNE, "sibling": tuned(BASE, task=1, seed=14, size=0.04)}
    told = found(tmp_path, root=BASE, **models, mixed=ties(BASE, [*models.values()], [0.2, 0.5, 0.3]))
    assert edges(told["mixed"]) == {(name, Relation.MERGE) for name in models}
    said = {parent.base_model: parent.weight for parent in told["mixed"].parents}
    assert [said[name] for name in models] == pytest.approx([0.2, 0.5, 0.3], abs=0.01)


def test_trimmed_task_vectors_are_a_merge_on_a_base_in_a_finer_format(tmp_path: Path) -> None:
    """What TIES keeps of a base in float16 is rounded with the rest when the merge is stored as bfloat16."""
    rng = np.random.default_rng(9)
    base = {
        name: as_fp16((values + rng.normal(0, 1e-5, values.shape)).astype(np.float32)) for name, values in BASE.items()
    }
    tune, far = tuned(base, task=1, seed=11), tuned(base, task=2, seed=12)
    merge = ties(base, [tune, far], [0.6, 0.4])
    folders = [write(tmp_path / "root", base, dtype="f16")]
    folders += [write(tmp_path / name, weights) for name, weights in (("tune", tune), ("far", far), ("mixed", merge))]
    members = [replace(_member(folder), created_at=DAY + timedelta(days=at)) for at, folder in enumerate(folders)]
    told = {origin.model: origin for origin in origins(members)}
    assert edges(told["mixed"]) == {("tune", Relation.MERGE), ("far", Relation.MERGE)}


def test_trimmed_task_vectors_of_four_are_a_merge(tmp_path: Path) -> None:
    models = {f"tune-{task}": tuned(BASE, task=task, seed=task, size=0.05) for task in range(31, 35)}
    told = found(tmp_path, root=BASE, **models, mixed=ties(BASE, [*models.values()], [0.25] * 4, density=0.4))
    assert edges(told["mixed"]) == {(name, Relation.MERGE) for name in models}


def test_task_vectors_of_which_some_were_dropped_before_signs_were_chosen_are_a_merge(tmp_path: Path) -> None:
    """DARE-TIES: what is left of each is scaled up by what was dropped, then those that agree in sign are averaged."""
    rng = np.random.default_rng(3)
    models = {"tune": tuned(BASE, task=1, seed=35, size=0.05), "far": tuned(BASE, task=2, seed=36, size=0.05)}
    dropped = [
        {
            name: (values + (weights[name] - values) * (rng.random(values.shape) < kept) / kept).astype(np.float32)
            for name, values in BASE.items()
        }
        for weights, kept in zip(models.values(), (0.7, 0.6), strict=True)
    ]
    told = found(tmp_path, root=BASE, **models, mixed=ties(BASE, dropped, [0.5, 0.5], density=1.0))
    assert edges(told["mixed"]) == {(name, Relation.MERGE) for name in models}


def test_of_task_vectors_of_unlike_sizes_hardly_a_weight_is_the_base_s() -> None:
    """DARE of a model and an adapter that changed ten times as much, of which two in ten are dropped, in float16."""
    rng = np.random.default_rng(9)
    kept = 0.79
    base = {name: as_fp16(values) for name, values in BASE.items()}
    tune = {name: as_fp16(values) for name, values in tuned(base, task=1, seed=61, size=0.013).items()}
    change = {name: rng.normal(size=(len(v), 8)) @ rng.normal(size=(8, v.shape[1])) for name, v in base.items()}
    lora = {
        name: values if "embed" in name else as_fp16((values + 0.0025 * change[name]).astype(np.float32))
        for name, values in base.items()
    }
    mixed = {
        name: as_fp16(
            (
                values
                + sum(
                    weight * (parent[name] - values) * (rng.random(values.shape) < kept) / kept
                    for weight, parent in ((0.54, tune), (0.46, lora))
                )
            ).astype(np.float32)
        )
        for name, values in base.items()
    }
    drawn = {"base": base, "tune": tune, "lora": lora, "mixed": mixed}
    models = [held(name, weights, DAY + timedelta(days=at), "F16") for at, (name, weights) in enumerate(drawn.items())]
    *_, told = origins(models)
    assert [(parent.base_model, parent.relation) for parent in told.parents] == [
        ("tune", Relation.MERGE),
        ("lora", Relation.MERGE),
    ]
    assert [parent.weight for parent in told.parents] == pytest.approx([0.54, 0.46], abs=0.01)


def adapted() -> Weights:
    """A merged adapter of rank 4 on some matrices of the base."""
    rng = np.random.default_rng(7)
    out = dict(BASE)
    for name in BASE:
        if "q_proj" in name or "v_proj" in name:
            change = rng.normal(size=(64, 4)) @ rng.normal(size=(4, 64))
            out[name] = as_bf16((BASE[name] + 0.2 * change / 40).astype(np.float32))
    return out


def test_a_merged_adapter_is_of_low_rank(tmp_path: Path) -> None:
    told = found(tmp_path, root=BASE, tune=TUNE, adapted=adapted())
    assert edges(told["adapted"]) == {("root", Relation.FINETUNE)}
    assert "rank 4" in told["adapted"].parents[0].detail


def test_a_merged_adapter_is_of_low_rank_beside_rounding(tmp_path: Path) -> None:
    """Of a base in float32 all weights are rounded when an adapter on it is stored as bfloat16, touched or not."""
    rng = np.random.default_rng(9)
    fine = {name: values + rng.normal(0, 1e-5, values.shape).astype(np.float32) for name, values in BASE.items()}
    merged = {name: as_bf16(fine[name] + (values - BASE[name])) for name, values in adapted().items()}
    few = {name: values if "q_proj" in name else as_bf16(fine[name]) for name, values in merged.items()}
    write(tmp_path / "root", fine, dtype="f32")
    for name, weights in {"adapted": merged, "few": few}.items():
        write(tmp_path / name, weights)
    members = [
        replace(_member(tmp_path / name), created_at=DAY + timedelta(days=at))
        for at, name in enumerate(("root", "adapted", "few"))
    ]
    for told in list(origins(members))[1:]:
        assert edges(told) == {("root", Relation.FINETUNE)}
        assert "rank 4" in told.parents[0].detail


def test_neurons_in_another_order_and_more_words(tmp_path: Path) -> None:
    order = np.random.default_rng(8).permutation(160)
    turned = dict(TUNE)
    for name in TUNE:
        if "gate_proj" in name or "up_proj" in name:
            turned[name] = TUNE[name][order]
        elif "down_proj" in name:
            turned[name] = TUNE[name][:, order]
    more = dict(TUNE)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        extra = as_bf16(np.random.default_rng(9).normal(0, 0.05, (8, 64)).astype(np.float32))
        more[name] = np.concatenate([TUNE[name], extra])
    fork = tuned(more, task=4, seed=15)
    told = found(tmp_path, root=BASE, tune=TUNE, turned=turned, more=more, fork=fork)
    assert edges(told["turned"]) == {("tune", Relation.PERMUTED)}
    assert edges(told["more"]) == {("tune", Relation.EXPANDED)}
    assert edges(told["fork"]) == {("more", Relation.FINETUNE)}


def test_a_merge_of_what_was_cut_is_not_cut_from_the_same(tmp_path: Path) -> None:
    """It lies nearer to what its parents were cut from than to any of them."""
    more = dict(BASE)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        extra = as_bf16(np.random.default_rng(9).normal(0, 0.05, (8, 64)).astype(np.float32))
        more[name] = np.concatenate([BASE[name], extra])
    tunes = {f"m{at}": tuned(BASE, task=20 + at, seed=20 + at) for at in range(4)}
    shares = {"m1": 0.4, "m2": 0.35, "m3": 0.25}
    mixed = {
        name: as_bf16(np.sum([share * tunes[part][name] for part, share in shares.items()], axis=0).astype(np.float32))
        for name in BASE
    }
    told = found(tmp_path, more=more, **tunes, mixed=mixed)
    assert edges(told["m0"]) == {("more", Relation.PRUNED)}
    assert {parent.base_model: parent.weight for parent in told["mixed"].parents} == pytest.approx(shares, abs=0.02)


def test_of_a_source_that_is_not_there_a_relative_is_not_told_surely(tmp_path: Path) -> None:
    rows = {}
    for name, values in FAR.items():
        step = np.abs(values).max(axis=-1, keepdims=True) / 127
        rows[name] = (np.round(values / step) * step).astype(np.float32) if values.ndim == 2 else values
    for name, weights in {"root": BASE, "tune": TUNE, "far": FAR, "rows": rows}.items():
        write(tmp_path / name, weights, dtype="f32")
    members = [
        replace(_member(tmp_path / name), created_at=DAY + timedelta(days=at))
        for at, name in enumerate(("root", "tune", "far", "rows"))
    ]
    (known,) = list(origins(members))[-1].parents
    assert (known.base_model, known.relation) == ("far", Relation.QUANTIZED)
    assert known.probability > 0.95
    told = list(origins([each for each in members if each.id != "far"]))[-1]
    assert not told.parents


def _in_blocks(values: npt.NDArray[np.float32], levels: int) -> npt.NDArray[np.float32]:
    """Each 16 on that many even levels from their least to their largest, as many block formats have it."""
    blocks = values.reshape(-1, 16)
    least = blocks.min(axis=1, keepdims=True)
    step = (blocks.max(axis=1, keepdims=True) - least) / (levels - 1)
    back: npt.NDArray[np.float32] = least + np.round((blocks - least) / step) * step
    return back.reshape(values.shape)


@pytest.mark.parametrize("levels", [8, 16, 32, 64])
def test_what_was_given_back_from_blocks_of_few_levels_is_quantised(tmp_path: Path, levels: int) -> None:
    sibling = tuned(BASE, task=1, seed=14)
    back = {name: as_bf16(_in_blocks(values, levels)) for name, values in TUNE.items()}
    told = found(tmp_path, root=BASE, tune=TUNE, sibling=sibling, back=back)
    assert edges(told["back"]) == {("tune", Relation.QUANTIZED)}
    assert "blocks of few levels" in told["back"].parents[0].detail
    assert edges(told["sibling"]) == {("root", Relation.FINETUNE)}


def test_what_was_given_back_from_a_grid_is_no_source_of_another_that_lies_on_it(tmp_path: Path) -> None:
    """Put on the grid again it is the same to the bit."""
    back: dict[str, Weights] = {"f32": {}, "f16": {}}
    for name, values in FAR.items():
        step = np.abs(values).max(axis=-1, keepdims=True) / 127
        for kind, weights in back.items():
            weights[name] = (np.round(values / step) * step).astype(np.float16 if kind == "f16" else np.float32)
    for name, weights in {"root": BASE, "tune": TUNE, "far": FAR}.items():
        write(tmp_path / name, weights, dtype="f32")
    for kind, weights in back.items():
        changed = {name: values + 0 for name, values in weights.items()}
        if kind == "f16":  # not a cast of the other: one weight more is zero
            changed["lm_head.weight"][0, 0] = 0
        write(tmp_path / f"back-{kind}", changed, dtype=kind)
    members = [
        replace(_member(tmp_path / name), created_at=DAY + timedelta(days=at))
        for at, name in enumerate(("root", "tune", "far", "back-f32", "back-f16"))
    ]
    told = {
        origin.model: [(parent.base_model, parent.relation) for parent in origin.parents] for origin in origins(members)
    }
    assert told["back-f32"] == told["back-f16"] == [("far", Relation.QUANTIZED)]


def family(folder: Path) -> dict[str, tuple[str, str] | None]:
    """A folder of copies in every form; returns what each is of."""
    write(folder / "root", BASE)
    write(folder / "tune", TUNE)
    write(folder / "copy", TUNE)
    write(folder / "wide", TUNE, dtype="f32")
    renamed = {
        name.replace("model.layers.", "transformer.h.").replace("self_attn", "attn"): v for name, v in TUNE.items()
    }
    write(folder / "renamed", renamed)
    turned = {name: np.ascontiguousarray(v.T) if ".mlp." in name or "attn" in name else v for name, v in TUNE.items()}
    write(folder / "turned", turned)
    shards = folder / "shards"
    shards.mkdir()
    half = len(TUNE) // 2
    names = list(TUNE)
    for number, part in enumerate((names[:half], names[half:]), 1):
        save_file({name: TUNE[name] for name in part}, shards / f"model-{number}.safetensors")
    mapped = {name: f"model-{1 if name in names[:half] else 2}.safetensors" for name in names}
    (shards / "model.safetensors.index.json").write_text(json.dumps({"weight_map": mapped}))
    (shards / "config.json").write_text(json.dumps(CONFIG))
    sibling = tuned(BASE, task=1, seed=14)
    write(folder / "sibling", sibling)
    quantised = folder / "q8"
    quantised.mkdir()
    writer = gguf.GGUFWriter(str(quantised / "model.gguf"), "mistral")
    parts = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
    parts |= {"gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}
    form = gguf.GGMLQuantizationType.Q8_0
    for name, values in TUNE.items():
        words = name.split(".")
        short = (
            f"blk.{words[2]}.{parts[words[4]]}"
            if "layers" in name
            else {"lm_head": "output"}.get(words[0], "token_embd")
        )
        writer.add_tensor(f"{short}.weight", gguf.quants.quantize(values, form), raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    same = dict.fromkeys(("copy", "renamed", "turned"), ("tune", "identical"))
    cast: dict[str, tuple[str, str] | None] = {"wide": ("tune", "recast"), "shards": ("tune", "recast")}
    others: dict[str, tuple[str, str] | None] = {
        "root": None,
        "tune": ("root", "finetune"),
        "sibling": ("root", "finetune"),
        "q8": ("tune", "quantized"),
    }
    return {**same, **cast, **others}


def test_a_folder_becomes_a_graph_and_an_unknown_file_is_named(tmp_path: Path) -> None:
    expected = family(tmp_path / "models")
    (tmp_path / "models" / "broken").mkdir()
    (tmp_path / "models" / "broken" / "model.safetensors").write_bytes(b"\xff" * 64)
    order = ["root", "tune", "sibling", *sorted(set(expected) - {"root", "tune", "sibling"})]
    dates = tmp_path / "dates.json"
    dates.write_text(json.dumps({name: (DAY + timedelta(days=at)).isoformat() for at, name in enumerate(order)}))
    catalogue = Catalogue(tmp_path / "catalogue")
    first = ingest_folders(catalogue, [tmp_path / "models"], dates=dates, max_bad_fraction=0.5)
    assert first.skipped["damaged-checkpoint"] == 1
    table = catalogue.head().table("derivations").to_pylist()
    assert {(row["model"], row["base_model"], row["relation"]) for row in table} == {
        (model, *origin) for model, origin in expected.items() if origin is not None
    }
    claims = catalogue.head().table("claims").to_pylist()
    assert {claim["evidence"] for claim in claims} == {"weights"}
    assert all(claim["confidence"] is not None and claim["detail"] for claim in claims)
    again = ingest_folders(catalogue, [tmp_path / "models"], dates=dates, max_bad_fraction=0.5)
    assert again.derivations == first.derivations
    _, origin = identify(catalogue, tmp_path / "models" / "q8" / "model.gguf")
    assert [parent.relation for parent in origin.parents] == [Relation.IDENTICAL]
    told = stemma(tmp_path / "catalogue", "identify", str(tmp_path / "models" / "copy"))
    assert told.returncode == 0
    assert told.stdout.startswith("identical of tune")


def test_without_dates_the_direction_is_not_certain(tmp_path: Path) -> None:
    write(tmp_path / "models" / "a", BASE)
    write(tmp_path / "models" / "b", TUNE)
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [tmp_path / "models"])
    (claim,) = catalogue.head().table("claims").to_pylist()
    assert claim["confidence"] <= 0.5
    assert "direction not certain" in claim["detail"]


def test_of_two_folders_of_one_name_the_first_is_read(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / side / f"m{at}", weights) for at in range(4) for side, weights in (("a", BASE), ("b", FAR))
    ]
    catalogue = Catalogue(tmp_path / "catalogue")
    report = ingest_folders(catalogue, [*paths, tmp_path / "a"])
    assert (report.models, report.bad_rows, report.skipped) == (4, 0, {"same-name": 4})
    _, origin = identify(catalogue, tmp_path / "a" / "m0")
    assert [parent.relation for parent in origin.parents] == [Relation.IDENTICAL]
