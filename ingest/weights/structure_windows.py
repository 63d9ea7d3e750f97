"""This file knows changes of shape, or of the order of neurons, of models of which only windows are held.

A window has few rows and all columns. The matrix that leads out of a block has a column for each neuron: by these the neurons of a
candidate find their places, and those that have none were left out. Matrices with a row for each neuron are left out of the
comparison where neurons were; words are compared by their place. When not to trust it: a block of which no such matrix is held.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.weights.checkpoint import Values
from ingest.weights.family import cosine
from ingest.weights.member import Member
from ingest.weights.nearest_rows import LIKE, are_in_place, are_matched, nearest_rows
from ingest.weights.roles import Block, blocks_of, is_layer
from ingest.weights.sample import first_row

VOCABULARY = ("embedding", "head")
_LEAST = 1 / 3  # of the weights held: what must be comparable
Shapes = Mapping[str, tuple[int, ...]]


def windows_laid(model: Member, candidate: Member) -> tuple[dict[str, Values], set[str]] | None:
    """(the candidate's windows, or the first of their rows, as they lie in the model; what had to be done).

    Roles that cannot be compared are left out; None when too few are left, or the shapes are no change of each other.
    """
    ours, theirs = _shapes(model), _shapes(candidate)
    if ours.keys() != theirs.keys():
        return None
    aligned: dict[str, Values] = {}
    done: set[str] = set()
    for role, shape in ours.items():
        other = theirs[role]
        if role in VOCABULARY and shape[1] == other[1] and shape[0] != other[0]:
            done.add("expanded" if shape[0] > other[0] else "vocabulary cut")
        both = role in model.matrices and role in candidate.matrices
        if both and shape[1] == other[1] and first_row(role, shape[0]) == first_row(role, other[0]):
            aligned[role] = candidate.matrices[role][: len(model.matrices[role])]
    alike = [
        _like(model, role, values) for role, values in aligned.items() if is_layer(role) and ours[role] == theirs[role]
    ]
    if alike and max(alike) < LIKE:
        return None
    for block in blocks_of(ours):
        word = _block((model, candidate), (ours, theirs), aligned, block)
        if word is None:
            return None
        done |= {word} - {""}
    if "permuted" in done:  # of blocks without a leading matrix nothing is known
        aligned = {
            role: values for role, values in aligned.items() if not is_layer(role) or _like(model, role, values) > LIKE
        }
    held = sum(values.size for values in aligned.values())
    return (aligned, done) if held >= _LEAST * len(model.flat) and any(map(is_layer, aligned)) else None


def _block(
    models: tuple[Member, Member],
    shapes: tuple[Shapes, Shapes],
    aligned: dict[str, Values],
    block: Block,
) -> str | None:
    """Bring the neurons or heads of one block in the model's order, as far as they are held. What was done, empty for nothing; None
    when it cannot be the same block.
    """
    (model, candidate), (ours, theirs) = models, shapes
    narrow = block.narrow
    there = [role for role in block.wide if role in ours]
    if not there:
        return ""
    count, before = ours[there[0]][0], theirs[there[0]][0]
    if count > before or ours[narrow][0] != theirs[narrow][0]:
        return None
    fewer = count < before
    if not fewer and (narrow not in aligned or _like(model, narrow, aligned[narrow]) > LIKE):
        return ""
    if fewer:
        for role in there:
            aligned.pop(role, None)
    aligned.pop(narrow, None)
    if narrow not in model.matrices or narrow not in candidate.matrices:
        return "pruned"
    rows = min(len(model.matrices[narrow]), len(candidate.matrices[narrow]))
    values = candidate.matrices[narrow][:rows]
    places, like = nearest_rows(model.matrices[narrow][:rows].T, values.T)
    if not are_matched(places, like):
        return None if fewer else ""
    if not fewer and are_in_place(places):
        aligned[narrow] = values
        return ""
    for role in there:
        aligned.pop(role, None)
    aligned[narrow] = values[:, places]
    return "pruned" if fewer else "permuted"


def _shapes(member: Member) -> dict[str, tuple[int, ...]]:
    return {tensor.role: tensor.shape for tensor in member.tensors if len(tensor.shape) == 2}


def _like(model: Member, role: str, values: Values) -> float:
    """The cosine of the model's rows and a candidate's."""
    return cosine(model.matrices[role][: len(values)], values)
