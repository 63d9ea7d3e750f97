"""This file knows what a snapshot holds, counted once for all engines: see ``graph.store.Coverage``."""

from __future__ import annotations

import polars as pl

from graph import decay
from graph.report import counted
from graph.snapshot import Snapshot
from graph.standing import measured
from graph.store import Coverage


def coverage(snapshot: Snapshot, groups: pl.DataFrame) -> Coverage:
    """Count. ``groups``: what ``graph.folding.originals`` gives of the snapshot."""

    def read(table: str, *columns: str) -> pl.DataFrame:
        return pl.DataFrame(snapshot.table(table, list(columns)))

    models = read("models", "id", "state", "base_models", "novelty", "novelty_class", "ability")
    scored = read("novelty", "model", "tier").join(
        models.drop_nulls("novelty"), left_on="model", right_on="id", how="semi"
    )
    edges = read("derivations", "relation", "evidence", "conflict", "cycle")
    rows = {name: facts.rows for name, facts in snapshot.manifest.tables.items()}
    return Coverage(
        models=_by(models["state"]),
        datasets=rows["datasets"],
        derivations=_by(edges["evidence"].explode()),
        derivations_total=rows["derivations"],
        relations=_by(edges["relation"]),
        conflicts=int(edges["conflict"].sum()),
        cycles=int(edges["cycle"].sum()),
        with_base=int((models["base_models"].fill_null(0) > 0).sum()),
        trainings=rows["trainings"],
        files=rows["files"],
        weights=rows["weights"],
        with_weights=rows["holdings"],
        novelty=_by(models["novelty_class"]),
        tiers=_by(scored["tier"]),
        report=counted(snapshot, groups),
        similar=rows["similar"],
        results=int(read("results", "known")["known"].sum()),
        with_ability=models["ability"].count(),
        decay=decay.counted(measured(snapshot)),
        skipped=_by(read("skipped", "reason")["reason"]),
    )


def _by(words: pl.Series) -> dict[str, int]:
    """How many there are of each word, by word; unknown is left out."""
    counts = words.drop_nulls().alias("word").value_counts().sort("word")
    return dict(zip(counts["word"].to_list(), counts["count"].to_list(), strict=True))
