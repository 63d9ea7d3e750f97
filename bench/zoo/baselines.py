"""This file knows the simple rules to beat: each reads the checkpoints and their dates and says "finetune" of whatever it
links.

Weights are what a plain tool sees: tensors by their own names, GGUF and int8 dequantised, adapters left out. A family is
the same names and shapes and a median cosine above .5 between matrices; "earlier" is by the date that the cards show.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import networkx as nx
import numpy as np
import torch
from numpy.typing import NDArray

from bench.zoo import checkpoints, tasks
from bench.zoo.truth import Card, Edge, Predictions

FAMILY_COSINE = 0.5


class Block(msgspec.Struct, frozen=True):
    """Models of the same names and shapes, the oldest first, and what lies between each two."""

    ids: list[str]
    distance: NDArray[np.float64]  # (models, models) squared L2
    hamming: NDArray[np.float64]  # share of bf16 values that differ
    kin: NDArray[np.bool_]  # median cosine over matrices above FAMILY_COSINE
    kurtosis: NDArray[np.float64]  # (models,)


def blocks(zoo: Path, ids: list[str]) -> list[Block]:
    """Group the models (oldest first) by names and shapes and measure each group."""
    groups: defaultdict[str, list[tuple[str, dict[str, torch.Tensor]]]] = defaultdict(list)
    for id in ids:
        folder = zoo / "models" / id
        if (folder / "config.json").exists():
            weights = checkpoints.read(folder)
            groups[repr([(name, tuple(tensor.shape)) for name, tensor in weights.items()])].append((id, weights))
    return [_block(members) for members in groups.values()]


def _block(members: list[tuple[str, dict[str, torch.Tensor]]]) -> Block:
    count = len(members)
    distance, differ = np.zeros((count, count)), np.zeros((count, count))
    cosines, size = [], 0
    for name, first in members[0][1].items():
        rows = torch.stack([weights[name].flatten() for _, weights in members])
        centred = (rows - rows[0]).double()
        gram = (centred @ centred.T).numpy()
        square = np.diag(gram)
        distance += np.maximum(0, square[:, None] + square[None] - 2 * gram)
        halves = rows.to(torch.bfloat16).view(torch.int16).numpy()
        differ += np.stack([(halves != one).sum(1) for one in halves])
        size += rows.shape[1]
        if first.ndim > 1:
            units = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-12)
            cosines.append((units @ units.T).numpy())
    values = [
        np.concatenate([w.numpy().ravel() for w in weights.values() if w.ndim > 1]).astype(np.float64)
        for _, weights in members
    ]
    kurtosis = np.array([((v - v.mean()) ** 4).mean() / v.var() ** 2 for v in values])
    kin = np.median(np.stack(cosines), axis=0) > FAMILY_COSINE if cosines else np.zeros((count, count), np.bool_)
    return Block([id for id, _ in members], distance, differ / size, kin, kurtosis)


def _said(pairs: Iterable[tuple[str, str]]) -> Predictions:
    return Predictions(edges=tuple(Edge(model=child, base_model=base, relation="finetune") for child, base in pairs))


def config_hash(zoo: Path, ids: list[str], pick: Callable[[list[str]], str]) -> Predictions:
    """Models with one config.json (less the dtype) are kin: an earlier one, as ``pick`` chooses, is the base."""
    seen: defaultdict[str, list[str]] = defaultdict(list)
    pairs = []
    for id in ids:
        path = zoo / "models" / id / "config.json"
        if path.exists():
            config = {
                key: value
                for key, value in json.loads(path.read_text()).items()
                if key not in ("torch_dtype", "quantization_config")
            }
            key = json.dumps(config, sort_keys=True)
            if seen[key]:
                pairs.append((id, pick(seen[key])))
            seen[key].append(id)
    return _said(pairs)


def nearest_earlier(measured: list[Block], by: str) -> Predictions:
    """The nearest earlier member of the family, by "distance" or "hamming"."""
    pairs = []
    for block in measured:
        far: NDArray[np.float64] = getattr(block, by)
        for at, id in enumerate(block.ids):
            earlier = [n for n in range(at) if block.kin[at, n]]
            if earlier:
                pairs.append((id, block.ids[min(earlier, key=lambda n: far[at, n])]))
    return _said(pairs)


def family_root(measured: list[Block]) -> Predictions:
    """A star: the oldest member of the family."""
    pairs = []
    for block in measured:
        for at, id in enumerate(block.ids):
            earlier = [n for n in range(at) if block.kin[at, n]]
            if earlier:
                pairs.append((id, block.ids[earlier[0]]))
    return _said(pairs)


def mother(measured: list[Block]) -> Predictions:
    """Without dates, after MoTHer (Horwitz et al., 2405.18432): minimum arborescence, dearer where kurtosis falls."""
    pairs = []
    for block in measured:
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(block.ids)))
        graph.add_edges_from(zip(*np.nonzero(np.triu(block.kin, 1)), strict=True))
        for family in map(sorted, nx.connected_components(graph)):
            if len(family) == 1:
                continue
            far = np.sqrt(block.distance)
            against = 0.3 * far[np.ix_(family, family)].mean()
            directed: nx.DiGraph[int] = nx.DiGraph()
            for base in family:
                for child in family:
                    if base != child:
                        directed.add_edge(
                            base,
                            child,
                            weight=far[base, child] + against * (block.kurtosis[base] > block.kurtosis[child]),
                        )
            pairs += [
                (block.ids[child], block.ids[base]) for base, child in nx.minimum_spanning_arborescence(directed).edges
            ]
    return _said(pairs)


def predictions(zoo: Path) -> dict[str, Predictions]:
    """Every baseline's predictions, by its name."""
    cards = msgspec.json.decode((zoo / "cards.json").read_bytes(), type=list[Card])
    ids = [card.id for card in sorted(cards, key=lambda c: (c.created_at, c.id))]
    draw = tasks.generator("random earlier")
    measured = blocks(zoo, ids)
    return {
        "config hash, oldest": config_hash(zoo, ids, lambda earlier: earlier[0]),
        "config hash, random earlier": config_hash(zoo, ids, lambda earlier: earlier[int(draw.integers(len(earlier)))]),
        "family root (star)": family_root(measured),
        "nearest earlier, L2": nearest_earlier(measured, "distance"),
        "nearest earlier, bf16 Hamming": nearest_earlier(measured, "hamming"),
        "MoTHer-like, no dates": mother(measured),
    }
