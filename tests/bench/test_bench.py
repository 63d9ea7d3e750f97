"""The benchmark runs, small, and its table has a number for every question."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.serving import QUESTIONS
from tests.cli.test_commands import REPOSITORY


def test_one_command_measures_every_question(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--size", "1000", "--seconds", "0.3", "--without", "neo4j"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path / "work"), "--results", str(tmp_path / "results")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (found,) = (tmp_path / "results").glob("*.json")
    results = json.loads(found.read_text())
    rates = {rate["question"]: rate for rate in results["http"]["embedded"]}
    assert set(rates) == set(QUESTIONS)
    assert all(rate["per_second"] > 0 and rate["failures"] == 0 for rate in rates.values())
    table = found.with_suffix(".md").read_text()
    assert all(f"| {question} | embedded |" in table for question in QUESTIONS)
