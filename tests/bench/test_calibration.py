"""The fit of probabilities: it leaves what is right as it is, and mends what is too sure."""

from __future__ import annotations

import math

import pytest

from bench.zoo.calibration import Outcome, brier, fitted
from bench.zoo.score import bins, calibration_error_of


def said(right: dict[float, float], times: int = 1_000) -> list[Outcome]:
    """Of each probability said so many edges, of which a share is right."""
    return [(p, at < share * times) for p, share in right.items() for at in range(times)]


def test_what_is_calibrated_stays() -> None:
    outcomes = said({0.2: 0.2, 0.5: 0.5, 0.9: 0.9})
    fit = fitted(outcomes)
    assert all(math.isclose(fit(p), p, abs_tol=0.01) for p in (0.2, 0.5, 0.9))
    assert calibration_error_of(outcomes) == pytest.approx(0.0, abs=1e-9)
    assert brier(outcomes) == pytest.approx((0.16 + 0.25 + 0.09) / 3)


def test_what_is_too_sure_is_mended() -> None:
    outcomes = said({0.6: 0.52, 0.9: 0.7, 0.99: 0.85})
    fit = fitted(outcomes)
    mended = [(fit(p), ok) for p, ok in outcomes]
    assert fit.slope < 0.7
    assert brier(mended) < brier(outcomes)
    before, after = calibration_error_of(outcomes), calibration_error_of(mended)
    assert before is not None
    assert after is not None
    assert after < 0.03 < before


def test_no_errors_do_not_make_it_sure() -> None:
    fit = fitted(said({0.97: 1.0}, times=50))
    assert 0.9 < fit(0.97) < 0.999


def test_bins_are_tenths() -> None:
    assert bins([(0.95, True), (1.0, True), (0.15, False)]) == ((0.15, 0.0, 1), (0.975, 1.0, 2))
