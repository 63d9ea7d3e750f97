"""This file knows the command that judges abilities: ``python -m bench.ability FOLDER`` over result tables, as one table."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import os
import platform
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
import polars as pl

from bench.ability.rules import MOST_GRADED, RULES, Foretold, graded_response, pairs
from ingest.enrich.ability import coded
from ingest.enrich.response import Results, Votes, fit, probability
from ingest.results.mapping import shipped
from ingest.results.reading import read_results

DENSITIES = (0.85, 0.5, 0.3)
PAIRS = 200_000


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--seed", default=0, show_default=True, help="Which cells are held out.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write the table here.")
def main(folder: Path, seed: int, out: Path | None) -> None:
    """Hold out cells of the tables in FOLDER at random, and foretell them.

    python -m bench.ability tables/
    """
    lines = [
        "| table | cells given | rule | order of held-out pairs | RMSE | in 95 % interval | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, results in _tables(folder):
        for density in DENSITIES:
            for line in _judged(name, results, density, seed):
                click.echo(line, err=True)
                lines.append(line)
    for name, votes, models in _votes(folder):
        lines += [
            "",
            "| votes | given | rule | right of held-out votes without ties | log loss |",
            "|---|---|---|---|---|",
        ]
        for density in DENSITIES:
            lines += _judged_votes(name, votes, models, density, seed)
    head = (
        f"# Abilities, judged on held-out results\n`make bench-ability TABLES={folder.name}/ SEED={seed}` on "
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}. Held-out cells are of models and benchmarks that keep some results. Order: share of pairs of "
        f"models on one benchmark, both held out, that stand the right way round ({PAIRS} drawn pairs).\n"
    )
    text = "\n".join([head, *lines]) + "\n"
    click.echo(text)
    if out is not None:
        out.write_text(text, encoding="utf-8")


def _tables(folder: Path) -> Iterator[tuple[str, Results]]:
    """Each table of results, by name; a folder's files are one table."""
    for part in sorted(folder.iterdir()):
        files = sorted(part.iterdir()) if part.is_dir() else [part]
        frames = [_results(file) for file in files if ".csv" in file.suffixes or file.suffix == ".parquet"]
        rows = pl.concat([frame for frame in frames if frame is not None and frame.height] or [pl.DataFrame()])
        if rows.height:
            yield rows["source"][0], coded(rows.rename({"said": "model", "fraction": "value"}, strict=True)).results


def _results(file: Path) -> pl.DataFrame | None:
    from graph.errors import BadInput

    try:
        rows = read_results(file, shipped()).results
    except BadInput as error:
        click.echo(f"left out: {error}"[:200], err=True)
        return None
    return rows.select("said", "benchmark", "source", "fraction", pl.lit(1.0).alias("weight"))


def _judged(name: str, results: Results, density: float, seed: int) -> Iterator[str]:
    given_cells = np.random.default_rng([seed, round(density * 100)]).random(len(results.value)) < density
    given = results.among(given_cells)
    heard = (np.bincount(given.model, minlength=results.models) > 0)[results.model]
    heard &= (np.bincount(given.benchmark, minlength=results.benchmarks) > 2)[results.benchmark]
    asked = results.among(~given_cells & heard)
    first, second = pairs(asked.benchmark, PAIRS, seed)
    unequal = asked.value[first] != asked.value[second]
    first, second = first[unequal], second[unequal]
    right = np.sign(asked.value[first] - asked.value[second])
    for rule, foretell in RULES.items():
        package = rule.partition("(")[2].rstrip(")")
        if package and importlib.util.find_spec(package) is None:
            continue  # a peer that is not installed
        if foretell is graded_response and given.benchmarks > MOST_GRADED:
            continue
        start = time.perf_counter()
        told = foretell(given, asked)
        seconds = time.perf_counter() - start
        said = np.sign(told.order[first] - told.order[second])
        order = float(np.mean(np.where(said == 0, 0.5, said == right)))
        yield f"| {name} | {density:.0%} | {rule} | {order:.4f} | {_error(told, asked)} | {_inside(told, asked)} | {seconds:.1f} |"


def _error(told: Foretold, asked: Results) -> str:
    return "" if told.value is None else f"{np.sqrt(np.mean((told.value - asked.value) ** 2)):.4f}"


def _inside(told: Foretold, asked: Results) -> str:
    if told.ends is None:
        return ""
    value = np.clip(asked.value, 0.0, 1.0)
    return f"{np.mean((value >= told.ends[0]) & (value <= told.ends[1])):.3f}"


def _votes(folder: Path) -> Iterator[tuple[str, Votes, int]]:
    from graph.errors import BadInput

    for file in sorted(folder.iterdir()):
        if ".csv" not in file.suffixes:
            continue
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
            if "winner" not in next(csv.reader(lines)):
                continue
        try:
            rows = read_results(file, shipped()).votes
        except BadInput:
            continue
        names = pl.concat([rows["first"], rows["second"]]).unique().sort().to_list()
        place = {each: number for number, each in enumerate(names)}
        first, second = (np.array([place[each] for each in rows[side]]) for side in ("first", "second"))
        yield file.name.split(".")[0], Votes(first, second, rows["won"].to_numpy()), len(names)


def _judged_votes(name: str, votes: Votes, models: int, density: float, seed: int) -> Iterator[str]:
    chosen = np.random.default_rng([seed, round(density * 100)]).random(len(votes.won)) < density
    given = Votes(votes.first[chosen], votes.second[chosen], votes.won[chosen])
    asked = ~chosen & (votes.won != 0.5)
    first, second, won = votes.first[asked], votes.second[asked], votes.won[asked]
    nothing = np.zeros(0, np.int64)
    empty = Results(nothing, nothing, np.zeros(0), np.zeros(0), nothing, models, 0)
    found = fit(empty, given)
    told = {"ours": found.vote_scale * (found.ability[first] - found.ability[second])}
    if importlib.util.find_spec("evalica") is not None:
        import evalica

        outcome = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
        fitted = evalica.bradley_terry(
            given.first.tolist(), given.second.tolist(), [outcome[each] for each in given.won.tolist()], limit=1000
        ).scores
        score = np.zeros(models)
        score[np.asarray(fitted.index, dtype=np.int64)] = np.log(np.maximum(fitted.to_numpy(), 1e-12))
        told["Bradley-Terry (evalica)"] = score[first] - score[second]
    for rule, apart in told.items():
        p = np.clip(probability(apart)[0], 1e-6, 1 - 1e-6)
        loss = -np.mean(won * np.log(p) + (1 - won) * np.log(1 - p))
        right = np.mean(np.where(apart == 0, 0.5, (apart > 0) == (won > 0.5)))
        yield f"| {name} | {density:.0%} | {rule} | {right:.4f} | {loss:.4f} |"


if __name__ == "__main__":
    main()
