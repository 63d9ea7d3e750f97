"""This file knows how often the source of a model in ggml's block formats is found among close siblings, and writes them for that.

    python -m bench.k_quants [--families 4] [--out FILE]

Each family is a root and siblings, drawn from a seed and stored as bfloat16: all share the task's change, each has noise of its own
that makes siblings differ by a stated relative distance. Every sibling is put in every format; the source is sought among root and
siblings by ``ingest.weights.origin``, from the GGUF file. The quantisers here round to nearest on blocks whose scales follow from
their extremes (llama.cpp searches for better scales, so real files have a little less noise); Q4_1, Q5_0 and Q5_1 are written by
the ``gguf`` package. Only for measuring: nothing in Stemma writes these formats.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from ingest.weights.folder import Found
from ingest.weights.formats import as_bf16
from ingest.weights.member import Member, member
from ingest.weights.origin import Origins

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
BLOCK = 256
SHAPES = {
    "token_embd.weight": (192, 256),
    **{
        f"blk.{layer}.{part}.weight": shape
        for layer in range(2)
        for part, shape in (
            *((f"attn_{name}", (256, 256)) for name in ("v", "output")),
            ("ffn_gate", (128, 256)),
            ("ffn_up", (128, 256)),
        )
    },
}
SIBLINGS = 5
DISTANCES = (0.001, 0.003, 0.01)


def _half(values: Floats) -> Floats:
    """Values as binary16 holds them."""
    return values.astype(np.float16).astype(np.float32)


def _packed(pieces: list[npt.NDArray[np.generic]]) -> Bytes:
    blocks = len(pieces[0])
    return np.concatenate([np.ascontiguousarray(piece).view(np.uint8).reshape(blocks, -1) for piece in pieces], axis=1)


def _codes(values: Floats, step: Floats, least: int, most: int) -> npt.NDArray[np.int32]:
    safe = np.where(step == 0, 1, step)
    return np.clip(np.round(np.where(step == 0, 0, values / safe)), least, most).astype(np.int32)


def _extreme(parts: Floats) -> Floats:
    """The value of each part that is farthest from 0, with its sign. Shape: (blocks, parts)."""
    return np.take_along_axis(parts, np.abs(parts).argmax(axis=2, keepdims=True), axis=2)[..., 0]


def q6_k(values: Floats) -> Bytes:
    """Blocks of 256: v = d s c, s 8 bits for each 16 values, c 6 bits from -32 to 31. Shape: (blocks, 210)."""
    parts = values.reshape(-1, 16, 16)
    steps = _extreme(parts) / np.float32(-32)
    d = _half(np.abs(steps).max(axis=1, keepdims=True) / 127)
    scale = _codes(steps, d, -128, 127)
    c = (_codes(parts, (d * scale)[..., None], -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = np.stack([c[:, :, 0] & 15 | (c[:, :, 2] & 15) << 4, c[:, :, 1] & 15 | (c[:, :, 3] & 15) << 4], axis=2)
    high = sum((c[:, :, at] >> 4) << (2 * at) for at in range(4))
    return _packed([low, np.asarray(high, dtype=np.uint8), scale.astype(np.int8), d.astype(np.float16)])


def _min_max(values: Floats, codes: int) -> tuple[Floats, Floats, Bytes, npt.NDArray[np.int32]]:
    """(d, dmin, packed 6-bit scales and minima of 8 parts of 32, codes): v = d s c - dmin m."""
    parts = values.reshape(-1, 8, 32)
    least = np.minimum(parts.min(axis=2), 0)
    step = (parts.max(axis=2) - least) / codes
    d, dmin = _half(step.max(axis=1, keepdims=True) / 63), _half(-least.min(axis=1, keepdims=True) / 63)
    s, m = _codes(step, d, 0, 63).astype(np.uint8), _codes(-least, dmin, 0, 63).astype(np.uint8)
    c = _codes(parts + (dmin * m)[..., None], (d * s)[..., None], 0, codes)
    packed = [s[:, :4] | (s[:, 4:] >> 4) << 6, m[:, :4] | (m[:, 4:] >> 4) << 6, s[:, 4:] & 15 | (m[:, 4:] & 15) << 4]
    return d, dmin, np.concatenate(packed, axis=1), c


def q4_k(values: Floats) -> Bytes:
    """Blocks of 256, codes of 4 bits. Shape: (blocks, 144)."""
    d, dmin, scales, c = _min_max(values, 15)
    pairs = c.astype(np.uint8).reshape(-1, 4, 2, 32)
    return _packed([d.astype(np.float16), dmin.astype(np.float16), scales, pairs[:, :, 0] | pairs[:, :, 1] << 4])


def q5_k(values: Floats) -> Bytes:
    """Blocks of 256, codes of 5 bits, the fifth apart. Shape: (blocks, 176)."""
    d, dmin, scales, c = _min_max(values, 31)
    pairs = (c & 15).astype(np.uint8).reshape(-1, 4, 2, 32)
    high = sum(((c[:, at] >> 4) << at for at in range(8)), np.zeros_like(c[:, 0])).astype(np.uint8)
    low = pairs[:, :, 0] | pairs[:, :, 1] << 4
    return _packed([d.astype(np.float16), dmin.astype(np.float16), scales, high, low])


def q2_k(values: Floats) -> Bytes:
    """Blocks of 256: v = d s c - dmin m, s and m 4 bits for each 16 values, c 2 bits. Shape: (blocks, 84)."""
    parts = values.reshape(-1, 16, 16)
    least = np.minimum(parts.min(axis=2), 0)
    step = (parts.max(axis=2) - least) / 3
    d, dmin = _half(step.max(axis=1, keepdims=True) / 15), _half(-least.min(axis=1, keepdims=True) / 15)
    s, m = _codes(step, d, 0, 15).astype(np.uint8), _codes(-least, dmin, 0, 15).astype(np.uint8)
    c = _codes(parts + (dmin * m)[..., None], (d * s)[..., None], 0, 3).astype(np.uint8).reshape(-1, 2, 4, 32)
    codes = sum((c[:, :, at] << (2 * at) for at in range(4)), np.zeros_like(c[:, :, 0]))
    return _packed([s | m << 4, codes, d.astype(np.float16), dmin.astype(np.float16)])


def q3_k(values: Floats) -> Bytes:
    """Blocks of 256: v = d s c, s 6 bits from -32 to 31 for each 16 values, c 3 bits from -4 to 3. Shape: (blocks, 110)."""
    parts = values.reshape(-1, 16, 16)
    steps = _extreme(parts) / np.float32(-4)
    d = _half(np.abs(steps).max(axis=1, keepdims=True) / 31)
    scale = _codes(steps, d, -32, 31)
    c = (_codes(parts, (d * scale)[..., None], -4, 3) + 4).astype(np.uint8)
    pairs, bits = (c & 3).reshape(-1, 2, 4, 32), (c >> 2).reshape(-1, 8, 32)
    low = sum((pairs[:, :, at] << (2 * at) for at in range(4)), np.zeros_like(pairs[:, :, 0]))
    high = sum((bits[:, at] << at for at in range(8)), np.zeros_like(bits[:, 0]))
    s = (scale + 32).astype(np.uint8)
    tops = (s >> 4).reshape(-1, 4, 4)
    top = sum((tops[:, at] << (2 * at) for at in range(4)), np.zeros_like(tops[:, 0]))
    return _packed([high, low, s[:, :8] & 15 | (s[:, 8:] & 15) << 4, top, d.astype(np.float16)])


CURVE = np.array(gguf.quants.IQ4_NL.kvalues, dtype=np.float32)  # what the 16 codes of IQ4 stand for: dense around 0


def _on_curve(values: Floats, step: Floats) -> Bytes:
    """The codes whose value times the step is nearest. Shape: as the values."""
    safe = np.where(step == 0, 1, step)
    return np.searchsorted((CURVE[1:] + CURVE[:-1]) / 2, np.where(step == 0, 0, values / safe)).astype(np.uint8)


def iq4_nl(values: Floats) -> Bytes:
    """Blocks of 32: v = d k(c), c 4 bits. Shape: (blocks, 18)."""
    parts = values.reshape(-1, 1, 32)
    d = _half(_extreme(parts) / CURVE[0])
    c = _on_curve(parts, d[..., None]).reshape(-1, 2, 16)
    return _packed([d.astype(np.float16), c[:, 0] | c[:, 1] << 4])


def iq4_xs(values: Floats) -> Bytes:
    """Blocks of 256: v = d s k(c), s 6 bits from -32 to 31 for each 32 values, c 4 bits. Shape: (blocks, 136)."""
    parts = values.reshape(-1, 8, 32)
    steps = _extreme(parts) / CURVE[0]
    d = _half(np.abs(steps).max(axis=1, keepdims=True) / 31)
    scale = _codes(steps, d, -32, 31)
    c = _on_curve(parts, (d * scale)[..., None]).reshape(-1, 8, 2, 16)
    s = (scale + 32).astype(np.uint16)
    top = sum(((s[:, at] >> 4) << (2 * at) for at in range(8)), np.zeros_like(s[:, 0]))
    low = (s[:, ::2] & 15 | (s[:, 1::2] & 15) << 4).astype(np.uint8)
    return _packed([d.astype(np.float16), top, low, c[:, :, 0] | c[:, :, 1] << 4])


def _by_package(kind: str) -> Callable[[Floats], Bytes]:
    return partial(gguf.quants.quantize, qtype=gguf.GGMLQuantizationType[kind])


FORMATS: dict[str, Callable[[Floats], Bytes]] = {
    "Q6_K": q6_k,
    "Q5_K": q5_k,
    "Q4_K": q4_k,
    "Q3_K": q3_k,
    "Q2_K": q2_k,
    "IQ4_XS": iq4_xs,
    "IQ4_NL": iq4_nl,
    **{kind: _by_package(kind) for kind in ("Q5_1", "Q5_0", "Q4_1")},
}


def write(path: Path, weights: dict[str, Floats], kind: str) -> Path:
    """One GGUF file."""
    form = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter(str(path), "llama")
    for name, values in weights.items():
        raw = FORMATS[kind](values).reshape(len(values), -1) if kind in FORMATS else values
        writer.add_tensor(name, raw, raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def family(seed: int, distance: float) -> list[dict[str, Floats]]:
    """The root, then siblings: the task's change, four times as long as what tells them apart, and noise of their own."""
    rng = np.random.default_rng(seed)
    root = {name: rng.standard_t(6, size=shape).astype(np.float32) * 0.04 for name, shape in SHAPES.items()}
    task = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    found = [{name: as_bf16(values) for name, values in root.items()}]
    for _ in range(SIBLINGS):
        own = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
        steps = {name: 0.04 * 1.2 * distance * (4 * task[name] + own[name] / np.sqrt(2)) for name in SHAPES}
        found.append({name: as_bf16((root[name] + steps[name]).astype(np.float32)) for name in SHAPES})
    return found


