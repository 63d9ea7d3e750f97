"""This file knows what a model is better or worse at than its ability says: a few hidden factors of what the response model leaves.

    eta = response + sum over k of l_bk f_mk,   f ~ N(0, I),   l_bk ~ N(0, s_k^2), s_k learned: a factor that is not needed fades

Factor analysis with missing cells (Tipping and Bishop, 1999) on the working responses of ``response``, with automatic relevance
(MacKay, 1995). It serves to foretell results and their intervals, and the domains; an ability never comes from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.enrich.response import (
    STEEPEST,
    Floats,
    Response,
    Results,
    Sums,
    dispersions,
    fit,
    probability,
    reweighted,
)

FACTORS = 8
STEPS = 40
HELD_OUT = 0.1  # of the results, to find how wide an interval has to be
FEWEST_HELD_OUT = 40
FADED = 0.01  # logits; a factor whose loadings are smaller than that is left out
LEVEL = 0.95
GAUSSIAN = 1.96
_FEWEST = 3  # results of a benchmark before some of them are held out


@dataclass(frozen=True)
class Forecast:
    """Of each result asked for, (n,): the fraction expected, and the ends of the interval at ``LEVEL``."""

    expected: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Profile:
    """The fitted response with its factors. ``widening``: what the intervals are widened by so that they hold what was held out."""

    response: Response
    loading: Floats  # (B, K)
    factor: Floats  # (M, K)
    doubt: Floats  # (M, K, K) covariance of the factors
    dispersion: Floats  # (B,) of what is left
    widening: float

    def foretell(self, results: Results) -> Forecast:
        """What is expected of these cells; their values are not looked at."""
        expected, deviation = self._spread(results)
        reach = self.widening * deviation
        return Forecast(expected, np.clip(expected - reach, 0.0, 1.0), np.clip(expected + reach, 0.0, 1.0))

    def _spread(self, results: Results) -> tuple[Floats, Floats]:
        m, b = results.model, results.benchmark
        loading = self.loading[b]
        eta = self.response.eta(results) + np.einsum("nk,nk->n", loading, self.factor[m])
        variance = self.response.discrimination[b] ** 2 * self.response.variance[m]
        for start in range(0, len(m), 100_000):  # (n, K, K) at once would be gigabytes
            part = slice(start, start + 100_000)
            variance[part] += np.einsum("nk,nkl,nl->n", loading[part], self.doubt[m[part]], loading[part])
        p, slope = probability(np.clip(eta, -STEEPEST, STEEPEST))
        return p, np.sqrt(slope**2 * variance + self.dispersion[b] * slope)


def profile(results: Results, response: Response, factors: int = FACTORS, seed: int = 0) -> Profile:
    """The factors beside a fitted response, with intervals widened by what was held out for that."""
    chosen = _held_out(results, seed)
    widening = GAUSSIAN
    if chosen.sum() >= FEWEST_HELD_OUT:
        rest = results.among(~chosen)
        trial, held = _factors(rest, fit(rest), factors, seed), results.among(chosen)
        expected, deviation = trial._spread(held)
        ratios = np.sort(np.abs(held.value - expected) / deviation)
        widening = float(ratios[min(len(ratios) - 1, int(np.ceil(LEVEL * (len(ratios) + 1))) - 1)])
    found = _factors(results, response, factors, seed)
    return Profile(response, found.loading, found.factor, found.doubt, found.dispersion, widening)


def _held_out(results: Results, seed: int) -> npt.NDArray[np.bool_]:
    """Some results of benchmarks and models that have more, drawn by seed."""
    often = np.bincount(results.benchmark, minlength=results.benchmarks)[results.benchmark] > _FEWEST
    often &= np.bincount(results.model, minlength=results.models)[results.model] > 1
    return np.asarray(often & (np.random.default_rng(seed).random(len(often)) < HELD_OUT))


def _factors(results: Results, response: Response, factors: int, seed: int) -> Profile:
    sums, base = Sums(results), response.eta(results)
    m, b = results.model, results.benchmark
    loading: Floats = np.random.default_rng(seed).normal(0.0, 0.1, (results.benchmarks, factors))
    factor: Floats = np.zeros((results.models, factors))
    doubt: Floats = np.tile(np.eye(factors), (results.models, 1, 1))
    scale: Floats = np.full(factors, 0.3)
    dispersion = response.dispersion
    for _ in range(STEPS):
        needed = scale > FADED
        if not needed.all():
            loading, factor, scale = loading[:, needed], factor[:, needed], scale[needed]
            factors = len(scale)
            if not factors:
                doubt = np.zeros((results.models, 0, 0))
                break
        eta = np.clip(base + np.einsum("nk,nk->n", loading[b], factor[m]), -STEEPEST, STEEPEST)
        w, ahead, _ = reweighted(results, eta, dispersion)
        left = eta + ahead - base
        doubt = _inverse(np.eye(factors) + sums.by_model(w, _outer(loading)).reshape(-1, factors, factors))
        factor = np.asarray(np.einsum("mkl,ml->mk", doubt, sums.by_model(w * left, loading)), np.float64)
        moment = _outer(factor) + doubt.reshape(len(doubt), -1)
        precision = sums.by_benchmark(w, moment).reshape(-1, factors, factors) + np.diag(1 / scale**2)
        spread = _inverse(precision)
        loading = np.einsum("bkl,bl->bk", spread, sums.by_benchmark(w * left, factor))
        scale = np.asarray(np.sqrt((loading**2 + np.einsum("bkk->bk", spread)).mean(axis=0)), np.float64)
        eta = np.clip(base + np.einsum("nk,nk->n", loading[b], factor[m]), -STEEPEST, STEEPEST)
        _, _, u = reweighted(results, eta, dispersion)
        dispersion = dispersions(results, eta, _doubt(results, loading, doubt), u)
    return Profile(response, loading, factor, doubt, dispersion, GAUSSIAN)


def _inverse(matrices: Floats) -> Floats:
    """(n, K, K) the inverse of each."""
    return np.asarray(np.linalg.inv(matrices), np.float64)


def _outer(rows: Floats) -> Floats:
    """(n, K K) each row's products with itself."""
    return np.asarray(np.einsum("nk,nl->nkl", rows, rows).reshape(len(rows), -1))


def _doubt(results: Results, loading: Floats, doubt: Floats) -> Floats:
    """(n,) the variance that the factors' doubt gives each result."""
    out = np.empty(len(results.model))
    for start in range(0, len(out), 100_000):
        part = slice(start, start + 100_000)
        rows = loading[results.benchmark[part]]
        out[part] = np.einsum("nk,nkl,nl->n", rows, doubt[results.model[part]], rows)
    return out
