"""Pictures of the explorer on the sample, for the README: `make screenshots` writes them to docs/img/."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from playwright.sync_api import sync_playwright

from tests.explorer.service import CHROMIUM, FLAGS, sample_service

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "img"
LARGEST = 200_000  # bytes


class Picture(NamedTuple):
    """One view; ``shown`` is a text that stands on it when it is whole."""

    name: str
    address: str
    shown: str
    scheme: Literal["light", "dark"] = "light"
    width: int = 1280
    height: int = 800


PICTURES = (
    Picture("search", "/?q=mistral&fold=quants", "51 rows"),
    Picture("model", "/models/HuggingFaceH4/zephyr-7b-beta", "Instead of it", "dark", height=900),
)


def main() -> None:
    """Write every picture."""
    if CHROMIUM is None:
        raise SystemExit("Chromium is missing: apt-get install chromium, or name one with CHROMIUM")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, sample_service(Path(folder)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for picture in PICTURES:
            size = {"width": picture.width, "height": picture.height}
            page = browser.new_page(viewport=size, color_scheme=picture.scheme)  # type: ignore[arg-type] # a plain dict
            page.goto(address + picture.address)
            page.get_by_text(picture.shown).first.wait_for()
            page.wait_for_load_state("networkidle")
            path = FOLDER / f"{picture.name}.png"
            page.screenshot(path=path)
            page.close()
            if path.stat().st_size > LARGEST:
                raise SystemExit(f"{path} is larger than {LARGEST:,} bytes: show less")
        browser.close()


if __name__ == "__main__":
    main()
