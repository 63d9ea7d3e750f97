"""This file knows how good predictions of a zoo's derivations are.

Models equal after rounding to bf16, and copies and casts of each other, form one class, named by its oldest member: no
weights can tell them apart, so a base model counts as right when its class is. A typed edge is (child, base's class,
relation); untyped, without the relation. Edges to a withheld base, and edges that lead to its nearest catalogued ancestors
instead, count neither way. Precision is 1 where nothing was predicted, recall 1 where nothing was to be found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from bench.zoo.truth import Edge, Model, Predictions, Truth

COPIES = {"identical", "recast"}
Pair = tuple[str, str]
Typed = tuple[str, str, str]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Right, said, and to be said."""

    right: int
    said: int
    wanted: int

    @property
    def precision(self) -> float:
        """Right of what was said."""
        return self.right / self.said if self.said else 1.0

    @property
    def recall(self) -> float:
        """Right of what was to be said."""
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def f1(self) -> float:
        """2 right / (said + wanted)."""
        return 2 * self.right / (self.said + self.wanted) if self.said + self.wanted else 1.0

    def __str__(self) -> str:
        return f"{self.precision:.3f} / {self.recall:.3f} / {self.f1:.3f}"


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many."""

    right: int
    of: int

    @property
    def value(self) -> float:
        """The share; 1 of none."""
        return self.right / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.right}/{self.of}"


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the table shows."""

    copies: Rate
    typed: Rate
    untyped: Rate
    undirected: Rate
    top: Share  # most probable base model
    top_by_kind: dict[str, Share]
    quantised: dict[str, Share]  # source, by format
    merge_sets: Share  # exact set of parents
    merge_parents: Rate
    coefficient_error: float | None  # mean absolute, of merges whose set is exact; ties: of the ratios
    negatives: Share  # of models without a base, those given one
    false_pairs: Share  # of pairs of models that are not of one family, those linked
    cross_root: int
    set_coverage: Share  # of given sets, those with a true base
    set_size: float | None
    brier: float | None  # mean (probability - right)^2 of the edges
    calibration_error: float | None  # ten bins of probability
    bins: tuple[tuple[float, float, int], ...]  # (mean probability, share right, edges) of the bins that hold any
    outcomes: tuple[tuple[float, bool], ...]  # (probability, whether right) of every edge


def _families(models: Iterable[Model]) -> dict[str, str]:
    """The root of every model's family: who is connected by true derivations."""
    parent_of = {m.id: m.parents[0].id if m.parents else None for m in models}

    def top(id: str) -> str:
        above = parent_of[id]
        return id if above is None else top(above)

    return {id: top(id) for id in parent_of}


def _present(id: str, models: dict[str, Model]) -> set[str]:
    """The model, or where it is withheld its nearest ancestors that are not."""
    if not models[id].missing:
        return {id}
    return {p for parent in models[id].parents for p in _present(parent.id, models)}


