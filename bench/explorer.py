"""The explorer's pictures on a large catalogue: the map's layout and first picture, and the largest lineage."""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, sync_playwright

from bench import world
from graph.catalogue import Catalogue
from graph.progress import Silent
from graph.snapshot import Snapshot
from graph.stores.embedded.atlas import atlas_folder, build_atlas
from graph.stores.embedded.index import build_index
from ingest.dumps import ingest_dumps
from tests.explorer.service import CHROMIUM, FLAGS, PLAIN

RESULTS = Path(__file__).parent / "results"
PATIENCE_MS = 120_000
SCREEN: ViewportSize = {"width": 1400, "height": 850}
FIRST_TIER = ("head.json", "cells.bin", "points-0.bin")
FRAMES = """async (seconds) => { let frames = 0; const begun = performance.now();
  while (performance.now() - begun < seconds * 1000) { await new Promise(requestAnimationFrame); frames++; }
  return frames / (performance.now() - begun) * 1000; }"""


def name_of(size: int, founders: int) -> str:
    """What a generated Hub is called."""
    return f"explorer-{size}" + ("" if founders == world.FOUNDERS else f"-of-{founders}")


def catalogue(folder: Path, size: int, founders: int) -> Snapshot:
    """The snapshot of a generated Hub, made when it is not there."""
    name = name_of(size, founders)
    kept = Catalogue(folder / name)
    if kept.head_id() is None:
        dump = folder / f"{name}.jsonl"
        dump.parent.mkdir(parents=True, exist_ok=True)
        world.write(dump, size, founders=founders)
        ingest_dumps(kept, [dump], progress=Silent(), processes=2)
        dump.unlink()
    return kept.head()


def layout(snapshot: Snapshot) -> dict[str, Any]:
    """The map made anew, in this process."""
    build_index(snapshot)
    shutil.rmtree(atlas_folder(snapshot), ignore_errors=True)
    wall, cpu = time.perf_counter(), time.process_time()
    folder = build_atlas(snapshot)
    return {
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
        "first_picture_bytes": sum((folder / name).stat().st_size for name in FIRST_TIER),
        "all_points_bytes": sum(path.stat().st_size for path in folder.glob("points-*.bin")),
    }


def until(page: Page, truth: str) -> None:
    """Wait until an expression is true; the page's policy forbids evaluating text inside the page."""
    while not page.evaluate(truth):
        time.sleep(0.02)


def seen_map(page: Page, address: str) -> dict[str, Any]:
    """First picture, all points, frames of a pan, and a search, in ms from the start of each."""
    begun = time.perf_counter()
    page.goto(f"{address}/map", wait_until="commit")
    until(page, "window.stemmaMap?.ready >= 1")
    first = time.perf_counter() - begun
    until(page, "window.stemmaMap?.ready === 3")
    whole = time.perf_counter() - begun
    points = page.evaluate("stemmaMap.drawing.points")
    pan = {}
    for zoom in (1, 12):
        frames = page.evaluate(
            """(zoom) => { const map = stemmaMap, times = [];
            map.drawing.draw({x: .4, y: .5, zoom}, map.screen(), false);
            for (let n = 0; n < 12; n++) { const begun = performance.now();
              map.drawing.draw({x: .4 + n / 1000, y: .5, zoom}, map.screen(), true); map.drawing.wait();
              times.push(performance.now() - begun); }
            return times; }""",
            zoom,
        )
        pan[f"pan_frame_ms_at_{zoom}x"] = round(statistics.median(frames), 1)
    begun = time.perf_counter()
    page.get_by_role("combobox", name="Find a model on the map").fill("falcon")
    until(page, "stemmaMap.drawing.searching")
    search = time.perf_counter() - begun
    return {
        "first_picture_ms": round(first * 1000),
        "all_points_ms": round(whole * 1000),
        "points": points,
        **pan,
        "search_ms": round(search * 1000),
    }


def seen_lineage(page: Page, address: str, id: str) -> dict[str, Any]:
    """The first picture of the largest lineage, and a drag over as many models as one table draws."""
    begun = time.perf_counter()
    page.goto(f"{address}/lineage/{id}", wait_until="commit")
    until(page, "!!document.querySelector('[role=treeitem]')")
    first = time.perf_counter() - begun
    said = page.get_by_role("status").first.inner_text()
    items = page.get_by_role("treeitem").count()
    page.locator('[data-key$=" QUANTIZED"]').last.click()
    begun = time.perf_counter()
    page.get_by_role("button", name=re.compile("^Draw these")).click()
    until(page, "document.querySelector('svg.picture').getAttribute('height') > 20000")
    drawn = time.perf_counter() - begun
    models = page.get_by_role("status").first.inner_text()
    box = page.locator(".stage").bounding_box() or {"x": 0, "y": 0, "width": 800, "height": 600}
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(f"() => {{ window.measured = ({FRAMES})(4); }}")
    begun, step = time.perf_counter(), 0
    while time.perf_counter() - begun < 4:
        step += 1
        page.mouse.move(x, y - (step * 12) % 300)
    frames = page.evaluate("() => window.measured")
    page.mouse.up()
    nodes = page.evaluate("document.querySelectorAll('[role=treeitem]').length")
    return {
        "model": id,
        "says": said,
        "first_picture_ms": round(first * 1000),
        "items_at_first": items,
        "draw_2500_ms": round(drawn * 1000),
        "says_then": models,
        "items_in_the_page_then": nodes,
        "drag_frames_a_second": round(frames, 1),
        "drag_steps_a_second": round(step / 4, 1),
    }


def largest(snapshot: Snapshot) -> str:
    """The model with most descendants."""
    table = snapshot.table("models", ["id", "descendants"])
    counts = table.column("descendants").to_numpy()
    return str(table.column("id")[int(counts.argmax())].as_py())


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(prog="python -m bench.explorer", description=__doc__)
    parser.add_argument("--size", type=int, default=200_000, help="models of the generated Hub")
    parser.add_argument(
        "--founders", type=int, default=world.FOUNDERS, help="families; of few each is large, as in a larger Hub"
    )
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where it is kept")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the table goes")
    arguments = parser.parse_args()
    snapshot = catalogue(arguments.folder, arguments.size, arguments.founders)
    facts: dict[str, Any] = {
        "models": arguments.size,
        "founders": arguments.founders,
        "load_before": os.getloadavg()[0],
        "layout": layout(snapshot),
    }
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--catalogue", str(snapshot.folder.parents[1])]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service,
        sync_playwright() as playwright,
    ):
        try:
            assert service.stdout is not None
            found = next(match for line in service.stdout if (match := re.match(r"serving:\s+(http://[^/]+)", line)))
            for name, flags in (("lineage", PLAIN), ("map", FLAGS)):
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
                page = browser.new_page(viewport=SCREEN)
                page.set_default_timeout(PATIENCE_MS)
                page.goto(f"{found[1]}/")
                if name == "map":
                    facts[name] = seen_map(page, found[1])
                else:
                    facts[name] = seen_lineage(page, found[1], largest(snapshot))
                facts["browser"] = browser.version
                browser.close()
        finally:
            service.terminate()
    facts["load_after"] = os.getloadavg()[0]
    facts["cores"] = os.cpu_count()
    text = json.dumps(facts, indent=1)
    arguments.results.mkdir(parents=True, exist_ok=True)
    place = arguments.results / f"{datetime.now(UTC):%Y-%m-%d}-{name_of(arguments.size, arguments.founders)}.json"
    place.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
