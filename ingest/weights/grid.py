"""This file knows quantisation grids: whether weights lie on one, and which model's weights were put on it.

A matrix on a uniform grid has v = d c with whole codes c, |c| <= 127 and d = max|v| / 127, by row (int8) or by block of 32 (Q8_0);
Q4_0 has at most 16 distinct values a block. The mean of |v/d - round(v/d)| over codes .5 to 24 is .25 without a grid and near 0
on one. The source is the candidate that, put on the same grid, gives the same values. Whole numbers may lie on other grids, with a
zero point, one scale for the whole matrix or one a column: there the step d is the least gap between values, and the source is the
candidate p with |p - v| <= d/2.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.formats import stored
from ingest.weights.member import Member

ON_GRID = 0.12
_MOST_CODE, _LEAST_CODE = 24, 0.5
_AGREE = 0.8  # of the matrices
_TOLERANCE = {"F32": 1e-5, "F64": 1e-5}
_SLACK = 1.001  # of half a step
_ROUNDED = 2e-3  # relative, where dequantised values were rounded when stored


def grid_of(member: Member) -> str | None:
    """``int8``, ``Q8_0`` or ``Q4_0`` when the model's matrices lie on that grid, or the block format that it is stored in."""
    if member.dtype.startswith("F8_"):
        return member.dtype
    if not member.is_float:
        return "int8" if member.dtype in ("I8", "U8") else member.dtype
    votes = Counter(_vote(values) for values in member.matrices.values())
    if not votes:
        return None
    kind, count = max(votes.items(), key=lambda item: (item[1], str(item[0])))
    return kind if kind is not None and count > _AGREE * votes.total() else None


def _vote(values: Values) -> str | None:
    row = _off_grid(values, np.abs(values).max(axis=1, keepdims=True) / 127)
    if values.size % 32:
        return "int8" if row < ON_GRID else None
    blocks = values.reshape(-1, 32)
    some = blocks[:: max(1, len(blocks) // 64)]
    if np.median((np.diff(np.sort(some, axis=1), axis=1) > 0).sum(axis=1)) < 16:
        return "Q4_0"
    block = _off_grid(blocks, np.abs(blocks).max(axis=1, keepdims=True) / 127)
    if row < ON_GRID and row < block:
        return "int8"
    return "Q8_0" if block < ON_GRID else None


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


def within_steps(member: Member, candidate: Member) -> float:
    """The share of weights of a model stored as whole numbers that lie within half a step of the candidate's; 0 to 1.

    A model close to the source agrees nearly as well: compare what is left of 1.
    """
    same = whole = 0
    for role, values in member.matrices.items():
        apart = np.abs(candidate.matrices[role] - values)
        same += int((apart <= _SLACK / 2 * _step(values)).sum())
        whole += values.size
    return same / whole if whole else 0.0


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
