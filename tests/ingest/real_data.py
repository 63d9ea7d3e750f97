"""Real records of the Hub, where a checkout has them beside it: never part of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

import ingest


def real(name: str) -> Path:
    """The path of a file of real data; skips the test when it is not there."""
    path = Path(ingest.__file__).resolve().parent.parent.parent / "shared" / "data" / name
    if not path.exists():
        pytest.skip(f"no real data: ../shared/data/{name} is not beside the checkout")
    return path
