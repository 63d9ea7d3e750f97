"""This file knows the one space of tensors: whatever a format calls a tensor and however it lays it out, it becomes a role, in the
orientation (out, in), split where formats fuse, with quantised values given back.

A role is the layer's number and the part's word, ``3.attention.query``; what no rule knows keeps its own name. Sources of the
rules: the transformers library's module names, ggml's tensor names, and llama.cpp's permutation of rotary rows, undone here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.weights.checkpoint import Checkpoint, Values

_LAYER = re.compile(r"^(?:.*?\.)?(?:layers?|h|blk|blocks?)\.(\d+)\.(.+)$")
_PARTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), role)
    for pattern, role in (
        (r"(self_attn|attn|attention|self_attention)\.(self\.)?(q_proj|query|wq|q_lin)", "attention.query"),
        (r"(self_attn|attn|attention|self_attention)\.(self\.)?(k_proj|key|wk|k_lin)", "attention.key"),
        (r"(self_attn|attn|attention|self_attention)\.(self\.)?(v_proj|value|wv|v_lin)", "attention.value"),
        (r"(self_attn|attn|attention)\.(o_proj|out_proj|output\.dense|wo|out_lin)", "attention.out"),
        (r"attn\.c_attn|(self_attn|attn)\.qkv_proj|attn_qkv", "attention.qkv"),
        (r"attn\.c_proj", "attention.out"),
        (r"attn_q", "attention.query"),
        (r"attn_k", "attention.key"),
        (r"attn_v", "attention.value"),
        (r"attn_output", "attention.out"),
        (r"mlp\.gate_up_proj", "mlp.gate_up"),
        (r"(mlp|feed_forward)\.(gate_proj|w1)|ffn_gate", "mlp.gate"),
        (r"(mlp|feed_forward)\.(up_proj|w3)|ffn_up", "mlp.up"),
        (r"(mlp|feed_forward)\.(down_proj|w2|c_proj)|ffn_down|ffn\.lin2|output\.dense", "mlp.down"),
        (r"mlp\.(c_fc|fc1)|intermediate\.dense|ffn\.lin1", "mlp.up"),
        (r"input_layernorm|ln_1|attn_norm|attention_norm", "norm.attention"),
        (r"post_attention_layernorm|ln_2|ffn_norm", "norm.mlp"),
        (r"attention\.output\.LayerNorm", "norm.attention"),
        (r"output\.LayerNorm", "norm.mlp"),
    )
)
_TOP: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), role)
    for pattern, role in (
        (r"(^|\.)(embed_tokens|wte|word_embeddings|token_embd|tok_embeddings)$", "embedding"),
        (r"(^|\.)(lm_head|embed_out)$|^output$", "head"),
        (r"(^|\.)(norm|ln_f|final_layernorm|output_norm)$", "norm"),
        (r"(^|\.)(wpe|position_embeddings)$", "positions"),
    )
)
_ROTARY_PERMUTED = ("llama",)  # ggml architectures whose query and key rows llama.cpp reorders
_SKIPPED = re.compile(r"(rotary_emb\.inv_freq|rope_freqs\.weight|attn\.(masked_)?bias|position_ids)$")


@dataclass(frozen=True, slots=True)
class Placed:
    """One tensor in the one space."""

    role: str
    values: Values  # (out, in) for matrices
    dtype: str  # as stored; "I8" also where a scale beside it gives the values back


def role_of(name: str) -> str:
    """The role of a tensor's name."""
    stem, _, kind = name.rpartition(".")
    if kind not in ("weight", "bias"):
        stem, kind = name, ""
    ending = "" if kind in ("weight", "") else f".{kind}"
    layer = _LAYER.match(stem)
    if layer:
        number, rest = layer.groups()
        for pattern, role in _PARTS:
            if pattern.fullmatch(rest):
                return f"{number}.{role}{ending}"
        return f"{number}.{rest}{ending}"
    for pattern, role in _TOP:
        if pattern.search(stem):
            return role + ending
    return stem + ending


