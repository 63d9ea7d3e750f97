"""This file knows the tiny language models: their shapes, their first weights, and the forward pass of a llama.

Weights are a dict from the names that transformers uses to tensors, matrices as (out, in).
"""

from __future__ import annotations

from typing import Any

import msgspec
import torch
from torch import Tensor
from torch.nn import functional

Weights = dict[str, Tensor]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes of one architecture."""

    vocabulary: int = 256
    hidden: int = 96
    layers: int = 3
    heads: int = 4
    kv_heads: int = 4
    ffn: int = 256

    @property
    def head(self) -> int:
        """The size of one attention head."""
        return self.hidden // self.heads


SHAPES = [
    Shape(),  # 380,640 weights
    Shape(hidden=128, layers=2, kv_heads=2, ffn=256),  # grouped queries: 361,088
    Shape(vocabulary=288, hidden=96, layers=3, heads=6, kv_heads=6, ffn=224),  # 359,904
]
MICRO = Shape(hidden=32, layers=2, ffn=64)
LINEARS = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
]


def shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Every tensor's name and shape."""
    h, f, kv = shape.hidden, shape.ffn, shape.kv_heads * shape.head
    sizes = dict(zip(LINEARS, [(h, h), (kv, h), (kv, h), (h, h), (f, h), (f, h), (h, f)], strict=True))
    out: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (shape.vocabulary, h)}
    for layer in range(shape.layers):
        at = f"model.layers.{layer}."
        out |= {f"{at}{name}.weight": size for name, size in sizes.items()}
        out |= {f"{at}{name}.weight": (h,) for name in ("input_layernorm", "post_attention_layernorm")}
    return out | {"model.norm.weight": (h,), "lm_head.weight": (shape.vocabulary, h)}


def first(shape: Shape, seed: torch.Generator) -> Weights:
    """Weights before any training: normal with deviation 1/sqrt(in), embeddings .05, norms one."""

    def draw(name: str, size: tuple[int, ...]) -> Tensor:
        if len(size) == 1:
            return torch.ones(size)
        return torch.randn(size, generator=seed) * (0.05 if "embed" in name else size[1] ** -0.5)

    return {name: draw(name, size) for name, size in shapes(shape).items()}


def config(shape: Shape, dtype: str) -> dict[str, Any]:
    """The config.json of transformers."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "max_position_embeddings": 64,
        "tie_word_embeddings": False,
        "torch_dtype": dtype,
    }


def shape_of(weights: Weights, like: Shape) -> Shape:
    """The shape that these weights have; what weights cannot tell (heads) is as in ``like``."""
    layers = len({name.split(".")[2] for name in weights if name.startswith("model.layers.")})
    ffn = len(weights["model.layers.0.mlp.gate_proj.weight"])
    return msgspec.structs.replace(like, vocabulary=len(weights["lm_head.weight"]), layers=layers, ffn=ffn)


def _norm(x: Tensor, weight: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    one, two = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-two, one], -1) * sin


def forward(weights: Weights, shape: Shape, tokens: Tensor) -> Tensor:
    """Logits, (batch, length, vocabulary), of ``tokens`` (batch, length) int64."""
    batch, length = tokens.shape
    angle = torch.arange(length)[:, None] * 10000.0 ** (-torch.arange(0, shape.head, 2) / shape.head)[None]
    cos, sin = torch.cat([angle, angle], -1).cos(), torch.cat([angle, angle], -1).sin()
    x = functional.embedding(tokens, weights["model.embed_tokens.weight"])
    for layer in range(shape.layers):
        at = f"model.layers.{layer}."
        q, k, v, o, gate, up, down = (weights[f"{at}{name}.weight"] for name in LINEARS)
        y = _norm(x, weights[at + "input_layernorm.weight"])
        queries, keys, values = ((y @ w.T).view(batch, length, -1, shape.head).transpose(1, 2) for w in (q, k, v))
        keys, values = (
            z.repeat_interleave(shape.heads // shape.kv_heads, 1) for z in (_rotate(keys, cos, sin), values)
        )
        mixed = functional.scaled_dot_product_attention(_rotate(queries, cos, sin), keys, values, is_causal=True)
        x = x + mixed.transpose(1, 2).reshape(batch, length, -1) @ o.T
        y = _norm(x, weights[at + "post_attention_layernorm.weight"])
        x = x + (functional.silu(y @ gate.T) * (y @ up.T)) @ down.T
    return _norm(x, weights["model.norm.weight"]) @ weights["lm_head.weight"].T
