"""How fast checkpoints are read, beside the plain reading of the same file, and what stands in between. `make bench-reading`."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.digesting import digest_of
from ingest.weights.folder import Found
from ingest.weights.member import member
from ingest.weights.space import placed
from ingest.weights.whole import Whole

RESULTS = Path(__file__).parent / "results"
HIDDEN, WIDE, WORDS = 2048, 5504, 16_000
WIDTHS = {"BF16": 2, "F32": 4}
HASHED = {
    "BF16": 4,
    "F32": 8,
}  # bytes a value: the words of its bf16 and fp16 form, and those of fp32 where it has more digits


def written(folder: Path, dtype: str, size: float) -> Path:
    """A checkpoint of about ``size`` bytes: layers of a llama of this width."""
    square, wide = (HIDDEN, HIDDEN), (WIDE, HIDDEN)
    parts = {
        **{f"self_attn.{name}_proj": square for name in "qkvo"},
        "mlp.gate_proj": wide,
        "mlp.up_proj": wide,
        "mlp.down_proj": (HIDDEN, WIDE),
        "input_layernorm": (HIDDEN,),
    }
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (WORDS, HIDDEN)}
    while sum(map(np.prod, shapes.values())) * WIDTHS[dtype] < size:
        layer = len(shapes) // len(parts)
        shapes |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in parts.items()}
    header, at = dict[str, object](), 0
    for name, shape in shapes.items():
        count = int(np.prod(shape)) * WIDTHS[dtype]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + count]}
        at += count
    text = json.dumps(header).encode()
    folder.mkdir()
    rng = np.random.default_rng(0)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in shapes.values():
            values = rng.normal(0, 0.02, int(np.prod(shape))).astype(np.float32)
            file.write(((values.view(np.uint32) >> 16).astype("<u2") if dtype == "BF16" else values).tobytes())
    return folder


def plain(path: Path) -> None:
    """Read a file from its first to its last byte."""
    room = bytearray(2**22)
    with path.open("rb", buffering=0) as file:
        while file.readinto(room):
            pass


def from_disk(path: Path) -> None:
    """The same, once nothing of the file is left in memory."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    plain(path)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """(seconds of the clock, seconds of processors)."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cpu


def hashed(values: Values) -> None:
    """SHA-256 of values as they lie in memory, four bytes each."""
    hashlib.sha256(values.data, usedforsecurity=False).digest()


def stages(folder: Path) -> dict[str, float]:
    """Seconds of processors by what is done to the tensors. SHA-256 alone is measured on as many bytes as the digests are of."""
    spent = dict.fromkeys(("bytes to float32", "SHA-256", "rounding to the digests' words", "linear sketch"), 0.0)
    tensors, sums = placed(Found("x", folder).read()), Whole()
    while True:
        begun = time.process_time()
        tensor = next(tensors, None)
        spent["bytes to float32"] += time.process_time() - begun
        if tensor is None:
            return spent
        digests = timed(partial(digest_of, tensor.role, tensor.values, tensor.dtype))[1]
        hashing = timed(partial(hashed, tensor.values))[1] * HASHED[tensor.dtype] / 4
        spent["SHA-256"] += hashing
        spent["rounding to the digests' words"] += digests - hashing
        if tensor.values.ndim == 2:
            spent["linear sketch"] += timed(partial(sums.add, tensor.role, tensor.values))[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--out", type=Path, help="write the table to this file too (default: bench/results)")
    chosen = parser.parse_args()
    lines = [
        f"# Reading checkpoints of about {chosen.megabytes} MB",
        f"`make bench-reading MEGABYTES={chosen.megabytes}`; {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}: "
        "with other work on the machine, seconds of processors say more than those of the clock.",
        "",
        "| dtype | MB | plain reading from the disk, from memory, MB/s | whole reading, MB/s | whole reading, MB per second of a "
        "processor | SHA-256 alone, MB per second of a processor | of which |",
        "|---|---|---|---|---|---|---|",
    ]
    for dtype in WIDTHS:
        with tempfile.TemporaryDirectory() as place:
            folder = written(Path(place) / "model", dtype, chosen.megabytes * 1e6)
            path = folder / "model.safetensors"
            mega = path.stat().st_size / 1e6
            cold, _ = timed(partial(from_disk, path))
            read, _ = timed(partial(plain, path))
            clock, cpu = timed(partial(member, "x", Found("x", folder).read()))
            spent = stages(folder)
            shares = ", ".join(f"{name} {seconds / sum(spent.values()):.0%}" for name, seconds in spent.items())
            rates = " | ".join(f"{mega / seconds:.0f}" for seconds in (clock, cpu, spent["SHA-256"]))
            lines.append(f"| {dtype} | {mega:.0f} | {mega / cold:.0f}, {mega / read:.0f} | {rates} | {shares} |")
    text = "\n".join(lines) + "\n"
    (chosen.out or RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-reading.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
