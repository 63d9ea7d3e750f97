"""This file knows how models are merged: averages, spherical averages, and sums of task vectors, whole, thinned or trimmed.

Symbols: b base, p_i parents, d_i = p_i - b, w_i weights. All in fp32, tensor by tensor.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bench.zoo.networks import Weights


def linear(parents: list[Weights], weights: list[float]) -> Weights:
    """y = sum_i w_i p_i."""
    return {
        name: sum((w * p[name] for w, p in zip(weights, parents, strict=True)), torch.zeros(())) for name in parents[0]
    }


def slerp(parents: list[Weights], weights: list[float]) -> Weights:
    """y = (sin((1-t)a) p_1 + sin(ta) p_2) / sin a, with a the angle between the two tensors and t = w_2."""
    one, two = parents
    t = weights[1]

    def arc(p: Tensor, q: Tensor) -> Tensor:
        angle = torch.acos((p.flatten() @ q.flatten() / (p.norm() * q.norm())).clamp(-1, 1))
        if angle < 1e-4:
            return (1 - t) * p + t * q
        return (((1 - t) * angle).sin() * p + (t * angle).sin() * q) / angle.sin()

    return {name: arc(one[name], two[name]) for name in one}


def task_arithmetic(base: Weights, parents: list[Weights], weights: list[float]) -> Weights:
    """y = b + sum_i w_i d_i; the weights need not sum to one."""
    return {
        name: b + sum((w * (p[name] - b) for w, p in zip(weights, parents, strict=True)), torch.zeros(()))
        for name, b in base.items()
    }


def dare(base: Weights, parents: list[Weights], weights: list[float], density: float, seed: torch.Generator) -> Weights:
    """y = b + sum_i w_i m_i d_i / density, m_i a random mask that keeps ``density`` of the weights (Yu et al., 2311.03099)."""

    def thin(delta: Tensor) -> Tensor:
        return delta * (torch.rand(delta.shape, generator=seed) < density) / density

    return {
        name: b + sum((w * thin(p[name] - b) for w, p in zip(weights, parents, strict=True)), torch.zeros(()))
        for name, b in base.items()
    }


def ties(base: Weights, parents: list[Weights], weights: list[float], density: float) -> Weights:
    """Keep of each d_i the largest ``density``, elect signs by sum_i w_i d_i, average who agrees (Yadav et al., 2306.01708)."""
    out: Weights = {}
    for name, b in base.items():
        deltas = torch.stack([p[name] - b for p in parents])
        keep = max(1, int(density * b.numel()))
        edges = deltas.abs().flatten(1).kthvalue(b.numel() - keep + 1).values.view(-1, *[1] * b.ndim)
        w = torch.tensor(weights).view(-1, *[1] * b.ndim)
        trimmed = deltas * (deltas.abs() >= edges)
        sign = (w * trimmed).sum(0).sign()
        agree = w * ((trimmed.sign() == sign) & (trimmed != 0))
        out[name] = b + (agree * trimmed).sum(0) / agree.sum(0).clamp(min=1e-12)
    return out
