"""This file knows the command that looks for superseded models in a leaderboard: ``python -m bench.ability.superseded FILE``.

The table (Open LLM Leaderboard, second version) becomes a catalogue of its own, as a Hub would tell of its models; abilities and
successors are those that anyone gets. Then pairs that are well known are looked up, and every successor is held to what a successor
may not be, from the table's own columns.
"""

from __future__ import annotations

import platform
import re
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import click
import numpy as np
import polars as pl

from graph.catalogue import Catalogue
from graph.decay import decay
from graph.frames import OnDisk
from graph.licence import terms_of
from graph.progress import Silent
from graph.snapshot import Snapshot, Source
from graph.standing import measured, percent, standings
from graph.stores.embedded import open_snapshot
from graph.succession import LARGER, declared, edges_for, superseded, tables
from ingest.finish import finish
from ingest.parse import PartBuilder
from ingest.results.taking_in import ingest_results
from ingest.staging import Staging

# Pairs of which it is said that the second has taken the place of the first; chosen before successors were worked out.
KNOWN = (
    ("mistralai/Mistral-7B-Instruct-v0.1", "mistralai/Mistral-7B-Instruct-v0.3"),
    ("mistralai/Mistral-7B-v0.1", "Qwen/Qwen2.5-7B"),
    ("google/gemma-7b", "google/gemma-2-9b"),
    ("google/gemma-7b-it", "google/gemma-2-9b-it"),
    ("google/gemma-2b", "google/gemma-2-2b"),
    ("Qwen/Qwen2-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct"),
    ("Qwen/Qwen2-1.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct"),
    ("meta-llama/Meta-Llama-3-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"),
    ("meta-llama/Meta-Llama-3-8B", "meta-llama/Llama-3.1-8B"),
    ("01-ai/Yi-6B-Chat", "01-ai/Yi-1.5-6B-Chat"),
    ("01-ai/Yi-34B-Chat", "01-ai/Yi-1.5-34B-Chat"),
    ("01-ai/Yi-34B", "Qwen/Qwen2.5-32B"),
    ("tiiuae/falcon-7b", "mistralai/Mistral-7B-v0.1"),
    ("mosaicml/mpt-7b", "mistralai/Mistral-7B-v0.1"),
    ("ibm-granite/granite-3.0-8b-instruct", "ibm-granite/granite-3.1-8b-instruct"),
    ("CohereForAI/aya-23-8B", "CohereForAI/aya-expanse-8b"),
    ("microsoft/Phi-3-medium-4k-instruct", "microsoft/phi-4"),
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), help="Also write the tables here.")
def main(file: Path, out: Path | None) -> None:
    """Look for superseded models in FILE, the Open LLM Leaderboard's table (second version).

    python -m bench.ability.superseded evals/open_llm_leaderboard_v2.csv.gz
    """
    with tempfile.TemporaryDirectory() as folder:
        snapshot = catalogue_of(file, Path(folder))
        lines = [*_head(file, snapshot), *_known(snapshot), *_never(snapshot), *_leaders(snapshot)]
    text = "\n".join(lines) + "\n"
    click.echo(text)
    if out is not None:
        out.write_text(text, encoding="utf-8")


def catalogue_of(file: Path, folder: Path) -> Snapshot:
    """The table's models and results as a catalogue."""
    rows = pl.read_csv(file).with_columns(name=pl.col("Model").str.extract(r"huggingface\.co/([^\"]+)"))
    builder = PartBuilder()
    for number, row in enumerate(rows.unique("fullname", keep="first", maintain_order=True).iter_rows(named=True), 1):
        builder.add_model(_of_hub(row), "leaderboard", number)
    catalogue = Catalogue(folder)
    with catalogue.locked():
        staging = Staging(catalogue.staging("leaderboard"))
        staging.write("all", builder.tables(), builder.counts())
        finish(catalogue, staging, [Source("leaderboard", file.name, 0)], 1.0, Silent())
    ingest_results(catalogue, [file])
    return catalogue.head()


def _of_hub(row: dict[str, Any]) -> dict[str, Any]:
    """One model as the Hub would tell of it."""
    base, day, billions = row["Base Model"], row["Upload To Hub Date"], row["#Params (B)"]
    card = {"license": row["Hub License"]}
    if base and re.fullmatch(r"[\w.-]+/[\w.-]+", base) and base.lower() != row["fullname"]:
        card["base_model"] = base
    return {
        "id": row["name"],
        "createdAt": f"{day}T00:00:00.000Z" if day else None,
        "pipeline_tag": "text-generation",
        "cardData": card,
        "safetensors": {"total": round(billions * 1e9)} if billions and billions > 0 else None,
        "tags": [],
    }


