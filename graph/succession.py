"""This file knows which models supersede others: what to take instead of an older model, from abilities with their errors.

    b supersedes a  when  made(b) > made(a),  task(b) = task(a),  parameters(b) <= LARGER * parameters(a),
                          licence(b) is no stricter than licence(a) (graph.licence.no_stricter), and neither is that of
                          any ancestor of b than licence(a) or that of some ancestor of a,
                          P(b better) = Phi((m_b - m_a) / sqrt(s_a^2 + s_b^2)) >= SURE,
                          both have results of their own on at least FEWEST benchmarks, and b is still there

m, s: index and standard error of the ability. What is not known (a date, the task, a size) makes no successor. Licences are those
declared; ancestors count whose licence is known and who are of another author, as in ``graph.licence``: what an author made of his
own he may license anew. First come those nearest in the lineage, by derivations over a common ancestor that is at most ``NEAR``
away from each; of equals those that are better most surely. At most ``KEPT`` are kept of each model, but all are counted, and the
time since when is that of the first that was made. The successor that an author declares (``new_version`` in the card) is kept
beside them.

Many pairs are looked at: of a hundred successors some are there by chance. It is a help for finding, no promise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import count
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.ability import FEWEST
from graph.best import below
from graph.frames import Frames
from graph.licence import no_stricter, terms_of
from graph.records import SuccessorRecord
from graph.standing import measured, percent, standings

SURE = 0.95
LARGER = 1.25
NEAR = 6  # derivations up to a common ancestor
KEPT = 20  # successors of one model
SUCCESSORS = pl.Schema(
    {
        "model": pl.String,
        "place": pl.Int32,  # the order of one model's successors
        "successor": pl.String,
        "probability": pl.Float64,
        "steps": pl.Int32,
        "declared": pl.Boolean,
    }
)
SUPERSEDED = pl.Schema({"model": pl.String, "superseded_by": pl.Int32, "since": pl.Int64})  # ms since 1970
_SURE_DEVIATIONS = NormalDist().inv_cdf(SURE)
_BLOCK = 2_000_000  # pairs at once
_APART = 1_000.0  # steps of two that are not related; more than deviations ever are
_DIGITS = 6
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def tables(frames: Frames) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The standings of all measured models, fields as in StandingRecord, by name; and ``SUCCESSORS`` of all models."""
    found = measured(frames)
    counted, successors = superseded(found, edges_for(found, frames), declared(frames))
    since = pl.from_epoch("since", "ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    stood = standings(found).join(counted, on="model", how="left", maintain_order="left")
    return (
        stood.with_columns(pl.col("superseded_by").fill_null(0), superseded_since=since).drop("since"),
        successors,
    )


def superseded(rows: pl.DataFrame, edges: pl.DataFrame, said: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What ``SUPERSEDED`` and ``SUCCESSORS`` name, by model and place.

    ``rows``: see ``graph.standing.measured``. ``edges``: see ``edges_for``. ``said``: (model, successor) as authors declare.
    """
    known = rows.filter(
        pl.col("made").is_not_null()
        & pl.col("task").is_not_null()
        & (pl.col("parameters") > 0)
        & (pl.col("benchmarks") >= FEWEST)
    )
    counts, found = [SUPERSEDED.to_frame()], [SUCCESSORS.to_frame()]
    if known.height > 1:
        ancestors = _ancestors(edges, known["model"])
        licences = dict(edges.select("base_model", "licence").iter_rows())
        for _, part in sorted(known.partition_by("task", as_dict=True, maintain_order=True).items()):
            counted, best = _of_task(part.sort("made", "model"), ancestors, licences)
            counts.append(counted)
            found.append(best)
    return pl.concat(counts).sort("model"), _with_declared(pl.concat(found), said)


def _of_task(
    rows: pl.DataFrame, ancestors: dict[str, dict[str, int]], licences: dict[str, str | None]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both tables of models with one task, which are in order of time: whoever comes later can be a successor."""
    index, variance = rows["index"].to_numpy(), rows["error"].to_numpy() ** 2
    size, made, there = (rows[name].to_numpy() for name in ("parameters", "made", "there"))
    names, by_name = rows["model"].to_list(), rows["model"].rank("ordinal").to_numpy()
    asked = [_asked_of(name, ancestors[name], licences) for name in names]
    code, allowed = _allowed(list(zip(rows["declared"].to_list(), asked, strict=True)))
    related = _Related([ancestors[name] for name in names])
    later, first = np.zeros(rows.height, dtype=np.int32), np.zeros(rows.height, dtype=np.int64)
    found = [SUCCESSORS.to_frame()]
    height = max(1, _BLOCK // rows.height)
    for begin in range(0, rows.height, height):
        old = np.arange(begin, min(begin + height, rows.height))
        new = np.arange(np.searchsorted(made, made[begin], side="right"), rows.height)
        better = (index[new] - index[old, None]) / np.sqrt(variance[old, None] + variance[new])  # (old, new) deviations
        holds = (made[new] > made[old, None]) & there[new] & (size[new] <= LARGER * size[old, None])
        holds &= allowed[code[old, None], code[new]] & (better >= _SURE_DEVIATIONS)
        later[old] = holds.sum(axis=1)
        which = np.flatnonzero(holds.any(axis=1))
        if not len(which):
            continue
        old, better, holds = old[which], better[which], holds[which]
        first[old] = made[new[holds.argmax(axis=1)]]
        steps = np.stack([related.steps(int(row))[new] for row in old])
        at, to = _best(holds, steps, better, by_name[new])
        place = np.arange(len(at)) - np.searchsorted(at, at)
        reached = steps[at, to]
        found.append(
            pl.DataFrame(
                {
                    "model": [names[row] for row in old[at]],
                    "place": place.astype(np.int32),
                    "successor": [names[row] for row in new[to]],
                    "probability": below(better[at, to]).round(_DIGITS),
                    "steps": [int(each) if each < _APART else None for each in reached],
                    "declared": np.zeros(len(at), dtype=bool),
                },
                schema=SUCCESSORS,
            )
        )
    counted = pl.DataFrame({"model": names, "superseded_by": later, "since": first}, schema=SUPERSEDED)
    return counted.filter(pl.col("superseded_by") > 0), pl.concat(found)


def _best(
    holds: Bools, steps: Floats, better: Floats, by_name: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(row, column) of the first ``KEPT`` of each row where ``holds``: by steps, then by how surely, then by name."""
    key = np.where(holds, steps * _APART - np.minimum(better, _APART - 1), np.inf)
    last = key if key.shape[1] <= KEPT else np.partition(key, KEPT - 1, axis=1)[:, :KEPT]
    row, column = np.nonzero(holds & (key <= last.max(axis=1, keepdims=True)))
    order = np.lexsort((by_name[column], key[row, column], row))
    row, column = row[order], column[order]
    kept = np.arange(len(row)) - np.searchsorted(row, row) < KEPT  # ties with the last are one too many
    return row[kept], column[kept]


def _asked_of(model: str, ancestors: Iterable[str], licences: Mapping[str, str | None]) -> frozenset[str]:
    """The licences of its ancestors that are known, ask more than a notice, and are not of its own author."""
    author = model.partition("/")[0]
    asked = {licences.get(each) for each in ancestors if each != model and each.partition("/")[0] != author}
    return frozenset(each for each in asked if each is not None and terms_of(each) and not no_stricter(each, None))


def _allowed(profiles: list[tuple[str | None, frozenset[str]]]) -> tuple[npt.NDArray[np.int64], Bools]:
    """The number of each model's profile, its licence with those of its ancestors; and whether (old, new) may follow each other."""
    number = {profile: place for place, profile in enumerate(dict.fromkeys(profiles))}
    own = [own for own, _ in number]
    words = sorted({word for mine, above in number for word in (mine, *above) if word is not None})
    allowed = np.array([[no_stricter(new, old) for new in own] for old in own])
    if words:
        above = np.array([[word in above for word in words] for _, above in number])
        held = above | np.array([[word == mine for word in words] for mine in own])
        milder = np.array([[no_stricter(new, old) for new in words] for old in words])
        beyond = ~(held.astype(np.int64) @ milder).astype(bool)  # (old, word): nothing in the old lineage asks as much
        allowed &= ~(beyond.astype(np.int64) @ above.T).astype(bool)
    return np.array([number[profile] for profile in profiles]), allowed


class _Related:
    """How many derivations lie between models, by way of the nearest common ancestor."""

    def __init__(self, ancestors: list[dict[str, int]]) -> None:
        self._ancestors = ancestors
        below: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row, up in enumerate(ancestors):
            for name, steps in up.items():
                if steps <= NEAR:
                    below[name].append((row, steps))
        self._below = {name: np.array(pairs) for name, pairs in below.items() if len(pairs) > 1}

    def steps(self, row: int) -> Floats:
        """(models,) from this one to each; ``_APART`` where none are known."""
        found = np.full(len(self._ancestors), _APART)
        for name, up in self._ancestors[row].items():
            pairs = self._below.get(name) if up <= NEAR else None
            if pairs is not None:
                found[pairs[:, 0]] = np.minimum(found[pairs[:, 0]], pairs[:, 1] + up)
        return found


def _ancestors(edges: pl.DataFrame, models: pl.Series) -> dict[str, dict[str, int]]:
    """Of each model its ancestors, itself too, with the least number of derivations up to each."""
    edges = edges.select("base_model", at="model")
    found: dict[str, dict[str, int]] = {model: {model: 0} for model in models.to_list()}
    frontier = pl.DataFrame({"model": models, "at": models})
    for steps in count(1):
        frontier = frontier.join(edges, on="at").select("model", at="base_model").unique()
        fresh = []
        for model, base in frontier.iter_rows():
            if base not in found[model]:
                found[model][base] = steps
                fresh.append((model, base))
        frontier = pl.DataFrame(fresh, schema={"model": pl.String, "at": pl.String}, orient="row")
        if frontier.is_empty():
            break
    return found


def edges_for(rows: pl.DataFrame, tables: Frames) -> pl.DataFrame:
    """The derivations of a snapshot, (model, base_model, licence of the base model); none are read when nothing was measured."""
    if rows.is_empty():
        return pl.DataFrame(schema={"model": pl.String, "base_model": pl.String, "licence": pl.String})
    licences = tables.frame("models", ["id", "licence"]).rename({"id": "base_model"})
    edges = tables.frame("derivations", ["model", "base_model"])
    return edges.join(licences, on="base_model", how="left", maintain_order="left")


def declared(tables: Frames) -> pl.DataFrame:
    """(model, successor): whom authors name, where there is a model of that name: exactly, as an alias, or in other case."""
    if not tables.frame("models", ["new_version"])["new_version"].count():
        return pl.DataFrame(schema={"model": pl.String, "successor": pl.String})  # most catalogues: no names are read
    ids = tables.frame("models", ["id", "downloads", "new_version"])
    said = ids.select("id", "new_version").drop_nulls()
    aliases = tables.frame("aliases", ["alias", "id"])
    lower = said["new_version"].str.to_lowercase()
    known = [
        ids.select("id", said="id", rank=0),
        aliases.select("id", said="alias", rank=1),
        ids.sort("downloads", "id", descending=[True, False], nulls_last=True)
        .filter(pl.col("id").str.to_lowercase().is_in(lower.implode()))
        .unique(pl.col("id").str.to_lowercase(), keep="first", maintain_order=True)
        .select("id", said=pl.col("id").str.to_lowercase(), rank=2),
    ]
    wanted = said.select(model="id", said=pl.concat_list("new_version", pl.col("new_version").str.to_lowercase()))
    found = wanted.explode("said").join(pl.concat(known), on="said").filter(pl.col("model") != pl.col("id"))
    nearest = found.sort("model", "rank", "id").unique("model", keep="first", maintain_order=True)
    return nearest.select("model", successor="id")


def _with_declared(found: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """The successors with what authors say: of one that is kept, or after those."""
    said = named.with_columns(declared=pl.lit(value=True))
    both = found.drop("declared").join(said, on=["model", "successor"], how="left", maintain_order="left")
    alone = said.join(found, on=["model", "successor"], how="anti").with_columns(place=pl.lit(KEPT, pl.Int32))
    whole = pl.concat([both.with_columns(pl.col("declared").fill_null(value=False)), alone], how="diagonal")
    return whole.select(SUCCESSORS.names()).cast(SUCCESSORS).sort("model", "place")


def told(record: SuccessorRecord) -> str:
    """A successor in one line, without its name."""
    said = []
    if record.probability is not None:
        said.append(f"better with a probability of {percent(record.probability)}")
    if record.steps is not None:
        said.append(f"{record.steps} derivation{'' if record.steps == 1 else 's'} away")
    if record.declared:
        said.append("named by its author")
    return ", ".join(said)
