"""This file knows the GraphQL types: what each field means, and how it is read from the records.

Resolvers get the records themselves: a field without a resolver of its own is an attribute of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import NewType

import strawberry
from strawberry import Info, Parent
from strawberry.types.scalar import ScalarDefinition

from api import cursors
from api.ability import Ability, Result, ability_of, results_of
from api.licence import LicenceReport, licence_report_of
from api.loaders import Context, Edge
from api.novelty import Novelty
from api.standards import StandardName, StandardVerdict, standards_of
from graph import conflicts as disagreements
from graph.errors import LimitExceeded
from graph.fan import fans_in
from graph.lineage import roots as roots_of
from graph.novelty import told
from graph.records import (
    ClaimRecord,
    DatasetRecord,
    DerivationRecord,
    Direction,
    Evidence,
    FileRecord,
    ModelRecord,
    Relation,
    SimilarRecord,
    State,
    TensorRecord,
    TrainingRecord,
)
from graph.store import EVERY_FIELD, Collapse, EdgeFilter, Facet, FoldedPage, Key, ModelFilter, ModelPage, Order, Want

Ask = Info[Context, None]
DOWNLOADS = Order.DOWNLOADS.value
ANCESTORS_AT_MOST = 5_000  # models looked at to find roots or common ancestors

Long = NewType("Long", int)
SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of up to 63 bits, written as a JSON number.",
        serialize=int,
        parse_value=int,
    )
}

for _kind, _name, _meaning in (
    (Relation, "Relation", "How a model was made from a base model."),
    (Evidence, "Evidence", "How a claim is known: by the Hub, the card, tags, configuration, or the weights."),
    (State, "State", "What is known about a repository's presence on its Hub."),
    (Direction, "Direction", "Which way a lineage is walked."),
    (Order, "ModelOrder", "What models are ordered by: most or newest first, unknown last, then by name."),
    (Facet, "Facet", "What models can be counted by."),
    (Collapse, "Collapse", "What folds into one line: copies, quantised versions too, or all of a family."),
):
    strawberry.enum(_kind, name=_name, description=_meaning)


@strawberry.enum(description="A model's place: without a base model, or its relation to one.")
class RelationFilter(Enum):
    """The relation filter of a list of models."""

    ROOT = "root"
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


def page_size(info: Ask, first: int) -> int:
    """A page size that is allowed. Raises LimitExceeded."""
    most = info.context.limits.page
    if not 1 <= first <= most:
        raise LimitExceeded("first", most, first, "ask for 1 to that many, and for more with `after`")
    return first


@strawberry.type(description="Where a page ends, and whether more follow.")
class PageInfo:
    """Relay's page facts; lists are read forwards only."""

    has_next_page: bool = strawberry.field(description="Whether more follow.")
    has_previous_page: bool = strawberry.field(description="Whether a cursor was given.")
    start_cursor: str | None = strawberry.field(description="The first row's cursor.")
    end_cursor: str | None = strawberry.field(
        description="The last row's cursor; pass it as `after` for the next page."
    )


def page_info(order: str, keys: Sequence[Key], has_next: bool, after: str | None) -> PageInfo:
    """The page facts of rows with these keys."""
    ends = [cursors.write(order, key) for key in (keys[0], keys[-1])] if keys else []
    return PageInfo(
        has_next_page=has_next,
        has_previous_page=after is not None,
        start_cursor=ends[0] if ends else None,
        end_cursor=ends[-1] if ends else None,
    )


@strawberry.type(description="One statement that a model was made from a base model.")
class Claim:
    """See ``ClaimRecord``."""

    relation: Relation = strawberry.field(description="The relation claimed; UNKNOWN when none is.")
    evidence: Evidence = strawberry.field(description="How it is known.")
    confidence: float | None = strawberry.field(description="0 to 1 for inferred claims, null for declared ones.")
    where: str = strawberry.field(description="Where it was said: `baseModels`, `tags`, `cardData.base_model`, a file.")
    detail: str | None = strawberry.field(
        description="The spelling that was said, when it differs from the base model's name."
    )


