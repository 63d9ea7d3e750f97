"""Sketches: what is written is read again exactly, and a stranger's file is refused before it takes memory."""

from __future__ import annotations

import json
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from graph.errors import BadInput, StemmaError
from graph.novelty import Tier
from ingest.identify import read_one, sketch_to
from ingest.weights.checkpoint import DamagedCheckpoint
from ingest.weights.exact import identity_unread
from ingest.weights.member import Member
from ingest.weights.sketch_file import VERSION, Known, parse_sketch, read_known, read_sketch, write_sketch
from tests.ingest.weights import families


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Member:
    return read_one(families.write(tmp_path_factory.mktemp("one") / "root", families.root(1))).member


def test_a_sketch_holds_what_was_read(model: Member, tmp_path: Path) -> None:
    write_sketch(tmp_path / "a.sketch", model, "mark", {"made": "here"})
    found = read_sketch(tmp_path / "a.sketch")
    assert found.mark == "mark"
    assert read_known(tmp_path / "a.sketch") == Known("mark", Tier.T2, model.read_bytes)
    assert found.member.digests == model.digests
    assert found.member.identity == model.identity
    assert found.member.said == {"made": "here"}
    assert found.member.tier is Tier.T2
    assert found.member.shapes == model.shapes
    assert all(np.array_equal(values, model.matrices[role]) for role, values in found.member.matrices.items())
    with safe_open(tmp_path / "a.sketch", "np") as file:  # a reader that nobody here wrote
        assert set(file.keys()) == {*model.matrices, "stemma.whole"}
    assert model.whole is not None
    assert found.member.whole is not None
    assert np.array_equal(found.member.whole, model.whole)
    assert found.member.read_bytes == model.read_bytes > 0


def test_of_windows_no_digest_is_told(model: Member, tmp_path: Path) -> None:
    part = replace(
        model,
        matrices={"head": model.matrices["head"][3:9]},
        digests=(),
        identity=identity_unread(model.tensors),
        windowed=True,
        described=model.tensors,
    )
    write_sketch(tmp_path / "a.sketch", part)
    found = read_sketch(tmp_path / "a.sketch").member
    assert (found.tier, found.dtype, found.layout) == (Tier.T1, "BF16", model.layout)
    assert not found.identity.value


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_values_are_kept_exactly(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    path = tmp_path_factory.mktemp("exact") / "a.sketch"
    matrix = np.array([values], dtype=np.float32)
    member = Member("x", "F32", {"head": matrix}, identity_unread(()), (), None, windowed=False)
    named = read_described(member, matrix.shape)
    write_sketch(path, named)
    assert np.array_equal(read_sketch(path).member.matrices["head"].view(np.uint32), matrix.view(np.uint32))


def read_described(member: Member, shape: tuple[int, ...]) -> Member:
    from ingest.weights.exact import Described

    return replace(member, described=(Described("head", shape, "F32"),))


def test_a_private_sketch_tells_no_name(tmp_path: Path) -> None:
    folder = families.write(tmp_path / "secret-project", families.root(2))
    sketch_to(folder, tmp_path / "out.sketch")
    assert b"secret" not in (tmp_path / "out.sketch").read_bytes()


def _with_about(data: bytes, **changed: object) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["stemma.sketch"] = json.dumps(
        {**json.loads(header["__metadata__"]["stemma.sketch"]), **changed}
    )
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"version": VERSION + 1}, "sketch the model again"),
        ({"tensors": []}, "not a window of a matrix"),
        ({"tensors": [["head", [4, 64], "BF16"]]}, "no window|not a window"),
        ({"tensors": [["head", [-4, 64], "BF16"]]}, "no size"),
        ({"digests": [["a", "b", "c", True]]}, "digests of 1"),
        ({"surprise": 1}, "cannot be read"),
        ({"windowed": "yes"}, "cannot be read"),
    ],
)
def test_a_sketch_that_lies_is_refused(model: Member, tmp_path: Path, changed: dict[str, object], what: str) -> None:
    write_sketch(tmp_path / "a.sketch", model)
    data = (tmp_path / "a.sketch").read_bytes()
    with pytest.raises((DamagedCheckpoint, BadInput), match=what):
        parse_sketch(Path("a"), _with_about(data, **changed))


def test_numbers_that_are_none_are_refused(model: Member, tmp_path: Path) -> None:
    values = model.matrices["head"].copy()
    values[0, 0] = np.nan
    write_sketch(tmp_path / "a.sketch", replace(model, matrices={"head": values}))
    with pytest.raises(DamagedCheckpoint, match="no number"):
        read_sketch(tmp_path / "a.sketch")


def test_a_long_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb.sketch"
    with path.open("wb") as file:
        file.write((50 * 2**20).to_bytes(8, "little") + b'{"__metadata__":{"stemma.sketch":"')
        file.truncate(60 * 2**20)
    data = path.read_bytes()
    tracemalloc.start()
    with pytest.raises(DamagedCheckpoint, match="a sketch's at most"):
        parse_sketch(path, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_changed_bytes_never_crash(model: Member, tmp_path: Path) -> None:
    write_sketch(
        tmp_path / "a.sketch", replace(model, matrices={"head": model.matrices["head"][:2]}, windowed=True, whole=None)
    )
    good = (tmp_path / "a.sketch").read_bytes()
    random_ = random.Random(4)
    refused = 0
    for _ in range(2_000):
        changed = bytearray(good)
        for _ in range(random_.randint(1, 4)):
            changed[random_.randrange(len(changed))] = random_.randrange(256)
        try:
            parse_sketch(
                Path("x"), bytes(changed[: random_.randrange(len(changed) + 1)] if random_.random() < 0.1 else changed)
            )
        except StemmaError:
            refused += 1
    assert refused > 1_000
