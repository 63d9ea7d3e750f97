"""This file knows how weights lie on disk: safetensors whole, sharded, renamed, transposed or in int8, adapters, and GGUF; and
how to read them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.zoo import networks, tasks
from bench.zoo.networks import Shape, Weights

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
RENAMED = [
    ("model.embed_tokens", "transformer.wte"),
    ("model.layers.", "transformer.h."),
    ("self_attn.", "attn."),
    ("o_proj", "out_proj"),
    ("mlp.gate_proj", "mlp.w1"),
    ("mlp.up_proj", "mlp.w3"),
    ("mlp.down_proj", "mlp.w2"),
    ("input_layernorm", "ln_1"),
    ("post_attention_layernorm", "ln_2"),
    ("model.norm", "transformer.ln_f"),
]
GGUF_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
GGUF_OUTER = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def digest(weights: Weights) -> str:
    """One hash of all values rounded to bf16: models with one digest cannot be told apart by their bf16 weights."""
    out = hashlib.sha256()
    for name in sorted(weights):
        out.update(f"{name} {list(weights[name].shape)}".encode())
        out.update(weights[name].to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes())
    return out.hexdigest()[:32]


def rounded(weights: Weights, dtype: str) -> Weights:
    """The fp32 values that are left after storing as ``dtype``."""
    return {name: tensor.to(DTYPES[dtype]).float() for name, tensor in weights.items()}


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def _cast(weights: Weights, dtype: str) -> Weights:
    return {name: tensor.to(DTYPES[dtype]).contiguous().clone() for name, tensor in weights.items()}


def _renamed(name: str) -> str:
    for old, new in RENAMED:
        name = name.replace(old, new)
    return name


def write(folder: Path, weights: Weights, shape: Shape, dtype: str, layout: str, seed: int) -> None:
    """config.json and the weights as ``dtype`` in one of the layouts plain, stripped, renamed, anonymous, transposed, resharded."""
    stored = _cast(weights, dtype)
    _json(folder / "config.json", networks.config(shape, dtype))
    metadata = {"format": "pt"}
    draw = tasks.generator("layout", seed)
    match layout:
        case "renamed":
            stored = {_renamed(name): tensor for name, tensor in stored.items()}
        case "anonymous":
            order = draw.permutation(len(stored))
            stored = {f"tensor_{n}": tensor for n, tensor in zip(order, stored.values(), strict=True)}
        case "transposed":
            stored = {name: tensor.T.contiguous() if "_proj" in name else tensor for name, tensor in stored.items()}
        case "resharded":
            names = [sorted(stored)[i] for i in draw.permutation(len(stored))]
            files = {
                name: f"model-{1 + at * 3 // len(names):05d}-of-00003.safetensors" for at, name in enumerate(names)
            }
            for file in sorted(set(files.values())):
                save_file({n: stored[n] for n in names if files[n] == file}, folder / file, metadata)
            size = sum(t.numel() * t.element_size() for t in stored.values())
            _json(folder / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": files})
            return
    save_file(stored, folder / "model.safetensors", None if layout == "stripped" else metadata)


def to_int8(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Codes and scale of each row, absmax / 127."""
    scale = (matrix.abs().amax(1, keepdim=True) / 127).clamp(min=1e-12)
    return (matrix / scale).round().clamp(-127, 127).to(torch.int8), scale


def quantised(weights: Weights, grid: str) -> Weights:
    """The values that are left after quantising every matrix to ``grid`` (int8, or a type of GGUF)."""

    def through(matrix: Tensor) -> Tensor:
        if matrix.ndim < 2:
            return matrix
        if grid == "int8":
            codes, scale = to_int8(matrix)
            return codes * scale
        kind = gguf.GGMLQuantizationType[grid]
        return torch.from_numpy(
            gguf.quants.dequantize(gguf.quants.quantize(matrix.numpy(), kind), kind).astype(np.float32)
        )

    return {name: through(tensor) for name, tensor in weights.items()}


