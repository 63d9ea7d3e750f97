"""This file knows what licences ask along a lineage: which duties come down to a model, and which of them it leaves out.

    duties(model) = union over the model and its ancestors a of asks(licence(a)), each with the shortest chain of derivations to a

A duty of an ancestor is left out when the model declares a licence that is known and does not ask the same, unless the ancestor is
its own author's, who may license anew. To keep a notice is asked by nearly all and is never called left out. Where a licence is not
declared, is of the author's own making (`other`), or the ancestor was never seen, that is said: such a lineage may ask more.

``licences.toml`` holds what each licence asks. It is no legal advice: it says which texts to read.
"""

from __future__ import annotations

import tomllib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from graph.records import DerivationRecord, ModelRecord, State
from graph.spdx import SPDX_ID

NOTICE = "notice"
SHARE_ALIKE = "share-alike"
PERMISSIVE, UNKNOWN = "permissive", "unknown"  # classes; ``licences.toml`` has all but the last
_SAYS_NOTHING = frozenset({"other", "unknown", "cc", "unlicensed"})  # declared, and yet no licence that could be read


@dataclass(frozen=True, slots=True)
class Terms:
    """What one licence asks. ``alike``: the group that derived works stay in."""

    id: str
    spdx: str | None
    asks: tuple[str, ...]
    alike: str | None


@dataclass(frozen=True, slots=True)
class Duty:
    """Something asked of a model. ``path``: from the model to who asks it; the model alone when its own licence does."""

    kind: str
    meaning: str
    licence: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A duty that the declared licence leaves out, in words."""

    duty: Duty
    text: str


@dataclass(frozen=True, slots=True)
class LicenceReport:
    """What the licences of a model's lineage say together."""

    declared: str | None
    spdx: str | None
    duties: tuple[Duty, ...]  # by kind, nearest first
    left_out: tuple[LeftOut, ...]
    unknown: tuple[str, ...]  # ancestors, or the model itself, whose licence is not known
    complete: bool  # whether the whole lineage was looked at


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("graph") / "licences.toml").read_text("utf-8"))


@cache
def _known() -> tuple[dict[str, Terms], dict[str, str]]:
    data = _data()
    terms = {
        id: Terms(id, SPDX_ID.get(id), tuple(said["asks"]), said.get("alike")) for id, said in data["licences"].items()
    }
    return terms, data["meanings"]


def terms_of(licence: str | None) -> Terms | None:
    """What a licence asks; by the Hub's identifier or SPDX's, any case; None when it is not known."""
    if licence is None or licence.lower() in _SAYS_NOTHING:
        return None
    terms, _ = _known()
    folded = licence.strip().lower()
    return terms.get(folded) or next((each for each in terms.values() if (each.spdx or "").lower() == folded), None)


def meanings() -> dict[str, str]:
    """Each kind of duty in words."""
    return dict(_known()[1])


def licence_class(licence: str | None) -> str:
    """Which kind of licence it is, by the harshest thing that it asks: a name under ``[classes]``, or ``unknown``."""
    terms = terms_of(licence)
    if terms is None:
        return UNKNOWN
    return next((name for name, kinds in _data()["classes"].items() if set(kinds) & set(terms.asks)), PERMISSIVE)


def no_stricter(one: str | None, other: str | None) -> bool:
    """Whether who may use a model under the licence ``other`` may use one under ``one`` too, as far as the texts are known.

    True when ``one`` asks nothing that ``other`` does not ask, a notice apart, and derived works stay in no other group. What is
    not known is no stricter than nothing, not even than itself: two licences of one's own making are two texts.
    """
    mine, theirs = terms_of(one), terms_of(other)
    if mine is None:
        return False
    asks = set(mine.asks) - {NOTICE}
    if theirs is None or not asks:
        return not asks
    return asks <= set(theirs.asks) and (SHARE_ALIKE not in asks or mine.alike == theirs.alike)


def licence_report(
    model: ModelRecord,
    ancestors: Mapping[str, ModelRecord],
    derivations: Sequence[DerivationRecord],
    *,
    complete: bool = True,
) -> LicenceReport:
    """The report on ``model``. ``derivations``: those among it and its ancestors; cycles and missing ends do no harm."""
    paths = _paths(model.id, derivations)
    declared = terms_of(model.licence)
    duties: dict[tuple[str, str], Duty] = {}
    unknown = []
    for id, path in paths.items():
        record = model if id == model.id else ancestors.get(id)
        terms = terms_of(record.licence) if record is not None else None
        if record is None or terms is None or record.state is State.MISSING:
            unknown.append(id)
            continue
        for kind in terms.asks:
            duties.setdefault((kind, terms.id), Duty(kind, meanings()[kind], terms.id, path))
    told = sorted(duties.values(), key=lambda duty: (duty.kind, len(duty.path), duty.path))
    left_out = [] if declared is None else [each for duty in told if (each := _left_out(duty, declared, model))]
    return LicenceReport(
        model.licence, declared.spdx if declared else None, tuple(told), tuple(left_out), tuple(unknown), complete
    )


def _paths(start: str, derivations: Sequence[DerivationRecord]) -> dict[str, tuple[str, ...]]:
    """The shortest chain to each ancestor, nearest first, then by name."""
    bases: dict[str, list[str]] = {}
    for edge in derivations:
        bases.setdefault(edge.model, []).append(edge.base_model)
    paths: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = deque([start])
    while waiting:
        at = waiting.popleft()
        for base in sorted(bases.get(at, ()), key=str.encode):
            if base not in paths:
                paths[base] = (*paths[at], base)
                waiting.append(base)
    return paths


def _left_out(duty: Duty, declared: Terms, model: ModelRecord) -> LeftOut | None:
    asker, steps = duty.path[-1], len(duty.path) - 1
    if steps == 0 or duty.kind == NOTICE or (model.author is not None and asker.split("/")[0] == model.author):
        return None
    asked = terms_of(duty.licence)
    other_group = duty.kind == SHARE_ALIKE and asked is not None and asked.alike != declared.alike
    if duty.kind in declared.asks and not other_group:
        return None
    away = "one step up" if steps == 1 else f"{steps} steps up"
    text = f"says {declared.id}; {asker}, {away}, is {duty.licence}: {duty.meaning}"
    return LeftOut(duty, text)
