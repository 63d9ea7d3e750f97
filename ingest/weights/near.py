"""This file knows which models of many are worth comparing with one: the nearest by their linear sketches, and copies.

For a model's sketch y and the sketches s of all others, of ``layers`` and of ``outside`` each: those with <y, s> >= .2, of these
the 256 with the largest products, of these the 64 with the least |y - s| in float64 (products of near twins differ by less than
float32 can tell). Besides, those with the same content, and those with the same lengths of rows (``profile``) within a thousandth.
Of equals the oldest comes first. No weights are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.linear_sketch import LinearSketch
from ingest.weights.pairs import Ints
from ingest.weights.sketch_table import Sketches

MOST_NEAR: Final = 64
LEAST_PRODUCT: Final = 0.2
SAME_PROFILE: Final = 1e-3
_LOOKED_AT = 256


def near_of(sketches: Sketches, ids: Sequence[str]) -> Near:
    """The nearness of models that are told in upload order."""
    place = {id: at for at, id in enumerate(ids)}
    return Near(sketches, np.array([place.get(model, len(place)) for model in sketches.models], dtype=np.int64))


class Near:
    """The sketches of a shelf, oldest model first in ``age`` (a number for each row, smaller is older)."""

    def __init__(self, sketches: Sketches, age: Ints) -> None:
        self._sketches = sketches
        self._age = age
        self._rows = {model: row for row, model in enumerate(sketches.models)}
        lengths = np.diff(sketches.profile_ends)
        self._profiles: dict[int, tuple[Ints, Values]] = {}
        for length in np.unique(lengths[lengths > 0]).tolist():
            rows = np.flatnonzero(lengths == length)
            places = sketches.profile_ends[rows][:, None] + np.arange(length)
            self._profiles[length] = rows, sketches.profile[places]

    def of(self, model: LinearSketch) -> list[str]:
        """The models near one that is not among them, and others of its kind; by name."""
        return self._told(self._nearest(model))

    def elders(self, model: str) -> list[str]:
        """The older models near one of them, by name."""
        row = self._rows[model]
        known = self._sketches
        profile, content = known.profile_of(row), str(known.content[row])
        sketch = LinearSketch(
            model, known.tiers[row], 0, int(known.width[row]), content, known.layers[row], known.outside[row], profile
        )
        return self._told(self._nearest(sketch, older_than=int(self._age[row])))

    def _nearest(self, model: LinearSketch, older_than: int | None = None) -> set[int]:
        older = np.ones(len(self._age), dtype=bool) if older_than is None else self._age < older_than
        found: set[int] = set()
        for part, vectors in (("layers", self._sketches.layers), ("outside", self._sketches.outside)):
            vector = getattr(model, part)
            if vector is not None:
                found |= set(self._by_vector(vector, vectors, older))
        same = np.flatnonzero((self._sketches.content == model.content) & older)
        found |= set(self._oldest(same)[:MOST_NEAR].tolist())
        if len(model.profile) in self._profiles:
            rows, profiles = self._profiles[len(model.profile)]
            apart = np.linalg.norm(profiles - model.profile, axis=1)
            like = rows[(apart <= SAME_PROFILE * np.linalg.norm(model.profile)) & older[rows]]
            found |= set(self._oldest(like)[:MOST_NEAR].tolist())
        return found

    def _by_vector(
        self, vector: Values, vectors: Values, older: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> list[int]:
        product = np.where(older, vectors @ vector, np.float32(-1))
        rows = np.flatnonzero(product >= LEAST_PRODUCT)
        if len(rows) > _LOOKED_AT:
            rows = rows[np.lexsort((self._age[rows], -product[rows]))[:_LOOKED_AT]]
        apart = np.linalg.norm(vectors[rows].astype(np.float64) - vector, axis=1)
        found: list[int] = rows[np.lexsort((self._age[rows], apart))[:MOST_NEAR]].tolist()
        return found

    def _oldest(self, rows: Ints) -> Ints:
        return rows[np.argsort(self._age[rows], kind="stable")]

    def _told(self, rows: Iterable[int]) -> list[str]:
        return sorted(self._sketches.models[row] for row in rows)
