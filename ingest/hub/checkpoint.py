"""This file knows how a repository of the Hub is read as a checkpoint: which of its files hold the weights, their headers, then the
windows that a budget of bytes allows, by ranges; all bytes when the budget suffices for them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graph.errors import BadInput
from ingest.hub.listing import Listing, listing
from ingest.hub.ranges import ByteBudget, RemoteFile
from ingest.hub.session import HubSession
from ingest.weights.checkpoint import Checkpoint, DamagedCheckpoint, Part, Tensor, Values
from ingest.weights.folder import ADAPTER, CONFIG
from ingest.weights.four_bits import unpacked
from ingest.weights.gguf_file import HeaderGoesOn, parse_gguf
from ingest.weights.gguf_parts import joined, models_in, parts_of
from ingest.weights.member import BUDGET, member
from ingest.weights.repository import WINDOW_BYTES, Reading, Repository
from ingest.weights.safetensors_file import INDEX, SINGLE, checkpoint_of, header_length, parse_header, shards_named
from ingest.weights.sketch_file import VERSION
from ingest.weights.windows import planned, windowed_member, windows

HEADER_BYTES = 64 * 2**20  # of one repository: headers, the index of shards, configurations
_FIRST = 32 * 2**10  # bytes of a safetensors file that are asked for at first
_FIRST_GGUF = 2**20  # vocabularies lie in the header
_GROWTH = 4
_LONGEST_CONFIG = 2**20
_ELSEWHERE = (".bin", ".pt", ".pth", ".onnx", ".h5", ".msgpack", ".ckpt")


class RemoteCheckpoint:
    """One repository at one commit: nothing is asked for until it is read."""

    def __init__(self, session: HubSession, repository: Repository) -> None:
        self.session, self.repository = session, repository
        self.listing: Listing = listing(session, repository.name, repository.revision)
        self.headers = ByteBudget(
            f"bytes of headers of {repository.name}", HEADER_BYTES, "download it, and give the folder"
        )
        self._files: dict[Path, RemoteFile] = {}

    def mark(self, most_bytes: int) -> str:
        """What its state is known by, read so far: the commit, since a commit does not change."""
        where = [self.session.endpoint, self.repository.name, self.repository.file]
        facts = [VERSION, *where, self.listing.commit, most_bytes]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def adapter(self) -> dict[str, Any] | None:
        """The configuration of an adapter; None when it is none. Raises as ``read`` does."""
        return self._settings(ADAPTER) if self.repository.file is None else None

    def tensors_of(self, name: str) -> list[Tensor]:
        """The tensors of one safetensors file, by its header; none when the repository lacks it. Raises as ``read`` does."""
        if self.listing.file(name) is None:
            return []
        tensors, _ = self._safetensors(*self._open(name))
        return list(tensors.values())

    def read(self, most_bytes: int = WINDOW_BYTES, budget: int = BUDGET) -> Reading:
        """Headers, and windows of at most ``most_bytes``.

        Raises DamagedCheckpoint, BadInput, NotFound, Unreachable, Damaged.
        """
        header = self._header()
        spend = ByteBudget(f"bytes of weights of {self.repository.name}", most_bytes, "give a larger --budget")
        fetch = partial(self._fetch, budget=spend)
        if header.size_bytes <= most_bytes:
            made = {name: partial(self._values, header, tensor, spend) for name, tensor in header.tensors.items()}
            found = member(self.repository.model, replace(header, made=made), budget=budget)
        else:
            held = windows(header, planned(header, most_bytes, budget), fetch)
            found = replace(windowed_member(self.repository.model, header, held), read_bytes=spend.spent)
        content = self.listing.content if self.repository.file is None else None
        return Reading(found, self.listing.commit, content, self.headers.spent, spend.spent, header.size_bytes)

    def _values(self, header: Checkpoint, tensor: Tensor, budget: ByteBudget) -> Values:
        if tensor.name in header.packed:
            rows = 0, tensor.shape[0]
            pieces = self._fetch(header.parts(tensor.name, *rows), budget)
            return header.rows(tensor.name, [np.frombuffer(piece, dtype=np.uint8) for piece in pieces], *rows)
        (piece,) = self._fetch([(tensor.path, tensor.offset, tensor.offset + tensor.size_bytes)], budget)
        return header.decode(np.frombuffer(piece, dtype=np.uint8), tensor.dtype, tensor.shape)

    def _fetch(self, parts: Sequence[Part], budget: ByteBudget) -> list[bytes]:
        """The parts, file by file, in the order asked."""
        found: dict[int, bytes] = {}
        left = sum(end - begin for _, begin, end in parts)
        for path in sorted({path for path, _, _ in parts}):
            here = [at for at, part in enumerate(parts) if part[0] == path]
            left -= sum(parts[at][2] - parts[at][1] for at in here)
            pieces = self._files[path].read([parts[at][1:] for at in here], budget, reserved=left)
            found |= dict(zip(here, pieces, strict=True))
        return [found[at] for at in range(len(parts))]

    def _open(self, path: str) -> tuple[Path, RemoteFile]:
        listed = self.listing.file(path)
        if listed is None:
            raise BadInput(
                f"{self.repository.name} has no file {path!r} at {self.listing.commit}: name one that it has"
            )
        where = Path(self.repository.name) / path
        remote = RemoteFile(self.session, self.listing.repository, self.listing.commit, path, listed.size)
        self._files[where] = remote
        return where, remote

    def _settings(self, name: str) -> dict[str, Any] | None:
        """A JSON object beside the weights; None when there is none."""
        listed = self.listing.file(name)
        if listed is None or listed.size > _LONGEST_CONFIG:
            return None
        where, remote = self._open(name)
        try:
            found = json.loads(remote.whole(self.headers))
        except (ValueError, RecursionError) as error:
            raise DamagedCheckpoint(where, "it is not JSON") from error
        return found if isinstance(found, dict) else {}

    def _header(self) -> Checkpoint:
        names = self._weight_files()
        if names[0].endswith(".gguf"):
            return joined([self._gguf(name) for name in names], Path(self.repository.name) / names[0])
        read = {}
        for name in names:
            where, remote = self._open(name)
            read[where] = self._safetensors(where, remote)
        found = checkpoint_of(read, self._settings(CONFIG) or {})
        return unpacked(found, partial(self._fetch, budget=self.headers))

    def _weight_files(self) -> list[str]:
        """Safetensors, by the index where there is one, or the one GGUF model, which may lie in parts."""
        if self.repository.file is not None:
            if not self.repository.file.endswith((".safetensors", ".gguf")):
                raise BadInput(
                    f"{self.repository.model}: only safetensors and GGUF are read in parts: download the file"
                )
            return self._parts(self.repository.file)
        names = [file.path for file in self.listing.files if "/" not in file.path]
        index = self.listing.file(INDEX)
        if index is not None:
            where, remote = self._open(INDEX)
            shards = shards_named(where, remote.whole(self.headers), lambda name: name in names)
            if shards:
                return shards
        found = [name for name in names if name.endswith(".safetensors")]
        if SINGLE in found:
            return [SINGLE]
        if found:
            return found
        gguf = models_in(name for name in names if name.endswith(".gguf"))
        if len(gguf) == 1:
            return self._parts(gguf[0])
        if gguf:
            raise BadInput(
                f"{self.repository.name} has {len(gguf)} models in GGUF files: name one, as {self.repository.name}/{gguf[0]}"
            )
        other = next((file.path for file in self.listing.files if file.path.endswith(_ELSEWHERE)), None)
        raise BadInput(
            f"{self.repository.name} holds no safetensors and no GGUF"
            + (f", but {other}, which cannot be read in parts: download it, and give the file" if other else "")
        )

    def _parts(self, path: str) -> list[str]:
        """The files of the model that this file holds, or a part of."""
        folder, _, name = path.rpartition("/")
        inside = f"{folder}/" if folder else ""
        where = Path(self.repository.name) / path
        names = parts_of(name, lambda name: self.listing.file(inside + name) is not None, where)
        return [inside + name for name in names]

    def _safetensors(self, where: Path, remote: RemoteFile) -> tuple[dict[str, Tensor], dict[str, str]]:
        """(tensors, metadata) of one file: the header's length, and the header, which mostly come with the first bytes."""
        (start,) = remote.read([(0, min(_FIRST, remote.size))], self.headers)
        end = 8 + header_length(where, start[:8], remote.size)
        if end > len(start):
            (rest,) = remote.read([(len(start), end)], self.headers)
            start += rest
        return parse_header(where, start[8:end], remote.size)

    def _gguf(self, name: str) -> Checkpoint:
        """The header of a GGUF file does not tell its length: what is read grows until it is whole."""
        where, remote = self._open(name)
        data = bytearray()
        wanted = _FIRST_GGUF
        while True:
            end = min(wanted, remote.size)
            (more,) = remote.read([(len(data), end)], self.headers)
            data += more
            try:
                return parse_gguf(where, memoryview(bytes(data)), remote.size)
            except HeaderGoesOn as goes_on:
                wanted = max(goes_on.needed, _GROWTH * len(data))
