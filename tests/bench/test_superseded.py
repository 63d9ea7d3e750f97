"""The table of superseded models, made from a drawn leaderboard."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.ability.superseded import KNOWN, catalogue_of, main
from ingest.results.mapping import shipped

COLUMNS = ("Model", "fullname", "Model sha", "Base Model", "Hub License", "#Params (B)", "Upload To Hub Date")


@pytest.fixture
def leaderboard(tmp_path: Path) -> Path:
    """The second of each of the first three known pairs is better by far, made later, and as large."""
    (mapping,) = [each for each in shipped().mappings if each.name == "open-llm-leaderboard-v2"]
    benchmarks = [each.column for each in mapping.benchmark]
    names = [name for pair in KNOWN[:3] for name in pair]
    with (tmp_path / "board.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *benchmarks])
        for number, name in enumerate(names):
            link = f'<a target="_blank" href="https://huggingface.co/{name}">{name}</a>'
            better, day = number % 2, f"202{3 + number % 2}-01-01"
            values = [0.4 + 0.3 * better + 0.01 * at for at in range(len(benchmarks))]
            writer.writerow([link, name.lower(), "", name, "mit", 7.0, day, *values])
    return tmp_path / "board.csv"


def test_pairs_are_found_and_nothing_is_wrong(leaderboard: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(leaderboard), "--out", str(tmp_path / "table.md")], catch_exceptions=False)
    text = (tmp_path / "table.md").read_text()
    assert done.output.strip() == text.strip()
    for old, new in KNOWN[:3]:
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {old} ") and new in line]
        assert "more than 99.9 %" in line
        assert "2024-01-01" in line
    assert text.count("not in the table") == len(KNOWN) - 3
    for words in ("of another task", "under a stricter licence", "times the parameters", "not made later"):
        (line,) = [line for line in text.splitlines() if words in line]
        assert line.endswith("| 0 |")


def test_the_table_is_a_catalogue(leaderboard: Path, tmp_path: Path) -> None:
    models = catalogue_of(leaderboard, tmp_path / "catalogue").table("models").to_pylist()
    assert {model["id"] for model in models} == {name for pair in KNOWN[:3] for name in pair}
    assert {(model["task"], model["licence"], model["parameters"]) for model in models} == {
        ("text-generation", "mit", 7_000_000_000)
    }
