"""This file knows where checkpoints lie on disk: a folder a model, one GGUF or ONNX file, the Hub's cache, or folders of such."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.errors import BadInput
from ingest.weights import torch_file
from ingest.weights.checkpoint import Checkpoint, DamagedCheckpoint
from ingest.weights.gguf_file import read_gguf
from ingest.weights.gguf_parts import joined, models_in, parts_of, stem_of
from ingest.weights.onnx_file import read_onnx
from ingest.weights.safetensors_file import LONGEST_INDEX, read_safetensors, shards, shards_named

_LONGEST_CONFIG = 10_000_000
CONFIG = "config.json"
_PICKLED = "pytorch_model*.bin"
_NO_AUTHORS = ("models", "checkpoints")  # folders that hold models of any
_EXPORTS = "onnx"  # the folder of a repository that holds exports of it
ADAPTER = "adapter_config.json"
BASE_OF_ADAPTER = "base_model_name_or_path"  # in it
KINDS = (".safetensors", ".gguf", ".onnx", *torch_file.KINDS)


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint that was found: the model's name, and where."""

    model: str
    path: Path  # a folder, or one file

    def read(self) -> Checkpoint:
        """Its header. Raises DamagedCheckpoint, BadInput."""
        if self.path.is_file():
            if self.path.suffix == ".gguf":
                return _read_gguf(self.path)
            if self.path.suffix == ".onnx":
                return _read_onnx(self.path)
            if self.path.suffix in torch_file.KINDS:
                return torch_file.read_torch([self.path], settings_of(self.path.parent / CONFIG))
            return read_safetensors([self.path], settings_of(self.path.parent / CONFIG))
        files = shards(self.path)
        if files:
            return read_safetensors(files, settings_of(self.path / CONFIG))
        single = _single(self.path)
        pickled = [] if single else torch_shards(self.path)
        if pickled:
            return torch_file.read_torch(pickled, settings_of(self.path / CONFIG))
        if len(single) != 1:
            raise BadInput(f"{self.path} holds {len(single)} GGUF or ONNX files and no safetensors: name one file")
        return _read_gguf(single[0]) if single[0].suffix == ".gguf" else _read_onnx(single[0])

    @property
    def size_bytes(self) -> int:
        """Bytes of its files of weights, about: what reading it means."""
        if self.path.is_file():
            stem = stem_of(self.path.name)
            files = [path for path in self.path.parent.glob("*.gguf") if stem_of(path.name) == stem] or [self.path]
            files = files if self.path.suffix == ".gguf" else [self.path]
        else:
            files = [path for kind in KINDS for path in self.path.glob(f"*{kind}")]
        return sum(path.stat().st_size for path in files if path.is_file())

    @property
    def adapter(self) -> dict[str, Any] | None:
        """The configuration of an adapter; None when it is none."""
        path = self.path / ADAPTER
        return settings_of(path) if self.path.is_dir() and path.is_file() else None


def torch_shards(folder: Path) -> list[Path]:
    """PyTorch files of a folder: those that its index names, else the one that there is. May be empty."""
    index = folder / torch_file.INDEX
    if index.is_file():
        if index.stat().st_size > LONGEST_INDEX:
            raise DamagedCheckpoint(index, "it is too long for an index")
        return [
            folder / name for name in shards_named(index, index.read_bytes(), lambda name: (folder / name).is_file())
        ]
    return [folder / torch_file.SINGLE] if (folder / torch_file.SINGLE).is_file() else []


def _single(folder: Path) -> list[Path]:
    """Files of a folder that hold a model each: of GGUF one a model, though it lie in parts; else ONNX."""
    gguf = models_in(path.name for path in folder.glob("*.gguf"))
    return [folder / name for name in gguf] or sorted(folder.glob("*.onnx"))


def _read_gguf(path: Path) -> Checkpoint:
    """One GGUF model: the file, or all files that it is a part of."""
    names = parts_of(path.name, lambda name: (path.parent / name).is_file(), path)
    return joined([read_gguf(path.parent / name) for name in names], path)


def _read_onnx(path: Path) -> Checkpoint:
    """One ONNX file; its configuration lies beside it, or above the folder ``onnx`` of a repository."""
    return read_onnx(path, settings_of(path.parent / CONFIG) or settings_of(path.parent.parent / CONFIG))


def settings_of(path: Path) -> dict[str, Any]:
    """A JSON object beside the weights; empty when there is none. Raises DamagedCheckpoint."""
    if not path.is_file():
        return {}
    if path.stat().st_size > _LONGEST_CONFIG:
        raise DamagedCheckpoint(path, "it is too long for a configuration")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpoint(path, "it is not JSON") from error
    return found if isinstance(found, dict) else {}


def checkpoints(path: Path) -> Iterator[Found]:
    """The checkpoints under a path, by name: that of the folder, behind that of the folder which holds it where this lies under the
    path too (``AUTHOR/NAME``, as repositories are downloaded). Raises BadInput when the path is not there.
    """
    if path.is_file():
        yield Found(stem_of(path.name) if path.suffix == ".gguf" else path.stem, path)
        return
    if not path.is_dir():
        raise BadInput(f"{path} is not there: give a folder or a file of weights")
    yield from _within(path, path.name)


def _within(folder: Path, name: str, *, inner: bool = False) -> Iterator[Found]:
    """Those in a folder, which counts as the model ``name`` itself; ``inner``: the folders in it are named with its own name."""
    if folder.name.startswith("models--") and (folder / "snapshots").is_dir():
        yield from _cached(folder)
        return
    if any(folder.glob("*.safetensors")):
        yield Found(name, folder)
        return
    single = _single(folder)
    if len(single) == 1:
        yield Found(name, folder)
        return
    if not single and any(folder.glob(_PICKLED)):
        yield Found(name, folder)
        return
    yield from (Found(f"{name}/{stem_of(file.name)}", file) for file in single)
    for below in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        own = f"{folder.name}/{below.name}" if inner else below.name
        yield from _within(below, name if below.name == _EXPORTS else own, inner=below.name not in _NO_AUTHORS)


def _cached(folder: Path) -> Iterator[Found]:
    """A repository in the Hub's cache: the revision that ``main`` points to, else the one last written."""
    name = folder.name.removeprefix("models--").replace("--", "/")
    revisions = sorted((path for path in (folder / "snapshots").iterdir() if path.is_dir()), key=lambda path: path.name)
    main = folder / "refs" / "main"
    if main.is_file():
        wanted = main.read_text(encoding="utf-8").strip()
        revisions = [path for path in revisions if path.name == wanted] or revisions
    if revisions:
        for found in _within(revisions[-1], name):
            inner = found.path != revisions[-1] and any(found.path.glob("*.gguf"))  # a folder of one of its GGUF models
            model = f"{name}/{stem_of(_single(found.path)[0].name)}" if inner else name
            yield Found(found.model if found.model.startswith(f"{name}/") else model, found.path)
