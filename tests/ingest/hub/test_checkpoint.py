"""Checkpoints on a Hub, read in part: the windows that are on disk, within the bytes allowed; answers say what they rest on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from api.cli.main import stemma
from graph.catalogue import Catalogue
from graph.errors import BadInput, LimitExceeded, NotFound, StemmaError, Unreachable
from graph.novelty import Tier
from graph.records import Evidence, Relation
from ingest.folders import ingest_folders, shelf_of
from ingest.hub.checkpoint import RemoteCheckpoint
from ingest.hub.session import HubSession
from ingest.identify import identify, read_one
from ingest.weights.checkpoint import DamagedCheckpoint
from ingest.weights.folder import Found, checkpoints
from ingest.weights.member import member
from ingest.weights.repository import HubReading, Reading, Repository
from tests.ingest.weights import families
from tests.ingest.weights.test_gguf_parts import write
from tests.ingest.weights.test_packed import of_many_layers
from tests.loopback_hub.server import COMMIT, Hub
from tests.loopback_hub.storage import Storage


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr("ingest.hub.session.get_token", lambda: None)
    storage = Storage().start()
    server = Hub(storage=storage, quota=100_000).start()
    yield server
    server.stop()
    storage.stop()


def upload(hub: Hub, name: str, folder: Path) -> Path:
    hub.files[name] = {path.name: path.read_bytes() for path in folder.iterdir()}
    return folder


def settings(hub: Hub, window_bytes: int = 30_000) -> HubReading:
    return HubReading(hub.address, window_bytes, timeout_seconds=1.0, pause_seconds=0.01)


def read(hub: Hub, name: str, window_bytes: int, budget: int = 40_000) -> Reading:
    session = HubSession(hub.address, timeout_seconds=1.0, pause_seconds=0.01)
    with session.open():
        return RemoteCheckpoint(session, Repository.parse(name)).read(window_bytes, budget)


def test_windows_are_those_from_disk_and_within_the_budget(hub: Hub, tmp_path: Path) -> None:
    folder = upload(hub, "org/root", families.write(tmp_path / "root", families.root(1)))
    found = read(hub, "org/root", 30_000)
    whole = member("org/root", Found("org/root", folder).read(), budget=40_000)
    assert found.member.tier is Tier.T1
    assert found.member.matrices
    for role, values in found.member.matrices.items():
        assert np.array_equal(values, whole.matrices[role][: len(values)])
    assert hub.storage is not None
    assert found.weight_bytes is not None
    assert found.header_bytes is not None
    assert found.weight_bytes <= 30_000
    assert hub.storage.sent <= found.weight_bytes + found.header_bytes
    assert found.commit == COMMIT


def test_all_bytes_are_read_where_they_are_few(hub: Hub, tmp_path: Path) -> None:
    folder = upload(hub, "org/root", families.write(tmp_path / "root", families.root(1)))
    found = read(hub, "org/root", 10**9)
    whole = member("org/root", Found("org/root", folder).read(), budget=40_000)
    assert found.member.tier is Tier.T2
    assert found.member.digests == whole.digests
    assert found.weight_bytes == found.all_bytes


def test_four_bits_are_read_in_part(hub: Hub, tmp_path: Path) -> None:
    folder = upload(hub, "org/nf4", of_many_layers(tmp_path / "nf4"))
    whole = member("org/nf4", Found("org/nf4", folder).read(), budget=10_000)
    assert whole.windowed
    found = read(hub, "org/nf4", 11_000, budget=10_000)
    assert (found.member.tier, found.member.dtype) == (Tier.T1, "NF4")
    assert [role for role in found.member.matrices if role != "embedding"]
    assert all(np.array_equal(values, whole.matrices[role]) for role, values in found.member.matrices.items())
    assert found.weight_bytes is not None
    assert found.weight_bytes <= 11_000
    assert found.member.layout == whole.layout
    all_of_it = read(hub, "org/nf4", 10**9, budget=10_000)
    assert (all_of_it.member.tier, all_of_it.member.digests) == (Tier.T2, whole.digests)
    assert all_of_it.all_bytes == Found("org/nf4", folder).read().size_bytes


def test_shards_by_their_index(hub: Hub, tmp_path: Path) -> None:
    weights = families.root(2)
    names = sorted(weights)
    for at, part in enumerate((names[:7], names[7:]), 1):
        save_file({name: weights[name] for name in part}, tmp_path / f"model-0000{at}-of-00002.safetensors")
    where = {name: f"model-0000{1 + (at >= 7)}-of-00002.safetensors" for at, name in enumerate(names)}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    save_file({"other": np.zeros(3, np.float32)}, tmp_path / "zz.safetensors")  # not named by the index
    upload(hub, "org/sharded", tmp_path)
    found = read(hub, "org/sharded", 10**9)
    assert found.member.digests == member("x", Found("x", tmp_path).read()).digests
    del hub.files["org/sharded"]["model-00002-of-00002.safetensors"]
    with pytest.raises(DamagedCheckpoint, match="not beside it"):
        read(hub, "org/sharded", 10**9)


def test_gguf_in_parts(hub: Hub, tmp_path: Path) -> None:
    folder = upload(hub, "org/parts", write(tmp_path / "m.gguf", 3))
    whole = member("x", Found("x", folder).read())
    assert read(hub, "org/parts", 10**9).member.digests == whole.digests
    second = read(hub, "org/parts/m-00002-of-00003.gguf", 10**9)
    assert (second.member.id, second.member.digests) == ("org/parts/m", whole.digests)
    windows = read(hub, "org/parts", 10_000, budget=10_000).member
    assert windows.tier is Tier.T1
    assert {each.role for each in windows.tensors} == {each.role for each in whole.tensors}
    del hub.files["org/parts"]["m-00003-of-00003.gguf"]
    with pytest.raises(DamagedCheckpoint, match=r"m-00003-of-00003\.gguf is missing"):
        read(hub, "org/parts", 10**9)


def long_gguf(path: Path, words: int) -> Path:
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_array("tokenizer.ggml.tokens", [f"word-{at:020}" for at in range(words)])
    values = np.random.default_rng(1).normal(size=(256, 256)).astype(np.float32)
    writer.add_tensor("blk.0.attn_v.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_long_header_grows_and_is_bounded(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = long_gguf(tmp_path / "model.gguf", 60_000)
    with path.open("r+b") as file:
        file.truncate(8_000_000)  # further data, so that the file is larger than what is read of it
    upload(hub, "org/words", tmp_path)
    found = read(hub, "org/words", 20_000, budget=20_000)
    assert found.header_bytes is not None
    assert 2_000_000 < found.header_bytes <= 4 * 2**20
    assert found.member.tier is Tier.T1
    monkeypatch.setattr("ingest.hub.checkpoint.HEADER_BYTES", 1_500_000)
    with pytest.raises(LimitExceeded, match="bytes of headers of org/words"):
        read(hub, "org/words", 20_000, budget=20_000)


@pytest.mark.parametrize(
    ("files", "name", "kind", "what"),
    [
        ({"pytorch_model.bin": b"x" * 5_000}, "org/x", BadInput, "pytorch_model.bin, which cannot be read in parts"),
        ({"README.md": b"x"}, "org/x", BadInput, "no safetensors and no GGUF"),
        ({"a.gguf": b"x", "b.gguf": b"y"}, "org/x", BadInput, "name one, as org/x/a.gguf"),
        ({"a.gguf": b"x" * 5_000}, "org/x/a.gguf", DamagedCheckpoint, "does not begin"),
        ({"a.gguf": b"x"}, "org/x/b.gguf", BadInput, "has no file"),
        ({"a.bin": b"x"}, "org/x/a.bin", BadInput, "only safetensors and GGUF"),
        ({"model.safetensors": b"\xff" * 5_000}, "org/x", DamagedCheckpoint, "its header claims"),
        ({"model.safetensors": b"\xff"}, "org/x", DamagedCheckpoint, "shorter than"),
        ({"adapter_config.json": b'{"base_model_name_or_path": "org/base"}'}, "org/x", BadInput, "adapter, made for 'org/base'"),
        ({}, "org/none", NotFound, "org/none"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(
    hub: Hub, files: dict[str, bytes], name: str, kind: type[StemmaError], what: str
) -> None:
    if files:
        hub.files["org/x"] = files
    with pytest.raises(kind, match=what):
        read_one(Repository.parse(name), hub=settings(hub))


def a_family(hub: Hub, folder: Path) -> Path:
    root = families.root(6)
    tune = families.tuned(root, task=1, seed=1)
    for name, weights in (
        ("root", root),
        ("tune", tune),
        ("copy", tune),
        ("grown", families.tuned(tune, task=1, seed=2)),
        ("stranger", families.root(7)),
    ):
        upload(hub, f"org/{name}", families.write(folder / name, weights))
    hub.files["org/adapter"] = {"adapter_config.json": b'{"base_model_name_or_path": "org/root"}'}
    hub.files["org/pickle"] = {"pytorch_model.bin": b"x"}
    dates = folder / "dates.json"
    names = ["root", "tune", "grown", "copy", "stranger"]
    dates.write_text(json.dumps({f"org/{name}": f"2024-01-0{at}T00:00:00" for at, name in enumerate(names, 1)}))
    return dates


def test_repositories_become_claims_that_say_their_tier(hub: Hub, tmp_path: Path) -> None:
    dates = a_family(hub, tmp_path)
    catalogue = Catalogue(tmp_path / "catalogue")
    items = [Repository(f"org/{name}") for name in ("root", "tune", "copy", "grown", "stranger", "adapter", "pickle")]
    report = ingest_folders(
        catalogue, [], repositories=items, hub=settings(hub, 120_000), dates=dates, max_bad_fraction=0.2
    )
    assert report.skipped == {"not-a-checkpoint": 1}
    claims = catalogue.head().table("claims").to_pylist()
    told = {(row["model"], row["base_model"], row["relation"], row["evidence"]) for row in claims}
    assert ("org/copy", "org/tune", Relation.IDENTICAL.value, Evidence.WEIGHTS.value) in told
    assert ("org/tune", "org/root", Relation.FINETUNE.value, Evidence.WEIGHTS.value) in told
    assert ("org/adapter", "org/root", Relation.ADAPTER.value, Evidence.CONFIG.value) in told
    assert not any(row["model"] == "org/stranger" for row in claims)
    assert all("(T1)" in row["detail"] for row in claims if row["evidence"] == Evidence.WEIGHTS.value)
    assert {model.tier for model in shelf_of(catalogue).members()} == {Tier.T1}
    assert hub.storage is not None
    before, snapshot = len(hub.storage.ranges), report.snapshot
    report = ingest_folders(
        catalogue, [], repositories=items, hub=settings(hub, 120_000), dates=dates, max_bad_fraction=0.2
    )
    assert len(hub.storage.ranges) == before  # nothing is read twice
    assert report.snapshot == snapshot


def test_a_run_that_lost_the_hub_is_taken_up(hub: Hub, tmp_path: Path) -> None:
    dates = a_family(hub, tmp_path)
    catalogue = Catalogue(tmp_path / "catalogue")
    items = [Repository(f"org/{name}") for name in ("root", "tune", "copy")]
    assert hub.storage is not None
    ingest_folders(catalogue, [], repositories=items[:1], hub=settings(hub), dates=dates)
    head, done = catalogue.head_id(), len(hub.storage.ranges)
    hub.storage.faults = dict.fromkeys(range(done + 1, done + 30), "503")
    with pytest.raises(Unreachable):
        ingest_folders(catalogue, [], repositories=items, hub=settings(hub), dates=dates)
    assert catalogue.head_id() == head
    hub.storage.faults = {}
    ingest_folders(catalogue, [], repositories=items, hub=settings(hub), dates=dates)
    assert {model.id for model in shelf_of(catalogue).members()} == {item.name for item in items}


def test_what_was_read_whole_is_not_replaced_by_windows(hub: Hub, tmp_path: Path) -> None:
    folder = families.write(tmp_path / "models--org--root" / "snapshots" / "a", families.root(1))
    upload(hub, "org/root", folder)
    catalogue = Catalogue(tmp_path / "catalogue")
    ingest_folders(catalogue, [tmp_path / "models--org--root"])
    ingest_folders(catalogue, [], repositories=[Repository("org/root")], hub=settings(hub))
    (kept,) = shelf_of(catalogue).members()
    assert (kept.id, kept.tier) == ("org/root", Tier.T2)


def test_a_small_repository_that_changed_is_read_again(hub: Hub, tmp_path: Path) -> None:
    catalogue, items = Catalogue(tmp_path / "catalogue"), [Repository("org/root")]
    for at in (1, 2):
        upload(hub, "org/root", families.write(tmp_path / str(at), families.root(at)))
        hub.commits["org/root"] = f"{at:040x}"
        ingest_folders(catalogue, [], repositories=items, hub=settings(hub, 2**20))
    (kept,) = shelf_of(catalogue).members()
    assert kept.tier is Tier.T2
    assert kept.identity == member("x", next(checkpoints(tmp_path / "2")).read()).identity


def test_a_repository_is_identified_among_models_read_whole(hub: Hub, tmp_path: Path) -> None:
    dates = a_family(hub, tmp_path)
    catalogue = Catalogue(tmp_path / "catalogue")
    told = {name.removeprefix("org/"): time for name, time in json.loads(dates.read_text()).items()}
    (tmp_path / "local.json").write_text(json.dumps(told))
    paths = [tmp_path / name for name in ("root", "tune", "stranger")]
    ingest_folders(catalogue, paths, dates=tmp_path / "local.json")
    found, origin = identify(catalogue, Repository("org/copy"), settings(hub, 120_000))
    assert found.member.tier is Tier.T1
    assert [(parent.base_model, parent.relation) for parent in origin.parents] == [("tune", Relation.IDENTICAL)]
    _, origin = identify(catalogue, Repository("org/grown"), settings(hub, 120_000))
    assert origin.parents[0].base_model == "tune"


def run(*words: object) -> Any:
    result = CliRunner().invoke(stemma, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_says_what_it_read(hub: Hub, tmp_path: Path) -> None:
    a_family(hub, tmp_path)
    for name in ("root", "tune"):
        run("--catalogue", tmp_path / "c", "weights", "sketch", tmp_path / name)
    on_hub = ("--endpoint", hub.address, "--budget", 120_000)
    said = run("--catalogue", tmp_path / "c", "identify", "org/copy", *on_hub)
    assert f"of headers, at commit {COMMIT}" in said
    assert "windows only" in said
    assert "identical of tune" in said
    sketch = tmp_path / "copy.sketch"
    told = json.loads(run("weights", "sketch", "org/copy", "--out", sketch, "--json", *on_hub))
    assert told["tier"] == "T1"
    assert told["bytes"] == sketch.stat().st_size < 150_000
    answer = json.loads(run("--catalogue", tmp_path / "c", "identify", sketch, "--json"))
    assert answer["parents"][0]["base_model"] == "tune"
    assert answer["tier"] == "T1"


def test_the_same_files_are_known_without_their_bytes(hub: Hub, tmp_path: Path) -> None:
    from ingest.dumps import ingest_dumps

    a_family(hub, tmp_path)
    row = hub.files["org/tune"]["model.safetensors"]
    digest = hashlib.sha256(row).hexdigest()
    siblings = [{"rfilename": "model.safetensors", "size": len(row), "lfs": {"sha256": digest, "size": len(row)}}]
    line = {"_id": "a" * 24, "id": "some/tune", "siblings": siblings, "tags": []}
    (tmp_path / "rows.jsonl").write_text(json.dumps(line) + "\n")
    ingest_dumps(Catalogue(tmp_path / "c"), [tmp_path / "rows.jsonl"])
    said = run("--catalogue", tmp_path / "c", "identify", "org/copy", "--endpoint", hub.address, "--budget", 0)
    assert "the same files as some/tune" in said
