"""A crowd of more members than one answer holds, in a real browser: read whole, filtered whole, taken away whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from api.explorer import BUNDLE
from tests.explorer.axe import faults
from tests.explorer.service import service
from tests.worlds import build, model

MANY = 2_600


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with big/base <- 2,600 adapters."""
    if not (BUNDLE / "index.html").exists():
        pytest.skip("the explorer is not built: make web")
    place = tmp_path_factory.mktemp("crowd")
    crowd = [model(f"a/adapter-{n:04}", "big/base", relation="adapter", downloads=n) for n in range(MANY)]
    build(place, [model("big/base", downloads=10**7), *crowd])
    with service("serve", place) as found:
        yield found


def test_a_large_crowd_is_read_whole(page: Page, tmp_path: Path) -> None:
    page.goto("/lineage/big/base")
    page.locator('[role="treeitem"][data-key="big/base ADAPTER"]').click()
    table = page.get_by_role("region", name="2,600 adapters of")
    expect(table.get_by_role("status")).to_have_text(
        "2,600 derivations in all; the 2,500 most downloaded are in the table."
    )
    with page.expect_download() as waiting:
        table.get_by_role("link", name="CSV of all").click()
    waiting.value.save_as(tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        assert len({row["model"] for row in csv.DictReader(file)}) == MANY
    table.get_by_role("button", name="Read all 2,600").click()
    expect(table.get_by_role("status")).to_have_text("2,600 derivations in all.")
    assert table.get_by_role("row").count() < 200  # those in sight
    rows = table.get_by_role("region", name="Members")
    rows.evaluate("box => { box.scrollTop = box.scrollHeight; }")
    expect(rows.get_by_role("link", name="a/adapter-0000")).to_be_visible()
    assert not faults(page)


def test_a_filter_looks_at_all_members(page: Page) -> None:
    page.goto("/lineage/big/base")
    page.locator('[role="treeitem"][data-key="big/base ADAPTER"]').click()
    table = page.get_by_role("region", name="2,600 adapters of")
    table.get_by_role("searchbox").fill("adapter-000")  # ten of the least downloaded
    expect(table.get_by_role("status")).to_have_text("2,600 derivations in all, 10 have the text in their name.")
    expect(table.get_by_role("row")).to_have_count(11)
