"""What weights say against a card: which claims contradict, and which only use other words."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from graph.contradictions import contradictions, in_full
from graph.records import ClaimRecord, Contradicts, Evidence, Relation
from graph.store import ContradictedPage, Doubt, ModelFilter, Store
from graph.stores.embedded import open_snapshot
from graph.stores.neo4j import Server, load, open_neo4j
from tests.neo4j_server import Neo4jServer
from tests.worlds import build, family, model, told

COPIES = {"a/mirror": "a/base"}
CARD, HUB, CONFIG, WEIGHTS = Evidence.CARD, Evidence.HUB, Evidence.CONFIG, Evidence.WEIGHTS
Said = tuple[Evidence, str, str]  # evidence, relation, base model


def claims(*said: Said) -> list[ClaimRecord]:
    """Of the weights .9; of a configuration that says ``adapter`` what shapes leave of it, .02."""
    sure = {(WEIGHTS, "adapter"): 0.9, (CONFIG, "adapter"): 0.02}
    return [
        ClaimRecord(
            "m/x",
            base,
            Relation(relation),
            by,
            "drawn",
            0.9 if by is WEIGHTS else sure.get((by, relation)),
            f"on {base}",
        )
        for by, relation, base in said
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([(CARD, "finetune", "a/base"), (WEIGHTS, "finetune", "a/base")], set()),
        ([(CARD, "unknown", "a/base"), (WEIGHTS, "finetune", "a/base")], set()),
        ([(CARD, "adapter", "a/base"), (WEIGHTS, "finetune", "a/base")], set()),  # merged in
        ([(CARD, "finetune", "a/base"), (WEIGHTS, "pruned", "a/base")], set()),  # the Hub has no such word
        ([(CARD, "finetune", "a/mirror"), (WEIGHTS, "finetune", "a/base")], set()),
        ([(CARD, "finetune", "a/base"), (WEIGHTS, "quantized", "a/base")], {("a/base", "relation")}),
        ([(CARD, "finetune", "a/base"), (WEIGHTS, "identical", "a/base")], {("a/base", "copy")}),
        ([(CARD, "finetune", "a/base"), (WEIGHTS, "finetune", "b/other")], {("b/other", "base_model")}),
        ([(CONFIG, "finetune", "a/base"), (WEIGHTS, "finetune", "b/other")], {("b/other", "base_model")}),
        ([(HUB, "finetune", "a/base"), (WEIGHTS, "identical", "b/other")], {("b/other", "copy")}),
        ([(WEIGHTS, "identical", "b/other")], {("b/other", "copy")}),
        (
            [(WEIGHTS, "merge", "b/other"), (WEIGHTS, "merge", "a/base")],
            {("a/base", "undeclared"), ("b/other", "undeclared")},
        ),
        ([(CARD, "merge", "a/base"), (WEIGHTS, "merge", "a/base"), (WEIGHTS, "merge", "c/z")], {("c/z", "base_model")}),
        ([(CARD, "finetune", "a/base")], set()),
        ([(CARD, "adapter", "a/base"), (CONFIG, "adapter", "a/base")], {("a/base", "shapes")}),
        ([], set()),
    ],
)
def test_what_contradicts(said: list[Said], expected: set[tuple[str, str]]) -> None:
    found = contradictions(claims(*said), lambda base: COPIES.get(base, base))
    assert {(one.base_model, one.kind.value) for one in found} == expected
    assert [one.base_model for one in found] == sorted(one.base_model for one in found)


def test_both_sides_are_told() -> None:
    about = claims((CARD, "finetune", "a/base"), (WEIGHTS, "finetune", "b/other"), (HUB, "merge", "a/base"))
    (said,) = in_full(contradictions(about, str), about)
    assert (said.kind, said.base_model, said.probability) == (Contradicts.BASE_MODEL, "b/other", 0.9)
    assert [claim.evidence for claim in said.said] == [CARD, HUB]
    assert said.text == "the weights say finetune of b/other (0.90), hub: merge of a/base; card: finetune of a/base"
    alone = claims((WEIGHTS, "finetune", "b/other"))
    (said,) = in_full(contradictions(alone, str), alone)
    assert said.text.endswith(", nothing else is said")


def test_an_adapter_that_does_not_fit_is_told() -> None:
    about = claims((CARD, "adapter", "a/base"), (CONFIG, "adapter", "a/base"))
    (said,) = in_full(contradictions(about, str), about)
    assert (said.kind, said.probability) == (Contradicts.SHAPES, 0.98)
    assert [claim.evidence for claim in said.found] == [CONFIG]
    assert said.text.startswith("the weights say on a/base, card, config: adapter of a/base")


def test_a_copy_of_what_is_said_counts_as_said(tmp_path: Path) -> None:
    """
    a/base <-- a/mirror (a copy, says so)     m/x: its card names a/mirror, its weights a/base
    """
    rows = [model("a/base", downloads=9), model("a/mirror", "a/base"), model("m/x", "a/mirror"), model("m/y", "b/far")]
    weights = [
        ("a/mirror", "identical", "a/base", 1.0),
        ("m/x", "finetune", "a/base", 0.9),
        ("m/y", "finetune", "a/base", 0.9),
    ]
    snapshot = build(tmp_path, rows, told=weights)

    async def asked() -> dict[str, list[str]]:
        store = await open_snapshot(snapshot)
        page = await store.contradicted(ModelFilter(), Doubt())
        await store.close()
        pairs = zip(page.models, page.contradictions, strict=True)
        return {model.id: [one.kind.value for one in found] for model, found in pairs}

    assert anyio.run(asked) == {"a/mirror": ["copy"], "m/y": ["base_model"]}


@pytest.mark.neo4j
def test_neo4j_tells_the_same(tmp_path: Path, neo4j_server: Neo4jServer) -> None:
    snapshot = build(tmp_path, family(), told=told())
    load(snapshot, Server(neo4j_server.address))

    async def pages(store: Store, where: ModelFilter, doubt: Doubt) -> list[ContradictedPage]:
        found = [await store.contradicted(where, doubt, 2)]
        while found[-1].has_next:
            found.append(await store.contradicted(where, doubt, 2, found[-1].keys[-1]))
        return found

    async def asked() -> None:
        graph, ours = await open_neo4j(Server(neo4j_server.address)), await open_snapshot(snapshot)
        for where in (ModelFilter(), ModelFilter(text="TUNED"), ModelFilter(authors=("root", "e"))):
            for doubt in (Doubt(), Doubt(probability=0.0), Doubt((Contradicts.SHAPES, Contradicts.COPY), 0.85)):
                assert await pages(graph, where, doubt) == await pages(ours, where, doubt)
        assert (await graph.contradicted(ModelFilter(), Doubt(probability=0.0))).total == 5
        await graph.close()
        await ours.close()

    anyio.run(asked)
