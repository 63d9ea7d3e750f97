"""This file knows merges that choose weight by weight: DARE (Yu et al. 2023) and TIES (Yadav et al. 2023).

DARE drops a share of each task vector d_j = p_j - b and scales up the rest, so every weight of y is b + sum over a subset S of
c_j d_j, up to half of y's spacing. The c_j are sought for the largest explained share of weights where all |d_j| are large; the
coefficient reported is c_j times the share where j is on. Where little was dropped, c_j is the least-squares coefficient over the
share that was kept, which is sought too. TIES keeps each weight from b, from one parent, or the weighted mean of those that agree
in sign; only the ratio of its weights can be known. Where parents were dropped from and scaled up before, each is taken as many
times as the model has it most often where it has it alone. It needs weights equal to the base as y's format holds it: at least 2 %.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ingest.weights.formats import stored
from ingest.weights.member import Doubles, Member
from ingest.weights.span import Mixture

_SAMPLE, _SEARCHED = 24_000, 1_500  # weights looked at, in all and in the search for coefficients
_UNTOUCHED = 0.02
_EXPLAINED, _ENOUGH, _BETTER, _HOPEFUL = 0.9, 0.97, 0.02, 0.5
_NEAR = 1.6  # half spacings within which a weight is explained
_LARGE, _VERY_LARGE = 4, 6  # half spacings
_STEPS = np.arange(0.1, 2.6, 0.02)
_RATIOS = np.arange(0.1, 3.5, 0.02)
_SHARES = np.arange(0.02, 0.98, 0.01)
_SPIKED, _FEWEST_RATIOS = 2.0, 200
_MOST_PARENTS = 7
_MOST_SUMMED, _KEPT = 4, np.arange(0.5, 0.96, 0.02)  # parents of a merge that dropped little, and what it kept
_REFINED = 4  # times that scales are made exact on what they explain
_SINGLE = 1e-6  # of a change: what summing in single precision loses


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
    best: _Found | None = None
    for base in bases:
        some, untouched = _looked_at(model, base)
        if not len(some):
            continue
        from_base = base.flat[some].astype(np.float64)
        change = model.flat[some].astype(np.float64) - from_base
        bound = 0.51 * model.spacing[some].astype(np.float64) + _SINGLE * float(np.sqrt((change**2).mean()))
        deltas = {
            at: elder.flat[some].astype(np.float64) - from_base for at, elder in enumerate(elders) if elder is not base
        }
        sample = _Sample(change, bound, deltas)
        if untouched >= _UNTOUCHED:
            best = _best_on(sample, heavy, base, best)
        if best is None:
            best = _little_dropped(sample, [at for at in heavy if at in deltas], base)
        if best is not None and best.explained > _ENOUGH:
            break
    if best is None:
        return None
    parts = sorted(zip(best.parents, best.weights, best.scales, strict=True), key=lambda part: -part[1])
    detail = f"explains {best.explained:.3f} of the weights on {best.base.id}"
    parents = tuple((elders[at], float(weight), float("nan")) for at, weight, _ in parts)
    return Mixture(parents, best.method, detail, best.base, tuple(float(scale) for _, _, scale in parts))


def _looked_at(model: Member, base: Member) -> tuple[npt.NDArray[np.int64], float]:
    """(places of weights that tell such a merge: the base's smallest, whose rounding hides least, of the matrices that changed; how
    many of these are the base's, in the median of the matrices). Shape: (weights,).
    """
    begin, kept, untouched = 0, [], []
    for role in sorted(model.matrices):
        ours, theirs = model.matrices[role].reshape(-1), base.matrices[role].reshape(-1)
        same = ours == stored(theirs, model.dtype)
        if not same.all():
            small = np.abs(theirs) <= np.quantile(np.abs(theirs), 0.2)
            places = np.flatnonzero(small)
            untouched.append(float(same[places].mean()))
            kept.append(places + begin)
        begin += ours.size
    if not kept:
        return np.empty(0, dtype=np.int64), 0.0
    places = np.concatenate(kept)
    return places[:: max(1, len(places) // _SAMPLE)], float(np.median(untouched))


def _best_on(sample: _Sample, heavy: Sequence[int], base: Member, best: _Found | None) -> _Found | None:
    spikes = {at: _spike(sample, at) for at in sample.deltas}
    candidates = _screened(sample, heavy, {at: height for at, (_, height) in spikes.items()})
    scale = {at: spikes[at][0] for at in candidates}
    taken = {at: scale[at] if spikes[at][1] > _SPIKED else 1.0 for at in candidates}
    scaled = [replace(sample, deltas={at: taken[at] * sample.deltas[at] for at in candidates})]
    samples = [sample, *(scaled if any(times != 1 for times in taken.values()) else ())]
    for size in (2, 3, 4):
        for parents in itertools.combinations(candidates, size):
            dare = _dare(sample, parents, scale, base) if size < 4 else None
            for found in (dare, *(_ties(one, parents, base) for one in samples)):
                if found is None or (size > 2 and (found.method == "dare" or size > 3) and found.explained < _ENOUGH):
                    continue  # more subsets fit more by chance
                if best is None or found.explained > best.explained + _BETTER:
                    best = found
        if best is not None and best.explained > _ENOUGH:
            break
    return best


def _little_dropped(sample: _Sample, heavy: Sequence[int], base: Member) -> _Found | None:
    """A DARE merge that kept most of each task vector: the heaviest of the least-squares fit, all scaled up alike."""
    for size in range(min(len(heavy), _MOST_SUMMED), 1, -1):
        parents = tuple(heavy[:size])
        deltas = np.stack([sample.deltas[at] for at in parents])
        weights = np.linalg.lstsq(deltas.T, sample.change, rcond=None)[0]
        left = sample.change - weights @ deltas
        if float(left @ left) > _HOPEFUL * float(sample.change @ sample.change):
            continue
        tried = (
            _dare(sample, parents, dict(zip(parents, weights / kept, strict=True)), base, is_near=True)
            for kept in _KEPT
        )
        found = max((one for one in tried if one is not None), key=lambda one: one.explained, default=None)
        if found is not None and found.explained > _ENOUGH:
            return found
    return None


def _screened(sample: _Sample, heavy: Sequence[int], spikes: Mapping[int, float]) -> list[int]:
    """Who may be a parent: the heaviest of the least-squares fit, who equals the model where base and these do not, and those whose
    ratio of change to delta has a spike, where they alone were chosen.
    """
    known = sample.deltas
    found = [at for at in heavy if at in known][:2]
    left = np.abs(sample.change) > sample.bound
    equal = {at: sample.equal(at) for at in known}
    for _ in range(3):
        if known:
            most = max(known, key=lambda at: (int((equal[at] & left).sum()), -at))
            found += [most]
            left &= ~equal[most]
    found += [at for at in sorted(spikes, key=lambda at: (-spikes[at], at)) if spikes[at] > _SPIKED]
    return list(dict.fromkeys(found))[:_MOST_PARENTS]


def _spike(sample: _Sample, parent: int) -> tuple[float, float]:
    """The most frequent ratio of change to delta, and how much more frequent it is than those around it."""
    delta = sample.deltas[parent]
    sure = (np.abs(delta) > _VERY_LARGE * sample.bound) & (np.abs(sample.change) > sample.bound)
    ratios = sample.change[sure] / delta[sure]
    if len(ratios) <= _FEWEST_RATIOS:
        return 1.0, 0.0
    counts = np.bincount(
        np.clip((ratios - _RATIOS[0]) / 0.02, -1, len(_RATIOS) - 1).astype(np.int64) + 1, minlength=len(_RATIOS) + 1
    )[1:-1]
    at = int(np.argmax(counts[1:-1])) + 1
    near = ratios[(ratios > _RATIOS[at] - 0.01) & (ratios < _RATIOS[at + 1] + 0.01)]
    around = float(np.concatenate([counts[max(0, at - 6) : max(0, at - 1)], counts[at + 2 : at + 7]]).mean())
    return (float(np.median(near)) if len(near) else 1.0), float(counts[at] / (around + 3))


def _dare(
    sample: _Sample, parents: tuple[int, ...], scale_of: dict[int, float], base: Member, *, is_near: bool = False
) -> _Found | None:
    """``is_near``: the scales are nearly right, and only to be made exact."""
    large = np.all([np.abs(sample.deltas[at]) > _LARGE * sample.bound for at in parents], axis=0)
    if large.sum() <= 100:
        return None
    scale = np.array([scale_of[at] for at in parents])
    switch = np.array(list(itertools.product((0, 1), repeat=len(parents))), dtype=np.float64)  # (subsets, parents)
    some = np.flatnonzero(large)[:5000]
    deltas = np.stack([sample.deltas[at][some] for at in parents])  # (parents, weights)
    change, bound = sample.change[some], _NEAR * sample.bound[some]

    few = slice(0, _SEARCHED)

    def explained(scales: Doubles) -> float:
        apart = np.abs(change[few] - (switch * scales) @ deltas[:, few]).min(axis=0)
        return float(np.count_nonzero(apart <= bound[few]) / len(apart))

    if len(some) > 300:
        begun = explained(scale)
        if begun < _HOPEFUL:
            return None
        if begun < _ENOUGH and not is_near:
            scale = _searched(scale, explained)
        for _ in range(_REFINED):
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
    weights = _shares(sample, deltas, rest)
    explained = plain.copy()
    for size in range(2, len(parents) + 1):
        for some in itertools.combinations(range(len(parents)), size):
            mean = sum(weights[at] * deltas[at] for at in some) / sum(weights[at] for at in some)
            explained |= np.abs(sample.change - mean) <= _NEAR * sample.bound
    alone = [float((equal[at] & ~np.delete(equal, at, axis=0).any(axis=0))[large].mean()) for at in range(len(parents))]
    share = float(explained[large].mean())
    if share <= _EXPLAINED or min(alone) <= 0.02:
        return None
    return _Found(share, "ties", parents, tuple(weights), tuple(weights), base)


def _shares(sample: _Sample, deltas: Sequence[Doubles], rest: npt.NDArray[np.bool_]) -> Doubles:
    """The weights of TIES, which add up to 1: of each pair the first's share is the most frequent (y - d_2) / (d_1 - d_2), where
    both moved a weight the same way; elsewhere it is no mean of these two.
    """
    odds = [1.0]
    for other in deltas[1:]:
        apart = deltas[0] - other
        agree = (deltas[0] * other > 0) & (np.minimum(np.abs(deltas[0]), np.abs(other)) > _LARGE * sample.bound)
        sure = rest & agree & (np.abs(apart) > 12 * sample.bound)
        found = (sample.change[sure] - other[sure]) / apart[sure]
        found = found[(found > 0.02) & (found < 0.98)]
        share = 0.5
        if len(found) > 50:
            at = int(np.argmax(np.histogram(found, _SHARES)[0]))
            share = float(np.median(found[np.abs(found - (_SHARES[at] + 0.005)) < 0.015]))
        odds.append((1 - share) / share)
    weights: Doubles = np.array(odds) / sum(odds)
    return weights
