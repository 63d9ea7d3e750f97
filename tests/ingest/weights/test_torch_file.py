"""PyTorch's files: what is no plain zip of weights is refused before torch sees it; with torch, what is read is what was saved."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.errors import BadInput, StemmaError
from ingest.weights.checkpoint import DamagedCheckpoint
from ingest.weights.folder import Found, checkpoints
from ingest.weights.torch_file import check_zip, read_torch

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


def a_zip(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in {"data.pkl": b"x", **entries}.items():
            file.writestr(f"model/{name}", content)
    return path


def test_a_plain_zip_passes(tmp_path: Path) -> None:
    check_zip(a_zip(tmp_path / "a.bin", **{"data/0": b"1234"}))


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "opened"),)

    (tmp_path / "old.bin").write_bytes(pickle.dumps(Bomb()))
    a_zip(tmp_path / "new.bin", **{"data.pkl": pickle.dumps(Bomb())})
    with pytest.raises(BadInput, match="pickles are not read"):
        read_torch([tmp_path / "old.bin"])
    with pytest.raises(StemmaError):
        read_torch([tmp_path / "new.bin"])
    assert not (tmp_path / "opened").exists()


def test_zips_that_lie_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.bin", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model/data.pkl", b"x")
        file.writestr("model/data/0", bytes(10**6))
    with pytest.raises(DamagedCheckpoint, match="compressed"):
        check_zip(tmp_path / "bomb.bin")
    with zipfile.ZipFile(tmp_path / "none.bin", "w") as file:
        file.writestr("model/other", b"x")
    with pytest.raises(DamagedCheckpoint, match="0 lists of tensors"):
        check_zip(tmp_path / "none.bin")
    with pytest.raises(BadInput, match="TorchScript"):
        check_zip(a_zip(tmp_path / "script.pt", **{"constants.pkl": b"x"}))


def test_entries_that_overlap_are_refused(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "a.bin", **{"data/0": bytes(500), "data/1": bytes(500)})
    data = bytearray(path.read_bytes())
    last = data.rindex(b"PK\x01\x02")
    first = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[last + 42 : last + 46] = data[first + 42 : first + 46]  # the second entry lies where the first does
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedCheckpoint, match="overlaps"):
        check_zip(path)


@needs_torch
def test_what_is_read_is_what_was_saved(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    rng = torch.Generator().manual_seed(0)
    whole = {
        "a.weight": torch.randn(4, 6, generator=rng),
        "b.weight": torch.randn(3, 5, generator=rng).to(torch.bfloat16),
        "c.weight": torch.randn(6, 4, generator=rng).t(),
        "d": torch.arange(3),
    }
    torch.save(whole, tmp_path / "model.pt")
    read = Found("x", tmp_path / "model.pt").read()
    assert {name: tensor.dtype for name, tensor in read.tensors.items()} == {
        "a.weight": "F32",
        "b.weight": "BF16",
        "c.weight": "F32",
        "d": "I64",
    }
    for name, values in whole.items():
        assert np.array_equal(read.values(name), values.float().numpy())
    folder = tmp_path / "sharded"
    folder.mkdir()
    torch.save({"a": whole["a.weight"]}, folder / "pytorch_model-00001-of-00002.bin")
    torch.save({"state_dict": {"b": whole["b.weight"]}}, folder / "pytorch_model-00002-of-00002.bin")
    names = {name: f"pytorch_model-0000{at}-of-00002.bin" for at, name in enumerate("ab", 1)}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": names}))
    (found,) = checkpoints(folder)
    assert sorted(found.read().tensors) == ["a", "b"]


@needs_torch
def test_a_tensor_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.zeros(1).expand(2**30)}, tmp_path / "wide.pt")
    with pytest.raises(DamagedCheckpoint, match="more than there are"):
        read_torch([tmp_path / "wide.pt"])
    one = torch.zeros(1000)
    torch.save({str(at): one for at in range(100)}, tmp_path / "many.pt")
    with pytest.raises(DamagedCheckpoint, match="many times"):
        read_torch([tmp_path / "many.pt"])


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_the_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"modelstemma\[torch\]"):
        read_torch([a_zip(tmp_path / "a.bin", **{"data/0": b"1234"})])
