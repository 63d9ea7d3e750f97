"""This file knows decay: how long the leader of a niche stayed the one that was most probably the best.

The models of each niche (``graph.standing``) are taken in the order in which they were made, and whenever another becomes the most
probable best, a reign ends and another begins. Abilities are those of today: it is asked who would have led, had all been measured
when they were made. The last reign of a niche goes on until the newest measured model of its task was made, and has not ended.

    half-life = the least d with S(d) <= 1/2,    S(d) = prod over the lengths d_k <= d of (1 - ended_k / lasting_k)

S: the share of reigns that last longer than d (Kaplan & Meier 1958, which takes reigns that have not ended for what they are);
ended_k, lasting_k: reigns that ended after d_k, and those that lasted at least as long. None while S stays above a half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graph.best import leaders
from graph.standing import niches
from graph.store import Coverage

KEPT_NICHES = 100
_DAY = 86_400_000  # ms


@dataclass(frozen=True, slots=True)
class NicheDecay:
    """The reigns of one niche. ``since``: ms since 1970."""

    task: str
    size: str
    licence: str
    models: int  # measured, with a known date
    leaders: int  # reigns, the present one among them
    half_life_days: float | None
    leader: str  # the present one
    since: int


@dataclass(frozen=True, slots=True)
class Decay:
    """All niches together, and those with most models."""

    models: int
    niches: int
    leaders: int
    half_life_days: float | None
    by: tuple[NicheDecay, ...]  # by number of models, then by name; at most ``KEPT_NICHES``


def counted(measured: pl.DataFrame) -> dict[str, Any]:
    """``Decay`` as plain values, for ``Coverage``; empty when nothing was measured. ``measured``: see ``graph.standing``."""
    known = measured.filter(
        pl.col("there") & pl.col("task").is_not_null() & pl.col("size").is_not_null() & pl.col("made").is_not_null()
    )
    if known.is_empty():
        return {}
    newest = {str(task): int(made) for task, made in known.group_by("task").agg(pl.col("made").max()).iter_rows()}
    lines, every = list[dict[str, Any]](), list[tuple[float, bool]]()
    for (task, size, licence), unsorted in niches(known):
        rows = unsorted.sort("made", "model")
        led = leaders(*(rows[name].to_numpy() for name in ("index", "error", "made")))
        ends = [*(time for time, _ in led[1:]), newest[task]]
        reigns = [
            ((end - time) / _DAY, number < len(led))
            for number, ((time, _), end) in enumerate(zip(led, ends, strict=True), 1)
        ]
        every += reigns
        lines.append(
            {
                "task": task,
                "size": size,
                "licence": licence,
                "models": rows.height,
                "leaders": len(led),
                "half_life_days": half_life(reigns),
                "leader": rows["model"][led[-1][1]],
                "since": led[-1][0],
            }
        )
    kept = sorted(lines, key=lambda line: -line["models"])[:KEPT_NICHES]
    whole = {"models": known.height, "niches": len(lines), "leaders": len(every), "half_life_days": half_life(every)}
    return {**whole, "by": kept}


def half_life(reigns: Sequence[tuple[float, bool]]) -> float | None:
    """The median length, of (days, whether it has ended), to a tenth of a day; None when fewer than half are known to end."""
    days, ended = np.array([day for day, _ in reigns]), np.array([over for _, over in reigns])
    lasting = 1.0
    for length in np.unique(days[ended]).tolist():
        lasting *= 1 - np.count_nonzero(ended & (days == length)) / np.count_nonzero(days >= length)
        if lasting <= 0.5 + 1e-12:
            return round(float(length), 1)
    return None


def decay(held: Coverage, first: int = KEPT_NICHES) -> Decay | None:
    """What was counted, with at most ``first`` niches; None when nothing was measured."""
    if not held.decay:
        return None
    whole = {name: value for name, value in held.decay.items() if name != "by"}
    return Decay(**whole, by=tuple(NicheDecay(**line) for line in held.decay["by"][:first]))