def _head(file: Path, snapshot: Snapshot) -> list[str]:
    start = time.perf_counter()
    found = measured(OnDisk(snapshot))
    read = time.perf_counter()
    stood = standings(found)
    stand = time.perf_counter()
    counts, successors = superseded(found, edges_for(found, OnDisk(snapshot)), declared(OnDisk(snapshot)))
    end = time.perf_counter()
    return [
        "# Superseded models of a leaderboard",
        f"`make bench-superseded LEADERBOARD={file.name}` on {datetime.now(UTC):%Y-%m-%d}, Python "
        f"{platform.python_version()}, numpy {np.__version__}.",
        "",
        f"{found.height} models have an ability of their own, {stood['probability'].count()} of them stand in a niche, "
        f"{counts.height} are superseded, by {counts['superseded_by'].sum()} pairs in all ({successors.height} are kept). "
        f"Reading took {read - start:.2f} s, standings {stand - read:.2f} s, successors {end - stand:.2f} s.",
        "",
    ]


def _known(snapshot: Snapshot) -> list[str]:
    ids = {id.lower(): id for id in snapshot.table("models", ["id"]).column("id").to_pylist()}
    rows = {row["model"]: row for row in measured(OnDisk(snapshot)).iter_rows(named=True)}
    stood, _ = tables(OnDisk(snapshot))
    since = dict(zip(stood["model"], stood["superseded_since"], strict=True))
    edges, none = edges_for(measured(OnDisk(snapshot)), OnDisk(snapshot)), declared(OnDisk(snapshot)).clear()
    lines = [
        "## Pairs that are well known",
        "| model | index | successor | index | better with | found | superseded since |",
        "|---|---:|---|---:|---:|---|---|",
    ]
    found = 0
    for old, new in KNOWN:
        one, other = (rows.get(ids.get(name.lower(), name)) for name in (old, new))
        if one is None or other is None:
            lines.append(f"| {old} | | {new} | | | not in the table | |")
            continue
        pair = pl.DataFrame([one, other], schema=measured(OnDisk(snapshot)).schema)
        (among,) = superseded(pair, edges, none)[1]["probability"].to_list() or [None]
        found += among is not None
        deviations = (other["index"] - one["index"]) / np.hypot(one["error"], other["error"])
        lines.append(
            f"| {one['model']} | {one['index']:.1f} ± {one['error']:.1f} | {other['model']} | {other['index']:.1f} ± "
            f"{other['error']:.1f} | {deviations:.1f} deviations | {'no' if among is None else percent(among)} | "
            f"{(since.get(one['model']) or '')[:10]} |"
        )
    lines += [
        "",
        f"{found} of {len(KNOWN)} pairs are found; of the others it is not sure enough that the second is better.",
    ]
    return [*lines, ""]


def _never(snapshot: Snapshot) -> list[str]:
    """What no successor may be, counted over all that are kept, from the models' own facts."""
    facts = snapshot.frame("models", ["id", "task", "licence", "parameters", "created_at"])
    _, successors = tables(OnDisk(snapshot))
    pairs = (
        successors.filter(pl.col("probability").is_not_null())
        .join(facts, left_on="model", right_on="id")
        .join(facts, left_on="successor", right_on="id", suffix="_new")
    )
    stricter = 0
    for old, new, count in pairs.group_by("licence", "licence_new").len().iter_rows():
        asks, asked = terms_of(new), terms_of(old)
        more = set(asks.asks if asks else ["unknown"]) - set(asked.asks if asked else ()) - {"notice"}
        stricter += count if more else 0
    wrong = {
        "of another task": pairs.filter(pl.col("task") != pl.col("task_new")).height,
        "under a stricter licence, or one that is not known": stricter,
        f"of more than {LARGER} times the parameters": pairs.filter(
            pl.col("parameters_new") > LARGER * pl.col("parameters")
        ).height,
        "not made later": pairs.filter(pl.col("created_at_new") <= pl.col("created_at")).height,
    }
    lines = [
        "## What a successor may not be",
        f"| of {pairs.height} successors of {pairs['model'].n_unique()} models | |",
    ]
    return [*lines, "|---|---:|", *(f"| {words} | {count} |" for words, count in wrong.items()), ""]


def _leaders(snapshot: Snapshot) -> list[str]:
    async def asked() -> list[str]:
        store = await open_snapshot(snapshot)
        found = decay(await store.coverage(), 20)
        if found is None:
            return []
        lines = [
            "## How long leaders last",
            f"Half of {found.leaders} leaders of {found.niches} niches ({found.models} models) led for less than "
            f"{found.half_life_days} days.",
            "",
            "| size | licence | models | leaders | half-life in days | leads now | since |",
            "|---|---|---:|---:|---:|---|---|",
        ]
        for niche in found.by:
            day = datetime.fromtimestamp(niche.since / 1000, UTC)
            life = "" if niche.half_life_days is None else f"{niche.half_life_days:.0f}"
            lines.append(
                f"| {niche.size} | {niche.licence} | {niche.models} | {niche.leaders} | {life} | {niche.leader} | {day:%Y-%m-%d} |"
            )
        return lines

    return anyio.run(asked)


if __name__ == "__main__":
    main()
