"""This file knows how facts about models are numbers in arrays: the numbering of models, codes of words, and what is unknown.

Models are renumbered by downloads (most first, unknown last, then by name): a row's number is its rank, so a list in that order
needs no sorting and a page can stop early. Everything else refers to these numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graph.frames import Numbers
from graph.groups import ordered
from graph.records import Contradicts, Evidence, Relation
from graph.stores.arrays.shelf import Array

UNKNOWN = np.iinfo(np.int64).min  # stands for null in the arrays of values: sorts last when largest come first
RELATIONS = [relation.value for relation in Relation]
KINDS = [kind.value for kind in Contradicts]
EVIDENCE = [evidence.value for evidence in Evidence]
EVIDENCE_OF = [  # by a mask of bits in the order of ``EVIDENCE``
    tuple(Evidence(word) for at, word in enumerate(EVIDENCE) if mask >> at & 1) for mask in range(1 << len(EVIDENCE))
]
CODED = ("task", "library", "licence", "author", "state", "novelty_class")
VALUES = ("downloads", "likes", "trending", "created_at", "modified_at", "parameters", "novelty", "ability", "standing")
FLOATS = ("trending", "novelty", "ability", "standing")  # values that are not whole numbers: unknown is minus infinity


@dataclass(frozen=True, slots=True)
class Ranks:
    """The two numberings of models. Shapes: (models,)."""

    order: Array  # int32, by rank: the number (the place by name)
    rank: Array  # int32, by number: the rank, which is the row in the index

    @staticmethod
    def of(models: pl.DataFrame) -> Ranks:
        """By downloads, most first, unknown last, then by name; ``models`` lies in the order of names."""
        downloads = models["downloads"].fill_null(-1).to_numpy()
        order = ordered(~downloads).astype(np.int32)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return Ranks(order, rank)

    def rows(self, numbers: Numbers) -> Array:
        """The rows of numbers that are not -1, int32."""
        return self.rank[numbers]


def bits(lists: pl.Series, words: Sequence[str], kind: type[np.unsignedinteger[Any]]) -> Array:
    """(rows,) numbers: bit ``n`` says that a row's list, which names nothing twice, has the n-th word."""
    lengths = lists.list.len().fill_null(0)
    inner = lists.filter(lengths > 0).explode()
    values = inner.replace_strict({word: 1 << at for at, word in enumerate(words)}, default=0, return_dtype=pl.Int64)
    sums = np.concatenate([[0], np.cumsum(values.to_numpy())])
    ends = np.cumsum(lengths.to_numpy().astype(np.int64))
    return np.diff(sums[ends], prepend=0).astype(kind)
