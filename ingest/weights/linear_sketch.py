"""This file knows the sketch of a model: a few kilobytes by which its relatives are found among a hundred thousand others.

Of the matrices t that are kept of a model (``ingest.weights.member``: all, or the same windows in every model of that shape),

    layers  = unit( sum over t in layers of S(centred_t / |centred_t|) )         K = 1,024, float32
    outside = the same over the other matrices (embedding, head, ...)

so that the inner product of two models' is the mean cosine of their centred matrices, within about 1 / sqrt(K). The seed of S
is the matrix's part, not its layer: a model that kept some layers of another is found by them. ``profile`` is what the order of
neurons does not change: per part of the layers, 16 quantiles of the rows' lengths, over their mean. When not to trust it: models
of fewer than some hundred weights.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np

from ingest.weights.centred import centred
from ingest.weights.checkpoint import Values
from ingest.weights.countsketch import Doubles, seed_of, sketch
from ingest.weights.exact import Identity
from ingest.weights.member import Member
from ingest.weights.roles import is_layer

VERSION: Final = 1
CANDIDATES: Final = 1_024  # K of ``layers`` and ``outside``
PARTS: Final = ("layers", "outside")
QUANTILES: Final = 16
EVERYWHERE = ("positions", "token_types")  # the same tables in unrelated models


@dataclass(frozen=True, slots=True)
class LinearSketch:
    """One model, small. ``layers`` and ``outside`` are None where it has no such matrices."""

    model: str
    tier: str  # a value of ``ingest.weights.member.Tier``
    read_bytes: int  # of its weights
    width: int  # columns of most matrices of the layers: models are compared within a width
    content: str  # see ``contents``
    layers: Values | None
    outside: Values | None
    profile: Values  # (parts of the layers * QUANTILES,)


def part_of(role: str) -> str:
    """The role without its layer."""
    return role.partition(".")[2] if is_layer(role) else role


def sketch_of(model: Member) -> LinearSketch:
    """The sketch of a model from what is kept of it."""
    widths: defaultdict[int, int] = defaultdict(int)
    for role, values in model.matrices.items():
        if is_layer(role):
            widths[values.shape[1]] += 1
    width = max(sorted(widths), key=lambda columns: widths[columns], default=0)
    found = directions(model)
    content, profile = contents(model.identity), profile_of(model)
    return LinearSketch(
        model.id, model.tier.value, model.read_bytes, width, content, found["layers"], found["outside"], profile
    )


def directions(model: Member, *, shuffled: bool = False) -> dict[str, Values | None]:
    """``layers`` and ``outside``; with ``shuffled`` of the same rows in another order, which is what no relative of it has."""
    sums: dict[str, Doubles] = {}
    for role, values in sorted(model.matrices.items()):
        if role in EVERYWHERE:
            continue
        order = np.random.default_rng(seed_of(role)).permutation(len(values)) if shuffled else slice(None)
        direction = direction_of(role, values[order])
        if direction is not None:
            where = "layers" if is_layer(role) else "outside"
            sums[where] = sums.get(where, np.zeros(CANDIDATES)) + direction
    return {part: _unit(sums.get(part)) for part in PARTS}


def direction_of(role: str, values: Values) -> Doubles | None:
    """The sketch of one matrix without its size; None when nothing is left of it. Shape: (CANDIDATES,)."""
    left = centred(values)
    length = float(np.linalg.norm(left))
    if not length or not np.isfinite(length):
        return None
    return sketch(left, seed_of(f"{VERSION} {part_of(role)} {values.shape[1]}"), CANDIDATES) / length


def profile_of(model: Member) -> Values:
    """Quantiles of the rows' lengths over their mean, for each part of the layers, by name."""
    lengths: defaultdict[str, list[Doubles]] = defaultdict(list)
    for role, values in sorted(model.matrices.items()):
        if is_layer(role):
            lengths[part_of(role)].append(np.linalg.norm(values.astype(np.float64), axis=1))
    places = np.linspace(0, 1, QUANTILES)
    told = []
    for part in sorted(lengths):
        each = np.concatenate(lengths[part])
        told.append(np.quantile(each, places) / max(float(each.mean()), 1e-30))
    return np.concatenate(told).astype(np.float32) if told else np.empty(0, dtype=np.float32)


def contents(whose: Identity) -> str:
    """What all tensors hold, rounded to bf16, as one digest: the same for copies and casts, whatever their tensors are called."""
    return hashlib.blake2b(" ".join(whose.bf16).encode(), digest_size=16).hexdigest()


def _unit(values: Doubles | None) -> Values | None:
    """A vector of length 1, as float32; None for none and for nothing."""
    length = 0.0 if values is None else float(np.linalg.norm(values))
    return None if values is None or not length else (values / length).astype(np.float32)
