"""Headers with changed bytes, a few of the many that `make bench-fuzz` reads: none crashes, none takes memory."""

from __future__ import annotations

import pytest

from bench.fuzz import FORMATS, fuzz


@pytest.mark.parametrize("name", FORMATS)
def test_changed_headers_are_read_or_refused(name: str) -> None:
    outcomes, peak, _ = fuzz(name, 1_500, seed=7)
    assert outcomes.total() == 1_500
    assert outcomes["read"] < 1_400
    assert peak < 20 * 2**20
