"""This file knows quantisation grids: whether weights lie on one, and which model's weights were put on it.

A matrix on a uniform grid has v = d c with whole codes c, |c| <= 127 and d = max|v| / 127, by row (int8) or by block of 32 (Q8_0);
Q4_0 has d = max|v| / 8 and at most 16 distinct values a block. The mean of |v/d - round(v/d)| over codes .5 to 24 is .25 without
a grid and near 0 on one. The source is the candidate that, put on the same grid, gives the same values. Other block formats
(K-quants, offsets) have an unknown step and least value in each 16: of the steps (max - min) / k, k = 3 to 63, the best leaves .16
without a grid, .03 in Q6_K and less in fewer bits; that grid is not written here, so the source is told by the format's noise, see
``ingest.weights.matched``. Rows may have steps that do not follow from their largest value, as int8 with a zero point z has them:
v = d (c - z), d = (max - min) / k, k = 255 or one less as z was rounded. Of k = 3 to 255 the best leaves .17 to .2 of whole numbers
v/d without a grid, and little on one. Whole numbers may lie on other grids, with a zero point, one scale for the whole matrix or
one a column: there the step d is the least gap between values. Of both the source is the candidate p with |p - v| <= d/2, and
p = v in matrices that were left as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.formats import spacing, stored
from ingest.weights.member import Member

ON_GRID = 0.12
IN_BLOCKS, IN_ROWS = "blocks of few levels", "rows of even levels"
_LEVELS, _IN_BLOCKS, _BLOCK = 63, 0.08, 16
_LEVELS_OF_ROW = 255
_OF_ROW, _FEWEST_OF_ROW = 128, 16  # values of a row that are looked at, and small codes that say something
_BETTER = 0.02  # closer to whole numbers: more levels than fewer ones that fit
_SOME = 64  # blocks that are looked at
_SOME_ROWS = 16
_REPEATED = 0.75  # distinct values of a block for each that is not zero: .4 of 16 levels, 1 without a grid
_MOST_CODE, _LEAST_CODE = 24, 0.5
_AGREE = 0.8  # of the matrices
_TOLERANCE = {"F32": 1e-5, "F64": 1e-5}
_SLACK = 1.001  # of half a step
_ROUNDED = 2e-3  # relative, where dequantised values were rounded when stored


def grid_of(member: Member) -> str | None:
    """``int8``, ``Q8_0`` or ``Q4_0`` when the model's matrices lie on that grid, ``IN_ROWS`` when each row has levels of its own,
    ``IN_BLOCKS`` when they lie on others or on several, or the block format that it is stored in.
    """
    if member.dtype.startswith("F8_"):
        return member.dtype
    if not member.is_float:
        return "int8" if member.dtype in ("I8", "U8") else member.dtype
    votes, off = Counter[str](), 0
    whole = len(member.matrices)
    for values in member.matrices.values():
        vote = _vote(values)
        if vote is not None:
            votes[vote] += 1
        elif (off := off + 1) >= (1 - _AGREE) * whole:  # too few can follow
            return None
    if not votes:
        return None
    kind, count = max(votes.items(), key=lambda item: (item[1], item[0]))
    return kind if count > _AGREE * whole else IN_BLOCKS


def _vote(values: Values) -> str | None:
    row = _off_grid(values, np.abs(values).max(axis=1, keepdims=True) / 127)
    if values.size % 32:
        return "int8" if row < ON_GRID else _in_rows(values)
    blocks = values.reshape(-1, 32)
    some = blocks[:: max(1, len(blocks) // _SOME)]
    if _are_few(some):
        return "Q4_0" if _off_grid(some, np.abs(some).max(axis=1, keepdims=True) / 8) < ON_GRID else IN_BLOCKS
    block = _off_grid(blocks, np.abs(blocks).max(axis=1, keepdims=True) / 127)
    if row < ON_GRID and row < block:
        return "int8"
    if block < ON_GRID:
        return "Q8_0"
    return IN_BLOCKS if _off_levels(values) < _IN_BLOCKS else _in_rows(values)


def _are_few(blocks: Values) -> bool:
    """Whether blocks mostly hold 16 distinct values or fewer, and not because of many zeros: what is not zero repeats too."""
    ordered = np.sort(blocks, axis=1)
    is_new = np.diff(ordered, axis=1, prepend=np.inf) != 0
    distinct, others = is_new.sum(axis=1), np.maximum((blocks != 0).sum(axis=1), 1)
    return bool(np.median(distinct) <= 16 and np.median((is_new & (ordered != 0)).sum(axis=1) / others) < _REPEATED)


def _in_rows(values: Values) -> str | None:
    off, _ = _steps_of_rows(values[:: max(1, len(values) // _SOME_ROWS)])
    return IN_ROWS if float(np.median(off)) < ON_GRID else None


def _steps_of_rows(values: Values) -> tuple[Values, Values]:
    """(the mean distance of small codes from whole numbers, the step) of each row, the largest step that fits; .25 where little is
    left. Shapes: (rows,).
    """
    wide = values.max(axis=1, keepdims=True) - values.min(axis=1, keepdims=True)
    some = values[:, :: max(1, values.shape[1] // _OF_ROW)]
    place = some / np.maximum(wide, 1e-30)
    off, levels = np.full(len(values), 0.25, dtype=np.float32), np.ones(len(values), dtype=np.float32)
    for level in range(3, _LEVELS_OF_ROW + 1):
        codes = place * level
        small = (np.abs(codes) <= _MOST_CODE) & (np.abs(codes) > _LEAST_CODE)
        count = small.sum(axis=1)
        mean = np.where(small, np.abs(codes - np.round(codes)), 0).sum(axis=1) / np.maximum(count, 1)
        better = (mean < off - _BETTER) & (count >= _FEWEST_OF_ROW)
        off, levels = np.where(better, mean, off), np.where(better, np.float32(level), levels)
    return off, wide[:, 0] / levels


def _off_levels(values: Values) -> float:
    """The mean distance of codes from whole numbers on the best evenly spaced levels of each block, without its least and largest
    value, which lie on any.
    """
    blocks = values.reshape(-1, _BLOCK)
    some = blocks[:: max(1, len(blocks) // _SOME)].astype(np.float64)
    some = some[(some != 0).sum(axis=1) > _BLOCK / 2]  # many zeros lie on levels by chance
    if not len(some):
        return 0.25
    least = some.min(axis=1, keepdims=True)
    place = (some - least) / np.maximum(some.max(axis=1, keepdims=True) - least, 1e-30)
    best = np.full(len(some), 0.25)
    for level in range(3, _LEVELS + 1):
        codes = place * level
        best = np.minimum(best, np.abs(codes - np.round(codes)).sum(axis=1) / (_BLOCK - 2))
    return float(np.median(best))


def _off_grid(values: Values, step: Values) -> float:
    """The mean distance of small codes from whole numbers."""
    codes = values / np.maximum(step, 1e-12)
    small = (np.abs(codes) <= _MOST_CODE) & (np.abs(codes) > _LEAST_CODE)
    return float(np.abs(codes - np.round(codes))[small].mean()) if small.any() else 0.25


def on_grid(values: Values, kind: str) -> Values | None:
    """A matrix put on a grid and given back; None when the format is not one that can be written here."""
    if kind == "int8":
        step = np.maximum(np.abs(values).max(axis=1, keepdims=True) / 127, 1e-30)
        whole: Values = np.clip(np.round(values / step), -127, 127) * step
        return whole
    import gguf

    try:
        form = gguf.GGMLQuantizationType[kind]
        back: Values = gguf.quants.dequantize(gguf.quants.quantize(values, form), form)
    except (KeyError, NotImplementedError, gguf.quants.QuantError):
        return None
    return back


def agreement(member: Member, candidate: Member, kind: str) -> float:
    """The share of weights that the candidate, put on the grid and stored as the model is, has in common with it.

    For formats that cannot be written here: minus the relative distance, so that the nearest candidate leads.
    """
    same = whole = 0
    for role, values in member.matrices.items():
        expected = on_grid(candidate.matrices[role], kind)
        if expected is None:
            apart = float(
                np.linalg.norm(member.flat - candidate.flat) / max(float(np.linalg.norm(candidate.flat)), 1e-30)
            )
            return -apart
        held = stored(expected, member.dtype)
        bound = _TOLERANCE.get(member.dtype, _ROUNDED) * np.abs(values) + 1e-9
        same += int((np.abs(held - values) <= bound).sum())
        whole += values.size
    return same / whole if whole else 0.0


def within_steps(member: Member, candidates: Sequence[Member]) -> list[float]:
    """The share of weights of a model stored as whole numbers, or given back from levels by row, that lie within half a step of
    each candidate's; 0 to 1.

    A model close to the source agrees nearly as well: compare what is left of 1.
    """
    same, whole = np.zeros(len(candidates)), 0
    for role, values in member.matrices.items():
        half = _half_step(member, values)
        for at, candidate in enumerate(candidates):
            other = candidate.matrices[role]
            near = stored(other, member.dtype) == values if half is None else np.abs(other - values) <= half
            same[at] += int(near.sum())
        whole += values.size
    return [float(share) for share in same / max(1, whole)]


def _half_step(member: Member, values: Values) -> Values | None:
    """How far a matrix may lie from its source, with what was lost when it was stored; None where it is on no grid."""
    if not member.is_float:
        return np.float32(_SLACK / 2) * _step(values)
    off, step = _steps_of_rows(values)
    if float(np.median(off)) >= ON_GRID:
        return None
    half: Values = (_SLACK / 2 * step[:, None] + spacing(values, member.dtype) / 2).astype(np.float32)
    return half


def _step(values: Values) -> Values:
    """The step of a matrix's grid, by row or by column. Shape: (rows, 1) or (1, columns)."""
    by_row, by_column = _least_gap(values), _least_gap(values.T).T
    return by_row if _off_grid(values, by_row) <= _off_grid(values, by_column) else by_column


def _least_gap(values: Values) -> Values:
    """How far apart the values of a row are at least, beyond rounding; 0 for a row of one value. Shape: (rows, 1)."""
    ordered = np.sort(values, axis=1)
    gaps = np.diff(ordered, axis=1)
    floor = 1e-5 * np.abs(values).max(axis=1, keepdims=True)
    least: Values = np.where(gaps > floor, gaps, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    return np.where(np.isfinite(least), least, 0).astype(np.float32)