def placed(checkpoint: Checkpoint) -> Iterator[Placed]:
    """The tensors of a checkpoint, one in memory at a time, in the order of their names."""
    config = checkpoint.config
    turned = _is_turned(checkpoint)
    for name, tensor in checkpoint.tensors.items():
        if _SKIPPED.search(name) or _is_scale(checkpoint, name):
            continue
        role, values = role_of(name), checkpoint.values(name)
        scale = _scale_of(checkpoint, name) if tensor.dtype in ("I8", "F8_E4M3", "F8_E5M2") else None
        if scale is not None:
            values = values * scale
        if values.ndim == 2 and (turned and role[0].isdigit()):
            values = values.T
        if checkpoint.format == "gguf" and config.get("general.architecture") in _ROTARY_PERMUTED:
            values = _unpermuted(role, values, config)
        for part, piece in _split(role, values, config):
            yield Placed(part, piece, tensor.dtype)


def _is_turned(checkpoint: Checkpoint) -> bool:
    """Whether the matrices of the layers lie as (in, out): the widening one tells."""
    for name, tensor in checkpoint.tensors.items():
        if role_of(name).endswith((".mlp.gate", ".mlp.up", ".mlp.gate_up")) and len(tensor.shape) == 2:
            rows, columns = tensor.shape
            hidden = checkpoint.config.get("hidden_size", checkpoint.config.get("n_embd"))
            return rows == hidden != columns if isinstance(hidden, int) else rows < columns
    return False


def _is_scale(checkpoint: Checkpoint, name: str) -> bool:
    stem = name.removesuffix("_scale").removesuffix(".SCB")
    return stem != name and (stem in checkpoint.tensors or f"{stem}.weight" in checkpoint.tensors)


def _scale_of(checkpoint: Checkpoint, name: str) -> Values | None:
    """What multiplies the rows of a quantised matrix. Shape: broadcasts against it."""
    rows = checkpoint.tensors[name].shape[:1]
    for other, divisor in ((f"{name}_scale", 1.0), (f"{name.removesuffix('.weight')}.SCB", 127.0)):
        if other in checkpoint.tensors:
            scale = checkpoint.values(other) / divisor
            if scale.size == 1:
                return scale.reshape(())
            if rows and scale.size == rows[0]:
                return scale.reshape(-1, *(1 for _ in checkpoint.tensors[name].shape[1:]))
    return None


def _unpermuted(role: str, values: Values, config: Any) -> Values:
    """Undo the reordering of rotary rows: (heads, half, 2) back to (heads, 2, half)."""
    if role.endswith(".attention.query"):
        heads = config.get("llama.attention.head_count")
    elif role.endswith(".attention.key"):
        heads = config.get("llama.attention.head_count_kv", config.get("llama.attention.head_count"))
    else:
        return values
    if not isinstance(heads, int) or heads < 1 or values.ndim != 2 or values.shape[0] % (2 * heads):
        return values
    halves = values.reshape(heads, values.shape[0] // heads // 2, 2, values.shape[1])
    return halves.swapaxes(1, 2).reshape(values.shape)


def _split(role: str, values: Values, config: Any) -> Iterator[tuple[str, Values]]:
    """The parts of a fused matrix, by rows; anything else as it is."""
    stem, fused = role.rpartition(".")[0], role.rpartition(".")[2]
    if fused == "gate_up" and values.shape[0] % 2 == 0:
        half = values.shape[0] // 2
        yield f"{stem}.gate", values[:half]
        yield f"{stem}.up", values[half:]
    elif fused == "qkv" and values.ndim == 2:
        heads, kv = config.get("num_attention_heads"), config.get("num_key_value_heads")
        ok = isinstance(heads, int) and isinstance(kv, int) and values.shape[0] % (heads + 2 * kv) == 0
        share = values.shape[0] // (heads + 2 * kv) if ok else values.shape[0] // 3
        first, second = (heads * share, (heads + kv) * share) if ok else (share, 2 * share)
        yield f"{stem}.query", values[:first]
        yield f"{stem}.key", values[first:second]
        yield f"{stem}.value", values[second:]
    else:
        yield role, values
