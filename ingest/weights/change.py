"""This file knows how much of a model's weights is new: the change from what it was made of, without noise, and without what older
relatives changed already.

For a model y with a reference b (its parent; of a merge, what its parents give, but for half a spacing of y's format; laid onto
y's shapes where these differ), matrices t of shape (m, n), and older relatives whose own changes are D_j:

    D_t = y_t - b_t,    s_t: its singular values,    n_t = mean spacing(y_t)**2 / 12, the rounding of y's format
    edge_t = 1.05 largest_G max(sqrt n_t, median(s_t) / median_G), with the spectrum of Gaussian matrices G of that shape
    S_t = sum over s_t > edge_t of s_t**2 - edge_t**2, and 0 where |D_t|**2 < 1.05 n_t m n: energy above noise (Marchenko-Pastur)
    c_t = min(1, q_t sqrt(m n) / (3.29 |D_t|)): the reach, with q_t what a thousandth of the |D_t| exceed, 3.29 for a Gaussian
    e = sqrt(sum c_t**2 S_t / sum |b_t|**2): the energy
    I = 1 - R**2 of D on all D_j by least squares: the innovation; one D_j more never makes it larger
    structured = sum S_t / max(sum |D_t|**2 - n_t m n, 0)
    isotropic: |D|**2 > 2 sum n_t m n, and the median over t of max(s_t) over that of noise as large is below 1.1

Why a reach: Adam takes no weight much further than its rates add up to. In three zoos (bench/zoo, seeds 7, 11 and 4242) the
furthest thousandth of the weights got .41 to .61 of steps times rate, whatever the data; how many others followed depends on how
steady the gradients are, so that sqrt(sum S_t) for as much training differs by a factor of up to 2.7 from task to task. With the
reach it is 1.6. At most 1, it does not blow up a change in few weights.

R**2 is taken on at most 131,072 weights, at places that depend on the size alone. Interval: 5 % to 95 % of sqrt(I) e when the
matrices are drawn anew, with replacement. When not to trust it: a wrong parent (against a sibling it is too low), changes near the
rounding of the format, windows of very few rows. Matrices only: norms and biases are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from graph.novelty import Tier
from graph.records import Relation
from ingest.weights.checkpoint import Values
from ingest.weights.formats import spacing, stored
from ingest.weights.low_rank import LOW
from ingest.weights.member import Doubles, Member
from ingest.weights.parent import Origin
from ingest.weights.span import SUMS
from ingest.weights.stacked import stacked
from ingest.weights.structure import laid
from ingest.weights.trunk import trunk

DECIDED = frozenset(
    {Relation.IDENTICAL, Relation.RECAST, Relation.QUANTIZED, Relation.PERMUTED}
)  # nothing is left to measure
_STACKS = frozenset({Relation.MERGE, Relation.PRUNED, Relation.EXPANDED})
_ROOM, _TOUCHED = 1.05, 1.05
_MOST_PLACES = 131_072
_DRAWS = 200
_FURTHEST, _OF_A_GAUSSIAN = 0.999, 3.29  # the quantile of sizes, and what it is in standard deviations
_LIKE_NOISE = 1.1
_RIDGE = 1e-6  # of unit columns
_DIGITS = 6
_BLOCK = 16_384  # places


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the ``changes`` table; ``low`` and ``high`` are of sqrt(innovation) energy."""

    model: str
    tier: str
    energy: float
    low: float
    high: float
    innovation: float
    structured: float
    isotropic: bool
    changed: float  # share of the weights
    rank: float | None  # median over the matrices touched, where it is low
    explained_by: str | None
    explained: float | None  # R**2 of D on the change of that one alone


@dataclass(frozen=True, slots=True)
class _Spectrum:
    """What the singular values of one matrix's change say."""

    above: float  # S_t
    reach: float  # c_t
    noise: float  # n_t m n
    whole: float  # |D_t|**2
    peak: float | None  # s_max over that of noise as large; None where nothing is touched
    rank: int
    full: int


