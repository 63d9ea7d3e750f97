"""Novelty over GraphQL: of a model, as filter, order and facet, folded lists, and the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.stores.embedded.store import EmbeddedStore
from tests.api.test_graphql import asked, data
from tests.worlds import build, family, model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("family")
    more = [
        model("b/quant2", "a/tuned", relation="quantized", downloads=90),
        model("b/adapter", "root/base", relation="adapter", downloads=3),
    ]
    build(place, [*family(), *more], [{"id": "some/set"}])
    return place


def test_novelty_of_models(folder: Path) -> None:
    query = "{ models(first: 20) { nodes { id novelty { score class tier interval { low } reason components { name value } } } } }"
    found = {node["id"]: node["novelty"] for node in data(folder, query)["models"]["nodes"]}
    assert found["lost/base"] is None
    assert {id: told["class"] for id, told in found.items() if told} == {
        "root/base": "NEW",
        "a/tuned": "LIGHT",
        "b/quant": "QUANTIZED",
        "b/quant2": "QUANTIZED",
        "b/adapter": "ADAPTER",
        "d/mix": "MERGED_KNOWN",
        "c/orphan": "UNKNOWN",
        "e/one": "LIGHT",
        "e/two": "LIGHT",
    }
    assert found["c/orphan"]["score"] is None
    assert "lost/base, is not in the catalogue" in found["c/orphan"]["reason"]
    assert [part["name"] for part in found["a/tuned"]["components"]] == ["data", "training"]
    assert found["a/tuned"]["interval"] is None


def test_many_models_are_one_question(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[int] = []
    ask = EmbeddedStore.novelty

    async def counted(self: EmbeddedStore, ids: list[str]) -> object:
        asked_for.append(len(ids))
        return await ask(self, ids)

    monkeypatch.setattr(EmbeddedStore, "novelty", counted)
    data(folder, "{ models(first: 9) { nodes { novelty { score } } } }")
    assert asked_for == [9]


def test_filter_order_and_facet(folder: Path) -> None:
    query = "{ models(orderBy: NOVELTY, filter: {noveltyClass: [LIGHT, QUANTIZED], noveltyMax: 20}) { totalCount nodes { id } } }"
    found = data(folder, query)["models"]
    assert [node["id"] for node in found["nodes"]] == ["e/one", "e/two", "b/quant", "b/quant2"]
    assert found["totalCount"] == 4
    facets = data(folder, "{ facets(by: [NOVELTY, FAMILY], first: 2) { facet value count } }")["facets"]
    assert facets[0] == {"facet": "NOVELTY", "value": "light", "count": 3}
    assert {"facet": "FAMILY", "value": "root/base", "count": 6} in facets
    for wrong in ("noveltyMin: -1", "noveltyMax: 101"):
        (error,) = asked(folder, f"{{ models(filter: {{{wrong}}}) {{ totalCount }} }}").json()["errors"]
        assert "0 to 100" in error["message"]


def test_folded_lists_count_what_they_fold(folder: Path) -> None:
    query = (
        "query($mode: Collapse, $after: String) { models(collapse: $mode, first: 3, after: $after) { totalCount "
        "edges { folded node { id } } pageInfo { hasNextPage endCursor } } }"
    )
    for mode, lines, folded in (
        ("COPIES", 11, {}),
        ("QUANTS", 9, {"a/tuned": 2}),
        ("FAMILY", 4, {"root/base": 5, "c/orphan": 1}),
    ):
        seen: dict[str, int] = {}
        after = None
        while True:
            page = data(folder, query, mode=mode, after=after)["models"]
            seen |= {edge["node"]["id"]: edge["folded"] for edge in page["edges"]}
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert len(seen) == page["totalCount"] == lines
        assert folded.items() <= seen.items()
        assert sum(seen.values()) + lines == 11


def test_report_and_coverage(folder: Path) -> None:
    query = (
        "{ report(by: [FAMILY, YEAR], first: 1) { all { models forks scored shares { class models share } } "
        "tiers { tier scores } by { by groups { value models } } } "
        "catalogue { novelty { name count } noveltyByTier { tier scores } } }"
    )
    found = data(folder, query)
    report = found["report"]
    assert (report["all"]["models"], report["all"]["forks"], report["all"]["scored"]) == (9, 8, 7)
    assert sum(share["models"] for share in report["all"]["shares"]) == 9
    assert report["tiers"] == found["catalogue"]["noveltyByTier"] == [{"tier": "T0", "scores": 7}]
    assert [section["by"] for section in report["by"]] == ["FAMILY", "YEAR"]
    assert report["by"][0]["groups"] == [{"value": "root/base", "models": 6}]
    assert {"name": "quantized", "count": 2} in found["catalogue"]["novelty"]
    (error,) = asked(folder, "{ report(first: 101) { all { models } } }").json()["errors"]
    assert "100" in error["message"]
