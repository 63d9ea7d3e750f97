"""This file knows which rows of which matrices are kept of a model that is too large to be kept whole: a few wide windows.

A window is about a twelfth of the budget, 4 to 256 rows: with more and narrower ones the weak directions of a change
(``ingest.weights.inherited``) are hidden, with fewer not enough kinds of matrices are seen.

Roles are drawn, the same in every model; windows are taken in the order of the draws while they fit, of the layers within three
quarters of the budget and of all else within a quarter, so that forms of one model with another head or more words hold the same
rows. The first row depends on the role and on the power of two below the number of rows alone: a smaller window is the beginning of
a larger one, and a vocabulary may grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.roles import is_layer

_WINDOWS = 12  # of a budget
_FEWEST_ROWS, _MOST_ROWS = 4, 256
_LAYERS, _LARGEST = 0.75, 0.25  # of the budget: for layers, for one window
_BITS = 64


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of a matrix. ``draw``: when fewer can be kept, those of the smallest draws are."""

    begin: int
    rows: int
    draw: int

    def of(self, values: Values) -> Values:
        """These rows of the whole matrix. Shape: (rows, columns)."""
        return values[self.begin : self.begin + self.rows]


def sampled(shapes: Mapping[str, tuple[int, ...]], budget: int) -> dict[str, Window]:
    """The windows, by role, of a model whose tensors have these shapes; together at most ``budget`` values. Only of matrices."""
    matrices = {role: shape for role, shape in shapes.items() if len(shape) == 2 and 0 not in shape}
    layers = {role: shape for role, shape in matrices.items() if is_layer(role)}
    rest = {role: shape for role, shape in matrices.items() if not is_layer(role)}
    parts = [(layers, _LAYERS), (rest, 1 - _LAYERS)] if layers and rest else [(matrices, 1.0)]
    found: dict[str, Window] = {}
    for part, share in parts:
        found |= _taken(part, budget, budget * share, budget * _LARGEST)
    return found or _taken(matrices, budget, budget, budget)  # where rows are too long for several windows


def _taken(shapes: Mapping[str, tuple[int, ...]], budget: int, room: float, largest: float) -> dict[str, Window]:
    found: dict[str, Window] = {}
    for role in sorted(shapes, key=lambda role: (_draw(role), role)):
        count, width = shapes[role]
        rows = min(count, int(np.clip(budget // (_WINDOWS * width), _FEWEST_ROWS, _MOST_ROWS)))
        if rows * width <= min(room, largest):
            room -= rows * width
            found[role] = Window(first_row(role, count), rows, _draw(role))
    return found


def first_row(role: str, count: int) -> int:
    """Where the window of a matrix of ``count`` rows begins, however wide it is."""
    slots = max(1, count - _MOST_ROWS + 1)
    return (_draw(role) << (slots.bit_length() - 1)) >> _BITS


def _draw(role: str) -> int:
    return int.from_bytes(blake2b(role.encode(), digest_size=_BITS // 8).digest(), "little")
