"""The search in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.explorer.axe import faults


def test_results_appear_as_you_type_and_the_address_holds_them(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("zephyr-7b-beta")
    expect(page.get_by_role("link", name="HuggingFaceH4/zephyr-7b-beta", exact=True)).to_be_visible()
    assert page.url.endswith("/?q=zephyr-7b-beta")
    assert not faults(page)
