"""This file knows the port: the questions that every engine answers, and the values that go in and come out.

All answers are ordered as their method says, the same on every engine. Names compare as UTF-8 bytes. Where rows are ordered
by a number, unknown comes last and the name breaks ties. Methods that take ids take canonical ids (see ``resolve``).
Every method may raise ``graph.errors.Unreachable``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from graph.records import (
    AbilityRecord,
    ClaimRecord,
    ContradictionRecord,
    Contradicts,
    DatasetRecord,
    DerivationRecord,
    Direction,
    Evidence,
    FileRecord,
    ModelRecord,
    NoveltyRecord,
    Relation,
    ResultRecord,
    SimilarRecord,
    StandingRecord,
    State,
    SuccessorRecord,
    TensorRecord,
    TrainingRecord,
    WeightsRecord,
)


class Order(StrEnum):
    """What a list of models is ordered by, largest (newest) first, unknown last, then by name."""

    DOWNLOADS = "downloads"
    LIKES = "likes"
    TRENDING = "trending"
    CREATED = "created"
    MODIFIED = "modified"
    PARAMETERS = "parameters"
    NOVELTY = "novelty"
    ABILITY = "ability"  # by the lower end of the interval; what is inherited counts as unknown
    STANDING = "standing"  # by the probability of being the best of its niche


class Facet(StrEnum):
    """What models can be counted by."""

    TASK = "task"
    LIBRARY = "library"
    LICENCE = "licence"
    AUTHOR = "author"
    STATE = "state"
    RELATION = "relation"  # "root" and each relation; a model with two relations counts in both
    EVIDENCE = "evidence"  # of the claims about its base models; a model counts once in each kind, a root in none
    DOMAIN = "domain"  # of the benchmarks that it has results on; a model counts once in each
    YEAR = "year"  # of creation, "2024"
    SIZE = "size"  # by parameters: see SIZE_CLASSES
    NOVELTY = "novelty"  # by class
    FAMILY = "family"  # by the family's original: see Collapse


class Collapse(StrEnum):
    """What folds into one line of a list: see ``graph.folding``."""

    COPIES = "copies"  # the same weights, whatever the files, names and number format
    QUANTS = "quants"  # and quantised ones
    FAMILY = "family"  # all that was made from one original


# Upper bounds (exclusive) in parameters of the size classes, smallest first; the last class has none.
SIZE_CLASSES: tuple[tuple[str, int | None], ...] = (
    ("<100M", 100_000_000),
    ("100M-1B", 1_000_000_000),
    ("1B-3B", 3_000_000_000),
    ("3B-10B", 10_000_000_000),
    ("10B-40B", 40_000_000_000),
    ("40B-100B", 100_000_000_000),
    (">=100B", None),
)

ROOT = "root"  # as a value of the relation filter and facet: a model without a base model


@dataclass(frozen=True, slots=True)
class ModelFilter:
    """Which models: every field that is set must hold; within a tuple one value is enough."""

    text: str | None = None  # part of the id, case ignored
    tasks: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    relations: tuple[str, ...] = ()  # ROOT or a Relation's value
    evidence: tuple[Evidence, ...] = ()  # of some claim about one of its base models
    dataset: str | None = None  # a dataset, in any case, that the model says it was trained on
    parameters_min: int | None = None  # inclusive
    parameters_max: int | None = None  # inclusive
    created_from: datetime | None = None  # inclusive
    created_until: datetime | None = None  # exclusive
    novelty_classes: tuple[str, ...] = ()  # values of graph.novelty.Class
    novelty_min: float | None = None  # inclusive
    novelty_max: float | None = None  # inclusive
    standards: tuple[str, ...] = ()  # names of shipped standards, all of which are met
    domains: tuple[str, ...] = ()  # of benchmarks that it has results on


@dataclass(frozen=True, slots=True)
class Key:
    """The place of a row in an order: its value there (None is unknown; times in ms since 1970) and its name."""

    value: int | float | None
    id: str


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A page of models, their keys in the order asked for, and whether more follow."""

    models: tuple[ModelRecord, ...]
    keys: tuple[Key, ...]
    has_next: bool