@dataclass(frozen=True, slots=True)
class _Measured:
    """A change, whose changes it can be compared with, and what it is at the places that are looked at."""

    change: Change
    beside: tuple[object, ...]  # the family's root, and the shapes
    own: Values  # (places,)


class Changes:
    """The changes of models, one after the other in the order of their origins."""

    def __init__(self) -> None:
        self._known: dict[str, Member] = {}
        self._root: dict[str, str] = {}  # the oldest of each model's family
        self._own: dict[tuple[object, ...], dict[str, Values]] = {}  # see ``_Measured``: by ``beside``, by model

    def add(self, model: Member, origin: Origin) -> Change | None:
        """The change of the next model, which is known from then on; see ``of``."""
        measured = self._measured(model, origin)
        self._known[model.id] = model
        self._root[model.id] = self._root_of(model, origin)
        if measured is None:
            return None
        self._own.setdefault(measured.beside, {})[model.id] = measured.own
        return measured.change

    def of(self, model: Member, origin: Origin) -> Change | None:
        """The change of a model; None where there is none, or exact facts have decided all, or a parent is not there."""
        measured = self._measured(model, origin)
        return None if measured is None else measured.change

    def _root_of(self, model: Member, origin: Origin) -> str:
        roots = (self._root[parent.base_model] for parent in origin.parents if parent.base_model in self._root)
        return next(roots, model.id)

    def _reference(self, model: Member, origin: Origin) -> dict[str, Values]:
        """What the model's matrices were before its own change, by role; roles without any are left out."""
        parents = [self._known[parent.base_model] for parent in origin.parents]
        parent = parents[0]
        if origin.parents[0].relation in _STACKS and stacked(model, parents) is not None:
            return dict(model.matrices)
        if origin.mixing is not None and origin.mixing.base in self._known:
            base = self._known[origin.mixing.base]
            if all(one.shapes == model.shapes for one in (base, *parents)):
                found = mixed(model, base, parents, origin.mixing.method, origin.mixing.scales)
                return {role: _within_rounding(model, role, values) for role, values in found.items()}
        if parent.shapes != model.shapes:
            fit = laid(model, parent)
            if fit is not None:
                return {role: values[: len(model.matrices[role])] for role, values in fit.matrices.items()}
            below = {role: parent.matrices[role] for role in sorted(trunk(model, parent))}
            same = all(np.array_equal(values, model.matrices[role]) for role, values in below.items())
            return {} if same else below  # of a new head on an untouched trunk the trunk says nothing
        if origin.parents[0].relation is Relation.PRUNED:  # to set weights to zero is no work
            return {role: np.where(model.matrices[role] == 0, 0, values) for role, values in parent.matrices.items()}
        return dict(parent.matrices)

    def _measured(self, model: Member, origin: Origin) -> _Measured | None:
        whole_origin = all(parent.base_model in self._known for parent in origin.parents)
        if not origin.parents or not whole_origin or origin.parents[0].relation in DECIDED:
            return None
        reference = self._reference(model, origin)
        if not reference:
            return None
        ours = {role: model.matrices[role][: len(values)] for role, values in sorted(reference.items())}
        differences = {role: values - reference[role] for role, values in ours.items()}
        seen = [spectrum(ours[role], change, model.dtype) for role, change in differences.items()]
        sizes = np.array([float((reference[role].astype(np.float64) ** 2).sum()) for role in ours])
        above = sum(one.above for one in seen)
        energies = np.array([one.reach**2 * one.above for one in seen])
        flat = np.concatenate([change.reshape(-1) for change in differences.values()])
        places = places_of(len(flat))
        own = flat[places]
        beside = (self._root_of(model, origin), *((role, values.shape) for role, values in ours.items()))
        left, strongest, share = unexplained(own, self._own.get(beside, {}))
        ends = np.cumsum([change.size for change in differences.values()])
        matrix_of = np.searchsorted(ends, places, side="right")
        before = _summed(matrix_of, own.astype(np.float64) ** 2, len(seen))
        after = _summed(matrix_of, left**2, len(seen))
        whole, noise = sum(one.whole for one in seen), sum(one.noise for one in seen)
        energy = float(np.sqrt(energies.sum() / max(sizes.sum(), 1e-30)))
        innovation = float(after.sum() / before.sum()) if before.sum() > 0 else 0.0
        low, high = interval(energies, sizes, before, after)
        peaks = [one.peak for one in seen if one.peak is not None]
        touched = [one for one in seen if one.peak is not None]
        rank = float(np.median([one.rank for one in touched])) if touched else None
        is_low = bool(touched) and float(np.median([one.rank / one.full for one in touched])) < LOW
        isotropic = bool(whole > 2 * noise and peaks and float(np.median(peaks)) < _LIKE_NOISE)
        same = sum(int((stored(reference[role], model.dtype) == values).sum()) for role, values in ours.items())
        change = Change(
            model=model.id,
            tier=(Tier.T1 if model.windowed else Tier.T2).value,
            energy=round(energy, _DIGITS),
            low=round(low, _DIGITS),
            high=round(high, _DIGITS),
            innovation=round(innovation, _DIGITS),
            structured=round(min(1.0, above / max(whole - noise, 1e-30)), _DIGITS),
            isotropic=isotropic,
            changed=round(1 - same / max(1, len(flat)), _DIGITS),
            rank=rank if is_low and not isotropic else None,
            explained_by=strongest,
            explained=None if strongest is None else round(share, _DIGITS),
        )
        return _Measured(change, beside, own)


