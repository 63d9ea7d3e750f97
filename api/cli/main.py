"""This file knows the commands' tree, the options that all share, and which failure ends with which exit status."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import click

from graph import settings as all_settings
from graph.errors import StemmaError


class Lazy(click.Group):
    """Commands that are imported when they are used: `--help` and completion stay quick."""

    _PLACES: ClassVar = {
        "demo": "service",
        "serve": "service",
        "schema": "service",
        "completion": "service",
        "ingest": "ingest",
        "load": "load",
        "find": "find",
        "model": "model",
        "lineage": "lineage",
        "path": "lineage",
        "licence": "licence",
        "standard": "standards",
        "successors": "standing",
        "copies": "model",
        "conflicts": "conflicts",
        "identify": "identify",
        "weights": "weights",
        "novelty": "novelty",
        "report": "novelty",
        "catalogue": "catalogue",
        "subset": "subset",
        "snapshot": "snapshots",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the table."""
        return list(self._PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        place = self._PLACES.get(cmd_name)
        if place is None:
            return None
        from importlib import import_module

        command = getattr(import_module(f"api.cli.{place}"), f"{cmd_name}_command")
        return command if isinstance(command, click.Command) else None


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--catalogue", type=click.Path(path_type=Path), help="Folder with the snapshots (or STEMMA_CATALOGUE).")
@click.option("--store", help="`snapshot`, or a Bolt address (or STEMMA_STORE).")
@click.version_option(package_name="modelstemma", prog_name="stemma")
@click.pass_context
def stemma(context: click.Context, catalogue: Path | None, store: str | None) -> None:
    """Stemma: what a machine-learning model was made from, and what was made from it."""
    settings = all_settings.load()
    if catalogue is not None:
        settings = replace(settings, catalogue=catalogue, catalogue_named=True)
    if store is not None:
        settings = replace(settings, store=store)
    context.obj = settings


def main() -> None:
    """Run a command and end with its exit status."""
    try:
        stemma.main(standalone_mode=False)
    except StemmaError as error:
        click.echo(f"stemma: {error}", err=True)
        sys.exit(error.exit_status)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stemma: interrupted; run the same command again to go on", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has left: nothing more to say
        sys.exit(0)