@dataclass(frozen=True, slots=True)
class FoldedPage:
    """A page of models that stand for their groups, and how many others that pass the filter fold under each."""

    models: tuple[ModelRecord, ...]
    keys: tuple[Key, ...]
    folded: tuple[int, ...]
    has_next: bool


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many of the filtered models have this value; ``value`` None counts those where it is unknown."""

    facet: Facet
    value: str | None
    count: int


@dataclass(frozen=True, slots=True)
class EdgeFilter:
    """Which derivations: relation in ``relations`` and some evidence in ``evidence``; None means any."""

    relations: frozenset[Relation] | None = None
    evidence: frozenset[Evidence] | None = None


@dataclass(frozen=True, slots=True)
class DerivationPage:
    """Derivations towards one base model, ordered by the derived model's downloads, then its name."""

    derivations: tuple[DerivationRecord, ...]
    keys: tuple[Key, ...]
    has_next: bool
    total: int  # under the same filter, exact


@dataclass(frozen=True, slots=True)
class Doubt:
    """Which contradictions: of one of these kinds (empty: any), with at least this probability."""

    kinds: tuple[Contradicts, ...] = ()
    probability: float = 0.5  # inclusive


@dataclass(frozen=True, slots=True)
class ContradictedPage:
    """Models whose weights contradict what is said of them, by downloads, then name, each with what passes, by base model."""

    models: tuple[ModelRecord, ...]
    contradictions: tuple[tuple[ContradictionRecord, ...], ...]
    keys: tuple[Key, ...]
    has_next: bool
    total: int  # models, exact


@dataclass(frozen=True, slots=True)
class Near:
    """A model and its nearest in one answer: what ``models``, ``base_models`` and ``derived_models`` tell of it.

    ``derived`` is the first page, None when none was asked for. ``ends``: by name, what was wanted of the other models that the
    derivations name, as attributes of the names in ModelRecord.
    """

    model: ModelRecord
    bases: tuple[DerivationRecord, ...]
    derived: DerivationPage | None
    ends: Mapping[str, Any]


class WalkNode(msgspec.Struct, frozen=True, gc=False):  # a thousand are made at a time: a tenth of a dataclass's time
    """A model reached; ``distance`` is the shortest number of derivations, negative towards ancestors, 0 the root."""

    id: str
    distance: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """A shown model some of whose neighbours in the walk's direction are not shown, and how many."""

    id: str
    hidden: int


@dataclass(frozen=True, slots=True)
class Walk:
    """The part of the graph around one model.

    ``nodes``: the root, then ancestors by (-distance, downloads desc, id), then descendants by (distance, downloads desc, id),
    cut to ``depth`` and then to ``limit`` nodes besides the root. A model that is both (a cycle) is listed once, with the
    smaller absolute distance, as an ancestor when equal. ``edges``: every derivation that passes the filter between two shown
    models, by (model, base_model). Totals count distinct models other than the root that can be reached at any depth under
    the filter. ``hidden``: in the order of ``nodes``; for the root and ancestors their base models that are not shown (when
    the direction includes ancestors), for the root and descendants their derived models that are not shown (likewise), summed
    for the root; only counts above 0.
    """

    nodes: tuple[WalkNode, ...]
    edges: tuple[DerivationRecord, ...]
    total_ancestors: int
    total_descendants: int
    hidden: tuple[Hidden, ...]
    models: tuple[Any, ...] = ()  # beside ``nodes``: what was wanted of each, as attributes of the names in ModelRecord


@dataclass(frozen=True, slots=True)
class Want:
    """What is wanted of a walk besides its nodes and totals. What is not is left empty, which is quicker."""

    edges: bool = True
    hidden: bool = True
    fields: tuple[str, ...] = ()  # of each model: names in ModelRecord


WANT = Want()
EVERY_FIELD = tuple(each.name for each in fields(ModelRecord))


