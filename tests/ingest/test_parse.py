"""One row in; models, claims, trainings and files out."""

from __future__ import annotations

import ast
import csv
import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.names import Rejected, judge
from ingest.parse import PartBuilder
from ingest.staging import STAGED, Speaks
from tests.ingest.real_data import real

ID = "a" * 24
OTHER = "b" * 24


def parsed(*rows: dict[str, Any] | bytes, kind: str = "model") -> dict[str, list[dict[str, Any]]]:
    builder = PartBuilder()
    for number, row in enumerate(rows, 1):
        builder.add(kind, row, "test", number)
    tables = builder.tables()
    for name, table in tables.items():
        assert table.schema == STAGED[name]
        table.validate(full=True)
    return {name: tables[name].to_pylist() if name in tables else [] for name in STAGED}


def claims(row: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(claim["said"], claim["relation"], claim["evidence"]) for claim in parsed(row)["claims"]}


def test_a_whole_row() -> None:
    (model,) = parsed(
        {
            "_id": ID,
            "id": "Org/Name",
            "createdAt": "2025-01-02T03:04:05.678Z",
            "lastModified": "2025-02-02 00:00:00+00:00",
            "gated": "manual",
            "downloads": 5,
            "downloadsAllTime": 50,
            "likes": 2,
            "trendingScore": 1.5,
            "sha": "c" * 40,
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "tags": ["transformers", "llama", "en", "license:MIT", "region:us", "other:thing", "arxiv:1.2", "fr"],
            "safetensors": {"parameters": {"BF16": 70, "F32": 7}, "total": 3},
            "gguf": {"context_length": 4096},
            "config": {"architectures": ["LlamaForCausalLM"], "model_type": "llama"},
            "cardData": {"license": "other", "new_version": "Org/Name-2"},
        }
    )["models"]
    assert model.pop("tie") > 0
    assert model == {
        "row": 0,
        "id": "Org/Name",
        "hub_id": ID,
        "author": "Org",
        "state": "gated",
        "created_at": datetime(2025, 1, 2, 3, 4, 5, 678000, UTC),
        "modified_at": datetime(2025, 2, 2, tzinfo=UTC),
        "task": "text-generation",
        "library": "transformers",
        "licence": "mit",
        "parameters": 77,
        "dtype": "BF16",
        "architecture": "LlamaForCausalLM",
        "context_length": 4096,
        "downloads": 5,
        "downloads_all_time": 50,
        "likes": 2,
        "trending": 1.5,
        "sha": "c" * 40,
        "gated": "manual",
        "tags": ["transformers", "llama", "other:thing"],
        "languages": ["en", "fr"],
        "new_version": "Org/Name-2",
        "speaks": int(Speaks.CARD | Speaks.TAGS | Speaks.INDEX),
    }


def test_a_row_with_only_a_name() -> None:
    (model,) = parsed({"modelId": "gpt2"})["models"]
    assert {name for name, value in model.items() if value not in (None, [], 0)} == {"id", "state", "tie"}


def test_every_source_makes_its_own_claim() -> None:
    row = {
        "id": "x/y",
        "baseModels": {"relation": "merge", "models": [{"_id": OTHER, "id": "a/b"}, {"id": "c/d"}]},
        "tags": ["base_model:a/b", "base_model:merge:a/b", "base_model:c/d"],
        "cardData": {"base_model": ["a/b", "a/b"], "base_model_relation": "finetune"},
    }
    assert claims(row) == {
        ("a/b", "merge", "hub"),
        ("c/d", "merge", "hub"),
        ("a/b", "merge", "tag"),
        ("c/d", "unknown", "tag"),
        ("a/b", "finetune", "card"),
    }
    assert len(parsed(row)["claims"]) == 5
    assert {claim["base_hub_id"] for claim in parsed(row)["claims"]} == {OTHER, None}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["base_model:Org/X", "base_model:finetune:org/x"], {("org/x", "finetune")}),
        (["base_model:https://huggingface.co/a/b", "base_model:adapter:a/b"], {("a/b", "adapter")}),
        (["base_model:finetune:a/b", "base_model:adapter:a/b"], {("a/b", "adapter"), ("a/b", "finetune")}),
        (["base_model:distilled:a/b"], {("a/b", "unknown")}),
        (["base_model:identical:a/b"], {("a/b", "unknown")}),
        (["base_model:quantized:bert-base-uncased"], {("bert-base-uncased", "quantized")}),
        (["base_model:", "base_model:finetune:", "base_model:[]", "base_model:C:\\x"], set()),
    ],
)
def test_base_models_in_tags(tags: list[str], expected: set[tuple[str, str]]) -> None:
    assert {(said, relation) for said, relation, _ in claims({"id": "x/y", "tags": tags})} == expected


