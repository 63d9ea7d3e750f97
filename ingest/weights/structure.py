"""This file knows changes of shape: neurons or heads left out or in another order, words added, rows scaled. A candidate is laid
onto the model's shapes by its nearest rows, and what had to be done to it names the relation.

Nearest rows by cosine, injective, median above .5; words by their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.family import cosine, squared
from ingest.weights.formats import spacing
from ingest.weights.member import Doubles, Member
from ingest.weights.nearest_rows import LIKE, are_in_place, are_matched, nearest_rows
from ingest.weights.roles import Block, blocks_of, is_layer
from ingest.weights.structure_windows import VOCABULARY, windows_laid

_SMALL = 0.02  # of a model's weights
_RELATIONS = {
    "expanded": {"expanded", "layers added"},
    "pruned": {"pruned", "vocabulary cut", "layers left out"},
}  # by what was done
_ROUNDS, _STAYS = 20, 0.99  # of fitting factors, the most; of the distance before: when they are found
_REFINED = 3  # relatives that one round leaves least of
_ROUNDINGS = 4.0  # what is scaled several times is rounded as often
_LEAVES = 0.05


@dataclass(frozen=True, slots=True)
class Laid:
    """A candidate laid onto a model: how far they still are, and what was done."""

    distance: float  # |y - laid| / |laid|
    relation: str  # "expanded" | "pruned" | "permuted"
    detail: str
    matrices: dict[str, Values]  # the candidate's, as they were laid


def laid(model: Member, candidate: Member) -> Laid | None:
    """Lay a candidate onto a model; None when that cannot be, or nothing has to be done."""
    found = windows_laid(model, candidate) if model.windowed else _whole_laid(model, candidate)
    if found is None or not found[1]:
        return None
    aligned, done = found
    distance = _distance(model, aligned)
    relation = next((relation for relation, words in _RELATIONS.items() if done & words), "permuted")
    return None if distance is None else Laid(distance, relation, ", ".join(sorted(done)), aligned)


def _whole_laid(model: Member, candidate: Member) -> tuple[dict[str, Values], set[str]] | None:
    """(the candidate's matrices as they lie in the model, what had to be done); None when that cannot be."""
    restacked = _restacked(model, candidate)
    if restacked is None:
        return None
    aligned, how = restacked
    done = {how} - {""}
    for role in VOCABULARY:
        if role in aligned and len(aligned[role]) != len(model.matrices[role]):
            done.add("expanded" if len(model.matrices[role]) > len(aligned[role]) else "vocabulary cut")
            aligned[role] = aligned[role][: len(model.matrices[role])]
    for block in blocks_of(aligned):
        word = (_heads if block.heads else _neurons)(model, aligned, block)
        if word is None:
            return None
        done |= {word} - {""}
    return aligned, done


def _restacked(model: Member, candidate: Member) -> tuple[dict[str, Values], str] | None:
    """The candidate's matrices with as many layers as the model's, each the most alike, and what that is; None when the roles are
    others, or the layers are not alike.
    """
    ours, theirs = _by_layer(model), _by_layer(candidate)
    outside = {role: values for role, values in candidate.matrices.items() if not is_layer(role)}
    if outside.keys() != {role for role in model.matrices if not is_layer(role)}:
        return None
    if ours.keys() == theirs.keys():
        same = set(model.matrices) == set(candidate.matrices)
        return (dict(candidate.matrices), "") if same else None
    if len(ours) == len(theirs) or not ours or not theirs:
        return None
    if not any(_are_like(model.matrices[role], outside[role]) for role in outside):
        return None
    found: dict[str, Values] = dict(outside)
    chosen = []
    for number, parts in ours.items():
        likenesses = {other: _likeness(parts, layer) for other, layer in theirs.items()}
        best = max(likenesses, key=lambda other: likenesses[other])
        if likenesses[best] < LIKE:
            return None
        chosen.append(best)
        found |= {f"{number}.{part}": values for part, values in theirs[best].items()}
    if len(ours) > len(theirs):
        return found, "layers added"
    return (found, "layers left out") if len(set(chosen)) == len(chosen) else None


def _by_layer(member: Member) -> dict[str, dict[str, Values]]:
    """The matrices of each layer, by its number and their roles within it."""
    found: dict[str, dict[str, Values]] = {}
    for role, values in member.matrices.items():
        if is_layer(role):
            number, _, part = role.partition(".")
            found.setdefault(number, {})[part] = values
    return found


def _likeness(ours: dict[str, Values], theirs: dict[str, Values]) -> float:
    """The median cosine of two layers' matrices; 0 when these are others."""
    if ours.keys() != theirs.keys() or any(values.shape != theirs[part].shape for part, values in ours.items()):
        return 0.0
    return float(np.median([cosine(values, theirs[part]) for part, values in ours.items()]))


def _are_like(ours: Values, theirs: Values) -> bool:
    return ours.shape == theirs.shape and cosine(ours, theirs) > LIKE


def _neurons(model: Member, aligned: dict[str, Values], block: Block) -> str | None:
    """Bring the neurons of one block in the model's order. What was done, empty for nothing; None when they do not match."""
    narrow = block.narrow
    lead = next((role for role in block.wide if role in aligned), "")
    if not lead:
        return ""
    ours, theirs = model.matrices[lead], aligned[lead]
    if ours.shape[1] != theirs.shape[1] or len(ours) > len(theirs):
        return None
    if aligned[narrow].shape[1] != len(theirs):
        return ""  # no block: its rows are not what the narrow matrix takes
    nearest, like = nearest_rows(ours, theirs)
    if len(ours) == len(theirs) and are_in_place(nearest):
        return ""
    if not are_matched(nearest, like):
        return None if len(ours) != len(theirs) else ""
    for role in block.wide:
        if role in aligned:
            if len(aligned[role]) != len(theirs):
                return None
            aligned[role] = aligned[role][nearest]
    aligned[narrow] = aligned[narrow][:, nearest]
    return "pruned" if len(ours) < len(theirs) else "permuted"


def _heads(model: Member, aligned: dict[str, Values], block: Block) -> str | None:
    """Bring the heads of one block in the model's order, keys and values by themselves, as several queries may share one. What was
    done, empty for nothing; None when they do not match.
    """
    wide, narrow = block.wide, block.narrow
    if any(role not in aligned for role in wide):
        return ""
    pairs = [(model.matrices[role], aligned[role]) for role in wide]
    pairs.append((model.matrices[narrow].T, aligned[narrow].T))
    if any(ours.shape[1] != theirs.shape[1] or len(ours) > len(theirs) for ours, theirs in pairs):
        return None
    fewer = any(len(ours) < len(theirs) for ours, theirs in pairs)
    if not fewer and _are_like(*pairs[0]):
        return ""
    found = [nearest_rows(ours, theirs) for ours, theirs in pairs]
    if not all(are_matched(*each) for each in found):
        return None if fewer else ""
    for role, (nearest, _) in zip(wide, found, strict=False):
        aligned[role] = aligned[role][nearest]
    aligned[narrow] = aligned[narrow][:, found[-1][0]]
    return "pruned" if fewer else "permuted"


def _distance(model: Member, aligned: dict[str, Values]) -> float | None:
    """|y - laid| / |laid|; None when matrices cannot be compared, but for small ones, as of a value for each head."""
    apart = size = 0.0
    unlike = 0
    for role, other in aligned.items():
        values = model.matrices[role]
        rows = min(len(values), len(other))
        if values.shape[1] != other.shape[1]:
            unlike += values.size
            continue
        apart += float(((values[:rows] - other[:rows]).astype(np.float64) ** 2).sum())
        size += float((other[:rows].astype(np.float64) ** 2).sum())
    return float(np.sqrt(apart / size)) if size and unlike <= _SMALL * len(model.flat) else None


def rescaled(model: Member, family: Sequence[Member]) -> Member | None:
    """The relative s that the model y is with rows and columns scaled, whose best factors u, v leave rounding alone and, of what no
    scaling leaves of the nearest relative n, almost nothing:

        sum |y_t - u_t s_t v_t|**2 < 4 r(y)        and < .05 |y - n|**2

    with r(y) the energy of the rounding of y and of s scaled. Of m by n weights the sum is taken m n / (m - 1) / (n - 1) times, as
    m + n - 1 factors were fitted. None when there is no such relative.
    """
    if not family:
        return None
    nearest = min(squared(model, elder) for elder in family)
    tried = sorted(((_left(model, elder, 1).apart, at) for at, elder in enumerate(family)))[:_REFINED]
    fits = [(_left(model, family[at], _ROUNDS), at) for _, at in tried]
    best, at = min(fits, key=lambda pair: pair[0].apart)
    is_near = best.apart < _ROUNDINGS * best.rounding and best.apart < _LEAVES * nearest
    return family[at] if is_near else None


@dataclass(frozen=True, slots=True)
class _Left:
    """What the best factors leave of a squared distance, and how much of it rounding is expected to."""

    apart: float
    rounding: float


def _left(model: Member, candidate: Member, rounds: int) -> _Left:
    """Fit u and v in turn, ``rounds`` times or until the distance stays."""
    apart = rounding = 0.0
    for role, values in model.matrices.items():
        ours, other = values.astype(np.float64), candidate.matrices[role].astype(np.float64)
        rows, columns = ours.shape
        if min(rows, columns) < 2:
            continue
        u, v, left = np.ones((rows, 1)), np.ones((1, columns)), np.inf
        for _ in range(rounds):
            u = _factor(ours, other * v, 1)
            v = _factor(ours, other * u, 0)
            before, left = left, float(((ours - u * other * v) ** 2).sum())
            if left > _STAYS * before:
                break
        apart += left * rows * columns / ((rows - 1) * (columns - 1))
        steps = spacing(values, model.dtype), np.abs(u * v) * spacing(candidate.matrices[role], candidate.dtype)
        rounding += sum(float((step.astype(np.float64) ** 2).sum()) for step in steps) / 12
    return _Left(apart, rounding)


def _factor(ours: Doubles, other: Doubles, axis: int) -> Doubles:
    """The best factor of each row (axis 1) or column (axis 0)."""
    size = (other**2).sum(axis=axis, keepdims=True)
    found: Doubles = (ours * other).sum(axis=axis, keepdims=True) / np.maximum(size, 1e-30)
    return found


def head_changed(model: Member, candidate: Member) -> bool:
    """Whether only the head differs, and is another."""
    if "head" not in model.matrices or model.shapes != candidate.shapes:
        return False
    untouched = sum(np.array_equal(values, candidate.matrices[role]) for role, values in model.matrices.items())
    return untouched >= len(model.matrices) - 2 and cosine(model.matrices["head"], candidate.matrices["head"]) < LIKE