@dataclass(frozen=True, slots=True)
class TensorPlaces:
    """Where one tensor content lies: the first places by (model, role), and how many models hold it, exactly."""

    places: tuple[TensorRecord, ...]
    models: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the catalogue holds, counted once per snapshot."""

    models: dict[str, int] = field(default_factory=dict)  # by state
    datasets: int = 0
    derivations: dict[str, int] = field(default_factory=dict)  # by evidence (a derivation counts once in each)
    derivations_total: int = 0
    relations: dict[str, int] = field(default_factory=dict)  # derivations by relation
    conflicts: int = 0  # derivations in conflict
    cycles: int = 0  # derivations on a cycle
    with_base: int = 0  # models that have a base model
    trainings: int = 0
    files: int = 0
    weights: int = 0
    with_weights: int = 0  # models whose weight content is known
    novelty: dict[str, int] = field(default_factory=dict)  # models by class
    tiers: dict[str, int] = field(default_factory=dict)  # novelty scores by what they rest on
    report: dict[str, list[tuple[str | None, dict[str, int]]]] = field(default_factory=dict)  # see graph.report.counted
    similar: int = 0  # pairs of models with similar weights
    results: int = 0  # evaluation results of models in the catalogue
    with_ability: int = 0  # models whose ability is measured
    decay: dict[str, Any] = field(default_factory=dict)  # see graph.decay.counted
    skipped: dict[str, int] = field(default_factory=dict)  # by reason


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a model is on the map: its point's number, and its place, each from 0 to 1, from the left and from the top."""

    point: int
    x: float
    y: float


class Atlas(Protocol):
    """The map of all models of one snapshot: files for a browser to draw, and what the points on it are."""

    @property
    def folder(self) -> Path:
        """Where the files are; ``head.json`` says what they hold."""
        ...

    def models(self, points: Sequence[int]) -> list[ModelRecord | None]:
        """The models at these points; None for a number that no point has."""
        ...

    def spots(self, ids: Sequence[str]) -> list[Spot | None]:
        """Where these models are."""
        ...

    def points(self, where: ModelFilter) -> bytes:
        """The numbers of the points that pass a filter, ascending, as little-endian uint32."""
        ...


