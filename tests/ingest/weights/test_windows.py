"""Windows read in parts hold what a whole reading keeps, in every format; and models read in part are compared as others are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from graph.novelty import Tier
from graph.records import Relation
from ingest.weights.checkpoint import Checkpoint, Part
from ingest.weights.folder import Found
from ingest.weights.level import levelled
from ingest.weights.member import Member, member
from ingest.weights.origin import origins
from ingest.weights.same_windows import same_in_windows
from ingest.weights.windows import planned, windowed_member, windows
from tests.ingest.weights import families

BUDGET = 40_000  # values; the models below have more


def from_disk(parts: Sequence[Part]) -> list[bytes]:
    return [path.read_bytes()[begin:end] for path, begin, end in parts]


def in_part(id: str, checkpoint: Checkpoint, most_bytes: int, budget: int = BUDGET) -> Member:
    return windowed_member(id, checkpoint, windows(checkpoint, planned(checkpoint, most_bytes, budget), from_disk))


Maker = Callable[[Path], Path]


def plain(folder: Path) -> Path:
    return families.write(folder / "model", families.root(3))


def fused(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    weights: dict[str, npt.NDArray[Any]] = {
        "model.layers.0.self_attn.qkv_proj.weight": rng.normal(size=(64 + 32, 64)).astype(np.float16),
        "model.layers.0.mlp.gate_up_proj.weight": rng.normal(size=(2 * 300, 64)).astype(np.float16),
        "model.embed_tokens.weight": rng.normal(size=(500, 64)).astype(np.float32),
    }
    config: dict[str, object] = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 1}
    (folder / "model").mkdir()
    save_file(weights, folder / "model" / "model.safetensors")
    (folder / "model" / "config.json").write_text(json.dumps(config))
    return folder / "model"


def grouped(folder: Path) -> Path:
    rng = np.random.default_rng(4)
    weights: dict[str, npt.NDArray[Any]] = {
        "gpt_neox.layers.0.attention.query_key_value.weight": rng.normal(size=(3 * 512, 64)).astype(np.float16),
        "gpt_neox.layers.0.attention.dense.weight": rng.normal(size=(64, 512)).astype(np.float16),
    }
    (folder / "model").mkdir()
    save_file(weights, folder / "model" / "model.safetensors")
    config = {"model_type": "gpt_neox", "hidden_size": 64, "num_attention_heads": 32}
    (folder / "model" / "config.json").write_text(json.dumps(config))
    return folder / "model"


def turned(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    weights: dict[str, npt.NDArray[Any]] = {
        "h.0.attn.c_attn.weight": rng.normal(size=(48, 144)).astype(np.float32),
        "h.0.mlp.c_fc.weight": rng.normal(size=(48, 192)).astype(np.float32),
        "h.0.mlp.c_proj.weight": rng.normal(size=(192, 48)).astype(np.float32),
        "wte.weight": rng.normal(size=(900, 48)).astype(np.float32),
    }
    (folder / "model").mkdir()
    save_file(weights, folder / "model" / "model.safetensors")
    return folder / "model"


def scaled(folder: Path) -> Path:
    rng = np.random.default_rng(2)
    weights: dict[str, npt.NDArray[Any]] = {
        "model.layers.0.mlp.up_proj.weight": rng.integers(-127, 128, (700, 64), dtype=np.int8),
        "model.layers.0.mlp.up_proj.weight_scale": rng.random((700, 1)).astype(np.float32),
        "model.layers.0.mlp.down_proj.weight": rng.integers(-127, 128, (64, 700), dtype=np.int8),
        "model.layers.0.mlp.down_proj.SCB": rng.random(64).astype(np.float32),
    }
    (folder / "model").mkdir()
    save_file(weights, folder / "model" / "model.safetensors")
    return folder / "model"


def rotary(folder: Path) -> Path:
    path, rng = folder / "model.gguf", np.random.default_rng(3)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    form = gguf.GGMLQuantizationType.Q8_0
    for name, rows in (("attn_q", 128), ("attn_k", 64), ("attn_v", 64), ("ffn_up", 400)):
        values = rng.normal(size=(rows, 128)).astype(np.float32)
        writer.add_tensor(f"blk.0.{name}.weight", gguf.quants.quantize(values, form), raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def experts(folder: Path) -> Path:
    """Stacked, in blocks of 32 and as floats."""
    rng = np.random.default_rng(5)
    writer = gguf.GGUFWriter(str(folder / "model.gguf"), "llama")
    for part, shape in (("gate", (4, 96, 64)), ("up", (4, 96, 64)), ("down", (4, 64, 96))):
        values = rng.normal(size=shape).astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0
        if part == "up":
            writer.add_tensor(f"blk.0.ffn_{part}_exps.weight", values)
        else:
            writer.add_tensor(f"blk.0.ffn_{part}_exps.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder / "model.gguf"


@pytest.mark.parametrize("make", [plain, fused, grouped, turned, scaled, rotary, experts])
def test_windows_read_in_parts_are_those_of_a_whole_reading(tmp_path: Path, make: Maker) -> None:
    checkpoint = Found("x", make(tmp_path)).read()
    whole = member("x", checkpoint, budget=BUDGET)
    part = in_part("x", checkpoint, 10**9)
    assert whole.windowed
    assert part.matrices.keys() == whole.matrices.keys()
    for role, values in whole.matrices.items():
        assert np.array_equal(part.matrices[role], values), role
        assert values.base is None  # a window that holds on to its matrix would keep the whole model in memory
    assert part.layout == whole.layout
    assert (part.tier, whole.tier, part.dtype) == (Tier.T1, Tier.T2, whole.dtype)


def test_windows_of_one_turned_matrix_cost_it_once(tmp_path: Path) -> None:
    checkpoint = Found("x", turned(tmp_path)).read()
    fused = checkpoint.tensors["h.0.attn.c_attn.weight"].size_bytes
    whole = planned(checkpoint, 10**9, 10**6)
    held = [wanted.place.role for wanted in whole if wanted.tensor.name == "h.0.attn.c_attn.weight"]
    assert sorted(held) == ["0.attention.key", "0.attention.query", "0.attention.value"]
    sizes = {wanted.tensor.name: wanted.size_bytes for wanted in whole}
    asked = list[Part]()

    def fetch(parts: Sequence[Part]) -> list[bytes]:
        asked.extend(parts)
        return from_disk(parts)

    enough = sum(sizes.values())
    assert sum(wanted.size_bytes for wanted in whole) > enough
    assert [wanted.place.role for wanted in planned(checkpoint, enough, 10**6)] == [w.place.role for w in whole]
    assert len(windows(checkpoint, planned(checkpoint, enough, 10**6), fetch)) == len(whole)
    assert sum(end - begin for _, begin, end in set(asked)) <= enough
    assert not [w for w in planned(checkpoint, fused - 1, 10**6) if w.tensor.name == "h.0.attn.c_attn.weight"]


def test_a_smaller_budget_takes_some_of_the_same_windows(tmp_path: Path) -> None:
    checkpoint = Found("x", plain(tmp_path)).read()
    whole = member("x", checkpoint, budget=BUDGET)
    held: set[str] = set()
    for most in (0, 6_000, 20_000, 60_000):
        plan = planned(checkpoint, most, BUDGET)
        assert sum(wanted.size_bytes for wanted in plan) <= most
        part = in_part("x", checkpoint, most)
        assert held <= part.matrices.keys() <= whole.matrices.keys()
        for role, values in part.matrices.items():
            assert np.array_equal(values, whole.matrices[role][: len(values)])
        held = set(part.matrices)
    assert held


def test_whole_models_are_cut_to_what_is_held_of_their_kind(tmp_path: Path) -> None:
    found = [Found(name, families.write(tmp_path / name, families.root(at))) for at, name in enumerate(("a", "b"))]
    whole = [member(item.model, item.read()) for item in found]
    other = member("c", Found("c", fused(tmp_path)).read())
    part = in_part("p", found[0].read(), 30_000, budget=1_000_000)
    level = levelled([*whole, other, part])
    assert [model.id for model in level] == ["a", "b", "c", "p"]
    assert level[2] is other
    assert {model.shapes for model in (*level[:2], level[3])} == {part.shapes}
    assert level[0].digests == whole[0].digests
    assert np.array_equal(level[0].flat, part.flat)
    assert not np.array_equal(level[1].flat, part.flat)
    few = replace(part, matrices={})
    assert levelled([*whole, few], least=1) == [*whole, few]


def test_a_copy_and_a_cast_are_seen_in_windows(tmp_path: Path) -> None:
    weights = families.root(4)
    tune = families.tuned(weights, task=1, seed=1)
    items = {
        "root": families.write(tmp_path / "root", weights),
        "tune": families.write(tmp_path / "tune", tune),
        "copy": families.write(tmp_path / "copy", tune),
        "wide": families.write(tmp_path / "wide", tune, dtype="f32"),
        "stranger": families.write(tmp_path / "stranger", families.root(5)),
    }
    models = [member("root", Found("root", items["root"]).read()), member("tune", Found("tune", items["tune"]).read())]
    models += [
        in_part(name, Found(name, items[name]).read(), 120_000, 1_000_000) for name in ("copy", "wide", "stranger")
    ]
    told = {origin.model: [(p.base_model, p.relation) for p in origin.parents] for origin in origins(levelled(models))}
    assert told["copy"] == [("tune", Relation.IDENTICAL)]
    assert told["wide"] == [("tune", Relation.RECAST)]
    assert told["stranger"] == []
    level = levelled(models)
    assert not same_in_windows(level[2], level[0])
    assert not same_in_windows(level[1], level[1])  # where every byte was read, digests decide
