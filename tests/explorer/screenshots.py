"""Pictures of the explorer on the sample, for the README and docs/questions.md: `make screenshots` writes them to docs/img/."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from playwright.sync_api import Page, sync_playwright

from tests.explorer.service import CHROMIUM, FLAGS, sample_service

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "img"
LARGEST = 200_000  # bytes
MOST_CLICKS = 3  # from the front page to the answer of a question


class Picture(NamedTuple):
    """One view; ``shown`` is the selector of what stands on it when it is whole."""

    name: str
    address: str
    shown: str
    scheme: Literal["light", "dark"] = "light"
    width: int = 1280
    height: int = 800
    clicks: tuple[str, ...] = ()  # selectors, each waited for


class Question(NamedTuple):
    """What a new user asks of a model: typed into the box of the front page, then the links that are clicked, by their words."""

    name: str
    typed: str
    clicks: tuple[str, ...]
    shown: str
    width: int = 1000
    height: int = 620


PICTURES = (
    Picture("search", "/?q=mistral&fold=quants", "text=51 rows"),
    Picture("model", "/models/HuggingFaceH4/zephyr-7b-beta", "text=Instead of it:", "dark"),
    Picture(
        "lineage",
        "/lineage/mistralai/Mistral-7B-v0.1",
        "[data-key='mistralai/Mistral-7B-Instruct-v0.1 QUANTIZED']",
        clicks=tuple(
            f"[data-key='{id}'] .switch-of"
            for id in ("HuggingFaceH4/zephyr-7b-beta", "mistralai/Mistral-7B-Instruct-v0.1")
        ),
    ),
    Picture("map", "/map?view=0.5,0.5,1.6&colour=relation", 'canvas[data-ready="3"]', "dark", height=640),
)
QUESTIONS = (
    Question(
        "question-copy", "mistral-7b-v0.1-gptq", ("TheBloke/Mistral-7B-v0.1-GPTQ",), "text=May I use it? Licences"
    ),
    Question("question-instead", "zephyr-7b-beta", ("HuggingFaceH4/zephyr-7b-beta", "24 other fine-tunes"), "#beside"),
    Question("question-work", "alphamist", ("Alphacode-AI/AlphaMist7B-slr-v1",), "text=May I use it? Licences"),
)


def ask(page: Page, question: Question) -> None:
    """Go from the front page to where the question is answered, as a new user does."""
    page.goto("/")
    page.get_by_role("searchbox").fill(question.typed)
    for words in question.clicks:
        page.get_by_role("link", name=words, exact=True).first.click()
    page.locator(question.shown).first.wait_for()


def main() -> None:
    """Write every picture."""
    if CHROMIUM is None:
        raise SystemExit("Chromium is missing: apt-get install chromium, or name one with CHROMIUM")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, sample_service(Path(folder)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for picture in (*PICTURES, *QUESTIONS):
            page = browser.new_page(
                viewport={"width": picture.width, "height": picture.height},
                color_scheme="light" if isinstance(picture, Question) else picture.scheme,
                base_url=address,
            )
            if isinstance(picture, Question):
                ask(page, picture)
            else:
                page.goto(picture.address)
                for selector in picture.clicks:
                    page.locator(selector).click()
                page.locator(picture.shown).first.wait_for()
            page.wait_for_load_state("networkidle")
            path = FOLDER / f"{picture.name}.png"
            page.screenshot(path=path)
            page.close()
            if path.stat().st_size > LARGEST:
                raise SystemExit(f"{path} is larger than {LARGEST:,} bytes: show less")
        browser.close()


if __name__ == "__main__":
    main()
