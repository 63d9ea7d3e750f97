"""This file knows how results of all models become abilities on the norm's scale. ``graph.ability`` says what these mean."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import polars as pl

from graph.ability import DEVIATION, FEWEST, MEAN, SURPRISING, Unknown
from graph.records import AbilityRecord, Relation
from ingest.enrich.domains import in_domains
from ingest.enrich.response import NO_VOTES, Response, Results, Sums, Votes, fit, probability, reweighted

MOST_STEPS = 6  # derivations up to an ancestor whose ability is inherited
FEWEST_NORM = 10  # models; below that all that have an ability are the norm
_FEWEST_PAIRS = 20  # of a relation, both with results, before its drift is measured
# Deviations of t that one derivation adds when nothing is measured: what a relation does to ability at most is known roughly.
DRIFT = {
    Relation.IDENTICAL: 0.01,
    Relation.RECAST: 0.02,
    Relation.PERMUTED: 0.02,
    Relation.QUANTIZED: 0.1,
    Relation.ADAPTER: 0.4,
    Relation.MERGE: 0.4,
    Relation.FINETUNE: 0.5,
    Relation.EXPANDED: 0.5,
    Relation.PRUNED: 0.6,
    Relation.UNKNOWN: 0.6,
}


@dataclass(frozen=True)
class Coded:
    """Results with names: columns ``model, benchmark, value, weight, source`` become numbers in the order of names."""

    results: Results
    models: tuple[str, ...]
    benchmarks: tuple[str, ...]
    votes: Votes = NO_VOTES


def coded(results: pl.DataFrame, votes: pl.DataFrame | None = None) -> Coded:
    """Number what is named. ``votes``: columns first, second, won. The order of rows does not matter."""
    rows = results.group_by("model", "benchmark", "source").agg(pl.col("value").mean(), pl.col("weight").max())
    rows = rows.sort("model", "benchmark", "source")
    named = [rows["model"]]
    if votes is not None:
        votes = votes.group_by("first", "second", "won").len().sort("first", "second", "won")
        votes = votes.select(pl.exclude("len").repeat_by("len")).explode("first", "second", "won")
        named += [votes["first"], votes["second"]]
    models = pl.concat(named).unique().sort()
    benchmarks, sources = rows["benchmark"].unique().sort(), rows["source"].unique().sort()

    def numbers(column: pl.Series, names: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.searchsorted(names.to_numpy(), column.to_numpy()).astype(np.int64)

    counted = Results(
        numbers(rows["model"], models),
        numbers(rows["benchmark"], benchmarks),
        rows["value"].cast(pl.Float64).to_numpy(),
        rows["weight"].cast(pl.Float64).to_numpy(),
        numbers(rows["source"], sources),
        len(models),
        len(benchmarks),
    )
    said = NO_VOTES
    if votes is not None and votes.height:
        first, second = numbers(votes["first"], models), numbers(votes["second"], models)
        said = Votes(first, second, votes["won"].cast(pl.Float64).to_numpy())
    return Coded(counted, tuple(models), tuple(benchmarks), said)


def abilities(
    known: Coded,
    norm: Sequence[str] = (),
    edges: Sequence[tuple[str, str, Relation]] = (),
    names: Sequence[str] = (),
    about: Mapping[str, str] | None = None,
) -> list[AbilityRecord]:
    """The ability of each model that has results, and of each of ``names`` that inherits one, by name.

    ``norm``: the models whose mean is 100. ``edges``: (model, base model, relation). ``about``: the domains of benchmarks.
    """
    found = fit(known.results, known.votes)
    cells = np.unique(np.stack([known.results.model, known.results.benchmark]), axis=1)
    counts = np.bincount(cells[0], minlength=len(known.models))
    voted = np.zeros(len(known.models), dtype=bool)
    voted[known.votes.first] = voted[known.votes.second] = True
    enough = (counts >= FEWEST) | voted
    mean, deviation, joined = _norm(known, found, enough, norm)
    suspects = _suspects(known.results, found)
    records = {}
    for number, model in enumerate(known.models):
        unknown = None if enough[number] else Unknown.TOO_FEW
        unknown = unknown if joined[number] or unknown else Unknown.APART
        if unknown is not None:
            records[model] = AbilityRecord(
                model, None, None, int(counts[number]), unknown, None, None, None, None, None
            )
            continue
        benchmark, surprise, without = suspects.get(number, (None, None, None))
        records[model] = AbilityRecord(
            model,
            _index(found.ability[number], mean, deviation),
            round(float(DEVIATION * np.sqrt(found.variance[number]) / deviation), 2),
            int(counts[number]),
            None,
            None,
            None,
            None if benchmark is None else known.benchmarks[benchmark],
            surprise,
            None if without is None else _index(without, mean, deviation),
        )
    if about:
        records |= _with_domains(records, known, found, about, mean, deviation)
    for record in _inherited(records, edges, names):
        own = records.get(record.model)
        if own is not None:
            record = replace(
                record,
                domains=own.domains,
                domain_indexes=own.domain_indexes,
                domain_errors=own.domain_errors,
                domain_results=own.domain_results,
            )
        records[record.model] = record
    return [records[model] for model in sorted(records, key=str.encode)]


def _with_domains(
    records: Mapping[str, AbilityRecord],
    known: Coded,
    found: Response,
    about: Mapping[str, str],
    mean: float,
    deviation: float,
) -> dict[str, AbilityRecord]:
    """The records of models that have results in domains, with what these say."""
    names = sorted(set(about.values()))
    number = {name: place for place, name in enumerate(names)}
    of = np.array([number.get(about.get(benchmark, ""), -1) for benchmark in known.benchmarks], np.int64)
    told = in_domains(known.results, found, of)
    error = DEVIATION * np.sqrt(told.variance) / deviation
    parts: dict[str, AbilityRecord] = {}
    for place, number_of in enumerate(told.model):
        model, items = known.models[number_of], int(told.items[place])
        record = parts.get(model, records[model])
        enough_told = record.index is not None and items >= FEWEST
        index = _index(told.ability[place], mean, deviation) if enough_told else None
        parts[model] = replace(
            record,
            domains=(*record.domains, names[told.domain[place]]),
            domain_indexes=(*record.domain_indexes, index),
            domain_errors=(*record.domain_errors, round(float(error[place]), 2) if enough_told else None),
            domain_results=(*record.domain_results, items),
        )
    return parts


def _index(ability: float, mean: float, deviation: float) -> float:
    return round(float(MEAN + DEVIATION * (ability - mean) / deviation), 2)


def _norm(
    known: Coded, found: Response, enough: np.ndarray[tuple[int], np.dtype[np.bool_]], norm: Sequence[str]
) -> tuple[float, float, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Mean and deviation of the norm, and which models its benchmarks and votes reach."""
    count = len(known.models)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(zip(known.results.model.tolist(), (known.results.benchmark + count).tolist(), strict=True))
    graph.add_edges_from(zip(known.votes.first.tolist(), known.votes.second.tolist(), strict=True))
    members = set(norm)
    of_norm = np.array([model in members for model in known.models], dtype=bool) & enough
    if of_norm.sum() < FEWEST_NORM:
        of_norm = enough
    whole = [
        np.array(sorted(node for node in part if node < count), np.int64) for part in nx.connected_components(graph)
    ]
    parts = [part for part in whole if len(part)]
    if not parts:
        return 0.0, 1.0, np.zeros(count, dtype=bool)
    best = max(parts, key=lambda part: (int(of_norm[part].sum()), len(part), -int(part[0])))
    joined = np.zeros(count, dtype=bool)
    joined[best] = True
    chosen = found.ability[of_norm & joined]
    if len(chosen) < 2 or chosen.std() < 1e-6:
        return 0.0, 1.0, joined
    return float(chosen.mean()), float(chosen.std()), joined