@strawberry.type(description="What a model was made from, with all that is claimed about it.")
class Derivation:
    """See ``DerivationRecord``."""

    model: Model = strawberry.field(description="The derived model.")
    base_model: Model = strawberry.field(description="What it was made from.")
    relation: Relation = strawberry.field(description="The relation by the strongest evidence that knows one.")
    evidence: list[Evidence] = strawberry.field(description="All kinds of evidence for this pair.")
    confidence: float | None = strawberry.field(description="0 to 1 when it is inferred, null when it is declared.")
    conflict: bool = strawberry.field(description="Whether claims disagree about this pair.")
    cycle: bool = strawberry.field(description="Whether it lies on a cycle, which no true history can have.")

    @strawberry.field(description="The claims one by one.")
    async def claims(root: Parent[Edge], info: Ask) -> list[Claim]:
        """The claims about this pair."""
        all_claims = await info.context.load.claims.load(root.record.model)
        return [claim for claim in all_claims if claim.base_model == root.record.base_model]  # type: ignore[misc] # records


@strawberry.type(description="How many models were made from a model in one way.")
class RelationCount:
    """One relation and a count."""

    relation: Relation = strawberry.field(description="The relation.")
    count: int = strawberry.field(description="How many derivations have it.")


@strawberry.type(description="A row of derivations.")
class DerivationEdge:
    """Relay's edge."""

    node: Derivation = strawberry.field(description="The derivation.")
    cursor: str = strawberry.field(description="Its place in the list.")


@strawberry.type(description="A page of derivations, by downloads of the derived model.")
class DerivationConnection:
    """Relay's connection."""

    edges: list[DerivationEdge] = strawberry.field(description="The rows with their cursors.")
    nodes: list[Derivation] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    total_count: int = strawberry.field(description="How many there are under the same filter, exactly.")


@strawberry.type(description="A row of models.")
class ModelEdge:
    """Relay's edge."""

    node: Model = strawberry.field(description="The model.")
    cursor: str = strawberry.field(description="Its place in the list.")
    folded: int = strawberry.field(
        default=0, description="With `collapse`: how many others of its group pass the filter and fold under it."
    )


@strawberry.type(description="A page of models.")
class ModelConnection:
    """Relay's connection; the total is counted only when it is asked for."""

    edges: list[ModelEdge] = strawberry.field(description="The rows with their cursors.")
    nodes: list[Model] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    counted: strawberry.Private[object] = None

    @strawberry.field(description="How many there are in all, exactly.")
    async def total_count(self) -> int:
        """The count, asked for now."""
        if isinstance(self.counted, int):
            return self.counted
        return int(await self.counted())  # type: ignore[operator] # set by ``connection``


def connection(page: ModelPage | FoldedPage, order: str, after: str | None, counted: object) -> ModelConnection:
    """A page of the store as a connection. ``counted``: the total, or how to ask for it."""
    folded = page.folded if isinstance(page, FoldedPage) else (0,) * len(page.models)
    rows = zip(page.models, page.keys, folded, strict=True)
    return ModelConnection(
        edges=[ModelEdge(node=m, cursor=cursors.write(order, k), folded=n) for m, k, n in rows],  # type: ignore[arg-type] # records
        nodes=page.models,  # type: ignore[arg-type] # records
        page_info=page_info(order, page.keys, page.has_next, after),
        counted=counted,
    )


