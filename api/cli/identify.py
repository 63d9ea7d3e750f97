"""This file knows the command that says what a checkpoint or a file is."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import click

from api.cli import shown
from api.cli.asking import ask, chosen, shared
from api.cli.weights import on_the_hub, tell_origin
from graph.errors import BadInput, NotFound
from graph.store import Store
from ingest.weights.repository import HubReading

_WEIGHTS = (".gguf", ".safetensors", ".onnx", ".bin", ".pt", ".pth", ".sketch")


@click.command(name="identify")
@click.argument("path", metavar="PATH|AUTHOR/NAME|DIGEST")
@on_the_hub
@shared
@click.pass_context
def identify_command(
    context: click.Context,
    path: str,
    budget: int,
    endpoint: str | None,
    revision: str | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Say what a checkpoint or a file is: copy, quantised version, fine-tune or merge of what; or which models hold it.

    A folder or a file of weights, or a sketch of one (`stemma weights sketch`), is compared with the checkpoints that the
    catalogue has read. Of any other file the sha256 is looked for, as of a digest of 64 hex digits. What is no path is a
    repository of the Hub: its headers are read, and windows of its weights by byte ranges within the budget.

    \b
    stemma identify downloads/unknown-model
    stemma identify HuggingFaceH4/zephyr-7b-beta
    stemma identify sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    """
    is_weights = Path(path).is_dir() or Path(path).suffix in _WEIGHTS
    if is_weights or (not Path(path).exists() and "/" in path):
        tell_origin(chosen(context, catalogue, store), path, HubReading(endpoint, budget), revision, as_json=as_json)
        return
    if re.fullmatch(r"(?:sha256:)?[0-9a-fA-F]{64}", path):
        digest = path.lower().removeprefix("sha256:")
    else:
        try:
            with Path(path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BadInput(
                f"{path} cannot be read ({error.strerror}): give a file, or a sha256 of 64 hex digits"
            ) from error

    async def asked(graph: Store) -> None:
        places = await graph.file_places(digest)
        content = await graph.weights(digest)
        holders = await graph.holders(digest, 100) if content else None
        if not places and holders is None:
            raise NotFound("file or weight content", digest, "no model of the catalogue is known to hold it")
        models = [model.id for model in holders.models] if holders else []
        if as_json:
            files = [{"model": file.model, "path": file.path, "size": file.size} for file in places]
            shown.print_json({"snapshot": graph.snapshot, "digest": digest, "files": files, "models": models})
        else:
            shown.print_table(
                ("model", "path"), [(file.model, file.path) for file in places] + [(model, "") for model in models]
            )

    ask(chosen(context, catalogue, store), asked)
