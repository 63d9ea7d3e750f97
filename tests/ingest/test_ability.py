"""Abilities: what was put in comes out again, with honest errors; and what must not matter does not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.ability import DEVIATION, MEAN, WEIGHT, Grade, Unknown, low, told
from graph.records import AbilityRecord, Relation
from ingest.enrich.ability import DRIFT, Coded, abilities, coded
from ingest.enrich.profile import profile
from ingest.enrich.response import NU, Floats, Response, Results, Sums, Votes, fit, probability, reweighted


def table(models: int, benchmarks: int, density: float, seed: int) -> tuple[pl.DataFrame, Floats, Floats]:
    """Results of models whose abilities are known, and the discriminations; some cells are empty."""
    rng = np.random.default_rng(seed)
    t, a, d = rng.normal(size=models), rng.uniform(0.4, 1.4, benchmarks), rng.normal(0, 0.8, benchmarks)
    m, b = np.divmod(np.arange(models * benchmarks), benchmarks)
    p = 1 / (1 + np.exp(-(d[b] + a[b] * t[m])))
    value = np.clip(p + rng.normal(size=len(p)) * np.sqrt(0.02 * p * (1 - p)), 0, 1)
    keep = rng.random(len(p)) < density
    frame = pl.DataFrame(
        {
            "model": [f"org/{number:04}" for number in m[keep]],
            "benchmark": [f"b{number:03}" for number in b[keep]],
            "source": "board",
            "value": value[keep],
            "weight": 1.0,
        }
    )
    return frame, t, a


def by_name(records: list[AbilityRecord]) -> dict[str, AbilityRecord]:
    return {record.model: record for record in records}


def index(records: list[AbilityRecord]) -> dict[str, float]:
    return {record.model: record.index for record in records if record.index is not None}


@pytest.mark.parametrize(("benchmarks", "density"), [(20, 1.0), (40, 0.4)])
def test_known_abilities_come_out(benchmarks: int, density: float) -> None:
    rows, t, a = table(400, benchmarks, density, seed=1)
    known = coded(rows)
    found = fit(known.results)
    assert found.converged
    assert np.corrcoef(found.ability, t)[0, 1] > 0.98
    assert np.corrcoef(found.discrimination, a)[0, 1] > 0.98
    off = (found.ability - (t - t.mean()) / t.std()) / np.sqrt(found.variance)
    assert 0.9 < np.mean(np.abs(off) < 1.96) < 0.985


def test_one_step_is_what_it_says() -> None:
    """Precision and mean of each ability once more, in loops over results."""
    rows, _, _ = table(12, 6, 0.7, seed=2)
    results = coded(rows).results
    found = fit(results)
    eta = found.eta(results)
    w, ahead, u = reweighted(results, eta, found.dispersion)
    for n in range(len(results.value)):
        p = 1 / (1 + np.exp(-eta[n]))
        phi = found.dispersion[results.benchmark[n]]
        surprise = (results.value[n] - p) ** 2 / (phi * max(p * (1 - p), 0.01))
        assert u[n] == pytest.approx((NU + 1) / (NU + surprise))
        assert w[n] == pytest.approx(u[n] * max(p * (1 - p), 0.01) / phi)
    again = np.zeros(results.models)
    for model in range(results.models):
        precision, pull = 1.0, 0.0
        for n in np.flatnonzero(results.model == model).tolist():
            a = found.discrimination[results.benchmark[n]]
            precision += w[n] * a**2
            pull += w[n] * a * (ahead[n] + a * found.ability[model])
        again[model] = pull / precision
    assert found.ability == pytest.approx((again - again.mean()) / again.std(), abs=2e-3)  # where it stands still


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter(random: object) -> None:
    rows, _, _ = table(40, 8, 0.8, seed=3)
    base = index(abilities(coded(rows)))
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=random.randrange(10**6))  # type: ignore[attr-defined]
    assert index(abilities(coded(shuffled))) == base
    renamed = rows.with_columns(pl.col("model").str.replace("org/", "zoo/"), pl.lit("z").alias("source"))
    assert {k.replace("zoo/", "org/"): v for k, v in index(abilities(coded(renamed))).items()} == pytest.approx(base)


def test_copies_a_useless_benchmark_and_a_retired_one_change_little() -> None:
    rows, _, _ = table(150, 12, 0.9, seed=4)
    norm = rows["model"].unique().to_list()
    base = by_name(abilities(coded(rows), norm))
    errors = {name: record.error or 0.0 for name, record in base.items()}

    def moved(others: dict[str, AbilityRecord]) -> float:
        return max(abs((others[name].index or 0) - (base[name].index or 0)) / errors[name] for name in base)

    copies = pl.concat(
        [rows]
        + [
            rows.filter(pl.col("model") == "org/0003").with_columns(pl.lit(f"copy/{n}").alias("model"))
            for n in range(15)
        ]
    )
    assert moved(by_name(abilities(coded(copies), norm))) < 0.6
    names = rows["model"].unique().sort()
    noise = pl.DataFrame(
        {
            "model": names,
            "benchmark": "coin",
            "source": "board",
            "value": np.random.default_rng(0).uniform(0.3, 0.7, len(names)),
            "weight": 1.0,
        }
    )
    assert moved(by_name(abilities(coded(pl.concat([rows, noise])), norm))) < 0.6
    retired = by_name(abilities(coded(rows.filter(pl.col("benchmark") != "b003")), norm))
    assert np.corrcoef([base[n].index or 0 for n in base], [retired[n].index or 0 for n in base])[0, 1] > 0.97


def test_a_leak_is_named_and_moves_little() -> None:
    rows, t, _ = table(200, 8, 1.0, seed=5)
    weak = f"org/{int(np.argsort(t)[40]):04}"
    leaked = rows.with_columns(
        pl.when((pl.col("model") == weak) & (pl.col("benchmark") == "b002"))
        .then(0.99)
        .otherwise(pl.col("value"))
        .alias("value")
    )
    norm = rows["model"].unique().to_list()
    honest = by_name(abilities(coded(rows), norm))[weak]
    record = by_name(abilities(coded(leaked), norm))[weak]
    assert record.suspect == "b002"
    assert (record.surprise or 0) > 5
    assert abs((record.index or 0) - (honest.index or 0)) < (honest.error or 0)
    assert "better on b002 than foretold" in told(record)
    assert sum(r.suspect is not None for r in abilities(coded(rows), norm)) <= 4


def test_no_value_where_it_would_be_a_guess() -> None:
    rows, _, _ = table(30, 6, 1.0, seed=6)
    few = pl.DataFrame(
        {"model": "few/x", "benchmark": ["b000", "b001"], "source": "board", "value": 0.9, "weight": 1.0}
    )
    apart = pl.DataFrame(
        {"model": ["far/x", "far/y"] * 3, "benchmark": ["p", "p", "q", "q", "r", "r"], "source": "s", "value": 0.5, "weight": 1.0}
    )  # fmt: skip
    records = by_name(abilities(coded(pl.concat([rows, few, apart]))))
    assert records["few/x"].unknown == Unknown.TOO_FEW
    assert records["far/x"].unknown == Unknown.APART
    assert records["few/x"].index is None
    assert "fewer than" in told(records["few/x"])


def test_forks_inherit_with_an_error_that_grows() -> None:
    """
    org/0000 <- a/quant <- b/tuned          org/0001 <- c/two, which is also made from a/quant
    """
    rows, _, _ = table(30, 6, 1.0, seed=7)
    edges = [
        ("a/quant", "org/0000", Relation.QUANTIZED),
        ("b/tuned", "a/quant", Relation.FINETUNE),
        ("c/two", "a/quant", Relation.QUANTIZED),
        ("c/two", "org/0001", Relation.FINETUNE),
        ("org/0002", "org/0001", Relation.FINETUNE),
    ]
    before = abilities(coded(rows))
    records = by_name(abilities(coded(rows), (), edges, ["a/quant", "b/tuned", "c/two", "org/0002"]))
    assert index(before).items() <= index(list(records.values())).items()
    base = records["org/0000"]
    assert records["a/quant"].inherited_from == "org/0000" == records["b/tuned"].inherited_from
    assert records["a/quant"].index == base.index
    assert (base.error or 0) < (records["a/quant"].error or 0) < (records["b/tuned"].error or 0)
    assert records["c/two"].inherited_from == "org/0000"
    assert records["b/tuned"].steps == 2
    assert records["org/0002"].inherited_from is None
    assert low(records["a/quant"]) is None
    assert low(base) == pytest.approx((base.index or 0) - 1.96 * (base.error or 0))
    assert set(DRIFT) == set(Relation)


def test_what_was_measured_is_not_inherited_though_that_were_surer() -> None:
    rows, _, _ = table(30, 6, 1.0, seed=7)
    little = rows.filter((pl.col("model") != "org/0003") | (pl.col("benchmark") < "b003"))
    edges = [("org/0003", "org/0000", Relation.IDENTICAL), ("d/copy", "org/0003", Relation.IDENTICAL)]
    records = by_name(abilities(coded(little), (), edges, ["org/0003", "d/copy"]))
    assert (records["org/0000"].error or 0) + DEVIATION * DRIFT[Relation.IDENTICAL] < (records["org/0003"].error or 0)
    assert records["org/0003"] == by_name(abilities(coded(little)))["org/0003"]
    assert records["d/copy"].inherited_from == "org/0003"


def test_the_norm_stays() -> None:
    rows, _, _ = table(60, 8, 1.0, seed=8)
    norm = [f"org/{number:04}" for number in range(30)]
    found = index(abilities(coded(rows), norm))
    assert np.mean([found[name] for name in norm]) == pytest.approx(MEAN, abs=0.01)
    assert np.std([found[name] for name in norm]) == pytest.approx(DEVIATION, abs=0.01)


def test_votes_alone_and_beside_results() -> None:
    rng = np.random.default_rng(9)
    t = rng.normal(size=25)
    first, second = rng.integers(0, 25, 4000), rng.integers(0, 25, 4000)
    apart = first != second
    first, second = first[apart], second[apart]
    won = (rng.random(len(first)) < 1 / (1 + np.exp(-1.3 * (t[first] - t[second])))).astype(float)
    nothing = np.zeros(0, np.int64)
    alone = fit(Results(nothing, nothing, np.zeros(0), np.zeros(0), nothing, 25, 0), Votes(first, second, won))
    assert np.corrcoef(alone.ability, t)[0, 1] > 0.97
    off = (alone.ability - (t - t.mean()) / t.std()) / np.sqrt(alone.variance)
    assert np.mean(np.abs(off) < 1.96) > 0.85
    assert alone.vote_scale == pytest.approx(1.3 * t.std(), rel=0.2)
    names = [f"v/{number}" for number in range(25)]
    votes = pl.DataFrame({"first": [names[i] for i in first], "second": [names[i] for i in second], "won": won})
    rows, _, _ = table(20, 5, 1.0, seed=1)
    both = pl.concat([rows.with_columns(pl.col("model").str.replace("org/00", "v/").str.replace("v/0", "v/")), rows])
    records = by_name(abilities(coded(both, votes)))
    assert all(records[name].index is not None for name in names)


def test_a_source_that_flatters_is_corrected() -> None:
    rows, t, _ = table(60, 10, 1.0, seed=10)
    kind = pl.DataFrame({"model": rows["model"].unique().sort()[:20]})
    flattering = rows.join(kind, on="model").with_columns(
        pl.lit("cards").alias("source"), (pl.col("value") + 0.05).clip(0, 1), pl.lit(0.4).alias("weight")
    )
    mixed = pl.concat([rows.join(kind, on="model", how="anti"), flattering, rows.join(kind, on="model").head(40)])
    found = fit(coded(mixed).results)
    assert found.offset.max() > 0.05
    assert np.corrcoef(found.ability, t)[0, 1] > 0.97


def test_intervals_hold_what_was_left_out() -> None:
    rng = np.random.default_rng(11)
    models, benchmarks = 300, 14
    t, f = rng.normal(size=models), rng.normal(size=models)
    a, loading = rng.uniform(0.5, 1.2, benchmarks), np.where(np.arange(benchmarks) < 6, 0.7, 0.0)
    m, b = np.divmod(np.arange(models * benchmarks), benchmarks)
    p = probability(a[b] * t[m] + loading[b] * f[m])[0]
    value = np.clip(p + rng.normal(size=len(p)) * np.sqrt(0.02 * p * (1 - p)), 0, 1)
    everything = Results(m, b, value, np.ones(len(p)), np.zeros(len(p), np.int64), models, benchmarks)
    shown = rng.random(len(p)) < 0.7
    given, asked = everything.among(shown), everything.among(~shown)
    response = fit(given)
    forecast = profile(given, response).foretell(asked)
    assert 0.92 < np.mean((asked.value >= forecast.low) & (asked.value <= forecast.high)) < 0.98
    by_ability = np.sqrt(np.mean((probability(response.eta(asked))[0] - asked.value) ** 2))
    assert np.sqrt(np.mean((forecast.expected - asked.value) ** 2)) < 0.8 * by_ability


def test_sums_are_sums() -> None:
    rows, _, _ = table(9, 5, 0.6, seed=12)
    results = coded(rows).results
    weight, of_benchmark = results.value, np.arange(5.0)
    slow = np.zeros(9)
    for n in range(len(weight)):
        slow[results.model[n]] += weight[n] * of_benchmark[results.benchmark[n]]
    assert np.allclose(Sums(results).by_model(weight, of_benchmark), slow)


@pytest.mark.parametrize("weight", [WEIGHT[Grade.LEADERBOARD], WEIGHT[Grade.AUTHOR]])
def test_few_results_of_little_weight_still_tell(weight: float) -> None:
    """Twenty models one above the other on four benchmarks: what all results weigh alike is nothing to the order."""
    cells = [(f"m/{n:02}", f"b{b}", 0.3 + 0.01 * (n + 7 * b + n * (b + 3) % 5)) for n in range(20) for b in range(4)]
    rows = pl.DataFrame(cells, schema=["model", "benchmark", "value"], orient="row")
    found = fit(coded(rows.with_columns(source=pl.lit("cards"), weight=weight)).results)
    assert found.converged
    assert np.corrcoef(found.ability, np.arange(20))[0, 1] > 0.98
    assert (found.discrimination > 0.1).all()


def test_noise_alone_tells_nothing() -> None:
    rows, _, _ = table(30, 6, 1.0, seed=13)
    noise = rows.with_columns(value=pl.Series(np.random.default_rng(1).uniform(0.4, 0.6, rows.height)))
    found = fit(coded(noise).results)
    assert (found.variance > 0.3).all()


def test_nothing_is_no_failure() -> None:
    nothing = np.zeros(0, np.int64)
    empty = Results(nothing, nothing, np.zeros(0), np.zeros(0), nothing, 0, 0)
    assert isinstance(fit(empty), Response)
    assert abilities(Coded(empty, (), ())) == []
