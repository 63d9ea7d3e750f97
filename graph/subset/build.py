"""This file knows how a selection becomes the rows of a lock: what the store says of each model, and of the base models outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Container, Sequence
from datetime import UTC, datetime

import msgspec

from graph.records import AbilityRecord, DerivationRecord, FileRecord, ModelRecord, State
from graph.store import Store
from graph.subset.lock import Lock, row_check
from graph.subset.query import MOST_MODELS, Query, plain
from graph.subset.rows import Ability, Base, File, Licence, Outside, Row, Why
from graph.subset.selection import PAGE, Selection, select
from graph.tables import SCHEMA_VERSION

_MOST = 2**53  # whole numbers from here on cannot travel in JSON


async def build(store: Store, query: Query, most: int = MOST_MODELS) -> Lock:
    """Choose, and pin what was chosen. Raises as ``select`` does."""
    query = query.checked()
    chosen = await select(store, query, most)
    ids = sorted(chosen.why, key=str.encode)
    found, outside = list[Row](), Counter[str]()
    async for part in rows(store, ids, chosen):
        found += part
        outside.update(base.model for row in part for base in row.bases if not base.inside)
    beyond = await _outside(store, chosen, outside)
    return Lock.of(query, store.snapshot, SCHEMA_VERSION, tuple(found), beyond, chosen.unmatched)


async def rows(store: Store, ids: Sequence[str], chosen: Selection, page: int = PAGE) -> AsyncIterator[list[Row]]:
    """The rows of chosen models, so many at a time, in the order of ``ids``."""
    for at in range(0, len(ids), page):
        part = ids[at : at + page]
        records, edges, abilities = await store.models(part), await store.base_models(part), await store.abilities(part)
        found = list[Row]()
        for id, record, bases, ability in zip(part, records, edges, abilities, strict=True):
            if record is None:
                raise KeyError(id)
            row = _row(record, await store.files(id), bases, ability, chosen.why[id], chosen.why)
            found.append(msgspec.structs.replace(row, check=row_check(row)))
        yield found


def _row(
    model: ModelRecord,
    files: tuple[FileRecord, ...],
    bases: tuple[DerivationRecord, ...],
    ability: AbilityRecord | None,
    why: Why,
    inside: Container[str],
) -> Row:
    return Row(
        model=model.id,
        hub_id=model.hub_id,
        commit=model.sha,
        state=model.state.value,
        gated=model.gated,
        licence=None if model.licence is None else Licence(model.licence, "hub"),
        files=tuple(map(_file, files)) or None,
        bases=tuple(
            Base(
                model=edge.base_model,
                relation=edge.relation.value,
                evidence=tuple(word.value for word in edge.evidence),
                inside=edge.base_model in inside,
                conflict=edge.conflict,
                cycle=edge.cycle,
            )
            for edge in bases
        ),
        task=model.task,
        library=model.library,
        architecture=model.architecture,
        parameters=_whole(model.parameters),
        created_at=_time(model.created_at),
        novelty=plain(model.novelty),
        novelty_class=model.novelty_class,
        ability=_ability(ability),
        why=why,
    )


def _ability(found: AbilityRecord | None) -> Ability | None:
    index = None if found is None else plain(found.index)
    if found is None or index is None:
        return None
    return Ability(index, plain(found.error), found.benchmarks, found.inherited_from)


def _file(file: FileRecord) -> File:
    return File(file.path, _whole(file.size), file.sha256, None if file.sha256 else file.blob_id)


def _whole(value: int | None) -> int | None:
    return value if value is not None and 0 <= value < _MOST else None


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _outside(store: Store, chosen: Selection, derived: Counter[str]) -> tuple[Outside, ...]:
    ids = sorted(derived, key=str.encode)
    found = []
    for id, record in zip(ids, await store.models(ids), strict=True):
        missing = record is None or record.state is State.MISSING
        why = "excluded" if id in chosen.excluded else "missing" if missing else "not chosen"
        found.append(
            Outside(
                model=id,
                state=State.MISSING.value if record is None else record.state.value,
                licence=None if record is None else record.licence,
                why=why,
                reason=chosen.excluded.get(id),
                derived=derived[id],
            )
        )
    return tuple(found)
