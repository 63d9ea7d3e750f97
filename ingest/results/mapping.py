"""This file knows mapping files: what the columns of a result table mean. TOML; those in ``mappings/`` come with Stemma.

name = "open-llm-leaderboard-v2"      the source, as it is shown
grade = "leaderboard"                 verified, leaderboard, author or community
model = "fullname"                    the column that names the model; with ``prefix`` before it
revision = "Model sha"                optional: the commit
[[benchmark]]                         one of three forms; this one: a column a benchmark
column = "BBH Raw"                    ...
name = "bbh"                          how the benchmark is called
metric, setting, scale = [0, 1], least, chance = 0.0, higher_is_better = true, items, domain
file = "results-imagenet.csv"         only in files of this name: a file a benchmark

[long]                                or a row a result: columns ``benchmark`` and ``value``, the rest as above for all of them,
exclude = ["GPUSpeedTask"]            benchmarks that are left out

[votes]                               or a row a vote: columns ``first``, ``second``, ``winner``, and the words that
first_wins, second_wins, tie          the last holds for each outcome
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import msgspec

from graph.ability import Grade
from graph.errors import BadInput
from ingest.results.declared import SOURCES

_LARGEST = 1_000_000  # bytes of a mapping file


class Benchmark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One benchmark that has a column of its own."""

    column: str
    name: str
    metric: str = "score"
    setting: str = ""
    scale: tuple[float, float] = (0.0, 1.0)  # nothing and everything right
    least: float | None = None  # the least that can occur, where that is below nothing right: a correlation of -1
    chance: float = 0.0  # what guessing gets, as a fraction of the scale
    higher_is_better: bool = True
    items: int | None = None
    domain: str | None = None
    file: str | None = None


class Long(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row a result."""

    benchmark: str
    value: str
    metric: str = "score"
    setting: str = ""
    scale: tuple[float, float] = (0.0, 1.0)
    least: float | None = None
    chance: float = 0.0
    higher_is_better: bool = True
    exclude: tuple[str, ...] = ()


class Voting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row a vote."""

    first: str
    second: str
    winner: str
    first_wins: tuple[str, ...]
    second_wins: tuple[str, ...]
    tie: tuple[str, ...] = ()


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mapping file."""

    name: str
    grade: Grade = Grade.COMMUNITY
    model: str | None = None
    prefix: str = ""
    revision: str | None = None
    benchmark: tuple[Benchmark, ...] = ()
    long: Long | None = None
    votes: Voting | None = None

    def columns(self, file: str) -> set[str]:
        """The columns that a file of this name needs."""
        if self.votes is not None:
            return {self.votes.first, self.votes.second, self.votes.winner}
        needed = {self.model} if self.model else set()
        if self.long is not None:
            return needed | {self.long.benchmark, self.long.value}
        return needed | {each.column for each in self.of_file(file)}

    def of_file(self, file: str) -> list[Benchmark]:
        """The benchmarks that a file of this name holds."""
        return [each for each in self.benchmark if each.file is None or each.file == file]


@dataclass(frozen=True)
class Known:
    """All mappings that can be chosen from."""

    mappings: tuple[Mapping, ...]

    def of(self, file: Path, columns: set[str]) -> Mapping:
        """The mapping for a file with these columns: that which needs most of them. Raises BadInput."""
        fitting = []
        for mapping in self.mappings:
            needed = mapping.columns(file.name)
            holds_some = mapping.votes or mapping.long or mapping.of_file(file.name)
            if holds_some and needed <= columns:
                fitting.append((len(needed), mapping.name, mapping))
        if not fitting:
            names = ", ".join(mapping.name for mapping in self.mappings)
            raise BadInput(
                f"{file}: no known mapping fits its columns ({', '.join(sorted(columns))[:300]}): write a mapping file and name it "
                f"with --mapping; known are {names}"
            )
        return max(fitting, key=lambda found: (found[0], found[1]))[2]


def read_mapping(path: Path) -> Mapping:
    """A mapping file. Raises BadInput with what is wrong in it."""
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInput(f"{path} is no mapping file: it is larger than {_LARGEST} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read ({error})") from error
    return _parsed(text, str(path))


def shipped() -> Known:
    """The mappings that come with Stemma, by name."""
    folder = files("ingest.results") / "mappings"
    found = [_parsed(each.read_text("utf-8"), each.name) for each in folder.iterdir() if each.name.endswith(".toml")]
    return Known(tuple(sorted(found, key=lambda mapping: mapping.name)))


def _parsed(text: str, where: str) -> Mapping:
    try:
        mapping = msgspec.convert(tomllib.loads(text), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadInput(f"{where} is no mapping file: {error}") from error
    forms = [bool(mapping.benchmark), mapping.long is not None, mapping.votes is not None]
    if sum(forms) != 1:
        raise BadInput(f"{where} must have either [[benchmark]], [long] or [votes]")
    if mapping.name in SOURCES:
        raise BadInput(f"{where}: {mapping.name} is the name of what the Hub's records tell: choose another `name`")
    if mapping.votes is None and mapping.model is None:
        raise BadInput(f"{where} does not say which column names the `model`")
    told: list[Benchmark | Long] = [*mapping.benchmark, *([mapping.long] if mapping.long is not None else [])]
    for each in told:
        (low, high), least = each.scale, each.scale[0] if each.least is None else each.least
        if not -math.inf < least <= low < high < math.inf or not 0 <= each.chance < 1:
            raise BadInput(
                f"{where}: a scale must grow between numbers and chance lie in [0, 1), not [{low}, {high}] and {each.chance}; "
                f"least, {least}, is not above it"
            )
    return mapping