def _within_rounding(model: Member, role: str, expected: Values) -> Values:
    """What was expected of a merge, brought to what is stored by at most half of the format's spacing, by which rounding moves."""
    ours = model.matrices[role]
    half = spacing(ours, model.dtype) / 2
    nearer: Values = expected + np.clip(ours - expected, -half, half)
    return nearer


def _summed(matrix_of: npt.NDArray[np.int64], values: Doubles, count: int) -> Doubles:
    """Sums by matrix. Shape: (count,)."""
    return np.bincount(matrix_of, values, count).astype(np.float64)


def mixed(
    model: Member, base: Member, parents: list[Member], method: str, scales: tuple[float, ...]
) -> dict[str, Values]:
    """What a merge gives, by role: a b + sum of c_j (p_j - b), a and c_j by least squares on this matrix, as spherical merges turn
    each by an angle of its own; of merges that choose weight by weight, the nearest of the choices.

    DARE may take any subset of the scaled task vectors; TIES the base, one parent, or the weighted mean of several.
    """
    found: dict[str, Values] = {}
    subsets = [set_ for size in range(len(parents) + 1) for set_ in itertools.combinations(range(len(parents)), size)]
    for role, ours in model.matrices.items():
        start = base.matrices[role]
        vectors = [parent.matrices[role] - start for parent in parents]
        if method in SUMS:
            found[role] = _nearest([start, *vectors], ours)
            continue
        nearest, least = start, np.abs(ours - start)
        for chosen in subsets[1:]:
            whole = 1.0 if method == "dare" else sum(scales[at] for at in chosen)
            choice = start + sum(np.float32(scales[at] / whole) * vectors[at] for at in chosen)
            apart = np.abs(ours - choice)
            nearest = np.where(apart < least, choice, nearest)
            least = np.minimum(apart, least)
        found[role] = nearest
    return found


def _nearest(vectors: list[Values], to: Values) -> Values:
    """The combination of vectors that is nearest to one, by least squares in double precision."""
    columns = np.stack([vector.reshape(-1) for vector in vectors]).astype(np.float64)
    scales = np.linalg.lstsq(columns @ columns.T, columns @ to.reshape(-1).astype(np.float64), rcond=None)[0]
    return (scales @ columns).reshape(to.shape).astype(np.float32)