@strawberry.type(description="A dataset repository, or a name that models give.")
class Dataset:
    """See ``DatasetRecord``."""

    id: strawberry.ID = strawberry.field(description="Its name.")
    hub_id: str | None = strawberry.field(description="The Hub's permanent id.")
    author: str | None = strawberry.field(description="The part of the name before the slash.")
    state: State = strawberry.field(description="Whether it was seen.")
    created_at: datetime | None = strawberry.field(description="When the repository was made.")
    modified_at: datetime | None = strawberry.field(description="When it was last committed to.")
    downloads: Long | None = strawberry.field(description="Downloads in the last 30 days.")
    likes: Long | None = strawberry.field(description="Likes.")
    licence: str | None = strawberry.field(description="As declared on the Hub, lower case.")
    tags: list[str] = strawberry.field(description="Its tags.")
    languages: list[str] = strawberry.field(description="Its languages.")
    models: int = strawberry.field(name="modelCount", description="How many models say they were trained on it.")

    @strawberry.field(name="models", description="The models that say they were trained on it, by downloads.")
    async def trained(
        root: Parent[DatasetRecord], info: Ask, first: int = 20, after: str | None = None
    ) -> ModelConnection:
        """A page of models."""
        where = ModelFilter(dataset=root.id)
        page = await info.context.store.find(
            where, Order.DOWNLOADS, page_size(info, first), cursors.read(DOWNLOADS, after)
        )
        return connection(page, DOWNLOADS, after, root.models)


@strawberry.type(description="That a model says it was trained on a dataset.")
class Training:
    """See ``TrainingRecord``."""

    evidence: list[Evidence] = strawberry.field(description="Where it says so.")

    @strawberry.field(description="The dataset.")
    async def dataset(root: Parent[TrainingRecord], info: Ask) -> Dataset | None:
        """The dataset's node."""
        return await info.context.store.dataset(root.dataset)  # type: ignore[return-value] # a record


@strawberry.type(description="One file of a model repository.")
class File:
    """See ``FileRecord``."""

    path: str = strawberry.field(description="Its path in the repository.")
    size: Long | None = strawberry.field(description="Bytes.")
    sha256: str | None = strawberry.field(description="The sha256 of its content, when it is stored as LFS.")
    blob_id: str | None = strawberry.field(description="Its git blob id.")

    @strawberry.field(description="The model that has it.")
    async def model(root: Parent[FileRecord], info: Ask) -> Model | None:
        """The model's node."""
        return await info.context.load.model.load(root.model)  # type: ignore[return-value] # a record


@strawberry.type(description="A part of two models that is alike: the layers, or a matrix outside of them.")
class AlikePart:
    """One of ``SimilarRecord.components``."""

    name: str = strawberry.field(description="`layers`, `embedding`, `head` ...")
    cosine: float = strawberry.field(description="The median cosine of its centred matrices.")


@strawberry.type(description="A model whose weights are like this one's.")
class Similarity:
    """See ``SimilarRecord``."""

    cosine: float = strawberry.field(description="Of the centred weights that both have, -1 to 1.")
    relative_distance: float | None = strawberry.field(
        description="The distance over this model's size; null where the shapes differ."
    )
    shared_fraction: float | None = strawberry.field(
        description="Share of the compared weights that are equal to the bit."
    )
    method: str = strawberry.field(description="What was compared: `weights`, or `windows` of large models.")
    p_value: float | None = strawberry.field(
        description="How probable rows as alike as these are between unrelated models of these shapes."
    )

    @strawberry.field(description="The other model.")
    async def model(root: Parent[SimilarRecord], info: Ask) -> Model:
        """Its node."""
        return await info.context.load.model.load(root.other)  # type: ignore[return-value] # a record of the same snapshot

    @strawberry.field(description="The parts that are alike, the most alike first.")
    def parts(root: Parent[SimilarRecord]) -> list[AlikePart]:
        """Names with cosines."""
        pairs = zip(root.components, root.component_cosines, strict=True)
        return [AlikePart(name=name, cosine=cosine) for name, cosine in pairs]


@strawberry.type(description="One tensor of a model whose checkpoint was read whole.")
class TensorPlace:
    """See ``TensorRecord``."""

    digest: str = strawberry.field(description="Of its values, whatever their format: 32 hex digits.")
    role: str = strawberry.field(description="Its layer and part: `3.attention.query`.")
    values: Long = strawberry.field(description="How many values it has.")

    @strawberry.field(description="The model that holds it.")
    async def model(root: Parent[TensorRecord], info: Ask) -> Model:
        """Its node."""
        return await info.context.load.model.load(root.model)  # type: ignore[return-value] # a record of the same snapshot


