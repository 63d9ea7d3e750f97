"""What supersedes a model, on its page and in the search, in a real browser over a drawn world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from api.explorer import BUNDLE
from tests.explorer.axe import faults
from tests.explorer.service import service
from tests.worlds import build, niche_board, niches


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not (BUNDLE / "index.html").exists():
        pytest.skip("the explorer is not built: make web")
    folder = tmp_path_factory.mktemp("standing")
    build(folder, niches(), [], [("OLD/alias", "new/best")], niche_board())
    with service("serve", folder) as found:
        yield found


def test_a_superseded_model_says_by_what_and_since_when(page: Page) -> None:
    page.goto("/models/old/tuned")
    told = "Superseded by new/child: better with a probability of more than 99.9 %, 2 derivations away."
    expect(page.get_by_text(told)).to_be_visible()
    expect(page.get_by_text("One of 3 that are later and better; the first was made on 2024-01-01.")).to_be_visible()
    in_short = page.get_by_role("list", name="In short")
    expect(in_short).to_contain_text("What instead of it?new/child, which is later and better")
    stands = page.get_by_role("region", name="How it stands among those like it")
    expect(stands).to_contain_text("likely the best of 7 measured for text-generation of 3B-10B parameters")
    expect(stands.get_by_role("listitem")).to_have_count(3)
    expect(stands).to_contain_text("new/best better with a probability of more than 99.9 %, named by its author")
    page.wait_for_load_state("networkidle")
    assert not faults(page)
    stands.get_by_role("link", name="new/best").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("new/best")
    expect(page.get_by_text("Superseded by")).to_have_count(0)


def test_the_search_orders_by_standing(page: Page) -> None:
    page.goto("/?order=STANDING&columns=standing,ability")
    rows = page.get_by_role("table").locator("tbody tr")
    expect(rows.first).to_contain_text("new/other")
    expect(rows.first).to_contain_text("100 %")
    assert not faults(page)


def test_what_it_is_measured_in_is_a_facet(page: Page) -> None:
    page.goto("/")
    told = page.get_by_role("group", name="Measured in")
    row = told.locator("label.facet", has_text="knowledge")
    row.wait_for()
    count = row.locator(".count").inner_text()
    told.get_by_label("knowledge").check()
    expect(page.get_by_role("status")).to_have_text(f"{count} models")
    assert page.url.endswith("?domain=knowledge")
