"""Tensors in which several lie, one after the other or by groups of heads, are taken apart as the models' own code does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from graph.records import Relation
from ingest.weights.fused import Part, parts_of
from tests.ingest.weights.test_space import Tensors, read, saved, told

WIDE, HIDDEN = 8, 32  # of a head, and of the model
NEOX = "gpt_neox.layers.0.attention.query_key_value", "gpt_neox.layers.0.attention.dense"
BLOOM = "transformer.h.0.self_attention.query_key_value", "transformer.h.0.self_attention.dense"
INTERN = "model.layers.0.attention.wqkv", "model.layers.0.attention.wo"


@pytest.mark.parametrize(
    ("names", "config"),
    [
        (NEOX, {"model_type": "gpt_neox", "num_attention_heads": 4}),
        (BLOOM, {"model_type": "bloom", "n_head": 4}),
        (BLOOM, {"model_type": "falcon", "num_attention_heads": 4, "multi_query": False}),
        (
            BLOOM,
            {"model_type": "falcon", "new_decoder_architecture": True, "num_attention_heads": 4, "num_kv_heads": 2},
        ),
        (INTERN, {"model_type": "internlm2", "num_attention_heads": 4, "num_key_value_heads": 2}),
    ],
)
@pytest.mark.parametrize("columns", [HIDDEN, None])
def test_groups_of_heads_are_what_llama_cpp_lays_one_after_the_other(
    tmp_path: Path, names: tuple[str, str], config: dict[str, Any], columns: int | None
) -> None:
    rng = np.random.default_rng(1)
    kv = config.get("num_key_value_heads", config.get("num_kv_heads", 4))
    ending = ".weight" if columns else ".bias"
    wide = (HIDDEN,) if columns else ()
    query, key, value = (rng.normal(size=(heads, WIDE, *wide)).astype(np.float32) for heads in (4, kv, kv))
    groups = [
        np.concatenate([*query[group * 4 // kv : (group + 1) * 4 // kv], key[group], value[group]])
        for group in range(kv)
    ]
    rest = {f"{names[1]}.weight": rng.normal(size=(HIDDEN, 4 * WIDE)).astype(np.float32)}
    first = saved(tmp_path / "first", rest | {names[0] + ending: np.concatenate(groups)}, config, 0)
    apart = np.concatenate([part.reshape(-1, *wide) for part in (query, key, value)])
    rest = {"blk.0.attn_output.weight": rest[f"{names[1]}.weight"]}
    counts = {"num_attention_heads": 4, "num_key_value_heads": kv}
    second = saved(tmp_path / "second", rest | {f"blk.0.attn_qkv{ending}": apart}, counts, 1)
    assert told(first, second) == [("first", Relation.IDENTICAL)]


def test_falcon_s_first_form_has_one_key_and_value_for_all_heads() -> None:
    config = {"model_type": "falcon", "multi_query": True, "num_attention_heads": 4, "num_kv_heads": 4}
    found = parts_of("0.attention.qkv", (48, HIDDEN), config, {"0.attention.out": 32})
    assert [(part.role, part.first, part.count) for part in found] == [
        ("0.attention.query", 0, 32),
        ("0.attention.key", 32, 8),
        ("0.attention.value", 40, 8),
    ]


@pytest.mark.parametrize("odd", [["gpt_neox"], None, 7])
def test_odd_configurations_are_no_hindrance(odd: object) -> None:
    config = {"model_type": odd, "num_attention_heads": odd, "hidden_size": odd}
    assert [part.count for part in parts_of("0.attention.qkv", (48, HIDDEN), config, {})] == [16, 16, 16]


def test_rows_of_a_part_lie_where_its_values_are_taken_from() -> None:
    lines = np.arange(24, dtype=np.float32)
    part = Part("key", 4, 2, 2, 12)
    assert part.of(lines).tolist() == [part.row(at) for at in range(4)] == [2, 3, 14, 15]
    whole = Part("value", 4, 20, 4, 4)
    assert whole.of(lines).tolist() == [whole.row(at) for at in range(4)] == [20, 21, 22, 23]


def test_gates_and_ups_lie_in_one_up_of_ggml(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    both, down = rng.normal(size=(96, HIDDEN)).astype(np.float32), rng.normal(size=(HIDDEN, 48)).astype(np.float32)
    config = {"model_type": "phi3", "hidden_size": HIDDEN}
    names = "model.layers.0.mlp.gate_up_proj.weight", "model.layers.0.mlp.down_proj.weight"
    first = saved(tmp_path / "first", dict(zip(names, (both, down), strict=True)), config, 0)
    second = saved(tmp_path / "second", {"blk.0.ffn_up.weight": both, "blk.0.ffn_down.weight": down}, {}, 1)
    assert [role for role, _ in first.layout] == ["0.mlp.down", "0.mlp.gate", "0.mlp.up"]
    assert told(first, second) == [("first", Relation.IDENTICAL)]


def test_norms_of_gemma_are_one_larger_in_gguf(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    names = {
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "post_attention_norm",
        "pre_feedforward_layernorm": "ffn_norm",
        "post_feedforward_layernorm": "post_ffw_norm",
        "mlp.gate_proj": "ffn_gate",
        "self_attn.k_norm": "attn_k_norm",
    }
    weights: Tensors = {
        name: (rng.integers(-200, 200, (HIDDEN, HIDDEN) if "mlp" in name else HIDDEN) / 256).astype(np.float16)
        for name in names
    }
    tensors = {f"model.layers.0.{name}.weight": values for name, values in weights.items()}
    first = saved(tmp_path / "first", tensors, {"model_type": "gemma3", "hidden_size": HIDDEN}, 0)
    (tmp_path / "second").mkdir()
    writer = gguf.GGUFWriter(str(tmp_path / "second" / "model.gguf"), "gemma3")
    for name, values in weights.items():
        stored = values if values.ndim == 2 else values.astype(np.float32) + 1
        writer.add_tensor(f"blk.0.{names[name]}.weight", stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    second = read(tmp_path / "second", 1)
    assert [role for role, _ in first.layout] == [role for role, _ in second.layout]
    assert told(first, second) == [("first", Relation.IDENTICAL)]
