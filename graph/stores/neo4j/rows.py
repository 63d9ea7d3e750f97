"""This file knows how a list that Cypher returns becomes a record; the order of values is that of the query files."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from graph.records import (
    AbilityRecord,
    ClaimRecord,
    DatasetRecord,
    DerivationRecord,
    Evidence,
    FileRecord,
    ModelRecord,
    NoveltyRecord,
    Relation,
    ResultRecord,
    SimilarRecord,
    StandingRecord,
    State,
    SuccessorRecord,
    TensorRecord,
    TrainingRecord,
    WeightsRecord,
)
from graph.store import EVERY_FIELD

Row = Sequence[Any]  # one value of Bolt each
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATES = {state.value: state for state in State}
_RELATIONS = {relation.value: relation for relation in Relation}
_EVIDENCE = {evidence.value: evidence for evidence in Evidence}


def time(value: int | None) -> datetime | None:
    """A time from milliseconds since 1970."""
    return None if value is None else _EPOCH + timedelta(milliseconds=value)


def model(row: Row) -> ModelRecord:
    """30 values in the order of ModelRecord."""
    (id, hub_id, author, state, created_at, modified_at) = row[:6]
    return ModelRecord(
        id,
        hub_id,
        author,
        _STATES[state],
        time(created_at),
        time(modified_at),
        row[6],
        row[7],
        row[8],
        row[9],
        row[10],
        row[11],
        row[12],
        row[13],
        row[14],
        row[15],
        row[16],
        row[17],
        row[18],
        tuple(row[19] or ()),
        tuple(row[20] or ()),
        tuple(_RELATIONS[relation] for relation in row[21] or ()),
        row[22],
        row[23],
        row[24],
        row[25],
        row[26],
        row[27],
        row[28],
        tuple(row[29] or ()),
    )


@lru_cache(maxsize=256)
def some(names: tuple[str, ...]) -> Callable[[Row], Any]:
    """A reader of these fields of a model, in this order; what it returns has them as attributes, and nothing else."""
    if names == EVERY_FIELD:
        return model
    kind = namedtuple("SomeOfModel", names)  # type: ignore[misc] # its fields are those asked for
    readers = [_READERS.get(name) for name in names]

    def read(row: Row) -> Any:
        return kind._make(value if of is None else of(value) for value, of in zip(row, readers, strict=True))

    return kind._make if not any(readers) else read


def dataset(row: Row) -> DatasetRecord:
    """13 values in the order of DatasetRecord."""
    (id, hub_id, author, state, created_at, modified_at) = row[:6]
    return DatasetRecord(
        id,
        hub_id,
        author,
        _STATES[state],
        time(created_at),
        time(modified_at),
        row[6],
        row[7],
        row[8],
        row[9],
        tuple(row[10] or ()),
        tuple(row[11] or ()),
        row[12],
    )


_READERS: dict[str, Callable[[Any], Any]] = {
    "state": _STATES.__getitem__,
    "created_at": time,
    "modified_at": time,
    "tags": lambda values: tuple(values or ()),
    "languages": lambda values: tuple(values or ()),
    "relations": lambda values: tuple(_RELATIONS[relation] for relation in values or ()),
    "standards": lambda values: tuple(values or ()),
}


def evidence(values: Sequence[str] | None) -> tuple[Evidence, ...]:
    """Evidence by name."""
    return tuple(_EVIDENCE[value] for value in values or ())


def derivation(row: Row) -> DerivationRecord:
    """model, base model, relation, evidence, confidence, conflict, cycle."""
    return DerivationRecord(row[0], row[1], _RELATIONS[row[2]], evidence(row[3]), row[4], row[5], row[6])


def claims(row: Row) -> list[ClaimRecord]:
    """model, base model, and its claims as JSON arrays (see ``projection.CLAIM``), by evidence, relation and where."""
    found = []
    for text in row[2] or ():
        said, relation, where, confidence, detail = json.loads(text)
        found.append(ClaimRecord(row[0], row[1], _RELATIONS[relation], _EVIDENCE[said], where, confidence, detail))
    return found


def training(row: Row) -> TrainingRecord:
    """model, dataset, evidence."""
    return TrainingRecord(row[0], row[1], evidence(row[2]))


def file(row: Row) -> FileRecord:
    """model, path, size, sha256, blob id."""
    return FileRecord(*row)


def similar(row: Row) -> SimilarRecord:
    """In the order of SimilarRecord."""
    model, other, cosine, distance, shared, parts, cosines, method, p_value = row
    return SimilarRecord(
        model, other, cosine, distance, shared, tuple(parts or ()), tuple(cosines or ()), method, p_value
    )


def result(row: Row) -> ResultRecord:
    """In the order of ResultRecord."""
    return ResultRecord(*row)


def ability(text: str) -> AbilityRecord:
    """From the ability as a JSON object."""
    return msgspec.json.decode(text, type=AbilityRecord)


def standing(text: str) -> StandingRecord:
    """From the standing as a JSON object."""
    return msgspec.json.decode(text, type=StandingRecord)


def successor(row: Row) -> SuccessorRecord:
    """In the order of SuccessorRecord."""
    return SuccessorRecord(*row)


def tensor(row: Row) -> TensorRecord:
    """digest, model, role, values."""
    return TensorRecord(*row)


def novelty(text: str) -> NoveltyRecord:
    """From the facts as a JSON object."""
    return msgspec.json.decode(text, type=NoveltyRecord)


def weights(row: Row) -> WeightsRecord:
    """digest, files, size, holders."""
    return WeightsRecord(*row)