class Store(Protocol):
    """The questions. One instance answers from one snapshot, whose id is ``snapshot``."""

    @property
    def snapshot(self) -> str:
        """The id of the snapshot that every answer comes from."""
        ...

    async def resolve(self, names: Sequence[str]) -> list[str | None]:
        """Canonical ids for any spelling: exact id, else hub id, else alias, else id or alias with case ignored.

        Two ids that differ only in case are each found by their exact spelling; a third spelling finds the listed one with
        most downloads, then the first by name.
        """
        ...

    async def models(self, ids: Sequence[str]) -> list[ModelRecord | None]:
        """The records of these ids, in the order asked; None where there is none."""
        ...

    async def find(
        self, where: ModelFilter, order: Order = Order.DOWNLOADS, first: int = 20, after: Key | None = None
    ) -> ModelPage:
        """The ``first`` models in ``order`` that come after ``after``."""
        ...

    async def count(self, where: ModelFilter) -> int:
        """How many models pass the filter, exactly."""
        ...

    async def find_folded(
        self,
        where: ModelFilter,
        collapse: Collapse,
        order: Order = Order.DOWNLOADS,
        first: int = 20,
        after: Key | None = None,
    ) -> FoldedPage:
        """Like ``find``, one line a group: its original when that passes the filter, else the first in ``order`` that passes.

        Each stands at its own place in the order, so that a cursor means the same with and without folding.
        """
        ...

    async def count_folded(self, where: ModelFilter, collapse: Collapse) -> int:
        """How many groups have a model that passes the filter, exactly."""
        ...

    async def facets(self, where: ModelFilter, by: Sequence[Facet], first: int = 50) -> list[FacetCount]:
        """Counts by facet in the order asked, within each the ``first`` by count, then value (unknown last of equals)."""
        ...

    async def base_models(self, ids: Sequence[str]) -> list[tuple[DerivationRecord, ...]]:
        """For each id its derivations towards base models, by base model."""
        ...

    async def derived_models(
        self, ids: Sequence[str], where: EdgeFilter, first: int = 20, after: Key | None = None
    ) -> list[DerivationPage]:
        """For each id a page of the derivations whose base model it is; ``after`` applies to every id."""
        ...

    async def near(self, id: str, first: int, wanted: Sequence[str]) -> Near | None:
        """A model with its derivations on both sides, at most ``first`` of those derived; None when there is no such model.

        ``wanted``: names in ModelRecord of what is wanted of the models at the other ends.
        """
        ...

    async def derived_counts(self, ids: Sequence[str]) -> list[dict[Relation, int]]:
        """For each id how many derivations name it as base model, by relation; relations without any are absent."""
        ...

    async def claims(self, ids: Sequence[str]) -> list[tuple[ClaimRecord, ...]]:
        """For each id the claims that it was made from something, by (base_model, evidence, relation, where)."""
        ...

    async def contradicted(
        self, where: ModelFilter, doubt: Doubt, first: int = 20, after: Key | None = None
    ) -> ContradictedPage:
        """The models that pass the filter and whose weights contradict what is said of them, in the order of downloads."""
        ...

    async def walk(
        self, id: str, direction: Direction, where: EdgeFilter, depth: int, limit: int, want: Want = WANT
    ) -> Walk:
        """The lineage around one model: see ``Walk`` and ``Want``. Raises NotFound when the id is not in the catalogue."""
        ...

    async def path(self, start: str, end: str, limit: int) -> list[tuple[str, ...]]:
        """Up to ``limit`` shortest chains of models from ``start`` to ``end`` over derivations in either direction.

        All have the same, least length; ordered by their ids. At most 20 derivations; none when there is no such chain.
        """
        ...

    async def similar(self, id: str, first: int = 10) -> tuple[SimilarRecord, ...]:
        """The models whose weights are most alike, by cosine, then name."""
        ...

    async def tensors(self, id: str) -> tuple[TensorRecord, ...]:
        """The tensors of a model that say something of its origin, by role, then digest."""
        ...

    async def tensor_places(self, digest: str, first: int = 100) -> TensorPlaces:
        """Where a tensor's content lies; ``digest`` is 32 lower-case hex digits."""
        ...

    async def novelty(self, ids: Sequence[str]) -> list[NoveltyRecord | None]:
        """For each id the facts behind its novelty; None where there is neither a base model nor a copy."""
        ...

    async def abilities(self, ids: Sequence[str]) -> list[AbilityRecord | None]:
        """For each id its ability, measured or inherited; None where no result of it or of an ancestor is known."""
        ...

    async def standings(self, ids: Sequence[str]) -> list[StandingRecord | None]:
        """For each id how it stands in its niche; None where it has no ability of its own."""
        ...

    async def successors(self, ids: Sequence[str]) -> list[tuple[SuccessorRecord, ...]]:
        """For each id what supersedes it, nearest in the lineage first, and last what only its author names."""
        ...

    async def results(self, id: str) -> tuple[ResultRecord, ...]:
        """The evaluation results of a model, by (benchmark, setting, source)."""
        ...

    async def datasets(self, names: Sequence[str]) -> list[DatasetRecord | None]:
        """For each name the dataset of that id, any case; None where there is none."""
        ...

    async def trainings(self, ids: Sequence[str]) -> list[tuple[TrainingRecord, ...]]:
        """For each model the datasets that it says it was trained on, by dataset."""
        ...

    async def files(self, id: str) -> tuple[FileRecord, ...]:
        """The known files of a model, by path."""
        ...

    async def file_places(self, sha256: str, first: int = 100) -> tuple[FileRecord, ...]:
        """The files with this content, by (model, path); ``sha256`` is 64 lower-case hex digits."""
        ...

    async def weights(self, digest: str) -> WeightsRecord | None:
        """One distinct weight content by its digest."""
        ...

    async def weights_of(self, ids: Sequence[str]) -> list[str | None]:
        """For each model the digest of its weight content, None when it is not known."""
        ...

    async def holders(self, digest: str, first: int = 20, after: Key | None = None) -> ModelPage:
        """The models that hold this weight content, in the order of downloads."""
        ...

    async def coverage(self) -> Coverage:
        """What the catalogue holds."""
        ...

    async def atlas(self) -> Atlas | None:
        """The map, made first when it is not there, which takes seconds for millions; None where an engine has none."""
        ...

    async def close(self) -> None:
        """Give back connections and maps; the store answers nothing afterwards."""
        ...
