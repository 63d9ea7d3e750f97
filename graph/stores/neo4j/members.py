"""This file knows the form of the tables of members that lie beside large groups: what filters and orders ask of their models.

A server reads a property in microseconds: of a family of 100,000 models, whose whole count a folded list shows, that is most of a
second. So the models of each large group are written down once more, in the order of their names, a node for each column of a few
thousand models: of a fact the values that occur (JSON) and which of them each model has, of an order the rank of each model in its
group, the first of the order first. Codes and ranks are unsigned little-endian numbers in base64. Names are a list, from which one
is taken, and in lower case one text, in which is searched. A question reads the columns that it needs, and counts in process; a
load writes those that changed, told by their digests.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from hashlib import blake2b
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
NAMES, IDS = "names", "ids"  # the columns beside facts and ranks
KEY = ("fold", "original", "column", "part")
DIGEST = "digest"
Codes = npt.NDArray[np.unsignedinteger[Any]]
_BETWEEN = "\n"  # the names of a part, which have no white space
_RANK = "<u4"
_SCHEMA = pl.Schema(
    [
        *[("fold", pl.String()), ("original", pl.String()), ("column", pl.String()), ("part", pl.Int64())],
        *[("models", pl.Int64()), ("values", pl.String()), ("codes", pl.String()), ("ids", pl.List(pl.String()))],
        (DIGEST, pl.String()),
    ]
)


def json_of(column: str) -> pl.Expr:
    """The values of a column, each as JSON, unknown ones as null."""
    return pl.struct(column).struct.json_encode().str.slice(len(column) + 4).str.head(-1)


def rank_of(order: str) -> str:
    """The column that says ranks in an order."""
    return f"{order}_rank"


def tables(models: pl.DataFrame, groups: Mapping[Collapse, Numbers]) -> pl.DataFrame:
    """One row a node: the way to fold, the original, the column, the number of the part, how many models it has, and what it says.

    ``models``: ``id`` in ascending order, the facts, and by each order's name with ``_key`` what it sorts by, ascending.
    ``groups``: by the way to fold the number of each model's original. Shapes: (models,).
    """
    large = {fold: np.flatnonzero(np.bincount(of, minlength=1)[of] >= LARGE) for fold, of in groups.items()}
    listed = np.unique(np.concatenate([*large.values(), np.empty(0, np.int64)]))
    known = models[listed]
    texts = {name: _numbered(known.select(json_of(name)).to_series()) for name in FACTS}
    ids, names = known["id"].to_list(), known["id"].str.to_lowercase().to_list()
    places = {name: _places(known[f"{name}_key"]) for name in ORDERS}
    found: list[tuple[object, ...]] = []
    for fold, of in groups.items():
        rows = np.searchsorted(listed, large[fold][np.argsort(of[large[fold]], kind="stable")])
        originals, starts, sizes = np.unique(of[listed[rows]], return_index=True, return_counts=True)
        group = np.repeat(np.arange(len(originals)), sizes)
        ranks = {name: _within(place[rows], group, starts) for name, place in places.items()}
        for number, part, start, end in _parts(starts, sizes):
            here = rows[start:end]
            those = here.tolist()
            columns: dict[str, tuple[str | None, str | None, list[str] | None]] = {
                IDS: (None, None, [ids[row] for row in those]),
                NAMES: (_BETWEEN.join([names[row] for row in those]), None, None),
                **{
                    rank_of(name): (None, _encoded(rank[start:end].astype(_RANK)), None) for name, rank in ranks.items()
                },
                **{name: (*_fact(*texts[name], here), None) for name in FACTS},
            }
            original = models["id"][int(originals[number])]
            found += [
                (fold.value, original, name, part, end - start, *said, _digest(*said)) for name, said in columns.items()
            ]
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


def ranks(codes: str) -> Codes:
    """The ranks of a part's models in their group. Shape: (models,)."""
    return np.frombuffer(b64decode(codes), dtype=_RANK)


def fact(values: str, codes: str) -> tuple[list[Any], Codes]:
    """The values of a fact that occur in a part, and for each model which of them it has. Shape: (models,)."""
    found: list[Any] = orjson.loads(values)
    return found, np.frombuffer(b64decode(codes), dtype=_code(len(found)))


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


def _fact(texts: list[str], numbers: Numbers, rows: Numbers) -> tuple[str, str]:
    occur, codes = np.unique(numbers[rows], return_inverse=True)
    return f"[{','.join([texts[number] for number in occur.tolist()])}]", _encoded(codes.astype(_code(len(occur))))


def _digest(values: str | None, codes: str | None, ids: list[str] | None) -> str:
    """16 hex digits of what a column says."""
    said = "".join((values or "", codes or "", *(ids or ())))
    return blake2b(said.encode(), digest_size=8).hexdigest()


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
