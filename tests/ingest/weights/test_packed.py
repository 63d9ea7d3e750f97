"""Packed and scaled formats give back their values: four bits of bitsandbytes, fp8 with its scales; what does not fit is named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from ingest.weights.assignment import named_by_content
from ingest.weights.checkpoint import Checkpoint, DamagedCheckpoint, Part
from ingest.weights.formats import decoded
from ingest.weights.four_bits import unpacked
from ingest.weights.member import member
from ingest.weights.safetensors_file import checkpoint_of, parse_header, read_safetensors
from ingest.weights.space import placed
from ingest.weights.windows import planned, windows

NF4 = np.array(
    [
        -1,
        -0.6962,
        -0.5251,
        -0.3949,
        -0.2844,
        -0.1848,
        -0.0911,
        0,
        0.0796,
        0.1609,
        0.2461,
        0.3379,
        0.4407,
        0.5626,
        0.723,
        1,
    ],
    dtype=np.float32,
)
NAME = "model.layers.0.mlp.up_proj.weight"
Arrays = dict[str, npt.NDArray[Any]]


def packed(values: npt.NDArray[np.float32], *, nested: bool, block: int = 64) -> tuple[Arrays, npt.NDArray[np.float32]]:
    """(tensors as bitsandbytes saves them, the values that they stand for), written value by value."""
    flat = values.reshape(-1)
    scales = [float(np.abs(flat[at : at + block]).max()) for at in range(0, len(flat), block)]
    state: dict[str, Any] = {"quant_type": "nf4", "blocksize": block, "dtype": "bfloat16", "shape": list(values.shape)}
    tensors: Arrays = {}
    if nested:
        table, mean = np.linspace(-1, 1, 256, dtype=np.float32), float(np.mean(scales))
        groups = [scales[at : at + 256] for at in range(0, len(scales), 256)]
        outer = [max(abs(scale - mean) for scale in group) or 1.0 for group in groups]
        each = [outer[at // 256] for at in range(len(scales))]
        nearest = [
            int(np.abs(table - (scale - mean) / size).argmin()) for scale, size in zip(scales, each, strict=True)
        ]
        codes = np.array(nearest, dtype=np.uint8)
        scales = [float(table[code]) * size + mean for code, size in zip(nearest, each, strict=True)]
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": mean}
        tensors[f"{NAME}.absmax"] = codes
        tensors[f"{NAME}.nested_absmax"] = np.array(outer, dtype=np.float32)
        tensors[f"{NAME}.nested_quant_map"] = table
    else:
        tensors[f"{NAME}.absmax"] = np.array(scales, dtype=np.float32)
    codes = np.array(
        [int(np.abs(NF4 - value / scales[at // block]).argmin()) for at, value in enumerate(flat.tolist())]
    )
    meant = np.array([NF4[code] * np.float32(scales[at // block]) for at, code in enumerate(codes)], dtype=np.float32)
    tensors[NAME] = np.array([[a << 4 | b] for a, b in zip(codes[::2], codes[1::2], strict=True)], dtype=np.uint8)
    tensors[f"{NAME}.quant_map"] = NF4
    tensors[f"{NAME}.quant_state.bitsandbytes__nf4"] = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    return tensors, meant.reshape(values.shape)


@pytest.mark.parametrize("nested", [False, True])
def test_four_bits_are_given_back(tmp_path: Path, nested: bool) -> None:
    values = np.random.default_rng(0).normal(size=(32, 48)).astype(np.float32)
    tensors, meant = packed(values, nested=nested)
    save_file({**tensors, "model.norm.weight": np.ones(48, np.float32)}, tmp_path / "model.safetensors")
    read = read_safetensors([tmp_path / "model.safetensors"])
    assert sorted(read.tensors) == [NAME, "model.norm.weight"]
    assert (read.tensors[NAME].dtype, read.tensors[NAME].shape) == ("NF4", (32, 48))
    assert np.allclose(read.values(NAME), meant, atol=1e-6)
    assert 0.05 < np.linalg.norm(meant - values) / np.linalg.norm(values) < 0.15
    assert {each.role for each in placed(read)} == {"0.mlp.up", "norm"}


def test_four_bits_without_a_name_are_read_under_the_role_that_they_get(tmp_path: Path) -> None:
    tensors, meant = packed(np.random.default_rng(2).normal(size=(96, 64)).astype(np.float32), nested=True)
    save_file(
        {name.replace(NAME, "val_0"): values for name, values in tensors.items()}, tmp_path / "packed.safetensors"
    )
    save_file({NAME: meant}, tmp_path / "whole.safetensors")
    read = read_safetensors([tmp_path / "packed.safetensors"])
    named = named_by_content(read, [member("whole", read_safetensors([tmp_path / "whole.safetensors"]))])
    assert sorted(named.tensors) == ["0.mlp.up"]
    assert np.array_equal(named.values("0.mlp.up"), read.values("val_0"))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("shape", [(320, 48), (301, 50), (64, 33)])
def test_rows_of_four_bits_need_few_bytes(tmp_path: Path, nested: bool, shape: tuple[int, int]) -> None:
    """Rows that begin within a byte, a block and a block of scales."""
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    tensors, meant = packed(values, nested=nested, block=16)
    save_file(tensors, tmp_path / "model.safetensors")
    read = read_safetensors([tmp_path / "model.safetensors"])
    for first, end in ((0, shape[0]), (0, 1), (7, 8), (31, 64), (shape[0] - 3, shape[0])):
        parts = read.parts(NAME, first, end)
        rows = read.rows(NAME, [np.frombuffer(piece, dtype=np.uint8) for piece in fetched(parts)], first, end)
        assert np.array_equal(rows, read.values(NAME)[first:end])
        assert np.allclose(rows, meant[first:end], atol=1e-6)
    codes = 3 * shape[1] // 2 + 2
    scales = (3 * shape[1] // 16 + 2) * 4 + (8 if nested else 0)
    maps = 64 + 1024 * nested + tensors[f"{NAME}.quant_state.bitsandbytes__nf4"].size
    assert sum(last - begin for _, begin, last in read.parts(NAME, 5, 8)) <= codes + scales + maps


def fetched(parts: Sequence[Part]) -> list[bytes]:
    return [path.read_bytes()[begin:end] for path, begin, end in parts]


def of_many_layers(folder: Path) -> Path:
    """As bitsandbytes saves a model whose layers' matrices have scales of their own."""
    tensors: Arrays = {"model.embed_tokens.weight": np.ones((10, 64), np.float16)}
    for layer in range(4):
        values = (np.random.default_rng(layer).normal(size=(96, 64)) * (1 + layer)).astype(np.float32)
        for name, array in packed(values, nested=True)[0].items():
            tensors[name.replace("layers.0", f"layers.{layer}")] = array
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    return folder


