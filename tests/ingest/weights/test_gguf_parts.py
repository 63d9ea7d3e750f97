"""A GGUF model in parts is the model in one file; a part that is missing is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from ingest.weights.checkpoint import DamagedCheckpoint
from ingest.weights.folder import Found, checkpoints
from ingest.weights.gguf_parts import models_in, parts_of, stem_of
from ingest.weights.member import member
from ingest.weights.repository import Repository

TENSORS = 7
PARTS = ["m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"]


def write(path: Path, split: int = 0, change: Callable[[int], float] = lambda _: 1.0) -> Path:
    """A small model by the package's own writer, ``split`` tensors a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(str(path), "llama", split_max_tensors=split)
    writer.add_head_count(2)
    for at in range(TENSORS):
        values = np.random.default_rng(at).normal(size=(64, 64)).astype(np.float32) * change(at)
        form = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(f"blk.{at}.ffn_up.weight", gguf.quants.quantize(values, form), raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.parent


def test_parts_are_one_checkpoint(tmp_path: Path) -> None:
    whole, parts = write(tmp_path / "whole" / "m.gguf"), write(tmp_path / "parts" / "m.gguf", 3)
    assert sorted(path.name for path in parts.iterdir()) == PARTS
    (one,), (several,) = list(checkpoints(whole)), list(checkpoints(parts))
    assert (one.model, several.model) == ("whole", "parts")
    assert several.size_bytes == sum(path.stat().st_size for path in parts.iterdir())
    read = several.read()
    assert read.config["llama.attention.head_count"] == 2
    assert member("x", read).digests == member("x", one.read()).digests
    for name in PARTS:  # any of them names the model
        (by_part,) = checkpoints(parts / name)
        assert by_part.model == "m"
        assert by_part.size_bytes == several.size_bytes
        assert by_part.read().tensors == read.tensors


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "m.gguf", 3)
    (folder / PARTS[1]).unlink()
    (found,) = checkpoints(folder)
    with pytest.raises(DamagedCheckpoint, match=r"m-00002-of-00003\.gguf is missing, one of 3 parts"):
        found.read()


def test_parts_of_different_models_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a" / "m.gguf", 3)
    write(tmp_path / "b" / "m.gguf", 4)
    (tmp_path / "a" / PARTS[1]).write_bytes((tmp_path / "b" / "m-00002-of-00002.gguf").read_bytes())
    with pytest.raises(DamagedCheckpoint, match="says it is one of 2"):
        Found("x", tmp_path / "a").read()
    (tmp_path / "a" / PARTS[1]).write_bytes((tmp_path / "a" / PARTS[0]).read_bytes())
    with pytest.raises(DamagedCheckpoint, match="is in two parts"):
        Found("x", tmp_path / "a").read()


def test_several_models_in_one_folder(tmp_path: Path) -> None:
    write(tmp_path / "repo" / "m.gguf", 3)
    write(tmp_path / "repo" / "n.gguf")
    assert [found.model for found in checkpoints(tmp_path / "repo")] == ["repo/m", "repo/n"]


def test_folders_of_an_author(tmp_path: Path) -> None:
    write(tmp_path / "alone" / "m.gguf")
    write(tmp_path / "alone" / "n.gguf")
    write(tmp_path / "a" / "same" / "m.gguf")
    write(tmp_path / "b" / "same" / "m.gguf")
    write(tmp_path / "b" / "more" / "m.gguf")
    write(tmp_path / "b" / "more" / "n.gguf")
    write(tmp_path / "models" / "plain" / "m.gguf")
    write(tmp_path / "models" / "c" / "same" / "m.gguf")
    names = ["a/same", "alone/m", "alone/n", "b/more/m", "b/more/n", "b/same", "c/same", "plain"]
    assert [found.model for found in checkpoints(tmp_path)] == names
    assert [found.model for found in checkpoints(tmp_path / "a")] == ["same"]
    assert [found.model for found in checkpoints(tmp_path / "a" / "same")] == ["same"]


def test_parts_in_the_cache_of_the_hub(tmp_path: Path) -> None:
    revision = tmp_path / "models--org--name" / "snapshots" / ("0" * 40)
    write(revision / "Q8_0" / "m-Q8_0.gguf", 3)
    write(revision / "Q4_0" / "m-Q4_0.gguf", 3)
    found = {each.model: each for each in checkpoints(tmp_path / "models--org--name")}
    assert list(found) == ["org/name/m-Q4_0", "org/name/m-Q8_0"]
    assert Repository.parse("org/name/Q8_0/m-Q8_0-00001-of-00003.gguf").model == "org/name/m-Q8_0"
    assert len(found["org/name/m-Q8_0"].read().tensors) == TENSORS


def test_names_that_are_no_parts() -> None:
    assert stem_of("m-1-of-3.gguf") == "m-1-of-3"
    assert models_in(["a.gguf", *PARTS, "m-00001-of-00002.gguf"]) == ["a.gguf", "m-00001-of-00002.gguf", PARTS[0]]
    with pytest.raises(DamagedCheckpoint, match="part 4 of 3"):
        parts_of("m-00004-of-00003.gguf", lambda _: True, "m")
    with pytest.raises(DamagedCheckpoint, match="is missing, one of 99999 parts"):
        parts_of("m-00001-of-99999.gguf", lambda name: name.startswith("m-00001"), "m")
