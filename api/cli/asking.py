"""This file knows how a command opens the store, asks it, and says that a name is not known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import anyio
import click

from graph.errors import NotFound
from graph.progress import Progress, Silent
from graph.settings import Settings
from graph.store import ModelFilter, Store
from ingest.weights.device import DEVICES

Result = TypeVar("Result")
Command = Callable[..., Any]


def shared(command: Command) -> Command:
    """The options that every reading command takes, also after its name: --json, --catalogue, --store."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON for programs."),
        click.option("--catalogue", type=click.Path(path_type=Path), help="Folder with the snapshots."),
        click.option("--store", help="`snapshot`, or a Bolt address."),
    ):
        command = option(command)
    return command


def on_device(command: Command) -> Command:
    """The option of commands that may use a GPU: --device."""
    option = click.option(
        "--device",
        type=click.Choice(DEVICES),
        default="auto",
        show_default=True,
        help="What sketches and compares: `auto`, a GPU where torch finds one and the work is large.",
    )
    return option(command)


def chosen(context: click.Context, catalogue: Path | None, store: str | None) -> Settings:
    """The settings, with what was said after the command's name."""
    settings: Settings = context.obj
    if catalogue is not None:
        settings = replace(settings, catalogue=catalogue, catalogue_named=True)
    if store is not None:
        settings = replace(settings, store=store)
    return settings


def ask(settings: Settings, question: Callable[[Store], Awaitable[Result]]) -> Result:
    """Open the store, ask, close."""
    from graph.stores import open_store

    async def asking(progress: Progress) -> Result:
        store = await open_store(settings, progress=progress)
        try:
            return await question(store)
        finally:
            await store.close()

    if settings.store == "snapshot":  # mapped, nothing to wait for
        return anyio.run(asking, Silent())
    from api.cli.progress import Bars

    with Bars() as bars:
        return anyio.run(asking, bars)


async def known(store: Store, name: str) -> str:
    """The canonical id of a name. Raises NotFound that offers names like it."""
    (id,) = await store.resolve([name])
    if id is not None:
        return id
    part = name.rsplit("/", 1)[-1]
    near = await store.find(ModelFilter(text=part[:200]), first=3) if part else None
    if (near is None or not near.models) and len(part) > 6:
        near = await store.find(ModelFilter(text=part[: len(part) // 2]), first=3)
    if near is not None and near.models:
        raise NotFound("model", name, "did you mean " + " or ".join(model.id for model in near.models) + "?")
    raise NotFound("model", name, "`stemma find PART-OF-THE-NAME` searches")
