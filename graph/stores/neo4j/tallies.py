"""This file knows how large groups are counted in process, from the tables of their members that the graph holds beside them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from graph.store import ROOT, Collapse, ModelFilter, Order
from graph.stores.neo4j.asking import OpenGraph
from graph.stores.neo4j.members import NAMES, fact, holds, rank_of, ranks
from graph.stores.neo4j.rows import Row, milliseconds

Tally = tuple[int, str | None]  # how many models of a group pass, and who stands for it
Test = Callable[[Any], bool]  # of a fact's value: null where it is unknown, and for an empty list
Place = tuple[int, int]  # of a model in a group: the number of its part, and its row there


async def tallies(
    graph: OpenGraph, passing: Mapping[str, bool], where: ModelFilter, collapse: Collapse, order: Order
) -> dict[str, Tally]:
    """For each original how many of its large group pass, and who stands for it: itself where ``passing`` says that it passes,
    else the first that does. Authors and a dataset are not looked at: who asks for those is answered from few models.
    """
    if not passing:
        return {}
    text, tests = where.text.lower() if where.text else None, conditions(where)
    rank = None if all(passing.values()) else rank_of(order.value)
    columns = [*tests, *([NAMES] if text is not None else ()), *([rank] if rank else ())] or ["state"]
    rows = await graph.ask("members", fold=collapse.value, originals=list(passing), columns=columns)
    found = await asyncio.to_thread(_count, rows, text, tests, rank)
    places = [[id, *place] for id, (_, place) in found.items() if place and not passing[id]]
    first = dict(await graph.ask("members_named", fold=collapse.value, places=places)) if places else {}
    return {id: (count, id if passing[id] else first.get(id)) for id, (count, _) in found.items()}


def conditions(where: ModelFilter) -> dict[str, Test]:
    """By fact what its value must be for a model to pass, without the text."""
    of_one = {
        "task": where.tasks,
        "library": where.libraries,
        "licence": where.licences,
        "state": where.states,
        "novelty_class": where.novelty_classes,
    }
    of_any = {"evidence": where.evidence, "domains": where.domains}
    tests: dict[str, Test] = {name: frozenset(words).__contains__ for name, words in of_one.items() if words}
    tests |= {name: _any(words) for name, words in of_any.items() if words}
    if where.relations:
        tests["relations"] = _any(where.relations, unsaid=(ROOT,))
    if where.standards:
        tests["standards"] = lambda met: frozenset(where.standards) <= frozenset(met or ())
    for name, least, most in (
        ("parameters", where.parameters_min, where.parameters_max),
        ("novelty", where.novelty_min, where.novelty_max),
        ("created_at", milliseconds(where.created_from), _before(milliseconds(where.created_until))),
    ):
        if least is not None or most is not None:
            tests[name] = _within(least, most)
    return tests


def _any(words: Collection[str], unsaid: Collection[str] = ()) -> Test:
    wanted = frozenset(words)
    return lambda said: not wanted.isdisjoint(said or unsaid)


def _within(least: float | None, most: float | None) -> Test:
    return lambda value: value is not None and (least is None or value >= least) and (most is None or value <= most)


def _before(end: int | None) -> int | None:
    """The last millisecond before."""
    return None if end is None else end - 1


def _count(
    rows: Sequence[Row], text: str | None, tests: Mapping[str, Test], rank: str | None
) -> dict[str, tuple[int, Place | None]]:
    """By original how many of its models pass, and where the first of them by this rank is."""
    parts: defaultdict[tuple[str, int], dict[str, Row]] = defaultdict(dict)
    for original, part, column, *said in rows:
        parts[original, part][column] = said
    counts: Counter[str] = Counter()
    first: dict[str, tuple[int, Place]] = {}
    for (original, part), columns in parts.items():
        passes = np.ones(next(iter(columns.values()))[0], dtype=np.bool_)
        for name, test in tests.items():
            _, values, codes = columns[name]
            occur, of = fact(values, codes)
            passes &= np.array([test(value) for value in occur], dtype=np.bool_)[of]
        if text is not None:
            passes &= holds(columns[NAMES][1], text)
        counts[original] += int(np.count_nonzero(passes))
        if rank is not None and passes.any():
            kept = np.flatnonzero(passes)
            ranked = ranks(columns[rank][2])[kept]
            best = int(ranked.argmin())
            here = int(ranked[best]), (part, int(kept[best]))
            first[original] = min(first.get(original, here), here)
    return {id: (count, first[id][1] if id in first else None) for id, count in counts.items()}
