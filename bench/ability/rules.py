"""This file knows the usual rules that abilities are judged beside: each foretells cells from those that are given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from ingest.enrich.profile import profile
from ingest.enrich.response import Floats, Ints, Results, fit, probability

MOST_PAIRS = 400_000  # comparisons that Bradley and Terry's model is given
MOST_GRADED = 100  # benchmarks for which the graded response model is fitted: 1,555 had no answer after five minutes
LEVELS = 5  # that results are cut into for the graded response model


class Foretold:
    """(n,) values on the scale of the results, or only an order; the ends of 95 % intervals where a rule has them."""

    def __init__(self, order: Floats, value: Floats | None = None, ends: tuple[Floats, Floats] | None = None) -> None:
        self.order, self.value, self.ends = order, value, ends


Rule = Callable[[Results, Results], Foretold]


def raw_mean(given: Results, asked: Results) -> Foretold:
    """The mean of a model's results, whatever they are on."""
    counts = np.bincount(given.model, minlength=given.models)
    mean = np.bincount(given.model, given.value, given.models) / np.maximum(counts, 1)
    return Foretold(mean[asked.model], mean[asked.model])


def z_mean(given: Results, asked: Results) -> Foretold:
    """The mean of results after each benchmark's mean and deviation are taken out, and put back."""
    counts = np.maximum(np.bincount(given.benchmark, minlength=given.benchmarks), 1)
    mean = np.bincount(given.benchmark, given.value, given.benchmarks) / counts
    deviation = np.sqrt(
        np.bincount(given.benchmark, (given.value - mean[given.benchmark]) ** 2, given.benchmarks) / counts
    )
    deviation[deviation == 0] = 1.0
    z = (given.value - mean[given.benchmark]) / deviation[given.benchmark]
    of_model = np.bincount(given.model, z, given.models) / np.maximum(
        np.bincount(given.model, minlength=given.models), 1
    )
    value = mean[asked.benchmark] + deviation[asked.benchmark] * of_model[asked.model]
    return Foretold(of_model[asked.model], value)


def item_response(given: Results, asked: Results) -> Foretold:
    """Two parameters a benchmark by joint maximum likelihood (Bernoulli's, of fractions), standard normal abilities."""
    models, benchmarks = given.models, given.benchmarks
    value = np.clip(given.value, 0.0, 1.0)

    def loss(x: Floats) -> tuple[float, Floats]:
        t, a, d = x[:models], x[models : models + benchmarks], x[models + benchmarks :]
        eta = a[given.benchmark] * t[given.model] + d[given.benchmark]
        residual = 1 / (1 + np.exp(-eta)) - value
        slope = np.concatenate(
            [
                np.bincount(given.model, residual * a[given.benchmark], models) + t,
                np.bincount(given.benchmark, residual * t[given.model], benchmarks) + 1e-3 * a,
                np.bincount(given.benchmark, residual, benchmarks) + 1e-3 * d,
            ]
        )
        penalty = 0.5 * float(t @ t) + 5e-4 * float(a @ a + d @ d)
        return float(np.sum(np.logaddexp(0, eta) - value * eta)) + penalty, slope

    start = np.concatenate([np.zeros(models), np.ones(benchmarks), np.zeros(benchmarks)])
    start[:models] = 0.1 * np.random.default_rng(0).normal(size=models) + z_ability(given)
    x = np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x)
    t, a, d = x[:models], x[models : models + benchmarks], x[models + benchmarks :]
    eta = a[asked.benchmark] * t[asked.model] + d[asked.benchmark]
    return Foretold(eta, 1 / (1 + np.exp(-eta)))


def graded_response(given: Results, asked: Results) -> Foretold:
    """Samejima's graded response model by marginal likelihood (girth), of results cut into ``LEVELS`` of like size a benchmark.

    It stands in for mirt, which is R's. Benchmarks with fewer results than levels are left out.
    """
    import girth

    told = np.zeros((given.benchmarks, given.models), np.int64)
    for benchmark in range(given.benchmarks):
        rows = np.flatnonzero(given.benchmark == benchmark)
        if len(rows) >= LEVELS:
            cuts = np.quantile(given.value[rows], np.arange(1, LEVELS) / LEVELS)
            told[benchmark, given.model[rows]] = (
                1 + np.unique(np.searchsorted(cuts, given.value[rows], side="right"), return_inverse=True)[1]
            )
    told = told[told.max(axis=1) > 1]
    ability = girth.grm_mml(girth.tag_missing_data(told, np.arange(1, LEVELS + 1)))["Ability"]
    return Foretold(np.asarray(ability)[asked.model])


def z_ability(given: Results) -> Floats:
    """(M,) the standardised mean of each model."""
    everyone = Results(
        np.arange(given.models),
        np.zeros(given.models, np.int64),
        np.zeros(given.models),
        np.zeros(given.models),
        np.zeros(given.models, np.int64),
        given.models,
        given.benchmarks,
    )
    return z_mean(given, everyone).order


def bradley_terry(given: Results, asked: Results) -> Foretold:
    """Bradley and Terry's model (evalica) of all comparisons on the same benchmark, or of ``MOST_PAIRS`` drawn ones."""
    import evalica

    first, second = pairs(given.benchmark, MOST_PAIRS, 0)
    one, other = given.value[first], given.value[second]
    winners = [
        evalica.Winner.X if a > b else evalica.Winner.Y if b > a else evalica.Winner.Draw
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
    ]
    xs, ys = given.model[first].tolist(), given.model[second].tolist()
    for model in np.unique(
        given.model
    ).tolist():  # a drawn opponent: the scores of who never loses have no end, and none would come out
        xs += [model]
        ys += [given.models]
        winners += [evalica.Winner.Draw]
    scores = evalica.bradley_terry(xs, ys, winners, limit=200, tolerance=1e-9).scores
    scores = scores.drop(given.models)
    score = np.zeros(given.models)
    score[np.asarray(scores.index, dtype=np.int64)] = np.log(np.maximum(scores.to_numpy(), 1e-300))
    return Foretold(score[asked.model])


def response(given: Results, asked: Results) -> Foretold:
    """Ours, by ability alone."""
    eta = fit(given).eta(asked)
    return Foretold(eta, probability(eta)[0])


def with_profile(given: Results, asked: Results) -> Foretold:
    """Ours, ability and profile."""
    told = profile(given, fit(given)).foretell(asked)
    return Foretold(told.expected, told.expected, (told.low, told.high))


def pairs(benchmark: Ints, most: int, seed: int) -> tuple[Ints, Ints]:
    """Rows of pairs on the same benchmark, benchmarks by their number of pairs, drawn with replacement."""
    order = np.argsort(benchmark, kind="stable")
    _, starts, sizes = np.unique(benchmark[order], return_index=True, return_counts=True)
    weight = sizes * (sizes - 1.0)
    rng = np.random.default_rng(seed)
    group = rng.choice(len(sizes), most, p=weight / weight.sum())
    rows = [order[starts[group] + (rng.random(most) * sizes[group]).astype(np.int64)] for _ in range(2)]
    apart = rows[0] != rows[1]
    return rows[0][apart], rows[1][apart]


RULES: dict[str, Rule] = {
    "raw mean": raw_mean,
    "z mean": z_mean,
    "Bradley-Terry (evalica)": bradley_terry,
    "item response, 2 parameters": item_response,
    "graded response (girth)": graded_response,
    "ours, ability": response,
    "ours, ability and profile": with_profile,
}