def test_states_of_like_matrices_are_read_once(tmp_path: Path) -> None:
    path = of_many_layers(tmp_path / "model") / "model.safetensors"
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = parse_header(path, file.read(length), path.stat().st_size)
    asked: list[Part] = []

    def fetch(parts: Sequence[Part]) -> list[bytes]:
        asked.extend(parts)
        return fetched(parts)

    read = unpacked(checkpoint_of({path: header}, {}), fetch)
    assert len(asked) == 1
    whole = read_safetensors([path])
    assert {name: tensor.shape for name, tensor in read.tensors.items()} == {
        name: tensor.shape for name, tensor in whole.tensors.items()
    }
    assert all(np.array_equal(read.values(name), whole.values(name)) for name in read.tensors)
    assert read.size_bytes == sum(end - begin for name in read.tensors for _, begin, end in all_parts(read, name))


def all_parts(checkpoint: Checkpoint, name: str) -> list[Part]:
    return checkpoint.parts(name, 0, checkpoint.tensors[name].shape[0])


def test_a_state_that_differs_from_its_like_is_named(tmp_path: Path) -> None:
    tensors, _ = packed(np.ones((32, 48), np.float32), nested=False)
    other = {name.replace("layers.0", "layers.1"): array for name, array in tensors.items()}
    state = "model.layers.1.mlp.up_proj.weight.quant_state.bitsandbytes__nf4"
    other[state] = np.frombuffer(other[state].tobytes().replace(b"[32, 48]", b"[48, 32]"), dtype=np.uint8)
    save_file(tensors | other, tmp_path / "model.safetensors")
    read = read_safetensors([tmp_path / "model.safetensors"])
    with pytest.raises(DamagedCheckpoint, match="another layout than its like"):
        list(placed(read))


