"""This file knows where a model's weights contradict what is said of it: its card, its tags, the Hub and its configuration.

Of the claims about one model, those with evidence ``weights`` are held against all others. What is found of a base model f is

    copy         the same values as f (identical, recast, permuted), and nothing said of f admits it
    relation     said of f too, but as something else; what a Hub has no word for contradicts nothing: see ``_ALIKE``
    base_model   not said, while other base models are
    undeclared   not said, and nothing else is
    shapes       said of f by a configuration, though the shapes of an adapter do not fit f

A base model that is a copy of one that is said, or the other way round, counts as said (``graph.folding``). The probability is
that of the weights' claim; of shapes, what the claim of the configuration lacks to 1. Not to be trusted where the base model that
is said was never read: then the nearest relative that was read is found instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import polars as pl

from graph.frames import Frames, Numbers
from graph.records import ClaimRecord, ContradictionRecord, Contradicts, Evidence, Relation

_LIKELY = 0.5  # below it a claim of a configuration is denied
_COPIES = frozenset({Relation.IDENTICAL, Relation.RECAST, Relation.PERMUTED})
_ALIKE = {  # found: what may be said for it
    Relation.FINETUNE: frozenset({Relation.ADAPTER}),  # an adapter that was merged in
    Relation.PRUNED: frozenset({Relation.FINETUNE}),
    Relation.EXPANDED: frozenset({Relation.FINETUNE}),
    Relation.RECAST: frozenset({Relation.QUANTIZED}),  # to a smaller format
}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One of them in full: what the weights say of the base model, and all that is said of any by others."""

    kind: Contradicts
    base_model: str
    probability: float
    found: tuple[ClaimRecord, ...]
    said: tuple[ClaimRecord, ...]
    text: str


def contradictions(claims: Iterable[ClaimRecord], original: Callable[[str], str]) -> list[ContradictionRecord]:
    """Of all claims about one model, one a base model, by base model. ``original``: what a model is a copy of, or itself."""
    claims = list(claims)
    said: dict[str, set[Relation]] = {}
    for claim in claims:
        if claim.evidence is not Evidence.WEIGHTS:
            said.setdefault(original(claim.base_model), set()).add(claim.relation)
    found: dict[str, ContradictionRecord] = {}
    for claim in sorted(claims, key=lambda claim: claim.base_model.encode()):
        kind = None
        probability = claim.confidence or 0.0
        if claim.evidence is Evidence.WEIGHTS:
            kind = _kind(claim, said, original(claim.base_model))
        elif _is_denied(claim):
            kind, probability = Contradicts.SHAPES, 1 - probability
        before = found.get(claim.base_model)
        if kind is not None and (before is None or probability > before.probability):
            found[claim.base_model] = ContradictionRecord(claim.model, claim.base_model, kind, probability)
    return list(found.values())


def _kind(found: ClaimRecord, said: dict[str, set[Relation]], base: str) -> Contradicts | None:
    admitted = said.get(base)
    if admitted is not None:
        known = admitted - {Relation.UNKNOWN}
        may_be = _ALIKE.get(found.relation, frozenset()) | {found.relation}
        if not known or known & may_be or found.relation is Relation.UNKNOWN:
            return None
        return Contradicts.COPY if found.relation in _COPIES else Contradicts.RELATION
    if found.relation in _COPIES:
        return Contradicts.COPY
    return Contradicts.BASE_MODEL if said else Contradicts.UNDECLARED


def _is_denied(claim: ClaimRecord) -> bool:
    return claim.evidence is Evidence.CONFIG and claim.confidence is not None and claim.confidence < _LIKELY


def in_full(records: Sequence[ContradictionRecord], claims: Sequence[ClaimRecord]) -> list[Contradiction]:
    """Both sides of a model's contradictions, from all claims about it."""
    said = tuple(claim for claim in claims if claim.evidence is not Evidence.WEIGHTS)
    by: dict[str, list[str]] = {}
    for claim in sorted(said, key=lambda claim: list(Evidence).index(claim.evidence)):
        by.setdefault(_words(claim), []).append(claim.evidence.value)
    others = "; ".join(f"{', '.join(dict.fromkeys(who))}: {words}" for words, who in by.items())
    told = []
    for record in records:
        about = [claim for claim in claims if claim.base_model == record.base_model]
        if record.kind is Contradicts.SHAPES:
            found = tuple(filter(_is_denied, about))
            words = "; ".join(claim.detail or _words(claim) for claim in found)
        else:
            found = tuple(claim for claim in about if claim.evidence is Evidence.WEIGHTS)
            words = "; ".join(f"{_words(claim)} ({claim.confidence or 0:.2f})" for claim in found)
        text = f"the weights say {words}, {others or 'nothing else is said'}"
        told.append(Contradiction(record.kind, record.base_model, record.probability, found, said, text))
    return told


def _words(claim: ClaimRecord) -> str:
    return claim.base_model if claim.relation is Relation.UNKNOWN else f"{claim.relation.value} of {claim.base_model}"


def all_contradictions(tables: Frames, copies: Callable[[], Numbers]) -> pl.DataFrame:
    """(model, base_model, kind, probability) of all models, by (model, base_model).

    ``copies``: gives the number of each model's original; it is asked only where some weights were read.
    """
    denied = (pl.col("evidence") == Evidence.CONFIG.value) & (pl.col("confidence") < _LIKELY)
    telling = (pl.col("evidence") == Evidence.WEIGHTS.value) | denied
    found: list[tuple[str, str, str, float]] = []
    if tables.frame("claims", ["evidence", "confidence"]).select(telling.any()).item():
        claims = tables.frame("claims", ["model", "base_model", "relation", "evidence", "where", "confidence"])
        read = claims.filter(telling).select("model").unique()
        claims = claims.join(read, on="model", how="semi", maintain_order="left")
        ids = tables.frame("models", ["id"])["id"]
        known = pl.DataFrame({"id": ids, "original": ids.gather(copies())})
        bases = claims.select(id="base_model").unique()
        original = dict(bases.join(known, on="id").iter_rows())
        records = (
            ClaimRecord(model, base, Relation(relation), Evidence(evidence), where, confidence)
            for model, base, relation, evidence, where, confidence in claims.iter_rows()
        )
        for _, about in groupby(records, key=lambda claim: claim.model):
            against = contradictions(about, lambda model: original.get(model, model))
            found += [(one.model, one.base_model, one.kind.value, one.probability) for one in against]
    schema = {"model": pl.String, "base_model": pl.String, "kind": pl.String, "probability": pl.Float64}
    return pl.DataFrame(found, schema=schema, orient="row")
