"""docker-compose.yml and the Dockerfile, read as data and held against what the program really has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from graph.settings import SETTINGS, load

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def test_the_services_wait_for_a_graph_that_answers_over_bolt() -> None:
    assert set(SERVICES) == {"neo4j", "api", "ingest"}
    assert SERVICES["neo4j"]["image"].startswith("neo4j:5")
    check = SERVICES["neo4j"]["healthcheck"]["test"]
    assert check[0] == "CMD-SHELL"
    assert "cypher-shell" in check[1]
    assert "bolt://" in check[1]
    for name in ("api", "ingest"):
        assert SERVICES[name]["depends_on"]["neo4j"]["condition"] == "service_healthy"
    assert SERVICES["ingest"]["profiles"] == ["ingest"]
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", ["api", "ingest"])
def test_every_setting_is_one_that_the_program_reads(name: str) -> None:
    environment = SERVICES[name]["environment"]
    ours = {key: value for key, value in environment.items() if key.startswith("STEMMA_")}
    assert set(ours) <= {setting.name for setting in SETTINGS}
    settings = load(ours)
    host = re.fullmatch(r"bolt://(\w+):7687", settings.store)
    assert host is not None
    assert host[1] in SERVICES


def test_no_password_is_written_down() -> None:
    for service in SERVICES.values():
        for key, value in service["environment"].items():
            if "PASSWORD" in key or "AUTH" in key:
                assert "${NEO4J_PASSWORD:?" in value


def test_the_image_runs_the_command_without_rights_and_says_when_it_is_well() -> None:
    scripts = re.search(r"^\[project\.scripts\]\n(\w+) =", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert scripts is not None
    entry = re.search(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)
    assert entry is not None
    assert json.loads(entry[1]) == [scripts[1]]
    last_stage = DOCKERFILE.rsplit("FROM ", 1)[1]
    assert "USER stemma" in last_stage
    assert last_stage.index("USER stemma") < last_stage.index("ENTRYPOINT")
    assert "/healthz" in last_stage[last_stage.index("HEALTHCHECK") :]
    env = dict(re.findall(r"(STEMMA_\w+)=(\S+)", last_stage))
    assert set(env) <= {setting.name for setting in SETTINGS}
    assert load(env).port == 8000
    exposed = re.search(r"^EXPOSE (\d+)$", last_stage, re.MULTILINE)
    assert exposed is not None
    assert int(exposed[1]) == 8000


def test_what_the_image_copies_is_let_through() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    }
    assert copied == allowed
