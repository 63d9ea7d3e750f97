"""This file knows how one request asks the store: what many fields want at once goes out as one question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import attrgetter
from typing import Any

from strawberry import Info
from strawberry.dataloader import DataLoader

from api.facts import facts_of
from graph.records import (
    AbilityRecord,
    ClaimRecord,
    DatasetRecord,
    DerivationRecord,
    Evidence,
    ModelRecord,
    NoveltyRecord,
    Relation,
    StandingRecord,
    SuccessorRecord,
    TrainingRecord,
)
from graph.snapshot import Source
from graph.standard import Facts
from graph.store import DerivationPage, EdgeFilter, Key, Near, Store

MANY = 50  # records that are asked for as one question of their own


@dataclass(frozen=True, slots=True)
class Edge:
    """A derivation with both of its models."""

    record: DerivationRecord
    model: ModelRecord
    base_model: ModelRecord

    @property
    def relation(self) -> Relation:
        """How the model was made from the base model."""
        return self.record.relation

    @property
    def confidence(self) -> float | None:
        """0 to 1 when it rests on inference alone."""
        return self.record.confidence

    @property
    def conflict(self) -> bool:
        """Whether claims disagree."""
        return self.record.conflict

    @property
    def cycle(self) -> bool:
        """Whether it lies on a cycle."""
        return self.record.cycle

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What it rests on."""
        return self.record.evidence


class Loaders:
    """The questions of one request, batched and asked once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._near: dict[str, tuple[int, Near]] = {}  # with the length of the page that was asked for

    @cached_property
    def model(self) -> DataLoader[str, ModelRecord | None]:
        """Records."""
        return DataLoader(load_fn=self._store.models)

    @cached_property
    def bases(self) -> DataLoader[str, tuple[DerivationRecord, ...]]:
        """What models were made from."""
        return DataLoader(load_fn=self._store.base_models)

    @cached_property
    def counts(self) -> DataLoader[str, dict[Relation, int]]:
        """How many models were made from each, by relation."""
        return DataLoader(load_fn=self._store.derived_counts)

    @cached_property
    def claims(self) -> DataLoader[str, tuple[ClaimRecord, ...]]:
        """What is claimed of models' bases."""
        return DataLoader(load_fn=self._store.claims)

    @cached_property
    def trainings(self) -> DataLoader[str, tuple[TrainingRecord, ...]]:
        """The datasets of models."""
        return DataLoader(load_fn=self._store.trainings)

    @cached_property
    def dataset(self) -> DataLoader[str, DatasetRecord | None]:
        """Records of datasets."""
        return DataLoader(load_fn=self._store.datasets)

    @cached_property
    def novelty(self) -> DataLoader[str, NoveltyRecord | None]:
        """The facts behind novelty scores."""
        return DataLoader(load_fn=self._store.novelty)

    @cached_property
    def abilities(self) -> DataLoader[str, AbilityRecord | None]:
        """Abilities."""
        return DataLoader(load_fn=self._store.abilities)

    @cached_property
    def standings(self) -> DataLoader[str, StandingRecord | None]:
        """How models stand in their niches."""
        return DataLoader(load_fn=self._store.standings)

    @cached_property
    def successors(self) -> DataLoader[str, tuple[SuccessorRecord, ...]]:
        """What supersedes models."""
        return DataLoader(load_fn=self._store.successors)

    @cached_property
    def weights(self) -> DataLoader[str, str | None]:
        """Digests of contents."""
        return DataLoader(load_fn=self._store.weights_of)

    @cached_property
    def facts(self) -> DataLoader[ModelRecord, Facts]:
        """What standards judge by."""
        return DataLoader(load_fn=partial(facts_of, self._store), cache_key_fn=attrgetter("id"))

    async def near(self, id: str, first: int, wanted: tuple[str, ...]) -> ModelRecord | None:
        """A model that is asked for together with its derivations; those are kept for the fields that show them."""
        found = await self._store.near(id, first, wanted)
        if found is None:
            return None
        self._near[id] = first, found
        return found.model

    async def bases_of(self, id: str) -> list[Edge]:
        """What a model was made from."""
        if id in self._near:
            _, near = self._near[id]
            return _joined(near, near.bases)
        return await self.edges(await self.bases.load(id))

    async def derived_of(
        self, id: str, where: EdgeFilter, first: int, after: Key | None
    ) -> tuple[DerivationPage, list[Edge]]:
        """A page of what was made from a model."""
        if id in self._near and (where, after) == (EdgeFilter(), None):
            length, near = self._near[id]
            if near.derived is not None and length == first:
                return near.derived, _joined(near, near.derived.derivations)
        (page,) = await self._store.derived_models([id], where, first, after)
        return page, await self.edges(page.derivations)

    async def records(self, ids: Iterable[str]) -> dict[str, ModelRecord]:
        """The records of ids that the store itself gave."""
        wanted = list(dict.fromkeys(ids))
        many = len(wanted) > MANY  # a future for each would cost more than joining the batch saves
        found = await (self._store.models(wanted) if many else self.model.load_many(wanted))
        return {id: record for id, record in zip(wanted, found, strict=True) if record is not None}

    async def known(self, id: str) -> ModelRecord:
        """The record of an id that the store itself gave."""
        return (await self.records([id]))[id]

    async def edges(self, derivations: Sequence[DerivationRecord]) -> list[Edge]:
        """Derivations with their models."""
        known = await self.records(id for edge in derivations for id in (edge.model, edge.base_model))
        return [Edge(edge, known[edge.model], known[edge.base_model]) for edge in derivations]


def _joined(near: Near, derivations: Sequence[DerivationRecord]) -> list[Edge]:
    known = {**near.ends, near.model.id: near.model}
    return [Edge(edge, known[edge.model], known[edge.base_model]) for edge in derivations]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for."""

    page: int
    lineage: int


@dataclass(frozen=True, slots=True)
class Context:
    """What every resolver of a request sees. ``plan``: what was found out about the document alone, kept as long as it is."""

    store: Store
    load: Loaders
    limits: Limits
    sources: tuple[Source, ...] = ()
    plan: dict[object, Any] = field(default_factory=dict)


Ask = Info[Context, None]
