"""This file knows what a lock says of one model, of the base models outside, and of all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

Number = int | float


class Why(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a model is in a subset."""

    rule: str  # "query", "include", "ancestor", "descendant"
    place: int | None = None  # in the query's order, from 1
    of: str | None = None  # the model whose ancestor or descendant it is, by the step that found it
    reason: str | None = None  # as the query gives it

    def text(self) -> str:
        """The same in words."""
        if self.rule == "query":
            return f"query, place {self.place}"
        return f"{self.rule} of {self.of}" if self.of else f"{self.rule}: {self.reason}"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One file at the pinned commit. ``sha256`` is of its content; ``git_blob`` is git's own SHA-1 over a header and it."""

    path: str
    size: int | None = None  # bytes
    sha256: str | None = None
    git_blob: str | None = None


class Licence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A declared licence, and where it was declared."""

    id: str
    where: str  # "hub": the repository's own metadata


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A derivation towards a base model."""

    model: str
    relation: str
    evidence: tuple[str, ...]
    inside: bool  # whether the base model is in the subset
    conflict: bool
    cycle: bool


class Ability(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Its ability, where that was measured: see ``graph.ability``."""

    index: Number
    error: Number | None  # standard error of the index
    benchmarks: int
    inherited_from: str | None  # the ancestor whose index it is


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model of a subset."""

    model: str
    hub_id: str | None
    commit: str | None
    state: str
    gated: str | None
    licence: Licence | None
    files: tuple[File, ...] | None  # None: not known; the catalogue was filled without them
    bases: tuple[Base, ...]
    task: str | None
    library: str | None
    architecture: str | None
    parameters: int | None
    created_at: str | None  # the repository, ISO 8601
    novelty: Number | None
    novelty_class: str | None
    ability: Ability | None
    why: Why
    check: str = ""  # the first 16 hex digits of the sha256 of this row without it

    @property
    def author(self) -> str | None:
        """The part of the name before the slash."""
        return self.model.split("/", 1)[0] if "/" in self.model else None

    @property
    def size(self) -> int:
        """Bytes of the files whose size is known."""
        return sum(file.size or 0 for file in self.files or ())


class Outside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A base model of the subset that is not in it."""

    model: str
    state: str
    licence: str | None
    why: str  # "missing": never seen; "excluded" by the query; "not chosen"
    reason: str | None  # as the query gives it
    derived: int  # models of the subset made from it


class Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The subset in numbers. What is not known is counted, so that it is not overlooked."""

    models: int
    gated: int
    gone: int
    files: int
    bytes: int  # of the files whose size is known
    without_files: int  # models whose files are not known
    files_without_size: int
    files_by_git_blob: int  # files with no sha256, but a git blob id
    files_without_hash: int
    without_commit: int
    without_licence: int
    licences: dict[str, int]
    derivations: int
    conflicts: int
    cycles: int  # derivations on a cycle
    outside: int  # base models outside
    outside_missing: int  # of these never seen


def totals(rows: Iterable[Row], outside: Iterable[Outside]) -> Totals:
    """Count."""
    found, licences, beyond = Counter[str](), Counter[str](), list(outside)
    for row in rows:
        files = row.files or ()
        found["models"] += 1
        found["gated"] += row.gated is not None
        found["gone"] += row.state == "gone"
        found["files"] += len(files)
        found["bytes"] += row.size
        found["without_files"] += row.files is None
        found["files_without_size"] += sum(file.size is None for file in files)
        found["files_by_git_blob"] += sum(file.sha256 is None and file.git_blob is not None for file in files)
        found["files_without_hash"] += sum(file.sha256 is None and file.git_blob is None for file in files)
        found["without_commit"] += row.commit is None
        found["without_licence"] += row.licence is None
        found["derivations"] += len(row.bases)
        found["conflicts"] += sum(base.conflict for base in row.bases)
        found["cycles"] += sum(base.cycle for base in row.bases)
        if row.licence is not None:
            licences[row.licence.id] += 1
    found["outside"], found["outside_missing"] = len(beyond), sum(base.why == "missing" for base in beyond)
    named = {name: found[name] for name in Totals.__struct_fields__ if name != "licences"}
    return Totals(licences=dict(sorted(licences.items())), **named)
