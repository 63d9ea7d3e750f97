"""This file knows what is done to a model without training it: parts dropped, added, reordered, rescaled or blurred."""

from __future__ import annotations

import torch

from bench.zoo.networks import Weights


def _layers(weights: Weights) -> list[str]:
    return [name.removesuffix("mlp.gate_proj.weight") for name in weights if name.endswith("mlp.gate_proj.weight")]


def _neurons(weights: Weights, at: str, index: torch.Tensor) -> None:
    for name in ("gate", "up"):
        weights[f"{at}mlp.{name}_proj.weight"] = weights[f"{at}mlp.{name}_proj.weight"][index]
    weights[at + "mlp.down_proj.weight"] = weights[at + "mlp.down_proj.weight"][:, index]


def drop_neurons(base: Weights, kept: int) -> Weights:
    """Only the ``kept`` feed-forward neurons with the largest |gate||up||down| of each layer, in their order."""
    out = dict(base)
    for at in _layers(base):
        norms = [
            base[f"{at}mlp.{name}_proj.weight"].norm(dim=axis) for name, axis in (("gate", 1), ("up", 1), ("down", 0))
        ]
        _neurons(out, at, (norms[0] * norms[1] * norms[2]).topk(kept).indices.sort().values)
    return out


def permute_neurons(base: Weights, seed: torch.Generator) -> Weights:
    """The feed-forward neurons of each layer in another order: the same function."""
    out = dict(base)
    for at in _layers(base):
        _neurons(out, at, torch.randperm(len(base[at + "mlp.up_proj.weight"]), generator=seed))
    return out


def rescale(base: Weights, seed: torch.Generator) -> Weights:
    """Every feed-forward neuron's way in (up) times s and its way out (down) by s, s log-normal: the same function."""
    out = dict(base)
    for at in _layers(base):
        scale = (0.3 * torch.randn(len(base[at + "mlp.up_proj.weight"]), generator=seed)).exp()
        out[at + "mlp.up_proj.weight"] = base[at + "mlp.up_proj.weight"] * scale[:, None]
        out[at + "mlp.down_proj.weight"] = base[at + "mlp.down_proj.weight"] / scale
    return out


def sparsify(base: Weights, share: float) -> Weights:
    """The smallest ``share`` of every inner matrix set to zero."""
    return {
        name: w * (w.abs() > w.abs().flatten().kthvalue(int(share * w.numel())).values) if "_proj" in name else w
        for name, w in base.items()
    }


def drop_layer(base: Weights, dropped: int) -> Weights:
    """Without one layer; those above move down."""
    out: Weights = {}
    for name, tensor in base.items():
        parts = name.split(".")
        if parts[1] == "layers":
            layer = int(parts[2])
            if layer == dropped:
                continue
            parts[2] = str(layer - (layer > dropped))
        out[".".join(parts)] = tensor
    return out


def extend_vocabulary(base: Weights, added: int, seed: torch.Generator) -> Weights:
    """``added`` new rows in embedding and head: the mean row and some noise."""
    out = dict(base)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        rows = base[name]
        new = rows.mean(0) + rows.std() * torch.randn(added, rows.shape[1], generator=seed)
        out[name] = torch.cat([rows, new])
    return out


def new_head(base: Weights, seed: torch.Generator) -> Weights:
    """The head drawn anew."""
    head = base["lm_head.weight"]
    return base | {"lm_head.weight": torch.randn(head.shape, generator=seed) * head.shape[1] ** -0.5}


def noise(base: Weights, relative: float, seed: torch.Generator) -> Weights:
    """Normal noise of ``relative`` times each matrix' root mean square."""
    return {
        name: w + relative * w.pow(2).mean().sqrt() * torch.randn(w.shape, generator=seed) if w.ndim > 1 else w
        for name, w in base.items()
    }
