"""Abilities by domain: items stay as the whole fit has them, and what a model is better at comes out with an honest error."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from graph.ability import FEWEST, Unknown, by_domain
from ingest.enrich.ability import abilities, coded
from ingest.enrich.domains import in_domains
from ingest.enrich.response import TOLD, Floats, fit, reweighted

PER_DOMAIN, MODELS = 12, 300
ABOUT = {f"{domain}-{number:02}": domain for domain in ("code", "mathematics") for number in range(PER_DOMAIN)}


def two_domains(seed: int) -> tuple[pl.DataFrame, Floats, Floats]:
    """Results of models that have one ability for mathematics and another for code."""
    rng = np.random.default_rng(seed)
    whole, more = rng.normal(size=MODELS), rng.normal(size=MODELS) * 0.6
    able = {"code": whole - more, "mathematics": whole + more}
    rows = []
    for benchmark, domain in ABOUT.items():
        a, d = rng.uniform(0.5, 1.3), rng.normal(0, 0.7)
        p = 1 / (1 + np.exp(-(d + a * able[domain])))
        value = np.clip(p + rng.normal(size=MODELS) * np.sqrt(0.01 * p * (1 - p)), 0, 1)
        rows.append(
            pl.DataFrame({"model": [f"m/{n:03}" for n in range(MODELS)], "benchmark": benchmark, "value": value})
        )
    return pl.concat(rows).with_columns(source=pl.lit("board"), weight=1.0), whole, more


def test_what_a_model_is_better_at_comes_out() -> None:
    rows, _, more = two_domains(1)
    norm = rows["model"].unique().to_list()
    records = abilities(coded(rows), norm, about=ABOUT)
    gap = np.array([record.domain_indexes[1] - record.domain_indexes[0] for record in records])  # type: ignore[operator]
    assert {record.domains for record in records} == {("code", "mathematics")}
    assert np.corrcoef(gap, more)[0, 1] > 0.9
    assert {record.domain_results for record in records} == {(PER_DOMAIN, PER_DOMAIN)}
    known = [(record.error or 0, error or 0) for record in records for error in record.domain_errors]
    assert all(part > 0 for _, part in known)


def test_errors_hold_what_is_drawn_anew() -> None:
    """Two halves of one domain, both with frozen items, tell the same ability within their errors."""
    rows, _, _ = two_domains(2)
    about = {name: f"half-{number % 2}" for number, name in enumerate(n for n in ABOUT if n.startswith("code"))}
    known = coded(rows.filter(pl.col("benchmark").is_in(list(about))))
    found = fit(known.results)
    told = in_domains(known.results, found, np.array([int(about[name][-1]) for name in known.benchmarks]))
    one, other = told.domain == 0, told.domain == 1
    off = (told.ability[one] - told.ability[other]) / np.sqrt(told.variance[one] + told.variance[other])
    assert 0.88 < np.mean(np.abs(off) < 1.96) <= 1.0


def test_it_is_what_the_formula_says() -> None:
    """One pair of model and domain after another, in loops over results."""
    rows, _, _ = two_domains(3)
    known = coded(rows.sample(1500, seed=1))
    found, results = fit(known.results), known.results
    number = np.array([["code", "mathematics"].index(ABOUT[name]) for name in known.benchmarks])
    told = in_domains(results, found, number)
    for place in range(0, len(told.model), 37):
        mine = np.flatnonzero((results.model == told.model[place]) & (number[results.benchmark] == told.domain[place]))
        part = results.among(np.isin(np.arange(len(results.value)), mine))
        a, d = found.discrimination[part.benchmark], found.easiness[part.benchmark]
        t = told.ability[place]
        w, ahead, _ = reweighted(part, d + a * t, found.dispersion)
        assert t == pytest.approx(np.sum(w * a * (ahead + a * t)) / (1 + np.sum(w * a**2)), abs=1e-4)
        assert told.variance[place] == pytest.approx(1 / (1 + TOLD * np.sum(w * a**2)))
        assert told.items[place] == len(mine)


def test_one_domain_of_everything_is_the_ability_itself() -> None:
    rows, _, _ = two_domains(4)
    records = abilities(coded(rows), about=dict.fromkeys(ABOUT, "all"))
    for record in records:
        assert record.domain_indexes[0] == pytest.approx(record.index, abs=0.2)
        assert record.domain_errors[0] == pytest.approx(record.error, abs=0.05)


def test_under_three_results_there_is_a_reason_and_no_value() -> None:
    rows, _, _ = two_domains(5)
    few = (pl.col("model") == "m/001") & pl.col("benchmark").str.starts_with("code") & (pl.col("benchmark") > "code-01")
    alone = (pl.col("model") == "m/002") & (pl.col("benchmark") != "code-00")
    records = {record.model: record for record in abilities(coded(rows.filter(~few & ~alone)), about=ABOUT)}
    code, mathematics = by_domain(records["m/001"])
    assert (code.index, code.error, code.results, code.unknown) == (None, None, 2, Unknown.TOO_FEW)
    assert mathematics.index is not None
    assert mathematics.results > FEWEST
    assert [domain.unknown for domain in by_domain(records["m/002"])] == [Unknown.TOO_FEW]
    without = {record.model: record for record in abilities(coded(rows.filter(~few & ~alone)))}
    assert without["m/001"].index == records["m/001"].index  # domains change no ability
    assert without["m/001"].domains == ()


def test_neither_other_domains_nor_order_change_a_domain() -> None:
    rows, _, _ = two_domains(6)
    both = {record.model: record for record in abilities(coded(rows), about=ABOUT)}
    code = {name: domain for name, domain in ABOUT.items() if domain == "code"}
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=3)
    for record in abilities(coded(shuffled), about=code):
        assert record.domains == ("code",)
        assert record.domain_indexes[0] == both[record.model].domain_indexes[0]
