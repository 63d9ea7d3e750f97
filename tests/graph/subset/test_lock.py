"""Locks: what is chosen and why, one digest for one content, and every change found."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import BadInput, Damaged, LimitExceeded, NotFound
from graph.snapshot import Snapshot
from graph.subset import selection
from graph.subset.lock import Lock, canonical, faults, read
from graph.subset.rows import Row
from tests.graph.subset.shelf import ALL, CONTENTS, locked, shelf
from tests.worlds import build, hub_rows


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return shelf(tmp_path_factory.mktemp("shelf"))


def chosen(lock: Lock) -> dict[str, str]:
    return {row.model: row.why.text() for row in lock.models}


def test_filters_order_and_limit(snapshot: Snapshot) -> None:
    lock = locked(snapshot, "[where]\n[take]\nlimit = 3\n")
    assert chosen(lock) == {"root/base": "query, place 1", "g/gated": "query, place 2", "b/quant": "query, place 3"}
    assert [row.model for row in lock.models] == ["b/quant", "g/gated", "root/base"]  # by name
    assert (lock.totals.gated, lock.totals.outside) == (1, 1)


def test_outside_parents_are_listed(snapshot: Snapshot) -> None:
    lock = locked(snapshot, "[where]\nauthor = ['b', 'c', 'e']\n[[exclude]]\nmodel = 'e/two'\nreason = 'odd'\n")
    assert [(base.model, base.why, base.reason, base.state) for base in lock.outside] == [
        ("a/tuned", "not chosen", None, "listed"),
        ("e/two", "excluded", "odd", "listed"),
        ("lost/base", "missing", None, "missing"),
    ]
    assert (lock.totals.outside_missing, lock.totals.cycles) == (1, 1)


def test_closure_over_ancestors_and_descendants(snapshot: Snapshot) -> None:
    above = locked(snapshot, "[where]\nauthor = 'b'\n[take]\nancestors = true\n")
    assert chosen(above) == {
        "b/quant": "query, place 1",
        "a/tuned": "ancestor of b/quant",
        "root/base": "ancestor of a/tuned",
    }
    below = locked(snapshot, "[where]\ntext = 'tuned'\n[take]\ndescendants = true\n")
    assert set(chosen(below)) == {"a/tuned", "b/quant", "d/mix"}
    assert [base.model for base in below.outside] == ["root/base"]
    both = locked(snapshot, "[where]\ntext = 'tuned'\n[take]\ndescendants = true\nancestors = true\n")
    assert set(chosen(both)) == {"a/tuned", "b/quant", "d/mix", "root/base"}
    assert not both.outside
    cycle = locked(snapshot, "[where]\ntext = 'e/one'\n[take]\nancestors = true\n")
    assert set(chosen(cycle)) == {"e/one", "e/two"}


def test_many_derived_models_come_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.worlds import model

    monkeypatch.setattr(selection, "PAGE", 2)
    world = build(tmp_path, [model("root/base"), *(model(f"x/m{n}", "root/base", downloads=n) for n in range(7))])
    lock = locked(world, "[where]\ntext = 'root'\n[take]\ndescendants = true\n")
    assert lock.totals.models == 8
    assert locked(world, "[where]\n[take]\nlimit = 5\n").totals.models == 5


def test_include_exclude_and_their_reasons(snapshot: Snapshot) -> None:
    lock = locked(
        snapshot,
        "[where]\nauthor = 'a'\n[[include]]\nmodel = 'OLD/name'\nreason = 'the root'\n"
        "[[exclude]]\nmodel = 'a/again'\nreason = 'a copy'\n[[exclude]]\nmodel = 'no/such'\nreason = 'x'\n",
    )
    assert chosen(lock) == {"root/base": "include: the root", "a/tuned": "query, place 1"}
    assert lock.unmatched == ("no/such",)


def test_copies_fold_under_the_first(snapshot: Snapshot) -> None:
    lock = locked(snapshot, "[where]\nauthor = 'a'\n[take]\ncollapse = 'copies'\n")
    assert set(chosen(lock)) == {"a/tuned"}


@pytest.mark.parametrize(
    ("named", "kind", "said"),
    [("no/such", NotFound, "stemma find"), ("lost/base", BadInput, "no commit to pin")],
)
def test_names_that_cannot_be_included(snapshot: Snapshot, named: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        locked(snapshot, f"[[include]]\nmodel = '{named}'\nreason = 'x'\n")


def test_more_than_allowed_is_refused(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio

    from graph.stores.embedded import open_snapshot
    from graph.subset.build import build as build_lock
    from graph.subset.query import from_toml

    async def ask(text: str) -> None:
        store = await open_snapshot(snapshot)
        await build_lock(store, from_toml(text, "q"), most=3)

    for text in (ALL, "[where]\ntext = 'root'\n[take]\ndescendants = true\n"):
        with pytest.raises(LimitExceeded, match="most allowed is 3"):
            anyio.run(ask, text)


def test_rows_say_what_is_known_and_what_is_not(snapshot: Snapshot) -> None:
    lock = locked(snapshot, ALL)
    rows = {row.model: row for row in lock.models}
    tuned = {file.path: file for file in rows["a/tuned"].files or ()}
    assert tuned["model.safetensors"].sha256 == hashlib.sha256(CONTENTS["a/tuned"]["model.safetensors"]).hexdigest()
    assert (tuned["config.json"].sha256, tuned["config.json"].git_blob is None) == (None, False)
    assert rows["b/quant"].files is None
    assert rows["a/tuned"].licence is not None
    assert rows["a/tuned"].licence.id == "mit"
    known = (lock.totals.models, lock.totals.files, lock.totals.files_by_git_blob, lock.totals.without_files)
    assert known == (9, 7, 3, 5)
    assert lock.totals.bytes == sum(len(content) for files in CONTENTS.values() for content in files.values())


def test_the_file_reads_back_and_is_the_same_each_time(snapshot: Snapshot, tmp_path: Path) -> None:
    lock = locked(snapshot, ALL)
    lock.write(tmp_path / "a.json")
    locked(snapshot, ALL).write(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read(tmp_path / "a.json") == lock
    assert faults(read(tmp_path / "a.json")) == []


@settings(max_examples=15, deadline=None)
@given(hub_rows())
def test_the_digest_is_rfc_8785(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    lock = locked(build(tmp_path_factory.mktemp("world"), rows), ALL)
    plain = msgspec.to_builtins(lock)
    del plain["digest"]
    assert lock.digest == hashlib.sha256(rfc8785.dumps(plain)).hexdigest()


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(-(2**53) + 1, 2**53 - 1), lambda x: st.lists(x, max_size=3)
    )
)
def test_canonical_text_is_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.floats(0, 100))
def test_numbers_with_a_fraction_are_rfc_8785(value: float) -> None:
    from graph.subset.query import plain

    assert canonical(plain(value)) == rfc8785.dumps(plain(value))


def test_every_row_changed_by_hand_is_named(snapshot: Snapshot, tmp_path: Path) -> None:
    lock = locked(snapshot, ALL)
    path = tmp_path / "lock.json"
    lock.write(path)
    text = path.read_text()
    path.write_text(text.replace('"state":"gated"', '"state":"listed"', 1))
    found = faults(read(path))
    assert found[0] == "row g/gated: it was changed after the lock was made"
    assert found[-1].startswith("digest: ")
    path.write_text(text.replace('"models":9', '"models":8'))
    assert [fault.split(":")[0] for fault in faults(read(path))] == ["totals", "digest"]
    lines = text.splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"model":"a/again"' not in line or "check" not in line))
    assert [fault.split(":")[0] for fault in faults(read(path))] == ["totals", "digest"]
    at = next(n for n, line in enumerate(lines) if '"check":' in line)
    path.write_text("".join([*lines[:at], lines[at], *lines[at:]]))
    assert "stands twice" in faults(read(path))[0]


@pytest.mark.parametrize("part", [0.0, 0.2, 0.5, 0.999])
def test_a_lock_cut_short_is_told(snapshot: Snapshot, tmp_path: Path, part: float) -> None:
    path = tmp_path / "lock.json"
    locked(snapshot, ALL).write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(Damaged, match=r"lock\.json is no whole JSON document .*cut short"):
        read(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"format":"stemma-subset/1"', '"format":"stemma-subset/9"', "this program reads"),
        ('"gated":null', '"gated":7', "not a lock"),
        ('"gated":null', '"other":null', "not a lock"),
    ],
)
def test_other_schemas_are_told(snapshot: Snapshot, tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "lock.json"
    locked(snapshot, ALL).write(path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(Damaged, match=said):
        read(path)


@settings(max_examples=15, deadline=None)
@given(hub_rows(), st.data())
def test_with_ancestors_no_derivation_leaves_but_to_missing_models(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    snapshot = build(tmp_path_factory.mktemp("world"), rows)
    limit = data.draw(st.integers(1, 4))
    query = f"[where]\n[take]\nlimit = {limit}\n"
    states = dict(zip(*(snapshot.table("models").column(name).to_pylist() for name in ("id", "state")), strict=True))
    edges = {(row["model"], row["base_model"]) for row in snapshot.table("derivations").to_pylist()}
    for lock in (locked(snapshot, query), locked(snapshot, query + "ancestors = true\n")):
        inside = {row.model for row in lock.models}
        assert _edges(lock.models) == {edge for edge in edges if edge[0] in inside}
        assert {base.model for base in lock.outside} == {base for _, base in _edges(lock.models) if base not in inside}
        assert all(base.inside == (base.model in inside) for row in lock.models for base in row.bases)
    assert all(states[base.model] == base.why == "missing" for base in lock.outside)


def _edges(rows: tuple[Row, ...]) -> set[tuple[str, str]]:
    return {(row.model, base.model) for row in rows for base in row.bases}