@strawberry.type(description="A disagreement among the claims about a model's base models.")
class Conflict:
    """See ``graph.conflicts``."""

    kind: str = strawberry.field(description="`relation`: told differently; `base_model`: not named by all evidence.")
    base_model: str = strawberry.field(description="The base model that it is about.")
    claims: list[Claim] = strawberry.field(description="The claims about it.")
    silent: list[Evidence] = strawberry.field(description="Evidence that names other base models and not this one.")
    text: str = strawberry.field(description="The disagreement in words.")


@strawberry.type(description="A place on the map of all models.")
class Spot:
    """See ``graph.store.Spot``."""

    point: int = strawberry.field(description="The number of the model's point.")
    x: float = strawberry.field(description="From the left, 0 to 1.")
    y: float = strawberry.field(description="From the top, 0 to 1.")


@strawberry.type(description="Derived models that are told together, not one by one.")
class Crowd:
    """See ``graph.fan.Crowd``."""

    count: int = strawberry.field(description="How many.")
    downloads: Long = strawberry.field(description="Their downloads in the last 30 days together.")
    conflicts: int = strawberry.field(description="About how many of them claims disagree.")
    inferred: int = strawberry.field(description="How many are known by their weights alone.")
    dated: int = strawberry.field(description="Of how many the time of making is known.")
    since: datetime | None = strawberry.field(description="When the first of the whole fan was made.")
    until: datetime | None = strawberry.field(description="When the last of the whole fan was made.")
    histogram: list[int] = strawberry.field(description="By time of making, in equal spans from `since` to `until`.")


@strawberry.type(description="A derived model that is told by name.")
class Named:
    """A derivation, with what a picture shows of it."""

    derivation: Derivation = strawberry.field(description="The derivation, with both models.")
    novelty: float | None = strawberry.field(description="The derived model's novelty, 0 to 100; null when not known.")
    novelty_class: str | None = strawberry.field(description="What kind of fork it is.")
    cosine: float | None = strawberry.field(description="How alike the weights of the two are, where they were read.")


