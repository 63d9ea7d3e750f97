"""Standards: each rule in words and as a column says the same; what is not known does not pass."""

from __future__ import annotations

from pathlib import Path

import anyio
import polars as pl
import pytest

from api.facts import facts_of
from graph.errors import BadInput
from graph.snapshot import Snapshot
from graph.standard import RULES, SHIPPED, Standard, Value, columns, counted, shipped, standard
from graph.stores.embedded import open_snapshot
from tests.api.test_graphql import data
from tests.cli.test_commands import answer, stemma
from tests.worlds import Row, board, build, family, model

VALUES: dict[str, list[Value]] = {
    "licence-asks-only": [("notice",), ("notice", "non-commercial"), ()],
    "novelty-at-least": [0.0, 5.0, 60.0],
    "benchmarks-at-least": [1.0, 3.0],
    "ability-at-least": [0.0, 95.0, 200.0],
}


def rows() -> list[Row]:
    """The drawn family, and models with files, licences, commits and gates of every kind."""
    safe = {"rfilename": "model.safetensors", "lfs": {"sha256": "a" * 64, "size": 5}}
    pickle = {"rfilename": "pytorch_model.bin", "lfs": {"sha256": "b" * 64, "size": 5}}
    return [
        *family(),
        model("s/good", "root/base", tags=["license:mit", "dataset:x/y"], sha="c" * 40, siblings=[safe]),
        model("s/copy", tags=["license:mit"], createdAt="2024-01-01T00:00:00Z", siblings=[safe]),
        model("s/mixed", "root/base", tags=["license:cc-by-nc-4.0"], siblings=[safe, pickle], gated="manual"),
        model("s/odd", "lost/one", "root/base", tags=["license:other"], siblings=[{"rfilename": "README.md"}]),
        model("s/own", tags=["license:no-such"]),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("standards")
    build(place, rows(), [], [("old/name", "root/base")], board())
    return place


def head(folder: Path) -> Snapshot:
    from graph.catalogue import Catalogue

    return Catalogue(folder).head()


def test_words_and_columns_agree(folder: Path) -> None:
    snapshot = head(folder)
    tables = {name: pl.DataFrame(snapshot.table(name)) for name in snapshot.manifest.tables}
    held = columns(tables)
    cases = [(rule, value) for rule in RULES for value in VALUES.get(rule, [True])]

    async def run() -> None:
        store = await open_snapshot(snapshot)
        try:
            records = [record for record in await store.models(held["id"].to_list()) if record is not None]
            facts = await facts_of(store, records)
        finally:
            await store.close()
        for rule, value in cases:
            only = Standard("one", "", ((rule, value),))
            by_column = dict(zip(held["id"], held.select(only.passed())[:, 0], strict=True))
            for each in facts:
                if each.model.novelty_class is None:
                    continue  # was never seen itself
                (verdict,) = only.check(each)
                assert by_column[each.model.id] == verdict.passed, (rule, value, each.model.id, verdict.evidence)

    anyio.run(run)
    for rule in RULES:  # each rule tells some of these models apart
        told = {held.select(Standard("one", "", ((r, v),)).passed())[:, 0].n_unique() for r, v in cases if r == rule}
        assert 2 in told, rule


def test_shipped(folder: Path) -> None:
    whole = counted(head(folder), shipped()["basic"])
    assert "s/good" in whole.ids
    assert {"s/copy", "s/odd", "s/own", "b/quant"} <= set(whole.failing_ids)
    assert whole.met + len(whole.failing_ids) == whole.models
    names = pl.DataFrame(head(folder).table("models", ["id", "standards"]))
    assert set(names.filter(pl.col("standards").list.contains("basic"))["id"]) == set(whole.ids)
    for name in SHIPPED:
        assert shipped()[name].about


def test_command_and_graphql(folder: Path, tmp_path: Path) -> None:
    told = stemma(folder, "standard", "check", "curated", "s/good", "s/own").stdout
    assert "s/own does not meet curated" in told
    assert "FAIL  licence-stated: it declares no-such, whose text is not known" in told
    found = answer(folder, "standard", "check", "basic")
    assert found["met"] == len(found["ids"])
    assert found["failed_by_rule"]["listed"] == 0
    own = tmp_path / "ours.toml"
    own.write_text("about = 'ours'\n[rules]\nno-pickles = true\nlicence-asks-only = ['notice']\n")
    assert answer(folder, "standard", "check", str(own))["ids"] == ["s/copy", "s/good"]
    assert [m["id"] for m in answer(folder, "find", "--meets", "basic")["models"]].count("s/good") == 1
    query = """{ model(id: "s/good") { standards(names: [BASIC]) { name met rules { rule passed evidence } } }
      models(filter: { meets: [BASIC] }) { nodes { id } } }"""
    answered = data(folder, query)
    assert answered["model"]["standards"][0]["met"] is True
    assert {node["id"] for node in answered["models"]["nodes"]} == set(found["ids"])
    assert "curated" in stemma(folder, "standard", "list").stdout


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[rules]", "no \\[rules\\]"),
        ("rules = 3", "no \\[rules\\]"),
        ("[rules]\nnice = true", "'nice'"),
        ("odd = 1\n[rules]\nlisted = true", "'odd'"),
        ("[rules]\nlisted = 3", "true or false"),
        ("[rules]\nnovelty-at-least = true", "a number"),
        ("[rules]\nlicence-asks-only = 'notice'", "list of words"),
        ("[rules]\nlisted = false", "nothing"),
        ("[rules", "no standard"),
        ("[rules]\nlisted = " + "[" * 50_000, "no standard"),
    ],
)
def test_a_bad_standard_is_named(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=what):
        standard(str(path))
    with pytest.raises(BadInput, match="no standard named"):
        standard("nice")
    with pytest.raises(BadInput, match="cannot be read"):
        standard(str(tmp_path / "none.toml"))
