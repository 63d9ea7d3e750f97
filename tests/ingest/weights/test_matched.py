"""The source of a model in a format that is not written here: told from siblings by the noise of the format."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from bench.k_quants import FORMATS, Bytes, Floats, family, read, write
from graph.records import Relation
from ingest.weights.matched import likelihoods, likelihoods_slowly, probabilities
from ingest.weights.origin import Origins

NOISE = {
    "Q6_K": (0.015, 0.03), "Q5_K": (0.03, 0.05), "Q4_K": (0.06, 0.1), "Q3_K": (0.14, 0.2), "Q2_K": (0.2, 0.45),
    "IQ4_XS": (0.06, 0.1), "IQ4_NL": (0.06, 0.1), "Q5_1": (0.03, 0.05), "Q5_0": (0.03, 0.06), "Q4_1": (0.06, 0.1),
}  # fmt: skip
WRITTEN = ("Q5_1", "Q5_0", "Q4_1")  # by the package, so that what is on the grid is known to the bit


@pytest.mark.parametrize("kind", FORMATS)
def test_the_package_reads_what_the_bench_writes(kind: str) -> None:
    values = (np.random.default_rng(0).standard_t(6, size=(16, 512)) * 0.04).astype(np.float32)
    form = gguf.GGMLQuantizationType[kind]
    back = gguf.quants.dequantize(FORMATS[kind](values), form).reshape(values.shape)
    least, most = NOISE[kind]
    assert least < np.linalg.norm(back - values) / np.linalg.norm(values) < most


@pytest.mark.parametrize("kind", FORMATS)
def test_what_was_given_back_is_written_again(kind: str) -> None:
    """No value moves by more than the scales' own rounding when it is put on the grid that it came from."""
    values = (np.random.default_rng(1).standard_t(6, size=(16, 512)) * 0.04).astype(np.float32)
    values[0], values[1, :256] = 0, 0
    form = gguf.GGMLQuantizationType[kind]
    once = gguf.quants.dequantize(FORMATS[kind](values), form)
    twice = gguf.quants.dequantize(FORMATS[kind](once), form)
    assert not twice.reshape(values.shape)[0].any()
    assert np.linalg.norm(twice - once) < 0.2 * np.linalg.norm(once.reshape(values.shape) - values)


def test_the_source_among_siblings(tmp_path: Path) -> None:
    weights = family(5, 0.01)
    elders = [read(write(tmp_path / f"s{at}.gguf", one, "F32"), f"s{at}") for at, one in enumerate(weights)]
    known = Origins()
    for elder in elders:
        known.add(elder)
    for kind in sorted(FORMATS.keys() - set(WRITTEN)):
        model = read(write(tmp_path / f"{kind}.gguf", weights[3], kind), kind)
        pairs = [(model, elder) for elder in elders]
        logs = likelihoods(pairs)
        assert np.allclose(logs, likelihoods_slowly(pairs), rtol=1e-6, atol=1e-6)
        assert int(logs.argmax()) == 3
        assert probabilities(logs)[3] > 0.99
        (parent,) = known.add(model).parents
        assert (parent.base_model, parent.relation, parent.probability) == ("s3", Relation.QUANTIZED, 0.99)
        assert "log-odds" in parent.detail


def test_the_source_of_a_format_that_is_written_here(tmp_path: Path) -> None:
    weights = family(5, 0.01)
    known = Origins()
    for at, one in enumerate(weights):
        known.add(read(write(tmp_path / f"s{at}.gguf", one, "F32"), f"s{at}"))
    for kind in WRITTEN:
        (parent,) = known.add(read(write(tmp_path / f"{kind}.gguf", weights[3], kind), kind)).parents
        assert (parent.base_model, parent.relation, parent.probability) == ("s3", Relation.QUANTIZED, 0.99)
        assert parent.detail == f"on the {kind} grid of it: 1.000 of the weights"


def test_a_writer_that_chose_other_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that weighs errors does: the blocks are Q5_0, and what the package would write differs everywhere."""
    weights = family(5, 0.01)
    known = Origins()
    for at, one in enumerate(weights):
        known.add(read(write(tmp_path / f"s{at}.gguf", one, "F32"), f"s{at}"))
    monkeypatch.setitem(FORMATS, "Q5_0", q5_0_narrower)
    (parent,) = known.add(read(write(tmp_path / "q.gguf", weights[3], "Q5_0"), "q")).parents
    assert (parent.base_model, parent.relation, parent.probability) == ("s3", Relation.QUANTIZED, 0.99)
    assert parent.detail.startswith("nearest in Q5_0")


def q5_0_narrower(values: Floats) -> Bytes:
    """Blocks of 32 with a step 5 % smaller than the extreme asks for. Shape: (blocks, 22)."""
    parts = values.reshape(-1, 32)
    extreme = np.take_along_axis(parts, np.abs(parts).argmax(axis=1, keepdims=True), axis=1)
    d = (0.95 * extreme / -16).astype(np.float16)
    c = np.clip(np.round(parts / d.astype(np.float32)) + 16, 0, 31).astype(np.uint8)
    high = np.packbits(c >> 4, axis=1, bitorder="little")
    return np.concatenate([d.view(np.uint8), high, c[:, :16] & 15 | (c[:, 16:] & 15) << 4], axis=1)


def test_twins_stay_in_question(tmp_path: Path) -> None:
    weights = family(6, 0.0002)  # less than bfloat16 holds
    elders = [read(write(tmp_path / f"s{at}.gguf", one, "F32"), f"s{at}") for at, one in enumerate(weights)]
    known = Origins()
    for elder in elders:
        known.add(elder)
    said = known.add(read(write(tmp_path / "q.gguf", weights[3], "Q2_K"), "q"))
    assert said.parents[0].relation is Relation.QUANTIZED
    assert said.parents[0].probability < 0.97
    assert abs(sum(share for _, share in said.candidates) - 1) < 0.2
