"""This file knows where the claims about one model disagree, and says it in words. ``ingest.derive`` marks the same pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graph.records import ClaimRecord, Evidence, Relation


@dataclass(frozen=True, slots=True)
class Conflict:
    """One disagreement: about the relation to a base model, or about whether it is one."""

    kind: str  # "relation" | "base_model"
    base_model: str
    claims: tuple[ClaimRecord, ...]  # those about this base model
    silent: tuple[Evidence, ...]  # evidence that names other base models and not this one
    text: str


def conflicts(claims: Iterable[ClaimRecord]) -> list[Conflict]:
    """The conflicts in all claims about one model, by base model, the relation first."""
    claims = list(claims)
    sources = {claim.evidence for claim in claims}
    found = []
    for base in sorted({claim.base_model for claim in claims}, key=str.encode):
        about = tuple(claim for claim in claims if claim.base_model == base)
        said: dict[Relation, list[str]] = {}
        for claim in about:
            if claim.relation is not Relation.UNKNOWN:
                said.setdefault(claim.relation, []).append(claim.evidence.value)
        if len(said) > 1:
            sides = "; ".join(
                f"{', '.join(sorted(set(by)))}: {relation.value}" for relation, by in sorted(said.items())
            )
            found.append(Conflict("relation", base, about, (), f"the relation to {base} is told differently ({sides})"))
        silent = tuple(evidence for evidence in Evidence if evidence in sources - {claim.evidence for claim in about})
        if silent:
            by = ", ".join(sorted({claim.evidence.value for claim in about}))
            others = ", ".join(evidence.value for evidence in silent)
            found.append(Conflict("base_model", base, about, silent, f"{base} is named by {by} but not by {others}"))
    return found
