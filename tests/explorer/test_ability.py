"""The plot of abilities in a real browser, on a catalogue with results: axes, task, frontier, tables, address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.explorer.axe import faults
from tests.explorer.service import service
from tests.worlds import build, model

SIZES = (1, 3, 7, 13, 70)
BENCHMARKS = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[str]:
    """
    Of each size in billions: a/NB-0 .. a/NB-3, the higher the better, and larger ones better too; but 13B are worse than 7B.
    The last of each is of another task; a year for each size. One more has results and no size, one has no results.
    """
    rows, results = [], []
    for place, size in enumerate(SIZES):
        for number in range(4):
            id = f"a/{size}B-{number}"
            task = "fill-mask" if number == 3 else "text-generation"
            made = f"{2022 + place}-0{4 + number}-01T00:00:00Z"  # the Hub has no earlier dates
            more: dict[str, Any] = {"safetensors": {"total": size * 10**9}, "pipeline_tag": task, "createdAt": made}
            rows.append(model(id, downloads=place, **more))
            height = 0.15 * (1 if size == 13 else place + 1) + 0.02 * number
            results += [
                (id, name, height + 0.01 * (shift * (number + place) % 3)) for shift, name in enumerate(BENCHMARKS)
            ]
    rows += [model("a/unsized", createdAt="2023-01-01T00:00:00Z"), model("a/quiet", safetensors={"total": 10**9})]
    results += [("a/unsized", name, 0.5) for name in BENCHMARKS]
    folder = tmp_path_factory.mktemp("able")
    build(folder, rows, results=results)
    with service("serve", folder) as found:
        yield found


def frontier(page: Page) -> list[str]:
    return page.get_by_role("region", name="The frontier").locator("a.id").all_inner_texts()


@pytest.fixture
def plot(page: Page, context: BrowserContext, measured: str) -> Page:
    """A page that may ask that service."""
    context.route(re.compile(re.escape(measured)), lambda route: route.continue_())
    page.goto(f"{measured}/ability")
    return page


def test_against_parameters_with_the_frontier(plot: Page) -> None:
    picture = plot.get_by_role("img", name=re.compile("^Ability of 20 models against their parameters"))
    expect(picture).to_be_visible()
    expect(picture.locator("circle.point")).to_have_count(20)
    assert frontier(plot) == ["a/1B-3", "a/3B-3", "a/7B-3", "a/70B-3"]
    expect(picture.locator("circle.best")).to_have_count(4)
    assert {"1B", "10B"} <= set(picture.locator("text.middle").all_inner_texts()) | set(
        picture.locator("text.middle").all_text_contents()
    )
    expect(plot.get_by_role("status")).to_have_text("20 models of 21 measured")
    assert not faults(plot)


def test_a_task_and_the_date_are_in_the_address(plot: Page, context: BrowserContext) -> None:
    plot.get_by_label("Task").select_option("fill-mask")
    expect(plot.locator("circle.point")).to_have_count(5)
    plot.get_by_role("button", name="Date").click()
    expect(plot.get_by_role("button", name="Date")).to_have_attribute("aria-pressed", "true")
    expect(plot).to_have_url(re.compile(r"/ability\?task=fill-mask&against=date$"))
    expect(plot.get_by_role("img", name=re.compile("for fill-mask against the date"))).to_be_visible()
    expect(plot.locator("circle.point")).to_have_count(5)
    shown = frontier(plot)
    other = context.new_page()
    other.goto(plot.url)
    expect(other.locator("circle.point")).to_have_count(5)
    assert frontier(other) == shown == ["a/1B-3", "a/3B-3", "a/7B-3", "a/70B-3"]
    plot.get_by_label("Task").select_option("all")
    expect(plot.locator("circle.point")).to_have_count(21)  # what has no size has a date
    plot.go_back()
    expect(plot.locator("circle.point")).to_have_count(5)
    assert not faults(plot)


def test_the_point_under_the_pointer_is_named_and_opened(plot: Page) -> None:
    best = plot.locator("circle.best").first
    best.hover(force=True)
    expect(plot.locator(".said")).to_contain_text("a/70B-3")
    plot.mouse.down()
    plot.mouse.up()
    expect(plot.get_by_role("heading", name="a/70B-3")).to_be_visible()


def test_the_tables_hold_the_same_without_a_pointer(plot: Page) -> None:
    every = plot.locator("summary", has_text="All 20 models drawn")
    every.focus()
    plot.keyboard.press("Enter")
    table = plot.locator("details table")
    expect(table.locator("tbody tr")).to_have_count(20)
    expect(table.get_by_role("row", name="a/7B-3")).to_contain_text("7B")
    assert not faults(plot)
    table.get_by_role("link", name="a/7B-3").press("Enter")
    expect(plot.get_by_role("heading", name="a/7B-3")).to_be_visible()
    expect(plot.get_by_role("table", name="Ability by domain")).to_contain_text("knowledge")
    assert not faults(plot)


def test_on_a_phone_nothing_sticks_out(plot: Page) -> None:
    plot.set_viewport_size({"width": 360, "height": 740})
    expect(plot.locator("circle.point")).to_have_count(20)
    assert plot.evaluate("document.documentElement.scrollWidth") <= 360
    assert not faults(plot)


def test_a_catalogue_without_results_says_what_to_do(page: Page) -> None:
    page.goto("/ability")
    expect(page.get_by_text("stemma ingest results TABLE.csv")).to_be_visible()
    assert not faults(page)
