"""This file knows the inherited-noise test: which of several relatives a model continues.

The weak singular directions of a model's own change hold its private training and rounding noise. Descendants inherit that noise,
siblings do not: the philologist's copying errors. For a candidate c with parent p, SVD of every c_t - p_t = U S V^T; the slopes of
y - p in the quartiles i of singular directions, strong to weak,

    q_i  = sum_{t, j in i} s_j (u_j' (y_t - p_t) v_j) / sum s_j**2
    sd_i**2 = sum s_j**2 mean((y - c)_t**2) / (sum s_j**2)**2,      m = |y - c| / |c - p|

A descendant keeps q at 1 (rising to 1 when it forgets; levelling out above 1 after the strong directions when it drifts to another
task; growing alike in every direction when it goes on with the same, or falling less in the weak ones than a sibling as far away
would); a sibling's q falls throughout. Quartiles with sd above .3 say nothing: a change in few directions, or a small one under a
large step, cannot be told in y, and then y is not said to have it.

Of a window, a few rows of a matrix, the singular directions of one change say little of what is weak: all hold some of the strong.
There the directions v_j are those of all relatives' changes one below the other, each scaled to one length, and for c

    q_i  = sum_{t, j in i} <(c_t - p_t) v_j, (y_t - p_t) v_j> / sum |(c_t - p_t) v_j|**2

(on 65,536 weights of four zoos base models are right for .93 so, and for .91 with each change's own directions).
When not to trust it: fewer than about 16 thousand weights, and |y - c| near the rounding of y.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.family import squared
from ingest.weights.member import Doubles, Member

QUARTILES = 4
_FLAT, _FLAT_BY_DISTANCE, _STRONGEST = 0.06, 0.2, 0.4
_DEVIATIONS, _WIDER = 1.5, 2.0
_POWER = 0.3  # a slope with a larger error says nothing
_RISE, _FORGET, _SURE = 0.02, 0.15, 0.1
_LEAST, _MOST_FORGOTTEN = 0.6, 1.5  # slopes; of |c - p|: larger changes that are partly along are siblings'
_HARDLY = 0.6  # longer siblings lack .9 and more of their share of noise, descendants on other data .1 to .45
_GO_ON, _MOST_GAIN, _UNDIMINISHED, _GROWN, _MOST_AHEAD = 0.5, 1.5, 0.98, 1.05, 2.0
# Trained on something else: what is shared by all training grows along the strong directions, the rest soon levels out above 1.
_MOST_DRIFT = 2.0
_SOON, _LEVEL, _PLATEAU, _HALF_FLAT, _CHILDLIKE, _LOWEST = 0.75, 0.4, 0.3, 0.03, 0.5, 0.1
_MERGE_FLAT = 0.1
_TOLD = 3.0  # deviations that a share must be away from none: else it says nothing that a model has it
_ON_MERGE = (0.92, 1.12)
_SIBLING = 0.3
_MOST_ROWS = 1024
_MOST_WORK = 2e9  # rows or columns, the fewer of both, cubed: half a second
Svd = tuple[Values, Values, Values]


@dataclass(frozen=True, slots=True)
class Descent:
    """Whether a model continues a candidate, and what was seen."""

    accepted: bool
    kind: str  # "root" | "merge" | "flat" | "forgets" | "drifts" | "goes on" | "reversal" | "unclear"
    slopes: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()
    distance: float = float("nan")  # |y - c| / |c - p|

    @property
    def growth(self) -> float:
        """How much of the candidate's change a model has in the strong directions; 1 is all."""
        return max(self.slopes[:2], default=0.0)

    @property
    def lost(self) -> float:
        """How much less a model has of the weak directions than of the strong ones, from 0 to 1; below 0 when it has more."""
        return 1 - self.slopes[-1] / self.growth

    def more_than(self, other: Descent) -> tuple[float, float]:
        """(how much more a model has of this candidate's weaker directions than of those of another like it, standard error)."""
        ours, theirs = np.array(self.slopes[1:]), np.array(other.slopes[1:])
        weights = 1 / (np.array(self.errors[1:]) ** 2 + np.array(other.errors[1:]) ** 2 + 1e-12)
        return float(weights @ (ours - theirs) / weights.sum()), float(1 / np.sqrt(weights.sum()))

    def __str__(self) -> str:
        profile = ", ".join(f"{slope:.2f}" for slope in self.slopes)
        return f"{self.kind} [{profile}]" if profile else self.kind


