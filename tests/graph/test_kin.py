"""What lies above a model is the same whether it is walked one by one, as a few are, or level by level."""

from __future__ import annotations

from typing import cast

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.groups import Array, starts
from graph.store import EdgeFilter
from graph.stores.arrays.shelf import Shelf
from graph.stores.lineages import kin
from graph.stores.lineages.kin import Kin

PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] != pair[1]), unique=True)


class Held:
    """Derivations (model, base model) as a shelf gives them."""

    def __init__(self, models: int, pairs: list[tuple[int, int]]) -> None:
        child = np.array(sorted(pairs), dtype=np.int32).reshape(-1, 2)
        order = np.argsort(child[:, 1], kind="stable")
        zeros = np.zeros(len(child), dtype=np.uint8)
        self._arrays: dict[str, Array] = {
            "up_offsets": starts(child[:, 0], models),
            "down_offsets": starts(child[order, 1], models),
            "up_child": child[:, 0],
            "up_base": child[:, 1],
            "down_edge": order,
            "up_confidence": np.ones(len(child)),
        }
        self._rest = zeros

    def get(self, name: str) -> Array:
        return self._arrays.get(name, self._rest)


def above(models: int, pairs: list[tuple[int, int]], row: int) -> list[list[int]]:
    return [
        level.tolist() for level in Kin(cast("Shelf", Held(models, pairs)), models).levels(row, EdgeFilter(), up=True)
    ]


@given(PAIRS)
def test_few_and_many_are_walked_alike(pairs: list[tuple[int, int]]) -> None:
    graph: nx.DiGraph[int] = nx.DiGraph(pairs)
    graph.add_nodes_from(range(12))
    for row in range(12):
        far = nx.single_source_shortest_path_length(graph, row)
        expected = [sorted(n for n, steps in far.items() if steps == at) for at in range(1, max(far.values()) + 1)]
        assert above(12, pairs, row) == expected
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kin, "FEW", 0)
            assert above(12, pairs, row) == expected


def test_more_than_a_few() -> None:
    bases = list(range(1, 2 * kin.FEW))
    pairs = [(0, base) for base in bases] + [(base, base + 1) for base in bases]
    assert above(len(bases) + 2, pairs, 0) == [bases, [len(bases) + 1]]
