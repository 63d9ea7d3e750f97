"""This file knows the one space of tensors: whatever a format calls a tensor and however it lays it out, it has a role
(``ingest.weights.roles``), in the orientation (out, in), split where formats fuse or stack, with quantised values given back.

What llama.cpp does to values is undone (``ingest.weights.llama_cpp``). Of two tensors of one role the second, by name, keeps its
own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.weights.checkpoint import Checkpoint, Values
from ingest.weights.fused import Part, hidden_size, inputs, parts_of
from ingest.weights.llama_cpp import is_one_more, rotary_heads, unpermuted
from ingest.weights.roles import is_layer, role_of

_SKIPPED = re.compile(
    r"(rotary_emb\.inv_freq|rope_freqs\.weight|(^|\.)(attn|attention)\.(masked_)?bias|position_ids"
    r"|(input|output|activation)_scale)$"
)
_MORE_NORMS, _BEHIND = re.compile(r"\.(pre|post)_feedforward_layernorm\."), re.compile(r"\.post_attention_layernorm\.")


@dataclass(frozen=True, slots=True)
class Placed:
    """One tensor in the one space."""

    role: str
    values: Values  # (out, in) for matrices
    dtype: str  # as stored; "I8" also where a scale beside it gives the values back
    size_bytes: int = 0  # as stored


def placed(checkpoint: Checkpoint) -> Iterator[Placed]:
    """The tensors of a checkpoint, one in memory at a time, in the order of their names."""
    turned, roles = _is_turned(checkpoint), _roles(checkpoint)
    taken = inputs(checkpoint, turned=turned)
    for name, tensor in checkpoint.tensors.items():
        if _SKIPPED.search(name) or _is_scale(checkpoint, name):
            continue
        role, values = roles[name], checkpoint.values(name)
        if is_one_more(checkpoint, name):
            values = values - 1
        scale = _scale_of(checkpoint, name, turned=turned and is_layer(role))
        if scale is not None:
            values = values * shaped(checkpoint.values(scale.name), scale, values.shape)
        if values.ndim == 2 and turned and is_layer(role):
            values = values.T
        heads = rotary_heads(checkpoint, role, values.shape)
        if heads is not None:
            values = unpermuted(values, heads)
        parts = parts_of(role, values.shape, checkpoint.config, taken) if scale is None or values.ndim < 3 else []
        lines = values.reshape(-1, values.shape[-1]) if parts and values.ndim == 3 else values
        for part in parts:
            share = tensor.size_bytes * part.count // max(1, len(lines))
            yield Placed(part.role, part.of(lines), tensor.dtype, share)
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
    part: Part | None  # of a fused tensor; rows of stacked matrices go on
    turned: bool  # stored as (in, out)
    heads: int | None  # of a matrix whose rotary rows are stored in another order
    scale: Scale | None

    def rows(self, begin: int, end: int) -> list[int]:
        """The stored rows of rows ``begin`` to ``end``; the columns of a matrix that is turned."""
        found = range(begin, end)
        if self.part is not None:
            return [self.part.row(row) for row in found]
        if self.heads is None:
            return list(found)
        wide = self.shape[0] // self.heads
        return [row // wide * wide + 2 * (row % wide % (wide // 2)) + row % wide // (wide // 2) for row in found]


def places(checkpoint: Checkpoint) -> Iterator[Place]:
    """Where the tensors that ``placed`` gives lie, in its order, from the header alone."""
    turned, roles = _is_turned(checkpoint), _roles(checkpoint)
    taken = inputs(checkpoint, turned=turned)
    for name, tensor in checkpoint.tensors.items():
        if _SKIPPED.search(name) or _is_scale(checkpoint, name):
            continue
        role = roles[name]
        scale = _scale_of(checkpoint, name, turned=turned and is_layer(role))
        is_turned = turned and len(tensor.shape) == 2 and is_layer(role)
        shape = tensor.shape[::-1] if is_turned else tensor.shape
        heads = rotary_heads(checkpoint, role, shape)
        parts = parts_of(role, shape, checkpoint.config, taken) if scale is None or len(shape) < 3 else []
        for part in parts:
            rest = shape[2:] if len(shape) == 3 else shape[1:]
            yield Place(part.role, (part.count, *rest), name, part, is_turned, heads, scale)
        if not parts:
            yield Place(role, shape, name, None, is_turned, heads, scale)


def _roles(checkpoint: Checkpoint) -> dict[str, str]:
    """The role of each tensor, by name. No two have one: stacks and tables that are there twice keep their own names. Where blocks
    have norms behind them, too, the one "post" attention is no norm before the next block.
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    has_more = any(_MORE_NORMS.search(name) for name in checkpoint.tensors)
    for name in checkpoint.tensors:
        role = role_of(name)
        if has_more and _BEHIND.search(name):
            role = role.replace(".norm.mlp", ".post_attention_norm")
        found[name] = name if role in seen else role
        seen.add(role)
    return found


def _is_turned(checkpoint: Checkpoint) -> bool:
    """Whether the matrices of the layers lie as (in, out): the widening one tells. In GGUF none do, whatever they came from, and
    of ONNX the graph told, and it is done.
    """
    if checkpoint.format in ("gguf", "onnx"):
        return False
    for name, tensor in checkpoint.tensors.items():
        if role_of(name).endswith((".mlp.gate", ".mlp.up", ".mlp.gate_up")) and len(tensor.shape) == 2:
            rows, columns = tensor.shape
            hidden = hidden_size(checkpoint.config)
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