def test_base_models_as_a_bare_list() -> None:
    assert claims({"id": "x/y", "base_models": ["a/b", {"id": "c/d", "relation": "adapter"}]}) == {
        ("a/b", "unknown", "hub"),
        ("c/d", "adapter", "hub"),
    }


def test_dirt_is_skipped_with_its_reason() -> None:
    dirt = ["ORIGINAL_REPO_NAME", "- x", "[]", "/workspace/x", 5, "https://example.com/a", ["ok/one"]]
    found = parsed({"id": "x/y", "cardData": {"base_model": dirt, "datasets": ["/data/x", "squad"]}})
    assert [claim["said"] for claim in found["claims"]] == ["ok/one"]
    assert [training["dataset"] for training in found["trainings"]] == ["squad"]
    assert Counter(row["reason"] for row in found["skipped"]) == Counter(
        ["template-text", "yaml-residue", "empty-list", "local-path", "a-number", "url-elsewhere", "dataset-local-path"]
    )
    assert {(row["source"], row["row"], row["model"]) for row in found["skipped"]} == {("test", 1, "x/y")}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("2022-03-02T23:29:04.000Z", None),
        ("2022-03-02T23:29:05.000Z", datetime(2022, 3, 2, 23, 29, 5, tzinfo=UTC)),
        ("2025-01-01", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2025-01-01T01:00:00+01:00", datetime(2025, 1, 1, tzinfo=UTC)),
        (1735689600000, datetime(2025, 1, 1, tzinfo=UTC)),
        (1735689600, datetime(2025, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times(said: str | int, kept: datetime | None) -> None:
    assert parsed({"id": "x/y", "createdAt": said})["models"][0]["created_at"] == kept
    beside = parsed({"id": "x/y", "createdAt": "not a time"}, {"id": "x/z", "createdAt": said})["models"]
    assert beside[1]["created_at"] == kept  # whichever way the column was made


@pytest.mark.parametrize(
    ("facts", "parameters"),
    [
        ({"safetensors": {"total": 664_944, "parameters": {"BF16": 35_000_000_000}}}, 35_000_000_000),
        ({"safetensors": {"total": -5}, "gguf": {"total": 7}}, 7),
        ({"safetensors": {"total": 10**18}}, None),
        ({"gguf": {"total": 9}}, 9),
        ({}, None),
    ],
)
def test_parameters_must_make_sense(facts: dict[str, Any], parameters: int | None) -> None:
    assert parsed({"id": "x/y", **facts})["models"][0]["parameters"] == parameters


def test_files_are_those_told_with_more_than_a_name() -> None:
    found = parsed(
        {
            "id": "x/y",
            "siblings": [
                {"rfilename": "README.md", "blobId": "1" * 40, "size": 5},
                {"rfilename": "m.gguf", "blobId": "2" * 40, "lfs": {"sha256": "F" * 64, "size": 9}},
                {"rfilename": "only-a-name"},
            ],
        },
        {"id": "x/z", "siblings": ["m.gguf"]},
    )
    assert found["files"] == [
        {"row": 0, "path": "README.md", "size": 5, "sha256": None, "blob_id": "1" * 40},
        {"row": 0, "path": "m.gguf", "size": 9, "sha256": "f" * 64, "blob_id": "2" * 40},
    ]
    assert [model["speaks"] for model in found["models"]] == [int(Speaks.FILES), 0]


def test_bad_rows_are_counted_with_their_reason() -> None:
    builder = PartBuilder()
    rows: list[bytes] = [
        b"{",
        b"[]",
        b"{}",
        b'{"id": ""}',
        b'{"id": "../x"}',
        b'{"id": "a/b/c"}',
        b'{"id": "s", "repo_type": "space"}',
    ]
    for number, row in enumerate([*rows, b'{"id": "a/b"}'], 1):
        builder.add("model", row, "test", number)
    assert builder.counts().rows == 8
    assert builder.counts().bad_rows == 7
    assert builder.counts().skipped == {"not-json": 1, "not-an-object": 1, "no-id": 2, "bad-id": 2, "not-a-model": 1}


def test_a_row_may_say_that_it_is_a_dataset() -> None:
    found = parsed({"id": "a/b", "repo_type": "dataset", "tags": ["license:mit", "language:en", "x"]}, {"id": "c/d"})
    (dataset,) = found["datasets"]
    assert (dataset["id"], dataset["licence"], dataset["languages"], dataset["tags"]) == ("a/b", "mit", ["en"], ["x"])
    assert [model["id"] for model in found["models"]] == ["c/d"]


def test_an_id_that_is_not_the_hubs_ties_nothing_together() -> None:
    assert [model["hub_id"] for model in parsed({"id": "a/b", "_id": "x"}, {"id": "c/d", "_id": ""})["models"]] == [
        None,
        None,
    ]


def test_many_rows_are_numbered_in_order() -> None:
    models = parsed(*[{"id": f"a/m{number}"} for number in range(4_500)])["models"]
    assert [model["row"] for model in models] == list(range(4_500))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["a/b", "base_model:a/b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "models", "relation", "total", "base_model", "language"]) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
_FIELDS = [
    "id",
    "_id",
    "createdAt",
    "gated",
    "downloads",
    "tags",
    "baseModels",
    "safetensors",
    "gguf",
    "config",
    "cardData",
    "card_data",
    "siblings",
    "repo_type",
    "trendingScore",
]


@given(st.lists(st.dictionaries(st.sampled_from(_FIELDS), _JSON), max_size=4), st.sampled_from(["model", "dataset"]))
def test_any_rows_are_parsed_or_counted(rows: list[dict[str, Any]], kind: str) -> None:
    found = parsed(*({"id": "x/y", **row} for row in rows), kind=kind)
    bad = {"not-json", "not-an-object", "no-id", "bad-id", "not-a-model"}
    skipped = sum(row["reason"] in bad for row in found["skipped"])
    assert len(found["models"]) + len(found["datasets"]) + skipped == len(rows)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_counted(raw: bytes) -> None:
    found = parsed(raw)
    assert len(found["models"]) + len(found["skipped"]) == 1


def test_every_real_row_is_parsed_and_every_named_base_model_kept() -> None:
    with gzip.open(real("hub/modeltrees_models.jsonl.gz"), "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    found = parsed(*rows)
    assert [model["id"] for model in found["models"]] == [row["id"] for row in rows]
    assert not [row for row in found["skipped"] if row["reason"] in {"bad-id", "not-json", "field-dropped"}]
    said: dict[int, set[str]] = {}
    expected: dict[int, set[str]] = {}
    for number, row in enumerate(rows):
        bases = {tag.split(":")[-1] for tag in row["tags"] if tag.startswith("base_model:")}
        expected[number] = {base for base in bases if not isinstance(judge(base), Rejected)}
    for claim in found["claims"]:
        if claim["evidence"] == "tag":
            said.setdefault(claim["row"], set()).add(claim["said"])
    assert said == {number: bases for number, bases in expected.items() if bases}
    assert sum(map(len, expected.values())) > 1_900


def test_the_real_answers_of_the_hub_are_parsed() -> None:
    captures = real("hub/api_captures")
    model = json.loads((captures / "LiquidAI__LFM2.5-1.2B-Instruct.json").read_bytes())
    blobs = json.loads((captures / "blobs__ggml-org__gpt-oss-20b-GGUF.json").read_bytes())
    page = json.loads((captures / "list_expand_baseModels.json").read_bytes())
    found = parsed(model, blobs, *page)
    assert [(row["reason"], row["detail"]) for row in found["skipped"]] == [
        ("result-refused-by-the-hub", ".eval_results/pixel-art-bench-detailed.yaml and 1 more")
    ]
    told = {(cell["benchmark"], cell["setting"]): (cell["fraction"], cell["grade"]) for cell in found["declared"]}
    assert told == {
        ("gpqa", "diamond"): (pytest.approx((0.3889 - 0.25) / 0.75), "author"),
        ("sapbot/ask-my-agent-bench-2", "fallback"): (None, "community"),  # only in a pull request; of no known scale
    }
    assert claims(model) == {
        ("LiquidAI/LFM2.5-1.2B-Base", "finetune", "hub"),
        ("LiquidAI/LFM2.5-1.2B-Base", "finetune", "tag"),
    }
    assert found["models"][0]["parameters"] == 1_170_340_608
    assert {(file["path"], file["sha256"][:6]) for file in found["files"]} == {
        ("eagle3-gpt-oss-20b-BF16.gguf", "b82e89"),
        ("gpt-oss-20b-MXFP4.gguf", "27cd6c"),
    }
    assert [claim["relation"] for claim in found["claims"] if claim["row"] > 1] == ["quantized", "quantized"]


def test_real_rows_of_another_age_are_parsed() -> None:
    with gzip.open(real("hub/top_models_2024_09.csv.gz"), "rt", encoding="utf-8") as file:
        rows = [
            {
                "modelId": row["modelId"],
                "downloads": int(row["downloads"]),
                "lastModified": row["lastModified"],
                "tags": ast.literal_eval(row["tags"]),
                "pipeline_tag": row["pipeline_tag"] or None,
                "sha": row["sha"],
            }
            for row in csv.DictReader(file)
        ]
    found = parsed(*rows)
    assert len(found["models"]) == len(rows) > 9_000
    assert all(model["modified_at"] for model in found["models"])
    named = sum(any(tag.startswith("base_model:") for tag in row["tags"]) for row in rows)
    assert len({claim["row"] for claim in found["claims"]}) == named
