"""This file knows the frozen values that travel inside Stemma: one class for each kind of node and edge.

Unknown is ``None``, never an empty string or -1. Times are aware UTC ``datetime``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What is known about a repository's presence on its Hub."""

    LISTED = "listed"
    GATED = "gated"  # listed, but its files need the owner's consent
    MISSING = "missing"  # named by another model, never seen itself
    GONE = "gone"  # seen once, absent from a later complete sweep


class Relation(StrEnum):
    """How a model was made from a base model. The first four are the Hub's spelling."""

    FINETUNE = "finetune"
    ADAPTER = "adapter"
    MERGE = "merge"
    QUANTIZED = "quantized"
    IDENTICAL = "identical"
    RECAST = "recast"
    PRUNED = "pruned"
    EXPANDED = "expanded"
    PERMUTED = "permuted"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """How a claim is known, strongest first among the declared ones (hub, card, tag)."""

    HUB = "hub"  # the Hub's own baseModels
    CARD = "card"  # base_model in the model card's front matter
    TAG = "tag"  # base_model:* tags
    CONFIG = "config"  # configuration files
    WEIGHTS = "weights"  # the weights themselves


DECLARED = frozenset({Evidence.HUB, Evidence.CARD, Evidence.TAG})


class Contradicts(StrEnum):
    """In which way what the weights say of a base model contradicts what is said: see ``graph.contradictions``."""

    BASE_MODEL = "base_model"  # it is not said, others are
    RELATION = "relation"  # it is said, as something else
    COPY = "copy"  # the same values, which is not said
    UNDECLARED = "undeclared"  # nothing is said
    SHAPES = "shapes"  # it is said, and its shapes do not fit


class Direction(StrEnum):
    """Which way a lineage is walked: towards base models, towards derived models, or both."""

    ANCESTORS = "ancestors"
    DESCENDANTS = "descendants"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model repository. ``id`` is its name as the Hub spells it, ``hub_id`` the permanent id."""

    id: str
    hub_id: str | None = None
    author: str | None = None  # the part of ``id`` before the slash; None for a bare legacy name
    state: State = State.LISTED
    created_at: datetime | None = None  # None also for the Hub's floor, 2022-03-02T23:29:04Z: older, unknown
    modified_at: datetime | None = None
    task: str | None = None  # the Hub's pipeline tag
    library: str | None = None
    licence: str | None = None  # as declared on the Hub, lower case
    parameters: int | None = None
    dtype: str | None = None  # the dtype that holds most parameters, as safetensors spells it
    architecture: str | None = None
    context_length: int | None = None
    downloads: int | None = None  # last 30 days
    downloads_all_time: int | None = None
    likes: int | None = None
    trending: float | None = None
    sha: str | None = None  # commit
    gated: str | None = None  # "auto" or "manual"
    tags: tuple[str, ...] = ()  # without those that repeat another field (licence, datasets, base models, region)
    languages: tuple[str, ...] = ()
    relations: tuple[Relation, ...] = ()  # distinct relations to its base models, sorted; empty for a root
    generation: int | None = None  # longest number of derivations from a root, cycles folded to one point
    descendants: int | None = None  # distinct models made from it, at any distance
    base_models: int | None = None  # number of its derivations towards base models
    new_version: str | None = None  # successor that its author declares
    novelty: float | None = None  # 0 to 100, None where it would be a guess: see graph.novelty
    novelty_class: str | None = None  # a value of graph.novelty.Class; None when the model itself was never seen
    ability: float | None = None  # lower end of its ability's 95 % interval, where it was measured: see graph.ability
    standards: tuple[str, ...] = ()  # names of the shipped standards that it meets: see graph.standard


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """One dataset repository, or a bare name that models say they were trained on (state ``missing``)."""

    id: str
    hub_id: str | None = None
    author: str | None = None
    state: State = State.LISTED
    created_at: datetime | None = None
    modified_at: datetime | None = None
    downloads: int | None = None
    likes: int | None = None
    licence: str | None = None
    gated: str | None = None
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    models: int = 0  # how many models say they were trained on it


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """One statement that ``model`` was made from ``base_model``."""

    model: str
    base_model: str
    relation: Relation
    evidence: Evidence
    where: str  # "baseModels", "tags", "cardData.base_model", a file's name ...
    confidence: float | None = None  # 0 to 1 for inferred claims, None for declared ones
    detail: str | None = None  # the spelling that was said, when it differs from ``base_model``; finer kinds


@dataclass(frozen=True, slots=True)
class DerivationRecord:
    """One edge of the graph: the pair, with what all its claims add up to."""

    model: str
    base_model: str
    relation: Relation
    evidence: tuple[Evidence, ...]  # in the order of the enum
    confidence: float | None = None
    conflict: bool = False  # claims disagree, about the relation or about which base models there are
    cycle: bool = False  # lies on a directed cycle


@dataclass(frozen=True, slots=True)
class ContradictionRecord:
    """The weights of ``model`` say of ``base_model`` what others do not."""

    model: str
    base_model: str
    kind: Contradicts
    probability: float  # of what the weights say, 0 to 1


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """``model`` says that it was trained on ``dataset``."""

    model: str
    dataset: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a model repository at its known commit."""

    model: str
    path: str
    size: int | None = None  # bytes
    sha256: str | None = None  # LFS content
    blob_id: str | None = None  # git blob id


