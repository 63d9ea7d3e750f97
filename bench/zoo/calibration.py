"""This file knows whether the probabilities that Stemma says are right: how often edges are, by what was said of them.

Over zoos that may be tuned on. Besides, what a fit would change: p' = 1 / (1 + exp(-(a + b logit p))) (Platt 1999), fitted on one
zoo and tried on another, with one answer right and one wrong more at each end, so that a zoo without errors does not make it sure.
"""

from __future__ import annotations

import math
import os
import platform
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bench.zoo import truth
from bench.zoo.judging import commit, predictions, read_members, undated
from bench.zoo.score import bins, calibration_error_of, score
from ingest.weights.member import BUDGET
from ingest.weights.origin import origins

Outcome = tuple[float, bool]
_EDGE = 1e-4  # nearer to 0 and 1 no probability goes


@dataclass(frozen=True, slots=True)
class Fit:
    """a and b."""

    shift: float
    slope: float

    def __call__(self, probability: float) -> float:
        return 1 / (1 + math.exp(-(self.shift + self.slope * _logit(probability))))


def _logit(probability: float) -> float:
    held = min(max(probability, _EDGE), 1 - _EDGE)
    return math.log(held / (1 - held))


def fitted(outcomes: Sequence[Outcome]) -> Fit:
    """The fit of most likelihood, held weakly (a variance of 1,000) to a = 0, b = 1, which leave all as it is."""
    logits = np.array([_logit(p) for p, _ in outcomes])
    ends = np.repeat([logits.min(), logits.max()], 2)
    x, right = np.concatenate([logits, ends]), np.array([*(float(ok) for _, ok in outcomes), 0.0, 1.0, 0.0, 1.0])

    def loss(both: npt.NDArray[np.float64]) -> float:
        score = both[0] + both[1] * x
        held = (both[0] ** 2 + (both[1] - 1) ** 2) / 2_000
        return float((np.logaddexp(0, score) - right * score).sum() + held)

    shift, slope = minimize(loss, np.array([0.0, 1.0]), method="Nelder-Mead").x
    return Fit(float(shift), float(slope))


def brier(outcomes: Sequence[Outcome]) -> float:
    """The mean of (probability - right) ** 2."""
    return sum((p - ok) ** 2 for p, ok in outcomes) / len(outcomes)


def outcomes_of(folder: Path, budgets: Sequence[int | None]) -> dict[str, list[Outcome]]:
    """(probability, whether right) of every edge, by what was given: all weights or some, with upload times and without."""
    true = truth.read(folder)
    found: dict[str, list[Outcome]] = {}
    for budget in budgets:
        members, adapters = read_members(folder, true, None, BUDGET if budget is None else budget)
        name = "all weights" if budget is None else f"{budget} weights"
        for label, models in ((name, members), (f"{name}, no times", undated(members))):
            said = predictions(list(origins(models)), adapters)
            found[label] = list(score(true, said, None, timeless=label != name).outcomes)
    return found


def calibrated(folders: Sequence[Path], budgets: Sequence[int | None]) -> str:
    """The tables of reliability, and of the fit on each zoo tried on the others."""
    zoos = {folder: outcomes_of(folder, budgets) for folder in folders}
    seeds = ", ".join(str(truth.read(folder).seed) for folder in folders)
    lines = [
        f"# Calibration on zoos of seeds {seeds}",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {version('numpy')}, "
        f"modelstemma {version('modelstemma')} at {commit()}",
        "",
        "| given | edges | right | said, mean | Brier | calibration error | said: right (edges), by tenths |",
        "|---|---|---|---|---|---|---|",
    ]
    pooled: defaultdict[str, list[Outcome]] = defaultdict(list)
    for found in zoos.values():
        for label, outcomes in found.items():
            pooled[label] += outcomes
    for label, outcomes in pooled.items():
        told = ", ".join(f"{said:.2f}: {right:.2f} ({size})" for said, right, size in bins(outcomes))
        right, said = sum(ok for _, ok in outcomes) / len(outcomes), sum(p for p, _ in outcomes) / len(outcomes)
        numbers = f"{brier(outcomes):.4f} | {calibration_error_of(outcomes):.4f}"
        lines.append(f"| {label} | {len(outcomes)} | {right:.3f} | {said:.3f} | {numbers} | {told} |")
    lines += ["", "| given | said: right (edges), as said |", "|---|---|"]
    for label, outcomes in pooled.items():
        exact: defaultdict[float, list[bool]] = defaultdict(list)
        for p, ok in outcomes:
            exact[round(p, 2)].append(ok)
        told = ", ".join(f"{p:.2f}: {sum(oks) / len(oks):.2f} ({len(oks)})" for p, oks in sorted(exact.items()))
        lines.append(f"| {label} | {told} |")
    lines += ["", *_fits(zoos)]
    return "\n".join(lines) + "\n"


def _fits(zoos: dict[Path, dict[str, list[Outcome]]]) -> list[str]:
    lines = [
        "| fitted on | tried on | given | a | b | Brier | Brier, fitted | error | error, fitted |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for train, seen in zoos.items():
        for test, others in zoos.items():
            for label in seen if test != train else ():
                fit = fitted(seen[label])
                before, after = others[label], [(fit(p), ok) for p, ok in others[label]]
                errors = f"{calibration_error_of(before):.4f} | {calibration_error_of(after):.4f}"
                numbers = f"{fit.shift:.2f} | {fit.slope:.2f} | {brier(before):.4f} | {brier(after):.4f} | {errors}"
                lines.append(f"| {train.name} | {test.name} | {label} | {numbers} |")
    return lines
