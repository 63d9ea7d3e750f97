"""Which checkpoints are alike: on a drawn family, through files, the shelf and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graph.catalogue import Catalogue
from graph.errors import Damaged
from graph.progress import Silent
from ingest.folders import ingest_folders, shelf_of
from ingest.similar import compare_all
from ingest.weights.compare import Comparison
from ingest.weights.folder import checkpoints
from ingest.weights.formats import as_bf16
from ingest.weights.linear_sketch import sketch_of
from ingest.weights.member import Member, member
from ingest.weights.shelf import WeightShelf
from ingest.weights.similarity import Compared, distance_of, similarity
from ingest.weights.sketch_table import SketchTable
from tests.cli.test_commands import stemma
from tests.ingest.weights.families import Weights, root, tuned, write

BASE = root(1)
TUNE = tuned(BASE, task=1, seed=11)
FAR = tuned(BASE, task=2, seed=12)


def turned() -> Weights:
    """The neurons and the heads' rows of TUNE in another order: no matrix of the layers lies as it did."""
    order = np.random.default_rng(8).permutation(160)
    rows = np.random.default_rng(9).permutation(64)
    out = dict(TUNE)
    for name, values in TUNE.items():
        if "gate_proj" in name or "up_proj" in name:
            out[name] = values[order]
        elif "down_proj" in name:
            out[name] = values[:, order]
        elif "q_proj" in name or "k_proj" in name or "v_proj" in name:
            out[name] = values[rows]
        elif "o_proj" in name:
            out[name] = values[:, rows]
    return out


def longer(weights: Weights) -> Weights:
    """With eight words more."""
    extra = as_bf16(np.random.default_rng(9).normal(0, 0.05, (8, 64)).astype(np.float32))
    words = ("model.embed_tokens.weight", "lm_head.weight")
    return {**weights, **{name: np.concatenate([weights[name], extra]) for name in words}}


def world(folder: Path) -> Path:
    """
    root -- tune -- longer (words), turned (order of neurons)       stranger, other: seeds of their own
       \\--- far                                                      borrowed: other's layers, root's embedding
    """
    borrowed = {**root(6), "model.embed_tokens.weight": BASE["model.embed_tokens.weight"]}
    models = {"root": BASE, "tune": TUNE, "far": FAR, "longer": longer(TUNE), "turned": turned(), "borrowed": borrowed}
    for name, weights in {**models, "stranger": root(2), "other": root(3)}.items():
        write(folder / name, weights)
    return folder


def read(path: Path, budget: int = 1_000_000) -> Member:
    item = next(checkpoints(path))
    return member(item.model, item.read(), budget=budget)


def pairs(rows: list[dict[str, object]]) -> set[tuple[object, object]]:
    return {(row["model"], row["other"]) for row in rows}


def test_a_family_is_alike_and_strangers_are_not(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [world(tmp_path / "models")])
    rows = catalogue.head().table("similar").to_pylist()
    family = ["root", "tune", "far", "longer", "turned", "borrowed"]
    expected = {(a, b) for a in family for b in family if a != b}
    assert pairs(rows) == expected
    by = {(row["model"], row["other"]): row for row in rows}
    tune = by["root", "tune"]
    assert tune["cosine"] == pytest.approx(by["tune", "root"]["cosine"])
    assert tune["components"][-1] in ("layers", "embedding", "head")
    assert len(tune["components"]) == 3
    exact = [float(np.linalg.norm(TUNE[name] - BASE[name])) for name in BASE]
    size = [float(np.linalg.norm(BASE[name])) for name in BASE]
    assert tune["relative_distance"] == pytest.approx(np.linalg.norm(exact) / np.linalg.norm(size), rel=1e-4)
    assert by["tune", "longer"]["relative_distance"] is None
    assert by["tune", "longer"]["shared_fraction"] == 1.0
    assert by["root", "borrowed"]["components"] == ["embedding"]
    assert by["root", "borrowed"]["component_cosines"] == [pytest.approx(1)]
    assert by["root", "borrowed"]["cosine"] < 0.2
    assert "layers" not in by["tune", "turned"]["components"]
    assert all(row["p_value"] < 1e-6 for row in rows)


def test_new_models_are_compared_with_all_and_old_ones_not_again(tmp_path: Path) -> None:
    models = world(tmp_path / "models")
    whole, parts = WeightShelf(tmp_path / "whole"), WeightShelf(tmp_path / "parts")
    names = sorted(path.name for path in models.iterdir())
    for name in names:
        whole.put(read(models / name), name)
    expected = Comparison(whole).table(Silent())
    for count in (3, 5, len(names)):
        for name in names[:count]:
            if not parts.has(name, name):
                parts.put(read(models / name), name)
        found = Comparison(parts).table(Silent())
    assert found.equals(expected)
    assert Comparison(parts).table(Silent()).equals(expected)
    parts.put(read(models / "stranger"), "again")  # compared once more
    shelf_file = parts.folder / next(file for file in parts.stamps() if parts.read(file).id == "tune")
    shelf_file.unlink()
    assert pairs(Comparison(parts).table(Silent()).to_pylist()) == {
        pair for pair in pairs(expected.to_pylist()) if "tune" not in pair
    }


def test_the_table_follows_the_shelf(tmp_path: Path) -> None:
    models = world(tmp_path / "models")
    shelf = WeightShelf(tmp_path / "shelf")
    for name in ("root", "tune"):
        shelf.put(read(models / name), "")
    table = SketchTable(shelf)
    made: list[int] = []
    assert set(table.refreshed(made.append).models) == {"root", "tune"}
    shelf.put(read(models / "far"), "")
    held = table.refreshed(made.append)
    assert made == [2, 1]
    row = list(held.models).index("far")
    again = sketch_of(read(models / "far"))
    assert again.layers is not None
    assert np.array_equal(held.layers[row], again.layers)
    assert np.array_equal(held.profile_of(row), again.profile)
    assert (held.tiers[row], held.read_bytes[row], held.width[row]) == (
        "T2",
        sum(v.nbytes // 2 for v in FAR.values()),
        64,
    )
    table.path.write_bytes(b"no arrow")
    with pytest.raises(Damaged, match="remove it"):
        table.refreshed()


def test_of_windows_the_distance_is_that_of_all_weights(tmp_path: Path) -> None:
    write(tmp_path / "root", BASE)
    write(tmp_path / "tune", TUNE)
    one, other = read(tmp_path / "root", 20_000), read(tmp_path / "tune", 20_000)
    assert one.windowed
    whole = distance_of(read(tmp_path / "root"), read(tmp_path / "tune"))
    assert whole is not None
    assert distance_of(one, other) == pytest.approx(whole, rel=0.05)
    found = similarity(Compared(one), Compared(other))
    assert found is not None
    assert found[0].method == "windows"


def test_compare_is_a_command(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue"
    models = world(tmp_path / "models")
    (models / "far").rename(tmp_path / "far")
    ingest_folders(Catalogue(catalogue), [models])
    before = Catalogue(catalogue).head().table("claims")
    shelf_of(Catalogue(catalogue)).put(read(tmp_path / "far"), "")
    told = stemma(catalogue, "weights", "compare", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["snapshot"] == Catalogue(catalogue).head_id()
    after = Catalogue(catalogue).head()
    assert after.table("claims").equals(before)  # nothing else was told anew
    assert ("root", "tune") in pairs(after.table("similar").to_pylist())
    assert not any("far" in pair for pair in pairs(after.table("similar").to_pylist()))  # not in the catalogue
    with pytest.raises(Exception, match="no checkpoint was read"):
        compare_all(Catalogue(tmp_path / "empty"))
