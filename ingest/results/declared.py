"""This file knows the results that a Hub record tells of its model: the Hub's ``evalResults``, and ``model-index`` of the card.

Who says it decides the grade. ``verified: true`` counts where the Hub wrote it, beside the ``data`` of an entry of evalResults. The
same word in a model-index, and a ``verifyToken`` anywhere, are text of whoever wrote the file: nothing here can check a token, so
neither raises a grade. What is in the repository is the author's word; what is only in a pull request, or where the client's form
does not say, the community's.

A metric's value becomes a fraction where its scale is known. Whether shares are told as 0 to 1 or as percent is told by all values
with one source in one record: any beyond 1 means percent for all. Of several metrics of one result one stands for it: the others
say the same again, and thirty cuts of one ranking are not thirty results.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from graph.ability import Grade
from graph.benchmarks import Benchmark, Scale, benchmark, folded, is_own_data, preferred, scale

EVAL_RESULTS, MODEL_INDEX = "evalResults", "model-index"  # sources
SOURCES = (EVAL_RESULTS, MODEL_INDEX)
LONGEST = 4_000_000  # bytes of one field that are parsed
MOST_METRICS = 20_000  # of one record that are looked at
MOST_RESULTS = 1_000  # of one record and source that are kept
_LONGEST_NAME = 200  # characters of a benchmark, a setting, a metric
_LONGEST_NOTE = 60
_NUMBER = re.compile(r"[-+]?[0-9]{1,30}(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?")
_USUAL = frozenset({"", "default", "none", "test", "validation", "train", "main", "all"})  # say nothing of a setting
_GRADES = tuple(Grade)
_PERCENT_FROM = {
    Scale.SHARE: 1.0,
    Scale.CORRELATION: 1.0,
    Scale.ERROR: 2.0,
}  # a bad transcript has more errors than words


class Declared(NamedTuple):
    """One cell, in the order of the staged columns."""

    benchmark: str
    setting: str
    source: str
    metric: str
    value: float  # as said
    fraction: float | None  # 0 is guessing, 1 the most; None where the scale is not known
    items: int | None
    domain: str | None
    grade: str
    revision: str | None


class Left:
    """What was left out, by reason: how many, and the first of them."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, str]] = {}

    def add(self, reason: str, detail: object, count: int = 1) -> None:
        """Count one more, or several."""
        before, first = self.found.get(reason, (0, ""))
        self.found[reason] = (
            before + count,
            first or str(detail)[:100] if isinstance(detail, str | int | float) else first,
        )


class _Told(NamedTuple):
    """One value before its scale is settled. ``group``: what shares its unit."""

    of: Benchmark
    setting: str
    metric: str
    value: float
    scale: Scale
    group: str
    grade: Grade


def eval_results(raw: bytes, left: Left) -> list[Declared]:
    """The cells of the Hub's evalResults, or of the client's eval_results. Never raises."""
    entries = _decoded(raw, left)
    told: list[_Told] = []
    for number, entry in enumerate(_items(entries, left)):
        if number >= MOST_METRICS:
            left.add("too-many-results", "", len(entries) - number)
            break
        if not isinstance(entry, dict):
            left.add("result-not-an-object", entry)
        elif "error" in entry and "data" not in entry:
            left.add("result-refused-by-the-hub", _text(entry.get("filename")) or "")
        else:
            found = _entry(entry, left)
            if found is not None:
                told.append(found)
    return _cells(told, EVAL_RESULTS, left)


def model_index(value: Any, left: Left, *, words: bool = False) -> list[Declared]:
    """The cells of a model-index, JSON or decoded. ``words``: its numbers are still text, as YAML was read. Never raises."""
    models = _decoded(value, left) if isinstance(value, bytes) else value
    told: list[_Told] = []
    seen = 0
    for number, result in enumerate(_results(models, left)):
        name, metrics = _about(result), result.get("metrics")
        if not isinstance(metrics, list) or name is None:
            left.add("result-no-benchmark" if name is None else "result-no-metrics", "")
            continue
        if is_own_data(name):
            left.add("result-on-own-data", name)
            continue
        seen += len(metrics)
        if seen > MOST_METRICS:
            left.add("too-many-results", name, len(metrics))
            continue
        told += _one_of(result, benchmark(name), metrics, number, left, words=words)
    return _cells(told, MODEL_INDEX, left)


def _decoded(raw: bytes, left: Left) -> Any:
    if len(raw) > LONGEST:
        left.add("results-too-long", f"{len(raw)} bytes")
        return []
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        left.add("results-not-json", "")
        return []


def _items(value: Any, left: Left) -> list[Any]:
    if isinstance(value, list):
        return value
    if value is not None:
        left.add("results-not-a-list", "")
    return []


def _entry(entry: dict[str, Any], left: Left) -> _Told | None:
    """One entry, in the API's form with ``data`` or in the client's flat one."""
    given = entry.get("data")
    data: dict[str, Any] = given if isinstance(given, dict) else entry
    about = data.get("dataset")
    dataset: dict[str, Any] = about if isinstance(about, dict) else {}
    name = _text(dataset.get("id")) or _text(data.get("dataset_id"))
    if name is None:
        left.add("result-no-benchmark", _text(entry.get("filename")) or "")
        return None
    value = _number(data.get("value"), words=False)
    if value is None:
        left.add("result-not-a-number", name)
        return None
    if entry.get("verified") is True and data is not entry:
        grade = Grade.VERIFIED
    else:
        grade = Grade.AUTHOR if data is not entry and "pullRequest" not in entry else Grade.COMMUNITY
    of = benchmark(name)
    task = _text(dataset.get("task_id")) or _text(data.get("task_id")) or ""
    notes = _text(data.get("notes")) or ""
    setting = _setting(of, task, notes if len(notes) <= _LONGEST_NOTE else "")
    metric = of.metric or "score"
    # such entries name no metric: known for the listed benchmarks alone
    kind = Scale.UNKNOWN if not of.listed else scale(metric) if of.metric else Scale.SHARE
    return _Told(of, setting, metric, value, kind, name, grade)


