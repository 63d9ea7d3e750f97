"""This file knows which rows of a fused or stacked tensor are whose: queries, keys and values in one, gates and ups, all experts.

Row r of a part lies at  first + r // run * stride + r % run.  Of most models queries, keys and values lie one after the other; of
GPT-NeoX, BLOOM, Falcon and InternLM2 by groups of heads, each with its queries, its key and its value. Sources: the transformers
library's models, and how llama.cpp's converter takes them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.weights.checkpoint import Checkpoint, Values
from ingest.weights.roles import role_of

_GROUPED = frozenset({"gpt_neox", "bloom", "internlm2"})  # and Falcon, but for its first form


@dataclass(frozen=True, slots=True)
class Part:
    """What has a role in a fused tensor: ``count`` rows, ``run`` of them together from ``first``, each next run ``stride`` on."""

    role: str
    count: int
    first: int
    run: int
    stride: int

    def row(self, at: int) -> int:
        """Where one of its rows is stored."""
        return self.first + at // self.run * self.stride + at % self.run

    def of(self, lines: Values) -> Values:
        """These rows of all. Shapes: (all rows, ...); (count, ...)."""
        if self.run == self.count:
            return lines[self.first : self.first + self.count]
        return lines[[self.row(at) for at in range(self.count)]]


def hidden_size(config: Mapping[str, Any]) -> object:
    """How many values flow between layers, as a configuration says; None when it does not."""
    return next((config[word] for word in ("hidden_size", "n_embd", "d_model") if word in config), None)


def inputs(checkpoint: Checkpoint, *, turned: bool) -> dict[str, int]:
    """What the matrices that end attention and feed-forward blocks take in, by role: as much as queries have rows, or ups.
    ``turned``: they are stored as (in, out).
    """
    named = ((role_of(name), tensor.shape) for name, tensor in checkpoint.tensors.items())
    return {
        role: shape[0] if turned else shape[1]
        for role, shape in named
        if role.endswith((".attention.out", ".mlp.down")) and len(shape) == 2
    }


def parts_of(role: str, shape: tuple[int, ...], config: Mapping[str, Any], taken: Mapping[str, int]) -> list[Part]:
    """What a fused matrix, or its bias, holds; nothing for any other. ``taken``: see ``inputs``."""
    stem, _, fused = role.removesuffix(".bias").rpartition(".")
    ending = ".bias" if role.endswith(".bias") else ""
    if stem.endswith(".experts") and len(shape) == 3:
        return _experts(stem.removesuffix("s"), fused, shape, config)
    if not shape or len(shape) > 2:
        return []
    rows = shape[0]
    if (fused == "gate_up" and rows % 2 == 0) or (fused == "up" and rows == 2 * taken.get(f"{stem}.down", 0)):
        return _in_line((f"{stem}.gate{ending}", rows // 2), (f"{stem}.up{ending}", rows // 2))
    if fused != "qkv" or len(shape) != (1 if ending else 2):
        return []
    query, key, value = (f"{stem}.{part}{ending}" for part in ("query", "key", "value"))
    heads, kv = _heads(config)
    wide = rows // (heads + 2 * kv) if heads and kv and rows % (heads + 2 * kv) == 0 else 0  # of a head
    if wide and heads % kv == 0 and _is_grouped(config):
        each = heads // kv * wide  # rows of queries in a group
        group = each + 2 * wide
        return [
            Part(query, heads * wide, 0, each, group),
            Part(key, kv * wide, each, wide, group),
            Part(value, kv * wide, each + wide, wide, group),
        ]
    first = heads * wide or taken.get(f"{stem}.out", rows // 3)
    if first >= rows or (rows - first) % 2:
        return []
    return _in_line((query, first), (key, (rows - first) // 2), (value, (rows - first) // 2))


def _in_line(*parts: tuple[str, int], first: int = 0) -> list[Part]:
    """Parts (role, rows) one after the other."""
    found: list[Part] = []
    for role, count in parts:
        found.append(Part(role, count, first, count, count))
        first += count
    return found


def _heads(config: Mapping[str, Any]) -> tuple[int, int]:
    """(heads, those of keys and values), as a configuration says; 0 where it does not."""
    heads = _count(config, "num_attention_heads", "n_head")
    if config.get("model_type") == "falcon" and not _is_grouped(config):
        return heads, 1  # whatever else it says
    kv = _count(config, "num_key_value_heads", "num_kv_heads", "n_head_kv")
    return heads, kv or (heads if _is_grouped(config) else 0)


def _count(config: Mapping[str, Any], *words: str) -> int:
    """The first of some settings that is a number from 1; 0 where none is."""
    return next((value for word in words if type(value := config.get(word)) is int and value > 0), 0)


def _is_grouped(config: Mapping[str, Any]) -> bool:
    """Whether queries, keys and values lie by groups of heads."""
    kind = config.get("model_type")
    if kind == "falcon":
        return bool(config.get("new_decoder_architecture")) or not config.get("multi_query", True)
    return isinstance(kind, str) and kind in _GROUPED


def _experts(stem: str, fused: str, shape: tuple[int, ...], config: Mapping[str, Any]) -> list[Part]:
    """The matrices of all experts that lie in one tensor, (experts, out, in), as rows that go on from one to the next; nothing
    where they lie turned.
    """
    count, rows, columns = shape
    hidden = hidden_size(config)
    if isinstance(hidden, int) and hidden != (rows if fused == "down" else columns):
        return []
    words = [fused]
    if fused == "gate_up":
        if rows % 2:
            return []
        words = ["gate", "up"]
    each = rows // len(words)
    return _in_line(*((f"{stem}.{expert}.{word}", each) for expert in range(count) for word in words))
