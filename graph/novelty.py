"""This file knows fork novelty: the part of a model that nothing older in the catalogue explains, from 0 to 100.

The ``class`` is decided first, by exact facts, because what they say needs no estimate; the first that holds:

- ``copy``: the same weight files as an older model; ``repackaged``: the same values in other files, names or order;
  ``recast``: the same values in another number format; ``quantized``: values on a coarser grid;
- ``merged-known``: a merge of models that are all in the catalogue. All of these score 0 (a merge whose weights were read: what its
  parents leave, and the class up to ``MERGED``);
- ``new``: a root. ``unknown``: none of its base models is in the catalogue, or not all parents of a merge are. No score;
- ``adapter``, then ``light`` below ``LIGHT`` and ``substantial`` from there on, by the score.

What the weights prove counts before what is declared. With weights (tier T1 sampled, T2 all; the ``changes`` table that
``ingest.weights.change`` writes, where the two terms are defined):

    score = 100 min(1, ln(1 + sqrt(I) e / e0) / ln(1 + e1 / e0)),      e0 = .002, e1 = .1

e: the root of the change's energy above the noise floor of the format, relative to the base, counted for less where even the
furthest weights moved little; I: the innovation, the share of the change that lies outside of what older relatives changed.

Without weights (T0: hashes, relations, what card and configuration say), for what is new against the base models that are known:

    score = 100 c (1 - product over components of (1 - w v)),      v from 0 to 1

with the ceiling c of the relation (``CEILING``) and the weights w of ``WEIGHT``. ``data`` is 1 - 2**-n for n datasets that no
ancestor names, times .6 when older siblings name them all; ``languages`` 1 - 2**-n for n languages that no base model names;
``context`` and ``parameters`` the logarithm of how many times more. A score of T0 says how much is documented, not how much was
done.

Adding models that are no relatives changes nothing; adding an older one that explains something can only lower a score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from graph.records import ModelRecord, NoveltyRecord, Relation

E0, E1 = 0.002, 0.1  # the noise floor of bfloat16, and a relative change at which the scale is full
LIGHT = 40.0  # scores below are light
MERGED = 4.0  # what rounding and leaving out at random may leave of a merge of the known
WEIGHT = {
    "data": 0.5,
    "architecture": 0.3,
    "task": 0.25,
    "languages": 0.2,
    "context": 0.2,
    "parameters": 0.2,
    "training": 0.05,
    "licence": 0.02,
}
CEILING = {
    Relation.FINETUNE: 1.0,
    Relation.UNKNOWN: 1.0,
    Relation.EXPANDED: 1.0,
    Relation.PRUNED: 0.3,
    Relation.ADAPTER: 0.15,  # below the least that a fine-tune documented on new data gets
}
SEEN_BY_SIBLINGS = 0.6
PLACEHOLDERS = (  # what tools write where a card should name a dataset
    "arrow",
    "audiofolder",
    "csv",
    "custom",
    "dataset",
    "generator",
    "imagefolder",
    "json",
    "none",
    "null",
    "pandas",
    "parquet",
    "private",
    "text",
    "unknown",
    "webdataset",
)
LARGER = 1.05  # of the base's parameters: that many more are new ones
_SHOWN = 5  # names in an explanation


class Class(StrEnum):
    """What kind of fork a model is; see the file's head."""

    COPY = "copy"
    REPACKAGED = "repackaged"
    RECAST = "recast"
    QUANTIZED = "quantized"
    MERGED_KNOWN = "merged-known"
    ADAPTER = "adapter"
    LIGHT = "light"
    SUBSTANTIAL = "substantial"
    NEW = "new"
    UNKNOWN = "unknown"


class Tier(StrEnum):
    """What a score rests on."""

    T0 = "T0"  # no weights: facts and hashes
    T1 = "T1"  # windows of the weights
    T2 = "T2"  # all weights


COPIES = (Class.COPY, Class.REPACKAGED, Class.RECAST)  # the same values, whatever the files, names, order and format
EXACT = {
    Relation.IDENTICAL: Class.REPACKAGED,
    Relation.PERMUTED: Class.REPACKAGED,
    Relation.RECAST: Class.RECAST,
    Relation.QUANTIZED: Class.QUANTIZED,
}


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a score: its value from 0 to 1, its weight, and the facts in words."""

    name: str
    value: float
    weight: float
    explanation: str


@dataclass(frozen=True, slots=True)
class Novelty:
    """What is told of one model. ``score`` and ``interval`` are None where they would be a guess; ``reason`` then says why."""

    score: float | None
    kind: Class
    tier: Tier
    interval: tuple[float, float] | None
    components: tuple[Component, ...]
    reason: str


def told(model: ModelRecord, facts: NoveltyRecord | None) -> Novelty | None:
    """A model's novelty in words; None for a model that was itself never seen."""
    if model.novelty_class is None:
        return None
    kind = Class(model.novelty_class)
    tier = Tier.T0 if facts is None else Tier(facts.tier)
    if facts is None:
        return Novelty(model.novelty, kind, tier, None, (), _reason(kind, model, None))
    measured = facts.energy is not None and kind in (*_NAMED, Class.MERGED_KNOWN)
    parts = _measured(facts) if measured else _named(model, facts) if kind in _NAMED else ()
    interval = (facts.low, facts.high) if facts.low is not None and facts.high is not None else None
    return Novelty(model.novelty, kind, tier, interval, parts, _reason(kind, model, facts))


_NAMED = (Class.ADAPTER, Class.LIGHT, Class.SUBSTANTIAL)