def _suspects(results: Results, found: Response) -> dict[int, tuple[int, float, float]]:
    """For each model with a result too good to be true: the benchmark, by how many deviations, and t without it.

    The result is foretold from the others of that model alone: with precision P and pull Q of all, and w, a, z of this one,
    t' = (Q - w a (z - d)) / (P - w a^2).
    """
    sums = Sums(results)
    eta = found.eta(results)
    w, ahead, _ = reweighted(results, eta, found.dispersion)
    m, b = results.model, results.benchmark
    a = found.discrimination[b]
    z = ahead + a * found.ability[m]
    precision = 1 + sums.by_model(w, found.discrimination**2)
    pull = np.bincount(m, w * a * z, results.models)
    precision_without = precision[m] - w * a**2
    without = (pull[m] - w * a * z) / precision_without
    p, variance = probability(eta + a * (without - found.ability[m]))
    deviation = np.sqrt(variance**2 * a**2 / precision_without + found.dispersion[b] * variance)
    surprise = (results.value - p) / deviation
    told: dict[int, tuple[int, float, float]] = {}
    for row in np.flatnonzero(surprise > SURPRISING)[np.argsort(surprise[surprise > SURPRISING], kind="stable")]:
        told[int(m[row])] = (int(b[row]), round(float(surprise[row]), 1), float(without[row]))
    return told


