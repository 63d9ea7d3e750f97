"""Checkpoint files: what is read is what was written, and no header is believed."""

from __future__ import annotations

import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from ingest.weights.checkpoint import DamagedCheckpoint
from ingest.weights.folder import checkpoints
from ingest.weights.formats import as_bf16, decoded
from ingest.weights.gguf_file import read_gguf
from ingest.weights.safetensors_file import parse_header, read_safetensors


def test_safetensors_are_read_as_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    written: dict[str, npt.NDArray[Any]] = {
        "a": rng.normal(size=(3, 5)).astype(np.float32),
        "b": rng.normal(size=7).astype(np.float16),
        "c": np.arange(6, dtype=np.int8).reshape(2, 3),
        "empty": np.empty((0, 4), dtype=np.float32),
    }
    save_file(written, tmp_path / "model.safetensors", metadata={"made": "here"})
    read = read_safetensors([tmp_path / "model.safetensors"])
    assert list(read.tensors) == sorted(written)
    assert read.metadata == {"made": "here"}
    for name, values in written.items():
        assert np.array_equal(read.values(name), values.astype(np.float32))


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "F16", "F32"])
def test_gguf_is_read_as_the_package_reads_it(tmp_path: Path, kind: str) -> None:
    path, values = tmp_path / "model.gguf", np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32)
    form = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "c"])
    writer.add_tensor("blk.0.attn_v.weight", gguf.quants.quantize(values, form), raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    read = read_gguf(path)
    assert read.tensors["blk.0.attn_v.weight"].shape == (4, 64)
    expected = gguf.quants.dequantize(gguf.quants.quantize(values, form), form)
    assert np.array_equal(read.values("blk.0.attn_v.weight"), expected)


def test_eight_bit_floats_are_those_of_their_paper() -> None:
    codes = np.array([0x00, 0x38, 0x7E, 0x7F, 0xB8, 0x01], dtype=np.uint8)
    values = decoded(codes, "F8_E4M3", (6,))
    assert values[[0, 1, 2, 4]].tolist() == [0.0, 1.0, 448.0, -1.0]
    assert np.isnan(values[3])
    assert values[5] == 2.0**-9
    assert decoded(np.array([0x3C, 0x7C, 0x7B], dtype=np.uint8), "F8_E5M2", (3,)).tolist() == [1.0, np.inf, 57344.0]


def test_rounding_is_to_nearest_even() -> None:
    ties = np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8, 1 + 2.0**-8 + 2.0**-20], dtype=np.float32)
    assert as_bf16(ties).tolist() == [1.0, 1 + 2 * 2.0**-7, 1 + 2.0**-7]


def header(**entries: object) -> bytes:
    return json.dumps(entries).encode()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"[]", "not a JSON object"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (header(a={"dtype": "F32", "shape": [2], "data_offsets": [0, 9]}), "9 bytes"),
        (header(a={"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}), "outside"),
        (header(a={"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}), "outside"),
        (header(a={"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}), "claims"),
        (header(a={"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}), "unknown dtype"),
        (header(a={"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}), "no size"),
        (
            header(
                a={"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                b={"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
            ),
            "overlaps",
        ),
    ],
)
def test_a_header_that_lies_is_named(text: bytes, what: str) -> None:
    with pytest.raises(DamagedCheckpoint, match=what):
        parse_header(Path("x"), text, len(text) + 8 + 100)


def test_shards_stay_in_their_folder(tmp_path: Path) -> None:
    save_file({"a": np.zeros(2, np.float32)}, tmp_path / "outside.safetensors")
    folder = tmp_path / "model"
    folder.mkdir()
    save_file({"a": np.zeros(2, np.float32)}, folder / "x.safetensors")
    index = {"weight_map": {"a": "../outside.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(DamagedCheckpoint, match="not beside it"):
        next(checkpoints(folder)).read()


def test_changed_bytes_never_crash_and_take_little_memory(tmp_path: Path) -> None:
    """20,000 headers with changed bytes: each is read or refused with a reason."""
    good = tmp_path / "good.gguf"
    writer = gguf.GGUFWriter(str(good), "llama")
    writer.add_array("tokens", ["a", "b"])
    writer.add_tensor("a.weight", np.zeros((2, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({"a": np.zeros(4, np.float32), "b": np.zeros((2, 2), np.float16)}, tmp_path / "good.safetensors")
    tracemalloc.start()
    refused = 0
    for name, read in (("good.gguf", read_gguf), ("good.safetensors", lambda path: read_safetensors([path]))):
        data = (tmp_path / name).read_bytes()
        rng = random.Random(name)
        for case in range(10_000):
            changed = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                changed[rng.randrange(min(len(changed), 300))] = rng.choice(
                    (0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))
                )
            path = tmp_path / f"case{case % 2}"
            path.write_bytes(bytes(changed[: rng.randrange(8, len(changed) + 1)] if rng.random() < 0.2 else changed))
            try:
                for tensor in read(path).tensors:
                    assert tensor is not None
            except DamagedCheckpoint:
                refused += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused > 5_000
    assert peak < 50 * 2**20
