"""The search in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from api.subset_views import from_address
from graph.subset.query import from_toml
from tests.explorer.axe import faults


def results(page: Page) -> list[str]:
    return page.locator(".results a.id").all_inner_texts()


def test_results_appear_as_you_type_and_the_address_holds_them(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("status")).to_have_text("178 models")
    page.get_by_role("searchbox").fill("zephyr-7b-beta")
    expect(page.get_by_role("link", name="HuggingFaceH4/zephyr-7b-beta", exact=True).first).to_be_visible()
    assert page.url.endswith("/?q=zephyr-7b-beta")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^\d models$"))
    assert not faults(page)


def test_facets_narrow_and_their_counts_are_what_comes(page: Page) -> None:
    page.goto("/")
    relations = page.get_by_role("group", name="Relation")
    count = relations.locator("label.facet", has_text="merge").locator(".count").inner_text()
    relations.get_by_label("merge").check()
    expect(page.get_by_role("status")).to_have_text(f"{count} models")
    assert page.url.endswith("?relation=merge")
    expect(relations.get_by_label("fine-tune")).to_be_visible()  # a facet's own choice does not narrow it
    page.get_by_role("group", name="Licence").get_by_label("cc-by-nc-4.0").check()
    expect(page.get_by_role("status")).to_have_text("1 model")
    page.get_by_role("link", name="Without relation merge").click()
    expect(page.get_by_role("status")).to_have_text("5 models")
    page.go_back()
    expect(page.get_by_role("status")).to_have_text("1 model")
    assert not faults(page)


def test_who_named_the_base_is_a_facet(page: Page) -> None:
    page.goto("/?relation=finetune")
    told = page.get_by_role("group", name="Base named by")
    row = told.locator("label.facet", has_text="the card")
    row.wait_for()
    count = row.locator(".count").inner_text()
    told.get_by_label("the card").check()
    expect(page.get_by_role("status")).to_have_text(re.compile(rf"^{count} models?$"))
    assert page.url.endswith("?relation=finetune&evidence=card")


def test_a_subset_of_the_view_is_counted_saved_and_had_again(page: Page, tmp_path: Path) -> None:
    page.goto("/?q=mistral&licence=apache-2.0&order=created")
    page.get_by_role("button", name="Make a subset").click()
    panel = page.get_by_role("region", name="A subset of this view")
    expect(panel.get_by_role("definition").first).to_have_text("57 that can be fetched")
    panel.get_by_role("spinbutton").fill("5")
    panel.get_by_role("spinbutton").press("Enter")
    expect(panel.get_by_role("definition").first).to_have_text("5 that can be fetched")
    panel.get_by_label("and all that they were made from").check()
    expect(panel.get_by_role("definition").first).not_to_have_text("5 that can be fetched")
    assert page.url.endswith("?q=mistral&licence=apache-2.0&order=created&limit=5&ancestors=1")
    models = int(panel.locator("dd strong").first.inner_text())
    with page.expect_download() as table:
        panel.get_by_role("link", name="CSV").click()
    table.value.save_as(tmp_path / "subset.csv")
    assert len((tmp_path / "subset.csv").read_text(encoding="utf-8").splitlines()) == models + 1
    with page.expect_download() as query:
        panel.get_by_role("button", name="Save subset.toml").click()
    query.value.save_as(tmp_path / "subset.toml")
    assert from_toml((tmp_path / "subset.toml").read_text(encoding="utf-8"), "q") == from_address(page.url)
    expect(panel.locator("pre")).to_have_text(f"stemma subset create '{page.url}'")
    assert not faults(page)
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)


def test_a_shared_address_is_the_same_view(page: Page, context: BrowserContext) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("mistral")
    page.get_by_label("Order").select_option("Newest")
    page.get_by_role("group", name="Licence").get_by_label("apache-2.0").check()
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("group", name="Columns").get_by_label("Created").check()
    expect(page.get_by_role("columnheader", name="Created")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("57 models")
    mine = results(page)
    other = context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("status")).to_have_text("57 models")
    expect(other.get_by_role("columnheader", name="Created")).to_be_visible()
    expect(other.get_by_role("searchbox")).to_have_value("mistral")
    expect(other.get_by_label("Order")).to_have_value("CREATED")
    assert results(other) == mine


def test_groups_fold_into_one_row_and_say_how_many(page: Page) -> None:
    page.goto("/?q=zephyr")
    expect(page.get_by_role("status")).to_have_text("14 models")
    page.get_by_label("Fold").select_option("One row a family")
    expect(page.get_by_role("status")).to_have_text("2 rows")
    expect(page.get_by_role("row", name="HuggingFaceH4/zephyr-7b-beta")).to_contain_text("+12 folded")
    assert page.url.endswith("?q=zephyr&fold=family")


def test_pages_go_on_and_back_without_loss(page: Page) -> None:
    page.goto("/")
    seen: list[str] = []
    for number in range(4):
        expect(page.locator(".results a.id")).to_have_count(50 if number < 3 else 28)
        seen += results(page)
        if number < 3:
            first = results(page)[0]
            page.get_by_role("link", name="Next 50").click()
            expect(page.locator(".results a.id").first).not_to_have_text(first)
    assert len(set(seen)) == len(seen) == 178
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(".results a.id").first).to_have_text(seen[100])
    page.get_by_role("link", name="First page").click()
    expect(page.locator(".results a.id").first).to_have_text(seen[0])


def test_nothing_found_says_what_to_do(page: Page) -> None:
    page.goto("/?q=no-such-model&task=fill-mask")
    expect(page.get_by_text("No model has “no-such-model” in its name")).to_be_visible()
    assert not faults(page)
    page.get_by_role("link", name="Begin anew").click()
    expect(page.get_by_role("status")).to_have_text("178 models")


def test_a_failing_service_is_told_and_tried_again(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("status")).to_have_text("178 models")
    page.route("**/graphql", lambda route: route.fulfill(json={"errors": [{"message": "the store is away"}]}))
    page.get_by_role("searchbox").fill("bert")
    expect(page.get_by_role("alert").first).to_contain_text("the store is away")
    page.unroute("**/graphql")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_have_count(2)  # of the facets and of the results
    again.last.click()
    expect(again).to_have_count(1)
    again.click()
    expect(page.get_by_role("link", name="google-bert/bert-base-uncased", exact=True).first).to_be_visible()


def test_the_keyboard_is_enough(page: Page) -> None:
    page.goto("/compare")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.goto("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("zephyr-7b-beta")
    expect(page.locator(".results a.id").first).to_have_text("HuggingFaceH4/zephyr-7b-beta")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".results a.id").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".results a.id").nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="HuggingFaceH4/zephyr-7b-beta")).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Compare" and page.evaluate(
            "document.activeElement.tagName === 'BUTTON'"
        ):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Models to compare")).to_be_visible()


def test_on_a_small_screen_the_usual_columns_have_room(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("columnheader", name="Downloads")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    every = "made,novelty,ability,task,library,licence,parameters,created,modified,derived,likes,trending,downloads"
    page.goto(f"/?columns={every}")
    expect(page.get_by_role("columnheader", name="Trending")).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") == 1280  # the table scrolls, not the page
    assert not faults(page)


def test_on_a_phone_nothing_sticks_out(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for address in (
        "/",
        "/?q=mistral",
        "/models/mistralai/Mistral-7B-v0.1",
        "/compare?id=gpt2&id=google-bert/bert-base-uncased",
    ):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
        assert not faults(page), address
