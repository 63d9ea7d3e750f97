"""This file knows how the origins that Stemma finds in a zoo are judged: every model's weights and upload time, nothing else."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import cast

from bench.zoo import truth
from bench.zoo.score import Score, reliability, score, table
from ingest.names import judge
from ingest.weights.folder import checkpoints
from ingest.weights.member import BUDGET, Member, member
from ingest.weights.origin import origins
from ingest.weights.parent import Origin

RESULTS = Path(__file__).resolve().parents[1] / "results"


def judged(
    folder: Path, roots: set[int] | None, budgets: list[int | None], out: Path | None, *, timeless: bool = False
) -> str:
    """The table of Stemma at several numbers of weights, beside the baselines; written to ``out`` too.

    Adapters are taken from their configuration, as when folders are ingested. ``timeless``: also without upload times.
    """
    from bench.zoo import baselines  # needs torch, the rest does not

    true = truth.read(folder)
    timings: list[str] = []
    results: dict[str, Score] = {}
    for budget in budgets:
        begun = time.perf_counter()
        members, adapters = read_members(folder, true, roots, BUDGET if budget is None else budget)
        read = time.perf_counter() - begun
        name = "stemma, all weights" if budget is None else f"stemma, {budget} weights"
        for label, models in ((name, members), (f"{name}, no times", undated(members) if timeless else [])):
            if models:
                begun = time.perf_counter()
                said = predictions(list(origins(models)), adapters)
                took = time.perf_counter() - begun
                results[label] = score(true, said, roots, timeless=label != name)
                timings.append(f"{label}: {len(models)} models read in {read:.1f} s, compared in {took:.1f} s")
    reliabilities = [f"{label}: {reliability(result)}" for label, result in results.items()]
    results |= {label: score(true, said, roots) for label, said in baselines.predictions(folder).items()}
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, numpy {version('numpy')}, modelstemma {version('modelstemma')} at {commit()}"
    )
    notes = "\n".join(f"- {line}" for line in [*timings, *reliabilities])
    text = f"# Zoo {folder.name}, seed {true.seed}\n\n{machine}\n\n{table(results)}\n\n{notes}\n"
    place = out or RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-zoo-{folder.name}.md"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return text


def commit() -> str:
    """The commit that the code is at, as git names it; with ``-dirty`` when it was changed since."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False, cwd=RESULTS
    )
    return said.stdout.strip() or "an unknown commit"


def undated(members: list[Member]) -> list[Member]:
    return sorted((replace(member, created_at=None) for member in members), key=lambda member: member.id)


def read_members(
    folder: Path, true: truth.Truth, roots: set[int] | None, budget: int
) -> tuple[list[Member], dict[str, str]]:
    """(models in upload order, base models that adapters name), of some roots or all."""
    wanted = {model.id: model for model in true.models if roots is None or model.root in roots}
    members, adapters = [], {}
    for item in checkpoints(folder / "models"):
        if item.model in wanted:
            settings = item.adapter
            if settings is not None:
                named = judge(str(settings.get("base_model_name_or_path")))
                if isinstance(named, str):
                    adapters[item.model] = named
            else:
                created = datetime.fromisoformat(wanted[item.model].created_at)
                members.append(member(item.model, item.read(), created, budget))
    members.sort(key=lambda one: (one.created_at or datetime.max.replace(tzinfo=UTC), one.id))
    return members, adapters


def predictions(found: list[Origin], adapters: dict[str, str]) -> truth.Predictions:
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
