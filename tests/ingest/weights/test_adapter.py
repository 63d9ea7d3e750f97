"""Adapters held against the base that they name: the shapes of their matrices fit it, or the claim is denied."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import numpy as np
import pytest
from safetensors.numpy import save_file

from graph.catalogue import Catalogue
from graph.records import ClaimRecord, Contradicts, Evidence, Relation
from graph.store import Doubt, ModelFilter
from graph.stores.embedded import open_snapshot
from ingest.folders import ingest_folders
from ingest.weights.adapter import Bases, fit, modules_of
from ingest.weights.checkpoint import Tensor
from ingest.weights.exact import Described
from tests.ingest.weights import families

Q, DOWN = "0.attention.query", "0.mlp.down"
BASE = [Described(Q, (64, 64), "F32"), Described("0.attention.key", (32, 64), "F32"), Described(DOWN, (64, 160), "F32")]
BASE += [Described("0.attention.value", (32, 64), "F32")]


def tensor(name: str, *shape: int) -> Tensor:
    return Tensor(name, "F32", shape, Path("x"), 0, 0)


def lora(module: str, out: int, wide: int, rank: int = 8) -> list[Tensor]:
    stem = f"base_model.model.model.layers.0.{module}"
    return [tensor(f"{stem}.lora_A.weight", rank, wide), tensor(f"{stem}.lora_B.default.weight", out, rank)]


def test_modules_are_those_of_both_sides() -> None:
    tensors = [*lora("self_attn.q_proj", 64, 64), *lora("mlp.down_proj", 64, 160), *lora("mlp.up_proj", 1, 1)[:1]]
    assert modules_of([*tensors, tensor("base_model.model.score.weight", 2, 64)]) == {Q: (64, 64), DOWN: (64, 160)}


@pytest.mark.parametrize(
    ("modules", "same", "fits"),
    [
        ({Q: (64, 64), DOWN: (64, 160)}, 2, True),
        ({"0.attention.qkv": (128, 64)}, 1, True),  # fused there, apart here
        ({Q: (64, 64), "0.experts.3": (9, 9)}, 1, True),
        ({Q: (64, 64), DOWN: (64, 128)}, 1, False),
        ({"0.attention.qkv": (192, 64)}, 0, False),
        ({"7.experts.3": (9, 9)}, 0, False),
    ],
)
def test_what_fits(modules: dict[str, tuple[int, int]], same: int, fits: bool) -> None:
    found = fit(modules, {tensor.role: tensor.shape for tensor in BASE})
    assert (found.same, found.fits) == (same, fits)


def test_the_claim_says_how_much_fitting_tells() -> None:
    claim = ClaimRecord("m/a", "a/base", Relation.ADAPTER, Evidence.CONFIG, "adapter_config.json")
    small = [Described(Q, (48, 48), "F32")]
    known = {"a/base": BASE, "b/twin": BASE, "c/small": small, "d/small": small}
    said = Bases(known).checked(claim, {Q: (64, 64)})
    assert said.confidence is None
    assert said.detail == "1 of 1 modules fit it: log-odds +0.9 (1 of 3 others fit)"
    denied = Bases(known).checked(claim, {Q: (48, 48)})
    assert denied.confidence == 0.02
    assert denied.detail == f"the adapter does not fit it: {Q} is 64 x 64 there and 48 x 48 here"
    flat = Bases({"a/base": [Described(Q, (64,), "F32")]}).checked(claim, {Q: (64, 64)})
    assert flat.detail == f"the adapter does not fit it: {Q} is 64 there and 64 x 64 here"
    assert Bases(known).checked(claim, {}) == claim
    assert Bases({"c/small": small}).checked(claim, {Q: (48, 48)}) == claim


def test_a_folder_of_adapters(tmp_path: Path) -> None:
    """root <- fits, and wrong, which names root too but was made for a wider model"""
    models = tmp_path / "models"
    families.write(models / "root", families.root(1))
    for name, wide in (("fits", families.HIDDEN), ("wrong", 2 * families.HIDDEN)):
        folder = models / name
        folder.mkdir()
        (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "root", "r": 4}))
        stem = "base_model.model.model.layers.1.self_attn.q_proj"
        sides = {f"{stem}.lora_A.weight": np.ones((4, wide)), f"{stem}.lora_B.weight": np.ones((wide, 4))}
        save_file(
            {side: values.astype(np.float32) for side, values in sides.items()}, folder / "adapter_model.safetensors"
        )
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [models])

    async def asked() -> tuple[list[str], list[str | None]]:
        store = await open_snapshot(catalogue.head())
        page = await store.contradicted(ModelFilter(), Doubt((Contradicts.SHAPES,), 0.9))
        (fits,) = await store.claims(["fits"])
        await store.close()
        return [model.id for model in page.models], [claim.detail for claim in fits]

    models_, details = anyio.run(asked)
    assert models_ == ["wrong"]
    assert any(detail and detail.startswith("1 of 1 modules fit it: log-odds") for detail in details)
