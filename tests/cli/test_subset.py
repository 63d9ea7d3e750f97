"""`stemma subset` as a shell runs it: over the bundled sample, and over a small world whose files exist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graph.catalogue import Catalogue
from graph.subset.lock import read
from tests.cli.test_commands import REPOSITORY, answer, stemma
from tests.graph.subset.shelf import put, rows, shelf
from tests.graph.subset.test_diff import changed
from tests.worlds import build

QUERY = "[where]\nauthor = ['a', 'g', 'root', 'n']\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    shelf(tmp_path / "catalogue")
    (tmp_path / "q.toml").write_text(QUERY)
    return tmp_path


def test_create_verify_and_every_damage_named(place: Path) -> None:
    catalogue, lock = place / "catalogue", place / "q.lock.json"
    dry = answer(catalogue, "subset", "create", str(place / "q.toml"), "--dry-run")
    assert not lock.exists()
    made = answer(catalogue, "subset", "create", str(place / "q.toml"))
    assert (dry["digest"], dry["models"], dry["gated"]) == (made["digest"], 4, 1)
    put(place / "models")
    whole = stemma(catalogue, "subset", "verify", str(lock), str(place / "models"))
    assert (whole.returncode, whole.stdout.splitlines()[0]) == (0, "7 files as pinned")
    (place / "models/root/base/model.safetensors").write_bytes(b"v" * 3000)
    wrong = stemma(catalogue, "subset", "verify", str(lock), str(place / "models"))
    assert wrong.returncode == 4
    assert "wrong: root/base model.safetensors: its sha256 is " in wrong.stdout
    text = lock.read_text()
    lock.write_text(text.replace("manual", "auto"))
    changed_by_hand = stemma(catalogue, "subset", "verify", str(lock))
    assert (changed_by_hand.returncode, "row g/gated: it was changed" in changed_by_hand.stdout) == (4, True)
    assert stemma(catalogue, "subset", "export", str(lock), "--format", "csv").returncode == 4
    lock.write_text(text[: len(text) // 2])
    assert (stemma(catalogue, "subset", "verify", str(lock)).returncode) == 4


def test_update_and_diff_say_why(place: Path) -> None:
    catalogue, lock, old = place / "catalogue", place / "q.lock.json", place / "old.lock.json"
    answer(catalogue, "subset", "create", str(place / "q.toml"), "-o", str(old))
    first = Catalogue(catalogue).head().id
    build(catalogue, changed(rows()))
    found = answer(catalogue, "subset", "update", str(old), "-o", str(lock))
    assert [(c["kind"], c["model"], c["why"]) for c in found["changes"]] == [
        ("in", "n/new", "data"),
        ("licence", "a/tuned", "data"),
    ]
    again = answer(catalogue, "subset", "create", str(place / "q.toml"), "--snapshot", first[:12], "--dry-run")
    assert again["digest"] == read(old).digest
    (place / "wide.toml").write_text(QUERY.replace("'a', ", "'a', 'b', "))
    answer(catalogue, "subset", "create", str(place / "wide.toml"))
    wide = answer(catalogue, "subset", "diff", str(old), str(place / "wide.lock.json"))["changes"]
    assert {c["model"]: c["why"] for c in wide if c["kind"] == "in"} == {"b/quant": "query", "n/new": "data"}
    assert "no difference" in stemma(catalogue, "subset", "diff", str(old), str(old)).stdout


def test_a_snapshot_of_the_subset_answers(place: Path) -> None:
    catalogue = place / "catalogue"
    answer(catalogue, "subset", "create", str(place / "q.toml"))
    made = answer(catalogue, "subset", "export", str(place / "q.lock.json"), "--format", "snapshot")
    assert answer(Path(made["path"]), "model", "a/tuned")["licence"] == "mit"
    assert answer(Path(made["path"]), "snapshot", "verify")["whole"] is True
    statement = answer(catalogue, "subset", "export", str(place / "q.lock.json"), "--format", "in-toto")["path"]
    assert stemma(catalogue, "subset", "verify", str(place / "q.lock.json"), "--statement", statement).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["create", "/no/such.toml"], 2, "give a query file"),
        (["create", "http://localhost/?colour=red"], 2, "unknown parameter colour"),
        (["verify", "/no/such.json"], 2, "stemma subset create"),
        (["verify", str(REPOSITORY / "README.md")], 4, "no whole JSON document"),
        (["export", "x", "--format", "pdf"], 2, "parquet"),
    ],
)
def test_failures(place: Path, arguments: list[str], status: int, said: str) -> None:
    done = stemma(place / "catalogue", "subset", *arguments)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_view_of_the_explorer_is_a_query(place: Path) -> None:
    found = answer(place / "catalogue", "subset", "create", "http://localhost:8000/?author=a&order=likes", "--dry-run")
    (place / "q.json").write_text(json.dumps({"filter": {"author": ["a"]}, "orderBy": "LIKES", "first": 100}))
    assert (
        answer(place / "catalogue", "subset", "create", str(place / "q.json"), "--dry-run")["digest"] == found["digest"]
    )


def test_the_sample_shows_the_query_of_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert (REPOSITORY / "ingest/sample/subset.toml").read_text(encoding="utf-8") in readme
