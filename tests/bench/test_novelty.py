"""Novelty judged on the smallest zoo: the table tells what holds, and the series are made once."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("gguf")
pytest.importorskip("safetensors")

from bench.zoo import novelty, series
from tests.bench.test_zoo import made


def test_judging_a_zoo(tmp_path: Path) -> None:
    zoo = made(tmp_path / "zoo")
    text = novelty.judged(zoo, None, tmp_path / "told.md")
    assert (tmp_path / "told.md").read_text(encoding="utf-8") == text
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("| ")}
    for kind in ("copy", "cast to float32", "int8 dequantised"):
        assert "| 0 | 1/1 |" in rows[kind], rows[kind]
    assert "| no score | 1/1 |" in rows["root"]
    steps = series.made(zoo)
    assert (
        len({step.id for step in steps}) == len(steps) == 4 * len(series.STEPS) + len(series.SCALES) + len(series.NOISE)
    )
    before = (zoo / "series" / steps[0].id / "model.safetensors").stat().st_mtime_ns
    assert series.made(zoo) == steps
    assert (zoo / "series" / steps[0].id / "model.safetensors").stat().st_mtime_ns == before


def test_whether_a_series_rises() -> None:
    assert series.rises([0.0, 1.0, 1.0, 2.0])
    assert not series.rises([0.0, 1.0, 0.5])
