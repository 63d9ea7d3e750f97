"""The generated cases of `make test` are the same in every run; `make fuzz` looks for new ones. One thread multiplies: of small
matrices several take ten times as long as soon as anything else runs.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from hypothesis import settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is there
os.environ["STEMMA_CACHE"] = tempfile.mkdtemp(prefix="stemma-cache-")  # what is fetched from graphs is not the user's
atexit.register(shutil.rmtree, os.environ["STEMMA_CACHE"], ignore_errors=True)

settings.register_profile("same", derandomize=True)
settings.register_profile("new", derandomize=False, print_blob=True)
settings.load_profile("same")
