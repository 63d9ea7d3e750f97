"""This file knows what is said of a model's origin: its base models, how, with which probability, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from graph.records import Relation
from ingest.weights.component import Resemblance

# How often such an answer was right on generated families (bench/zoo); the same models with other seeds were held out.
SURE, FLAT, MERGE, BEND, EITHER, NEAREST_ONLY = 0.99, 0.97, 0.95, 0.85, 0.6, 0.5


@dataclass(frozen=True, slots=True)
class Parent:
    """One derivation that the weights tell of."""

    model: str
    base_model: str
    relation: Relation
    probability: float
    detail: str
    weight: float | None = None  # the coefficient in a merge
    weight_error: float | None = None


@dataclass(frozen=True, slots=True)
class Mixing:
    """How a merge was made of its parents: see ``ingest.weights.span.Mixture``."""

    method: str
    base: str
    scales: tuple[float, ...]  # by parent


@dataclass(frozen=True, slots=True)
class Origin:
    """What a model was made from. ``candidates``: (base model, probability) when it is not certain which."""

    model: str
    parents: tuple[Parent, ...] = ()
    candidates: tuple[tuple[str, float], ...] = ()
    alike: tuple[Resemblance, ...] = ()  # elders that resemble it in part, where nothing was made from anything
    mixing: Mixing | None = None  # of a merge
    is_leaf: bool = False  # a copy or another form of a model that is there: nothing is sought beneath it


def one_parent(
    model: str, base_model: str, relation: Relation, probability: float, detail: str, *, is_leaf: bool = False
) -> Origin:
    """What was made from one base model."""
    return Origin(model, (Parent(model, base_model, relation, probability, detail),), is_leaf=is_leaf)
