"""This file knows merges that choose weight by weight: DARE (Yu et al. 2023) and TIES (Yadav et al. 2023).

DARE drops a share of each task vector d_j = p_j - b and scales up the rest, so every weight of y is b + sum over a subset S of
c_j d_j, up to half of y's spacing. The c_j are sought for the largest explained share of weights where all |d_j| are large; the
coefficient reported is c_j times the share where j is on. TIES keeps each weight from b, from one parent, or the weighted mean of
those that agree in sign; only the ratio of its weights can be known. Both need weights equal to the base: at least 5 %.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.weights.member import Doubles, Member
from ingest.weights.span import Mixture

_SAMPLE, _SEARCHED = 60_000, 1_500  # weights looked at, in all and in the search for coefficients
_UNTOUCHED = 0.05
_EXPLAINED, _ENOUGH, _BETTER = 0.9, 0.97, 0.02
_NEAR = 1.6  # half spacings within which a weight is explained
_LARGE, _VERY_LARGE = 4, 6  # half spacings
_STEPS = np.arange(0.1, 2.6, 0.02)
_RATIOS = np.arange(0.1, 3.5, 0.02)
_LEAST_PARENTS_FOR_ALL = 7


@dataclass(frozen=True, slots=True)
class _Sample:
    """Weights of the model against one base. Shapes: (weights,)."""

    change: Doubles  # y - b
    bound: Doubles  # half of y's spacing, and a little
    deltas: dict[int, Doubles]  # p - b by the parent's place among the elders

    def equal(self, parent: int) -> npt.NDArray[np.bool_]:
        """Where the model has the parent's weight."""
        return np.abs(self.change - self.deltas[parent]) <= 1.02 * self.bound


@dataclass(frozen=True, slots=True)
class _Found:
    explained: float
    method: str
    parents: tuple[int, ...]
    weights: tuple[float, ...]
    scales: tuple[float, ...]
    base: Member


def chosen_by_element(
    model: Member, elders: Sequence[Member], heavy: Sequence[int], bases: Sequence[Member]
) -> Mixture | None:
    """The DARE or TIES merge that a model is, of its elders on one of ``bases``; None when it is none."""
    rng = np.random.default_rng(0)
    size = len(model.flat)
    some = np.sort(rng.choice(size, min(_SAMPLE, size), replace=False))
    ours = model.flat[some].astype(np.float64)
    bound = 0.51 * model.spacing[some].astype(np.float64)
    best: _Found | None = None
    for base in bases:
        from_base = base.flat[some].astype(np.float64)
        change = ours - from_base
        if float((np.abs(change) <= bound).mean()) < _UNTOUCHED:
            continue
        deltas = {
            at: elder.flat[some].astype(np.float64) - from_base for at, elder in enumerate(elders) if elder is not base
        }
        best = _best_on(_Sample(change, bound, deltas), heavy, base, best)
    if best is None:
        return None
    parts = sorted(zip(best.parents, best.weights, best.scales, strict=True), key=lambda part: -part[1])
    detail = f"explains {best.explained:.3f} of the weights on {best.base.id}"
    parents = tuple((elders[at], float(weight), float("nan")) for at, weight, _ in parts)
    return Mixture(parents, best.method, detail, best.base, tuple(float(scale) for _, _, scale in parts))


def _best_on(sample: _Sample, heavy: Sequence[int], base: Member, best: _Found | None) -> _Found | None:
    candidates = _screened(sample, heavy)
    for size in (2, 3):
        for parents in _sets(candidates, size):
            for found in (_dare(sample, parents, base), _ties(sample, parents, base)):
                if found is None or (size > 2 and found.method == "dare" and found.explained < _ENOUGH):
                    continue  # more subsets fit more by chance
                if best is None or found.explained > best.explained + _BETTER:
                    best = found
        if best is not None and best.explained > _ENOUGH:
            break
    return best


def _sets(candidates: list[int], size: int) -> list[tuple[int, ...]]:
    if len(candidates) <= _LEAST_PARENTS_FOR_ALL:
        return list(itertools.combinations(candidates, size))
    if size == 2:
        return [(candidates[0], other) for other in candidates[1:]]
    return list(itertools.combinations(candidates[:6], 3))


def _screened(sample: _Sample, heavy: Sequence[int]) -> list[int]:
    """Who may be a parent: the heaviest of the least-squares fit, and who equals the model where base and these do not."""
    known = sample.deltas
    found = [at for at in heavy if at in known][:4]
    left = np.abs(sample.change) > sample.bound
    for _ in range(3):
        if known:
            most = max(known, key=lambda at: (int((sample.equal(at) & left).sum()), -at))
            found += [most]
            left &= ~sample.equal(most)
    found = list(dict.fromkeys(found))
    if found:  # a light second parent hides from least squares: try everybody beside a lead whose ratio has a spike
        ratios = _ratios(sample, found[0])
        counts, _ = np.histogram(ratios, _RATIOS)
        if len(ratios) > 200 and counts[1:-1].max() > 0.25 * len(ratios):
            found = list(dict.fromkeys([*found, *known]))
    return found


