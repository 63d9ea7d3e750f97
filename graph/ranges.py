"""This file knows how people write numbers of parameters, days, and ranges of them: ``1B..8B``, ``2023..2024-06``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from graph.errors import BadInput

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def count(text: str) -> int | None:
    """A number of parameters: 7B, 350M or 124000000; None for nothing. Raises BadInput."""
    found = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)([KMBT]?)", text.strip(), re.IGNORECASE | re.ASCII)
    if not text.strip():
        return None
    if found is None:
        raise BadInput(f"{text!r} is not a number of parameters: write 7B, 350M or 124000000")
    return int(float(found[1]) * _UNITS[found[2].upper()]) if found[2] or "." in found[1] else int(found[1])


def day(text: str, *, end: bool) -> datetime | None:
    """The start of a year, month or day; with ``end`` the start of the next one. A full time is taken as it is.

    None for nothing. Raises BadInput.
    """
    if not text.strip():
        return None
    parts = text.strip().split("-")
    try:
        if "T" in text:
            moment = datetime.fromisoformat(text.strip())
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        year, month, date = (int(parts[at]) if at < len(parts) else 1 for at in range(3))
        start = datetime(year, month, date, tzinfo=UTC)
        if not end:
            return start
        if len(parts) == 1:
            return start.replace(year=year + 1)
        if len(parts) == 2:
            return start.replace(year=year + month // 12, month=month % 12 + 1)
        return datetime.fromordinal(start.toordinal() + 1).replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{text!r} is not a date: write 2024, 2024-06 or 2024-06-30") from error


def score(text: str) -> float | None:
    """A number from 0 to 100; None for nothing. Raises BadInput."""
    if not text.strip():
        return None
    try:
        found = float(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not a score: write a number from 0 to 100") from error
    if not 0 <= found <= 100:
        raise BadInput(f"{text!r} is not a score: write a number from 0 to 100")
    return found


def ends(text: str | None) -> tuple[str, str]:
    """Both ends of ``low..high``; a single value is both."""
    if not text:
        return "", ""
    low, dots, high = text.partition("..")
    return (low, high) if dots else (low, low)


def check_ordered(what: str, said: str | None, low: Any, high: Any) -> None:
    """Raises BadInput when a range's ends stand the wrong way round."""
    if low is not None and high is not None and low > high:
        raise BadInput(f"{what} {said} is empty: write the lower end first")
