"""This file knows the form of the tables of members that lie beside large groups: what filters and orders ask of their models.

A server reads a property in microseconds: of a family of 100,000 models, whose whole count a folded list shows, that is most of a
second. So the models of each large group are written down once more, in the order of their names, a few thousand a node, and a
column is one text: of a fact the values that occur (JSON) and which of them each model has, of an order the rank of each model in
its group, the first of the order first. Codes and ranks are unsigned little-endian numbers in base64. Names are a list, from which
one is taken, and in lower case one text, in which is searched.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl

from graph.frames import Numbers
from graph.store import Collapse, Order

LARGE = 256  # models of a group that has a table; those of a smaller one are read one by one within milliseconds
PART = 4_096  # models in one node
ORDERS = tuple(order.value for order in Order)
FACTS = (
    *("task", "library", "licence", "state", "relations", "evidence", "parameters", "created_at"),
    *("novelty_class", "novelty", "standards", "domains"),
)
Codes = npt.NDArray[np.unsignedinteger[Any]]
_BETWEEN = "\n"  # the names of a part, which have no white space
_RANK = "<u4"
_SCHEMA = pl.Schema(
    [
        *[("fold", pl.String()), ("original", pl.String()), ("part", pl.Int64()), ("models", pl.Int64())],
        *[("ids", pl.List(pl.String())), ("names", pl.String())],
        *[(f"{name}_rank", pl.String()) for name in ORDERS],
        *[(f"{name}_{half}", pl.String()) for name in FACTS for half in ("values", "codes")],
    ]
)


def tables(models: pl.DataFrame, groups: Mapping[Collapse, Numbers]) -> pl.DataFrame:
    """One row a node: the way to fold, the original, the number of the part, how many models it has, and the columns.

    ``models``: ``id`` in ascending order, the facts, and by each order's name with ``_key`` what it sorts by, ascending.
    ``groups``: by the way to fold the number of each model's original. Shapes: (models,).
    """
    large = {fold: np.flatnonzero(np.bincount(of, minlength=1)[of] >= LARGE) for fold, of in groups.items()}
    listed = np.unique(np.concatenate([*large.values(), np.empty(0, np.int64)]))
    known = models[listed]
    texts = {name: _numbered(_json(known, name)) for name in FACTS}
    names = known["id"].str.to_lowercase()
    places = {name: _places(known[f"{name}_key"]) for name in ORDERS}
    found = []
    for fold, of in groups.items():
        rows = np.searchsorted(listed, large[fold][np.argsort(of[large[fold]], kind="stable")])
        original, starts, sizes = np.unique(of[listed[rows]], return_index=True, return_counts=True)
        group = np.repeat(np.arange(len(original)), sizes)
        ranks = {name: _within(place[rows], group, starts) for name, place in places.items()}
        for number, part, start, end in _parts(starts, sizes):
            here = rows[start:end]
            found.append(
                {
                    "fold": fold.value,
                    "original": models["id"][int(original[number])],
                    "part": part,
                    "models": end - start,
                    "ids": known["id"].gather(here),
                    "names": _BETWEEN.join(names.gather(here)),
                    **{f"{name}_rank": _encoded(rank[start:end].astype(_RANK)) for name, rank in ranks.items()},
                    **{key: text for name in FACTS for key, text in _fact(name, *texts[name], here)},
                }
            )
    return pl.DataFrame(found, schema=_SCHEMA)


def ranks(text: str) -> Codes:
    """The ranks of a part's models in their group. Shape: (models,)."""
    return np.frombuffer(b64decode(text), dtype=_RANK)


def fact(values: str, codes: str) -> tuple[list[Any], Codes]:
    """The values of a fact that occur in a part, and for each model which of them it has. Shape: (models,)."""
    found: list[Any] = orjson.loads(values)
    return found, np.frombuffer(b64decode(codes), dtype=_code(len(found)))


def _json(frame: pl.DataFrame, column: str) -> pl.Series:
    """The values of a column, each as JSON, unknown ones as null."""
    return frame.select(pl.struct(column).struct.json_encode().str.slice(len(column) + 4).str.head(-1)).to_series()


def holds(names: str, text: str) -> npt.NDArray[np.bool_]:
    """Whether each of a part's names holds this text, which is in lower case. Shape: (models,)."""
    searched, wanted, between = names.encode(), text.encode(), _BETWEEN.encode()
    ends = np.flatnonzero(np.frombuffer(searched + between, dtype=np.uint8) == ord(between))
    hit = np.zeros(len(ends), dtype=np.bool_)
    at = -1 if between in wanted else searched.find(wanted)
    while at >= 0:
        row = int(np.searchsorted(ends, at))
        hit[row] = True
        at = searched.find(wanted, int(ends[row]))  # one hit a name is enough
    return hit


def _code(values: int) -> str:
    return "<u1" if values <= 2**8 else "<u2"  # a part has fewer than 2^16 models


def _fact(name: str, texts: list[str], numbers: Numbers, rows: Numbers) -> Iterator[tuple[str, str]]:
    occur, codes = np.unique(numbers[rows], return_inverse=True)
    yield f"{name}_values", f"[{','.join(texts[number] for number in occur.tolist())}]"
    yield f"{name}_codes", _encoded(codes.astype(_code(len(occur))))


def _numbered(texts: pl.Series) -> tuple[list[str], Numbers]:
    """The distinct texts in order, and the number of each row's."""
    distinct = texts.unique().sort()
    return distinct.to_list(), distinct.search_sorted(texts).to_numpy().astype(np.int64)


def _places(key: pl.Series) -> Numbers:
    """The place of each row when sorted by key, equal ones in their order."""
    order = pl.select(pl.arange(len(key)).sort_by(key, maintain_order=True)).to_series().to_numpy()
    place = np.empty(len(key), np.int64)
    place[order] = np.arange(len(key))
    return place


def _within(places: Numbers, group: Numbers, starts: Numbers) -> Numbers:
    """The rank of each row within its group by these places. ``starts``: (groups,) the first row of each."""
    rank = np.empty(len(places), np.int64)
    rank[np.lexsort((places, group))] = np.arange(len(places)) - starts[group]
    return rank


def _parts(starts: Numbers, sizes: Numbers) -> Iterator[tuple[int, int, int, int]]:
    """(number of the group, of its part, first row, last row and one)."""
    for number, (start, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
        for part, first in enumerate(range(0, size, PART)):
            yield number, part, start + first, start + min(first + PART, size)


def _encoded(numbers: npt.NDArray[Any]) -> str:
    return b64encode(numbers.tobytes()).decode("ascii")
