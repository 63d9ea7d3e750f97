"""This file knows ability: how able a model is relative to others, as an intelligence quotient is, from all its results together.

    index = 100 + 15 (t - mean of the norm) / (deviation of the norm),    error = 15 (standard error of t) / (the same)

t: the ability of the response model (``ingest.enrich.response``). The norm: named models, kept with the catalogue, so that an index
moves with what is known of a model and not with who else was added. Only differences mean something; 100 is the norm's mean.

None, with a reason, for a model with fewer than ``FEWEST`` results or whose results share no benchmark, however far around, with
the norm. A fork without results of its own has the index of the nearest ancestor that has, INHERITED, with an error that grows with
each derivation in between; it is never used for another estimate.

In a domain: the items keep the parameters of the whole fit, and t is found again from the results of that domain alone, so that its
index is on the same scale. Its error does not hold what is not known of the items. None with fewer than ``FEWEST`` results there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graph.records import AbilityRecord

FEWEST = 3  # distinct benchmarks
MEAN, DEVIATION = 100.0, 15.0
SURPRISING = 5.0  # deviations by which a result is better than foretold before it is a suspect


class Grade(StrEnum):
    """Who says a result, the most reliable first."""

    VERIFIED = "verified"  # run again by others, with a token of proof
    LEADERBOARD = "leaderboard"  # run by one party for all models
    AUTHOR = "author"  # by those who made the model
    COMMUNITY = "community"  # by anyone


WEIGHT = {Grade.VERIFIED: 1.0, Grade.LEADERBOARD: 1.0, Grade.AUTHOR: 0.4, Grade.COMMUNITY: 0.25}  # of a result


class Unknown(StrEnum):
    """Why there is no index."""

    NO_RESULTS = "no-results"
    TOO_FEW = "too-few"
    APART = "apart"
    NO_NORM = "no-norm"


WORDS = {
    Unknown.NO_RESULTS: "no result of this model, or of an ancestor, is known",
    Unknown.TOO_FEW: f"it has results on fewer than {FEWEST} benchmarks that other models have too",
    Unknown.APART: "its results share no benchmark with the models of the norm",
    Unknown.NO_NORM: "too few models have results for a scale",
}
DOMAIN_COLUMNS = ("domains", "domain_indexes", "domain_errors", "domain_results")


@dataclass(frozen=True, slots=True)
class DomainAbility:
    """What a model is able to do in one domain; ``unknown`` says why there is no index."""

    name: str
    index: float | None
    error: float | None
    results: int  # distinct benchmarks
    unknown: str | None


def low(record: AbilityRecord) -> float | None:
    """The lower end of the 95 % interval: what rankings are made by. None for what is inherited or unknown."""
    if record.index is None or record.error is None or record.inherited_from is not None:
        return None
    return record.index - 1.96 * record.error


def told(record: AbilityRecord) -> str:
    """The ability in one line."""
    if record.index is None or record.error is None:
        return WORDS[Unknown(record.unknown or Unknown.NO_RESULTS)]
    text = f"{record.index:.0f} +- {1.96 * record.error:.0f}"
    if record.inherited_from is not None:
        return f"{text}, inherited from {record.inherited_from}, {record.steps} derivation(s) up: not measured"
    text += f" from {record.benchmarks} benchmarks"
    if record.suspect is not None and record.without is not None:
        text += f"; {record.surprise:.1f} deviations better on {record.suspect} than foretold (without it {record.without:.0f})"
    return text


def by_domain(record: AbilityRecord) -> list[DomainAbility]:
    """The domains in which the model itself has results, by name."""
    found = []
    for name, index, error, results in zip(
        record.domains, record.domain_indexes, record.domain_errors, record.domain_results, strict=True
    ):
        why = None
        if index is None:
            why = Unknown.TOO_FEW if results < FEWEST else Unknown(record.unknown or Unknown.APART)
        found.append(DomainAbility(name, index, error, results, why))
    return found


def why(domain: DomainAbility) -> str:
    """Why there is no index, in words."""
    if domain.unknown == Unknown.TOO_FEW:
        return f"{domain.results} of the {FEWEST} results that it takes"
    return WORDS[Unknown(domain.unknown or Unknown.NO_RESULTS)]


def told_domain(domain: DomainAbility) -> str:
    """One domain in one line."""
    if domain.index is None or domain.error is None:
        return f"{domain.name}: {why(domain)}"
    return f"{domain.name} {domain.index:.0f} +- {1.96 * domain.error:.0f} from {domain.results} benchmarks"
