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
from ingest.weights.space import role_of

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
    ],
)
def test_names_have_roles(name: str, role: str) -> None:
    assert role_of(name) == role
