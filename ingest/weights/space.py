"""This file knows the one space of tensors: whatever a format calls a tensor and however it lays it out, it becomes a role, in the
orientation (out, in), split where formats fuse, with quantised values given back.

A role is the layer's number and the part's word, ``3.attention.query``; what no rule knows keeps its own name. Sources of the
rules: the transformers library's module names, ggml's tensor names, and llama.cpp's permutation of rotary rows, undone here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.weights.checkpoint import Checkpoint, Values

_LAYER = re.compile(r"^(?:.*?\.)?(?:layers?|h|blk|blocks?|resblocks)\.(\d+)\.(.+)$")
_PARTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), role)
    for pattern, role in (
        (r"(self_attn|attn|attention|self_attention)\.(self\.)?(q_proj|query|wq|q_lin)", "attention.query"),
        (r"(self_attn|attn|attention|self_attention)\.(self\.)?(k_proj|key|wk|k_lin)", "attention.key"),
        (r"(self_attn|attn|attention|self_attention)\.(self\.)?(v_proj|value|wv|v_lin)", "attention.value"),
        (r"(self_attn|attn|attention)\.(o_proj|out_proj|output\.dense|wo|out_lin)", "attention.out"),
        (r"attn\.(c_attn|Wqkv)|(self_attn|attn|attention)\.qkv(_proj)?|attn_qkv", "attention.qkv"),
        (r"attn\.(c_proj|proj)", "attention.out"),
        (r"attn_q", "attention.query"),
        (r"attn_k", "attention.key"),
        (r"attn_v", "attention.value"),
        (r"attn_output", "attention.out"),
        (r"mlp\.gate_up_proj", "mlp.gate_up"),
        (r"(mlp|feed_forward)\.(gate_proj|w1)|ffn_gate", "mlp.gate"),
        (r"(mlp|feed_forward)\.(up_proj|w3)|ffn_up", "mlp.up"),
        (r"(mlp|feed_forward)\.(down_proj|w2|c_proj)|ffn_down|mlp\.fc2|ffn\.lin2|output\.dense", "mlp.down"),
        (r"mlp\.(c_fc|fc1)|intermediate\.dense|ffn\.lin1", "mlp.up"),
        (r"input_layernorm|ln_1|attn_norm|attention_norm", "norm.attention"),
        (r"post_attention_layernorm|ln_2|ffn_norm", "norm.mlp"),
        (r"attention\.output\.LayerNorm|attn_output_norm", "norm.attention"),
        (r"output\.LayerNorm|layer_output_norm", "norm.mlp"),
    )
)
_TOP: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), role)
    for pattern, role in (
        (r"(^|\.)(embed_tokens|wte|word_embeddings|token_embd|tok_embeddings)$", "embedding"),
        (r"(^|\.)(lm_head|embed_out)$|^output$", "head"),
        (r"(^|\.)(norm|ln_f|final_layernorm|output_norm)$", "norm"),
        (r"(^|\.)(wpe|position_embeddings|position_embd)$", "positions"),
        (r"(^|\.)(token_type_embeddings|token_types)$", "token_types"),
        (r"(^|\.)embeddings\.LayerNorm$|^token_embd_norm$", "norm.embedding"),
    )
)
_ROTARY_PERMUTED = ("llama",)  # ggml architectures whose query and key rows llama.cpp reorders
_SKIPPED = re.compile(
    r"(rotary_emb\.inv_freq|rope_freqs\.weight|(^|\.)(attn|attention)\.(masked_)?bias|position_ids"
    r"|(input|output|activation)_scale)$"
)


@dataclass(frozen=True, slots=True)
class Placed:
    """One tensor in the one space."""

    role: str
    values: Values  # (out, in) for matrices
    dtype: str  # as stored; "I8" also where a scale beside it gives the values back
    size_bytes: int = 0  # as stored


def is_layer(role: str) -> bool:
    """Whether a role is a part of a layer. A tensor called only "weight" has the role ""."""
    return role[:1].isdigit()


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
    turned = _is_turned(checkpoint)
    taken = _taken_in(checkpoint, turned=turned)
    for name, tensor in checkpoint.tensors.items():
        if _SKIPPED.search(name) or _is_scale(checkpoint, name):
            continue
        role, values = role_of(name), checkpoint.values(name)
        scale = _scale_of(checkpoint, name, turned=turned and is_layer(role))
        if scale is not None:
            values = values * shaped(checkpoint.values(scale.name), scale, values.shape)
        if values.ndim == 2 and turned and is_layer(role):
            values = values.T
        heads = _rotary_heads(checkpoint, role, values.shape)
        if heads is not None:
            values = _unpermuted(values, heads)
        parts = _parts(role, values.shape, checkpoint.config, taken)
        for part, first, last in parts:
            share = tensor.size_bytes * (last - first) // max(1, values.shape[0])
            yield Placed(part, values[first:last], tensor.dtype, share)
        if not parts:
            yield Placed(role, values, tensor.dtype, tensor.size_bytes)


@dataclass(frozen=True, slots=True)
class Scale:
    """What multiplies a quantised matrix: the values of another tensor, one for all, a row, a column or a block, over a number."""

    name: str
    divisor: float
    block: tuple[int, int] | None = None  # rows and columns that one value multiplies
    by_column: bool = False  # one value a column, of matrices stored as (in, out)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor of the one space lies in a checkpoint; ``placed`` without the values."""

    role: str
    shape: tuple[int, ...]  # (out, in) for matrices
    name: str  # of the stored tensor
    first: int  # the stored row of row 0, before rotary rows are put in order
    turned: bool  # stored as (in, out)
    heads: int | None  # of a matrix whose rotary rows are stored in another order
    scale: Scale | None

    def rows(self, begin: int, end: int) -> list[int]:
        """The stored rows of rows ``begin`` to ``end``; of a matrix that is not turned."""
        found = range(self.first + begin, self.first + end)
        if self.heads is None:
            return list(found)
        wide = self.shape[0] // self.heads
        return [row // wide * wide + 2 * (row % wide % (wide // 2)) + row % wide // (wide // 2) for row in found]


def places(checkpoint: Checkpoint) -> Iterator[Place]:
    """Where the tensors that ``placed`` gives lie, in its order, from the header alone."""
    turned = _is_turned(checkpoint)
    taken = _taken_in(checkpoint, turned=turned)
    for name, tensor in checkpoint.tensors.items():
        if _SKIPPED.search(name) or _is_scale(checkpoint, name):
            continue
        role = role_of(name)
        scale = _scale_of(checkpoint, name, turned=turned and is_layer(role))
        is_turned = turned and len(tensor.shape) == 2 and is_layer(role)
        shape = tensor.shape[::-1] if is_turned else tensor.shape
        heads = _rotary_heads(checkpoint, role, shape)
        parts = _parts(role, shape, checkpoint.config, taken)
        for part, first, last in parts:
            yield Place(part, (last - first, *shape[1:]), name, first, is_turned, heads, scale)
        if not parts:
            yield Place(role, shape, name, 0, is_turned, heads, scale)


def _is_turned(checkpoint: Checkpoint) -> bool:
    """Whether the matrices of the layers lie as (in, out): the widening one tells. In GGUF none do, whatever they came from, and
    of ONNX the graph told, and it is done.
    """
    if checkpoint.format in ("gguf", "onnx"):
        return False
    for name, tensor in checkpoint.tensors.items():
        if role_of(name).endswith((".mlp.gate", ".mlp.up", ".mlp.gate_up")) and len(tensor.shape) == 2:
            rows, columns = tensor.shape
            hidden = checkpoint.config.get("hidden_size", checkpoint.config.get("n_embd"))
            return rows == hidden != columns if isinstance(hidden, int) else rows < columns
    return False


def _is_scale(checkpoint: Checkpoint, name: str) -> bool:
    stem = name.removesuffix("_scale_inv").removesuffix("_scale").removesuffix(".SCB")
    return stem != name and (stem in checkpoint.tensors or f"{stem}.weight" in checkpoint.tensors)


def _scale_of(checkpoint: Checkpoint, name: str, *, turned: bool) -> Scale | None:
    """The scale beside a quantised matrix; None when there is none that fits. Of a square one the outputs are scaled, which are
    the columns where matrices are ``turned``, unless the scale's own shape says otherwise.
    """
    tensor = checkpoint.tensors[name]
    if tensor.dtype not in ("I8", "F8_E4M3", "F8_E5M2"):
        return None
    for other, divisor in (
        (f"{name}_scale", 1.0),
        (f"{name}_scale_inv", 1.0),  # named so, and multiplied all the same
        (f"{name.removesuffix('.weight')}.SCB", 127.0),
    ):
        if other in checkpoint.tensors:
            there = checkpoint.tensors[other]
            by_row = there.count in tensor.shape[:1] and (len(there.shape) < 2 or there.shape[0] == tensor.shape[0])
            by_column = (
                len(tensor.shape) == 2 and there.count == tensor.shape[1] and there.shape[-1:] == tensor.shape[1:]
            )
            if there.count == 1 or (by_row and not (by_column and turned)):
                return Scale(other, divisor)
            if by_column:
                return Scale(other, divisor, by_column=True)
            tall, wide = _block(checkpoint.config)
            if len(tensor.shape) == 2 and there.shape == (-(-tensor.shape[0] // tall), -(-tensor.shape[1] // wide)):
                return Scale(other, divisor, (tall, wide))
    return None


def _block(config: Any) -> tuple[int, int]:
    """Rows and columns of a block with one scale, as ``quantization_config`` says; DeepSeek's 128 by 128 when it does not."""
    said = config.get("quantization_config")
    size = said.get("weight_block_size") if isinstance(said, dict) else None
    if isinstance(size, list) and len(size) == 2 and all(type(side) is int and side > 0 for side in size):
        return size[0], size[1]
    return 128, 128


def shaped(values: Values, scale: Scale, shape: tuple[int, ...], rows: Sequence[int] | None = None) -> Values:
    """A scale's values as they multiply these rows (all when not said) of a tensor of this shape."""
    divided: Values = values / scale.divisor
    if divided.size == 1:
        return divided.reshape(())
    if scale.by_column:
        return divided.reshape(1, -1)
    chosen = np.arange(shape[0]) if rows is None else np.asarray(rows)
    if scale.block is not None:
        tall, wide = scale.block
        spread: Values = np.repeat(divided[chosen // tall], wide, axis=1)[:, : shape[1]]
        return spread
    return divided.reshape(-1)[chosen].reshape(-1, *(1 for _ in shape[1:]))


def _rotary_heads(checkpoint: Checkpoint, role: str, shape: tuple[int, ...]) -> int | None:
    """The number of heads of a matrix whose rotary rows are stored as (heads, half, 2); None for any other."""
    config = checkpoint.config
    if checkpoint.format != "gguf" or config.get("general.architecture") not in _ROTARY_PERMUTED:
        return None
    part = role.removesuffix(".bias")
    if part.endswith(".attention.query"):
        heads = config.get("llama.attention.head_count")
    elif part.endswith(".attention.key"):
        heads = config.get("llama.attention.head_count_kv", config.get("llama.attention.head_count"))
    else:
        return None
    if not isinstance(heads, int) or heads < 1 or len(shape) not in (1, 2) or shape[0] % (2 * heads):
        return None
    return heads


def _unpermuted(values: Values, heads: int) -> Values:
    """Undo the reordering of rotary rows: (heads, half, 2) back to (heads, 2, half)."""
    halves = values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def _taken_in(checkpoint: Checkpoint, *, turned: bool) -> dict[str, int]:
    """By matrix that brings heads together, what it takes in: as much as queries have rows."""
    named = ((role_of(name), tensor.shape) for name, tensor in checkpoint.tensors.items())
    return {
        role: shape[0] if turned else shape[1]
        for role, shape in named
        if role.endswith(".attention.out") and len(shape) == 2
    }


def _parts(role: str, shape: tuple[int, ...], config: Any, taken: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """(role, first row, row after the last) of what a fused matrix, or its bias, holds; nothing for any other. ``taken``: see
    ``_taken_in``.
    """
    stem, _, fused = role.removesuffix(".bias").rpartition(".")
    ending = ".bias" if role.endswith(".bias") else ""
    if fused == "gate_up" and shape and shape[0] % 2 == 0:
        half = shape[0] // 2
        return [(f"{stem}.gate{ending}", 0, half), (f"{stem}.up{ending}", half, shape[0])]
    if fused == "qkv" and len(shape) == (1 if ending else 2):
        heads, kv = config.get("num_attention_heads"), config.get("num_key_value_heads")
        ok = isinstance(heads, int) and isinstance(kv, int) and min(heads, kv) > 0 and shape[0] % (heads + 2 * kv) == 0
        first = heads * (shape[0] // (heads + 2 * kv)) if ok else taken.get(f"{stem}.out", shape[0] // 3)
        if first >= shape[0] or (shape[0] - first) % 2:
            return []
        second = (first + shape[0]) // 2
        parts = ("query", 0, first), ("key", first, second), ("value", second, shape[0])
        return [(f"{stem}.{part}{ending}", begin, end) for part, begin, end in parts]
    return []