def _reason(kind: Class, model: ModelRecord, facts: NoveltyRecord | None) -> str:
    """Why it is of this class, in one sentence."""
    if facts is None or facts.other is None:
        return "no base model is known: novelty is told of forks"
    other = facts.other
    if kind is Class.UNKNOWN:
        if Relation.MERGE in model.relations:
            return "a merge, and not all of its parents are in the catalogue: what is new against them cannot be said"
        return f"its base model, {other}, is not in the catalogue: what is new against it cannot be said"
    words = {
        Class.COPY: f"the same weight files as {other}, which is older",
        Class.REPACKAGED: f"the same weights as {other} in other files, names or order",
        Class.RECAST: f"the same weights as {other} in another number format",
        Class.QUANTIZED: f"the weights of {other} on a coarser grid",
        Class.MERGED_KNOWN: "a merge of models that are all in the catalogue",
        Class.ADAPTER: f"an adapter on {other}",
        Class.LIGHT: f"little is new against {other}",
        Class.SUBSTANTIAL: f"much is new against {other}",
    }[kind]
    if kind not in (*_NAMED, Class.MERGED_KNOWN):
        return words
    if facts.energy is None:
        if kind in (Class.LIGHT, Class.SUBSTANTIAL):
            words = f"{'little' if kind is Class.LIGHT else 'much'} is documented as new against {other}"
        unseen = f"; {facts.unseen} of its base models are not in the catalogue" if facts.unseen else ""
        return words + (f"; its weights were not read{unseen}" if kind in _NAMED else "")
    if facts.isotropic:
        return f"only noise was added to {other}"
    if facts.explained and facts.explained_by:
        words += f"; {facts.explained:.0%} of the change is that of {facts.explained_by}"
    return f"{words}; what is left is {_left(facts) / E0:.1f} times the noise floor"


def _left(facts: NoveltyRecord) -> float:
    return math.sqrt(facts.innovation or 0.0) * (facts.energy or 0.0)


def _measured(facts: NoveltyRecord) -> tuple[Component, ...]:
    """The parts of a score from weights. Their product, on the scale of the head, is the score."""
    energy, innovation = facts.energy or 0.0, facts.innovation or 0.0
    against = f" outside of what {facts.explained_by} and other older relatives changed" if facts.explained_by else ""
    parts = [
        Component(
            "energy",
            scale(energy),
            1.0,
            f"the weights moved by at least {energy:.2%} of their size above the noise floor",
        ),
        Component(
            "innovation",
            innovation,
            1.0,
            f"{innovation:.0%} of the change lies{against or ' outside of older relatives'}",
        ),
    ]
    if facts.structured is not None:
        parts.append(
            Component(
                "structure", facts.structured, 0.0, f"{facts.structured:.0%} of the change's energy is not like noise"
            )
        )
    if facts.changed is not None:
        parts.append(Component("changed", facts.changed, 0.0, f"{facts.changed:.1%} of the weights differ"))
    if facts.rank is not None:
        parts.append(Component("rank", 0.0, 0.0, f"the change is of rank {facts.rank:g} in the matrices it touches"))
    return tuple(parts)


def _named(model: ModelRecord, facts: NoveltyRecord) -> tuple[Component, ...]:
    """The parts of a score without weights, those that add something."""
    base = facts.other
    fresh = f", {facts.first} of them first among its relatives" if facts.datasets and facts.first else ""
    if facts.datasets and not facts.first:
        fresh = ", as older relatives do"
    words = {
        "data": f"says it was trained on {_list(facts.datasets)}, which no ancestor names{fresh}",
        "architecture": f"its architecture, {model.architecture}, is not that of {base}",
        "task": f"its task, {model.task}, is not that of {base}",
        "languages": f"names {_list(facts.languages)}, which {base} does not",
        "context": f"its context is {facts.context or 0:.3g} times as long",
        "parameters": f"it has {facts.parameters or 0:.3g} times as many parameters",
        "training": "says that it is a fine-tune",
        "licence": f"its licence, {model.licence}, is not that of {base}",
    }
    values = named_values(facts)
    return tuple(Component(name, value, WEIGHT[name], words[name]) for name, value in values.items() if value > 0)


def _list(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def named_values(facts: NoveltyRecord) -> dict[str, float]:
    """The value of each component without weights, 0 to 1."""
    seen = 1.0 if facts.first else SEEN_BY_SIBLINGS
    return {
        "data": (1 - 0.5 ** len(facts.datasets)) * seen,
        "architecture": float(facts.architecture),
        "task": float(facts.task),
        "languages": 1 - 0.5 ** len(facts.languages),
        "context": min(1.0, math.log2(facts.context) / 3) if facts.context else 0.0,
        "parameters": min(1.0, math.log2(facts.parameters)) if facts.parameters else 0.0,
        "training": float(facts.trained),
        "licence": float(facts.licence),
    }


def named_score(relations: tuple[Relation, ...], facts: NoveltyRecord) -> float:
    """The score without weights of a fork of these relations, 0 to 100."""
    left = math.prod(1 - WEIGHT[name] * value for name, value in named_values(facts).items())
    highest = max((CEILING.get(relation, 0.0) for relation in relations), default=0.0)
    return 100 * (CEILING[Relation.ADAPTER] if Relation.ADAPTER in relations else highest) * (1 - left)


def measured_score(energy: float, innovation: float) -> float:
    """The score of a change that was measured, 0 to 100."""
    return 100 * scale(math.sqrt(innovation) * energy)


def scale(change: float) -> float:
    """From a relative change above the noise to a value from 0 to 1."""
    return min(1.0, math.log1p(change / E0) / math.log1p(E1 / E0))
