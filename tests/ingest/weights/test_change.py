"""How much of a model's weights is new: against the formula written out, and on a drawn family that holds every promise."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.catalogue import Catalogue
from graph.novelty import scale
from ingest.folders import ingest_folders
from ingest.weights.change import Change, Changes, gaussian, interval, spectrum, unexplained
from ingest.weights.folder import checkpoints
from ingest.weights.formats import as_bf16
from ingest.weights.member import member
from ingest.weights.origin import origins
from tests.ingest.weights.families import Weights, root, ties, tuned, write

BASE = root(1)
TUNE = tuned(BASE, task=1, seed=11)
FAR = tuned(BASE, task=2, seed=12)
THIRD = tuned(BASE, task=4, seed=15)
Doubles = npt.NDArray[np.float64]


def measured(tmp_path: Path, **models: Weights) -> dict[str, Change | None]:
    """The changes of models, uploaded in the order given."""
    members = {}
    for at, (name, weights) in enumerate(models.items()):
        item = next(checkpoints(write(tmp_path / name, weights)))
        members[name] = member(item.model, item.read(), datetime(2025, 1, 1 + at, tzinfo=UTC))
    changes = Changes()
    return {origin.model: changes.add(members[origin.model], origin) for origin in origins(members.values())}


def score(change: Change | None) -> float:
    assert change is not None
    return 100 * scale(math.sqrt(change.innovation) * change.energy)


def added(base: Weights, part: str, change: npt.NDArray[np.float64]) -> Weights:
    return {
        name: as_bf16((values + change).astype(np.float32)) if part in name else values for name, values in base.items()
    }


def plain(ours: Weights, before: Weights, others: list[Doubles]) -> tuple[float, float]:
    """(energy, innovation) as the file's head says them, in double precision and one matrix after the other."""
    energy = size = 0.0
    flat = []
    for name in sorted(ours):
        change = ours[name].astype(np.float64) - before[name]
        flat.append(change.reshape(-1))
        size += float((before[name].astype(np.float64) ** 2).sum())
        spacing = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(ours[name]), 1e-30))) - 7)
        noise = float((spacing.astype(np.float64) ** 2).mean()) / 12
        if (change**2).sum() < 1.05 * noise * change.size:
            continue
        values = np.linalg.svd(change, compute_uv=False)
        middle, largest = gaussian(*change.shape)
        edge = 1.05 * largest * max(math.sqrt(noise), float(np.median(values)) / middle)
        furthest = float(np.quantile(np.abs(change), 0.999))
        reach = min(1.0, furthest / (3.29 * math.sqrt((change**2).mean())))
        energy += reach**2 * sum(value**2 - edge**2 for value in values.tolist() if value > edge)
    own = np.concatenate(flat)
    left = own
    if others:
        table = np.stack(others, axis=1)
        left = own - table @ np.linalg.lstsq(table, own, rcond=None)[0]
    return math.sqrt(energy / size), float(left @ left / (own @ own))


def test_the_formula_written_out(tmp_path: Path) -> None:
    found = measured(tmp_path, root=BASE, tune=TUNE, far=FAR, sibling=tuned(BASE, task=1, seed=14))
    roles = sorted(BASE)  # in the one space the matrices have other names, and the same order of sums

    def own(model: Weights) -> Doubles:
        return np.concatenate([(model[name].astype(np.float64) - BASE[name]).reshape(-1) for name in roles])

    energy, innovation = plain(tuned(BASE, task=1, seed=14), BASE, [own(TUNE), own(FAR)])
    sibling = found["sibling"]
    assert sibling is not None
    assert sibling.energy == pytest.approx(energy, rel=1e-4)
    assert sibling.innovation == pytest.approx(innovation, rel=1e-3)
    assert sibling.explained_by == "tune"
    assert sibling.tier == "T2"
    assert sibling.low <= math.sqrt(sibling.innovation) * sibling.energy <= sibling.high


