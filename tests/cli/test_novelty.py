"""Novelty on the command line, and the page that explains it: every command on it prints what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graph.catalogue import Catalogue
from graph.novelty import LIGHT, Class
from ingest.sample import ingest_sample
from tests.cli.test_commands import REPOSITORY, answer, stemma

PAGE = (REPOSITORY / "docs" / "novelty.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    ingest_sample(Catalogue(folder))
    return folder


def without_snapshot(text: str) -> str:
    return re.sub(r"Snapshot [0-9a-f]{12}", "Snapshot", text).rstrip()


def test_the_page_shows_what_the_commands_print(sample: Path) -> None:
    commands = re.findall(r"```console\n\$ stemma ([^\n]+)\n(.*?)```", PAGE, re.DOTALL)
    assert len(commands) >= 6
    for command, expected in commands:
        done = stemma(sample, *command.split())
        assert without_snapshot(done.stdout) == without_snapshot(expected), command


def test_the_page_names_every_class_and_the_threshold() -> None:
    for kind in Class:
        assert f"| `{kind.value}` |" in PAGE
    assert f"scores below {LIGHT:g}" in PAGE


def test_novelty_of_a_model_as_json(sample: Path) -> None:
    found = answer(sample, "novelty", "teknium/openhermes-2.5-mistral-7b")
    assert (found["id"], found["class"], found["tier"]) == ("teknium/OpenHermes-2.5-Mistral-7B", "light", "T0")
    left = 1.0
    for part in found["components"]:
        left *= 1 - part["weight"] * part["value"]
    assert found["score"] == pytest.approx(100 * (1 - left), abs=0.051)
    assert found["interval"] is None
    assert answer(sample, "novelty", "mistralai/Mistral-7B-v0.1")["score"] is None
    assert stemma(sample, "novelty", "mlabonne/Monarch-7B").returncode == 1  # named by others, never seen


def test_report_adds_up(sample: Path) -> None:
    found = answer(sample, "report", "--first", "100")
    whole = found["all"]
    kinds = {kind.value for kind in Class}
    assert sum(count for name, count in whole.items() if name in kinds) == whole["models"]
    assert whole["scored"] == sum(found["tiers"].values())
    for section in found["by"].values():
        assert sum(group["models"] for group in section) == whole["models"]
        assert all(sum(n for name, n in group.items() if name in kinds) == group["models"] for group in section)
    assert stemma(sample, "report", "--by", "year", "--first", "1").stdout.count("\n## By ") == 1


def test_find_by_novelty_and_folded(sample: Path) -> None:
    found = answer(sample, "find", "--novelty", "40..", "--order", "novelty", "--first", "1000")["models"]
    scores = [model["novelty"] for model in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= LIGHT
    assert {model["novelty_class"] for model in found} == {"substantial"}
    plain = answer(sample, "find", "mistral", "--first", "1000")
    folded = answer(sample, "find", "mistral", "--collapse", "quants", "--first", "1000")
    assert folded["total"] == len(folded["models"]) < plain["total"]
    assert sum(model["folded"] + 1 for model in folded["models"]) == plain["total"]
    classes = answer(sample, "find", "--novelty-class", "adapter", "--first", "9")["models"]
    assert {model["novelty_class"] for model in classes} == {"adapter"}
    for wrong in ("much", "50..5", "..101"):
        assert stemma(sample, "find", "--novelty", wrong).returncode == 2