class Candidate:
    """A possible base model whose own origin is known: ``parents`` with shares that add up to 1, none for a root; ``lines``
    are these as candidates.
    """

    def __init__(
        self, member: Member, parents: Sequence[tuple[Member, float]], lines: Sequence[Candidate] = ()
    ) -> None:
        self.member = member
        self.parents = tuple(parents)
        self.lines = tuple(lines)
        self._svd: dict[str, Svd] = {}

    @cached_property
    def changes(self) -> Mapping[str, Values]:
        """Its own change, by role, where there is any."""
        found: dict[str, Values] = {}
        for role, values in self.member.matrices.items():
            change = values - sum(np.float32(share) * parent.matrices[role] for parent, share in self.parents)
            if np.any(change):
                found[role] = np.asarray(change, dtype=np.float32)
        return found

    def profile(self, model: Member, shared: Mapping[str, Values]) -> tuple[Doubles, Doubles]:
        """(slopes, standard errors) by quartile, strong to weak. Shapes: (4,). ``shared``: see ``shared_directions``."""
        slope, weight, variance = np.zeros(QUARTILES), np.zeros(QUARTILES), np.zeros(QUARTILES)
        for role, change in self.changes.items():
            if shared and role not in shared and _is_thin(change):
                continue
            step = model.matrices[role] - self.member.matrices[role]
            along, sizes = self._along(role, change, change + step, shared.get(role))
            apart = float((step.astype(np.float64) ** 2).mean())
            quartile = np.minimum(QUARTILES - 1, np.arange(len(sizes)) * QUARTILES // len(sizes))
            slope += np.bincount(quartile, along, QUARTILES)
            weight += np.bincount(quartile, sizes, QUARTILES)
            variance += np.bincount(quartile, sizes * apart, QUARTILES)
        whole = np.maximum(weight, 1e-20)
        return slope / whole, np.sqrt(variance) / whole

    def _along(self, role: str, change: Values, from_base: Values, right: Values | None) -> tuple[Doubles, Doubles]:
        """(products of both, squares of the change) in each direction, strong to weak."""
        if right is not None:
            own, theirs = change @ right.T, from_base @ right.T
            return (own * theirs).sum(axis=0).astype(np.float64), (own**2).sum(axis=0).astype(np.float64)
        if role not in self._svd:
            self._svd[role] = np.linalg.svd(change, full_matrices=False)
        left, sizes, right = self._svd[role]
        whole = sizes.astype(np.float64)
        return ((left.T @ from_base) * right).sum(axis=1).astype(np.float64) * whole, whole**2


def shared_directions(relatives: Iterable[Candidate]) -> dict[str, Values]:
    """The directions of the changes of relatives of equal shapes, strong to weak, by role: of windows of fewer rows than columns.

    Shape: (directions, columns). Of long rows the first thousand are taken, and a few matrices, of the shortest rows: the nearest
    relatives should come first.
    """
    rows: defaultdict[str, list[Values]] = defaultdict(list)
    for relative in relatives:
        if len(relative.parents) == 1:
            for role, change in relative.changes.items():
                if _is_thin(change):
                    whole = change.astype(np.float64)
                    rows[role].append((whole / np.linalg.norm(whole)).astype(np.float32))
    found: dict[str, Values] = {}
    work = 0
    for role in sorted(rows, key=lambda role: (rows[role][0].shape[1], role)):
        changes = np.concatenate(rows[role])[: max(_MOST_ROWS, rows[role][0].shape[1])]
        work += min(changes.shape) ** 3
        if work > _MOST_WORK and len(found) > 1:
            break
        found[role] = _directions(changes)
    return found


def _directions(changes: Values) -> Values:
    if len(changes) < changes.shape[1]:
        right = np.linalg.svd(changes, full_matrices=False)[2]
    else:
        right = np.linalg.eigh(changes.T @ changes)[1].T[::-1]
    return np.ascontiguousarray(right, dtype=np.float32)


def _is_thin(change: Values) -> bool:
    rows, columns = change.shape
    return bool(rows < columns)


def descent(
    model: Member,
    candidate: Candidate,
    siblings: Iterable[Member],
    shared: Callable[[], Mapping[str, Values]] = dict,
) -> Descent:
    """Whether a model continues a candidate. ``siblings``: the candidate's elders by the same parent; ``shared``: directions of the
    relatives' changes, where only windows are held.
    """
    if not candidate.parents:
        return Descent(accepted=True, kind="root")
    if len(candidate.parents) > 1:
        return _of_merge(model, candidate, shared())
    parent = candidate.parents[0][0]
    q, sd = candidate.profile(model, shared())
    own = squared(candidate.member, parent)
    m = float(np.sqrt(squared(model, candidate.member) / max(own, 1e-20)))
    seen = (tuple(q.tolist()), tuple(sd.tolist()), m)
    if sd[1] > _POWER:
        return Descent(False, "unclear", *seen)
    clear = sd < _POWER  # a change in few directions says nothing of the others
    room = np.where(sd < _SURE, _DEVIATIONS, _WIDER) * sd
    excess = q - 1
    falls = (
        _FLAT if q[3] >= q[0] else min(_FLAT, _FLAT_BY_DISTANCE * m)
    )  # a twin sibling has 1 - q_4 near m, a child far less
    off = np.maximum(0, np.abs(excess[1:]) - room[1:])[clear[1:]].max()
    low = np.maximum(0, -excess[1:] - room[1:])[clear[1:]].max()
    if off < _FLAT and low < falls and abs(excess[0]) < _STRONGEST and q[1:][clear[1:]].min() > _LEAST:
        return Descent(True, "flat", *seen)
    rises = q[3] > q[0] + _RISE and -_FLAT < excess[3] < _FORGET
    reach = _MOST_FORGOTTEN if q.max() > 1 + _FLAT else 2 * _MOST_FORGOTTEN
    if rises and q[0] > _STRONGEST and sd[3] < _SURE and m < reach:
        return Descent(True, "forgets", *seen)
    strongest = float(excess[0])
    if (
        _FLAT < strongest < _MOST_DRIFT
        and sd[3] < _SURE
        and q[1:].min() > _LEAST
        and excess[1] < _SOON * strongest
        and excess[1] - excess[3] < _LEVEL * strongest
        and (excess[1:3] + room[1:3]).min() > -_LOWEST
        and -_HALF_FLAT - room[3] < excess[3] < _PLATEAU * strongest + _FLAT
    ):
        more = _contrast(model, candidate.member, parent, siblings)
        if more is None or more > _CHILDLIKE:
            return Descent(True, "drifts", *seen)
    gain = float(max(excess[0], excess[1]))
    if gain > _FLAT and sd[3] < _SURE:
        if m < _MOST_AHEAD and q[1:].min() > 1 - _FLAT and _missing(q, m) < _HARDLY:
            return Descent(True, "goes on", *seen)
        if excess[3] + room[3] > _GO_ON * gain and gain <= _MOST_GAIN:
            even = _UNDIMINISHED * q[0] < q[3] < _GROWN * q[0]
            return Descent(bool(even and m < _MOST_AHEAD), "goes on", *seen)
    return Descent(False, "reversal", *seen)


def _missing(slopes: Doubles, distance: float) -> float:
    """How much of the candidate's noise a model seems to lack, of what a sibling that was trained for longer would lack: near 1 for
    that, near 0 for a descendant.

    Two runs on the same data differ by the noise of both, about (1 + q_1**2) times a share nu of the shorter one's change: this is
    what they are apart besides the growth along it; nu is then lost at least where the noise is, in the weak directions.
    """
    lost = max(1 - slopes[3] / max(slopes[0], slopes[1]), 0.0)
    besides = max(distance**2 - (slopes[0] - 1) ** 2, 1e-20)
    return float(lost * (1 + slopes[0] ** 2) / besides)


def _of_merge(model: Member, candidate: Candidate, shared: Mapping[str, Values]) -> Descent:
    """A child of a merge carries the noise of each of the merge's parents, in the share that the merge has of it."""
    apart: list[float] = []
    single = [line for line in candidate.lines if len(line.parents) == 1]
    for line in single:
        ours, sd = line.profile(model, shared)
        merged, _ = line.profile(candidate.member, shared)
        told = [at for at in (2, 3) if abs(merged[at]) > _TOLD * sd[at]]
        apart += [float(max(0.0, abs(ours[at] - merged[at]) - _DEVIATIONS * sd[at])) for at in told]
    if single and not apart:
        return Descent(False, "merge")
    if not apart:
        slopes = tuple(_slope(model, candidate.member, parent) for parent, _ in candidate.parents)
        return Descent(all(_ON_MERGE[0] < slope < _ON_MERGE[1] for slope in slopes), "merge", slopes)
    return Descent(max(apart) < _MERGE_FLAT, "merge", tuple(apart))


def _slope(model: Member, candidate: Member, parent: Member) -> float:
    """Where the model sits on the line from a parent to the candidate: 0 the parent, 1 the candidate."""
    line = (candidate.flat - parent.flat).astype(np.float64)
    return float((model.flat - parent.flat).astype(np.float64) @ line / max(1e-20, float(line @ line)))


def _contrast(model: Member, candidate: Member, parent: Member, siblings: Iterable[Member]) -> float | None:
    """How much more of the candidate's change than of its siblings' the model has, in joint least squares.

    A child has one whole change more; a fellow sibling has none. None when no sibling resembles the candidate.
    """
    own = candidate.flat - parent.flat
    size = float(own @ own)
    near = []
    for sibling in siblings:
        change = sibling.flat - parent.flat
        if float(change @ own) > _SIBLING * np.sqrt(float(change @ change) * size + 1e-30):
            near.append(change)
    if not near:
        return None
    columns = np.stack([own, *near]).astype(np.float64)
    gram = columns @ columns.T
    gram += 1e-9 * np.trace(gram) / len(gram) * np.eye(len(gram))
    weight = np.linalg.solve(gram, columns @ (model.flat - parent.flat).astype(np.float64))
    return float(weight[0] - weight[1:].mean())