def test_what_is_not_a_fork_or_decided_by_exact_facts_is_not_measured(tmp_path: Path) -> None:
    found = measured(tmp_path, root=BASE, stranger=root(2), tune=TUNE, copy=TUNE)
    assert found["tune"] is not None
    assert [found[name] for name in ("root", "stranger", "copy")] == [None, None, None]


def test_merges_of_the_known_have_almost_nothing_of_their_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    parents = {"tune": TUNE, "far": FAR, "third": THIRD}
    deltas = [(0.5, TUNE), (0.5, FAR)]
    linear = {name: as_bf16(0.6 * TUNE[name] + 0.4 * FAR[name]) for name in BASE}
    task = {
        name: as_bf16(BASE[name] + 0.7 * (TUNE[name] - BASE[name]) + 0.6 * (FAR[name] - BASE[name])) for name in BASE
    }
    dare = {
        name: as_bf16(
            (
                values
                + sum(share * (one[name] - values) * rng.integers(0, 2, values.shape) * 2 for share, one in deltas)
            ).astype(np.float32)
        )
        for name, values in BASE.items()
    }
    trimmed = ties(BASE, [TUNE, FAR], [0.6, 0.4])
    for name, merge, most in (
        ("linear", linear, 1.0),
        ("task", task, 1.0),
        ("dare", dare, 3.0),
        ("ties", trimmed, 3.0),
    ):
        found = measured(tmp_path / name, root=BASE, **parents, merge=merge)
        assert score(found["merge"]) <= most, name


def test_more_training_and_larger_adapters_are_newer(tmp_path: Path) -> None:
    steps = [
        score(measured(tmp_path / f"steps{at}", root=BASE, child=tuned(BASE, 1, 11, size=0.004, steps=steps))["child"])
        for at, steps in enumerate((1.0, 2.0, 4.0, 8.0))
    ]
    assert steps == sorted(steps)
    assert steps[0] < steps[-1]
    rng = np.random.default_rng(7)
    change = rng.normal(size=(64, 4)) @ rng.normal(size=(4, 64)) / 4_000
    found = [
        measured(tmp_path / f"scale{at}", root=BASE, child=added(BASE, "q_proj", size * change))["child"]
        for at, size in enumerate((1, 2, 4, 8))
    ]
    scores = [score(one) for one in found]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]
    assert found[-1] is not None
    assert found[-1].rank == 4
    assert found[-1].changed < 0.1


def test_noise_is_flagged_and_worth_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    noised = {
        name: as_bf16((values + rng.normal(0, 0.001, values.shape)).astype(np.float32)) for name, values in BASE.items()
    }
    change = measured(tmp_path, root=BASE, noised=noised)["noised"]
    assert change is not None
    assert change.isotropic
    assert score(change) <= 5
    assert change.structured < 0.05


def test_a_copy_of_somebody_elses_training_is_explained(tmp_path: Path) -> None:
    """The more an older sibling did of it, the less is new."""
    alone = measured(tmp_path / "alone", root=BASE, late=tuned(BASE, task=1, seed=14))["late"]
    after = measured(tmp_path / "after", root=BASE, tune=TUNE, late=tuned(BASE, task=1, seed=14))["late"]
    unrelated = measured(tmp_path / "beside", root=BASE, stranger=root(2), late=tuned(BASE, task=1, seed=14))["late"]
    assert score(after) < 0.9 * score(alone)
    assert unrelated == alone


