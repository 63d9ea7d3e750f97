"""How long a subset takes, and how much memory: the lock, and each form that is exported. Run with
``python -m bench.subsets CATALOGUE --models 100000``; each step is a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import anyio

from graph.catalogue import Catalogue
from graph.stores.embedded import open_snapshot
from graph.subset.build import build
from graph.subset.exports import snapshot
from graph.subset.exports.form import BY_NAME, FORMS, export
from graph.subset.lock import faults, read
from graph.subset.query import Query, Take, Where


def lock(catalogue: Path, place: Path, models: int) -> dict[str, object]:
    """Choose so many and pin them."""

    async def asked() -> dict[str, object]:
        store = await open_snapshot(Catalogue(catalogue).head())
        made = await build(store, Query(where=Where(), take=Take(limit=models)))
        made.write(place)
        await store.close()
        return {"models": made.totals.models, "derivations": made.totals.derivations, "outside": made.totals.outside}

    return anyio.run(asked)


def one(catalogue: Path, place: Path, what: str, models: int) -> dict[str, object]:
    """One step in this process: its seconds, and the most memory that the process had."""
    begun, more = time.perf_counter(), dict[str, object]()
    if what == "lock":
        more = lock(catalogue, place, models)
    else:
        found = read(place)
        more["read"] = round(time.perf_counter() - begun, 2)
        begun = time.perf_counter()
        target = place.with_name(f"out-{what}")
        if what == "verify":
            more["faults"] = len(faults(found))
        elif what == "snapshot":
            snapshot.write(found, Catalogue(catalogue).get(found.snapshot), target)
        else:
            export(found, BY_NAME[what], target)
    seconds = round(time.perf_counter() - begun, 2)
    return {
        "what": what,
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **more,
    }


def main() -> None:
    """Measure every step, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(".bench/subset"))
    parser.add_argument("--only", help="one step, in this process")
    options = parser.parse_args()
    place = options.folder / "subset.lock.json"
    if options.only:
        print(json.dumps(one(options.catalogue, place, options.only, options.models)))
        return
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores", flush=True)
    for what in ("lock", "verify", *(form.name for form in FORMS)):
        command = [sys.executable, "-m", "bench.subsets", str(options.catalogue), "--only", what]
        command += ["--models", str(options.models), "--folder", str(options.folder)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
