"""This file knows how long a fit of many models takes, and how much of what was drawn it finds again."""

from __future__ import annotations

import os
import platform
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np

from ingest.enrich.ability import Coded, abilities
from ingest.enrich.response import NO_VOTES, Results

DOMAINS = 8
NOISE = 0.03  # of a fraction, as one standard deviation


@click.command()
@click.option("--models", default=10_000, show_default=True, type=click.IntRange(20))
@click.option("--benchmarks", default=100, show_default=True, type=click.IntRange(DOMAINS))
@click.option(
    "--given", default=0.5, show_default=True, type=click.FloatRange(0.1, 1), help="Share of cells with a result."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Also write the line here.")
def main(models: int, benchmarks: int, given: float, seed: int, out: Path | None) -> None:
    """Draw abilities, items and results, and time the whole of what ingest does with them: fit, norm, suspects, domains."""
    random = np.random.default_rng(seed)
    ability = random.normal(size=models)
    slope, place = random.lognormal(0.0, 0.4, benchmarks), random.normal(0.0, 1.0, benchmarks)
    model, benchmark = np.nonzero(random.random((models, benchmarks)) < given)
    fraction = 1 / (1 + np.exp(-slope[benchmark] * (ability[model] - place[benchmark])))
    value = np.clip(fraction + random.normal(0.0, NOISE, len(fraction)), 0.0, 1.0)
    ones, zeros = np.ones(len(value)), np.zeros(len(value), np.int64)
    names = tuple(f"m/{number:06}" for number in range(models))
    items = tuple(f"b{number:04}" for number in range(benchmarks))
    known = Coded(Results(model, benchmark, value, ones, zeros, models, benchmarks), names, items, NO_VOTES)
    about = {name: f"domain-{number % DOMAINS}" for number, name in enumerate(items)}
    began, spent = time.perf_counter(), time.process_time()
    records = abilities(known, about=about)
    wall, busy = time.perf_counter() - began, time.process_time() - spent
    found = np.array([np.nan if record.index is None else record.index for record in records])
    has = ~np.isnan(found)
    r = np.corrcoef(found[has], ability[[int(record.model[2:]) for record in records]][has])[0, 1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    line = (
        f"{models} models x {benchmarks} benchmarks, {len(value)} results: {wall:.2f} s, {busy:.2f} s of processor time, peak "
        f"{peak:.2f} GiB; {int(has.sum())} have an index, r = {r:.4f} with what was drawn"
    )
    click.echo(line)
    if out:
        where = f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        command = (
            f"`python -m bench.ability.whole --models {models} --benchmarks {benchmarks} --given {given} --seed {seed}`"
        )
        out.write_text(
            f"# A whole fit, timed\n{command} on {datetime.now(UTC):%Y-%m-%d}, {where}.\n\n{line}\n", "utf-8"
        )


if __name__ == "__main__":
    main()
