"""This file knows input that nobody meant: any JSON, and rows of the Hub with parts of them changed, moved or broken."""

from __future__ import annotations

import copy
import math
from typing import Any

from hypothesis import strategies as st

WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["a/b", "A/B", "a/b/c", "/", "a/", "..", "a/..", "./out", "[]", "{{name}}", "None", "nan", "x" * 300, "a\0b", "名/前",
         "https://huggingface.co/a/b", "base_model:a/b", "base_model:merge:a/b", "base_model:quantized:base_model:a/b", "license:",
         "dataset:x/y", "dataset:", "2022-03-02T23:29:04.000Z", "9999-99-99", "0" * 24, "\ud83d\ude00", "\ufeff"]
    ),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70), st.sampled_from([0, -1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64]), st.floats(width=32)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)

REAL: list[dict[str, Any]] = [
    {"_id": "6" * 24, "id": "a/b", "modelId": "a/b", "author": "a", "sha": "0" * 40, "createdAt": "2024-01-02T03:04:05.000Z",
     "lastModified": "2024-02-02T03:04:05.000Z", "gated": False, "private": False, "downloads": 7, "downloadsAllTime": 70,
     "likes": 1, "trendingScore": 0.5, "pipeline_tag": "text-generation", "library_name": "transformers",
     "tags": ["transformers", "license:mit", "base_model:c/d", "base_model:finetune:c/d", "dataset:e/f", "en"],
     "config": {"architectures": ["LlamaForCausalLM"], "model_type": "llama"},
     "safetensors": {"parameters": {"BF16": 7}, "total": 7},
     "gguf": {"total": 7, "architecture": "llama", "context_length": 4096},
     "cardData": {"base_model": ["c/d"], "license": "mit", "datasets": ["e/f"], "language": ["en"],
                  "base_model_relation": "finetune"},
     "baseModels": {"relation": "finetune", "models": [{"_id": "7" * 24, "id": "c/d"}]},
     "evalResults": [{"filename": "x.yaml", "verified": True, "data": {"dataset": {"id": "Idavidrein/gpqa", "task_id": "diamond"},
                                                                       "value": 38.89}, "pullRequest": 1}],
     "model-index": [{"name": "b", "results": [
         {"dataset": {"type": "gsm8k", "config": "main", "split": "test", "args": {"num_few_shot": 5}}, "source": {"name": "n"},
          "metrics": [{"type": "acc", "value": 61.4, "verified": False}, {"type": "f1", "value": 0.5}]}]}],
     "siblings": [{"rfilename": "model.safetensors", "size": 7, "blobId": "1" * 40, "lfs": {"sha256": "2" * 64, "size": 7}}]},
    {"_id": "7" * 24, "id": "c/d", "tags": ["base_model:adapter:a/b", "dataset:E/F"],
     "base_models": [{"id": "a/b", "relation": "adapter"}],
     "card_data": "base_model: a/b\nlicense: mit\n", "created_at": 1_700_000_000, "gated": "auto"},
    {"id": "g/merge", "tags": ["base_model:merge:a/b", "base_model:merge:c/d"],
     "cardData": {"base_model": ["a/b", "c/d", "g/merge"]},
     "baseModels": {"relation": "merge", "models": [{"id": "a/b"}, {"id": "C/D"}, {"id": "lost/one"}]}},
]  # fmt: skip


@st.composite
def changed_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some real rows with up to six changes."""
    rows: list[Any] = [copy.deepcopy(draw(st.sampled_from(REAL))) for _ in range(draw(st.integers(1, 6)))]
    for number, row in enumerate(rows):
        if draw(st.booleans()):
            row["id"], row["_id"] = f"org/{number}", f"{number:024x}"
    for _ in range(draw(st.integers(0, 6))):
        _change(draw, draw(st.sampled_from(rows)))
    return rows


def _change(draw: st.DrawFn, inside: Any) -> None:
    """Change one part of a row, some way down."""
    while True:
        places = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        if not places:
            return
        place = draw(st.sampled_from(places))
        if isinstance(inside[place], dict | list) and draw(st.booleans()):
            inside = inside[place]
            continue
        what = draw(st.integers(0, 3))
        if what == 0:
            del inside[place]
        elif what == 1:
            inside[place] = [inside[place]] * draw(st.integers(0, 3))
        elif what == 2:
            inside[place] = {"id": inside[place]}
        else:
            inside[place] = draw(VALUES)
        return


def writable(value: Any) -> Any:
    """The value without what no JSON text can hold."""
    if isinstance(value, dict):
        return {writable(name): writable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [writable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
