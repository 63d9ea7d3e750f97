"""Copies under other names, and in formats that lay tensors out otherwise, hold the same tensors."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from graph.records import Relation
from ingest.weights.folder import checkpoints
from ingest.weights.member import Member, member
from ingest.weights.origin import origins
from ingest.weights.roles import role_of

DAY = datetime(2025, 1, 1, tzinfo=UTC)
GPT2 = {"model_type": "gpt2", "hidden_size": 48, "n_embd": 48, "n_head": 4}
Tensors = dict[str, npt.NDArray[Any]]


def gpt2(seed: int = 1) -> Tensors:
    """Matrices as (in, out), with biases, without a head of its own."""
    rng = np.random.default_rng(seed)
    shapes = {"transformer.wte": (96, 48), "transformer.wpe": (32, 48)}
    for layer in range(2):
        shapes |= {f"transformer.h.{layer}.attn.c_attn": (48, 144), f"transformer.h.{layer}.attn.c_proj": (48, 48)}
        shapes |= {f"transformer.h.{layer}.mlp.c_fc": (48, 192), f"transformer.h.{layer}.mlp.c_proj": (192, 48)}
    out: Tensors = {f"{name}.weight": rng.normal(0, 0.05, shape) for name, shape in shapes.items()}
    out |= {f"{name}.bias": rng.normal(0, 0.05, shape[1]) for name, shape in shapes.items() if ".h." in name}
    return {name: values.astype(np.float16) for name, values in out.items()}


def linear(weights: Tensors) -> Tensors:
    """As code keeps it whose layers are linear: (out, in), under other names."""
    out = {}
    for name, values in weights.items():
        is_turned = ".h." in name and values.ndim == 2
        for old, new in (("c_attn", "qkv"), ("attn.c_proj", "attn.proj"), ("c_fc", "fc1"), ("mlp.c_proj", "mlp.fc2")):
            name = name.replace(old, new)
        out[name.replace("transformer.h", "blocks")] = np.ascontiguousarray(values.T) if is_turned else values
    return out


def tied_twice(weights: Tensors) -> Tensors:
    return weights | {"lm_head.weight": weights["transformer.wte.weight"].copy()}


def with_masks(weights: Tensors) -> Tensors:
    masks = {f"transformer.h.{layer}.attn.bias": np.tril(np.ones((1, 1, 32, 32), np.float16)) for layer in range(2)}
    return weights | masks | {"transformer.h.0.attn.masked_bias": np.array(-1e4, np.float16)}


def saved(folder: Path, weights: Tensors, config: dict[str, Any], day: int) -> Member:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    save_file(weights, folder / "model.safetensors")
    return read(folder, day)


def read(path: Path, day: int) -> Member:
    item = next(checkpoints(path))
    return member(item.model, item.read(), DAY + timedelta(days=day))


def told(*members: Member) -> list[tuple[str, Relation]]:
    return [(parent.base_model, parent.relation) for parent in list(origins(members))[-1].parents]


@pytest.mark.parametrize("changed", [linear, tied_twice, with_masks])
def test_a_copy_is_one_under_other_names(tmp_path: Path, changed: Any) -> None:
    first = saved(tmp_path / "first", gpt2(), GPT2, 0)
    second = saved(tmp_path / "second", changed(gpt2()), GPT2, 1)
    assert told(first, second) == [("first", Relation.IDENTICAL)]


def test_biases_count_as_weights_do(tmp_path: Path) -> None:
    """Only those of queries, keys and values differ."""
    other = gpt2() | {name: values for name, values in gpt2(2).items() if name.endswith("c_attn.bias")}
    first, second = saved(tmp_path / "first", gpt2(), GPT2, 0), saved(tmp_path / "second", other, GPT2, 1)
    assert first.identity.value != second.identity.value


def test_biases_of_what_is_fused_are_split_as_it_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sizes = {"q": 48, "k": 24, "v": 24}
    stem = "model.layers.0.self_attn"
    apart = {f"{stem}.{part}_proj.weight": rng.normal(size=(size, 48)) for part, size in sizes.items()}
    apart |= {f"{stem}.{part}_proj.bias": rng.normal(size=size) for part, size in sizes.items()}
    fused = {
        f"{stem}.qkv_proj.{kind}": np.concatenate([apart[f"{stem}.{part}_proj.{kind}"] for part in sizes])
        for kind in ("weight", "bias")
    }
    config = {"num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 48}
    out = {f"{stem}.o_proj.weight": rng.normal(size=(48, 48))}
    models = [
        saved(tmp_path / name, {key: value.astype(np.float32) for key, value in each.items()}, config, at)
        for at, (name, each) in enumerate((("apart", apart | out), ("fused", fused | out)))
    ]
    assert told(*models) == [("apart", Relation.IDENTICAL)]
    assert models[0].layout == models[1].layout


@pytest.mark.parametrize("kept", [1, 2])
def test_a_cast_in_gguf_is_one_though_it_leaves_the_head_out(tmp_path: Path, kept: int) -> None:
    """Norms and biases stay in float32 there, queries and keys and their biases lie in another order."""
    rng = np.random.default_rng(4)
    shapes = {"embed_tokens": (96, 64), "norm": (64,)}
    for layer in range(2):
        stem = f"layers.{layer}"
        shapes |= {f"{stem}.self_attn.{part}_proj": (64, 64) for part in "qkvo"}
        shapes |= {f"{stem}.mlp.{part}_proj": (160, 64) for part in ("gate", "up")}
        shapes |= {f"{stem}.mlp.down_proj": (64, 160), f"{stem}.input_layernorm": (64,)}
        shapes |= {f"{stem}.post_attention_layernorm": (64,)}
    weights = {f"model.{name}.weight": rng.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in [name for name in weights if "q_proj" in name]:
        weights[name.replace("weight", "bias")] = rng.normal(0, 0.05, 64).astype(np.float32)
    head = {"lm_head.weight": rng.normal(0, 0.05, (96, 64)).astype(np.float32)}
    first = saved(tmp_path / "first", weights | head, {"model_type": "llama", "hidden_size": 64}, 0)
    (tmp_path / "cast").mkdir()
    _write_llama(tmp_path / "cast" / "model.gguf", weights if kept == 1 else weights | head)
    assert told(first, read(tmp_path / "cast", 1)) == [("first", Relation.RECAST)]


def _write_llama(path: Path, weights: Tensors) -> None:
    """As llama.cpp's converter does, in float16."""
    parts = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
    parts |= {"gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}
    parts |= {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
    tops = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    for name, values in weights.items():
        words = name.split(".")
        short = f"blk.{words[2]}.{parts[words[-2]]}" if "layers" in name else tops[words[-2]]
        if words[-2] in ("q_proj", "k_proj"):
            values = values.reshape(4, 2, 8, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(f"{short}.{words[-1]}", values.astype(np.float16 if values.ndim == 2 else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("blocks.3.attn.proj.weight", "3.attention.out"),
        ("blocks.3.mlp.fc2.bias", "3.mlp.down.bias"),
        ("blk.3.attn_output_norm.weight", "3.norm.attention"),
        ("blk.3.layer_output_norm.bias", "3.norm.mlp.bias"),
        ("model.encoder.layers.3.self_attn.q_proj.weight", "3.attention.query"),
        ("model.decoder.layers.3.self_attn.q_proj.weight", "3d.attention.query"),
        ("model.decoder.layers.3.encoder_attn.out_proj.bias", "3d.cross.out.bias"),
        ("model.decoder.layers.3.fc2.weight", "3d.mlp.down"),
        ("decoder.block.3.layer.1.EncDecAttention.k.weight", "3d.cross.key"),
        ("encoder.block.3.layer.1.DenseReluDense.wi_1.weight", "3.mlp.up"),
        ("dec.blk.3.cross_attn_k.weight", "3d.cross.key"),
        ("enc.blk.3.attn_o.weight", "3.attention.out"),
        ("vision_tower.vision_model.encoder.layers.3.mlp.fc1.weight", "3v.mlp.up"),
        ("visual.blocks.3.attn.qkv.weight", "3v.attention.qkv"),
        ("v.blk.3.attn_q.weight", "3v.attention.query"),
        ("vit.encoder.layer.3.attention.attention.value.weight", "3.attention.value"),
        ("model.layers.3.block_sparse_moe.experts.12.w2.weight", "3.expert.12.down"),
        ("model.layers.3.mlp.experts.12.gate_proj.weight", "3.expert.12.gate"),
        ("model.layers.3.mlp.gate.weight", "3.router"),
        ("model.layers.3.mlp.shared_experts.up_proj.weight", "3.shared.up"),
        ("model.layers.3.mlp.experts.gate_up_proj", "3.experts.gate_up"),
        ("blk.3.ffn_up_exps.weight", "3.experts.up"),
        ("blk.3.ffn_gate_inp.weight", "3.router"),
        ("blk.3.ffn_gate_shexp.weight", "3.shared.gate"),
        ("shared.weight", "embedding"),
        ("gpt_neox.embed_in.weight", "embedding"),
        ("model.decoder.embed_positions.weight", "positions"),
        ("transformer.h.3.attn.attention.out_proj.bias", "3.attention.out.bias"),
        ("base_model.model.transformer.h.3.mlp.fc_in.weight", "3.mlp.up"),
        ("model.layers.3.self_attn.kv_b_proj.weight", "3.attn_kv_b"),
        ("model.layers.3.mlp.odd_proj.weight", "3.mlp.odd_proj"),
        ("classifier.weight", "classifier"),
        ("base_model.vocab_transform.bias", "vocab_transform.bias"),
        ("module.model.pooler.dense.weight", "pooler.dense"),
    ],
)
def test_names_have_roles(name: str, role: str) -> None:
    assert role_of(name) == role


MIXTRAL = {"model_type": "mixtral", "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 4}
EXPERTS = {"w1": "gate", "w3": "up", "w2": "down"}


def mixtral(seed: int) -> Tensors:
    """Four experts a layer."""
    rng = np.random.default_rng(seed)
    shapes = {"model.embed_tokens": (96, 64), "lm_head": (96, 64)}
    for layer in range(2):
        stem = f"model.layers.{layer}"
        shapes |= {f"{stem}.self_attn.{part}_proj": (64, 64) for part in "qkvo"}
        shapes |= {f"{stem}.block_sparse_moe.gate": (4, 64)}
        for expert in range(4):
            lead = f"{stem}.block_sparse_moe.experts.{expert}"
            shapes |= {f"{lead}.w1": (96, 64), f"{lead}.w3": (96, 64), f"{lead}.w2": (64, 96)}
    return {f"{name}.weight": rng.normal(0, 0.05, shape).astype(np.float16) for name, shape in shapes.items()}


def stacked(weights: Tensors, join: Any) -> Tensors:
    """The experts of each layer in one tensor each, under the names that ``join`` gives the three stacks."""
    out = {name: values for name, values in weights.items() if ".experts." not in name}
    for layer in range(2):
        stem = f"model.layers.{layer}.block_sparse_moe.experts"
        stacks = {
            part: np.stack([weights[f"{stem}.{expert}.{part}.weight"] for expert in range(4)]) for part in EXPERTS
        }
        out |= join(layer, stacks["w1"], stacks["w3"], stacks["w2"])
    return out


def together(layer: int, gate: Any, up: Any, down: Any) -> Tensors:
    stem = f"model.layers.{layer}.block_sparse_moe.experts"
    return {f"{stem}.gate_up_proj": np.concatenate([gate, up], axis=1), f"{stem}.down_proj": down}


def as_ggml(layer: int, gate: Any, up: Any, down: Any) -> Tensors:
    return {f"blk.{layer}.ffn_{part}_exps.weight": each for part, each in (("gate", gate), ("up", up), ("down", down))}


def write_mixtral(path: Path, weights: Tensors) -> None:
    parts = {"self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "block_sparse_moe.gate": "ffn_gate_inp"}
    parts |= {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k"}
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    for name, values in stacked(weights, as_ggml).items():
        for old, new in {
            "model.layers": "blk",
            "model.embed_tokens": "token_embd",
            "lm_head": "output",
            **parts,
        }.items():
            name = name.replace(old, new)
        if "attn_q" in name or "attn_k" in name:
            values = values.reshape(4, 2, 8, 64).swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_experts_are_the_same_one_by_one_and_stacked(tmp_path: Path) -> None:
    first = saved(tmp_path / "first", mixtral(1), MIXTRAL, 0)
    other = saved(tmp_path / "other", mixtral(2), MIXTRAL, 0)
    second = saved(tmp_path / "second", stacked(mixtral(1), together), MIXTRAL, 1)
    (tmp_path / "third").mkdir()
    write_mixtral(tmp_path / "third" / "model.gguf", mixtral(1))
    third = read(tmp_path / "third", 1)
    assert first.matrices.keys() == second.matrices.keys() == third.matrices.keys()
    assert told(first, other, second) == told(first, other, third) == [("first", Relation.IDENTICAL)]


def test_stacked_experts_that_lie_turned_are_left_as_they_are(tmp_path: Path) -> None:
    turned = {
        name: np.ascontiguousarray(values.swapaxes(1, 2)) if values.ndim == 3 else values
        for name, values in stacked(mixtral(1), together).items()
    }
    held = saved(tmp_path / "turned", turned, MIXTRAL, 0)
    assert not any("expert" in role for role in held.matrices)
    assert ("0.experts.gate_up", (4, 64, 192)) in held.layout


@pytest.mark.parametrize("kept", [96, 60])
def test_neurons_of_experts_in_another_order_or_left_out(tmp_path: Path, kept: int) -> None:
    order = np.random.default_rng(5).permutation(96)[:kept]
    changed = {}
    for name, values in mixtral(1).items():
        part = name.split(".")[-2]
        is_expert = ".experts." in name
        changed[name] = values[:, order] if is_expert and part == "w2" else values[order] if is_expert else values
    first = saved(tmp_path / "first", mixtral(1), MIXTRAL, 0)
    second = saved(
        tmp_path / "second", {name: np.ascontiguousarray(each) for name, each in changed.items()}, MIXTRAL, 1
    )
    assert told(first, second) == [("first", Relation.PERMUTED if kept == 96 else Relation.PRUNED)]


def seq2seq(seed: int) -> Tensors:
    """An encoder and a decoder of two layers each, of the same shapes."""
    rng = np.random.default_rng(seed)
    shapes = {"shared": (96, 64)}
    for stack, count in (("encoder", 2), ("decoder", 3)):
        for layer in range(2):
            lead = f"{stack}.block.{layer}.layer"
            shapes |= {f"{lead}.0.SelfAttention.{part}": (64, 64) for part in "qkvo"}
            if stack == "decoder":
                shapes |= {f"{lead}.1.EncDecAttention.{part}": (64, 64) for part in "qkvo"}
            shapes |= {
                f"{lead}.{count - 1}.DenseReluDense.wi": (160, 64),
                f"{lead}.{count - 1}.DenseReluDense.wo": (64, 160),
            }
    return {f"{name}.weight": rng.normal(0, 0.05, shape).astype(np.float16) for name, shape in shapes.items()}


def test_encoder_and_decoder_are_both_held(tmp_path: Path) -> None:
    """Of children that train one of them, and of what was made of these."""
    config = {"model_type": "t5", "d_model": 64}
    base, other = seq2seq(1), seq2seq(2)
    tuned = {
        stack: {
            name: (0.97 * base[name] + 0.03 * other[name]).astype(np.float16) if stack in name else base[name]
            for name in base
        }
        for stack in ("encoder", "decoder")
    }
    drawn = {
        "base": base,
        **tuned,
        "again": tuned["decoder"] | {"decoder.embed_tokens.weight": base["shared.weight"].copy()},
    }
    models = [saved(tmp_path / name, weights, config, at) for at, (name, weights) in enumerate(drawn.items())]
    assert all(len(model.matrices) >= len(base) for model in models)
    found = {
        (parent.model, parent.base_model): parent.relation for origin in origins(models) for parent in origin.parents
    }
    assert found == {
        ("encoder", "base"): Relation.FINETUNE,
        ("decoder", "base"): Relation.FINETUNE,
        ("again", "decoder"): Relation.IDENTICAL,
    }