def spectrum(ours: Values, change: Values, dtype: str) -> _Spectrum:
    """The energy of one matrix's change above noise."""
    count = change.size
    noise = float((spacing(ours, dtype).astype(np.float64) ** 2).sum()) / 12  # n_t m n
    whole = float((change.astype(np.float64) ** 2).sum())
    full = min(change.shape)
    if whole == 0 or whole < _TOUCHED * noise:
        return _Spectrum(0.0, 0.0, noise, whole, None, 0, full)
    sizes = np.linalg.svd(change.astype(np.float64), compute_uv=False)
    middle, largest = gaussian(*change.shape)
    edge = _ROOM * largest * max(np.sqrt(noise / count), float(np.median(sizes)) / middle)
    above = sizes[sizes > edge]
    energy = float((above**2 - edge**2).sum())
    spread = float(np.sqrt(whole / count))
    furthest = float(np.quantile(np.abs(change), _FURTHEST))
    reach = min(1.0, furthest / (_OF_A_GAUSSIAN * spread))
    return _Spectrum(energy, reach, noise, whole, float(sizes[0] / (spread * largest)), len(above), full)


@lru_cache(maxsize=4096)
def gaussian(rows: int, columns: int) -> tuple[float, float]:
    """(median, largest) singular value of Gaussian matrices of unit variance: the mean and the largest of three draws."""
    draws = [
        np.linalg.svd(np.random.default_rng([rows, columns, at]).normal(size=(rows, columns)), compute_uv=False)
        for at in range(3)
    ]
    return float(np.mean([np.median(sizes) for sizes in draws])), float(max(sizes[0] for sizes in draws))


@lru_cache(maxsize=64)
def places_of(size: int) -> npt.NDArray[np.int64]:
    """Which of so many weights are looked at: all, or as many as can be, drawn by the size."""
    if size <= _MOST_PLACES:
        return np.arange(size)
    return np.sort(np.random.default_rng(size).choice(size, _MOST_PLACES, replace=False))


def unexplained(own: Values, others: Mapping[str, Values]) -> tuple[Doubles, str | None, float]:
    """(what least squares on all others leave of a change, who explains most alone, how much of it). Shape: (places,)."""
    target = own.astype(np.float64)
    size = float(target @ target)
    lengths = {id: float(np.linalg.norm(one)) for id, one in others.items()}
    kept = {id: others[id] / np.float32(length) for id, length in lengths.items() if length > 0}
    if not kept or size == 0:
        return target, None, 0.0
    columns = np.stack([*kept.values()])  # (others, places) float32
    gram, against = np.zeros((len(kept), len(kept))), np.zeros(len(kept))
    for begin in range(0, len(target), _BLOCK):  # sums in double precision, so that they are the same on every machine
        part = columns[:, begin : begin + _BLOCK].astype(np.float64)
        gram += part @ part.T
        against += part @ target[begin : begin + _BLOCK]
    weights = np.linalg.solve(gram + _RIDGE * np.eye(len(gram)), against)
    at = int(np.argmax(np.abs(against)))
    left = target - weights @ columns
    return left, list(kept)[at], min(1.0, float(against[at] ** 2) / size)


def interval(energies: Doubles, sizes: Doubles, before: Doubles, after: Doubles) -> tuple[float, float]:
    """(5 %, 95 %) of sqrt(I) e over draws of the matrices, with replacement; wide enough to hold the value itself. Shapes: (t,)."""
    drawn = np.random.default_rng(0).integers(0, len(sizes), (_DRAWS, len(sizes)))
    drawn = np.concatenate([np.arange(len(sizes))[None], drawn])
    energy = energies[drawn].sum(axis=1) / np.maximum(sizes[drawn].sum(axis=1), 1e-30)
    innovation = after[drawn].sum(axis=1) / np.maximum(before[drawn].sum(axis=1), 1e-30)
    left = np.sqrt(innovation * energy)
    low, high = np.quantile(left, [0.05, 0.95])
    return float(min(low, left[0])), float(max(high, left[0]))
