"""This file knows the one space of tensors: whatever a format calls a tensor and however it lays it out, it has a role
(``ingest.weights.roles``), in the orientation (out, in), split where formats fuse or stack, with quantised values given back.

llama.cpp's permutation of rotary rows is undone here. Of two tensors of one role the second, by name, keeps its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.weights.checkpoint import Checkpoint, Values
from ingest.weights.roles import is_layer, role_of

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


def placed(checkpoint: Checkpoint) -> Iterator[Placed]:
    """The tensors of a checkpoint, one in memory at a time, in the order of their names."""
    turned, roles = _is_turned(checkpoint), _roles(checkpoint)
    taken = _taken_in(checkpoint, turned=turned)
    for name, tensor in checkpoint.tensors.items():
        if _SKIPPED.search(name) or _is_scale(checkpoint, name):
            continue
        role, values = roles[name], checkpoint.values(name)
        scale = _scale_of(checkpoint, name, turned=turned and is_layer(role))
        if scale is not None:
            values = values * shaped(checkpoint.values(scale.name), scale, values.shape)
        if values.ndim == 2 and turned and is_layer(role):
            values = values.T
        heads = _rotary_heads(checkpoint, role, values.shape)
        if heads is not None:
            values = _unpermuted(values, heads)
        parts = _parts(role, values.shape, checkpoint.config, taken) if scale is None or values.ndim < 3 else []
        lines = values.reshape(-1, values.shape[-1]) if parts and values.ndim == 3 else values
        for part, first, last in parts:
            share = tensor.size_bytes * (last - first) // max(1, len(lines))
            yield Placed(part, lines[first:last], tensor.dtype, share)
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
    first: int  # the stored row of row 0, before rotary rows are put in order; rows of stacked matrices go on
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
    turned, roles = _is_turned(checkpoint), _roles(checkpoint)
    taken = _taken_in(checkpoint, turned=turned)
    for name, tensor in checkpoint.tensors.items():
        if _SKIPPED.search(name) or _is_scale(checkpoint, name):
            continue
        role = roles[name]
        scale = _scale_of(checkpoint, name, turned=turned and is_layer(role))
        is_turned = turned and len(tensor.shape) == 2 and is_layer(role)
        shape = tensor.shape[::-1] if is_turned else tensor.shape
        heads = _rotary_heads(checkpoint, role, shape)
        parts = _parts(role, shape, checkpoint.config, taken) if scale is None or len(shape) < 3 else []
        for part, first, last in parts:
            rest = shape[2:] if len(shape) == 3 else shape[1:]
            yield Place(part, (last - first, *rest), name, first, is_turned, heads, scale)
        if not parts:
            yield Place(role, shape, name, 0, is_turned, heads, scale)


def _roles(checkpoint: Checkpoint) -> dict[str, str]:
    """The role of each tensor, by name. No two have one: stacks and tables that are there twice keep their own names."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for name in checkpoint.tensors:
        role = role_of(name)
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
            hidden = _hidden(checkpoint.config)
            return rows == hidden != columns if isinstance(hidden, int) else rows < columns
    return False


def _hidden(config: Mapping[str, Any]) -> object:
    """How many values flow between layers, as a configuration says; None when it does not."""
    return next((config[word] for word in ("hidden_size", "n_embd", "d_model") if word in config), None)


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
    if stem.endswith(".experts") and len(shape) == 3:
        return _experts(stem.removesuffix("s"), fused, shape, config)
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


def _experts(stem: str, fused: str, shape: tuple[int, ...], config: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """The matrices of all experts that lie in one tensor, (experts, out, in), as rows that go on from one to the next; nothing
    where they lie turned.
    """
    count, rows, columns = shape
    hidden = _hidden(config)
    if isinstance(hidden, int) and hidden != (rows if fused == "down" else columns):
        return []
    parts = [(fused, 0, rows)]
    if fused == "gate_up":
        if rows % 2:
            return []
        parts = [("gate", 0, rows // 2), ("up", rows // 2, rows)]
    return [
        (f"{stem}.{expert}.{part}", expert * rows + first, expert * rows + last)
        for expert in range(count)
        for part, first, last in parts
    ]
