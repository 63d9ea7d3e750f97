"""This file knows the times of the Hub: text in several spellings, numbers, and a floor that is not a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from graph.tables import TIME

FLOOR = datetime(2022, 3, 2, 23, 29, 4, tzinfo=UTC)  # the Hub's date for everything older: unknown, not a date
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # outside of these it is nonsense
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BELOW = 10**11  # a smaller number counts seconds, a larger one milliseconds


def moment(said: str | int | None) -> datetime | None:
    """A time, cut to milliseconds; None when it is none. Text without an offset is UTC."""
    if said is None or said == "":
        return None
    try:
        if isinstance(said, int):
            time = _EPOCH + timedelta(milliseconds=said * 1000 if abs(said) < _SECONDS_BELOW else said)
        else:
            time = datetime.fromisoformat(said.strip())
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time.replace(microsecond=time.microsecond // 1000 * 1000) if _FIRST <= time < _LAST else None


def moments(said: Sequence[str | int | None]) -> pa.Array:
    """``moment`` of each, as one column: all at once when all are text of one kind, which they nearly always are."""
    try:
        times = pa.array(said, pa.string()).cast(pa.timestamp("us", tz="UTC")).cast(TIME, safe=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([moment(one) for one in said], TIME)
    return _where(
        times, pc.and_(pc.greater_equal(times, pa.scalar(_FIRST, TIME)), pc.less(times, pa.scalar(_LAST, TIME)))
    )


def without_floor(times: pa.Array) -> pa.Array:
    """Null for times at or before the Hub's floor."""
    return _where(times, pc.greater_equal(times, pa.scalar(FLOOR + timedelta(seconds=1), TIME)))


def _where(times: pa.Array, good: pa.Array) -> pa.Array:
    return pc.if_else(good, times, pa.scalar(None, TIME))
