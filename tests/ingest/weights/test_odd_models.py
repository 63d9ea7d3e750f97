"""Models that nobody would train, but that a stranger may send: none of them keeps a catalogue from being made, now or later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.records import Relation
from ingest.folders import ingest_folders, shelf_of
from ingest.identify import UNNAMED, identify, identify_sketch, read_one
from ingest.weights.sketch_file import write_sketch
from tests.ingest.weights.families import root, tuned

BASE = {name: values for name, values in root(1).items() if ".self_attn." in name}
UP = "model.layers.0.mlp.up_proj.weight"
Drawn = dict[str, npt.NDArray[np.floating]]
Odd = Callable[[int, np.random.Generator], Drawn]


def gate(at: int, rng: np.random.Generator) -> Drawn:
    """Neurons in another order each time, and a narrow matrix that takes fewer of them."""
    rows = np.random.default_rng(0).normal(0, 0.02, (96, 32)).astype(np.float32)
    order = rng.permutation(96) if at else np.arange(96)
    narrow = rng.normal(0, 0.02, (32, 40)).astype(np.float32)
    lead = "model.layers.0.mlp"
    return {
        f"{lead}.gate_proj.weight": rows[order],
        f"{lead}.up_proj.weight": rows[order],
        f"{lead}.down_proj.weight": narrow,
    }


ODD: dict[str, Odd] = {
    "a matrix called weight": lambda _, rng: {"weight": rng.normal(size=(32, 32)), "bias": rng.normal(size=32)},
    "no columns": lambda *_: {UP: np.zeros((5, 0))},
    "no rows": lambda *_: {UP: np.zeros((0, 5))},
    "one value": lambda at, _: {UP: np.full((1, 1), at)},
    "nothing but zeros": lambda *_: {UP: np.zeros((64, 64))},
    "one huge": lambda at, rng: {UP: rng.normal(size=(64, 64)) * (1e22 if at == 3 else 1)},
    "all as large as can be": lambda *_: {UP: np.full((300, 300), 3e38)},
    "no numbers": lambda at, _: {UP: np.full((64, 64), np.nan if at % 2 else np.inf)},
    "a block that does not fit": gate,
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_matrix_in_a_family_is_no_hindrance(tmp_path: Path, odd: str) -> None:
    rng = np.random.default_rng(0)
    for at in range(5):
        weights = tuned(BASE, task=at, seed=at) if at else BASE
        _save(tmp_path / "models" / f"m{at}", {**weights, **ODD[odd](at, rng)})
    catalogue = Catalogue(tmp_path / "catalogue")
    for _ in range(2):  # what was read stays on the shelf
        report = ingest_folders(catalogue, [tmp_path / "models"])
        assert (report.models, report.bad_rows) == (5, 0)
    _, origin = identify(catalogue, tmp_path / "models" / "m3")
    assert [(parent.model, parent.relation) for parent in origin.parents] == [(UNNAMED, Relation.IDENTICAL)]


def test_an_adapter_is_no_model_to_compare(tmp_path: Path) -> None:
    _save(tmp_path / "lora", {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": np.ones((4, 64))})
    (tmp_path / "lora" / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    with pytest.raises(BadInput, match="is an adapter, made for 'org/base'"):
        read_one(tmp_path / "lora")


def test_a_strangers_sketch_may_hold_huge_numbers_and_no_names(tmp_path: Path) -> None:
    for at in range(4):
        _save(
            tmp_path / "models" / f"m{at}", {**(tuned(BASE, task=at, seed=at) if at else BASE), "": np.ones((64, 64))}
        )
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [tmp_path / "models"])
    read = shelf_of(catalogue).member("m2", {})
    huge = {
        role: values * np.float32(1e30 if role == "0.attention.query" else 1.01)
        for role, values in read.matrices.items()
    }
    write_sketch(tmp_path / "a.sketch", replace(read, matrices=huge, digests=(), described=read.tensors))
    found, origin = identify_sketch(catalogue, (tmp_path / "a.sketch").read_bytes())
    assert found.matrices.keys() == read.matrices.keys() - {"0.attention.query"}
    assert origin.model == found.id == UNNAMED


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_matrix_alone_is_no_hindrance(tmp_path: Path, odd: str) -> None:
    for at in range(3):
        _save(tmp_path / "models" / f"m{at}", ODD[odd](at, np.random.default_rng(at)))
    assert ingest_folders(Catalogue(tmp_path / "catalogue"), [tmp_path / "models"]).bad_rows == 0


def _save(folder: Path, weights: Drawn) -> None:
    folder.mkdir(parents=True)
    save_file({name: np.asarray(values, np.float32) for name, values in weights.items()}, folder / "model.safetensors")
