"""This file knows how long the first page of a folded list takes, each time under a filter that was never asked before."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Any

from graph.records import Evidence
from graph.store import Collapse, ModelFilter, Order, Store

QUESTIONS = 400
_TASKS = ("text-generation", "text-to-image", "fill-mask", "feature-extraction")
_LIBRARIES = ("transformers", "peft", "diffusers", "timm")
_LICENCES = ("mit", "apache-2.0", "gemma", "other")
_RELATIONS = ("root", "finetune", "adapter", "quantized", "merge")
_TEXTS = ("llama", "qwen", "7b", "lora")
_ORDERS = (Order.DOWNLOADS, Order.DOWNLOADS, Order.DOWNLOADS, Order.LIKES, Order.CREATED, Order.NOVELTY)


def drawn(seed: int) -> list[tuple[ModelFilter, Collapse, Order]]:
    """Questions of one to three conditions each."""
    rng = random.Random(seed)
    return [(_filter(rng), rng.choice(list(Collapse)), rng.choice(_ORDERS)) for _ in range(QUESTIONS)]


async def pages(store: Store, seed: int) -> dict[str, Any]:
    """Milliseconds of a first page of 20."""
    await store.find(ModelFilter(), first=20)  # whatever is done once
    times = []
    for where, collapse, order in drawn(seed):
        begun = time.perf_counter()
        await store.find_folded(where, collapse, order, 20)
        times.append((time.perf_counter() - begun) * 1e3)
    times.sort()
    places = {"p50_ms": QUESTIONS // 2, "p99_ms": QUESTIONS - QUESTIONS // 100 - 1, "most_ms": QUESTIONS - 1}
    return {name: round(times[place], 1) for name, place in places.items()}


def _filter(rng: random.Random) -> ModelFilter:
    conditions: dict[str, Any] = {
        "tasks": (rng.choice(_TASKS),),
        "libraries": (rng.choice(_LIBRARIES),),
        "licences": (rng.choice(_LICENCES),),
        "relations": tuple(rng.sample(_RELATIONS, rng.choice((1, 2)))),
        "evidence": (Evidence.HUB,),
        "parameters_min": rng.randrange(10**8, 10**10),
        "parameters_max": rng.randrange(10**9, 10**11),
        "created_from": datetime(rng.choice((2022, 2023, 2024, 2025)), rng.randrange(1, 13), 3, tzinfo=UTC),
        "novelty_min": rng.random() * 30,
        "text": rng.choice(_TEXTS),
    }
    some = rng.sample(sorted(conditions), rng.choice((1, 1, 2, 2, 3)))
    return ModelFilter(**{name: conditions[name] for name in some})
