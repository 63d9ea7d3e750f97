"""This file knows how the arrays are made by which models are chosen, ordered, folded and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial

import numpy as np
import polars as pl

from graph.contradictions import all_contradictions
from graph.coverage import coverage
from graph.derived import Derived
from graph.frames import Frames, Numbers, numbered
from graph.groups import ordered
from graph.sizes import size_class
from graph.standard import SHIPPED
from graph.store import Collapse
from graph.stores.arrays.names import Groups, Names, Texts, folded
from graph.stores.arrays.shelf import Array, Shelf
from graph.stores.lists.coding import CODED, EVIDENCE, FLOATS, KINDS, RELATIONS, UNKNOWN, VALUES, Ranks, bits

COVERAGE = "coverage"  # what the snapshot holds: the counts of ``graph.store.Coverage``


def originals_in(lists: Shelf) -> dict[Collapse, Numbers]:
    """For each way to fold the number of the original of each model's group, as kept in these arrays. Shapes: (models,)."""
    order = lists.get("name_rank")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order), dtype=order.dtype)
    return {mode: order[lists.get(f"fold_{mode.value}")[rank]].astype(np.int64) for mode in Collapse}


def steps_of_lists(derived: Derived, models: pl.DataFrame, ranks: Ranks, shelf: Shelf) -> Iterator[Callable[[], None]]:
    """What writes the arrays onto the shelf, in parts that may run at once."""
    tables = derived.frames
    yield partial(_models, models, ranks, derived.standings, shelf)
    yield partial(_folds, derived.groups, shelf, ranks)
    yield partial(_coverage, tables, derived.groups, shelf)
    yield partial(_evidence, tables, shelf, ranks)
    yield partial(_datasets, tables, shelf, ranks)
    yield partial(_domains, tables, shelf, ranks)
    yield partial(_contradictions, tables, derived.groups, shelf, ranks)


def _models(models: pl.DataFrame, ranks: Ranks, standings: pl.DataFrame, shelf: Shelf) -> None:
    """What models are filtered and ordered by."""
    ids = models["id"].gather(ranks.order)
    Texts.build(shelf, "id", ids)
    Texts.build(shelf, "folded", folded(ids))
    del ids
    shelf.put("name_rank", ranks.order)
    for name in VALUES:
        values = _standing(models["id"], standings) if name == "standing" else models[name]
        if name in FLOATS:
            array: Array = values.fill_null(-np.inf).to_numpy()
            falling = -array
        else:
            known = values.is_not_null().to_numpy()
            array = values.cast(pl.Int64).fill_null(UNKNOWN).to_numpy()
            least = array.min(where=known, initial=0) - 1  # unknown near the others, so that all have room in a word
            falling = ~np.where(known, array, least)
        shelf.put(f"value_{name}", array[ranks.order])
        if name != "downloads":
            shelf.put(f"order_{name}", ranks.rows(ordered(falling)))
    for name in CODED:
        _codes(shelf, name, models[name], ranks)
    created = models["created_at"].cast(pl.Datetime("ms")).dt.year().cast(pl.String)
    _codes(shelf, "year", created, ranks)
    _codes(shelf, "size", models.select(size=size_class())["size"], ranks)
    roots = (models["base_models"].fill_null(0) == 0).to_numpy().astype(np.uint16)
    relations = bits(models["relations"], RELATIONS, np.uint16)
    shelf.put("relations", ((relations << 1) + roots)[ranks.order])
    shelf.put("standards", bits(models["standards"], SHIPPED, np.uint8)[ranks.order])


def _standing(ids: pl.Series, standings: pl.DataFrame) -> pl.Series:
    """What each model's standing is."""
    if standings.is_empty():
        return pl.repeat(None, len(ids), dtype=pl.Float64, eager=True)
    stood = standings.select(id="model", standing="probability")
    return ids.to_frame("id").join(stood, on="id", how="left", maintain_order="left")["standing"]


def _folds(groups: Mapping[Collapse, Numbers], shelf: Shelf, ranks: Ranks) -> None:
    """The original of each model's group, for each way to fold."""
    for mode, original in groups.items():
        shelf.put(f"fold_{mode.value}", ranks.rows(original[ranks.order]))


def _coverage(tables: Frames, groups: Mapping[Collapse, Numbers], shelf: Shelf) -> None:
    shelf.put_facts(COVERAGE, asdict(coverage(tables, groups)))


def _evidence(tables: Frames, shelf: Shelf, ranks: Ranks) -> None:
    """What claims about the base models of each model rest on, as bits."""
    told = np.zeros(len(ranks.rank), dtype=np.uint8)
    row = ranks.rows(tables.numbers("derivations", "model"))
    np.bitwise_or.at(told, row, bits(tables.frame("derivations", ["evidence"])["evidence"], EVIDENCE, np.uint8))
    shelf.put("evidence", told)


def _datasets(tables: Frames, shelf: Shelf, ranks: Ranks) -> None:
    """The names of datasets, and the rows of the models that say they were trained on each."""
    ids = tables.frame("datasets", ["id"])["id"]
    Names.build(shelf, "dataset", ids)
    row = ranks.rows(tables.numbers("trainings", "model"))
    place = numbered(tables.frame("trainings", ["dataset"])["dataset"], ids)
    Groups.build(shelf, "trained", place, row, len(ids))


def _domains(tables: Frames, shelf: Shelf, ranks: Ranks) -> None:
    """The rows of models that have results in each domain."""
    number = tables.numbers("abilities", "model")
    named = tables.frame("abilities", ["domains"]).with_columns(row=pl.Series(number)).filter(pl.col("row") >= 0)
    pairs = named.explode("domains").drop_nulls()
    words = pairs["domains"].unique().sort()
    Texts.build(shelf, "domain", words)
    place = numbered(pairs["domains"], words)
    Groups.build(shelf, "measured", place, ranks.rows(pairs["row"].to_numpy()), len(words))


def _codes(shelf: Shelf, name: str, values: pl.Series, ranks: Ranks) -> None:
    """Numbers for words, in the order of the words; unknown is one past the last. Also the rows of each word."""
    words = values.drop_nulls().unique().sort()
    codes = (
        values.to_frame("word")
        .join(words.to_frame("word").with_row_index("code"), on="word", how="left", maintain_order="left")["code"]
        .fill_null(len(words))
        .to_numpy()
    )[ranks.order]
    small = np.uint8 if len(words) < 256 else np.uint16 if len(words) < 65_536 else np.uint32
    shelf.put(f"code_{name}", codes.astype(small))
    Texts.build(shelf, f"word_{name}", words)
    if name == "author":
        Groups.build(shelf, "author", codes, np.arange(len(codes)), len(words) + 1)


def _contradictions(tables: Frames, groups: Mapping[Collapse, Numbers], shelf: Shelf, ranks: Ranks) -> None:
    """Contradictions of weights with what is said, by (model's rank, base model's name)."""
    rows, ids = all_contradictions(tables, lambda: groups[Collapse.COPIES]), tables.frame("models", ["id"])["id"]
    order = ordered(ranks.rows(numbered(rows["model"], ids)))
    rows = rows[order]
    kinds = rows["kind"].replace_strict({word: at for at, word in enumerate(KINDS)}, return_dtype=pl.UInt8)
    shelf.put("contradiction_model", ranks.rows(numbered(rows["model"], ids)))
    shelf.put("contradiction_base", ranks.rows(numbered(rows["base_model"], ids)))
    shelf.put("contradiction_kind", kinds.to_numpy())
    shelf.put("contradiction_probability", rows["probability"].to_numpy())
