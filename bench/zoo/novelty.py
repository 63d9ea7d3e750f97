"""This file knows how novelty is judged on a zoo: what each kind of model scores beside what it must, and whether scores follow
work, which is steps times learning rate.

Parents come from the pipeline, as when folders are ingested; of series, where nothing but the amount changes, they are given.
"""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from scipy.stats import spearmanr

from bench.zoo import series, truth
from bench.zoo.judging import RESULTS, read_members
from graph.novelty import measured_score
from graph.records import Relation
from ingest.weights.change import DECIDED, Change, Changes
from ingest.weights.folder import Found
from ingest.weights.member import BUDGET, Member, member
from ingest.weights.origin import origins
from ingest.weights.parent import Origin, Parent

# The most that a kind may score; the rest must be above 0, or have no score.
LIMITS = {
    "copy": 0,
    "renamed": 0,
    "resharded": 0,
    "transposed": 0,
    "anonymous": 0,
    "stripped": 0,
    "cast to bfloat16": 0,
    "cast to float16": 0,
    "cast to float32": 0,
    "neurons permuted": 0,
    "rescaled": 0,
    "int8": 0,
    "Q8_0": 0,
    "Q4_0": 0,
    "int8 dequantised": 0,
    "Q8_0 dequantised": 0,
    "Q4_0 dequantised": 0,
    "linear": 1,
    "slerp": 1,
    "task arithmetic": 1,
    "dare": 3,
    "ties": 3,
    "noised": 5,
}
UNSCORED = ("root", "distilled")
_OWN = ("fan", "chain", "grandchild", "continued pretraining")  # trained on data that no other model has
_MOSTLY_NEW = 0.8  # of the change: older relatives explain less than a fifth


def judged(folder: Path, budget: int | None, out: Path | None) -> str:
    """The tables, written to ``out`` too. ``budget``: weights read of each model, None for all."""
    true = truth.read(folder)
    kinds = {model.id: model for model in true.models}
    members, _ = read_members(folder, true, None, budget or BUDGET)
    changes, scores, flags = Changes(), defaultdict[str, list[float | None]](list), defaultdict[str, int](int)
    trained: list[tuple[float, Change]] = []  # (work, change)
    by_id = {model.id: model for model in members}
    for origin in origins(members):
        model = by_id[origin.model]
        change, about = changes.add(model, origin), kinds[model.id]
        score = _score(origin, change)
        scores[about.kind].append(score)
        flags[about.kind] += change is not None and change.isotropic
        if about.kind in _OWN and change is not None:
            trained.append((about.detail["steps"] * about.detail["rate"], change))
    lines = [
        f"# Novelty on zoo {folder.name}",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {version('numpy')}; "
        f"{len(members)} models, {'all weights' if budget is None else f'{budget} weights'} read.",
        "",
        "| kind | models | least | mean | most | limit | held by | flagged as noise |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [_row(kind, values, flags[kind]) for kind, values in sorted(scores.items())]
    held = sum(_holds(kind, score) for kind in LIMITS for score in scores[kind])
    lines += ["", f"Limits held: {held} of {sum(len(scores[kind]) for kind in LIMITS)}.", ""]
    lines += _series_lines(folder, members, changes, budget)
    lines += _work_lines(trained)
    text = "\n".join(lines) + "\n"
    name = f"{datetime.now(UTC):%Y-%m-%d}-novelty-{folder.name}{'' if budget is None else f'-{budget}'}.md"
    place = out or RESULTS / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return text


def _score(origin: Origin, change: Change | None) -> float | None:
    if not origin.parents:
        return None
    if origin.parents[0].relation in DECIDED:
        return 0.0
    return None if change is None else measured_score(change.energy, change.innovation)


def _holds(kind: str, score: float | None) -> bool:
    return score is not None and round(score, 1) <= LIMITS[kind]


def _row(kind: str, values: list[float | None], flagged: int) -> str:
    known = [value for value in values if value is not None]
    numbers = [f"{value:.1f}" for value in (min(known), sum(known) / len(known), max(known))] if known else ["none"] * 3
    limit = LIMITS.get(kind, "no score" if kind in UNSCORED else "")
    held = ""
    if kind in LIMITS:
        held = f"{sum(_holds(kind, value) for value in values)}/{len(values)}"
    elif kind in UNSCORED:
        held = f"{len(values) - len(known)}/{len(values)}"
    return "| " + " | ".join([kind, str(len(values)), *numbers, str(limit), held, str(flagged or "")]) + " |"


def _series_lines(folder: Path, members: Iterable[Member], changes: Changes, budget: int | None) -> list[str]:
    """What the series say: each model alone beside the whole zoo, its base given."""
    by_series: defaultdict[tuple[str, str], list[tuple[series.Step, Change]]] = defaultdict(list)
    for step in series.made(folder):
        model = member(step.id, Found(step.id, folder / "series" / step.id).read(), None, budget or BUDGET)
        parent = Parent(step.id, step.base, Relation.FINETUNE, 1.0, "given")
        change = changes.of(model, Origin(step.id, (parent,)))
        if change is not None:
            by_series[step.base, step.series].append((step, change))
    lines = ["| series | base | amounts | scores | rises | flagged as noise |", "|---|---|---|---|---|---|"]
    agreements: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for (base, name), found in sorted(by_series.items()):
        scores = [measured_score(change.energy, change.innovation) for _, change in found]
        amounts = ", ".join(f"{step.amount:g}" for step, _ in found)
        flagged = sum(change.isotropic for _, change in found)
        told = ", ".join(f"{score:.1f}" for score in scores)
        rising = "" if name == "noise" else "yes" if series.rises(scores) else "no"
        lines.append(f"| {name} | {base} | {amounts} | {told} | {rising} | {flagged or ''} |")
        for (step, _), score in zip(found, scores, strict=True):
            if step.work is not None:
                agreements[base].append((step.work, score))
    pooled = [pair for pairs in agreements.values() for pair in pairs]
    each = ", ".join(f"{base} {_rank_agreement(pairs):.3f}" for base, pairs in sorted(agreements.items()))
    return [
        *lines,
        "",
        f"- Spearman of score and work, {len(pooled)} models of the series: {_rank_agreement(pooled):.3f} ({each})",
    ]


def _work_lines(trained: list[tuple[float, Change]]) -> list[str]:
    """How scores follow work from task to task, whatever older relatives explain; where they explain little; and without that."""
    scored = [(work, measured_score(change.energy, change.innovation)) for work, change in trained]
    new = [pair for pair, (_, change) in zip(scored, trained, strict=True) if change.innovation >= _MOSTLY_NEW]
    energies = [(work, change.energy) for work, change in trained]
    return [
        f"- Spearman of score and work, {len(scored)} models of the zoo that were trained on data of their own: "
        f"{_rank_agreement(scored):.3f}",
        f"- of these, {len(new)} of whose change older relatives explain less than a fifth: {_rank_agreement(new):.3f}",
        f"- of energy and work, which leaves innovation out, all {len(energies)}: {_rank_agreement(energies):.3f}",
    ]


def _rank_agreement(pairs: list[tuple[float, float]]) -> float:
    found: float = spearmanr([work for work, _ in pairs], [score for _, score in pairs]).statistic
    return found
