"""The store port once more, slow and obvious: plain Python over a snapshot's rows. Every engine is held to its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import networkx as nx

from graph.ability import DOMAIN_COLUMNS
from graph.frames import OnDisk
from graph.records import (
    AbilityRecord,
    AliasRecord,
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
from graph.snapshot import Snapshot
from graph.store import (
    ROOT,
    SIZE_CLASSES,
    Collapse,
    ContradictedPage,
    DerivationPage,
    Doubt,
    EdgeFilter,
    Facet,
    FacetCount,
    FoldedPage,
    Hidden,
    Key,
    ModelFilter,
    ModelPage,
    Order,
    TensorPlaces,
    Walk,
    WalkNode,
)
from graph.succession import tables

VALUE: dict[Order, Callable[[ModelRecord], Any]] = {
    Order.DOWNLOADS: lambda m: m.downloads,
    Order.LIKES: lambda m: m.likes,
    Order.TRENDING: lambda m: m.trending,
    Order.CREATED: lambda m: round(m.created_at.timestamp() * 1000) if m.created_at else None,
    Order.MODIFIED: lambda m: round(m.modified_at.timestamp() * 1000) if m.modified_at else None,
    Order.PARAMETERS: lambda m: m.parameters,
    Order.NOVELTY: lambda m: m.novelty,
    Order.ABILITY: lambda m: m.ability,
}


def size_class(parameters: int | None) -> str | None:
    if parameters is None:
        return None
    return next(name for name, limit in SIZE_CLASSES if limit is None or parameters < limit)


class PlainStore:
    """Answers by looking at everything."""

    def __init__(self, snapshot: Snapshot) -> None:
        def rows(table: str) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = snapshot.table(table).to_pylist()
            return found

        self.all = [
            ModelRecord(
                **{
                    **row,
                    "state": State(row["state"]),
                    "tags": tuple(row["tags"]),
                    "languages": tuple(row["languages"]),
                    "relations": tuple(map(Relation, row["relations"])),
                    "standards": tuple(row["standards"]),
                }
            )
            for row in rows("models")
        ]
        self.by_id = {model.id: model for model in self.all}
        self.aliases = [AliasRecord(**row) for row in rows("aliases")]
        self.edges = [
            DerivationRecord(
                **{**row, "relation": Relation(row["relation"]), "evidence": tuple(map(Evidence, row["evidence"]))}
            )
            for row in rows("derivations")
        ]
        self.all_claims = [
            ClaimRecord(**{**row, "relation": Relation(row["relation"]), "evidence": Evidence(row["evidence"])})
            for row in rows("claims")
        ]
        self.all_trainings = [
            TrainingRecord(r["model"], r["dataset"], tuple(map(Evidence, r["evidence"]))) for r in rows("trainings")
        ]
        self.all_files = [FileRecord(**row) for row in rows("files")]
        self.all_weights = {row["digest"]: WeightsRecord(**row) for row in rows("weights")}
        self.holding = {row["model"]: row["digest"] for row in rows("holdings")}
        self.all_similar = [
            SimilarRecord(
                **{
                    **row,
                    "components": tuple(row["components"]),
                    "component_cosines": tuple(row["component_cosines"]),
                }
            )
            for row in rows("similar")
        ]
        self.all_results = [
            ResultRecord(**{name: value for name, value in row.items() if name not in ("domain", "known")})
            for row in rows("results")
        ]
        self.all_abilities = {
            row["model"]: AbilityRecord(
                **{name: value for name, value in row.items() if name not in ("norm", *DOMAIN_COLUMNS)},
                domains=tuple(row["domains"]),
                domain_indexes=tuple(row["domain_indexes"]),
                domain_errors=tuple(row["domain_errors"]),
                domain_results=tuple(row["domain_results"]),
            )
            for row in rows("abilities")
        }
        self.all_tensors = [TensorRecord(**row) for row in rows("tensors")]
        self.all_novelty = {
            row["model"]: NoveltyRecord(
                **{**row, "datasets": tuple(row["datasets"]), "languages": tuple(row["languages"])}
            )
            for row in rows("novelty")
        }
        standings, successors = tables(OnDisk(snapshot))
        self.all_standings = {row["model"]: msgspec.convert(row, StandingRecord) for row in standings.to_dicts()}
        self.all_successors = msgspec.convert(successors.to_dicts(), list[SuccessorRecord])
        self._ends: dict[Collapse, dict[str, str]] = {}
        self.all_datasets = [
            DatasetRecord(
                **{
                    **row,
                    "state": State(row["state"]),
                    "tags": tuple(row["tags"]),
                    "languages": tuple(row["languages"]),
                }
            )
            for row in rows("datasets")
        ]

    def resolve(self, name: str) -> str | None:
        if name in self.by_id:
            return name
        for model in self.all:
            if model.hub_id == name:
                return model.id
        for alias in self.aliases:
            if alias.alias == name:
                return alias.id
        same = [model for model in self.all if model.id.lower() == name.lower()]
        if same:
            return min(same, key=lambda m: (m.state is State.MISSING, self.rank(m))).id
        other = sorted((a for a in self.aliases if a.alias.lower() == name.lower()), key=lambda a: a.alias.encode())
        return other[0].id if other else None

    def value(self, model: ModelRecord, order: Order) -> Any:
        if order is Order.STANDING:
            stood = self.all_standings.get(model.id)
            return stood and stood.probability
        return VALUE[order](model)

    def rank(self, model: ModelRecord, order: Order = Order.DOWNLOADS) -> tuple[Any, ...]:
        value = self.value(model, order)
        return (value is None, -value if value is not None else 0, model.id.encode())

    def told(self, model: ModelRecord) -> set[Evidence]:
        return {word for edge in self.edges if edge.model == model.id for word in edge.evidence}

    def measured(self, model: ModelRecord) -> set[str]:
        record = self.all_abilities.get(model.id)
        return set(record.domains) if record else set()

    def passes(self, model: ModelRecord, where: ModelFilter) -> bool:
        dataset = None
        if where.dataset is not None:
            dataset = next((d.id for d in self.all_datasets if d.id == where.dataset), None) or next(
                (d.id for d in self.all_datasets if d.id.lower() == where.dataset.lower()), "\0"
            )
        trained = {training.dataset for training in self.all_trainings if training.model == model.id}
        kinds = {relation.value for relation in model.relations} or {ROOT}
        return (
            (where.text is None or where.text.lower() in model.id.lower())
            and (not where.tasks or model.task in where.tasks)
            and (not where.libraries or model.library in where.libraries)
            and (not where.licences or model.licence in where.licences)
            and (not where.authors or model.author in where.authors)
            and (not where.states or model.state in where.states)
            and (not where.relations or bool(kinds & set(where.relations)))
            and (not where.evidence or bool(self.told(model) & set(where.evidence)))
            and (not where.domains or bool(self.measured(model) & set(where.domains)))
            and (dataset is None or dataset in trained)
            and (
                where.parameters_min is None
                or (model.parameters is not None and model.parameters >= where.parameters_min)
            )
            and (
                where.parameters_max is None
                or (model.parameters is not None and model.parameters <= where.parameters_max)
            )
            and (
                where.created_from is None or (model.created_at is not None and model.created_at >= where.created_from)
            )
            and (
                where.created_until is None or (model.created_at is not None and model.created_at < where.created_until)
            )
            and set(where.standards) <= set(model.standards)
            and (not where.novelty_classes or model.novelty_class in where.novelty_classes)
            and (where.novelty_min is None or (model.novelty is not None and model.novelty >= where.novelty_min))
            and (where.novelty_max is None or (model.novelty is not None and model.novelty <= where.novelty_max))
        )

    def page(self, models: Sequence[ModelRecord], order: Order, first: int, after: Key | None) -> ModelPage:
        ordered = sorted(models, key=lambda model: self.rank(model, order))
        if after is not None:
            place = (after.value is None, -after.value if after.value is not None else 0, after.id.encode())
            ordered = [model for model in ordered if self.rank(model, order) > place]
        keys = tuple(Key(self.value(model, order), model.id) for model in ordered[:first])
        return ModelPage(tuple(ordered[:first]), keys, len(ordered) > first)

    def find(self, where: ModelFilter, order: Order, first: int, after: Key | None) -> ModelPage:
        return self.page([model for model in self.all if self.passes(model, where)], order, first, after)

    def original(self, id: str, collapse: Collapse) -> str:
        """Follow what each repeats; of a cycle, or of a group whose end was never seen, the oldest, then the most used."""
        if id not in self._ends.setdefault(collapse, {}):
            self._ends[collapse][id] = self._end(id, collapse)
        end = self._ends[collapse][id]
        if self.by_id[end].state is State.MISSING:
            group = [m for m in self.by_id if self._end(m, collapse) == end]
            end = min(group, key=self._age)
        return end

    def _end(self, id: str, collapse: Collapse) -> str:
        folds = {"copy", "repackaged", "recast"} | ({"quantized"} if collapse is Collapse.QUANTS else set())
        seen: list[str] = []
        while id not in seen:
            seen.append(id)
            facts, kind = self.all_novelty.get(id), self.by_id[id].novelty_class
            if facts is None or facts.other is None or (collapse is not Collapse.FAMILY and kind not in folds):
                return id
            id = facts.other
        return min(seen[seen.index(id) :], key=self._age)

    def _age(self, id: str) -> tuple[Any, ...]:
        model = self.by_id[id]
        made = model.created_at.timestamp() if model.created_at else float("-inf")
        used = -1 if model.downloads is None else model.downloads
        return (model.state is State.MISSING, made, -used, id.encode())

    def find_folded(
        self, where: ModelFilter, collapse: Collapse, order: Order, first: int, after: Key | None
    ) -> FoldedPage:
        groups: dict[str, list[ModelRecord]] = {}
        for model in sorted(self.all, key=lambda model: self.rank(model, order)):
            if self.passes(model, where):
                groups.setdefault(self.original(model.id, collapse), []).append(model)
        stands = {}
        for original, members in groups.items():
            stand = next((model for model in members if model.id == original), members[0])
            stands[stand.id] = len(members) - 1
        page = self.page([self.by_id[id] for id in stands], order, first, after)
        return FoldedPage(page.models, page.keys, tuple(stands[model.id] for model in page.models), page.has_next)

    def facets(self, where: ModelFilter, by: Sequence[Facet], first: int) -> list[FacetCount]:
        values: dict[Facet, Callable[[ModelRecord], list[str | None]]] = {
            Facet.TASK: lambda m: [m.task],
            Facet.LIBRARY: lambda m: [m.library],
            Facet.LICENCE: lambda m: [m.licence],
            Facet.AUTHOR: lambda m: [m.author],
            Facet.STATE: lambda m: [m.state.value],
            Facet.RELATION: lambda m: [relation.value for relation in m.relations] or [ROOT],
            Facet.EVIDENCE: lambda m: [word.value for word in self.told(m)],
            Facet.DOMAIN: lambda m: list(self.measured(m)),
            Facet.YEAR: lambda m: [str(m.created_at.year) if m.created_at else None],
            Facet.SIZE: lambda m: [size_class(m.parameters)],
            Facet.NOVELTY: lambda m: [m.novelty_class],
            Facet.FAMILY: lambda m: [self.original(m.id, Collapse.FAMILY)],
        }
        chosen = [model for model in self.all if self.passes(model, where)]
        found = []
        for facet in by:
            counts = Counter(value for model in chosen for value in values[facet](model))
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, (item[0] or "").encode()))
            found += [FacetCount(facet, value, count) for value, count in ordered[:first]]
        return found

    def contradicted(self, where: ModelFilter, doubt: Doubt, first: int, after: Key | None) -> ContradictedPage:
        """By the words of ``graph.contradictions``: each claim of the weights beside all that is said by others."""
        alike = {("finetune", "adapter"), ("pruned", "finetune"), ("expanded", "finetune"), ("recast", "quantized")}
        against: dict[str, list[ContradictionRecord]] = {}
        for claim in self.all_claims:
            if not self.passes(self.by_id[claim.model], where):
                continue
            if claim.evidence is Evidence.CONFIG and claim.confidence is not None and claim.confidence < 0.5:
                if 1 - claim.confidence >= doubt.probability and (not doubt.kinds or "shapes" in doubt.kinds):
                    shapes = ContradictionRecord(
                        claim.model, claim.base_model, Contradicts.SHAPES, 1 - claim.confidence
                    )
                    against.setdefault(claim.model, []).append(shapes)
                continue
            if claim.evidence is not Evidence.WEIGHTS:
                continue
            others = [c for c in self.all_claims if c.model == claim.model and c.evidence is not Evidence.WEIGHTS]
            content = self.original(claim.base_model, Collapse.COPIES)
            same = [c for c in others if self.original(c.base_model, Collapse.COPIES) == content]
            words = {c.relation.value for c in same} - {"unknown"}
            admitted = bool(words & {claim.relation.value}) or any((claim.relation.value, w) in alike for w in words)
            if same and (admitted or not words or claim.relation is Relation.UNKNOWN):
                continue
            kind = "relation" if same else "base_model" if others else "undeclared"
            if claim.relation.value in ("identical", "recast", "permuted"):
                kind = "copy"
            probability = claim.confidence or 0.0
            if probability >= doubt.probability and (not doubt.kinds or kind in doubt.kinds):
                record = ContradictionRecord(claim.model, claim.base_model, Contradicts(kind), probability)
                against.setdefault(claim.model, []).append(record)
        page = self.page([self.by_id[id] for id in against], Order.DOWNLOADS, first, after)
        found = tuple(tuple(against[model.id]) for model in page.models)
        return ContradictedPage(page.models, found, page.keys, page.has_next, len(against))

    def kept(self, where: EdgeFilter) -> list[DerivationRecord]:
        return [
            edge
            for edge in self.edges
            if (where.relations is None or edge.relation in where.relations)
            and (where.evidence is None or set(edge.evidence) & where.evidence)
        ]

    def similar(self, id: str, first: int) -> tuple[SimilarRecord, ...]:
        found = [record for record in self.all_similar if record.model == id]
        return tuple(sorted(found, key=lambda record: (-record.cosine, record.other.encode()))[:first])

    def tensors(self, id: str) -> tuple[TensorRecord, ...]:
        found = [tensor for tensor in self.all_tensors if tensor.model == id]
        return tuple(sorted(found, key=lambda tensor: (tensor.role.encode(), tensor.digest)))

    def tensor_places(self, digest: str, first: int) -> TensorPlaces:
        found = [tensor for tensor in self.all_tensors if tensor.digest == digest]
        found.sort(key=lambda tensor: (tensor.model.encode(), tensor.role.encode()))
        return TensorPlaces(tuple(found[:first]), len({tensor.model for tensor in found}))

    def derived(self, id: str, where: EdgeFilter, first: int, after: Key | None) -> DerivationPage:
        edges = {edge.model: edge for edge in self.kept(where) if edge.base_model == id}
        page = self.page([self.by_id[model] for model in edges], Order.DOWNLOADS, first, after)
        return DerivationPage(tuple(edges[model.id] for model in page.models), page.keys, page.has_next, len(edges))

    def walk(self, id: str, direction: Direction, where: EdgeFilter, depth: int, limit: int) -> Walk:
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.by_id)
        edges = {(edge.model, edge.base_model): edge for edge in self.kept(where)}
        graph.add_edges_from(edges)
        up = nx.single_source_shortest_path_length(graph, id) if direction is not Direction.DESCENDANTS else {id: 0}
        down = (
            nx.single_source_shortest_path_length(graph.reverse(copy=False), id)
            if direction is not Direction.ANCESTORS
            else {id: 0}
        )
        above = {name: -steps for name, steps in up.items() if name != id and steps <= down.get(name, steps)}
        below = {name: steps for name, steps in down.items() if name != id and name not in above}
        order: list[tuple[str, int]] = [(id, 0)]
        for part in (above, below):
            inside = [(name, steps) for name, steps in part.items() if abs(steps) <= depth]
            order += sorted(inside, key=lambda item: (abs(item[1]), self.rank(self.by_id[item[0]])))
        shown = dict(order[: limit + 1])
        hidden = []
        for name, steps in shown.items():
            count = 0
            if direction is not Direction.DESCENDANTS and steps <= 0:
                count += sum(base not in shown for base in graph.successors(name))
            if direction is not Direction.ANCESTORS and steps >= 0:
                count += sum(child not in shown for child in graph.predecessors(name))
            if count:
                hidden.append(Hidden(name, count))
        among = [edge for pair, edge in edges.items() if pair[0] in shown and pair[1] in shown]
        among.sort(key=lambda edge: (edge.model.encode(), edge.base_model.encode()))
        nodes = tuple(WalkNode(name, steps) for name, steps in shown.items())
        return Walk(nodes, tuple(among), len(up) - 1, len(down) - 1, tuple(hidden))

    def path(self, start: str, end: str, limit: int) -> list[tuple[str, ...]]:
        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from(self.by_id)
        graph.add_edges_from((edge.model, edge.base_model) for edge in self.edges)
        if start not in graph or end not in graph or not nx.has_path(graph, start, end):
            return []
        chains = sorted(
            map(tuple, nx.all_shortest_paths(graph, start, end)), key=lambda chain: [name.encode() for name in chain]
        )
        return [chain for chain in chains if len(chain) <= 21][:limit]
