"""The service with the sample, as `stemma demo` starts it, and the Chromium that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
_QUIET = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
]
FLAGS = [*_QUIET, "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]  # with WebGL
PLAIN = [
    *_QUIET,
    "--disable-gpu",
]  # pages are put together by the processor: no WebGL, but no emulated one for each frame either


def sample_service(folder: Path) -> AbstractContextManager[str]:
    """The address of a service that shows the sample, with its catalogue in ``folder``."""
    return service("demo", folder / "catalogue")


@contextmanager
def service(word: str, catalogue: Path) -> Iterator[str]:
    """The address of what `stemma demo` or `stemma serve` serves of a catalogue."""
    command = [sys.executable, "-m", "api.cli", word, "--port", "0", "--catalogue", str(catalogue)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout or ():
                found = re.match(r"serving:\s+(http://[^/]+)", line)
                if found:
                    yield found[1]
                    return
            raise AssertionError("the service did not start")
        finally:
            process.terminate()
