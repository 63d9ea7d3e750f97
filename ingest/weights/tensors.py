"""This file knows which tensors are told of in the graph: those whose content says something of where a model comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from graph.tables import TENSORS
from ingest.weights.member import Member

FEWEST_VALUES: Final = 1_024  # norms and biases are often equal in unrelated models


def tensors_of(members: Iterable[Member]) -> pa.Table:
    """The rows of models of which every byte was read."""
    rows = {
        (digest.value, model.id, digest.role): digest.count
        for model in members
        for digest in model.digests
        if digest.count >= FEWEST_VALUES and not digest.trivial
    }
    names = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], []]
    return pa.table([*names, pa.array(rows.values(), pa.int64())], schema=TENSORS.schema)
