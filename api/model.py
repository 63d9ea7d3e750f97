"""This file knows the GraphQL type of models: what each field means, and how it is read from the records.

Resolvers get the records themselves: a field without a resolver of its own is an attribute of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import Parent

from api import cursors
from api.connections import DOWNLOADS, ModelConnection, connection, page_info, page_size
from api.derivation import DerivationConnection, DerivationEdge, RelationCount, edge_filter
from api.fan import Fan, fan_of
from api.licence import report_on
from api.loaders import Ask
from api.nodes import (
    AbilityNode,
    ConflictNode,
    DerivationNode,
    FileNode,
    LicenceReportNode,
    ModelNode,
    NoveltyNode,
    ResultNode,
    SimilarityNode,
    SpotNode,
    StandingNode,
    SuccessorNode,
    TensorPlaceNode,
    TrainingNode,
)
from api.scalars import Direction, Evidence, Long, Relation, State
from api.standards import StandardName, StandardVerdict, standards_of
from graph import conflicts as disagreements
from graph.lineage import roots as roots_of
from graph.novelty import told
from graph.records import ModelRecord
from graph.store import EVERY_FIELD, EdgeFilter, ModelPage, Want

ANCESTORS_AT_MOST = 5_000  # models looked at to find roots or common ancestors


@strawberry.type(description="A place on the map of all models.")
class Spot:
    """See ``graph.store.Spot``."""

    point: int = strawberry.field(description="The number of the model's point.")
    x: float = strawberry.field(description="From the left, 0 to 1.")
    y: float = strawberry.field(description="From the top, 0 to 1.")


@strawberry.type(description="A model repository on a Hub.")
class Model:
    """See ``ModelRecord``."""

    id: strawberry.ID = strawberry.field(description="Its name, as the Hub spells it.")
    hub_id: str | None = strawberry.field(description="The Hub's permanent id, that renames do not change.")
    author: str | None = strawberry.field(description="The part of the name before the slash.")
    state: State = strawberry.field(description="Listed, gated, missing (named but never seen), or gone.")
    created_at: datetime | None = strawberry.field(
        description="When the repository was made; null also for the Hub's oldest."
    )
    modified_at: datetime | None = strawberry.field(description="When it was last committed to.")
    task: str | None = strawberry.field(description="The Hub's pipeline tag.")
    library: str | None = strawberry.field(description="The library that loads it.")
    licence: str | None = strawberry.field(description="As declared on the Hub, lower case.")
    parameters: Long | None = strawberry.field(description="Number of parameters.")
    dtype: str | None = strawberry.field(description="The number format of most parameters.")
    architecture: str | None = strawberry.field(description="Its architecture, as its configuration names it.")
    context_length: Long | None = strawberry.field(description="Tokens of context, when known.")
    downloads: Long | None = strawberry.field(description="Downloads in the last 30 days.")
    downloads_all_time: Long | None = strawberry.field(description="Downloads since the beginning.")
    likes: Long | None = strawberry.field(description="Likes.")
    trending: float | None = strawberry.field(description="The Hub's trending score.")
    sha: str | None = strawberry.field(description="The commit that these facts are of.")
    gated: str | None = strawberry.field(description="`auto` or `manual` when its files need consent.")
    tags: list[str] = strawberry.field(description="Its tags, without those that other fields repeat.")
    languages: list[str] = strawberry.field(description="Its languages.")
    new_version: str | None = strawberry.field(description="The successor that its author declares.")
    generation: int | None = strawberry.field(
        description="Longest number of derivations from a root, cycles folded to one point."
    )

    @strawberry.field(description="How many distinct models were made from it, at any distance.")
    def total_descendants(root: Parent[ModelRecord]) -> int:
        """The stored count."""
        return root.descendants or 0

    @strawberry.field(description="What it was made from, by name.")
    async def base_models(root: Parent[ModelRecord], info: Ask) -> list[DerivationNode]:
        """Derivations towards base models."""
        if root.base_models == 0:
            return []
        return await info.context.load.bases_of(root.id)

    @strawberry.field(description="What was made from it directly, by downloads.")
    async def derived_models(
        root: Parent[ModelRecord],
        info: Ask,
        relations: list[Relation] | None = None,
        evidence: list[Evidence] | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> DerivationConnection:
        """A page of derivations."""
        where = edge_filter(relations, evidence)
        key = cursors.read(DOWNLOADS, after)
        page, nodes = await info.context.load.derived_of(root.id, where, page_size(info, first), key)
        return DerivationConnection(
            edges=[
                DerivationEdge(node=node, cursor=cursors.write(DOWNLOADS, key))
                for node, key in zip(nodes, page.keys, strict=True)
            ],
            nodes=nodes,
            page_info=page_info(DOWNLOADS, page.keys, page.has_next, after),
            total_count=page.total,
        )

    @strawberry.field(description="How many models were made from it directly, by relation, most first.")
    async def derived_counts(root: Parent[ModelRecord], info: Ask) -> list[RelationCount]:
        """Counts by relation."""
        counts = await info.context.load.counts.load(root.id)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].value))
        return [RelationCount(relation=relation, count=count) for relation, count in ordered]

    @strawberry.field(description="Where it is on the map; null where the engine has no map.")
    async def spot(root: Parent[ModelRecord], info: Ask) -> SpotNode | None:
        """Its point."""
        atlas = await info.context.store.atlas()
        return atlas.spots([root.id])[0] if atlas else None

    @strawberry.field(
        description="What was made from it directly, by relation: the telling ones by name, the rest counted."
    )
    async def fan(root: Parent[ModelRecord], info: Ask) -> list[Fan]:
        """What a picture of its forks needs."""
        return await fan_of(root, info)

    @strawberry.field(description="The models without a base model that it descends from; itself when it has none.")
    async def roots(root: Parent[ModelRecord], info: Ask) -> list[ModelNode]:
        """The top of its lineage."""
        if not root.base_models:
            return [root]
        walk = await info.context.store.walk(
            root.id,
            Direction.ANCESTORS,
            EdgeFilter(),
            ANCESTORS_AT_MOST,
            ANCESTORS_AT_MOST,
            Want(edges=False, hidden=False, fields=EVERY_FIELD),
        )
        return roots_of(walk)

    @strawberry.field(description="The datasets that it says it was trained on, by name.")
    async def datasets(root: Parent[ModelRecord], info: Ask) -> Sequence[TrainingNode]:
        """Its trainings."""
        return await info.context.load.trainings.load(root.id)

    @strawberry.field(description="Other models with exactly the same weight files; null when its files are not known.")
    async def copies(
        root: Parent[ModelRecord], info: Ask, first: int = 20, after: str | None = None
    ) -> ModelConnection | None:
        """Models that hold the same weight content."""
        size = page_size(info, first)
        digest = await info.context.load.weights.load(root.id)
        if digest is None:
            return None
        page = await info.context.store.holders(digest, size + 1, cursors.read(DOWNLOADS, after))
        others = [(m, k) for m, k in zip(page.models, page.keys, strict=True) if m.id != root.id]
        kept = others[:size]
        weights = await info.context.store.weights(digest)
        without = ModelPage(tuple(m for m, _ in kept), tuple(k for _, k in kept), page.has_next or len(others) > size)
        return connection(without, DOWNLOADS, after, weights.holders - 1 if weights else 0)

    @strawberry.field(
        description="How much of it nothing older in the catalogue explains; null when it was never seen itself."
    )
    async def novelty(root: Parent[ModelRecord], info: Ask) -> NoveltyNode | None:
        """Its novelty in words and numbers."""
        return told(root, await info.context.load.novelty.load(root.id))

    @strawberry.field(description="The models whose weights are most like its own, where its checkpoint was read.")
    async def similar(root: Parent[ModelRecord], info: Ask, first: int = 10) -> Sequence[SimilarityNode]:
        """The most alike, by cosine."""
        return await info.context.store.similar(root.id, page_size(info, first))

    @strawberry.field(
        description="Its tensors that say something of its origin, by role, where its checkpoint was read whole."
    )
    async def tensors(root: Parent[ModelRecord], info: Ask, first: int = 100) -> Sequence[TensorPlaceNode]:
        """Its tensors."""
        found = await info.context.store.tensors(root.id)
        return found[: page_size(info, first)]

    @strawberry.field(description="Its files, when they are known, by path.")
    async def files(root: Parent[ModelRecord], info: Ask) -> Sequence[FileNode]:
        """Its files."""
        files = await info.context.store.files(root.id)
        return files[: info.context.limits.lineage]

    @strawberry.field(description="Whether it meets the standards that come with Stemma, rule by rule.")
    async def standards(
        root: Parent[ModelRecord], info: Ask, names: list[StandardName] | None = None
    ) -> list[StandardVerdict]:
        """All of them, or those that are named."""
        return await standards_of(root, names, info)

    @strawberry.field(description="What the licences along its lineage ask, and where its own leaves something out.")
    async def licence_report(root: Parent[ModelRecord], info: Ask) -> LicenceReportNode:
        """Over all ancestors."""
        return await report_on(info.context.store, root)

    @strawberry.field(description="How able it is, from its results; null where none of it or of an ancestor is known.")
    async def ability(root: Parent[ModelRecord], info: Ask) -> AbilityNode | None:
        """Measured or inherited."""
        return await info.context.load.abilities.load(root.id)

    @strawberry.field(description="How it stands among those like it; null where it has no ability of its own.")
    async def standing(root: Parent[ModelRecord], info: Ask) -> StandingNode | None:
        """In its niche."""
        return await info.context.load.standings.load(root.id)

    @strawberry.field(
        description="What to take instead: the nearest in the lineage first, and last what only its author names."
    )
    async def successors(root: Parent[ModelRecord], info: Ask, first: int = 10) -> Sequence[SuccessorNode]:
        """By place."""
        found = await info.context.load.successors.load(root.id)
        return found[: page_size(info, first)]

    @strawberry.field(description="When the first model that supersedes it was made; null while none does.")
    async def superseded_since(root: Parent[ModelRecord], info: Ask) -> datetime | None:
        """Of those that are better, declared or not."""
        stood = await info.context.load.standings.load(root.id)
        return None if stood is None else stood.superseded_since

    @strawberry.field(description="Its evaluation results, by benchmark, setting and source.")
    async def results(root: Parent[ModelRecord], info: Ask) -> Sequence[ResultNode]:
        """As sources say them."""
        results = await info.context.store.results(root.id)
        return results[: info.context.limits.lineage]

    @strawberry.field(description="Where the claims about its base models disagree.")
    async def conflicts(root: Parent[ModelRecord], info: Ask) -> list[ConflictNode]:
        """Disagreements."""
        return disagreements.conflicts(await info.context.load.claims.load(root.id))