def test_words_added_and_weights_set_to_zero_are_no_training(tmp_path: Path) -> None:
    more = {
        name: np.concatenate([values, np.full((8, 64), 0.01, np.float32)]) if len(values) == 128 else values
        for name, values in TUNE.items()
    }
    sparse = {
        name: np.where(np.abs(values) < np.quantile(np.abs(values), 0.3), 0, values).astype(np.float32)
        for name, values in TUNE.items()
    }
    found = measured(tmp_path, root=BASE, tune=TUNE, more=more, sparse=sparse)
    assert score(found["more"]) == 0
    assert score(found["sparse"]) == 0


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 6), shared=st.floats(0, 2))
def test_one_explanation_more_never_makes_it_newer(seed: int, count: int, shared: float) -> None:
    rng = np.random.default_rng(seed)
    own = rng.normal(size=400).astype(np.float32)
    others = {str(at): rng.normal(size=400).astype(np.float32) for at in range(count)}
    left, _, _ = unexplained(own, others)
    one_more = (shared * own + rng.normal(size=400)).astype(np.float32)
    less, _, _ = unexplained(own, others | {"more": one_more})
    assert less @ less <= left @ left * (1 + 1e-9)
    turned, _, _ = unexplained(own, dict(reversed(others.items())))
    assert turned == pytest.approx(left, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 8))
def test_an_interval_holds_its_value(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    energies, sizes, before = rng.random(count), rng.random(count) + 1, rng.random(count) + 0.1
    after = before * rng.random(count)
    low, high = interval(energies, sizes, before, after)
    value = math.sqrt(after.sum() / before.sum() * energies.sum() / sizes.sum())
    assert 0 <= low <= value * (1 + 1e-9)
    assert value <= high * (1 + 1e-9)
    if count == 1:
        assert low == pytest.approx(high)


def test_nothing_changed_is_nothing() -> None:
    still = np.zeros((8, 8), np.float32)
    seen = spectrum(np.ones((8, 8), np.float32), still, "BF16")
    assert (seen.above, seen.whole, seen.peak) == (0, 0, None)


def test_many_weights_moved_alike_are_no_longer_training() -> None:
    """Two runs of as many steps at one rate: in the second, gradients keep their sign for five times as many weights."""
    rng = np.random.default_rng(4)
    rows, columns = np.sign(rng.normal(size=(64, 1))), np.sign(rng.normal(size=(1, 64)))
    seen = []
    for steady in (6, 32):
        change = (1e-4 * rng.normal(size=(64, 64))).astype(np.float32)
        change[:steady] += (0.01 * rows * columns).astype(np.float32)[:steady]
        seen.append(spectrum(np.ones((64, 64), np.float32), change, "F32"))
    few, many = seen
    assert math.sqrt(many.above / few.above) > 2
    assert math.sqrt(many.above / few.above) * many.reach / few.reach < 1.4


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.floats(1e-3, 1e3), share=st.floats(0.001, 1))
def test_reach_is_never_above_one_and_does_not_depend_on_the_size(seed: int, size: float, share: float) -> None:
    rng = np.random.default_rng(seed)
    change = (rng.normal(size=(32, 32)) * (rng.random((32, 32)) < share)).astype(np.float32)
    change[0, 0] = 1
    ours = np.ones((32, 32), np.float32)
    one, other = spectrum(ours, change, "F32"), spectrum(ours, np.float32(size) * change, "F32")
    assert 0 <= one.reach <= 1
    assert other.reach == pytest.approx(one.reach, rel=1e-4)


def test_changes_of_folders_lie_in_the_snapshot(tmp_path: Path) -> None:
    write(tmp_path / "models" / "a", BASE)
    write(tmp_path / "models" / "b", TUNE)
    write(tmp_path / "models" / "c", TUNE)
    (tmp_path / "dates.json").write_text('{"a": "2025-01-01", "b": "2025-01-02", "c": "2025-01-03"}')
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [tmp_path / "models"], dates=tmp_path / "dates.json")
    (row,) = catalogue.head().table("changes").to_pylist()
    assert (row["model"], row["tier"], row["isotropic"]) == ("b", "T2", False)
    told = {row["id"]: (row["novelty_class"], row["novelty"]) for row in catalogue.head().table("models").to_pylist()}
    expected = round(100 * scale(math.sqrt(row["innovation"]) * row["energy"]), 1)
    assert told == {
        "a": ("new", None),
        "b": ("substantial" if expected >= 40 else "light", expected),
        "c": ("repackaged", 0.0),
    }
