"""This file knows benchmarks: one name for the many that each is told by, what it is about, and the scales of metrics.

The facts are in ``benchmarks.toml``. What it does not know keeps the name it is told by, and has no domain unless a pattern fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from importlib.resources import files

import msgspec


class Scale(StrEnum):
    """What the values of a metric can be."""

    SHARE = "share"  # 0 to 1, or percent
    CORRELATION = "correlation"  # -1 to 1, or percent
    ERROR = "error"  # 0 is best, 1 or 100 percent is as good as nothing
    UNKNOWN = "unknown"  # losses, rewards, times


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark. ``chance``: what guessing gets, as a fraction; ``metric``: the usual one, folded."""

    name: str
    domain: str | None = None
    chance: float = 0.0
    metric: str | None = None
    listed: bool = False  # whether its name and scale are known here


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    domain: str
    chance: float = 0.0
    metric: str | None = None
    also: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    domains: dict[str, str]
    benchmarks: dict[str, _Entry]
    patterns: dict[str, str]
    data: dict[str, tuple[str, ...]]
    metrics: dict[str, tuple[str, ...]]


def folded(name: str) -> str:
    """A name as names are compared: lower case, ``-`` for blanks and ``_``."""
    return re.sub(r"[\s_-]+", "-", name.strip().lower())


@lru_cache(maxsize=1)
def _file() -> _File:
    return msgspec.toml.decode((files("graph") / "benchmarks.toml").read_text("utf-8"), type=_File)


def _any_of(globs: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(folded(glob)) for glob in globs))


@lru_cache(maxsize=1)
def _named() -> dict[str, str]:
    """The benchmark behind each folded name."""
    return {folded(said): name for name, entry in _file().benchmarks.items() for said in (name, *entry.also)}


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(_any_of([glob]), domain) for glob, domain in _file().patterns.items()]


@lru_cache(maxsize=65_536)
def benchmark(said: str) -> Benchmark:
    """The benchmark of that name, in any spelling that is known."""
    key, last = folded(said), folded(said.rpartition("/")[2])
    name = _named().get(key)
    if name is not None:
        entry = _file().benchmarks[name]
        return Benchmark(name, entry.domain, entry.chance, entry.metric and folded(entry.metric), listed=True)
    alike = _named().get(last)  # another's copy of it: the same subject, perhaps not the same questions
    if alike is not None:
        return Benchmark(said, _file().benchmarks[alike].domain)
    return Benchmark(said, next((domain for pattern, domain in _patterns() if pattern.match(last)), None))


def domain(said: str) -> str | None:
    """What the benchmark of that name is about, when that is known."""
    return benchmark(said).domain


def domains() -> dict[str, str]:
    """The domains by name, each in words."""
    return _file().domains


def is_own_data(said: str) -> bool:
    """Whether the name is that of a loader or a placeholder: nobody else's results are on the same questions."""
    return folded(said) in _own()


@lru_cache(maxsize=1)
def _own() -> frozenset[str]:
    return frozenset(map(folded, _file().data["own"]))


@lru_cache(maxsize=1)
def _scales() -> list[tuple[re.Pattern[str], Scale]]:
    order = (Scale.CORRELATION, Scale.ERROR, Scale.SHARE)
    return [(_any_of(_file().metrics[scale.value]), scale) for scale in order]


@lru_cache(maxsize=65_536)
def scale(metric: str) -> Scale:
    """The scale of a metric, by its name."""
    key = folded(metric)
    return next((scale for pattern, scale in _scales() if pattern.match(key)), Scale.UNKNOWN)


@lru_cache(maxsize=1)
def _first() -> dict[str, int]:
    return {folded(name): place for place, name in enumerate(_file().metrics["first"])}


def preferred(metrics: list[str], of: Benchmark) -> int:
    """Which of several metrics stands for a result: the benchmark's own, the first of the stated order, one of a known scale."""

    def rank(place: int) -> tuple[int, int, bool, int]:
        key = folded(metrics[place])
        return key != of.metric, _first().get(key, len(_first())), scale(key) is Scale.UNKNOWN, place

    return min(range(len(metrics)), key=rank)
