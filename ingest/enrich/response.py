"""This file knows the response model: one ability a model, a difficulty and a discrimination a benchmark, from fractions and votes.

A result y (a fraction after chance and direction are taken out) of model m on benchmark b from source s, and a vote of x over y:

    y = p + noise,   p = 1 / (1 + exp(-eta)),   eta = d_b + a_b t_m + o_s,   var(noise) = phi_b p (1 - p)
    P(x beats y) = 1 / (1 + exp(-a_v (t_x - t_y)))

t ~ N(0, 1); a_b ~ N(a_0, spread of a); o_s ~ N(0, .25), 0 for the largest source. It is the fractional logit (Papke and Wooldridge,
1996) with the two parameters of item response theory; votes join it as Bradley and Terry's model, whose scale a_v is estimated too.
A benchmark near its ceiling has p (1 - p) near 0, and so says little by itself; one that tells nothing of ability gets a_b near 0.
Noise has Student's tails (NU degrees of freedom): one result far off the others is weighted down.

Fitted by iterated reweighting: around the present eta each result is a linear Gaussian one with weight w and working response z,
for which the step of expectation and maximisation of factor analysis is exact (means and variances of t given a, d; then a, d given
these). Models that have votes are solved together. All arrays float64; n results, M models, B benchmarks.

When not to trust it: benchmarks that measure different things are averaged by how much they share; ``profile`` holds the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NU = 5.0  # degrees of freedom of the noise
STEEPEST = 7.0  # |eta| beyond which nothing more is told
TOLD = (NU + 1) / (
    NU + 3
)  # of a weight, what noise with such tails tells of its place (Lange, Little and Taylor, 1989)
LEAST_VARIANCE = 0.01  # of p (1 - p)
LONGEST_STEP = 4.0  # of a working response from eta
OFFSET_SPREAD = 0.25  # of sources, in logits
DISPERSION_PRIOR = 4.0  # results that the common dispersion counts as
STEPS = 120
SMALL_STEP = 1e-4  # in the discriminations
NOTHING = 1e-3  # discriminations that tell nothing


@dataclass(frozen=True)
class Results:
    """Results as columns, each (n,): ``model`` and ``benchmark`` count from 0; ``value`` as a fraction; ``weight`` above 0."""

    model: Ints
    benchmark: Ints
    value: Floats
    weight: Floats
    source: Ints
    models: int
    benchmarks: int

    @property
    def sources(self) -> int:
        """The number of sources."""
        return int(self.source.max(initial=-1)) + 1

    def among(self, keep: npt.NDArray[np.bool_]) -> Results:
        """The results that are kept, counted as before."""
        return Results(
            self.model[keep],
            self.benchmark[keep],
            self.value[keep],
            self.weight[keep],
            self.source[keep],
            self.models,
            self.benchmarks,
        )


@dataclass(frozen=True)
class Votes:
    """Votes as columns, each (v,): ``won`` is 1 for the first, 0 for the second, .5 for a tie."""

    first: Ints
    second: Ints
    won: Floats


NO_VOTES = Votes(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


@dataclass
class Response:
    """What was fitted. ``ability`` and ``variance`` (M,) on the scale where all models together have mean 0 and deviation 1."""

    ability: Floats
    variance: Floats
    discrimination: Floats  # (B,)
    easiness: Floats  # (B,) d
    dispersion: Floats  # (B,) phi
    offset: Floats  # (sources,)
    vote_scale: float
    converged: bool = False

    def eta(self, results: Results) -> Floats:
        """(n,) what is expected of each result, in logits, without its noise."""
        t, b = self.ability[results.model], results.benchmark
        offset = self.offset[results.source] if len(self.offset) else 0.0
        return np.asarray(np.clip(self.easiness[b] + self.discrimination[b] * t + offset, -STEEPEST, STEEPEST))


class Sums:
    """Sums over results by model or by benchmark, for many weights over the same places."""

    def __init__(self, results: Results) -> None:
        self._order = np.lexsort((results.benchmark, results.model))
        rows = np.searchsorted(results.model[self._order], np.arange(results.models + 1))
        self._shape = (results.models, results.benchmarks)
        self._columns, self._rows = results.benchmark[self._order], rows

    def _matrix(self, weight: Floats) -> sparse.csr_array:
        return sparse.csr_array((weight[self._order], self._columns, self._rows), shape=self._shape)

    def by_model(self, weight: Floats, of_benchmark: Floats) -> Floats:
        """(M, ...) the sum over a model's results of weight times a property (B, ...) of the benchmark."""
        return np.asarray(self._matrix(weight) @ of_benchmark)

    def by_benchmark(self, weight: Floats, of_model: Floats) -> Floats:
        """(B, ...) the sum over a benchmark's results of weight times a property (M, ...) of the model."""
        return np.asarray(self._matrix(weight).T @ of_model)


def probability(eta: Floats) -> tuple[Floats, Floats]:
    """(n,) the expected fraction and p (1 - p), which is not let go to 0."""
    p = 1 / (1 + np.exp(-eta))
    return p, np.maximum(p * (1 - p), LEAST_VARIANCE)


