"""This file knows the speed of similarity: all pairs beside a plain product and faiss, and identify among many sketches.

    python -m bench.similarity pairs --models 100000
    python -m bench.similarity pairs --models 1000000 --device cuda
    python -m bench.similarity identify --models 100000

Vectors and catalogues are generated, with relatives planted among strangers: an answer counts only when it names them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.catalogue import Catalogue
from graph.progress import Silent
from graph.records import Relation
from graph.snapshot import Source
from ingest.finish import finish
from ingest.folders import shelf_of
from ingest.identify import origin_of
from ingest.parse import PartBuilder
from ingest.staging import Staging
from ingest.weights.digesting import digest_of
from ingest.weights.exact import identity
from ingest.weights.formats import as_bf16
from ingest.weights.linear_sketch import CANDIDATES, sketch_of
from ingest.weights.member import Member
from ingest.weights.pairs import COLUMNS, ROWS, alike
from ingest.weights.parent import Origin, Parent
from ingest.weights.sketch_table import SCHEMA, SketchTable, write_sketches
from ingest.weights.torch_tiles import TorchTiles, tiles

_FAMILIES = 8
THRESHOLD = 0.2
RESULTS = Path(__file__).parent / "results"
Matrix = npt.NDArray[np.float32]


def crowd(models: int, families: int, seed: int) -> Matrix:
    """Unit vectors: strangers, and families of four whose members have products of about .9 with each other."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((models, CANDIDATES), dtype=np.float32)
    for family in range(families):
        rows = family + np.arange(4) * (models // 4)
        vectors[rows] = vectors[family] + np.float32(0.33) * vectors[rows]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def pairs(models: int, device: str) -> dict[str, Any]:
    """All pairs above a threshold, beside the product alone and beside faiss, in turns so that all meet the same machine."""
    families = models // 100
    vectors = crowd(models, families, 1)
    planted = {
        (f + a * (models // 4), f + b * (models // 4))
        for f in range(families)
        for a in range(4)
        for b in range(4)
        if a != b
    }
    flops = models * (models + ROWS) * CANDIDATES  # half of the matrix and its diagonal tiles, two operations a term
    found, seconds = _timed(lambda: alike(vectors, THRESHOLD, 40, multiply=tiles(vectors, device)))
    told = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    name, plain = "processor", 0.0
    if device == "cuda":
        name, plain = product_on_gpu(vectors)
    else:
        _, plain = _timed(lambda: product(vectors))
    results: dict[str, Any] = {
        "models": models,
        "dimensions": CANDIDATES,
        "device": name,
        "seconds": round(seconds, 2),
        "planted pairs found": len(planted & told),
        "planted pairs": len(planted),
        "other pairs": len(told - planted),
        "GFLOP/s": round(flops / seconds / 1e9, 1),
        "plain product, seconds": round(plain, 2),
        "plain product, GFLOP/s": round(flops / plain / 1e9, 1),
        "share of the plain product's rate": round(plain / seconds, 3),
    }
    if device == "cuda":
        return results
    if find_spec("faiss") is None:
        return {**results, "faiss": "not installed"}
    import faiss

    part = min(models, 10_000)  # its range search knows no symmetry: a tenth of the queries tells its rate

    def searched() -> int:
        index = faiss.IndexFlatIP(CANDIDATES)
        index.add(vectors)
        limits, _, _ = index.range_search(vectors[:part], THRESHOLD)
        return int(limits[-1])

    hits, beside = _timed(searched)
    whole = beside * models / part
    return {**results, "faiss range_search, seconds for all": round(whole, 1), "faiss hits in its part": hits}


def product(vectors: Matrix) -> float:
    """The same tiles of the product and nothing else."""
    out = np.empty((ROWS, COLUMNS), dtype=np.float32)
    last = 0.0
    for first in range(0, len(vectors), ROWS):
        for begin in range(first // COLUMNS * COLUMNS, len(vectors), COLUMNS):
            left, right = vectors[first : first + ROWS], vectors[begin : begin + COLUMNS]
            last = float(np.matmul(left, right.T, out=out[: len(left)] if len(right) == COLUMNS else None)[0, 0])
    return last


def product_on_gpu(vectors: Matrix) -> tuple[str, float]:
    """(the GPU's name, seconds of the same tiles of the product and nothing else), after one turn that is not timed."""
    import torch

    rough = torch.from_numpy(vectors).to("cuda").to(torch.bfloat16)
    height, width = TorchTiles.ROWS, TorchTiles.COLUMNS
    out = torch.empty((height, width), device="cuda", dtype=torch.bfloat16)
    seconds = 0.0
    for _ in range(2):
        torch.cuda.synchronize()
        began = time.perf_counter()
        for first in range(0, len(vectors), height):
            for begin in range(first // width * width, len(vectors), width):
                left, right = rough[first : first + height], rough[begin : begin + width]
                torch.matmul(left, right.T, out=out[: len(left), : len(right)])
        torch.cuda.synchronize()
        seconds = time.perf_counter() - began
    return torch.cuda.get_device_name(), seconds


def identify(models: int, folder: Path) -> dict[str, Any]:
    """Unknown copies and fine-tunes asked of a catalogue of so many sketches: eight families among strangers."""
    catalogue = Catalogue(folder)
    tunes = filled(catalogue, models)
    opened, opening = _timed(lambda: SketchTable(shelf_of(catalogue)).refreshed())
    rng = np.random.default_rng(5)
    seconds, work, right = [], [], 0
    for at, tune in enumerate(tunes):
        unknown = replace(tune, id="?") if at % 2 else changed(tune, "?", 0.01, rng)
        before = time.process_time()
        origin, took = _timed(partial(origin_of, catalogue, unknown))
        work.append(time.process_time() - before)
        relation = Relation.IDENTICAL if at % 2 else Relation.FINETUNE
        right += [(parent.base_model, parent.relation) for parent in origin.parents] == [(tune.id, relation)]
        seconds.append(took)
    return {
        "models": len(opened),
        "bytes of sketches": SketchTable(shelf_of(catalogue)).path.stat().st_size,
        "opening, seconds": round(opening, 2),
        "asked": len(seconds),
        "right": right,
        "seconds, first": round(seconds[0], 2),
        "seconds, median": round(float(np.median(seconds)), 2),
        "seconds, largest": round(max(seconds), 2),
        "seconds of the processor, median": round(float(np.median(work)), 2),
    }


def filled(catalogue: Catalogue, models: int) -> list[Member]:
    """A shelf of so many models and a snapshot that knows them. Eight families of a root and a tune have weights; of the others,
    strangers all, there is a sketch, and a file that nobody has a reason to open. Returns the tunes.
    """
    shelf = shelf_of(catalogue)
    rng = np.random.default_rng(3)
    tunes, origins, real = [], [], {}
    for number in range(_FAMILIES):
        root = drawn(f"family-{number}/root", rng)
        tune = changed(root, f"family-{number}/tune", 0.01, rng)
        because = Parent(tune.id, root.id, Relation.FINETUNE, 0.97, "planted")
        origins += [Origin(root.id), Origin(tune.id, (because,))]
        tunes.append(tune)
        for each in (root, tune):
            shelf.put(each, "")
            real[each.id] = each
    names = {file: shelf.read(file).id for file in shelf.stamps()}
    for number in range(models - len(names)):
        (shelf.folder / f"{number:032x}.sketch").touch()
    stamps = shelf.stamps()
    ids = [names.get(file, f"stranger/{row}") for row, file in enumerate(stamps)]
    write_sketches(SketchTable(shelf).path, strangers(list(stamps.items()), ids, real, rng))
    shelf.put_origins([*origins, *(Origin(id) for id in ids if id not in real)])
    builder = PartBuilder()
    for row, id in enumerate(ids):
        day = "2024-01-02" if id.endswith("tune") else "2024-01-01"
        builder.add_model({"id": id, "createdAt": f"{day}T00:00:00Z"}, "drawn", row)
    with catalogue.locked():
        staging = Staging(catalogue.staging("drawn"))
        staging.write("all", builder.tables(), builder.counts())
        finish(catalogue, staging, [Source("drawn", "a crowd", 0)], 1.0, Silent())
    return tunes


def strangers(
    files: Sequence[tuple[str, int]], ids: Sequence[str], real: dict[str, Member], rng: np.random.Generator
) -> pa.Table:
    """Sketches of random directions, but of the models that there are."""
    known = {row: sketch_of(real[id]) for row, id in enumerate(ids) if id in real}
    width, profile = next(iter(known.values())).width, len(next(iter(known.values())).profile)
    vectors = {}
    for part in ("layers", "outside"):
        drawn_ones = rng.standard_normal((len(ids), CANDIDATES), dtype=np.float32)
        drawn_ones /= np.linalg.norm(drawn_ones, axis=1, keepdims=True)
        for row, sketch in known.items():
            drawn_ones[row] = getattr(sketch, part)
        vectors[part] = pa.FixedSizeListArray.from_arrays(pa.array(drawn_ones.reshape(-1)), CANDIDATES)
    profiles = 1 + 0.1 * rng.standard_normal((len(ids), profile), dtype=np.float32)
    for row, sketch in known.items():
        profiles[row] = sketch.profile
    ends = pa.array(np.arange(len(ids) + 1, dtype=np.int32) * profile)
    return pa.table(
        {
            "file": [file for file, _ in files],
            "stamp": pa.array([stamp for _, stamp in files], pa.int64()),
            "model": list(ids),
            "tier": ["T2"] * len(ids),
            "read_bytes": pa.array([0] * len(ids), pa.int64()),
            "width": pa.array([width] * len(ids), pa.int32()),
            "content": [known[row].content if row in known else f"{row:032x}" for row in range(len(ids))],
            **vectors,
            "profile": pa.ListArray.from_arrays(ends, pa.array(profiles.reshape(-1))),
        },
        schema=SCHEMA,
    )


def drawn(id: str, rng: np.random.Generator) -> Member:
    """A model of 0.8 M weights."""
    shapes = {
        f"{layer}.{part}": (344, 128)
        if part in ("mlp.gate", "mlp.up")
        else (128, 344)
        if part == "mlp.down"
        else (128, 128)
        for layer in range(4)
        for part in (
            *(f"attention.{name}" for name in ("query", "key", "value", "out")),
            "mlp.gate",
            "mlp.up",
            "mlp.down",
        )
    }
    return _member(
        id, {role: rng.normal(0, 0.05, shape) for role, shape in {**shapes, "embedding": (512, 128)}.items()}
    )


def changed(base: Member, id: str, size: float, rng: np.random.Generator) -> Member:
    """A fine-tune: a few strong directions and private noise, of this size relative to the weights."""
    found = {}
    for role, values in base.matrices.items():
        rows, columns = values.shape
        strong = rng.normal(size=(rows, 8)) * np.geomspace(1, 0.2, 8) @ rng.normal(size=(8, columns))
        noise = rng.normal(size=values.shape)
        change = strong / np.linalg.norm(strong) + 0.5 * noise / np.linalg.norm(noise)
        found[role] = values + size * np.linalg.norm(values) * change
    return _member(id, found)


def _member(id: str, matrices: dict[str, Any]) -> Member:
    held = {role: as_bf16(values.astype(np.float32)) for role, values in matrices.items()}
    digests = tuple(digest_of(role, values, "BF16") for role, values in sorted(held.items()))
    return Member(id, "BF16", held, identity(list(digests)), digests)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began


def main() -> None:
    """Measure, print, and write it down."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    options.add_argument("what", choices=["pairs", "identify"])
    options.add_argument("--models", type=int, default=100_000)
    options.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="what multiplies all pairs")
    options.add_argument("--results", type=Path, default=RESULTS)
    chosen = options.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        found = pairs(chosen.models, chosen.device) if chosen.what == "pairs" else identify(chosen.models, Path(folder))
    libraries = ("numpy", "pyarrow", "polars", *(("faiss-cpu",) if find_spec("faiss") else ()))
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load average before": load,
    }
    results = {
        "what": chosen.what,
        **found,
        "machine": machine,
        "versions": {name: version(name) for name in libraries},
    }
    text = json.dumps(results, indent=1)
    print(text)
    chosen.results.mkdir(parents=True, exist_ok=True)
    path = (
        chosen.results
        / f"{datetime.now(UTC):%Y-%m-%d}-similarity-{chosen.what}-{chosen.models}{'-cuda' * (chosen.device == 'cuda')}.json"
    )
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
