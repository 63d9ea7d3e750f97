"""`stemma licence` and `Model.licenceReport`: what is asked along a lineage, said the same way in both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.test_graphql import data
from tests.cli.test_commands import answer, stemma
from tests.worlds import build, model

QUERY = """query ($id: ID!) { model(id: $id) { licenceReport { declared spdx complete unknown
  duties { kind licence path } leftOut { text duty { kind path } } } } }"""


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    meta/Llama-3 (llama3) <- a/chat (apache-2.0) <- you/tune (mit) -> lost/base (never seen)
    """
    folder = tmp_path_factory.mktemp("licences")
    build(
        folder,
        [
            model("meta/Llama-3", tags=["license:llama3"]),
            model("a/chat", "meta/Llama-3", tags=["license:apache-2.0"]),
            model("you/tune", "a/chat", "lost/base", tags=["license:mit"]),
        ],
    )
    return folder


def test_the_same_in_both(family: Path) -> None:
    report = data(family, QUERY, id="you/tune")["model"]["licenceReport"]
    assert (report["declared"], report["spdx"], report["complete"]) == ("mit", "MIT", True)
    assert report["unknown"] == ["lost/base"]
    assert [each["duty"]["kind"] for each in report["leftOut"]] == [
        "large-companies", "naming", "no-train-on-output", "use-restrictions",
    ]  # fmt: skip
    assert report["leftOut"][0]["duty"]["path"] == ["you/tune", "a/chat", "meta/Llama-3"]
    told = answer(family, "licence", "you/tune")
    assert [each["text"] for each in told["left_out"]] == [each["text"] for each in report["leftOut"]]
    assert told["duties"][0]["path"] == report["duties"][0]["path"]


def test_in_words(family: Path) -> None:
    lines = stemma(family, "licence", "YOU/tune").stdout.splitlines()
    assert lines[0] == "you/tune  mit"
    assert "asks      notice: keep the copyright notice and the licence's text  (mit, itself)" in lines
    assert any(line.startswith("left out  says mit; meta/Llama-3, 2 steps up, is llama3: name the") for line in lines)
    assert lines[-1] == "unknown   the licence of lost/base: there may be more to ask"
    assert stemma(family, "licence", "no/such").returncode == 1
