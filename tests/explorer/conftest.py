"""A real browser on a real service with the sample: Debian's Chromium, driven by playwright; it may ask nothing of other hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect, sync_playwright

from api.explorer import BUNDLE
from tests.explorer.service import CHROMIUM, FLAGS, sample_service

PATIENCE_MS = 30_000  # machines that run tests are busy
DRIVER = (
    "GL Driver Message (OpenGL, Performance"  # what the software renderer says of its own speed when a pixel is read
)
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the service with the sample, as `stemma demo` starts it."""
    if not (BUNDLE / "index.html").exists():
        pytest.skip("the explorer is not built: make web")
    with sample_service(tmp_path_factory.mktemp("explorer")) as found:
        yield found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium. While it is open an event loop runs in this thread, so it closes before tests of other packages begin."""
    if CHROMIUM is None:
        pytest.skip("Chromium is missing: apt-get install chromium, or name one with CHROMIUM")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A fresh profile. What its pages ask of another origin is stopped and fails the test; so does an error in the console."""
    faults: list[str] = []

    def only_here(route: Route) -> None:
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            faults.append(f"asked for {route.request.url}")
            route.abort()

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and DRIVER not in message.text:
            faults.append(f"console: {message.text}")

    fresh = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=address)
    fresh.set_default_timeout(PATIENCE_MS)
    fresh.route("**/*", only_here)
    fresh.on("console", heard)
    fresh.on("weberror", lambda error: faults.append(f"failed: {error.error}"))
    yield fresh
    fresh.close()
    assert not faults, faults


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page."""
    return context.new_page()