def score(truth: Truth, said: Predictions, roots: set[int] | None = None, *, timeless: bool = False) -> Score:
    """The score, of all models or of those of some roots. ``timeless``: no upload times were given, so that of equal models any may
    count as the oldest: the child of an edge is its class too, and edges within a class count when both were named.
    """
    if timeless:
        truth, said = _by_class(truth, said)
    models = {m.id: m for m in truth.models}
    judged = {m.id: m for m in truth.models if not m.missing and (roots is None or m.root in roots)}
    edges: dict[Typed, Edge] = {}
    class_of = {id: m.class_ for id, m in models.items()}
    neutral = {
        (id, class_of[q])
        for id, m in judged.items()
        for p in m.parents
        if models[p.id].missing
        for q in (p.id, *_present(p.id, models))
    }
    for edge in said.edges:
        if edge.model not in judged or edge.base_model not in models:
            continue
        key = (edge.model, class_of[edge.base_model], str(edge.relation))
        if key[:2] not in neutral and (key not in edges or edges[key].probability < edge.probability):
            edges[key] = edge
    wanted = {
        (id, class_of[p.id], str(p.relation))
        for id, m in judged.items()
        for p in m.parents
        if (id, class_of[p.id]) not in neutral
    }
    right = wanted & edges.keys()
    bases: defaultdict[str, set[str]] = defaultdict(set)
    for child, base, _ in wanted:
        bases[child].add(base)

    tops: dict[str, bool] = {}
    for child, of in bases.items():
        mine = [(edge.probability, edge.weight or 0.0, key[1]) for key, edge in edges.items() if key[0] == child]
        tops[child] = bool(mine) and max(mine)[2] in of
    quant = {id: m for id, m in judged.items() if id in bases and m.parents[0].relation == "quantized"}
    quant_format = {id: f"{m.detail['grid']} {m.format}" for id, m in quant.items()}

    merged = {
        id: m
        for id, m in judged.items()
        if id in bases and m.parents[0].relation == "merge" and not any(models[p.id].missing for p in m.parents)
    }
    merge_said: dict[str, dict[str, float | None]] = {id: {} for id in merged}
    for (child, base, relation), edge in edges.items():
        if child in merged and relation == "merge":
            merge_said[child][base] = edge.weight
    exact = [id for id in merged if set(merge_said[id]) == bases[id]]
    errors = [error for id in exact for error in _coefficient_errors(merged[id], merge_said[id], class_of)]

    family = _families(truth.models)
    family_size: defaultdict[str, int] = defaultdict(int)
    for id in judged:
        family_size[family[id]] += 1
    pairs = (len(judged) ** 2 - sum(n * n for n in family_size.values())) // 2
    false_pairs = {
        frozenset((e.model, e.base_model)) for e in edges.values() if family[e.model] != family[e.base_model]
    }
    without = [id for id, m in judged.items() if not m.parents]
    given = {key[0] for key in edges}
    outcomes = [(edge.probability, key in right) for key, edge in edges.items()]
    sets = [s for s in said.sets if s.model in bases]
    covered = [bool({class_of[c.base_model] for c in s.candidates} & bases[s.model]) for s in sets]
    return Score(
        copies=_rate({k for k in edges if k[2] in COPIES}, {k for k in wanted if k[2] in COPIES}),
        typed=_rate(set(edges), wanted),
        untyped=_rate({k[:2] for k in edges}, {k[:2] for k in wanted}),
        undirected=_rate(
            {frozenset((class_of[k[0]], k[1])) for k in edges}, {frozenset((class_of[k[0]], k[1])) for k in wanted}
        ),
        top=_share(tops.values()),
        top_by_kind=_by({id: judged[id].kind for id in tops}, tops),
        quantised=_by(quant_format, tops),
        merge_sets=Share(right=len(exact), of=len(merged)),
        merge_parents=_rate(
            {(i, b) for i in merged for b in merge_said[i]}, {(i, b) for i in merged for b in bases[i]}
        ),
        coefficient_error=sum(errors) / len(errors) if errors else None,
        negatives=_share([id in given for id in without]),
        false_pairs=Share(right=len(false_pairs), of=pairs),
        cross_root=sum(models[e.model].root != models[e.base_model].root for e in edges.values()),
        set_coverage=_share(covered),
        set_size=sum(len(s.candidates) for s in sets) / len(sets) if sets else None,
        brier=sum((p - ok) ** 2 for p, ok in outcomes) / len(outcomes) if outcomes else None,
        calibration_error=calibration_error_of(outcomes),
        bins=bins(outcomes),
        outcomes=tuple(outcomes),
    )


def _by_class(truth: Truth, said: Predictions) -> tuple[Truth, Predictions]:
    """Both with equal models under the name of their class: what was made from any of them was made from all."""
    models = {model.id: model for model in truth.models}

    def of(id: str) -> str:
        return models[id].class_ if id in models else id

    edges: list[Edge] = []
    for edge in said.edges:
        same = edge.model in models and of(edge.model) == of(edge.base_model)
        if same:  # the pair, as the truth has it
            child = edge.model if edge.model != of(edge.model) else edge.base_model
            true = models[child].parents
            relation = true[0].relation if true and true[0].relation in COPIES else edge.relation
            edges.append(msgspec.structs.replace(edge, model=child, base_model=of(child), relation=relation))
        else:
            edges.append(msgspec.structs.replace(edge, model=of(edge.model)))
    return truth, msgspec.structs.replace(said, edges=tuple(edges))


def _rate(said: AbstractSet[Hashable], wanted: AbstractSet[Hashable]) -> Rate:
    return Rate(right=len(said & wanted), said=len(said), wanted=len(wanted))