@strawberry.type(description="What was made from a model in one way: the telling ones by name, the rest counted.")
class Fan:
    """See ``graph.fan.Fan``."""

    relation: Relation = strawberry.field(description="In which way.")
    count: int = strawberry.field(description="How many in all; the same as in `derivedCounts`.")
    named: list[Named] = strawberry.field(
        description="The most interesting: by downloads, descendants, novelty, conflict."
    )
    rest: Crowd | None = strawberry.field(description="The others together; null when all are named.")


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
    async def base_models(root: Parent[ModelRecord], info: Ask) -> list[Derivation]:
        """Derivations towards base models."""
        if root.base_models == 0:
            return []
        return await info.context.load.bases_of(root.id)  # type: ignore[return-value] # edges

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
                DerivationEdge(node=node, cursor=cursors.write(DOWNLOADS, key))  # type: ignore[arg-type] # edges
                for node, key in zip(nodes, page.keys, strict=True)
            ],
            nodes=nodes,  # type: ignore[arg-type] # edges
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
    async def spot(root: Parent[ModelRecord], info: Ask) -> Spot | None:
        """Its point."""
        atlas = await info.context.store.atlas()
        return atlas.spots([root.id])[0] if atlas else None  # type: ignore[return-value] # the same fields

    @strawberry.field(
        description="What was made from it directly, by relation: the telling ones by name, the rest counted."
    )
    async def fan(root: Parent[ModelRecord], info: Ask) -> list[Fan]:
        """What a picture of its forks needs."""
        found, known = await fans_in(info.context.store, root.id)
        return [
            Fan(
                relation=fan.relation,
                count=fan.count,
                named=[await _named(info, edge, known[edge.model], root) for edge in fan.named],
                rest=fan.rest,  # type: ignore[arg-type] # the same fields
            )
            for fan in found
        ]

    @strawberry.field(description="The models without a base model that it descends from; itself when it has none.")
    async def roots(root: Parent[ModelRecord], info: Ask) -> list[Model]:
        """The top of its lineage."""
        if not root.base_models:
            return [root]  # type: ignore[list-item] # a record
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
    async def datasets(root: Parent[ModelRecord], info: Ask) -> list[Training]:
        """Its trainings."""
        return await info.context.load.trainings.load(root.id)  # type: ignore[return-value] # records

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
    async def novelty(root: Parent[ModelRecord], info: Ask) -> Novelty | None:
        """Its novelty in words and numbers."""
        return told(root, await info.context.load.novelty.load(root.id))  # type: ignore[return-value] # the same fields

    @strawberry.field(description="The models whose weights are most like its own, where its checkpoint was read.")
    async def similar(root: Parent[ModelRecord], info: Ask, first: int = 10) -> list[Similarity]:
        """The most alike, by cosine."""
        return list(await info.context.store.similar(root.id, page_size(info, first)))  # type: ignore[arg-type] # records

    @strawberry.field(
        description="Its tensors that say something of its origin, by role, where its checkpoint was read whole."
    )
    async def tensors(root: Parent[ModelRecord], info: Ask, first: int = 100) -> list[TensorPlace]:
        """Its tensors."""
        found = await info.context.store.tensors(root.id)
        return list(found[: page_size(info, first)])  # type: ignore[arg-type] # records

    @strawberry.field(description="Its files, when they are known, by path.")
    async def files(root: Parent[ModelRecord], info: Ask) -> list[File]:
        """Its files."""
        files = await info.context.store.files(root.id)
        return list(files[: info.context.limits.lineage])  # type: ignore[arg-type] # records

    @strawberry.field(description="Whether it meets the standards that come with Stemma, rule by rule.")
    async def standards(
        root: Parent[ModelRecord], info: Ask, names: list[StandardName] | None = None
    ) -> list[StandardVerdict]:
        """All of them, or those that are named."""
        return await standards_of(root, names, info)

    @strawberry.field(description="What the licences along its lineage ask, and where its own leaves something out.")
    async def licence_report(root: Parent[ModelRecord], info: Ask) -> LicenceReport:
        """Over all ancestors."""
        return await licence_report_of(root, info)

    @strawberry.field(description="How able it is, from its results; null where none of it or of an ancestor is known.")
    async def ability(root: Parent[ModelRecord], info: Ask) -> Ability | None:
        """Measured or inherited."""
        return await ability_of(root.id, info)

    @strawberry.field(description="Its evaluation results, by benchmark, setting and source.")
    async def results(root: Parent[ModelRecord], info: Ask) -> list[Result]:
        """As sources say them."""
        return await results_of(root.id, info)

    @strawberry.field(description="Where the claims about its base models disagree.")
    async def conflicts(root: Parent[ModelRecord], info: Ask) -> list[Conflict]:
        """Disagreements."""
        claims: tuple[ClaimRecord, ...] = await info.context.load.claims.load(root.id)
        return disagreements.conflicts(claims)  # type: ignore[return-value] # the same fields


def edge_filter(relations: Sequence[Relation] | None, evidence: Sequence[Evidence] | None) -> EdgeFilter:
    """Which derivations a field asks for."""
    return EdgeFilter(
        None if relations is None else frozenset(relations), None if evidence is None else frozenset(evidence)
    )


async def _named(info: Ask, edge: DerivationRecord, model: ModelRecord, base: ModelRecord) -> Named:
    """A derived model as a picture shows it. Likeness is looked up only where the weights were read."""
    cosine = None
    if Evidence.WEIGHTS in edge.evidence:
        alike = await info.context.store.similar(edge.model, 50)
        cosine = next((pair.cosine for pair in alike if pair.other == edge.base_model), None)
    return Named(
        derivation=Edge(edge, model, base),  # type: ignore[arg-type] # an edge
        novelty=model.novelty,
        novelty_class=model.novelty_class,
        cosine=cosine,
    )