@pytest.mark.parametrize(
    ("part", "value", "what"),
    [
        (".absmax", np.zeros(3, np.float32), "does not fit"),
        (".quant_map", np.zeros(15, np.float32), "does not fit"),
        ("", np.zeros((3, 1), np.uint8), "does not fit"),
        (".quant_state.bitsandbytes__nf4", np.frombuffer(b"[1]", dtype=np.uint8), "does not say"),
        (".quant_state.bitsandbytes__nf4", np.frombuffer(b"[" * 9_999, dtype=np.uint8), "does not say"),
        (
            ".quant_state.bitsandbytes__nf4",
            np.frombuffer(b'{"blocksize": 0, "shape": [32, 48]}', dtype=np.uint8),
            "says blocks of 0",
        ),
        (
            ".quant_state.bitsandbytes__nf4",
            np.frombuffer(b'{"blocksize": 64, "shape": [1099511627776, 9]}', dtype=np.uint8),
            "claims",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, part: str, value: npt.NDArray[Any], what: str) -> None:
    tensors, _ = packed(np.ones((32, 48), np.float32), nested=False)
    save_file(tensors | {NAME + part: value}, tmp_path / "model.safetensors")
    with pytest.raises(DamagedCheckpoint, match=what):
        read_safetensors([tmp_path / "model.safetensors"])


def fp8(path: Path, codes: npt.NDArray[np.uint8], name: str, scale: npt.NDArray[np.float32]) -> Path:
    """A file with one matrix of E4M3, which NumPy cannot write, and its scale."""
    header = {
        NAME: {"dtype": "F8_E4M3", "shape": list(codes.shape), "data_offsets": [0, codes.size]},
        name: {"dtype": "F32", "shape": list(scale.shape), "data_offsets": [codes.size, codes.size + scale.nbytes]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + codes.tobytes() + scale.tobytes())
    return path


@pytest.mark.parametrize(
    ("name", "shape"), [("_scale", (1,)), ("_scale", (300, 1)), ("_scale_inv", ()), ("_scale_inv", (3, 2))]
)
def test_fp8_times_its_scale(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 120, size=(300, 200), dtype=np.uint8)
    scale = rng.uniform(0.5, 2, size=shape).astype(np.float32)
    read = read_safetensors([fp8(tmp_path / "model.safetensors", codes, NAME + name, scale)])
    plain = decoded(codes.reshape(-1), "F8_E4M3", codes.shape)
    factors = scale.reshape(-1)
    expected = [
        [
            plain[row, column]
            * factors[0 if factors.size == 1 else row if factors.size == 300 else row // 128 * 2 + column // 128]
            for column in range(200)
        ]
        for row in range(300)
    ]
    (only,) = list(placed(read))
    assert only.dtype == "F8_E4M3"
    assert np.allclose(only.values, np.array(expected, dtype=np.float32))
    wanted = planned(read, 20_000, 20_000)
    (window,) = windows(read, wanted, fetched).values()
    begin = wanted[0].window.begin
    assert np.allclose(window, only.values[begin : begin + wanted[0].window.rows])


@pytest.mark.parametrize("flat", [True, False])
def test_int8_of_matrices_stored_as_in_by_out_has_a_scale_a_column(tmp_path: Path, flat: bool) -> None:
    """GPT-2's layout: the outputs are the columns, of square matrices too."""
    rng = np.random.default_rng(1)
    tensors: Arrays = {}
    codes, scales = dict[str, npt.NDArray[np.int8]](), dict[str, npt.NDArray[np.float32]]()
    for name, shape in (("h.0.attn.c_proj", (48, 48)), ("h.0.mlp.c_fc", (48, 192)), ("h.0.mlp.c_proj", (192, 48))):
        codes[name] = rng.integers(-127, 128, size=shape, dtype=np.int8)
        scales[name] = rng.uniform(0.5, 2, size=shape[1]).astype(np.float32)
        tensors[f"{name}.weight"] = codes[name]
        tensors[f"{name}.weight_scale"] = scales[name] if flat else scales[name][None]
    save_file(tensors, tmp_path / "model.safetensors")
    read = read_safetensors([tmp_path / "model.safetensors"])
    given = {each.role: each.values for each in placed(read)}
    assert len(given) == 3
    roles = {"h.0.attn.c_proj": "0.attention.out", "h.0.mlp.c_fc": "0.mlp.up", "h.0.mlp.c_proj": "0.mlp.down"}
    for name, role in roles.items():
        assert np.allclose(given[role], (codes[name] * scales[name]).T)
    found = windows(read, planned(read, 20_000, 20_000), fetched)
    assert found
    for role, values in found.items():
        begin = next(each.window.begin for each in planned(read, 20_000, 20_000) if each.place.role == role)
        assert np.allclose(values, given[role][begin : begin + len(values)])


@pytest.mark.parametrize("name", ["attention.qkv", "self_attn.qkv_proj", "attn.Wqkv"])
def test_fused_heads_are_split_by_what_takes_them_in(tmp_path: Path, name: str) -> None:
    """Two of four heads share keys and values, and no config says so."""
    rng = np.random.default_rng(2)
    query, key, value = (rng.normal(size=(rows, 96)).astype(np.float32) for rows in (96, 48, 48))
    save_file(
        {
            f"decoder.blocks.0.{name}.weight": np.concatenate([query, key, value]),
            "decoder.blocks.0.self_attn.o_proj.weight": rng.normal(size=(96, 96)).astype(np.float32),
        },
        tmp_path / "model.safetensors",
    )
    given = {each.role: each.values for each in placed(read_safetensors([tmp_path / "model.safetensors"]))}
    for part, values in (("query", query), ("key", key), ("value", value)):
        assert np.array_equal(given[f"0d.attention.{part}"], values)
