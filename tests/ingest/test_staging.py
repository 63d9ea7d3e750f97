"""Parts of a run: whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.errors import Damaged
from ingest.parse import PartBuilder
from ingest.staging import STAGED, Staging


def staged(staging: Staging, part: str, *ids: str) -> None:
    builder = PartBuilder()
    for number, id in enumerate(ids, 1):
        builder.add("model", {"id": id, "tags": ["base_model:a/b"]}, part, number)
    builder.bad_row(part, 99, "not-json", "x")
    builder.add_alias("old/name", "new/name", "redirect")
    builder.add_seen("model", "a/b", None)
    staging.write(part, builder.tables(), builder.counts())


def test_rows_of_all_parts_are_numbered_apart_and_in_order_of_the_parts(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "run")
    assert staging.parts() == []
    staged(staging, "b", "x/3")
    staged(staging, "a", "x/1", "x/2")
    models = staging.table("models").to_pylist()
    assert [model["id"] for model in models] == ["x/1", "x/2", "x/3"]
    assert len({model["row"] for model in models}) == 3
    owner = {model["row"]: model["id"] for model in models}
    assert sorted(owner[claim["row"]] for claim in staging.table("claims").to_pylist()) == ["x/1", "x/2", "x/3"]
    assert [row["source"] for row in staging.table("skipped").to_pylist()] == ["a", "b"]
    counts = staging.counts()
    assert (counts.rows, counts.bad_rows, dict(counts.skipped)) == (5, 2, {"not-json": 2})


def test_every_table_has_its_schema_also_when_empty(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.write("none", {}, PartBuilder().counts())
    assert staging.has("none")
    for name, schema in STAGED.items():
        assert staging.table(name).schema == schema
        assert staging.table(name).num_rows == 0


def test_a_half_written_part_is_not_there(tmp_path: Path) -> None:
    (tmp_path / ".new-a-1").mkdir()
    (tmp_path / ".new-a-1" / "models.arrow").write_bytes(b"ARROW1 half")
    staging = Staging(tmp_path)
    assert not staging.has("a")
    assert staging.parts() == []
    assert staging.table("models").num_rows == 0


def test_a_part_written_twice_is_one(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staged(staging, "a", "x/1")
    staged(staging, "a", "x/1")
    assert staging.counts().rows == 2
    assert [path.name for path in tmp_path.iterdir()] == ["part-a"]


def test_a_damaged_part_says_what_to_do(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staged(staging, "a", "x/1")
    (tmp_path / "part-a" / "models.arrow").write_bytes(b"")
    with pytest.raises(Damaged, match="run again"):
        staging.table("models")


def test_notes_are_kept(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "run")
    assert staging.note("cursor") is None
    staging.note("cursor", "abc")
    assert Staging(tmp_path / "run").note("cursor") == "abc"
    staging.remove()
    assert staging.note("cursor") is None
