"""This file knows which models pass a filter, in which order, and how they count: NumPy on codes, stopping as soon as it may.

A page walks the rows in the asked order, block by block, and stops when it is full; only counts and facets look at every row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from graph.standard import SHIPPED
from graph.store import ROOT, Collapse, Facet, FacetCount, Key, ModelFilter, Order
from graph.stores.arrays.names import Groups, Names, Texts
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.lists.coding import CODED, EVIDENCE, FLOATS, RELATIONS, UNKNOWN, VALUES

Mask = npt.NDArray[np.bool_]
Test = Callable[[Array | slice], Mask]
_FIRST_BLOCK, _LARGEST_BLOCK = 4_096, 131_072
_ORDERED_BY = {
    Order.DOWNLOADS: "downloads",
    Order.LIKES: "likes",
    Order.TRENDING: "trending",
    Order.CREATED: "created_at",
    Order.MODIFIED: "modified_at",
    Order.PARAMETERS: "parameters",
    Order.NOVELTY: "novelty",
    Order.ABILITY: "ability",
    Order.STANDING: "standing",
}
_IN_FLOATS = frozenset(order for order, name in _ORDERED_BY.items() if name in FLOATS)
_CODED_FACETS = {
    Facet.TASK: "task",
    Facet.LIBRARY: "library",
    Facet.LICENCE: "licence",
    Facet.AUTHOR: "author",
    Facet.STATE: "state",
    Facet.YEAR: "year",
    Facet.SIZE: "size",
    Facet.NOVELTY: "novelty_class",
}


class Selection:
    """Filters, orders and counts over the models of one snapshot.

    ``ids`` are the names of rows, ``name_rank`` is the place of each by name, ``datasets`` are the names of datasets by number.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.ids = Texts(shelf, "id")
        self.datasets = Names(shelf, "dataset")
        self._trained = Groups(shelf, "trained")
        self._count = len(self.ids)
        self._folded = Texts(shelf, "folded", search=True)
        self.name_rank = shelf.get("name_rank")
        self._values = {name: shelf.get(f"value_{name}") for name in VALUES}
        self._orders = {order: shelf.get(f"order_{name}") for order, name in _ORDERED_BY.items() if name != "downloads"}
        names = (*CODED, "year", "size")
        self._codes = {name: shelf.get(f"code_{name}") for name in names}
        self._words = {name: Texts(shelf, f"word_{name}") for name in names}
        self._relations = shelf.get("relations")
        self._evidence = shelf.get("evidence")
        self._standards = shelf.get("standards")
        self._authors = Groups(shelf, "author")
        self._words["domain"] = Texts(shelf, "domain")
        self._measured = Groups(shelf, "measured")
        self._measured_in = lru_cache(maxsize=8)(self._mask_of_domains)
        self._folds = {mode: shelf.get(f"fold_{mode.value}") for mode in Collapse}
        self._folded_rows = lru_cache(maxsize=4)(self._fold)  # up to 20 MB each for millions of models
        self._with_text = lru_cache(maxsize=32)(self._rows_with_text)
        self.count = lru_cache(maxsize=1024)(self._count_rows)
        self._counted = lru_cache(maxsize=512)(self._count_by)

    def page(self, where: ModelFilter, order: Order, first: int, after: Key | None) -> tuple[list[int], bool]:
        """(rows of the next page, whether more follow)."""
        tests = self._tests(where)
        few = self._few(where)
        begin = self.place(order, after) if after else 0
        if tests is None or (few is not None and not len(few)):
            return [], False
        if few is not None:
            kept = few[self._all(tests, few)] if tests else few
            rows = self._sorted(kept, order)
            rows = rows[int(np.searchsorted(self._rank(rows, order), begin)) :] if after else rows
            return rows[:first].tolist(), len(rows) > first
        if where.text and order is Order.DOWNLOADS:
            return self._page_of_text(where.text.lower(), tests, begin, first)
        if where.text:
            hit = np.zeros(self._count, dtype=bool)
            hit[self._with_text(where.text.lower())] = True
            tests = [lambda rows: hit[rows], *tests]
        found: list[int] = []
        block = _FIRST_BLOCK
        permutation = self._orders.get(order)
        while begin < self._count and len(found) <= first:
            end = min(begin + block, self._count)
            rows = np.arange(begin, end) if permutation is None else permutation[begin:end]
            passing = rows[self._all(tests, slice(begin, end) if permutation is None else rows)] if tests else rows
            found += passing[: first + 1 - len(found)].tolist()
            begin, block = end, min(block * 2, _LARGEST_BLOCK)
        return found[:first], len(found) > first

    def rows(self, where: ModelFilter) -> Array:
        """All rows that pass, ascending."""
        mask = self._mask(where)
        return np.arange(self._count) if mask is None else np.flatnonzero(mask)

    def folded_page(
        self, where: ModelFilter, mode: Collapse, order: Order, first: int, after: Key | None
    ) -> tuple[list[int], list[int], bool]:
        """(rows of the next page, how many fold under each, whether more follow)."""
        rows, folded = self._folded_rows(where, mode, order)
        begin = self._after(rows, order, after) if after else 0
        end = begin + first
        return rows[begin:end].tolist(), folded[begin:end].tolist(), len(rows) > end

    def folded_count(self, where: ModelFilter, mode: Collapse) -> int:
        """How many groups have a model that passes."""
        mask = self._mask(where)
        groups = self._folds[mode] if mask is None else self._folds[mode][mask]
        return int(np.count_nonzero(np.bincount(groups, minlength=1)))

    def _fold(self, where: ModelFilter, mode: Collapse, order: Order) -> tuple[Array, Array]:
        """(the rows that stand for their groups, in order; how many others of each group pass)."""
        mask, permutation = self._mask(where), self._orders.get(order)
        rows = np.arange(self._count, dtype=np.int32) if permutation is None else np.asarray(permutation)
        rows = rows if mask is None else rows[mask[rows]]
        group = self._folds[mode][rows]
        tally = np.bincount(group, minlength=1)
        kept = group == rows
        if mask is not None:  # where the original does not pass, the first of each group in the order
            apart = np.flatnonzero(~mask[group])
            first = np.empty(len(tally), dtype=np.int64)
            first[group[apart[::-1]]] = apart[::-1]  # is written last
            kept[first[group[apart]]] = True
        return rows[kept], (tally[group[kept]] - 1).astype(np.int32)

    def key(self, row: int, order: Order) -> Key:
        """The place of a row in an order."""
        value = self._values[_ORDERED_BY[order]][row].item()
        unknown = value == (-np.inf if order in _IN_FLOATS else UNKNOWN)
        return Key(None if unknown else value, self.ids[row])

    def facets(self, where: ModelFilter, by: Sequence[Facet], first: int) -> list[FacetCount]:
        """Counts by facet."""
        return [count for facet in by for count in self._counted(where, facet)[:first]]

    def _count_rows(self, where: ModelFilter) -> int:
        mask = self._mask(where)
        return self._count if mask is None else int(np.count_nonzero(mask))

    def _count_by(self, where: ModelFilter, facet: Facet) -> tuple[FacetCount, ...]:
        mask = self._mask(where)
        if facet is Facet.FAMILY:
            groups = self._folds[Collapse.FAMILY]
            tally = np.bincount(groups if mask is None else groups[mask], minlength=1)
            pairs: list[tuple[str | None, int]] = [(self.ids[row], int(tally[row])) for row in _most(tally).tolist()]
        elif facet is Facet.RELATION:
            pairs = _by_bit(self._relations if mask is None else self._relations[mask], [ROOT, *RELATIONS])
        elif facet is Facet.EVIDENCE:
            pairs = _by_bit(self._evidence if mask is None else self._evidence[mask], EVIDENCE)
        elif facet is Facet.DOMAIN:
            lists = [self._measured.of(code) for code in range(len(self._words["domain"]))]
            counts = [len(rows) if mask is None else int(np.count_nonzero(mask[rows])) for rows in lists]
            pairs = [(self._words["domain"][code], count) for code, count in enumerate(counts) if count]
        else:
            name = _CODED_FACETS[facet]
            words, codes = self._words[name], self._codes[name]
            tally = np.bincount(codes if mask is None else codes[mask], minlength=len(words) + 1)
            present = _most(tally).tolist()
            pairs = [(words[code] if code < len(words) else None, int(tally[code])) for code in present]
        pairs.sort(key=lambda pair: (-pair[1], pair[0] is None, (pair[0] or "").encode()))
        return tuple(FacetCount(facet, value, count) for value, count in pairs[:1_000])

    def _mask(self, where: ModelFilter) -> Mask | None:
        """Which of all models pass; None when all do."""
        tests = self._tests(where)
        if tests is None:
            return np.zeros(self._count, dtype=bool)
        few = self._few(where)
        if few is None and not where.text:
            return self._all(tests, slice(0, self._count)) if tests else None
        rows = few if few is not None else self._with_text((where.text or "").lower())
        mask = np.zeros(self._count, dtype=bool)
        mask[rows[self._all(tests, rows)] if tests else rows] = True
        return mask

    def _few(self, where: ModelFilter) -> Array | None:
        """Rows, ascending, from the most selective part of the filter that has a list of its rows; None when none has."""
        few: Array | None = None
        if where.dataset is not None:
            number = self.datasets.number(where.dataset)
            few = np.empty(0, dtype=np.int32) if number is None else self._trained.of(number)
        if where.authors:
            lists = [self._authors.of(code) for code in self._codes_of("author", where.authors)]
            written = np.sort(np.concatenate(lists)) if lists else np.empty(0, dtype=np.int32)
            few = written if few is None else np.intersect1d(few, written, assume_unique=True)
        if few is not None and where.text:
            part = where.text.lower()
            few = np.array([row for row in few.tolist() if part in self._folded[row]], dtype=np.int64)
        return few

    def _codes_of(self, name: str, words: Sequence[str]) -> list[int]:
        known = self._words[name]
        places = {word: known.place(word) for word in words}
        return [place for word, place in places.items() if place < len(known) and known[place] == word]

    def _tests(self, where: ModelFilter) -> list[Test] | None:
        """One test a field that is not looked up elsewhere; None when nothing can pass."""
        tests: list[Test] = []
        coded = (
            ("task", where.tasks),
            ("library", where.libraries),
            ("licence", where.licences),
            ("state", where.states),
            ("novelty_class", where.novelty_classes),
        )
        for name, words in coded:
            if words:
                codes = self._codes_of(name, words)
                if not codes:
                    return None
                tests.append(_is_in(self._codes[name], codes, len(self._words[name]) + 1))
        if where.standards:
            if not set(where.standards) <= set(SHIPPED):
                return None
            all_of = np.uint8(sum({1 << SHIPPED.index(name) for name in where.standards}))
            met = self._standards
            tests.append(lambda rows: (met[rows] & all_of) == all_of)
        if where.relations:
            bits = sum({1 << [ROOT, *RELATIONS].index(word) for word in where.relations})
            relations, wanted = self._relations, np.uint16(bits)
            tests.append(lambda rows: (relations[rows] & wanted) != 0)
        if where.evidence:
            told, any_of = self._evidence, np.uint8(sum({1 << EVIDENCE.index(word.value) for word in where.evidence}))
            tests.append(lambda rows: (told[rows] & any_of) != 0)
        if where.domains:
            measured = self._measured_in(where.domains)
            tests.append(lambda rows: measured[rows])
        tests += _between(self._values["parameters"], where.parameters_min, where.parameters_max)
        tests += _between(self._values["novelty"], where.novelty_min, where.novelty_max)
        last = None if where.created_until is None else _milliseconds(where.created_until, up=True) - 1
        tests += _between(
            self._values["created_at"],
            None if where.created_from is None else _milliseconds(where.created_from, up=True),
            last,
        )
        return tests

    @staticmethod
    def _all(tests: Sequence[Test], rows: Array | slice) -> Mask:
        passing = tests[0](rows)
        for test in tests[1:]:
            passing = passing & test(rows)
        return passing

    def _mask_of_domains(self, domains: tuple[str, ...]) -> Mask:
        mask = np.zeros(self._count, dtype=bool)
        for code in self._codes_of("domain", domains):
            mask[self._measured.of(code)] = True
        return mask

    def _rows_with_text(self, part: str) -> Array:
        return self._folded.all_containing(part)

    def _page_of_text(self, part: str, tests: Sequence[Test], begin: int, first: int) -> tuple[list[int], bool]:
        found: list[int] = []
        waiting: list[int] = []
        for row in self._folded.containing(part, begin):
            if not tests:
                found.append(row)
            else:
                waiting.append(row)
                if len(waiting) == 512:
                    found += np.array(waiting)[self._all(tests, np.array(waiting))].tolist()
                    waiting = []
            if len(found) > first:
                break
        if waiting and len(found) <= first:
            found += np.array(waiting)[self._all(tests, np.array(waiting))].tolist()
        return found[:first], len(found) > first

    def _sorted(self, rows: Array, order: Order) -> Array:
        if order is Order.DOWNLOADS:
            return rows
        values = self._values[_ORDERED_BY[order]][rows]
        return rows[np.lexsort((self.name_rank[rows], -values if order in _IN_FLOATS else ~values))]

    def _rank(self, rows: Array, order: Order) -> Array:
        """The places of rows in an order, given in that order."""
        permutation = self._orders.get(order)
        return rows if permutation is None else np.array([self._place_of_row(int(row), order) for row in rows])

    def _place_of_row(self, row: int, order: Order) -> int:
        return self._bisect(order, self._values[_ORDERED_BY[order]][row].item(), int(self.name_rank[row]))

    def place(self, order: Order, after: Key) -> int:
        """The first place in an order that comes after a key, whether or not a row has that key."""
        return self._after(self._orders.get(order), order, after)

    def _after(self, rows: Array | None, order: Order, after: Key) -> int:
        """The first place among rows in an order (None: all, by number) that comes after a key."""
        unknown = -np.inf if order in _IN_FLOATS else UNKNOWN
        value = unknown if after.value is None else after.value
        low, high = 0, self._count if rows is None else len(rows)
        values, wanted = self._values[_ORDERED_BY[order]], after.id.encode()
        while low < high:
            middle = (low + high) // 2
            row = middle if rows is None else int(rows[middle])
            here = values[row].item()
            if here > value or (here == value and self.ids[row].encode() <= wanted):
                low = middle + 1
            else:
                high = middle
        return low

    def _bisect(self, order: Order, value: float, name_rank: int) -> int:
        low, high = 0, self._count
        values, permutation = self._values[_ORDERED_BY[order]], self._orders[order]
        while low < high:
            middle = (low + high) // 2
            row = int(permutation[middle])
            here = values[row].item()
            if here > value or (here == value and self.name_rank[row] < name_rank):
                low = middle + 1
            else:
                high = middle
        return low


