"""This file knows how model records lie packed: one line of numbers and one line of text a model, so that reading a model
touches a few pages of memory and not one for each field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl

from graph.records import ModelRecord, Relation, State
from graph.stores.embedded.arrays import Array, Shelf
from graph.stores.embedded.names import Texts

UNKNOWN = np.iinfo(np.int64).min  # stands for null among whole numbers; NaN among the others
_WHOLE = (
    "created_at",
    "modified_at",
    "parameters",
    "context_length",
    "downloads",
    "downloads_all_time",
    "likes",
    "generation",
    "descendants",
    "base_models",
)
_WORDS = (
    "id",
    "hub_id",
    "author",
    "task",
    "library",
    "licence",
    "dtype",
    "architecture",
    "sha",
    "gated",
    "new_version",
)
_LISTS = ("tags", "languages")
_STATES = list(State)
_RELATIONS = list(Relation)
_LINE = np.dtype(
    [*((name, "<i8") for name in _WHOLE), ("trending", "<f8"), ("relations", "<u2"), ("state", "u1"), ("pad", "u1", 4)]
)
# Between words, and between the items of a list. What a word holds of these itself is written as two other characters.
_FIELD, _ITEM, _ESCAPE = "\x1f", "\x1e", "\x1b"
_ESCAPED = {_ESCAPE: _ESCAPE + "e", _FIELD: _ESCAPE + "f", _ITEM: _ESCAPE + "i"}


class Packed:
    """The records of all models, by row."""

    def __init__(self, shelf: Shelf) -> None:
        self._lines = shelf.get("record_numbers")
        self._texts = Texts(shelf, "record")
        self._relations: dict[int, tuple[Relation, ...]] = {}

    @staticmethod
    def build(shelf: Shelf, models: pl.DataFrame) -> None:
        """Write the records of these rows; times are milliseconds since 1970."""
        lines = np.zeros(models.height, dtype=_LINE)
        for name in _WHOLE:
            lines[name] = models[name].cast(pl.Int64).fill_null(UNKNOWN).to_numpy()
        lines["trending"] = models["trending"].fill_null(float("nan")).to_numpy()
        lines["relations"] = relation_bits(models)
        lines["state"] = (
            models["state"]
            .replace_strict({state.value: at for at, state in enumerate(_STATES)}, return_dtype=pl.UInt8)
            .to_numpy()
        )
        shelf.put("record_numbers", lines)
        Texts.build(shelf, "record", _joined(models), ended=True)

    def hub_id(self, row: int) -> str | None:
        """The permanent id of one model."""
        return _plain(self._texts[row].split(_FIELD, 2)[1]) or None

    def is_missing(self, row: int) -> bool:
        """Whether a model was named and never seen."""
        return bool(self._lines["state"][row] == _STATES.index(State.MISSING))

    def many(self, rows: Sequence[int]) -> list[ModelRecord]:
        """The records of these rows."""
        if not rows:
            return []
        where: Array = np.array(rows, dtype=np.int64)
        return [
            self._record(line, text)
            for line, text in zip(self._lines[where].tolist(), self._texts.many(where), strict=True)
        ]

    def _record(self, line: tuple[int, ...], text: str) -> ModelRecord:
        created, modified, parameters, context, downloads, ever, likes, generation, descendants, bases = [
            None if value == UNKNOWN else value for value in line[:10]
        ]
        trending, bits, state = line[10:13]
        words = [word or None for word in text.split(_FIELD)]
        if _ESCAPE in text:
            words = [word and _plain(word) for word in words[: len(_WORDS)]] + words[len(_WORDS) :]
        id, hub_id, author, task, library, licence, dtype, architecture, sha, gated, new_version, tags, languages = (
            words
        )
        return ModelRecord(
            id or "",
            hub_id,
            author,
            _STATES[state],
            None if created is None else datetime.fromtimestamp(created / 1000, UTC),
            None if modified is None else datetime.fromtimestamp(modified / 1000, UTC),
            task,
            library,
            licence,
            parameters,
            dtype,
            architecture,
            context,
            downloads,
            ever,
            likes,
            None if trending != trending else trending,  # noqa: PLR0124 - NaN
            sha,
            gated,
            _items(tags),
            _items(languages),
            self._relations_of(bits),
            generation,
            descendants,
            bases,
            new_version,
        )

    def _relations_of(self, bits: int) -> tuple[Relation, ...]:
        found = self._relations.get(bits)
        if found is None:
            words = sorted(word for at, word in enumerate(_RELATIONS) if bits >> at & 1)
            found = self._relations[bits] = tuple(words)
        return found


def relation_bits(models: pl.DataFrame) -> Array:
    """(models,) uint16: bit ``n`` says that the model has the n-th relation to some base model."""
    bits = pl.sum_horizontal(
        [
            pl.col("relations").list.contains(word.value).cast(pl.UInt16) * (1 << at)
            for at, word in enumerate(_RELATIONS)
        ]
    )
    return models.select(bits=bits.cast(pl.UInt16))["bits"].to_numpy()


def _joined(models: pl.DataFrame) -> pl.Series:
    """(models,) the words and lists of each model as one text, with a line end."""

    def lines(of: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
        words = [of(pl.col(name)).fill_null("") for name in _WORDS]
        lists = [pl.col(name).list.eval(of(pl.element())).list.join(_ITEM).fill_null("") for name in _LISTS]
        lists[-1] = lists[-1] + "\n"
        return models.select(line=pl.concat_str([*words, *lists], separator=_FIELD))["line"]

    plain = lines(lambda text: text)
    items = sum((models[name].list.len().fill_null(0).cast(pl.Int64) - 1).clip(0) for name in _LISTS)
    marks = plain.to_frame("line").select(
        fields=pl.col("line").str.count_matches(_FIELD, literal=True),
        items=pl.col("line").str.count_matches(_ITEM, literal=True),
        escapes=pl.col("line").str.contains(_ESCAPE, literal=True),
    )
    as_meant = (
        (marks["fields"] == len(_WORDS) + len(_LISTS) - 1).all()
        and (marks["items"] == items).all()
        and not marks["escapes"].any()
    )
    return plain if as_meant else lines(lambda text: text.str.replace_many([*_ESCAPED], [*_ESCAPED.values()]))


def _plain(text: str) -> str:
    """The text that ``_safe`` was given."""
    if _ESCAPE not in text:
        return text
    for plain, escaped in reversed(_ESCAPED.items()):
        text = text.replace(escaped, plain)
    return text


def _items(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    items = tuple(text.split(_ITEM))
    return tuple(map(_plain, items)) if _ESCAPE in text else items
