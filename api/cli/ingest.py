"""This file knows `stemma ingest`: each source of Hub records, and the report at the end."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.asking import chosen, on_device, shared
from api.cli.shown import clean, print_json

if TYPE_CHECKING:
    from ingest.report import Report


@click.group(name="ingest")
def ingest_command() -> None:
    """Take in Hub records and make the next snapshot."""


@ingest_command.command(name="dump")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--max-bad", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Share of unreadable rows allowed."
)
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that read.")
@shared
@click.pass_context
def dump(
    context: click.Context,
    paths: tuple[Path, ...],
    max_bad: float,
    processes: int,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Read dump files: hub-stats Parquet, JSON lines or one JSON array of Hub rows, also .gz and .zst.

    \b
    stemma ingest dump models.parquet datasets.parquet
    stemma ingest dump models.jsonl.zst
    """
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from ingest.dumps import ingest_dumps

    settings = chosen(context, catalogue, store)
    with Bars() as bars:
        report = ingest_dumps(
            Catalogue(settings.catalogue), paths, max_bad_fraction=max_bad, processes=processes, progress=bars
        )
    tell(report, as_json=as_json)


def tell(report: Report, *, as_json: bool) -> None:
    """Print what a run did."""
    if as_json:
        print_json(asdict(report))
        return
    click.echo(f"{report.rows} rows read, {report.bad_rows} of them unreadable")
    click.echo(
        f"{report.models} models, {report.datasets} datasets, {report.claims} claims, {report.derivations} derivations"
    )
    for reason, count in report.top_reasons():
        click.echo(f"left out: {count} x {clean(reason)}")
    for note in report.notes:
        click.echo(clean(note))
    click.echo(f"snapshot {report.snapshot}")


@ingest_command.command(name="hub")
@click.option("--endpoint", help="The Hub's address (or HF_ENDPOINT).")
@click.option("--author", help="Only models of this author.")
@click.option("--filter", help="Only models with this tag.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many models.")
@click.option("--resume", is_flag=True, help="Go on where a run was cut off.")
@click.option("--full", is_flag=True, help="Read everything again, and mark what is gone.")
@shared
@click.pass_context
def hub(
    context: click.Context,
    endpoint: str | None,
    author: str | None,
    filter: str | None,
    limit: int | None,
    resume: bool,
    full: bool,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Read the Hub's lists: all of it the first time, then what is new or changed.

    \b
    stemma ingest hub --author mistralai
    stemma ingest hub --resume
    """
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from ingest.hub import ingest_hub

    settings = chosen(context, catalogue, store)
    with Bars() as bars:
        report = ingest_hub(
            Catalogue(settings.catalogue),
            endpoint=endpoint,
            author=author,
            filter=filter,
            limit=limit,
            resume=resume,
            full=full,
            progress=bars,
        )
    tell(report, as_json=as_json)


@ingest_command.command(name="results")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--mapping", type=click.Path(path_type=Path), help="TOML file that says what the columns mean.")
@click.option("--new-norm", is_flag=True, help="Choose the models whose mean is 100 anew.")
@shared
@click.pass_context
def results(
    context: click.Context,
    paths: tuple[Path, ...],
    mapping: Path | None,
    new_norm: bool,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Read evaluation results or votes, and fit how able each model is.

    Tables as .csv, .jsonl, .json or .parquet, also with .gz; the mappings of known leaderboards come with Stemma.

    \b
    stemma ingest results open_llm_leaderboard_v2.csv.gz
    stemma ingest results ours.csv --mapping ours.toml
    """
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from ingest.results.taking_in import ingest_results

    settings = chosen(context, catalogue, store)
    with Bars() as bars:
        report = ingest_results(Catalogue(settings.catalogue), paths, mapping=mapping, new_norm=new_norm, progress=bars)
    tell(report, as_json=as_json)


@ingest_command.command(name="folder")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--dates",
    type=click.Path(path_type=Path),
    help="JSON object of upload times by model, where the catalogue has none.",
)
@click.option("--blind", is_flag=True, help="By weights alone: without upload times and declared base models.")
@on_device
@shared
@click.pass_context
def folder(
    context: click.Context,
    paths: tuple[Path, ...],
    dates: Path | None,
    blind: bool,
    device: str,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Read checkpoints on disk and find out from their weights what they were made from.

    A folder a model (NAME or AUTHOR/NAME), a GGUF file, the Hub's cache, or folders of such: safetensors and GGUF.

    \b
    stemma ingest folder models/
    stemma ingest folder ~/.cache/huggingface/hub --dates uploaded.json
    """
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from ingest.folders import ingest_folders

    settings = chosen(context, catalogue, store)
    with Bars() as bars:
        report = ingest_folders(
            Catalogue(settings.catalogue), paths, dates=dates, blind=blind, device=device, progress=bars
        )
    tell(report, as_json=as_json)