def _drift(records: Mapping[str, AbilityRecord], edges: Sequence[tuple[str, str, Relation]]) -> dict[Relation, float]:
    """How far one derivation moves an index, as a deviation, by relation: measured where enough pairs have results."""
    moved: dict[Relation, list[float]] = {}
    for model, base, relation in edges:
        one, other = records.get(model), records.get(base)
        if one and other and one.index and other.index and one.error and other.error:
            moved.setdefault(relation, []).append((one.index - other.index) ** 2 - one.error**2 - other.error**2)
    drift = {relation: DEVIATION * value for relation, value in DRIFT.items()}
    for relation, squares in moved.items():
        if len(squares) >= _FEWEST_PAIRS:
            drift[relation] = math.sqrt(max(sum(squares) / len(squares), (0.1 * drift[relation]) ** 2))
    return drift


def _inherited(
    records: Mapping[str, AbilityRecord], edges: Sequence[tuple[str, str, Relation]], names: Sequence[str]
) -> list[AbilityRecord]:
    """Of models without an index: that of the ancestor from which the error is least, from all ancestors downwards at once."""
    moved = {relation: drift**2 for relation, drift in _drift(records, edges).items()}
    wanted = set(names) | set(records)
    waiting: list[tuple[float, int, str, str]] = []  # variance, steps, ancestor, model
    for model, record in records.items():
        if record.index is not None and record.error is not None:
            waiting.append((record.error**2, 0, model, model))
    heapq.heapify(waiting)
    measured = {model for _, _, _, model in waiting}
    made: dict[str, list[tuple[str, float]]] = {}  # by base: (model, variance that the derivation adds)
    for model, base, relation in edges:
        if model not in measured:
            made.setdefault(base, []).append((model, moved[relation]))
    reached: set[str] = set()
    found = []
    while waiting:
        variance, steps, ancestor, model = heapq.heappop(waiting)
        if model in reached:
            continue
        reached.add(model)
        if steps and model in wanted:
            count = records[model].benchmarks if model in records else 0
            error, index = round(math.sqrt(variance), 2), records[ancestor].index
            found.append(AbilityRecord(model, index, error, count, None, ancestor, steps, None, None, None))
        if steps < MOST_STEPS:
            for child, more in made.get(model, []):
                if child not in reached:
                    heapq.heappush(waiting, (variance + more, steps + 1, ancestor, child))
    return found
