"""Candidates among many: whoever is related is found, in a crowd of strangers and in a large family."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from graph.catalogue import Catalogue
from graph.records import Relation
from ingest.folders import ingest_folders
from ingest.identify import origin_of
from ingest.weights.folder import checkpoints
from ingest.weights.linear_sketch import sketch_of
from ingest.weights.member import Member, member
from ingest.weights.near import MOST_NEAR, near_of
from ingest.weights.origin import Origin, origins
from ingest.weights.shelf import WeightShelf
from ingest.weights.sketch_table import SketchTable
from tests.ingest.weights.families import Weights, root, tuned, write
from tests.ingest.weights.test_compare import turned

FAMILIES, STRANGERS = 4, 52
START = datetime(2025, 1, 1, tzinfo=UTC)


def crowd() -> dict[str, Weights]:
    """In upload order 52 strangers, and for each of 4 roots: root -- tune -- grown; root -- other."""
    found = {f"stranger-{seed}": root(200 + seed) for seed in range(STRANGERS)}
    for seed in range(FAMILIES):
        base = root(100 + seed)
        tune = tuned(base, task=1, seed=seed)
        found |= {f"{seed}-root": base, f"{seed}-tune": tune, f"{seed}-other": tuned(base, task=2, seed=40 + seed)}
        found[f"{seed}-grown"] = tuned(tune, task=3, seed=80 + seed)
    return found


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Member]:
    folder = tmp_path_factory.mktemp("crowd")
    found = []
    for at, (name, weights) in enumerate(crowd().items()):
        item = next(checkpoints(write(folder / name, weights)))
        found.append(member(name, item.read(), START + timedelta(days=at)))
    return found


def shelf_with(folder: Path, members: list[Member]) -> WeightShelf:
    shelf = WeightShelf(folder)
    for each in members:
        shelf.put(each, "")
    return shelf


def test_screened_origins_are_the_origins(members: list[Member], tmp_path: Path) -> None:
    assert len(members) > MOST_NEAR
    shelf = shelf_with(tmp_path, members)
    near = near_of(SketchTable(shelf).refreshed(), [model.id for model in members])
    asked: list[str] = []

    def elders(model: str) -> list[str]:
        found = near.elders(model)
        asked.extend(found)
        return found

    screened = list(origins(members, elders))
    assert screened == list(origins(members))
    assert len(asked) < len(members)  # only families were compared
    by = {origin.model: [parent.base_model for parent in origin.parents] for origin in screened}
    assert all(by[f"{seed}-grown"] == [f"{seed}-tune"] for seed in range(FAMILIES))


def test_an_unknown_model_is_named_among_many(members: list[Member], tmp_path: Path) -> None:
    models = tmp_path / "models"
    for name, weights in crowd().items():
        write(models / name, weights)
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [models])
    base = crowd()["2-tune"]
    copy = next(checkpoints(write(tmp_path / "copy", base)))
    order = {name: values.astype(np.float32) for name, values in base.items()}
    cast = next(checkpoints(write(tmp_path / "cast", order, dtype="f32")))

    def told(origin: Origin) -> list[tuple[str, Relation]]:
        return [(parent.base_model, parent.relation) for parent in origin.parents]

    assert told(origin_of(catalogue, member("?", copy.read()))) == [("2-tune", Relation.IDENTICAL)]
    assert told(origin_of(catalogue, member("?", cast.read()))) == [("2-tune", Relation.RECAST)]
    stranger = next(checkpoints(write(tmp_path / "stranger", root(1))))
    assert not told(origin_of(catalogue, member("?", stranger.read())))


def test_of_many_copies_the_oldest_is_among_the_near(tmp_path: Path) -> None:
    """A family larger than what is looked at: 150 copies of one model, and 150 fine-tunes."""
    base = root(1)
    item = next(checkpoints(write(tmp_path / "base", base)))
    first = member("first", item.read())
    rng = np.random.default_rng(3)
    tunes = []
    for number in range(150):
        changed = {role: (v + rng.normal(0, 1e-3, v.shape)).astype(np.float32) for role, v in first.matrices.items()}
        other = tuple(replace(digest, bf16=f"{number:032x}") for digest in first.digests)
        tunes.append(replace(first, id=f"tune-{number}", matrices=changed, digests=other))
    copies = [replace(first, id=f"copy-{number}") for number in range(150)]
    everyone = [*tunes, first, *copies]
    shelf = shelf_with(tmp_path / "shelf", everyone)
    near = near_of(SketchTable(shelf).refreshed(), [model.id for model in everyone]).of(sketch_of(first))
    assert "first" in near
    assert MOST_NEAR <= len(near) <= 5 * MOST_NEAR


def test_another_order_of_neurons_is_near(tmp_path: Path) -> None:
    item = next(checkpoints(write(tmp_path / "turned", turned())))
    unknown = sketch_of(member("turned", item.read()))
    elders = [
        next(checkpoints(write(tmp_path / name, weights)))
        for name, weights in {"tune": tuned(root(1), task=1, seed=11), "stranger": root(2)}.items()
    ]
    shelf = shelf_with(tmp_path / "shelf", [member(elder.model, elder.read()) for elder in elders])
    only_layers = replace(unknown, outside=None)
    assert near_of(SketchTable(shelf).refreshed(), ["tune", "stranger"]).of(only_layers) == ["tune"]