def _results(models: Any, left: Left) -> Iterator[dict[str, Any]]:
    for model in _items(models, left):
        results = model.get("results") if isinstance(model, dict) else None
        if results is None:
            left.add("result-not-an-object", model)
            continue
        for result in _items(results, left):
            if isinstance(result, dict):
                yield result
            else:
                left.add("result-not-an-object", result)


def _about(result: dict[str, Any]) -> str | None:
    """What the result is on. MTEB's names say more than the data sets that it is read from."""
    dataset = result.get("dataset")
    if not isinstance(dataset, dict):
        return _text(dataset)
    name = _text(dataset.get("name"))
    if name is not None and name.startswith("MTEB "):
        return re.sub(r" \([^)]*\)$", "", name.removeprefix("MTEB "))
    return _text(dataset.get("type")) or name


def _one_of(
    result: dict[str, Any], of: Benchmark, metrics: list[Any], number: int, left: Left, *, words: bool
) -> Iterator[_Told]:
    """The metric that stands for a result, with its value."""
    known: list[tuple[str, float]] = []
    for metric in metrics:
        kind = (_text(metric.get("type")) or _text(metric.get("name"))) if isinstance(metric, dict) else None
        if kind is None:
            left.add("result-no-metric", of.name)
            continue
        value = _number(metric.get("value"), words=words)
        if value is None:
            left.add("result-not-a-number", f"{of.name} {kind}")
        else:
            known.append((kind, value))
    if not known:
        return
    kind, value = known[preferred([kind for kind, _ in known], of)]
    if len(known) > 1:
        left.add("result-other-metric", f"{of.name}: {kind} stands for it", len(known) - 1)
    facts = result.get("dataset")
    dataset = facts if isinstance(facts, dict) else {}
    arguments = dataset.get("args")
    shots = arguments.get("num_few_shot") if isinstance(arguments, dict) else None
    few = f"{shots}-shot" if str(shots).isdecimal() and len(str(shots)) < 4 else ""
    unusual = "" if folded(kind) == of.metric else kind
    setting = _setting(of, _text(dataset.get("config")) or "", _text(dataset.get("split")) or "", few, unusual)
    yield _Told(of, setting, kind, value, scale(kind), _source(result), Grade.AUTHOR)


def _source(result: dict[str, Any]) -> str:
    source = result.get("source")
    if isinstance(source, dict):
        return _text(source.get("name")) or _text(source.get("url")) or ""
    return _text(source) or ""


def _setting(of: Benchmark, *parts: str) -> str:
    """The parts that say something, in order; a task that repeats the benchmark's name says only the rest."""
    said = []
    for part in parts:
        key = folded(part)
        rest = f"{key}-".removeprefix(f"{folded(of.name)}-").strip("-")
        if key not in _USUAL and rest:
            said.append(part if rest == key.strip("-") else rest)
    return ", ".join(said)


def _cells(told: list[_Told], source: str, left: Left) -> list[Declared]:
    """The best-graded of each benchmark and setting, with its fraction."""
    percent = {each.group for each in told if abs(each.value) > _PERCENT_FROM.get(each.scale, math.inf)}
    cells: dict[tuple[str, str], Declared] = {}
    for each in sorted(told, key=lambda one: _GRADES.index(one.grade)):
        name, setting = each.of.name, each.setting
        if max(len(name), len(setting), len(each.metric)) > _LONGEST_NAME:
            left.add("result-bad-name", name)
            continue
        fraction = None
        if each.scale is not Scale.UNKNOWN:
            unit = each.value / 100 if each.group in percent else each.value
            lowest = -1.0 if each.scale is Scale.CORRELATION else 0.0
            if not lowest <= unit <= (math.inf if each.scale is Scale.ERROR else 1.0):
                left.add("outside-its-scale", f"{name}: {each.value:g}")
                continue
            upwards = 1 - unit if each.scale is Scale.ERROR else unit
            fraction = (upwards - each.of.chance) / (1 - each.of.chance)
        if (name, setting) in cells:
            left.add("result-repeated", name)
        elif len(cells) >= MOST_RESULTS:
            left.add("too-many-results", name)
        else:
            cells[name, setting] = Declared(
                name, setting, source, each.metric, each.value, fraction, None, each.of.domain, each.grade.value, None
            )
    return list(cells.values())


def _text(value: object) -> str | None:
    """A text that names something, on one line and without half characters; of one that is too long, enough to be refused by."""
    if not isinstance(value, str) or not value.strip():
        return None
    return " ".join(value.encode("utf-8", "replace").decode().split())[: _LONGEST_NAME + 1]


def _number(value: object, *, words: bool) -> float | None:
    """A finite number. Text is none, unless all was read as text."""
    if words and isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        return None
    return float(value)
