"""This file knows how a model is trained: from nothing, on from a base, through low-rank adapters, or towards a teacher.

Everything runs in fp32 on one thread: the same seed gives the same bits on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from bench.zoo import networks, tasks
from bench.zoo.networks import Shape, Weights

BATCH = 16


def torch_seed(*seed: object) -> torch.Generator:
    """torch's generator for a tuple of names and numbers."""
    return torch.Generator().manual_seed(int(tasks.generator("torch", *seed).integers(2**62)))


def epochs(rows: tasks.Tokens, order: tasks.Generator) -> Iterator[Tensor]:
    """Batches of a fixed set of sequences for ever, every epoch in a new order."""
    while True:
        shuffled = rows[order.permutation(len(rows))]
        for at in range(0, len(rows), BATCH):
            yield torch.from_numpy(shuffled[at : at + BATCH])


def stream(rule_seed: int, draw: tasks.Generator) -> Iterator[Tensor]:
    """Fresh batches of a language for ever."""
    while True:
        rows = tasks.language(rule_seed, draw, BATCH * 32)
        yield from torch.from_numpy(rows).view(-1, BATCH, tasks.LENGTH)


def loss_of(logits: Tensor, batch: Tensor) -> Tensor:
    """Mean cross-entropy of the next token."""
    return functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


def fit(
    trained: Weights,
    whole: Callable[[], Weights],
    shape: Shape,
    batches: Iterator[Tensor],
    steps: int,
    rate: float,
    teacher: Weights | None = None,
) -> None:
    """Change ``trained`` in place by AdamW, warm-up and linear decay; ``whole()`` gives the network's weights from it."""
    torch.set_num_threads(1)
    for tensor in trained.values():
        tensor.requires_grad_(True)
    optimiser = torch.optim.AdamW(list(trained.values()), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    for step in range(steps):
        batch = next(batches)
        logits = networks.forward(whole(), shape, batch[:, :-1])
        loss = loss_of(logits, batch)
        if teacher is not None:
            with torch.no_grad():
                wanted = networks.forward(teacher, shape, batch[:, :-1]).softmax(-1)
            loss = 0.2 * loss + 0.8 * functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(0, 1))
        for group in optimiser.param_groups:
            group["lr"] = rate * min((step + 1) / (0.05 * steps + 1), (steps - step) / steps)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for tensor in trained.values():
        tensor.requires_grad_(False)


def finetune(
    base: Weights, shape: Shape, batches: Iterator[Tensor], steps: int, rate: float, only: str = ""
) -> Weights:
    """All weights (or those whose name starts with ``only``) trained on from ``base``."""
    out = {name: tensor.clone() for name, tensor in base.items()}
    fit(
        {name: tensor for name, tensor in out.items() if name.startswith(only)},
        lambda: out,
        shape,
        batches,
        steps,
        rate,
    )
    return out


def distil(
    teacher: Weights, shape: Shape, seed: torch.Generator, batches: Iterator[Tensor], steps: int, rate: float
) -> Weights:
    """A student of its own first weights, taught by the teacher's distribution: kin in what it says, not in its weights."""
    out = networks.first(shape, seed)
    fit(out, lambda: out, shape, batches, steps, rate, teacher)
    return out


def adapt(
    base: Weights,
    shape: Shape,
    rank: int,
    modules: list[str],
    seed: torch.Generator,
    batches: Iterator[Tensor],
    steps: int,
    rate: float,
) -> Weights:
    """A low-rank adapter's A (rank, in) and B (out, rank), by "module.lora_A" and "module.lora_B"."""
    pairs: Weights = {}
    for name in (n for n in base if any(n.endswith(f".{m}.weight") for m in modules)):
        rows, columns = base[name].shape
        pairs[name.removesuffix("weight") + "lora_A"] = torch.randn(rank, columns, generator=seed) * columns**-0.5
        pairs[name.removesuffix("weight") + "lora_B"] = torch.zeros(rows, rank)
    fit(pairs, lambda: with_adapter(base, pairs), shape, batches, steps, rate)
    return pairs


def with_adapter(base: Weights, pairs: Weights, scale: float = 2.0) -> Weights:
    """W + scale B A for the modules that the adapter has (scale is alpha / rank, 2 throughout)."""
    out = dict(base)
    for name in (n for n in pairs if n.endswith("lora_A")):
        at = name.removesuffix("lora_A")
        out[at + "weight"] = base[at + "weight"] + scale * pairs[at + "lora_B"] @ pairs[name]
    return out
