"""This file knows the GraphQL schema: the questions that clients may ask, and how each is put to the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import msgspec
import strawberry
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from api import cursors
from api.loaders import Edge
from api.novelty import NoveltyReport, ReportBy, TierCount, reported, tier_counts
from api.selected import fields_of_models, nearest, selects
from api.standards import StandardName
from api.subset_views import query_of
from api.subsets import SubsetName, SubsetPreview, previewed
from api.types import (
    ANCESTORS_AT_MOST,
    SCALARS,
    Ask,
    Dataset,
    Derivation,
    File,
    Long,
    Model,
    ModelConnection,
    RelationFilter,
    TensorPlace,
    connection,
    edge_filter,
    page_size,
)
from graph.errors import BadInput, LimitExceeded, NotFound
from graph.lineage import PACKED, nearest_common_ancestors, packed
from graph.novelty import Class
from graph.records import Direction, Evidence, ModelRecord, Relation, State
from graph.report import KEPT_LINES, report
from graph.store import EVERY_FIELD, Collapse, EdgeFilter, Facet, Key, ModelPage, Order, Walk, Want
from graph.store import ModelFilter as Filter
from graph.subset.query import Named

LONGEST_TEXT = 200  # characters of a search
LONGEST_NAME = 500
MOST_VALUES = 50  # of one filter field
MOST_IDS = 20  # of commonAncestors
MOST_PATHS = 20
DEEPEST = 1_000  # derivations of one lineage


@strawberry.input(description="Which models: every field that is set must hold; within a list one value is enough.")
class ModelFilter:
    """See ``graph.store.ModelFilter``."""

    text: str | None = strawberry.field(default=None, description="Part of the name, case ignored.")
    task: list[str] | None = strawberry.field(default=None, description="The Hub's pipeline tag.")
    library: list[str] | None = strawberry.field(default=None, description="The library that loads it.")
    licence: list[str] | None = strawberry.field(default=None, description="As declared on the Hub, lower case.")
    author: list[str] | None = strawberry.field(default=None, description="The part of the name before the slash.")
    state: list[State] | None = strawberry.field(default=None, description="Listed, gated, missing or gone.")
    relation: list[RelationFilter] | None = strawberry.field(
        default=None, description="Its relation to a base model, or ROOT."
    )
    dataset: str | None = strawberry.field(default=None, description="A dataset that it says it was trained on.")
    parameters_min: Long | None = strawberry.field(default=None, description="Least number of parameters.")
    parameters_max: Long | None = strawberry.field(default=None, description="Largest number of parameters.")
    created_from: datetime | None = strawberry.field(default=None, description="Made at this time or later.")
    created_until: datetime | None = strawberry.field(default=None, description="Made before this time.")
    meets: list[StandardName] | None = strawberry.field(
        default=None, description="Standards, all of which the model meets."
    )
    novelty_class: list[Class] | None = strawberry.field(default=None, description="What kind of fork it is.")
    novelty_min: float | None = strawberry.field(default=None, description="Least novelty score, 0 to 100.")
    novelty_max: float | None = strawberry.field(default=None, description="Largest novelty score, 0 to 100.")


@strawberry.type(description="A model reached, and how far away it is.")
class LineageNode:
    """See ``graph.store.WalkNode``."""

    model: Model = strawberry.field(description="The model.")
    distance: int = strawberry.field(description="Fewest derivations to the root; negative towards ancestors.")


class Reached(msgspec.Struct, frozen=True, gc=False):
    """What a LineageNode is read from."""

    model: Any  # what was wanted of it
    distance: int


@strawberry.type(description="A model shown whose neighbours are not all shown.")
class Truncation:
    """See ``graph.store.Hidden``."""

    id: strawberry.ID = strawberry.field(description="The model.")
    hidden: int = strawberry.field(description="How many of its neighbours in the direction of the walk are not shown.")


@strawberry.type(
    description="The part of the graph around one model. Totals are exact whatever the depth and the limit."
)
class Lineage:
    """See ``graph.store.Walk``."""

    root: Model = strawberry.field(description="The model in the middle.")
    nodes: list[LineageNode] = strawberry.field(description="The root, then ancestors and descendants, nearest first.")
    total_ancestors: int = strawberry.field(description="Distinct ancestors at any distance, under the same filters.")
    total_descendants: int = strawberry.field(
        description="Distinct descendants at any distance, under the same filters."
    )
    truncated: list[Truncation] = strawberry.field(description="Where something is hidden, and how much.")
    columns: strawberry.Private[Callable[[], dict[str, object]]]
    links: strawberry.Private[Callable[[], list[Edge]]]

    @strawberry.field(description="All derivations among the nodes, by model and base model.")
    def edges(self) -> list[Derivation]:
        """Joined with their models only when they are asked for."""
        return self.links()  # type: ignore[return-value] # edges

    @strawberry.field(description="The same as columns: smaller and much quicker for large lineages.")
    def packed(self) -> JSON:
        """Made only when it is asked for."""
        return JSON(self.columns())


@strawberry.type(description="A chain of models, each made from the one before or after it.")
class Path:
    """One shortest chain."""

    models: list[Model] = strawberry.field(description="From the first model to the last.")
    length: int = strawberry.field(description="Number of derivations.")


@strawberry.type(description="Which models hold a weight file or a weight content.")
class Weights:
    """See ``WeightsRecord`` and ``FileRecord``."""

    digest: str = strawberry.field(description="The digest that was asked for.")
    kind: str = strawberry.field(
        description="`file`: the sha256 of a file; `content`: all weight files of a model together."
    )
    files: int = strawberry.field(description="How many distinct files it is.")
    size: Long | None = strawberry.field(description="Bytes.")
    places: list[File] = strawberry.field(description="Where the file is found, at most 100; empty for a content.")
    holders: ModelConnection = strawberry.field(description="The models that hold it, by downloads.")


@strawberry.type(description="Which models hold one tensor content.")
class Tensor:
    """See ``graph.store.TensorPlaces``."""

    digest: str = strawberry.field(description="The digest that was asked for.")
    values: Long = strawberry.field(description="How many values it has.")
    models: int = strawberry.field(description="How many models hold it.")
    places: list[TensorPlace] = strawberry.field(description="The first of its places, by model and role.")


@strawberry.type(name="FacetCount", description="How many models have one value.")
class FacetCountType:
    """See ``graph.store.FacetCount``."""

    facet: Facet = strawberry.field(description="What is counted by.")
    value: str | None = strawberry.field(description="The value; null where it is unknown.")
    count: int = strawberry.field(description="How many of the filtered models have it.")


@strawberry.type(description="A name and a count.")
class Count:
    """One line of a coverage table."""

    name: str = strawberry.field(description="What is counted.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(name="Source", description="Where the catalogue's rows came from.")
class SourceType:
    """See ``graph.snapshot.Source``."""

    kind: str = strawberry.field(description="`dump`, `hub`, `sample` ...")
    name: str = strawberry.field(description="A file's name, or an endpoint.")
    rows: int = strawberry.field(description="Rows read.")
    watermark: datetime | None = strawberry.field(description="The newest change that its rows carry.")


@strawberry.type(name="Catalogue", description="The catalogue that answers.")
class CatalogueType:
    """See ``graph.store.Coverage``."""

    snapshot: str = strawberry.field(description="The id of the snapshot that every answer comes from.")
    sources: list[SourceType] = strawberry.field(
        description="Where it came from; empty when only the graph database knows."
    )
    models: list[Count] = strawberry.field(description="Models by state.")
    datasets: int = strawberry.field(description="Datasets, named ones included.")
    derivations: int = strawberry.field(description="Pairs of a model and a base model.")
    derivations_by_evidence: list[Count] = strawberry.field(
        description="Derivations by evidence; one may count in several."
    )
    derivations_by_relation: list[Count] = strawberry.field(description="Derivations by relation.")
    results: int = strawberry.field(description="Evaluation results of models in the catalogue.")
    with_ability: int = strawberry.field(description="Models whose ability is measured.")
    conflicts: int = strawberry.field(description="Derivations about which claims disagree.")
    cycles: int = strawberry.field(description="Derivations that lie on a cycle.")
    models_with_base: int = strawberry.field(description="Models with a base model.")
    trainings: int = strawberry.field(description="Pairs of a model and a dataset.")
    files: int = strawberry.field(description="Known files.")
    weights: int = strawberry.field(description="Distinct weight contents.")
    models_with_weights: int = strawberry.field(description="Models whose weight content is known.")
    skipped: list[Count] = strawberry.field(description="What the last run left out, by reason.")
    novelty: list[Count] = strawberry.field(description="Models by their class of novelty.")
    novelty_by_tier: list[TierCount] = strawberry.field(description="Scores of novelty by what they rest on.")


async def _id(info: Ask, name: str) -> str | None:
    (id,) = await info.context.store.resolve([name[:LONGEST_NAME]])
    return id


def _wanted(info: Ask) -> Want:
    """What a question for a lineage needs of the walk."""
    asked = info._raw_info
    fields, columns = fields_of_models(asked), selects(asked, "packed")
    return Want(
        edges=columns or selects(asked, "edges"),
        hidden=columns or selects(asked, "truncated"),
        fields=tuple(dict.fromkeys((*fields, *PACKED))) if columns and fields != EVERY_FIELD else fields,
    )


def _lineage(walk: Walk) -> Lineage:
    def links() -> list[Edge]:
        known = {node.id: model for node, model in zip(walk.nodes, walk.models, strict=True)}
        return [Edge(edge, known[edge.model], known[edge.base_model]) for edge in walk.edges]

    return Lineage(
        root=walk.models[0],
        nodes=list(map(Reached, walk.models, [node.distance for node in walk.nodes])),  # type: ignore[arg-type] # the same fields
        links=links,
        total_ancestors=walk.total_ancestors,
        total_descendants=walk.total_descendants,
        truncated=walk.hidden,  # type: ignore[arg-type] # the same fields
        columns=lambda: packed(walk),
    )


@strawberry.type(description="What can be asked.")
class Query:
    """The root of all questions."""

    @strawberry.field(description="One model, by any spelling of its name, a former name, or the Hub's permanent id.")
    async def model(self, info: Ask, id: strawberry.ID) -> Model | None:
        """A model's node."""
        load, near = info.context.load, nearest(info._raw_info)
        if near is None or not 0 <= near[0] <= info.context.limits.page:
            ask: Callable[[str], Awaitable[ModelRecord | None]] = load.model.load
        else:
            ask = partial(load.near, first=near[0], wanted=near[1])
        found = await ask(id[:LONGEST_NAME])  # most ask by the name itself
        if found is None:
            canonical = await _id(info, id)
            found = None if canonical is None else await ask(canonical)
        return found  # type: ignore[return-value] # record

    @strawberry.field(description="Models under a filter, a page at a time.")
    async def models(
        self,
        info: Ask,
        filter: ModelFilter | None = None,
        order_by: Order = Order.DOWNLOADS,
        collapse: Annotated[
            Collapse | None,
            strawberry.argument(description="One line a group: its original, or the first that passes."),
        ] = None,
        first: int = 20,
        after: str | None = None,
    ) -> ModelConnection:
        """A page of models."""
        where, store = filter_of(filter), info.context.store
        size, key = page_size(info, first), cursors.read(order_by.value, after)
        if collapse is not None:
            folded = await store.find_folded(where, collapse, order_by, size, key)
            return connection(folded, order_by.value, after, lambda: store.count_folded(where, collapse))
        page = await store.find(where, order_by, size, key)
        return connection(page, order_by.value, after, lambda: store.count(where))

    @strawberry.field(
        description="What a model was made from and what was made from it; null when there is no such model."
    )
    async def lineage(
        self,
        info: Ask,
        id: strawberry.ID,
        direction: Direction = Direction.BOTH,
        depth: int = 3,
        relations: list[Relation] | None = None,
        evidence: list[Evidence] | None = None,
        limit: int = 500,
    ) -> Lineage | None:
        """The lineage around one model."""
        if not 0 <= depth <= DEEPEST:
            raise LimitExceeded("depth", DEEPEST, depth, "ask for 0 to that many")
        most = info.context.limits.lineage
        if not 0 <= limit <= most:
            raise LimitExceeded("limit", most, limit, "ask for 0 to that many nodes; totals are exact all the same")
        store, where, want = info.context.store, edge_filter(relations, evidence), _wanted(info)
        try:  # most ask by the name itself
            return _lineage(await store.walk(id[:LONGEST_NAME], direction, where, depth, limit, want))
        except NotFound:
            canonical = await _id(info, id)
        return (
            None if canonical is None else _lineage(await store.walk(canonical, direction, where, depth, limit, want))
        )

    @strawberry.field(description="What a subset of these models would be: how many, how large, what is not known.")
    async def subset(
        self,
        info: Ask,
        filter: ModelFilter | None = None,
        order_by: Order = Order.DOWNLOADS,
        limit: Annotated[int, strawberry.argument(description="The first so many of the order.")] = 20,
        collapse: Annotated[Collapse | None, strawberry.argument(description="Of each group one model.")] = None,
        ancestors: Annotated[bool, strawberry.argument(description="Add all that they were made from.")] = False,
        descendants: Annotated[bool, strawberry.argument(description="Add all that was made from them.")] = False,
        include: Annotated[list[SubsetName] | None, strawberry.argument(description="Taken by name.")] = None,
        exclude: Annotated[list[SubsetName] | None, strawberry.argument(description="Left out by name.")] = None,
    ) -> SubsetPreview:
        """A preview."""
        filter_of(filter)  # its limits
        query = query_of(
            {} if filter is None else strawberry.asdict(filter),
            order=order_by.value,
            limit=limit,
            collapse=None if collapse is None else collapse.value,
            ancestors=ancestors,
            descendants=descendants,
            include=_by_name("include", include),
            exclude=_by_name("exclude", exclude),
        )
        return await previewed(info.context.store, query, info.context.limits.lineage)

    @strawberry.field(
        description="Shortest chains between two models over derivations in either direction; empty when none."
    )
    async def paths(
        self,
        info: Ask,
        from_: Annotated[strawberry.ID, strawberry.argument(name="from", description="One end.")],
        to: Annotated[strawberry.ID, strawberry.argument(description="The other end.")],
        limit: Annotated[int, strawberry.argument(description="Most chains.")] = 3,
    ) -> list[Path]:
        """Chains of models."""
        if not 1 <= limit <= MOST_PATHS:
            raise LimitExceeded("limit", MOST_PATHS, limit, "ask for 1 to that many chains")
        start, end = await _id(info, from_), await _id(info, to)
        if start is None or end is None:
            return []
        chains = await info.context.store.path(start, end, limit)
        known = await info.context.load.records(id for chain in chains for id in chain)
        return [Path(models=[known[id] for id in chain], length=len(chain) - 1) for chain in chains]  # type: ignore[misc] # records

    @strawberry.field(
        description="The nearest models that all of these descend from, or are; empty when there is none."
    )
    async def common_ancestors(
        self, info: Ask, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Two models or more.")]
    ) -> list[Model]:
        """Nearest common ancestors."""
        if not 1 <= len(ids) <= MOST_IDS:
            raise LimitExceeded("number of ids", MOST_IDS, len(ids), "ask for 1 to that many models")
        store = info.context.store
        resolved = await store.resolve([id[:500] for id in ids])
        if None in resolved:
            return []
        wanted = dict.fromkeys(id for id in resolved if id is not None)
        most = ANCESTORS_AT_MOST
        walks = [await store.walk(id, Direction.ANCESTORS, EdgeFilter(), most, most) for id in wanted]
        nearest = nearest_common_ancestors(walks)
        known = await info.context.load.records(nearest)
        return [known[id] for id in nearest]  # type: ignore[misc] # records

    @strawberry.field(description="One dataset, by its name in any case.")
    async def dataset(self, info: Ask, id: strawberry.ID) -> Dataset | None:
        """A dataset's node."""
        return await info.context.store.dataset(id[:500])  # type: ignore[return-value] # a record

    @strawberry.field(description="Which models hold a tensor of this content; null when none is known to.")
    async def tensor(
        self,
        info: Ask,
        digest: Annotated[str, strawberry.argument(description="32 hex digits, as `Model.tensors` tells them.")],
        first: Annotated[int, strawberry.argument(description="How many places.")] = 20,
    ) -> Tensor | None:
        """Places of a content."""
        digest = digest.lower()
        found = await info.context.store.tensor_places(digest, page_size(info, first))
        if not found.places:
            return None
        values = found.places[0].values
        places: list[TensorPlace] = list(found.places)  # type: ignore[arg-type] # records
        return Tensor(digest=digest, values=Long(values), models=found.models, places=places)

    @strawberry.field(
        description="Which models hold this weight file (its sha256) or weight content; null when none does."
    )
    async def weights(
        self,
        info: Ask,
        digest: Annotated[str, strawberry.argument(description="64 hex digits.")],
        first: Annotated[int, strawberry.argument(description="Holders in the page.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="A cursor of the holders.")] = None,
    ) -> Weights | None:
        """Holders of a content."""
        store, size, key = info.context.store, page_size(info, first), cursors.read(Order.DOWNLOADS.value, after)
        digest = digest.lower()
        found = await store.weights(digest)
        if found is not None:
            page = await store.holders(digest, size, key)
            holders = connection(page, Order.DOWNLOADS.value, after, found.holders)
            return Weights(
                digest=digest, kind="content", files=found.files, size=_long(found.size), places=[], holders=holders
            )
        places = await store.file_places(digest)
        if not places:
            return None
        known = await info.context.load.records(place.model for place in places)
        models = sorted(
            known.values(), key=lambda model: (-(-1 if model.downloads is None else model.downloads), model.id.encode())
        )
        keys = [Key(model.downloads, model.id) for model in models]
        begin = keys.index(key) + 1 if key in keys else 0
        end = begin + size
        shown = ModelPage(tuple(models[begin:end]), tuple(keys[begin:end]), len(models) > end)
        holders = connection(shown, Order.DOWNLOADS.value, after, len(models))
        size_bytes, found_at = _long(places[0].size), list(places)
        return Weights(digest=digest, kind="file", files=1, size=size_bytes, places=found_at, holders=holders)  # type: ignore[arg-type] # records

    @strawberry.field(description="How many models have each value, most first.")
    async def facets(
        self,
        info: Ask,
        by: Annotated[list[Facet], strawberry.argument(description="What to count by.")],
        filter: ModelFilter | None = None,
        first: Annotated[int, strawberry.argument(description="Most values of each.")] = 50,
    ) -> list[FacetCountType]:
        """Counts by facet."""
        where, kinds = filter_of(filter), list(dict.fromkeys(by))
        return await info.context.store.facets(where, kinds, page_size(info, first))  # type: ignore[return-value] # same fields

    @strawberry.field(description="The models at points of the map, by the points' numbers; null where there is none.")
    async def at_points(
        self, info: Ask, points: Annotated[list[int], strawberry.argument(description="Numbers of points.")]
    ) -> list[Model | None]:
        """What is under a pointer."""
        if len(points) > info.context.limits.page:
            raise LimitExceeded("number of points", info.context.limits.page, len(points), "ask for fewer at once")
        atlas = await info.context.store.atlas()
        return atlas.models(points) if atlas else [None] * len(points)  # type: ignore[return-value] # records

    @strawberry.field(
        description="How many models bring what: copies, quantised, merges of the known, light, substantial."
    )
    async def report(
        self,
        info: Ask,
        by: Annotated[list[ReportBy] | None, strawberry.argument(description="Sections; all when not said.")] = None,
        first: Annotated[int, strawberry.argument(description="Most groups of each, up to 100.")] = 10,
    ) -> NoveltyReport:
        """The report of novelty."""
        if not 1 <= first <= KEPT_LINES:
            raise LimitExceeded("first", KEPT_LINES, first, "ask for 1 to that many groups")
        facets = tuple(dict.fromkeys(Facet(word.value) for word in (ReportBy if by is None else by)))
        return reported(report(await info.context.store.coverage(), facets, first))

    @strawberry.field(description="What the catalogue holds, and where it came from.")
    async def catalogue(self, info: Ask) -> CatalogueType:
        """Coverage."""
        store = info.context.store
        held = await store.coverage()
        return CatalogueType(
            snapshot=store.snapshot,
            sources=list(info.context.sources),  # type: ignore[arg-type] # the same fields
            models=_counts(held.models),
            datasets=held.datasets,
            derivations=held.derivations_total,
            derivations_by_evidence=_counts(held.derivations),
            derivations_by_relation=_counts(held.relations),
            conflicts=held.conflicts,
            cycles=held.cycles,
            results=held.results,
            with_ability=held.with_ability,
            models_with_base=held.with_base,
            trainings=held.trainings,
            files=held.files,
            weights=held.weights,
            models_with_weights=held.with_weights,
            skipped=_counts(held.skipped),
            novelty=_counts(held.novelty),
            novelty_by_tier=tier_counts(held.tiers),
        )


def _by_name(argument: str, given: list[SubsetName] | None) -> tuple[Named, ...]:
    names = given or []
    if len(names) > MOST_VALUES:
        raise LimitExceeded(f"names in {argument}", MOST_VALUES, len(names), "use `stemma subset create` for more")
    return tuple(Named(str(each.model), each.reason) for each in names)


def _long(value: int | None) -> Long | None:
    return None if value is None else Long(value)


def _counts(table: dict[str, int]) -> list[Count]:
    ordered = sorted(table.items(), key=lambda item: (-item[1], item[0]))
    return [Count(name=name, count=count) for name, count in ordered]


def filter_of(given: ModelFilter | None) -> Filter:
    """A filter of the store's. Raises LimitExceeded, BadInput."""
    if given is None:
        return Filter()
    for name in ("task", "library", "licence", "author", "state", "relation", "novelty_class", "meets"):
        values: Sequence[object] | None = getattr(given, name)
        if values is not None and len(values) > MOST_VALUES:
            raise LimitExceeded(f"values of filter.{name}", MOST_VALUES, len(values), "ask for fewer at once")
    if given.text is not None and len(given.text) > LONGEST_TEXT:
        raise LimitExceeded(
            "length of filter.text", LONGEST_TEXT, len(given.text), "search for a shorter part of the name"
        )
    if given.dataset is not None and len(given.dataset) > LONGEST_TEXT:
        raise LimitExceeded("length of filter.dataset", LONGEST_TEXT, len(given.dataset), "give a dataset's name")
    for name in ("parameters_min", "parameters_max"):
        number = getattr(given, name)
        if number is not None and not 0 <= number < 2**63:
            raise BadInput(f"filter.{name} is {number}: give a whole number from 0 up")
    for name in ("novelty_min", "novelty_max"):
        score = getattr(given, name)
        if score is not None and not 0 <= score <= 100:
            raise BadInput(f"filter.{name} is {score}: give a score from 0 to 100")
    return Filter(
        text=given.text or None,
        tasks=tuple(given.task or ()),
        libraries=tuple(given.library or ()),
        licences=tuple(word.lower() for word in given.licence or ()),
        authors=tuple(given.author or ()),
        states=tuple(given.state or ()),
        relations=tuple(item.value for item in given.relation or ()),
        dataset=given.dataset,
        parameters_min=given.parameters_min,
        parameters_max=given.parameters_max,
        created_from=_aware(given.created_from),
        created_until=_aware(given.created_until),
        novelty_classes=tuple(given.novelty_class or ()),
        standards=tuple(name.value for name in given.meets or ()),
        novelty_min=given.novelty_min,
        novelty_max=given.novelty_max,
    )


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


schema = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=SCALARS))


def sdl() -> str:
    """The schema in GraphQL's own language, as `api/schema.graphql` holds it."""
    return schema.as_str() + "\n"
