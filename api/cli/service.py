"""This file knows the commands about the service: demo, serve, schema, completion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from api.cli.asking import chosen
from graph.settings import Settings

QUERY = (
    '{ lineage(id: "mistralai/Mistral-7B-v0.1", depth: 1, limit: 5) '
    "{ totalDescendants nodes { distance model { id licence } } } }"
)


@click.command(name="demo")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--no-serve", is_flag=True, help="Only build the sample catalogue.")
@click.option(
    "--catalogue",
    type=click.Path(path_type=Path),
    help="Folder for the sample (default: beside the default catalogue).",
)
@click.pass_context
def demo_command(
    context: click.Context, host: str | None, port: int | None, no_serve: bool, catalogue: Path | None
) -> None:
    """Build the bundled sample catalogue, serve it, and say where."""
    from api.cli.progress import Bars
    from graph.catalogue import Catalogue
    from graph.tables import SCHEMA_VERSION
    from ingest.sample import ingest_sample

    settings: Settings = context.obj
    own = settings.catalogue.parent / f"sample-{SCHEMA_VERSION}"  # what an older program made there cannot be added to
    named = settings.catalogue if settings.catalogue_named else own
    folder = catalogue or named
    with Bars() as bars:
        report = ingest_sample(Catalogue(folder), bars)
    click.echo(f"sample catalogue: {report.models} models, {report.derivations} derivations, in {folder}")
    click.echo(f"ask it here:      stemma --catalogue {folder} lineage mistralai/Mistral-7B-v0.1 --depth 1")
    if not no_serve:
        _serve(replace(settings, catalogue=folder, store="snapshot"), host, port, show_query=True)


@click.command(name="serve")
@click.option("--host", help="Address to listen on (or STEMMA_HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one (or STEMMA_PORT).")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes (or STEMMA_WORKERS).")
@click.option("--identify", is_flag=True, help="Answer POST /identify too: a sketch in, what the model is out.")
@click.option("--catalogue", type=click.Path(path_type=Path), help="Folder with the snapshots.")
@click.option("--store", help="`snapshot`, or a Bolt address.")
@click.pass_context
def serve_command(
    context: click.Context,
    host: str | None,
    port: int | None,
    workers: int | None,
    identify: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Serve GraphQL until interrupted. When HEAD of the catalogue moves, the new snapshot answers without a break."""
    settings = chosen(context, catalogue, store)
    if workers is not None:
        settings = replace(settings, workers=workers)
    if settings.store == "snapshot":
        from graph.catalogue import Catalogue

        Catalogue(settings.catalogue).head()  # says plainly when there is nothing to serve
    _serve(settings, host, port, show_query=False, identify=identify)


def _serve(settings: Settings, host: str | None, port: int | None, *, show_query: bool, identify: bool = False) -> None:
    from api.explorer import BUNDLE
    from api.server import serve

    compare = None
    if identify:
        from api.cli.weights import comparing

        compare = comparing(settings.catalogue)
    explorer = (BUNDLE / "index.html").exists()
    settings = replace(
        settings, host=settings.host if host is None else host, port=settings.port if port is None else port
    )

    def ready(address: str) -> None:
        click.echo(f"explorer:         {address}/" if explorer else "explorer:         not built: make web")
        click.echo(f"serving:          {address}/graphql   (stop with Ctrl-C)")
        if show_query:
            click.echo(f"a query to paste: {QUERY}")
            click.echo(f"or:               curl -s -G {address}/graphql --data-urlencode 'query={QUERY}'")

    serve(settings, ready, compare)


@click.command(name="schema")
def schema_command() -> None:
    """Print the GraphQL schema."""
    from api.schema import sdl

    click.echo(sdl(), nl=False)


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the script that completes commands in a shell.

    \b
    stemma completion bash > ~/.local/share/bash-completion/completions/stemma
    """
    from click.shell_completion import get_completion_class

    from api.cli.main import stemma

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(stemma, {}, "stemma", "_STEMMA_COMPLETE").source())
