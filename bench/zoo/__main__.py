"""This file knows the zoo's commands: ``python -m bench.zoo make|baselines|score|judge|novelty|calibrate``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click


@click.group()
def main() -> None:
    """A zoo of tiny checkpoints whose derivations are known."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", default=1, show_default=True)
@click.option("--roots", default=6, show_default=True)
@click.option("--small", "size", flag_value="small", help="32 models a root instead of 70.")
@click.option("--micro", "size", flag_value="micro", help="11 models a root, in seconds.")
@click.option("--jobs", default=2, show_default=True, help="Processes, one root each.")
@click.option(
    "--wrong-times",
    default=0.0,
    show_default=True,
    help="Share of models dated before their bases (on the Hub: 0.003).",
)
@click.option("--missing", default=0.0, show_default=True, help="Share of base models withheld from the zoo.")
def make(folder: Path, seed: int, roots: int, size: str | None, jobs: int, wrong_times: float, missing: float) -> None:
    """Make a zoo; what is already made is kept.

    python -m bench.zoo make /var/tmp/zoo/1 --seed 1 --roots 3
    """
    from bench.zoo import making, telling
    from bench.zoo.plan import Size

    chosen: Size = "micro" if size == "micro" else "small" if size == "small" else "full"
    start = time.monotonic()
    for root, made in making.make_all(folder, seed, roots, chosen, jobs):
        click.echo(f"root {root}: {made} models made, {time.monotonic() - start:.0f} s", err=True)
    truth = telling.tell(folder, seed, roots, chosen, wrong_times, missing)
    edges = sum(len(model.parents) for model in truth.models)
    click.echo(f"{len(truth.models)} models, {edges} derivations, {len(truth.negatives)} without a base: {folder}")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), help="Write each baseline's predictions into this folder.")
@click.option("--details", "more", is_flag=True, help="Also by kind and by format.")
def baselines(folder: Path, out: Path | None, more: bool) -> None:
    """Score the simple rules on a zoo, as one table.

    python -m bench.zoo baselines /var/tmp/zoo/1
    """
    from bench.zoo import baselines as rules
    from bench.zoo import score as scoring
    from bench.zoo import truth

    said = rules.predictions(folder)
    true = truth.read(folder)
    results = {name: scoring.score(true, one) for name, one in said.items()}
    click.echo(scoring.table(results))
    for name, result in results.items() if more else ():
        click.echo(f"\n{name}\n{scoring.details(result)}")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, one in said.items():
            truth.write(out / f"{name.replace(', ', '-').replace(' ', '-')}.json", one)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("files", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("--roots", help="Only models of these roots: 0,2")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def score(folder: Path, files: tuple[Path, ...], roots: str | None, as_json: bool) -> None:
    """Score predictions FILES on a zoo.

    python -m bench.zoo score /var/tmp/zoo/1 predictions.json --roots 1,2
    """
    import msgspec

    from bench.zoo import score as scoring
    from bench.zoo import truth

    true = truth.read(folder)
    chosen = {int(root) for root in roots.split(",")} if roots else None
    said = {path.stem: msgspec.json.decode(path.read_bytes(), type=truth.Predictions) for path in files}
    results = {name: scoring.score(true, one, chosen) for name, one in said.items()}
    if as_json:
        click.echo(msgspec.json.encode(results))
        return
    click.echo(scoring.table(results))
    for name, result in results.items():
        click.echo(f"\n{name}\n{scoring.details(result)}")


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--roots", help="Only models of these roots: 0,2")
@click.option("--values", default="all", show_default=True, help="Weights read of each model, several: 4096,65536,all")
@click.option("--no-times", "timeless", is_flag=True, help="Also without upload times.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table there; else bench/results.")
def judge(folder: Path, roots: str | None, values: str, timeless: bool, out: Path | None) -> None:
    """Find every model's origin from its weights and its upload time, and score that beside the baselines.

    python -m bench.zoo judge /var/tmp/zoo/1 --values 4096,65536,all
    """
    from bench.zoo import judging

    chosen = {int(root) for root in roots.split(",")} if roots else None
    budgets = [None if word == "all" else int(word) for word in values.split(",")]
    click.echo(judging.judged(folder, chosen, budgets, out, timeless=timeless))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--values", type=int, help="Weights read of each model; all when not said.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the tables there; else bench/results.")
def novelty(folder: Path, values: int | None, out: Path | None) -> None:
    """Judge fork novelty: what each kind of model scores beside what it must, and whether scores follow work.

    python -m bench.zoo novelty /var/tmp/zoo/1
    """
    from bench.zoo import novelty as judging

    click.echo(judging.judged(folder, values, out))


@main.command()
@click.argument("folders", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("--values", default="all,65536", show_default=True, help="Weights read of each model, several.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the tables there.")
def calibrate(folders: tuple[Path, ...], values: str, out: Path | None) -> None:
    """Hold what is said of derivations against how often it is right, over zoos that may be tuned on. Needs no torch.

    python -m bench.zoo calibrate /var/tmp/zoo/1 /var/tmp/zoo/100
    """
    from bench.zoo import calibration

    budgets = [None if word == "all" else int(word) for word in values.split(",")]
    text = calibration.calibrated(folders, budgets)
    click.echo(text)
    if out is not None:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
