"""The commands as a shell runs them, over the bundled sample."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from api.cli import shown
from graph import settings
from graph.catalogue import Catalogue
from graph.errors import StemmaError
from ingest.sample import ingest_sample
from tests.ingest.weights import families
from tests.worlds import build, model

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
STEMMA = [sys.executable, "-m", "api.cli"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    ingest_sample(Catalogue(folder))
    return folder


def stemma(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STEMMA_CATALOGUE": str(folder), "COLUMNS": "160", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [*STEMMA, *arguments], capture_output=True, text=True, env=environment, cwd=REPOSITORY, check=False
    )


def answer(folder: Path, *arguments: str) -> Any:
    done = stemma(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_gpu_that_is_not_there_is_named_before_anything_is_read(sample: Path, tmp_path: Path) -> None:
    if find_spec("torch") is not None and pytest.importorskip("torch").cuda.is_available():
        pytest.skip("there is a GPU")
    place = families.write(tmp_path / "model", families.root(1))
    out = ["weights", "sketch", str(place), "--out", str(tmp_path / "model.sketch")]
    for command in (["ingest", "folder", str(place)], out[:3], out):
        done = stemma(sample, *command, "--device", "cuda")
        assert done.returncode == 2
        assert "leave the device out" in done.stderr


def test_lineage_json_is_what_scripts_rely_on(sample: Path) -> None:
    found = answer(
        sample, "lineage", "MISTRALAI/mistral-7b-v0.1", "--direction", "descendants", "--depth", "1", "--limit", "3"
    )
    assert set(found) == {"snapshot", "root", "nodes", "edges", "total_ancestors", "total_descendants", "truncated"}
    assert found["root"] == "mistralai/Mistral-7B-v0.1"
    assert [node["distance"] for node in found["nodes"]] == [0, 1, 1, 1]
    assert {edge["base_model"] for edge in found["edges"]} <= {node["id"] for node in found["nodes"]}
    assert set(found["edges"][0]) >= {"model", "base_model", "relation", "evidence"}
    whole = answer(sample, "lineage", "mistralai/Mistral-7B-v0.1", "--direction", "descendants", "--depth", "100")
    assert whole["total_descendants"] == found["total_descendants"] == len(whole["nodes"]) - 1
    assert whole["truncated"] == []


def test_formats_can_be_read_by_others(sample: Path) -> None:
    graphml = stemma(sample, "lineage", "mistralai/Mistral-7B-v0.1", "--format", "graphml").stdout
    assert nx.parse_graphml(graphml).number_of_edges() > 20
    dot = stemma(sample, "lineage", "mistralai/Mistral-7B-v0.1", "--format", "dot").stdout
    assert dot.startswith("digraph")
    assert '"mistralai/Mistral-7B-v0.1" -> ' in dot
    assert "base model" in stemma(sample, "lineage", "mistralai/Mistral-7B-v0.1", "--format", "table").stdout


def test_legacy_name_missing_parent_and_conflict(sample: Path) -> None:
    assert answer(sample, "model", "bert-base-uncased")["id"] == "google-bert/bert-base-uncased"
    assert answer(sample, "model", "mlabonne/Monarch-7B")["state"] == "missing"
    assert "not by tag" in " ".join(answer(sample, "model", "MatteoKhan/MistralGemma-7B-Merged")["conflicts"])


def test_find_filters_and_pages(sample: Path) -> None:
    first = answer(sample, "find", "mistral", "--relation", "merge", "--first", "2")
    rest = answer(sample, "find", "mistral", "--relation", "merge", "--first", "99", "--after", first["next"])
    ids = [model["id"] for page in (first, rest) for model in page["models"]]
    assert len(ids) == len(set(ids)) == first["total"] == rest["total"]
    assert all("merge" in model["relations"] for page in (first, rest) for model in page["models"])
    large = answer(sample, "find", "--parameters", "20B..", "--created", "2025-01..2025-03")["models"]
    assert large
    assert all(model["parameters"] >= 20e9 and model["created_at"] < "2025-04" for model in large)


def test_path_copies_identify_catalogue(sample: Path) -> None:
    found = answer(sample, "path", "HuggingFaceH4/zephyr-7b-beta", "teknium/OpenHermes-2.5-Mistral-7B")
    assert found["paths"] == [
        ["HuggingFaceH4/zephyr-7b-beta", "mistralai/Mistral-7B-v0.1", "teknium/OpenHermes-2.5-Mistral-7B"]
    ]
    assert stemma(sample, "copies", "HuggingFaceH4/zephyr-7b-beta").returncode == 1
    assert stemma(sample, "identify", str(REPOSITORY / "LICENSE")).returncode == 1
    assert answer(sample, "catalogue")["derivations_total"] == 178


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["model", "mistralai/Mistral-7B-v9"], 1, "did you mean mistralai/Mistral-7B"),
        (["find", "--parameters", "many"], 2, "7B, 350M"),
        (["find", "--created", "soon"], 2, "2024-06"),
        (["find", "--after", "junk"], 2, "cursor"),
        (["find", "--parameters", "9B..1B"], 2, "lower end first"),
        (["find", "--created", "2025-06..2024"], 2, "lower end first"),
        (["identify", "sha256:" + "0" * 64], 1, "known to hold it"),
        (["find", "--nope"], 2, "No such option"),
        (["ingest", "dump", "/no/such/file"], 2, "not a file"),
        (["lineage", "x", "--store", "bolt://127.0.0.1:1"], 3, "127.0.0.1:1"),
        (["snapshot", "show", "ffff"], 1, "snapshot list"),
        (["--catalogue", "/nonexistent/place", "catalogue"], 1, "stemma ingest"),
    ],
)
def test_failures_have_a_status_and_say_what_to_do(sample: Path, arguments: list[str], status: int, said: str) -> None:
    done = stemma(sample, *arguments)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_snapshots_diff_verify_and_prune(tmp_path: Path) -> None:
    ingest_sample(Catalogue(tmp_path))
    first = Catalogue(tmp_path).head().id
    rows = tmp_path / "more.jsonl"
    rows.write_text(json.dumps({"id": "new/model", "tags": ["base_model:finetune:mistralai/Mistral-7B-v0.1"]}) + "\n")
    assert answer(tmp_path, "ingest", "dump", str(rows))["models"] == 179
    changes = answer(tmp_path, "snapshot", "diff", first[:10])
    assert (changes["models"]["added"], changes["derivations"]["added"]) == (1, 1)
    assert "~mistralai/Mistral-7B-v0.1" in changes["models"]["examples"]  # it has one descendant more
    assert answer(tmp_path, "snapshot", "verify")["whole"] is True
    assert answer(tmp_path, "snapshot", "prune", "--keep", "1")["removed"] == [first]
    listed = answer(tmp_path, "snapshot", "list")
    assert [row["head"] for row in listed] == [True]
    path = Catalogue(tmp_path).head().path("models")
    path.write_bytes(path.read_bytes()[:-1])
    assert stemma(tmp_path, "snapshot", "verify").returncode == 4


def test_files_of_the_offline_importer(sample: Path, tmp_path: Path) -> None:
    done = stemma(sample, "load", "--offline", str(tmp_path / "import"))
    assert (done.returncode, "neo4j-admin database import full neo4j @import.args" in done.stdout) == (0, True), (
        done.stderr
    )
    named = {line.rsplit("=", 1)[1] for line in (tmp_path / "import" / "import.args").read_text().splitlines()[2:]}
    assert named == {path.name for path in (tmp_path / "import").glob("*.csv")} > {"model.csv", "derived_from.csv"}
    again = stemma(sample, "load", "--offline", str(tmp_path / "import"))
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)
    assert stemma(sample, "load").returncode == 2


def test_serve_answers_and_stops(sample: Path) -> None:
    environment = {**os.environ, "STEMMA_CATALOGUE": str(sample), "PYTHONPATH": str(REPOSITORY)}
    for workers in ("1", "2"):
        command = [*STEMMA, "serve", "--port", "0", "--workers", workers]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=REPOSITORY) as server:
            assert server.stdout is not None
            address = re.search(r"http://\S+/graphql", server.stdout.readline() + server.stdout.readline())
            assert address is not None
            url = address[0] + "?query=%7Bcatalogue%7Bsnapshot%7D%7D"
            for attempt in range(100):
                try:
                    with urllib.request.urlopen(url, timeout=5) as response:
                        body = json.load(response)
                    break
                except OSError:
                    assert attempt < 99
                    time.sleep(0.1)
            assert body["data"]["catalogue"]["snapshot"] == Catalogue(sample).head_id()
            server.send_signal(signal.SIGTERM)
            assert server.wait(20) in (0, -signal.SIGTERM)


def test_completion_and_schema(sample: Path) -> None:
    assert "_STEMMA_COMPLETE" in stemma(sample, "completion", "bash").stdout
    assert "type Query" in stemma(sample, "schema").stdout


def test_tree_shows_every_model_also_on_cycles(tmp_path: Path) -> None:
    """root <- a <-> b, and root <- c."""
    rows = [model("x/root"), model("x/a", "x/root", "x/b"), model("x/b", "x/a"), model("x/c", "x/root")]
    build(tmp_path, rows)
    for start in ("x/root", "x/a", "x/b", "x/c"):
        printed = stemma(tmp_path, "lineage", start, "--depth", "9").stdout
        nodes = answer(tmp_path, "lineage", start, "--depth", "9")["nodes"]
        assert all(node["id"] in printed for node in nodes), printed
        assert "cycle" in printed or start == "x/c"
    alone = stemma(tmp_path, "lineage", "x/c", "--depth", "0")
    assert "+1 more" in alone.stdout


def test_names_of_strangers_cannot_drive_the_terminal() -> None:
    assert shown.clean("a\x1b[31mb\rc\u202e") == "a\ufffd[31mb\ufffdc\ufffd"


def test_readme_shows_what_the_commands_print(sample: Path) -> None:
    shown_commands = re.findall(r"```console\n\$ stemma ([^\n]+)\n(.*?)```", README, re.DOTALL)
    assert len(shown_commands) >= 2
    for command, expected in shown_commands:
        done = stemma(sample, *command.split())
        assert done.stdout.rstrip() == expected.rstrip(), command


def test_readme_names_every_setting_and_status() -> None:
    for setting in settings.SETTINGS:
        default = f"`{setting.default}`" if setting.default else ""
        assert f"| `{setting.name}` | {default} | {setting.meaning} |" in README
    kinds: list[type[StemmaError]] = StemmaError.__subclasses__()
    for status in {kind.exit_status for kind in kinds}:
        assert f"\n| {status} | " in README
