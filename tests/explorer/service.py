"""The service with the sample, as `stemma demo` starts it, and the Chromium that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]


@contextmanager
def sample_service(folder: Path) -> Iterator[str]:
    """The address of a service that shows the sample, with its catalogue in ``folder``."""
    with service("demo", folder / "catalogue") as address:
        yield address


@contextmanager
def service(command_name: str, catalogue: Path) -> Iterator[str]:
    """The address of a service that `demo` or `serve` starts over a catalogue."""
    command = [sys.executable, "-m", "api.cli", command_name, "--port", "0", "--catalogue", str(catalogue)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            for line in running.stdout or ():
                found = re.match(r"serving:\s+(http://[^/]+)", line)
                if found:
                    yield found[1]
                    return
            raise AssertionError("the service did not start")
        finally:
            running.terminate()
