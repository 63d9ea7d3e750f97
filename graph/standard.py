"""This file knows standards: named lists of rules over what the catalogue knows of a model, each passed or not, with the evidence.

A standard is a TOML file: ``about``, and ``[rules]`` with a value each. What is not known does not pass, and the evidence says so.

    listed = true               the repository was seen, and is still there
    licence-stated = true       it declares a licence whose text is known
    licence-asks-only = [...]   that licence asks nothing but these (kinds as in ``graph/licences.toml``)
    base-known = true           it is a root, or every base model that is named for it is in the catalogue
    not-a-copy = true           its weights are not those of an older model, whole or cast
    no-conflict = true          no claims about its base models disagree
    novelty-at-least = N        its novelty, from 0 to 100; a root passes
    data-documented = true      it names a dataset that it was trained on
    commit-known = true         the commit of these facts is known, so that it can be pinned
    no-pickles = true           its files are known, some are safetensors, GGUF or ONNX, and none can run code when it is loaded
    not-gated = true            its files can be had without asking
    benchmarks-at-least = N     it has results of its own on so many benchmarks
    ability-at-least = X        the lower end of its ability's interval is not below this

The same rules are written twice: for one model, in words, and as columns for all at once; a test holds one to the other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from graph.errors import BadInput
from graph.frames import Numbers, numbers_of
from graph.licence import terms_of
from graph.novelty import COPIES, Class
from graph.records import AbilityRecord, ModelRecord, State
from graph.snapshot import Snapshot

SHIPPED = ("basic", "curated", "enterprise")
SAFE = r"(?i)\.(safetensors|gguf|onnx)$"
PICKLES = r"(?i)\.(bin|pt|pth|ckpt|pkl|pickle|joblib|h5|msgpack|npy)$"
_LARGEST = 100_000  # bytes of a standard
Value = bool | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. ``missing``: base models never seen; ``safe``, ``pickles``: None when files are not known."""

    model: ModelRecord
    missing: tuple[str, ...]
    conflicts: tuple[str, ...]
    datasets: tuple[str, ...]
    safe: int | None
    pickles: int | None
    ability: AbilityRecord | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule, whether it is passed, and what that rests on."""

    rule: str
    passed: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class Standard:
    """A named list of rules with their values, in the order of ``RULES``."""

    name: str
    about: str
    rules: tuple[tuple[str, Value], ...]

    def check(self, facts: Facts) -> list[Verdict]:
        """Every rule on one model."""
        return [Verdict(rule, *RULES[rule].judge(facts, value)) for rule, value in self.rules]

    def by_rule(self) -> dict[str, pl.Expr]:
        """By rule, whether a row of ``columns`` passes it; never null."""
        return {rule: RULES[rule].column(value).fill_null(value=False) for rule, value in self.rules}

    def passed(self) -> pl.Expr:
        """Whether a row of ``columns`` passes every rule; never null."""
        return pl.all_horizontal(list(self.by_rule().values()))


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: type
    judge: Callable[[Facts, Any], tuple[bool, str]]
    column: Callable[[Any], pl.Expr]


def columns(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """What the rules look at, a row a model, from the tables of a snapshot."""
    models, derivations = tables["models"], tables["derivations"]
    ids = models["id"]
    child, base = (numbers_of(derivations, end, ids) for end in ("model", "base_model"))

    def any_of(rows: Numbers) -> pl.Series:
        """Whether a model is among those of these numbers."""
        return pl.Series(np.bincount(rows[rows >= 0], minlength=len(ids)) > 0)

    unseen = (models["state"] == State.MISSING.value).to_numpy()
    held = (
        tables["files"]
        .group_by("model")
        .agg(safe=pl.col("path").str.contains(SAFE).any(), pickles=pl.col("path").str.contains(PICKLES).any())
    )
    measured = (
        tables["abilities"].filter(pl.col("inherited_from").is_null()).select(id="model", benchmarks="benchmarks")
    )
    return (
        models.select(_READ["models"])
        .with_columns(
            missing=any_of(child[(base >= 0) & unseen[base]]),
            conflict=any_of(child[derivations["conflict"].to_numpy()]),
            documented=any_of(numbers_of(tables["trainings"], "model", ids)),
        )
        .join(held, left_on="id", right_on="model", how="left", maintain_order="left")
        .join(measured, on="id", how="left", maintain_order="left")
    )


_READ = {
    "models": ("id", "state", "licence", "novelty", "novelty_class", "sha", "gated", "ability"),
    "derivations": ("model", "base_model", "conflict"),
    "trainings": ("model",),
    "files": ("model", "path"),
    "abilities": ("model", "benchmarks", "inherited_from"),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """A standard over a whole catalogue: ``failed`` by rule, and the ids that meet it and that do not, by name."""

    models: int
    met: int
    failed: dict[str, int]
    ids: tuple[str, ...]
    failing_ids: tuple[str, ...]


def counted(snapshot: Snapshot, wanted: Standard) -> Counted:
    """Every model that was itself seen, against one standard; columns only, so that millions take seconds."""
    tables = {name: snapshot.frame(name, list(names)) for name, names in _READ.items()}
    rows = columns(tables).filter(pl.col("novelty_class").is_not_null())
    passes = rows.select("id", **wanted.by_rule())
    all_of = passes.select(met=pl.all_horizontal(pl.exclude("id")))["met"]
    failed = {rule: int((~passes[rule]).sum()) for rule, _ in wanted.rules}
    ids, others = passes["id"].filter(all_of).to_list(), passes["id"].filter(~all_of).to_list()
    return Counted(rows.height, len(ids), failed, tuple(ids), tuple(others))


def _asks(licence: str | None) -> tuple[str, ...] | None:
    terms = terms_of(licence)
    return None if terms is None else terms.asks


def _licences(passes: Callable[[tuple[str, ...] | None], bool]) -> pl.Expr:
    """Over the few distinct licences, by the same function as for one model."""

    def judged(column: pl.Series) -> pl.Series:
        distinct = column.unique()
        good = [licence for licence in distinct.to_list() if passes(_asks(licence))]
        return column.is_in(good)

    return pl.col("licence").map_batches(judged, return_dtype=pl.Boolean)


def _is_root() -> pl.Expr:
    return pl.col("novelty_class") == Class.NEW.value


def _few(names: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _listed(facts: Facts, _: bool) -> tuple[bool, str]:
    return facts.model.state in (State.LISTED, State.GATED), f"its state is {facts.model.state.value}"


def _licence_stated(facts: Facts, _: bool) -> tuple[bool, str]:
    licence = facts.model.licence
    if licence is None:
        return False, "it declares no licence"
    return _asks(licence) is not None, f"it declares {licence}" + (
        "" if _asks(licence) is not None else ", whose text is not known"
    )


def _licence_asks_only(facts: Facts, allowed: tuple[str, ...]) -> tuple[bool, str]:
    asks = _asks(facts.model.licence)
    if asks is None:
        return False, "what its licence asks is not known"
    more = tuple(kind for kind in asks if kind not in allowed)
    return not more, f"{facts.model.licence} asks {_few(more or asks, 9) or 'nothing'}"


def _base_known(facts: Facts, _: bool) -> tuple[bool, str]:
    if facts.missing:
        return False, f"{_few(facts.missing)} was never seen"
    return True, "its base models are in the catalogue" if facts.model.relations else "it names no base model"


def _not_a_copy(facts: Facts, _: bool) -> tuple[bool, str]:
    kind = facts.model.novelty_class
    return kind is not None and kind not in COPIES, f"its class is {kind or 'not known'}"


def _no_conflict(facts: Facts, _: bool) -> tuple[bool, str]:
    return not facts.conflicts, _few(facts.conflicts, 1) or "claims about its base models agree"


def _novelty_at_least(facts: Facts, least: float) -> tuple[bool, str]:
    model = facts.model
    if model.novelty_class == Class.NEW:
        return True, "it is a root"
    if model.novelty is None:
        return False, "its novelty is not known"
    return model.novelty >= least, f"its novelty is {model.novelty:g}"


def _data_documented(facts: Facts, _: bool) -> tuple[bool, str]:
    return bool(facts.datasets), f"it names {_few(facts.datasets)}" if facts.datasets else "it names no dataset"


def _commit_known(facts: Facts, _: bool) -> tuple[bool, str]:
    return facts.model.sha is not None, f"commit {facts.model.sha}" if facts.model.sha else "its commit is not known"


def _no_pickles(facts: Facts, _: bool) -> tuple[bool, str]:
    if facts.safe is None or facts.pickles is None:
        return False, "its files are not known"
    text = f"{facts.safe} files of weights that are only data, {facts.pickles} that can run code"
    return bool(facts.safe) and not facts.pickles, text


def _not_gated(facts: Facts, _: bool) -> tuple[bool, str]:
    return facts.model.gated is None, f"gated: {facts.model.gated}" if facts.model.gated else "not gated"


def _benchmarks_at_least(facts: Facts, least: float) -> tuple[bool, str]:
    ability = facts.ability
    own = ability.benchmarks if ability is not None and ability.inherited_from is None else 0
    return own >= least, f"it has results on {own} benchmarks"


def _ability_at_least(facts: Facts, least: float) -> tuple[bool, str]:
    low = facts.model.ability
    if low is None:
        return False, "its ability was not measured"
    return low >= least, f"its ability is at least {low:.1f}"


RULES: dict[str, _Rule] = {
    "listed": _Rule(bool, _listed, lambda _: pl.col("state").is_in([State.LISTED.value, State.GATED.value])),
    "licence-stated": _Rule(bool, _licence_stated, lambda _: _licences(lambda asks: asks is not None)),
    "licence-asks-only": _Rule(
        tuple,
        _licence_asks_only,
        lambda allowed: _licences(lambda asks: asks is not None and set(asks) <= set(allowed)),
    ),
    "base-known": _Rule(bool, _base_known, lambda _: ~pl.col("missing").fill_null(value=False)),
    "not-a-copy": _Rule(bool, _not_a_copy, lambda _: ~pl.col("novelty_class").is_in([kind.value for kind in COPIES])),
    "no-conflict": _Rule(bool, _no_conflict, lambda _: ~pl.col("conflict").fill_null(value=False)),
    "novelty-at-least": _Rule(
        float, _novelty_at_least, lambda least: _is_root() | (pl.col("novelty") >= least).fill_null(value=False)
    ),
    "data-documented": _Rule(bool, _data_documented, lambda _: pl.col("documented")),
    "commit-known": _Rule(bool, _commit_known, lambda _: pl.col("sha").is_not_null()),
    "no-pickles": _Rule(bool, _no_pickles, lambda _: pl.col("safe") & ~pl.col("pickles")),
    "not-gated": _Rule(bool, _not_gated, lambda _: pl.col("gated").is_null()),
    "benchmarks-at-least": _Rule(float, _benchmarks_at_least, lambda least: pl.col("benchmarks").fill_null(0) >= least),
    "ability-at-least": _Rule(float, _ability_at_least, lambda least: pl.col("ability") >= least),
}


@cache
def shipped() -> dict[str, Standard]:
    """The standards that come with Stemma, by name."""
    folder = files("graph") / "standards"
    return {name: _parsed(name, (folder / f"{name}.toml").read_text("utf-8"), name) for name in SHIPPED}


def standard(name: str) -> Standard:
    """A shipped standard by its name, or one in a TOML file by its path. Raises BadInput."""
    if name in SHIPPED:
        return shipped()[name]
    path = Path(name)
    if path.suffix != ".toml":
        raise BadInput(f"no standard named {name!r}: there are {', '.join(SHIPPED)}, or give the path of a .toml file")
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInput(f"{path} is no standard: it is larger than {_LARGEST} bytes")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read ({error})") from error
    return _parsed(path.stem, text, str(path))


def _parsed(name: str, text: str, where: str) -> Standard:
    try:
        said = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"{where} is no standard: {error}") from error
    rules = said.get("rules")
    if not isinstance(rules, dict) or not rules:
        raise BadInput(f"{where} has no [rules]: known are {', '.join(RULES)}")
    odd = [key for key in rules if key not in RULES] + [key for key in said if key not in ("about", "rules")]
    if odd:
        raise BadInput(f"{where} has {odd[0]!r}, which is no rule: known are {', '.join(RULES)}")
    found = tuple((rule, _value(where, rule, rules[rule])) for rule in RULES if rules.get(rule, False) is not False)
    if not found:
        raise BadInput(f"{where} asks for nothing: all its rules are false")
    return Standard(name, str(said.get("about", "")), found)


def _value(where: str, rule: str, said: object) -> Value:
    kind = RULES[rule].kind
    if kind is bool and isinstance(said, bool):
        return said
    if kind is float and isinstance(said, int | float) and not isinstance(said, bool):
        return float(said)
    if kind is tuple and isinstance(said, list) and all(isinstance(each, str) for each in said):
        return tuple(said)
    words = {bool: "true or false", float: "a number", tuple: "a list of words"}
    raise BadInput(f"{where}: {rule} must be {words[kind]}, not {said!r}")
