"""This file knows how a file of models is told from a file of datasets: by the keys that only rows of one of them have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_MODEL_KEYS = frozenset(
    "modelId pipeline_tag library_name safetensors gguf baseModels base_models config transformersInfo transformers_info "  # noqa: SIM905 - words are easier to read so
    "widgetData widget_data model-index model_index mask_token inference".split()
)
_DATASET_KEYS = frozenset(
    {"description", "citation", "paperswithcode_id", "mainSize", "main_size", "datasetsServerInfo"}
)
_DATASET_TAGS = ("task_categories:", "size_categories:", "modality:", "format:", "task_ids:")


def kind_of(rows: Iterable[Mapping[str, Any]], file_name: str) -> str:
    """Whether it is a "model" or a "dataset", by a vote of some rows; by the file's name when they do not say."""
    votes = sum(_vote(row) for row in rows)
    if votes:
        return "model" if votes > 0 else "dataset"
    return "dataset" if "dataset" in file_name.lower() else "model"


def _vote(row: Mapping[str, Any]) -> int:
    """1 for a model, -1 for a dataset, 0 when the row could be either."""
    if not _MODEL_KEYS.isdisjoint(row):
        return 1
    tags = row.get("tags")
    tagged = isinstance(tags, list) and any(isinstance(tag, str) and tag.startswith(_DATASET_TAGS) for tag in tags)
    return -1 if tagged or not _DATASET_KEYS.isdisjoint(row) else 0
