"""What no file of the project may hold."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
REGISTRIES = re.compile(
    "|".join(["py" + r"pi\.org", "python" + "hosted", "registry" + r"\.npmjs", "repo1" + r"\.maven"])
)
VAGUE = re.compile(r"(^|/)(utils?|helpers?|common|misc|manager|base)\.(py|ts)$")
LARGEST = 600 * 1024  # bytes


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    return [REPOSITORY / name for name in listed.decode().split("\0") if name and (REPOSITORY / name).is_file()]


def test_no_registry_address_is_written_down() -> None:
    for path in tracked():
        assert not REGISTRIES.search(path.read_text(encoding="utf-8", errors="replace")), path


def test_files_are_small_and_named() -> None:
    for path in tracked():
        assert path.stat().st_size <= LARGEST, path
        assert not VAGUE.search(path.as_posix()), path


def test_requirements_are_hashed() -> None:
    for path in (REPOSITORY / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        pins = re.findall(r"^[A-Za-z0-9_.-]+==", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[A-Za-z0-9_.-]+==[^\n]*\\\n    --hash=", text, re.MULTILINE))
        assert "--index-url" not in text


def test_npm_locks_hold_hashes_and_no_addresses() -> None:
    web = REPOSITORY / "api" / "web"
    for path in (web / "package-lock.json", web / "graphiql" / "package-lock.json"):
        text = path.read_text(encoding="utf-8")
        assert "http" not in text, path
        packages = json.loads(text)["packages"]
        assert all("integrity" in package for name, package in packages.items() if name), path