@dataclass(frozen=True, slots=True)
class WeightsRecord:
    """One distinct weight content: models that hold it are copies of each other."""

    digest: str  # sha256 over the sorted distinct sha256 of a model's weight files
    files: int
    size: int | None  # bytes of the distinct files together
    holders: int


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """Another name under which a model may be asked for."""

    alias: str  # as spelled
    id: str
    source: str  # "redirect" | "rename" | "legacy"


@dataclass(frozen=True, slots=True)
class SimilarRecord:
    """Two models whose weights are alike. Told from ``model``: the distance is relative to its size."""

    model: str
    other: str
    cosine: float  # of the centred weights, -1 to 1
    relative_distance: float | None  # |other - model| / |model|, where the shapes are the same
    shared_fraction: float | None  # of the weights compared that are equal to the bit
    components: tuple[str, ...]  # parts that are alike, the most alike first
    component_cosines: tuple[float, ...]
    method: str
    p_value: float | None  # of a cosine this large between unrelated models of these shapes


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """One tensor of a model whose checkpoint was read whole. Tensors with one digest hold the same values."""

    digest: str  # of the values, whatever the format and the orientation: 32 hex digits
    model: str
    role: str  # the layer's number and the part's word: "3.attention.query"
    values: int  # how many


@dataclass(frozen=True, slots=True)
class NoveltyRecord:
    """The facts that a model's novelty rests on: see ``graph.novelty``. Only of models that have a base model or are copies."""

    model: str
    tier: str
    low: float | None  # of the score
    high: float | None
    other: str | None  # the original of a copy, or the base model that it is told against
    datasets: tuple[str, ...]  # that no ancestor names
    first: int  # how many of these no older sibling names
    languages: tuple[str, ...]  # that no base model names
    task: bool  # whether it is another than those of the base models; so for the next two
    architecture: bool
    licence: bool
    context: float | None  # how many times that of the base models, when longer
    parameters: float | None  # likewise
    trained: bool  # whether it is said to be a fine-tune
    unseen: int  # how many of its base models are not in the catalogue
    energy: float | None  # relative change above the noise floor; this and the rest where weights were read
    innovation: float | None  # share of the change that older relatives do not explain
    structured: float | None  # share of the change's energy that is not like noise
    isotropic: bool | None  # whether the change is only noise
    changed: float | None  # share of the weights
    rank: float | None  # median over the matrices touched, where it is low
    explained_by: str | None  # the older relative whose change explains most
    explained: float | None  # how much of the change that is


@dataclass(frozen=True, slots=True)
class AbilityRecord:
    """The ability of one model; see ``graph.ability``."""

    model: str
    index: float | None  # None: see ``unknown``
    error: float | None  # standard error of the index
    benchmarks: int  # distinct ones it has results on
    unknown: str | None  # a value of graph.ability.Unknown
    inherited_from: str | None  # the ancestor whose index it is
    steps: int | None  # derivations between them
    suspect: str | None  # the benchmark on which it is too good to be true, given its other results
    surprise: float | None  # by how many deviations
    without: float | None  # the index when that benchmark is left out
    domains: tuple[str, ...] = ()  # in which it has results, by name; see ``graph.ability.by_domain``
    domain_indexes: tuple[float | None, ...] = ()
    domain_errors: tuple[float | None, ...] = ()
    domain_results: tuple[int, ...] = ()  # distinct benchmarks


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """How a model with an ability of its own stands among those like it; see ``graph.standing``."""

    model: str
    probability: float | None  # that it is the best of its niche; None: see ``unknown``
    unknown: str | None  # a value of graph.standing.Unplaced
    task: str | None  # this and the two below are its niche
    size: str | None  # a size class of graph.store
    licence: str  # a class of licences: see graph.licence.licence_class
    models: int | None  # that are compared in the niche, itself among them
    leader: str | None  # of these the one that is most probably the best
    superseded_by: int  # how many models supersede it, exactly
    superseded_since: datetime | None  # when the first of them was made


@dataclass(frozen=True, slots=True)
class SuccessorRecord:
    """Another model to take instead; see ``graph.succession``."""

    model: str
    successor: str
    probability: float | None  # that it is better; None when only ``declared``
    steps: int | None  # derivations between the two by way of a common ancestor; None when none is near
    declared: bool  # whether the model's author names it


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """What one model got on one benchmark, as one source says it."""

    model: str
    benchmark: str
    setting: str
    source: str
    metric: str
    value: float  # as said
    fraction: float | None  # of what can be had, after chance and direction: 0 is guessing; None: of no known scale
    items: int | None  # of the benchmark
    grade: str  # a value of graph.ability.Grade
    revision: str | None  # the commit, when it is said
