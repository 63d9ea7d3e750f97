"""This file knows the GraphQL schema: the questions that clients may ask, and how each is put to the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Annotated

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.utils.str_converters import to_camel_case

from api import cursors
from api.catalogue import Catalogue, catalogue_of
from api.connections import DOWNLOADS, ModelConnection, connection, page_size
from api.contradictions import ContradictedConnection, contradicted
from api.derivation import edge_filter
from api.filters import MOST_VALUES, ModelFilter, filter_of
from api.limits import LONGEST_NAME
from api.lineage import Lineage, Path, lineage_of, wanted_of
from api.loaders import Ask
from api.model import ANCESTORS_AT_MOST
from api.nodes import DatasetNode, FacetCountNode, ModelNode
from api.novelty import NoveltyReport, ReportBy, reported
from api.scalars import SCALARS, Collapse, ContradictionKind, Direction, Evidence, Facet, Long, Order, Relation
from api.selected import nearest
from api.standing import Decay, decayed
from api.subset_views import query_of
from api.subsets import SubsetName, SubsetPreview, previewed
from api.weights import Tensor, Weights
from graph.decay import KEPT_NICHES, decay
from graph.errors import LimitExceeded, NotFound
from graph.lineage import nearest_common_ancestors
from graph.records import ModelRecord
from graph.report import KEPT_LINES, report
from graph.store import EdgeFilter, Key, ModelPage
from graph.subset.query import Named

MOST_IDS = 20  # of commonAncestors
MOST_PATHS = 20
DEEPEST = 1_000  # derivations of one lineage


async def _id(info: Ask, name: str) -> str | None:
    (id,) = await info.context.store.resolve([name[:LONGEST_NAME]])
    return id


@strawberry.type(description="What can be asked.")
class Query:
    """The root of all questions."""

    @strawberry.field(description="One model, by any spelling of its name, a former name, or the Hub's permanent id.")
    async def model(self, info: Ask, id: strawberry.ID) -> ModelNode | None:
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
        return found

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
        description="Models whose weights contradict what is said of them, a page at a time, by downloads."
    )
    async def contradicted(
        self,
        info: Ask,
        filter: ModelFilter | None = None,
        kinds: Annotated[
            list[ContradictionKind] | None, strawberry.argument(description="In which way; any when not said.")
        ] = None,
        probability: Annotated[float, strawberry.argument(description="Least of the weights' claim.")] = 0.5,
        first: int = 20,
        after: str | None = None,
    ) -> ContradictedConnection:
        """Both sides, model by model."""
        return await contradicted(info, filter, kinds, probability, first, after)

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
        store, where, want = info.context.store, edge_filter(relations, evidence), wanted_of(info)
        try:  # most ask by the name itself
            return lineage_of(await store.walk(id[:LONGEST_NAME], direction, where, depth, limit, want))
        except NotFound:
            canonical = await _id(info, id)
        return (
            None if canonical is None else lineage_of(await store.walk(canonical, direction, where, depth, limit, want))
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
        return [Path(models=[known[id] for id in chain], length=len(chain) - 1) for chain in chains]

    @strawberry.field(
        description="The nearest models that all of these descend from, or are; empty when there is none."
    )
    async def common_ancestors(
        self, info: Ask, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Two models or more.")]
    ) -> list[ModelNode]:
        """Nearest common ancestors."""
        if not 1 <= len(ids) <= MOST_IDS:
            raise LimitExceeded("number of ids", MOST_IDS, len(ids), "ask for 1 to that many models")
        store = info.context.store
        resolved = await store.resolve([id[:LONGEST_NAME] for id in ids])
        if None in resolved:
            return []
        wanted = dict.fromkeys(id for id in resolved if id is not None)
        most = ANCESTORS_AT_MOST
        walks = [await store.walk(id, Direction.ANCESTORS, EdgeFilter(), most, most) for id in wanted]
        nearest = nearest_common_ancestors(walks)
        known = await info.context.load.records(nearest)
        return [known[id] for id in nearest]

    @strawberry.field(description="One dataset, by its name in any case.")
    async def dataset(self, info: Ask, id: strawberry.ID) -> DatasetNode | None:
        """A dataset's node."""
        return await info.context.load.dataset.load(id[:LONGEST_NAME])

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
        return Tensor(digest=digest, values=Long(values), models=found.models, places=found.places)

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
        store, size, key = info.context.store, page_size(info, first), cursors.read(DOWNLOADS, after)
        digest = digest.lower()
        found = await store.weights(digest)
        if found is not None:
            page = await store.holders(digest, size, key)
            holders = connection(page, DOWNLOADS, after, found.holders)
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
        holders = connection(shown, DOWNLOADS, after, len(models))
        size_bytes, found_at = _long(places[0].size), list(places)
        return Weights(digest=digest, kind="file", files=1, size=size_bytes, places=found_at, holders=holders)

    @strawberry.field(description="How many models have each value, most first.")
    async def facets(
        self,
        info: Ask,
        by: Annotated[list[Facet], strawberry.argument(description="What to count by.")],
        filter: ModelFilter | None = None,
        first: Annotated[int, strawberry.argument(description="Most values of each.")] = 50,
    ) -> list[FacetCountNode]:
        """Counts by facet."""
        where, kinds = filter_of(filter), list(dict.fromkeys(by))
        return await info.context.store.facets(where, kinds, page_size(info, first))

    @strawberry.field(description="The models at points of the map, by the points' numbers; null where there is none.")
    async def at_points(
        self, info: Ask, points: Annotated[list[int], strawberry.argument(description="Numbers of points.")]
    ) -> list[ModelNode | None]:
        """What is under a pointer."""
        if len(points) > info.context.limits.page:
            raise LimitExceeded("number of points", info.context.limits.page, len(points), "ask for fewer at once")
        atlas = await info.context.store.atlas()
        return atlas.models(points) if atlas else [None] * len(points)

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

    @strawberry.field(description="How long leaders of niches last; null when no ability was measured.")
    async def decay(
        self, info: Ask, first: Annotated[int, strawberry.argument(description="Most niches, up to 100.")] = 10
    ) -> Decay | None:
        """By the dates when models were made."""
        if not 1 <= first <= KEPT_NICHES:
            raise LimitExceeded("first", KEPT_NICHES, first, "ask for 1 to that many niches")
        return decayed(decay(await info.context.store.coverage(), first))

    @strawberry.field(description="What the catalogue holds, and where it came from.")
    async def catalogue(self, info: Ask) -> Catalogue:
        """Coverage."""
        return await catalogue_of(info.context.store, info.context.sources)


def _by_name(argument: str, given: list[SubsetName] | None) -> tuple[Named, ...]:
    names = given or []
    if len(names) > MOST_VALUES:
        raise LimitExceeded(f"names in {argument}", MOST_VALUES, len(names), "use `stemma subset create` for more")
    return tuple(Named(str(each.model), each.reason) for each in names)


def _long(value: int | None) -> Long | None:
    return None if value is None else Long(value)


_camel = cache(to_camel_case)


class _Names(NameConverter):
    """The usual names, each made once: the library asks for those of all arguments at each call of a resolver."""

    def apply_naming_config(self, name: str) -> str:
        """In camel case."""
        return _camel(name)


schema = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=SCALARS, name_converter=_Names()))


def sdl() -> str:
    """The schema in GraphQL's own language, as `api/schema.graphql` holds it."""
    return schema.as_str() + "\n"
