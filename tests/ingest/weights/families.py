"""A small family of tiny checkpoints made from seeds, without training: every change has what a real one has, strong shared
directions and weak private noise, stored as bfloat16.

    root -- tune --------- grown
       \\        \\-- copy, cast, renamed, turned, sharded, q8
        \\-- other (sibling on the same task), far (another task)
    mixed = .6 tune + .4 far          stranger: another seed
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from ingest.weights.digesting import digest_of
from ingest.weights.exact import identity
from ingest.weights.formats import as_bf16
from ingest.weights.member import Member
from ingest.weights.roles import role_of

HIDDEN, WIDE, WORDS, LAYERS = 64, 160, 128, 2
Weights = dict[str, npt.NDArray[np.float32]]
SHAPES = {
    "model.embed_tokens.weight": (WORDS, HIDDEN),
    **{
        f"model.layers.{layer}.{part}.weight": shape
        for layer in range(LAYERS)
        for part, shape in (
            *((f"self_attn.{name}_proj", (HIDDEN, HIDDEN)) for name in "qkvo"),
            ("mlp.gate_proj", (WIDE, HIDDEN)),
            ("mlp.up_proj", (WIDE, HIDDEN)),
            ("mlp.down_proj", (HIDDEN, WIDE)),
        )
    },
    "lm_head.weight": (WORDS, HIDDEN),
}
CONFIG = {"model_type": "llama", "hidden_size": HIDDEN, "num_attention_heads": 4, "num_key_value_heads": 4}


def root(seed: int) -> Weights:
    """A model of its own."""
    rng = np.random.default_rng([0, seed])
    return {name: as_bf16(rng.normal(0, 0.05, shape).astype(np.float32)) for name, shape in SHAPES.items()}


def held(name: str, weights: Weights, created_at: datetime | None = None, dtype: str = "BF16") -> Member:
    """A model of weights in memory."""
    digests = [digest_of(role, values, dtype) for role, values in weights.items()]
    whose = identity(digests)
    return Member(name, whose.dtype, weights, whose, tuple(digests), created_at)


def by_role(weights: Weights) -> Weights:
    """Under the roles of their names."""
    return {role_of(name): values for name, values in weights.items()}


def tuned(base: Weights, task: int, seed: int, size: float = 0.03, steps: float = 1.0) -> Weights:
    """Trained on: the task's few strong directions, and the noise of this run."""
    rng = np.random.default_rng([1, seed])
    out = {}
    for at, (name, values) in enumerate(base.items()):
        shared = np.random.default_rng([2, task, at])
        rows, columns = values.shape
        rank = 8
        strong = shared.normal(size=(rows, rank)) * np.geomspace(1, 0.2, rank) @ shared.normal(size=(rank, columns))
        strong *= steps / np.linalg.norm(strong)
        noise = rng.normal(size=values.shape)
        noise *= 0.5 * np.sqrt(steps) / np.linalg.norm(noise)
        out[name] = as_bf16((values + size * np.linalg.norm(values) * (strong + noise)).astype(np.float32))
    return out


def ties(base: Weights, parents: list[Weights], weights: list[float], density: float = 0.5) -> Weights:
    """TIES: the largest share of each task vector, the sign of their weighted sum, the weighted mean of who agrees."""
    out = {}
    for name, values in base.items():
        deltas = np.stack([parent[name] - values for parent in parents])
        edges = np.quantile(np.abs(deltas), 1 - density, axis=(1, 2), keepdims=True)
        trimmed = deltas * (np.abs(deltas) >= edges)
        shares = np.array(weights).reshape(-1, 1, 1)
        sign = np.sign((shares * trimmed).sum(axis=0))
        agree = shares * ((np.sign(trimmed) == sign) & (trimmed != 0))
        mean = (agree * trimmed).sum(axis=0) / np.maximum(agree.sum(axis=0), 1e-12)
        out[name] = as_bf16((values + mean).astype(np.float32))
    return out


def write(folder: Path, weights: Weights, *, dtype: str = "bf16", config: dict[str, object] | None = None) -> Path:
    """One safetensors file of weights, as bfloat16, float16 or float32."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config or CONFIG))
    if dtype == "bf16":
        _write_bf16(folder / "model.safetensors", weights)
    else:
        kind = np.float16 if dtype == "f16" else np.float32
        save_file({name: values.astype(kind) for name, values in weights.items()}, folder / "model.safetensors")
    return folder


def _write_bf16(path: Path, weights: Weights) -> None:
    header: dict[str, object] = {}
    data, at = b"", 0
    for name, values in weights.items():
        words = (np.ascontiguousarray(values).view(np.uint32) >> 16).astype("<u2").tobytes()
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": [at, at + len(words)]}
        data, at = data + words, at + len(words)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
