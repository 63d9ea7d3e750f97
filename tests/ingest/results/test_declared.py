"""Results that Hub records tell: every shape, whose word it is, on what scale; and what is hostile is left out and counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from graph.benchmarks import Scale, benchmark, domains, is_own_data, scale
from ingest.card import read
from ingest.parse import PartBuilder
from ingest.results.declared import LONGEST, MOST_RESULTS, Declared, Left, eval_results, model_index
from ingest.rows import encode
from tests.fuzz.anything import VALUES


def entry(value: object, id: str = "Idavidrein/gpqa", task: str = "diamond", **more: Any) -> dict[str, Any]:
    return {
        "filename": ".eval_results/x.yaml",
        "data": {"dataset": {"id": id, "task_id": task}, "value": value},
        **more,
    }


def result(value: object, dataset: object = "gsm8k", kind: str = "acc", **more: Any) -> dict[str, Any]:
    about = {"name": "words", "type": dataset} if isinstance(dataset, str) else dataset
    return {"task": {"type": "t"}, "dataset": about, "metrics": [{"type": kind, "value": value}], **more}


def of_hub(*entries: object) -> tuple[list[Declared], dict[str, int]]:
    left = Left()
    cells = eval_results(json.dumps(entries).encode(), left)
    return cells, {reason: count for reason, (count, _) in left.found.items()}


def of_index(*results: object, words: bool = False) -> tuple[list[Declared], dict[str, int]]:
    left = Left()
    cells = model_index([{"name": "m", "results": list(results)}], left, words=words)
    return cells, {reason: count for reason, (count, _) in left.found.items()}


@pytest.mark.parametrize(
    ("more", "grade"),
    [
        ({"verified": True}, "verified"),  # the Hub says it
        ({"verified": True, "pullRequest": 3}, "verified"),
        ({"verified": False}, "author"),
        ({}, "author"),
        ({"pullRequest": 3}, "community"),
        ({"verified": "true"}, "author"),
        ({"verifyToken": "eyJhbGciOi"}, "author"),
    ],
)
def test_whose_word_it_is(more: dict[str, Any], grade: str) -> None:
    (cell,), left = of_hub(entry(38.89, **more))
    assert (cell.benchmark, cell.setting, cell.source, cell.grade) == ("gpqa", "diamond", "evalResults", grade)
    assert cell.fraction == pytest.approx((0.3889 - 0.25) / 0.75)
    assert not left


def test_what_a_card_calls_verified_is_its_authors_word() -> None:
    metric = {"type": "acc", "value": 0.5, "verified": True, "verifyToken": "eyJhbGciOi"}
    cells, _ = of_index({"dataset": {"type": "gsm8k"}, "metrics": [metric]})
    assert [cell.grade for cell in cells] == ["author"]
    flat = {"dataset_id": "cais/hle", "task_id": "default", "value": 20.9, "verify_token": "x", "verified": True}
    (cell,), _ = of_hub(flat)  # the client's form: it does not say what was merged
    assert (cell.benchmark, cell.setting, cell.grade, cell.fraction) == ("hle", "", "community", 0.209)


def test_of_two_words_on_one_cell_the_better_stands() -> None:
    cells, left = of_hub(entry(99.0, pullRequest=1), entry(40.0), entry(41.0, verified=True))
    assert [(cell.value, cell.grade) for cell in cells] == [(41.0, "verified")]
    assert left == {"result-repeated": 2}


def test_percent_and_shares_are_told_apart_by_what_they_come_with() -> None:
    board = {"source": {"name": "a board"}}
    cells, _ = of_index(
        result(61.4, "hellaswag", "acc_norm", **board),
        result(0.7, "gpqa", "acc_norm", **board),  # 0.7 percent: the same board says 61.4
        result(0.93, "emotion", "accuracy"),
    )
    told = {cell.benchmark: cell.fraction for cell in cells}
    assert told["hellaswag"] == pytest.approx((0.614 - 0.25) / 0.75)
    assert told["gpqa"] == pytest.approx((0.007 - 0.25) / 0.75)
    assert told["emotion"] == 0.93
    assert {cell.benchmark: cell.setting for cell in cells} == {"hellaswag": "", "gpqa": "", "emotion": "accuracy"}


def test_errors_correlations_and_what_has_no_scale() -> None:
    cells, left = of_index(
        result(12.5, {"type": "a/one", "config": "fr", "split": "test"}, "wer"),
        result(-0.2, "sts-x", "spearman_cosine"),
        result(250.0, "CartPole-v1", "mean_reward"),
        result(1.7, "text8", "loss"),
    )
    told = {cell.benchmark: (cell.setting, cell.value, cell.fraction, cell.domain) for cell in cells}
    assert told["a/one"] == ("fr, wer", 12.5, 0.875, None)
    assert told["CartPole-v1"] == ("mean_reward", 250.0, None, None)
    assert told["text8"][2] is None
    assert told["sts-x"] == ("spearman_cosine", -0.2, -0.002, "similarity")  # with a wer of 12.5 they are percent
    assert not left


def test_one_metric_stands_for_a_result() -> None:
    many = [{"type": f"ndcg_at_{k}", "value": k / 2000} for k in (1, 3, 10, 100, 1000)] + [
        {"type": "map", "value": 0.3}
    ]
    cells, left = of_index(
        {"dataset": {"type": "mteb/arguana", "name": "MTEB ArguAna (en)", "config": "en"}, "metrics": many}
    )
    assert [(cell.benchmark, cell.setting, cell.metric, cell.domain) for cell in cells] == [
        ("ArguAna", "en, ndcg_at_10", "ndcg_at_10", "retrieval")
    ]
    assert left == {"result-other-metric": 5}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("61.4", "result-not-a-number"),
        ("about 60", "result-not-a-number"),
        (None, "result-not-a-number"),
        (True, "result-not-a-number"),
        ([[0.5]], "result-not-a-number"),
        ({"value": 0.5}, "result-not-a-number"),
        (float("nan"), "result-not-a-number"),
        (10**400, "result-not-a-number"),
        (-3.0, "outside-its-scale"),
        (101.0, "outside-its-scale"),
    ],
)
def test_odd_values_are_left_out_with_a_reason(value: object, reason: str) -> None:
    left = Left()
    assert model_index([{"results": [result(value)]}], left) == []
    assert {reason: count for reason, (count, _) in left.found.items()} == {reason: 1}
    if value == value and value != 10**400:  # what JSON can spell
        assert of_hub(entry(value)) == ([], {reason: 1})


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ({"name": "m"}, "results-not-a-list"),
        (["m"], "result-not-an-object"),
        ([{"name": "m", "results": [3]}], "result-not-an-object"),
        ([{"name": "m", "results": {"a": 1}}], "results-not-a-list"),
        ([{"name": "m", "results": [{"metrics": []}]}], "result-no-benchmark"),
        ([{"name": "m", "results": [{"dataset": {"type": "x"}}]}], "result-no-metrics"),
        ([{"name": "m", "results": [{"dataset": {"type": "x"}, "metrics": [{"value": 1}]}]}], "result-no-metric"),
        ([{"name": "m", "results": [result(0.5, "imagefolder")]}], "result-on-own-data"),
        ([{"name": "m", "results": [result(0.5, "x" * 500)]}], "result-bad-name"),
    ],
)
def test_odd_shapes_are_left_out_with_a_reason(index: object, reason: str) -> None:
    left = Left()
    assert model_index(index, left) == []
    assert list(left.found) == [reason]


def test_too_much_is_cut_and_counted() -> None:
    cells, left = of_index(*(result(0.5, f"b{number}") for number in range(MOST_RESULTS + 7)))
    assert len(cells) == MOST_RESULTS
    assert left == {"too-many-results": 7}
    flood = {"dataset": {"type": "x"}, "metrics": [{"type": "acc", "value": 0.1}] * 30_000}
    assert of_index(flood) == ([], {"too-many-results": 30_000})
    long = Left()
    assert eval_results(b"[" + b" " * LONGEST + b"]", long) == []
    assert list(long.found) == ["results-too-long"]
    deep = Left()
    assert eval_results(b"[" * 5_000 + b"]" * 5_000, deep) == []
    assert list(deep.found) == ["results-not-json"]


@given(VALUES)
def test_anything_is_read_without_failing(value: object) -> None:
    for cells in (model_index(value, Left()), model_index([{"results": [value]}], Left(), words=True)):
        assert all(cell.fraction is None or cell.fraction <= 1 for cell in cells)
    assert isinstance(eval_results(encode([value, {"data": value}]), Left()), list)


def test_a_row_tells_both_and_its_skipped_lines_are_few() -> None:
    builder = PartBuilder()
    index = [{"name": "m", "results": [result("x", f"b{number}") for number in range(5_000)] + [result(0.5)]}]
    builder.add_model({"id": "a/m", "evalResults": [entry(40.0)], "model-index": index}, "s", 1)
    tables = builder.tables()
    told = {(row["source"], row["benchmark"], row["value"]) for row in tables["declared"].to_pylist()}
    assert told == {("evalResults", "gpqa", 40.0), ("model-index", "gsm8k", 0.5)}
    assert builder.counts().skipped == {"result-not-a-number": 1}  # as many as there are lines
    (line,) = tables["skipped"].to_pylist()
    assert (line["model"], line["detail"]) == ("a/m", "b0 acc and 4999 more")


def test_what_json_cannot_hold_is_no_number() -> None:
    builder = PartBuilder()
    row = '{"id": "a/m", "evalResults": [{"data": {"dataset": {"id": "cais/hle"}, "value": NaN}}], "model-index": Infinity}'
    builder.add_model(row.encode(), "s", 1)
    assert builder.counts().skipped == {"result-not-a-number": 1}
    assert "declared" not in builder.tables()


def test_numbers_in_yaml_are_numbers() -> None:
    card = read("model-index:\n- results:\n  - dataset: {type: gsm8k}\n    metrics: [{type: acc, value: 61.43}]\n")
    left = Left()
    assert card.words
    assert [cell.value for cell in model_index(card.index, left, words=card.words)] == [61.43]
    in_json = read(json.dumps(json.dumps({"model-index": [{"results": [result("61.43")]}]})).encode())
    assert not in_json.words
    assert model_index(in_json.index, left, words=in_json.words) == []


def test_names_of_benchmarks() -> None:
    for said in ("TIGER-Lab/MMLU-Pro", "mmlu_pro", "MMLU Pro"):
        assert benchmark(said).name == "mmlu-pro"
    assert benchmark("someone/gsm8k").name == "someone/gsm8k"  # another's copy: the same subject, its own questions
    assert benchmark("someone/gsm8k").domain == "mathematics"
    assert benchmark("NordicLangClassification").domain == "classification"
    assert benchmark("nothing/known").domain is None
    assert {benchmark(name).domain for name in ("mmlu", "NFCorpus", "ImageNet-V2", "STS17")} <= set(domains())
    assert is_own_data("ImageFolder")
    assert [scale(name) for name in ("Normalized Accuracy", "cos_sim_spearman", "WER", "perplexity")] == [
        Scale.SHARE,
        Scale.CORRELATION,
        Scale.ERROR,
        Scale.UNKNOWN,
    ]


def test_of_a_name_without_end_little_is_kept() -> None:
    benchmark.cache_clear()
    assert of_index(result(0.5, "x" * 1_000_000))[1] == {"result-bad-name": 1}
    benchmark("x" * 201)  # what was looked up, and is remembered
    assert benchmark.cache_info().currsize == 1
