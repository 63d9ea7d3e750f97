"""Checkpoint headers with changed bytes, by seed: each is read or refused with a reason, in little memory. `make bench-fuzz`"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.errors import StemmaError
from ingest.weights.gguf_file import HeaderGoesOn, parse_gguf, read_gguf
from ingest.weights.onnx_file import read_onnx
from ingest.weights.safetensors_file import read_safetensors
from ingest.weights.sketch_file import parse_sketch, write_sketch

RESULTS = Path(__file__).parent / "results"
Read = Callable[[Path], object]
WORDS = (0, 1, 2, 0x7F, 0x80, 0xFF)
LONGS = (0, 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1)


def safetensors(folder: Path) -> Path:
    from safetensors.numpy import save_file

    path = folder / "good.safetensors"
    some: dict[str, npt.NDArray[Any]] = {
        "a": np.zeros(4, np.float32),
        "b": np.zeros((2, 2), np.float16),
        "layers.0.mlp.up_proj.weight": np.ones((8, 2)),
    }
    save_file(some, path, metadata={"made": "here"})
    return path


def gguf(folder: Path) -> Path:
    import gguf as package

    path = folder / "good.gguf"
    writer = package.GGUFWriter(str(path), "llama")
    writer.add_head_count(2)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "c"])
    writer.add_array("sizes", [1, 2, 3])
    form = package.GGMLQuantizationType.Q8_0
    values = np.zeros((4, 32), np.float32)
    writer.add_tensor("blk.0.attn_q.weight", package.quants.quantize(values, form), raw_dtype=form)
    writer.add_tensor("output_norm.weight", np.zeros(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def onnx(folder: Path) -> Path:
    import onnx as package
    from onnx import helper, numpy_helper

    path = folder / "good.onnx"
    weight = numpy_helper.from_array(np.zeros((4, 4), np.float32), "layer.weight")
    node = helper.make_node("MatMul", ["x", "layer.weight"], ["y"], name="/layer/MatMul")
    edges = [helper.make_tensor_value_info(name, package.TensorProto.FLOAT, [1, 4]) for name in "xy"]
    package.save(helper.make_model(helper.make_graph([node], "g", edges[:1], edges[1:], [weight])), path)
    return path


def sketch(folder: Path) -> Path:
    from ingest.identify import read_one

    model = folder / "model"
    model.mkdir()
    safetensors(model).rename(model / "model.safetensors")
    write_sketch(folder / "good.sketch", read_one(model).member)
    return folder / "good.sketch"


FORMATS: dict[str, tuple[Callable[[Path], Path], Read]] = {
    "safetensors": (safetensors, lambda path: read_safetensors([path])),
    "gguf": (gguf, read_gguf),
    "gguf, its first half": (gguf, lambda path: parse_gguf(path, half(path), path.stat().st_size)),
    "onnx": (onnx, read_onnx),
    "sketch": (sketch, lambda path: parse_sketch(path, path.read_bytes())),
}


def half(path: Path) -> memoryview:
    data = path.read_bytes()
    return memoryview(data[: len(data) // 2])


def changed(good: bytes, rng: random.Random) -> bytes:
    """A file with some bytes changed, a long written into it, a piece doubled, or its end cut off."""
    data = bytearray(good)
    for _ in range(rng.randint(1, 4)):
        at, kind = rng.randrange(min(len(data), 600)), rng.random()
        if kind < 0.6:
            data[at] = rng.choice((*WORDS, rng.randrange(256)))
        elif kind < 0.8:
            data[at : at + 8] = rng.choice(LONGS).to_bytes(8, "little")
        elif kind < 0.9:
            data[at:at] = data[at : at + rng.randrange(1, 64)]
        else:
            del data[max(8, rng.randrange(len(data))) :]
    return bytes(data)


def fuzz(name: str, cases: int, seed: int) -> tuple[Counter[str], int, float]:
    """(outcomes, the most bytes that Python and NumPy held at once, seconds) of so many changed files of a format."""
    make, read = FORMATS[name]
    outcomes: Counter[str] = Counter()
    rng = random.Random(f"{name} {seed}")
    with tempfile.TemporaryDirectory() as place:
        good = make(Path(place)).read_bytes()
        path = Path(place) / f"case{make(Path(tempfile.mkdtemp(dir=place))).suffix}"
        begun = time.perf_counter()
        tracemalloc.start()
        for _ in range(cases):
            path.unlink(missing_ok=True)  # a mapped file is not written over
            path.write_bytes(changed(good, rng))
            try:
                read(path)
                outcomes["read"] += 1
            except (StemmaError, HeaderGoesOn) as error:
                outcomes[type(error).__name__] += 1
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return outcomes, peak, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", action="append", choices=FORMATS, help="only this one; may be repeated")
    parser.add_argument("--out", type=Path, help="write the table to this file too (default: bench/results)")
    chosen = parser.parse_args()
    lines = [
        f"# Changed headers: {chosen.cases} a format, seed {chosen.seed}",
        f"`make bench-fuzz CASES={chosen.cases} SEED={chosen.seed}`. Anything but a reading or a StemmaError ends the run.",
        "",
        "| format | read | refused, by reason | most memory held | seconds |",
        "|---|---|---|---|---|",
    ]
    for name in chosen.format or FORMATS:
        outcomes, peak, seconds = fuzz(name, chosen.cases, chosen.seed)
        read = outcomes.pop("read", 0)
        reasons = ", ".join(f"{kind} {count}" for kind, count in sorted(outcomes.items()))
        lines.append(f"| {name} | {read} | {reasons} | {peak / 2**20:.1f} MiB | {seconds:.0f} |")
        print(lines[-1], file=sys.stderr)
    peak_process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines += ["", f"Peak resident memory of the whole process: {peak_process:.0f} MiB, libraries included."]
    text = "\n".join(lines) + "\n"
    out = chosen.out or RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-fuzz.md"
    out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
