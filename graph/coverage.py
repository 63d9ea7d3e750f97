"""This file knows what a snapshot holds, counted once for all engines: see ``graph.store.Coverage``."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from graph import decay
from graph.frames import Frames, Numbers
from graph.report import counted
from graph.standing import measured
from graph.store import Collapse, Coverage


def coverage(tables: Frames, groups: Mapping[Collapse, Numbers]) -> Coverage:
    """Count. ``groups``: what ``graph.folding.originals`` gives of the tables."""
    read, rows = tables.frame, tables.rows
    models = read("models", ["state", "base_models", "novelty", "novelty_class", "ability"])
    number = tables.numbers("novelty", "model")
    scored = models["novelty"].is_not_null().gather(number).to_numpy() & (number >= 0)
    tiers = read("novelty", ["tier"])["tier"].filter(pl.Series(scored, dtype=pl.Boolean))
    edges = read("derivations", ["relation", "evidence", "conflict", "cycle"])
    return Coverage(
        models=_by(models["state"]),
        datasets=rows("datasets"),
        derivations=_by(edges["evidence"].explode()),
        derivations_total=rows("derivations"),
        relations=_by(edges["relation"]),
        conflicts=int(edges["conflict"].sum()),
        cycles=int(edges["cycle"].sum()),
        with_base=int((models["base_models"].fill_null(0) > 0).sum()),
        trainings=rows("trainings"),
        files=rows("files"),
        weights=rows("weights"),
        with_weights=rows("holdings"),
        novelty=_by(models["novelty_class"]),
        tiers=_by(tiers),
        report=counted(tables, groups[Collapse.FAMILY]),
        similar=rows("similar"),
        results=int(read("results", ["known"])["known"].sum()),
        with_ability=models["ability"].count(),
        decay=decay.counted(measured(tables)),
        skipped=_by(read("skipped", ["reason"])["reason"]),
    )


def _by(words: pl.Series) -> dict[str, int]:
    """How many there are of each word, by word; unknown is left out."""
    counts = words.drop_nulls().alias("word").value_counts().sort("word")
    return dict(zip(counts["word"].to_list(), counts["count"].to_list(), strict=True))