def _most(tally: Array) -> Array:
    """The places of the largest counts above 0: a thousand, and those that tie with the last of them."""
    present = np.flatnonzero(tally)
    if len(present) > 1_000:
        present = present[tally[present] >= np.partition(tally[present], -1_000)[-1_000]]
    return present


def _by_bit(bits: Array, words: Sequence[str]) -> list[tuple[str | None, int]]:
    """How many rows have each word, of which bit ``n`` tells the n-th; words of none are absent."""
    combined = np.bincount(bits, minlength=1)
    sets = np.flatnonzero(combined)
    counts = {word: int(combined[sets[(sets >> at) & 1 == 1]].sum()) for at, word in enumerate(words)}
    return [(word, count) for word, count in counts.items() if count]


def _is_in(codes: Array, wanted: Sequence[int], words: int) -> Test:
    if len(wanted) == 1:
        one = codes.dtype.type(wanted[0])
        return lambda rows: codes[rows] == one
    table = np.zeros(words, dtype=bool)
    table[list(wanted)] = True
    return lambda rows: table[codes[rows]]


def _between(values: Array, least: float | None, most: float | None) -> list[Test]:
    """Tests for bounds, both inclusive; unknown passes no bound."""
    if least is None and most is None:
        return []
    lowest = np.finfo(values.dtype).min if values.dtype.kind == "f" else UNKNOWN + 1
    low = lowest if least is None else least
    tests: list[Test] = [lambda rows: values[rows] >= low]
    if most is not None:
        tests.append(lambda rows: values[rows] <= most)
    return tests


def _milliseconds(time: datetime, *, up: bool) -> int:
    whole = time.timestamp() * 1000
    return int(np.ceil(whole)) if up else int(whole)