def reweighted(results: Results, eta: Floats, dispersion: Floats) -> tuple[Floats, Floats, Floats]:
    """(n,) each: the weight w, the working response less eta, and the robust weight u of each result around ``eta``."""
    p, variance = probability(eta)
    phi = dispersion[results.benchmark]
    surprise = (results.value - p) ** 2 / (phi * variance)
    u = (NU + 1) / (NU + surprise)
    step = np.clip((results.value - p) / variance, -LONGEST_STEP, LONGEST_STEP)
    return results.weight * u * variance / phi, step, u


def dispersions(results: Results, eta: Floats, doubt: Floats, u: Floats) -> Floats:
    """(B,) phi: squared noise against p (1 - p), with what is not known of eta (``doubt``, its variance), drawn to the mean."""
    p, variance = probability(eta)
    squares = results.weight * u * ((results.value - p) ** 2 / variance + variance * doubt)
    summed = np.bincount(results.benchmark, squares, results.benchmarks)
    counts = np.bincount(results.benchmark, results.weight, results.benchmarks)
    common = summed.sum() / max(counts.sum(), 1e-12)
    return np.asarray(np.maximum((summed + DISPERSION_PRIOR * common) / (counts + DISPERSION_PRIOR), 1e-5))


def fit(results: Results, votes: Votes = NO_VOTES) -> Response:
    """The response model of these results and votes. Models without any keep ability 0 and variance 1.

    That no benchmark tells anything is a solution too, which steps from too noisy a start can fall into where results are few or of
    little weight: then it is begun again as if nearly all that differs were ability.
    """
    found = _fitted(results, votes, _start(results))
    if len(results.value) and float(np.abs(found.discrimination).max(initial=0.0)) < NOTHING:
        found = _fitted(results, votes, _sure_start(results))
    return found


def _fitted(results: Results, votes: Votes, found: Response) -> Response:
    """The steps from a start, until they change little."""
    sums = Sums(results)
    weight_of: Floats = np.bincount(results.benchmark, results.weight, results.benchmarks).astype(np.float64)
    for step in range(1, STEPS + 1):
        eta = found.eta(results)
        w, ahead, _ = reweighted(results, eta, found.dispersion)
        z = eta + ahead - (found.offset[results.source] if len(found.offset) else 0.0)
        precision, pull = _from_results(results, sums, found, w, z)
        _abilities(found, precision, pull, votes)
        before = found.discrimination
        _benchmarks(found, sums, w, z, weight_of)
        _sources(found, results, w, eta + ahead)
        _scale_of_votes(found, votes)
        _standard(found, results, votes)
        eta = found.eta(results)
        _, _, u = reweighted(results, eta, found.dispersion)
        slope = found.discrimination[results.benchmark] ** 2 * found.variance[results.model]
        found.dispersion = dispersions(results, eta, slope, u)
        change = float(np.abs(found.discrimination - before).max(initial=0.0))
        if change < SMALL_STEP and step > 3:
            found.converged = True
            break
    w, ahead, _ = reweighted(results, found.eta(results), found.dispersion)
    told = TOLD * sums.by_model(w, found.discrimination**2)
    ability = found.ability
    _abilities(found, 1 + told, (1 + told) * ability, votes)  # for the variances
    found.ability = ability
    return found


def _start(results: Results) -> Response:
    """Every model the same, every benchmark at its mean."""
    counts = np.bincount(results.benchmark, results.weight, results.benchmarks)
    mean = np.bincount(results.benchmark, results.weight * results.value, results.benchmarks) / np.maximum(
        counts, 1e-12
    )
    mean = np.clip(mean, 0.02, 0.98)
    easiness = np.log(mean / (1 - mean))
    spread = np.bincount(
        results.benchmark, results.weight * (results.value - mean[results.benchmark]) ** 2, results.benchmarks
    )
    spread = np.sqrt(np.maximum(spread / np.maximum(counts, 1.0), 1e-6))
    z = (results.value - mean[results.benchmark]) / spread[results.benchmark]
    said = np.bincount(results.model, results.weight, results.models)
    ability = np.bincount(results.model, results.weight * z, results.models) / (said + 1)
    return Response(
        ability=ability,
        variance=1 / (1 + said),
        discrimination=np.full(results.benchmarks, 0.5),
        easiness=easiness,
        dispersion=np.full(results.benchmarks, 0.05),
        offset=np.zeros(results.sources),
        vote_scale=1.0,
    )


def _sure_start(results: Results) -> Response:
    """``_start`` with discriminations as large as the spread of each benchmark allows, and little noise."""
    found = _start(results)
    counts = np.maximum(np.bincount(results.benchmark, results.weight, results.benchmarks), 1e-12)
    p, variance = probability(found.easiness)
    off = results.weight * (results.value - p[results.benchmark]) ** 2
    spread = np.bincount(results.benchmark, off, results.benchmarks) / counts
    found.discrimination = np.sqrt(spread) / variance
    found.dispersion = np.maximum(0.1 * spread / variance, 1e-5)
    said = np.bincount(results.model, results.weight, results.models)
    found.ability = found.ability * (said + 1) / np.maximum(said, 1e-12)
    return found


