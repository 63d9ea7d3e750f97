"""This file knows the form of truth.json, cards.json and of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

Relation = Literal["finetune", "adapter", "merge", "quantized", "identical", "recast", "pruned", "expanded", "permuted"]
Standing = Literal["right", "wrong", "gone", "silent"]  # of what a card declares


class Parent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A true derivation, from the child's side."""

    id: str
    relation: Relation
    weight: float | None = None  # a merge's coefficient
    missing: bool = False  # the base is withheld from the zoo


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model and what it was made from."""

    id: str
    name: str  # in the plan, for people: R0.fan1
    root: int
    kind: str
    parents: tuple[Parent, ...]
    created_at: str  # as the Hub would say; wrong where time_wrong
    created_truly: str
    time_wrong: bool = False
    missing: bool = False  # withheld: no folder
    dtype: str
    format: str
    class_: str = msgspec.field(name="class")  # the oldest model with the same values in bf16, casts to fp16 included
    card: Standing = "silent"
    relative_distance: float | None = None  # |y - p| / |p| to the first parent of the same shapes
    detail: dict[str, Any] = {}


class Negative(msgspec.Struct, frozen=True, kw_only=True):
    """A model that has no base model, and why one may think that it has."""

    id: str
    why: str


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is true of a zoo."""

    version: int
    seed: int
    models: tuple[Model, ...]
    negatives: tuple[Negative, ...]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a Hub would show of a model: date and declared base models, some of them lies."""

    id: str
    created_at: str
    base_model: tuple[str, ...]
    relation: str | None


class Edge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A predicted derivation."""

    model: str
    base_model: str
    relation: Relation
    probability: float = 1.0
    weight: float | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One of several possible base models."""

    base_model: str
    probability: float


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """An ambiguous model's possible base models."""

    model: str
    candidates: tuple[Candidate, ...]


class Predictions(msgspec.Struct, frozen=True, kw_only=True):
    """What a method says of a zoo."""

    edges: tuple[Edge, ...]
    sets: tuple[Candidates, ...] = ()


def read(folder: Path) -> Truth:
    """truth.json of a zoo."""
    return msgspec.json.decode((folder / "truth.json").read_bytes(), type=Truth)


def write(path: Path, value: Any) -> None:
    """Any of these records as indented JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
