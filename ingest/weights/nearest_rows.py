"""This file knows which rows of one matrix are those of another: the nearest by cosine (Zhu et al. 2025 match neurons so)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ingest.weights.checkpoint import Values

LIKE = 0.5  # of the median row
_DISTINCT, _IN_PLACE = 0.8, 0.5
_CHUNK = 1024


def nearest_rows(ours: Values, theirs: Values) -> tuple[npt.NDArray[np.int64], Values]:
    """(place of the nearest row of ``theirs``, its cosine) for each row of ``ours``. Shapes: (rows,)."""
    b = (theirs / np.maximum(np.linalg.norm(theirs, axis=1, keepdims=True), 1e-9)).T
    places, likenesses = [], []
    for begin in range(0, len(ours), _CHUNK):
        part = ours[begin : begin + _CHUNK]
        similar = (part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9)) @ b
        places.append(similar.argmax(axis=1))
        likenesses.append(similar.max(axis=1))
    return np.concatenate(places), np.concatenate(likenesses)


def are_matched(places: npt.NDArray[np.int64], likenesses: Values) -> bool:
    """Whether nearest rows are the same rows: alike, and nearly all of them different ones."""
    return float(np.median(likenesses)) >= LIKE and len(np.unique(places)) >= _DISTINCT * len(places)


def are_in_place(places: npt.NDArray[np.int64]) -> bool:
    """Whether most rows are where they were."""
    return float((places == np.arange(len(places))).mean()) > _IN_PLACE