def _ratios(sample: _Sample, parent: int) -> Doubles:
    """Change / delta where both are well above rounding."""
    delta = sample.deltas[parent]
    sure = (np.abs(delta) > _VERY_LARGE * sample.bound) & (np.abs(sample.change) > sample.bound)
    ratios: Doubles = sample.change[sure] / delta[sure]
    return ratios


def _spike(sample: _Sample, parent: int) -> float:
    """The most frequent ratio of change to delta."""
    ratios = _ratios(sample, parent)
    if len(ratios) <= 200:
        return 1.0
    counts, edges = np.histogram(ratios, _RATIOS)
    at = int(np.argmax(counts[1:-1])) + 1
    near = ratios[(ratios > edges[at] - 0.01) & (ratios < edges[at + 1] + 0.01)]
    return float(np.median(near)) if len(near) else 1.0


def _dare(sample: _Sample, parents: tuple[int, ...], base: Member) -> _Found | None:
    large = np.all([np.abs(sample.deltas[at]) > _LARGE * sample.bound for at in parents], axis=0)
    if large.sum() <= 100:
        return None
    scale = np.array([_spike(sample, at) for at in parents])
    switch = np.array(list(itertools.product((0, 1), repeat=len(parents))), dtype=np.float64)  # (subsets, parents)
    some = np.flatnonzero(large)[:5000]
    deltas = np.stack([sample.deltas[at][some] for at in parents])  # (parents, weights)
    change, bound = sample.change[some], _NEAR * sample.bound[some]

    few = slice(0, _SEARCHED)

    def explained(scales: Doubles) -> float:
        apart = np.abs(change[few] - (switch * scales) @ deltas[:, few]).min(axis=0)
        return float(np.count_nonzero(apart <= bound[few]) / len(apart))

    if len(some) > 300:
        if explained(scale) < 0.97:
            scale = _searched(scale, explained)
        for _ in range(2):
            apart = np.abs(change - (switch * scale) @ deltas)
            on, good = switch[apart.argmin(axis=0)], apart.min(axis=0) <= bound
            if good.sum() > 100:
                scale = np.linalg.lstsq((on * deltas.T)[good], change[good], rcond=None)[0]
    all_deltas = np.stack([sample.deltas[at][large] for at in parents])
    apart = np.abs(sample.change[large] - (switch * scale) @ all_deltas)
    good = apart.min(axis=0) <= _NEAR * sample.bound[large]
    share_on = switch[apart.argmin(axis=0)][good].mean(axis=0) if good.any() else np.ones(len(parents))
    share = float(good.mean())
    if share <= _EXPLAINED or not all(0.1 < on < 0.95 for on in share_on):
        return None
    return _Found(share, "dare", parents, tuple(scale * share_on), tuple(scale), base)


def _searched(scale: Doubles, explained: Callable[[Doubles], float]) -> Doubles:
    """Coordinate search for the scales that explain most."""
    best = scale.copy()
    for _ in range(2):
        for at in range(len(best)):
            trials = [np.concatenate([best[:at], [step], best[at + 1 :]]) for step in _STEPS]
            best = max(trials, key=explained)
    return best


def _ties(sample: _Sample, parents: tuple[int, ...], base: Member) -> _Found | None:
    deltas = [sample.deltas[at] for at in parents]
    large = np.all([np.abs(delta) > _LARGE * sample.bound for delta in deltas], axis=0)
    if large.sum() <= 100:
        return None
    equal = np.stack([sample.equal(at) for at in parents])
    plain = equal.any(axis=0) | (np.abs(sample.change) <= 1.02 * sample.bound)
    rest = ~plain
    weights = np.full(len(parents), 1 / len(parents))
    explained = plain.copy()
    if len(parents) == 2 and rest.sum() > 100:
        apart = deltas[0] - deltas[1]
        sure = rest & (np.abs(apart) > 12 * sample.bound)
        shares = (sample.change[sure] - deltas[1][sure]) / apart[sure]
        shares = shares[(shares > 0.02) & (shares < 0.98)]
        first = float(np.median(shares)) if len(shares) > 50 else 0.5
        weights = np.array([first, 1 - first])
    elif len(parents) > 2:
        table = np.stack(deltas, axis=1)
        agree = rest & np.all(np.sign(table) == np.sign(sample.change)[:, None], axis=1)
        if agree.sum() > 200:
            fit = np.clip(np.linalg.lstsq(table[agree], sample.change[agree], rcond=None)[0], 0.02, None)
            weights = fit / fit.sum()
    for size in range(2, len(parents) + 1):
        for some in itertools.combinations(range(len(parents)), size):
            mean = sum(weights[at] * deltas[at] for at in some) / sum(weights[at] for at in some)
            explained |= np.abs(sample.change - mean) <= _NEAR * sample.bound
    alone = [float((equal[at] & ~np.delete(equal, at, axis=0).any(axis=0)).mean()) for at in range(len(parents))]
    share = float(explained[large].mean())
    if share <= _EXPLAINED or min(alone) <= 0.02:
        return None
    return _Found(share, "ties", parents, tuple(weights), tuple(weights), base)
