"""This file knows how the origins that Stemma finds in a zoo are judged: every model's weights and upload time, nothing else."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import cast

from bench.zoo import baselines, truth
from bench.zoo.score import score, table
from ingest.names import judge
from ingest.weights.folder import checkpoints
from ingest.weights.member import BUDGET, Member, member
from ingest.weights.origin import origins
from ingest.weights.parent import Origin

RESULTS = Path(__file__).resolve().parents[1] / "results"


def judged(folder: Path, roots: set[int] | None, budgets: list[int | None], out: Path | None) -> str:
    """The table of Stemma at several numbers of weights, beside the baselines; written to ``out`` too.

    Adapters are taken from their configuration, as when folders are ingested.
    """
    true = truth.read(folder)
    rows: dict[str, truth.Predictions] = {}
    timings: list[str] = []
    for budget in budgets:
        begun = time.perf_counter()
        members, adapters = _read(folder, true, roots, BUDGET if budget is None else budget)
        read = time.perf_counter() - begun
        found = list(origins(members))
        seconds = time.perf_counter() - begun
        name = "stemma, all weights" if budget is None else f"stemma, {budget} weights"
        rows[name] = _predictions(found, adapters)
        timings.append(f"{name}: {len(members)} models read in {read:.1f} s, compared in {seconds - read:.1f} s")
    results = {name: score(true, said, roots) for name, said in rows.items()}
    results |= {name: score(true, said, roots) for name, said in baselines.predictions(folder).items()}
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {version('numpy')}"
    )
    text = (
        f"# Zoo {folder.name}\n\n{machine}\n\n{table(results)}\n\n" + "\n".join(f"- {line}" for line in timings) + "\n"
    )
    place = out or RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-zoo-{folder.name}.md"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return text


def _read(folder: Path, true: truth.Truth, roots: set[int] | None, budget: int) -> tuple[list[Member], dict[str, str]]:
    """(models in upload order, base models that adapters name)."""
    wanted = {model.id: model for model in true.models if roots is None or model.root in roots}
    members, adapters = [], {}
    for item in checkpoints(folder / "models"):
        if item.model in wanted:
            settings = item.adapter
            if settings is not None:
                adapters[item.model] = str(judge(str(settings.get("base_model_name_or_path"))))
            else:
                created = datetime.fromisoformat(wanted[item.model].created_at)
                members.append(member(item.model, item.read(), created, budget))
    members.sort(key=lambda one: (one.created_at or datetime.max.replace(tzinfo=UTC), one.id))
    return members, adapters


def _predictions(found: list[Origin], adapters: dict[str, str]) -> truth.Predictions:
    edges = [
        truth.Edge(
            model=parent.model,
            base_model=parent.base_model,
            relation=cast("truth.Relation", parent.relation.value),
            probability=parent.probability,
            weight=parent.weight,
        )
        for origin in found
        for parent in origin.parents
    ]
    edges += [
        truth.Edge(model=model, base_model=base, relation="adapter", probability=1.0)
        for model, base in adapters.items()
    ]
    sets = [
        truth.Candidates(
            model=origin.model,
            candidates=tuple(truth.Candidate(base_model=base, probability=share) for base, share in origin.candidates),
        )
        for origin in found
        if origin.candidates
    ]
    return truth.Predictions(edges=tuple(edges), sets=tuple(sets))