def _from_results(results: Results, sums: Sums, found: Response, w: Floats, z: Floats) -> tuple[Floats, Floats]:
    """(M,) what results say of each ability: precision (with the prior's 1) and precision times mean."""
    a = found.discrimination
    precision = 1 + sums.by_model(w, a**2)
    pull = sums.by_model(w * (z - found.easiness[results.benchmark]), a)
    return precision, pull


def _abilities(found: Response, precision: Floats, pull: Floats, votes: Votes) -> None:
    """Mean and variance of each ability; those of models that have votes are solved together."""
    found.ability, found.variance = pull / precision, 1 / precision
    if not len(votes.first):
        return
    voted, place = np.unique(np.concatenate([votes.first, votes.second]), return_inverse=True)
    first, second = place[: len(votes.first)], place[len(votes.first) :]
    t = found.ability[voted]
    for _ in range(3):
        scale = found.vote_scale
        p, variance = probability(np.clip(scale * (t[first] - t[second]), -STEEPEST, STEEPEST))
        w = scale**2 * variance
        ahead = (t[first] - t[second]) + (votes.won - p) / (scale * variance)
        matrix = np.diag(precision[voted])
        np.add.at(matrix, (first, first), w)
        np.add.at(matrix, (second, second), w)
        np.add.at(matrix, (first, second), -w)
        np.add.at(matrix, (second, first), -w)
        right = pull[voted].copy()
        np.add.at(right, first, w * ahead)
        np.add.at(right, second, -w * ahead)
        inverse = np.linalg.inv(matrix)
        t = inverse @ right
    found.ability[voted], found.variance[voted] = t, np.diag(inverse)


def _benchmarks(found: Response, sums: Sums, w: Floats, z: Floats, weight_of: Floats) -> None:
    """Discrimination a and easiness d of each benchmark: least squares on abilities and their variances; a is drawn to the mean."""
    t, moment = found.ability, found.ability**2 + found.variance
    ones = np.ones_like(t)
    summed = sums.by_benchmark(w, np.stack([ones, t, moment], axis=1))  # (B, 3)
    told = sums.by_benchmark(w * z, np.stack([ones, t], axis=1))  # (B, 2)
    share = weight_of / max(weight_of.sum(), 1e-12)
    center = float(share @ found.discrimination)
    spread = max(float(share @ (found.discrimination - center) ** 2), 0.05 * center**2, 1e-6)
    w0, w1, w2 = summed[:, 0] + 0.01, summed[:, 1], summed[:, 2] + 1 / spread
    z0, z1 = told[:, 0], told[:, 1] + center / spread
    determinant = w0 * w2 - w1**2
    found.easiness = (z0 * w2 - z1 * w1) / determinant
    found.discrimination = (w0 * z1 - w1 * z0) / determinant


def _sources(found: Response, results: Results, w: Floats, z: Floats) -> None:
    """The offset of each source, drawn to 0; that of the one with most results is 0."""
    if results.sources < 2:
        return
    left = (
        z - found.easiness[results.benchmark] - found.discrimination[results.benchmark] * found.ability[results.model]
    )
    weight = np.bincount(results.source, w, results.sources)
    offset = np.bincount(results.source, w * left, results.sources) / (weight + 1 / OFFSET_SPREAD**2)
    found.offset = offset - offset[int(np.argmax(np.bincount(results.source, minlength=results.sources)))]


def _scale_of_votes(found: Response, votes: Votes) -> None:
    """One step of Newton on the scale of votes, whose logarithm is drawn to 0."""
    if not len(votes.first):
        return
    apart = found.ability[votes.first] - found.ability[votes.second]
    p, variance = probability(np.clip(found.vote_scale * apart, -STEEPEST, STEEPEST))
    slope = float(((votes.won - p) * apart).sum() * found.vote_scale - np.log(found.vote_scale))
    curve = float((variance * apart**2).sum() * found.vote_scale**2 + 1)
    found.vote_scale = float(np.clip(found.vote_scale * np.exp(np.clip(slope / curve, -0.5, 0.5)), 0.05, 50.0))


def _standard(found: Response, results: Results, votes: Votes) -> None:
    """Mean 0 and deviation 1 over the models that were heard of; nothing that is expected changes."""
    heard = np.zeros(results.models, dtype=bool)
    for column in (results.model, votes.first, votes.second):
        heard[column] = True
    if heard.sum() < 2:
        return
    mean, deviation = float(found.ability[heard].mean()), float(found.ability[heard].std())
    if deviation < 1e-6:
        return
    found.ability = np.where(heard, (found.ability - mean) / deviation, 0.0)
    found.variance = np.where(heard, found.variance / deviation**2, 1.0)
    found.easiness = found.easiness + found.discrimination * mean
    found.discrimination = found.discrimination * deviation
    found.vote_scale *= deviation