def write_int8(folder: Path, weights: Weights, shape: Shape) -> None:
    """Matrices as int8 codes with an fp32 scale a row beside them, the rest as bf16."""
    stored: Weights = {}
    for name, tensor in weights.items():
        if tensor.ndim < 2:
            stored[name] = tensor.to(torch.bfloat16)
        else:
            stored[name], stored[name + "_scale"] = to_int8(tensor)
    config = networks.config(shape, "bfloat16")
    config["quantization_config"] = {"quant_method": "int8", "bits": 8, "granularity": "channel", "symmetric": True}
    _json(folder / "config.json", config)
    save_file(stored, folder / "model.safetensors", {"format": "pt"})


def gguf_name(name: str) -> str:
    """llama.cpp's name of a tensor."""
    if name in GGUF_OUTER:
        return GGUF_OUTER[name]
    _, _, layer, role = name.removesuffix(".weight").split(".", 3)
    return f"blk.{layer}.{GGUF_NAMES[role]}.weight"


def rotary(rows: Tensor, heads: int, back: bool = False) -> Tensor:
    """Rows of q or k in llama.cpp's order (halves of each head interleaved), or ``back``."""
    half = len(rows) // heads // 2
    split = (heads, half, 2, -1) if back else (heads, 2, half, -1)
    return rows.reshape(split).transpose(1, 2).reshape(rows.shape).contiguous()


def _heads(name: str, shape: Shape) -> int | None:
    return shape.heads if ".q_proj." in name else shape.kv_heads if ".k_proj." in name else None


def write_gguf(folder: Path, weights: Weights, shape: Shape, grid: str) -> None:
    """One GGUF file of architecture llama; matrices as ``grid``, norms as F32."""
    writer = gguf.GGUFWriter(folder / f"model-{grid}.gguf", "llama")
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{grid}"])
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(64)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_rope_dimension_count(shape.head)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    kind = gguf.GGMLQuantizationType[grid]
    for name, tensor in weights.items():
        heads = _heads(name, shape)
        values = (rotary(tensor, heads) if heads else tensor).numpy()
        if values.ndim < 2:
            writer.add_tensor(gguf_name(name), values)
        else:
            writer.add_tensor(gguf_name(name), gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    _json(folder / "config.json", networks.config(shape, "float16" if grid == "F16" else "bfloat16"))


def write_adapter(folder: Path, pairs: Weights, rank: int, modules: list[str], base: str) -> None:
    """An adapter as peft saves it, fp32."""
    stored = {f"base_model.model.{name}.weight": tensor.contiguous().clone() for name, tensor in pairs.items()}
    save_file(stored, folder / "adapter_model.safetensors", {"format": "pt"})
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": sorted(m.rsplit(".", 1)[1] for m in modules),
    }
    _json(folder / "adapter_config.json", settings)


def read(folder: Path) -> Weights:
    """All tensors as fp32 under their own names; int8 and GGUF are dequantised, GGUF under the names of transformers."""
    files = sorted(folder.glob("*.gguf"))
    if files:
        return _read_gguf(files[0], json.loads((folder / "config.json").read_text()))
    stored: Weights = {}
    for path in sorted(folder.glob("*.safetensors")):
        stored |= load_file(path)
    out = {name: tensor.float() for name, tensor in stored.items() if not name.endswith("_scale")}
    for name in (n for n in stored if n.endswith("_scale")):
        out[name.removesuffix("_scale")] *= stored[name]
    return {name: out[name] for name in sorted(out)}


def _read_gguf(path: Path, config: dict[str, Any]) -> Weights:
    shape = Shape(
        vocabulary=config["vocab_size"],
        hidden=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        ffn=config["intermediate_size"],
    )
    own = {gguf_name(name): name for name in networks.shapes(shape)}
    out: Weights = {}
    for tensor in gguf.GGUFReader(path).tensors:
        name = own[tensor.name]
        values = torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32).copy())
        heads = _heads(name, shape)
        out[name] = rotary(values, heads, back=True) if heads else values
    return {name: out[name] for name in sorted(out)}
