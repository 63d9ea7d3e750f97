"""This file knows how a checkpoint on a Hub is named, how much of it is to be read, and how much was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ingest.weights.gguf_parts import stem_of

if TYPE_CHECKING:
    from ingest.weights.member import Member

WINDOW_BYTES = 2 * 2**20


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkpoint on a Hub: ``author/name``, perhaps a file within it, at a branch, tag or commit."""

    name: str
    file: str | None = None
    revision: str | None = None

    @classmethod
    def parse(cls, text: str, revision: str | None = None) -> Repository:
        """From ``author/name`` or ``author/name/path/in/it``."""
        parts = text.split("/", 2)
        return cls("/".join(parts[:2]), parts[2] if len(parts) > 2 else None, revision)

    @property
    def model(self) -> str:
        """What its checkpoint is called in the catalogue."""
        return self.name if self.file is None else f"{self.name}/{stem_of(PurePosixPath(self.file).name)}"


@dataclass(frozen=True, slots=True)
class HubReading:
    """Which Hub is asked, and how many bytes of weights are read of each repository at most."""

    endpoint: str | None = None
    window_bytes: int = WINDOW_BYTES
    timeout_seconds: float = 30.0
    pause_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A checkpoint that was read; of one on a Hub also at which commit, and how many bytes."""

    member: Member
    commit: str | None = None
    content: str | None = None  # the digest of the set of its weight files, as the catalogue has it
    header_bytes: int | None = None
    weight_bytes: int | None = None
    all_bytes: int | None = None  # of its tensors
