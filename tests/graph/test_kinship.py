"""Generations, descendants and cycles are those that networkx finds, of any graph."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graph.kinship import kinship

PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] != pair[1]), unique=True)


@given(PAIRS)
def test_any_graph(pairs: list[tuple[int, int]]) -> None:
    child, base = (np.array([pair[end] for pair in pairs], dtype=np.int64) for end in (0, 1))
    found = kinship(12, child, base)
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(12))
    graph.add_edges_from((above, below) for below, above in pairs)  # from the base to what was made from it
    whole = nx.condensation(graph)
    of = whole.graph["mapping"]
    depth: dict[int, int] = {}
    for part in nx.topological_sort(whole):
        depth[part] = max((depth[above] + 1 for above in whole.predecessors(part)), default=0)
    assert found.generation.tolist() == [depth[of[model]] for model in range(12)]
    assert found.descendants.tolist() == [len(nx.descendants(graph, model) - {model}) for model in range(12)]
    assert found.cycle.tolist() == [of[below] == of[above] for below, above in pairs]


def test_a_chain_deeper_than_what_is_peeled_off() -> None:
    child = np.arange(1, 301)
    found = kinship(301, child, child - 1)
    assert found.generation.tolist() == list(range(301))
    assert found.descendants.tolist() == list(range(300, -1, -1))
    assert not found.cycle.any()
