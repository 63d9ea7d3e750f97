"""The source of a model in a format that is not written here: told from siblings by the noise of the format."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from bench.k_quants import FORMATS, family, read, write
from graph.records import Relation
from ingest.weights.matched import likelihoods, likelihoods_slowly, probabilities
from ingest.weights.origin import Origins

NOISE = {"Q6_K": (0.015, 0.03), "Q5_K": (0.03, 0.05), "Q4_K": (0.06, 0.1), "Q2_K": (0.2, 0.45)}


@pytest.mark.parametrize("kind", FORMATS)
def test_the_package_reads_what_the_bench_writes(kind: str) -> None:
    values = (np.random.default_rng(0).standard_t(6, size=(16, 512)) * 0.04).astype(np.float32)
    form = gguf.GGMLQuantizationType[kind]
    back = gguf.quants.dequantize(FORMATS[kind](values), form).reshape(values.shape)
    least, most = NOISE[kind]
    assert least < np.linalg.norm(back - values) / np.linalg.norm(values) < most


def test_the_source_among_siblings(tmp_path: Path) -> None:
    weights = family(5, 0.01)
    elders = [read(write(tmp_path / f"s{at}.gguf", one, "F32"), f"s{at}") for at, one in enumerate(weights)]
    known = Origins()
    for elder in elders:
        known.add(elder)
    for kind in ("Q6_K", "Q4_K"):
        model = read(write(tmp_path / f"{kind}.gguf", weights[3], kind), kind)
        pairs = [(model, elder) for elder in elders]
        logs = likelihoods(pairs)
        assert np.allclose(logs, likelihoods_slowly(pairs), rtol=1e-6, atol=1e-6)
        assert int(logs.argmax()) == 3
        assert probabilities(logs)[3] > 0.99
        (parent,) = known.add(model).parents
        assert (parent.base_model, parent.relation, parent.probability) == ("s3", Relation.QUANTIZED, 0.99)
        assert "log-odds" in parent.detail


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
