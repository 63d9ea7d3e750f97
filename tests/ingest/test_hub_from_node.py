"""The Hub's JavaScript client lists from our loopback Hub as from the real one: every row once, over several pages."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback_hub.server import Hub, Row

CLIENT = Path(__file__).resolve().parents[1] / "loopback_hub" / "node"
PAGE = 500  # rows that the client asks for at a time


def missing() -> str | None:
    """Why the client cannot run here, or None when it can."""
    if shutil.which("node") is None:
        return "node is not on the PATH"
    if not (CLIENT / "node_modules" / "@huggingface" / "hub").is_dir():
        return "the Hub's JavaScript client is not installed: npm ci --prefix tests/loopback_hub/node"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


def rows(name: str, count: int) -> list[Row]:
    return [
        {
            "_id": f"{number * 7919 % 2**32:024x}",
            "id": f"org{number % 7}/{name}-{number}",
            "author": f"org{number % 7}",
            "createdAt": "2024-01-01T00:00:00.000Z",
            "lastModified": "2024-02-01T00:00:00.000Z",
            "private": False,
            "gated": False,
            "downloads": number % 5,
            "likes": number % 3,
            "tags": ["transformers"],
        }
        for number in range(count)
    ]


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub(models=rows("model", 2 * PAGE + 203), datasets=rows("set", PAGE + 1)).start()
    yield server
    server.stop()


def test_every_model_and_dataset_exactly_once(hub: Hub) -> None:
    done = subprocess.run(
        ["node", "list.mjs", hub.address], cwd=CLIENT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert Counter(listed["models"]) == Counter(row["id"] for row in hub.models)
    assert Counter(listed["datasets"]) == Counter(row["id"] for row in hub.datasets)
    assert hub.lists == 3 + 2  # pages: none is asked for twice, none after the last