def read(path: Path, name: str) -> Member:
    return member(name, Found(name, path).read())


def measured(families: int, folder: Path) -> str:
    """The table: by format and distance, how often the source was first, and sums of probabilities said for it."""
    right: defaultdict[tuple[str, float], list[tuple[bool, float]]] = defaultdict(list)
    noise: defaultdict[str, list[float]] = defaultdict(list)
    begun = time.perf_counter()
    for distance in DISTANCES:
        for seed in range(families):
            weights = family(1_000 + seed, distance)
            floats = [read(write(folder / f"s{at}.gguf", one, "F32"), f"s{at}") for at, one in enumerate(weights)]
            known = Origins()
            for elder in floats:
                known.add(elder)
            for kind in FORMATS:
                for at in range(1, len(weights)):
                    model = read(write(folder / f"{kind}.gguf", weights[at], kind), f"{kind} of s{at}")
                    (parent,) = known.add(model).parents  # what is quantised is no candidate of the next
                    right[kind, distance].append((parent.base_model == f"s{at}", parent.probability))
                    source = floats[at].flat.astype(np.float64)
                    noise[kind].append(float(np.linalg.norm(model.flat - source) / np.linalg.norm(source)))
    lines = [
        "| format | noise | " + " | ".join(f"siblings {distance} apart" for distance in DISTANCES) + " |",
        "|---|---|" + "---|" * len(DISTANCES),
    ]
    for kind in FORMATS:
        cells = []
        for distance in DISTANCES:
            rows = right[kind, distance]
            hits, said = sum(hit for hit, _ in rows), sum(share for _, share in rows)
            cells.append(f"{hits}/{len(rows)} = {hits / len(rows):.3f}, said {said / len(rows):.3f}")
        lines.append(f"| {kind} | {np.mean(noise[kind]):.4f} | " + " | ".join(cells) + " |")
    took = time.perf_counter() - begun
    count = sum(int(np.prod(shape)) for shape in SHAPES.values())
    head = f"{families} families of a root and {SIBLINGS} siblings, {count} weights each, {took:.0f} s."
    return f"{head}\n\n" + "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Block formats to their sources among close siblings.")
    parser.add_argument("--families", type=int, default=4)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = measured(given.families, Path(folder))
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {version('numpy')}, "
        f"modelstemma {version('modelstemma')} at {commit.stdout.strip() or 'no commit'}"
    )
    told = (
        f"`python -m bench.k_quants --families {given.families}`. Families are drawn, not trained; the quantisers round to "
        "nearest, and are the bench's own (Q5_1, Q5_0, Q4_1: the gguf package's)."
    )
    text = f"# ggml's block formats to their sources among close siblings\n\n{told}\n\n{machine}\n\n{table}\n"
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
