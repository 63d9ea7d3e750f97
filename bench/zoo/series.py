"""This file knows series: a root trained for longer and longer, an adapter at larger and larger scales, more and more noise.

They lie beside a finished zoo, in series/, and belong to none of its families: each model is judged alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from bench.zoo import checkpoints, making, surgery, tasks, training, truth
from bench.zoo.networks import LINEARS, Shape, Weights

STEPS, RATES = (10, 25, 50, 100, 200), (3e-5, 1e-4)
SCALES = (0.125, 0.25, 0.5, 1.0, 2.0)
NOISE = (0.002, 0.005, 0.01, 0.03)
_TASKS = ("markov", "copy")
_VERSION = 1


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a series."""

    id: str
    base: str
    series: str  # "steps markov 0.0001", "adapter", "noise"
    amount: float  # steps, scale, relative noise
    work: float | None  # steps times rate, where it was trained


def made(zoo: Path) -> list[Step]:
    """The series of every root of a zoo, made unless they are there."""
    truths, index = truth.read(zoo), zoo / "series" / f"series-{_VERSION}.json"
    if not index.exists():
        roots = [model.id for model in truths.models if model.kind == "root"]
        steps = [step for root in roots for step in _made_of(zoo, root, truths.seed)]
        index.write_bytes(msgspec.json.encode(steps))
    return msgspec.json.decode(index.read_bytes(), type=list[Step])


def _made_of(zoo: Path, root: str, seed: int) -> Iterator[Step]:
    folder = making.folder_of(zoo, root)
    base, shape = checkpoints.read(folder), _shape(folder)

    def kept(series: str, amount: float, weights: Weights, work: float | None = None) -> Step:
        id = f"{root}-{series.replace(' ', '-')}-{amount:g}"
        (zoo / "series" / id).mkdir(parents=True, exist_ok=True)
        checkpoints.write(zoo / "series" / id, weights, shape, "bfloat16", "plain", seed)
        return Step(id=id, base=root, series=series, amount=amount, work=work)

    for task in _TASKS:
        draw = tasks.generator("series", seed, root, task)
        rows = tasks.sequences(task, seed * 1000 + 999, draw, 256)
        for rate in RATES:
            for steps in STEPS:
                order = tasks.generator("order", seed, root, task)
                weights = training.finetune(base, shape, training.epochs(rows, order), steps, rate)
                yield kept(f"steps {task} {rate:g}", steps, weights, steps * rate)
    order = tasks.generator("order", seed, root, "adapter")
    start = training.torch_seed(seed, root, "adapter")
    pairs = training.adapt(base, shape, 4, LINEARS[:4], start, training.epochs(rows, order), 48, 3e-3)
    for scale in SCALES:
        yield kept("adapter", scale, training.with_adapter(base, pairs, 2.0 * scale))
    for relative in NOISE:
        yield kept("noise", relative, surgery.noise(base, relative, training.torch_seed(seed, root, "noise", relative)))


def _shape(folder: Path) -> Shape:
    config = json.loads((folder / "config.json").read_bytes())
    names = {
        "vocabulary": "vocab_size",
        "hidden": "hidden_size",
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "kv_heads": "num_key_value_heads",
        "ffn": "intermediate_size",
    }
    return Shape(**{ours: int(config[theirs]) for ours, theirs in names.items()})


def rises(values: list[float]) -> bool:
    """Whether no value is below the one before."""
    return bool(np.all(np.diff(values) >= 0))
