"""This file knows a made-up Hub: rows in the API's shape, with families of a heavy tail, merges, tags, and trainings.

Forks choose their base from a pool in which every fork's base is again, so that few models have most of the descendants.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import orjson

WORDS = (
    "llama",
    "mistral",
    "qwen",
    "gemma",
    "phi",
    "bert",
    "clip",
    "whisper",
    "flux",
    "sdxl",
    "deepseek",
    "granite",
    "yi",
    "falcon",
)
SIZES = ("1B", "3B", "7B", "8B", "13B", "32B", "70B", "base", "large")
KINDS = ("instruct", "chat", "lora", "GGUF", "AWQ", "merged", "dpo", "sft", "v2", "tuned")
ARCHITECTURES = (
    *("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "GemmaForCausalLM", "Phi3ForCausalLM", "BertModel"),
    *("T5ForConditionalGeneration", "WhisperForConditionalGeneration", "CLIPModel", "ViTForImageClassification"),
    *("GPT2LMHeadModel", "RobertaForMaskedLM", "FluxPipeline", "Wav2Vec2ForCTC", "DeepseekV3ForCausalLM", "UNet2D"),
)
TASKS = [
    *["text-generation"] * 6,
    *["text-to-image"] * 3,
    *["text-classification"] * 2,
    "image-classification",
    "feature-extraction",
    "automatic-speech-recognition",
    "fill-mask",
    *(f"task-{n}" for n in range(30)),
]
LICENCES = [*["apache-2.0"] * 5, *["mit"] * 3, "other", "llama3", "gemma", "cc-by-nc-4.0", "openrail"]
LIBRARIES = [*["transformers"] * 6, *["peft"] * 3, *["diffusers"] * 2, "sentence-transformers", "timm"]
RELATIONS = [*["finetune"] * 35, *["adapter"] * 30, *["quantized"] * 30]
FOUNDERS = 100  # models from which all families come
WITH_BASE = 0.44  # share of models that declare a base model


def names(size: int, seed: int = 0) -> list[str]:
    """The models' names, the oldest first."""
    rng = random.Random(seed)
    return [
        f"org{int(rng.paretovariate(0.6)) % (size // 5 + 1)}/{rng.choice(WORDS)}-{rng.choice(SIZES)}-{rng.choice(KINDS)}-{number}"
        for number in range(size)
    ]


def rows(size: int, seed: int = 0, founders: int = FOUNDERS) -> Iterator[bytes]:
    """``size`` rows as JSON, one a line, the same for the same seed. Of few ``founders`` each has many descendants."""
    rng = random.Random(seed + 1)
    known = names(size, seed)
    pool = list(range(min(founders, size))) * 5
    built: list[int] = []  # the architecture of each, that of its first base
    for number, id in enumerate(known):
        day = 1 + number * 1300 // size
        year, month, date = 2022 + (day + 90) // 365, 1 + day // 30 % 12, 1 + day % 28
        relation, bases = None, []
        if number >= founders and rng.random() < WITH_BASE:
            base = pool[int(rng.random() * len(pool))]
            bases = [known[base]]
            relation = rng.choice(RELATIONS)
            if rng.random() < 0.03:
                relation = "merge"
                bases.append(known[pool[int(rng.random() * len(pool))]])
            pool.append(base)
            if rng.random() < 0.05:
                pool.append(number)
        built.append(built[base] if bases else number * 7919 % 997 % 31 % 16)
        tags = [
            "transformers",
            "safetensors",
            rng.choice(WORDS),
            "en",
            *(f"tag-{rng.randrange(500)}" for _ in range(rng.randrange(8))),
        ]
        for base_name in dict.fromkeys(bases):
            tags += [f"base_model:{base_name}", f"base_model:{relation}:{base_name}"]
        if rng.random() < 0.3:
            tags += [f"dataset:data{int(rng.paretovariate(0.5)) % 5000}/set-{int(rng.paretovariate(0.6)) % 300}"]
        tags += [f"license:{rng.choice(LICENCES)}", "endpoints_compatible", "region:us"]
        row = {
            "_id": f"{number:024x}",
            "id": id,
            "author": id.split("/")[0],
            "sha": f"{rng.getrandbits(160):040x}",
            "createdAt": f"{year}-{month:02d}-{date:02d}T12:00:00.000Z",
            "lastModified": f"{year + 1}-{month:02d}-{date:02d}T12:00:00.000Z",
            "private": False,
            "gated": rng.choice([False, False, False, False, "auto", "manual"]),
            "downloads": int(rng.paretovariate(0.8) * 10) % 300_000_000,
            "likes": int(rng.paretovariate(1.2)) % 20_000 - 1,
            "trendingScore": rng.randrange(5),
            "tags": tags,
            "pipeline_tag": rng.choice(TASKS),
            "library_name": rng.choice(LIBRARIES),
        }
        if bases:
            row["baseModels"] = {
                "relation": relation,
                "models": [{"_id": "", "id": name} for name in dict.fromkeys(bases)],
            }
        if rng.random() < 0.5:
            total = int(10 ** rng.uniform(7, 11))
            row["safetensors"] = {"parameters": {"BF16": total}, "total": total}
        if rng.random() < 0.5:
            row["config"] = {
                "architectures": [ARCHITECTURES[built[number]]],
                "model_type": ARCHITECTURES[built[number]].lower(),
                "tokenizer_config": {"eos_token": "</s>"},
            }
        yield orjson.dumps(row)


def write(path: Path, size: int, seed: int = 0, founders: int = FOUNDERS) -> None:
    """Write the rows to a file of JSON lines."""
    with path.open("wb") as file:
        for row in rows(size, seed, founders):
            file.write(row)
            file.write(b"\n")