def _share(hits: Iterable[bool]) -> Share:
    listed = list(hits)
    return Share(right=sum(listed), of=len(listed))


def _by(group_of: dict[str, str], hits: dict[str, bool]) -> dict[str, Share]:
    groups: defaultdict[str, list[bool]] = defaultdict(list)
    for id, group in group_of.items():
        groups[group].append(hits[id])
    return {group: _share(groups[group]) for group in sorted(groups)}


def _coefficient_errors(model: Model, said: dict[str, float | None], class_of: dict[str, str]) -> list[float]:
    """|said - true| for each parent with a said coefficient; of ties only ratios can be known: both are made to sum to one. None
    where the truth tells none.
    """
    if any(p.weight is None for p in model.parents):
        return []
    true: defaultdict[str, float] = defaultdict(float)
    for p in model.parents:
        true[class_of[p.id]] += p.weight or 0.0
    known = {base: w for base, w in said.items() if w is not None}
    if model.kind == "ties" and len(known) == len(true) and any(known.values()):
        total, known_total = sum(true.values()), sum(known.values(), 0.0)
        return [abs(known[base] / known_total - w / total) for base, w in true.items()]
    return [abs(w - true[base]) for base, w in known.items()]


def bins(outcomes: Sequence[tuple[float, bool]]) -> tuple[tuple[float, float, int], ...]:
    """(mean probability, share right, edges) by tenths of probability."""
    tenths: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for probability, ok in outcomes:
        tenths[min(9, int(probability * 10))].append((probability, ok))
    return tuple(
        (sum(p for p, _ in members) / len(members), sum(ok for _, ok in members) / len(members), len(members))
        for _, members in sorted(tenths.items())
    )


def calibration_error_of(outcomes: Sequence[tuple[float, bool]]) -> float | None:
    """sum over ten bins of |mean probability - share right| * size / all."""
    if not outcomes:
        return None
    return sum(abs(said - right) * size for said, right, size in bins(outcomes)) / len(outcomes)


def reliability(result: Score) -> str:
    """How often edges were right beside how often they were said to be."""
    if result.brier is None:
        return "no edges"
    told = ", ".join(f"said {said:.2f} right {right:.2f} ({size})" for said, right, size in result.bins)
    return f"Brier {result.brier:.3f}, calibration error {result.calibration_error:.3f}; {told}"


COLUMNS = (
    "typed P / R / F1",
    "untyped P / R / F1",
    "undirected F1",
    "copies P / R / F1",
    "top-1",
    "quantised",
    "merge sets",
    "merge parents F1",
    "coef. MAE",
    "negatives with an edge",
    "false pairs",
    "cross-root",
)


def line(result: Score) -> list[str]:
    """The cells of one row of the table, as COLUMNS names them."""
    quantised = Share(
        right=sum(s.right for s in result.quantised.values()), of=sum(s.of for s in result.quantised.values())
    )
    error = "-" if result.coefficient_error is None else f"{result.coefficient_error:.3f}"
    cells = [
        result.typed,
        result.untyped,
        f"{result.undirected.f1:.3f}",
        result.copies,
        f"{result.top.value:.3f}",
        quantised,
        result.merge_sets,
    ]
    cells += [f"{result.merge_parents.f1:.3f}", error, result.negatives, result.false_pairs, result.cross_root]
    return [str(cell) for cell in cells]


def table(results: dict[str, Score]) -> str:
    """All results in one Markdown table."""
    rows = [
        ["method", *COLUMNS],
        ["---"] * (1 + len(COLUMNS)),
        *([name, *line(result)] for name, result in results.items()),
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def details(result: Score) -> str:
    """What the table has no room for: by kind, by format, calibration."""
    kinds = ", ".join(f"{kind} {share}" for kind, share in result.top_by_kind.items())
    formats = ", ".join(f"{name} {share}" for name, share in result.quantised.items())
    sets = f"sets {result.set_coverage} with the base, mean size {result.set_size}" if result.set_size else "no sets"
    calibration = (
        f"Brier {result.brier:.3f}, calibration error {result.calibration_error:.3f}"
        if result.brier is not None
        else "no edges"
    )
    return f"base model right: {kinds}\nquantised: {formats}\n{sets}; {calibration}"
