"""The lineage in a real browser: what is opened, counted, led to, shared and taken away."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

from playwright.sync_api import Locator, Page, expect

from tests.explorer.axe import faults

ROOT = "mistralai/Mistral-7B-v0.1"
TUNED = "HuggingFaceH4/zephyr-7b-beta"
ADDRESS = f"/lineage/{ROOT}"


def items(page: Page) -> Locator:
    return page.get_by_role("tree").get_by_role("treeitem")


def card(page: Page, key: str) -> Locator:
    return page.locator(f'[role="treeitem"][data-key="{key}"]')


def saved(page: Page, kind: str, folder: Path) -> bytes:
    page.get_by_text("Save", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=kind, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path.read_bytes()


def test_forks_open_in_place_and_fold(page: Page) -> None:
    page.goto(ADDRESS)
    expect(card(page, ROOT)).to_have_attribute("aria-expanded", "true")
    before = items(page).count()
    said = card(page, TUNED).get_attribute("aria-label")
    assert said is not None
    assert "7 descendants not drawn" in said
    card(page, TUNED).locator(".switch-of").click()
    expect(card(page, TUNED)).to_have_attribute("aria-expanded", "true")
    expect(card(page, f"{TUNED} QUANTIZED")).to_be_visible()
    once = items(page).count()
    card(page, "mistralai/Mistral-7B-Instruct-v0.1").locator(".switch-of").click()
    expect(card(page, "mistralai/Mistral-7B-Instruct-v0.1 QUANTIZED")).to_be_visible()
    twice = items(page).count()
    assert before < once < twice
    assert not faults(page)
    shared = page.url
    card(page, TUNED).locator(".switch-of").click()
    expect(card(page, f"{TUNED} QUANTIZED")).to_have_count(0)
    page.goto(shared)
    expect(items(page)).to_have_count(twice)


def test_counts_are_those_that_graphql_gives(page: Page) -> None:
    page.goto(ADDRESS)
    expect(card(page, ROOT)).to_be_visible()
    query = "query($id: ID!) { model(id: $id) { totalDescendants derivedCounts { relation count } } }"
    answer = page.request.post("/graphql", data={"query": query, "variables": {"id": ROOT}}).json()["data"]["model"]
    expect(page.get_by_role("status").first).to_contain_text(f"{answer['totalDescendants']} descendants")
    drawn: dict[str, int] = {}
    for label in items(page).evaluate_all(
        "all => all.map(each => [each.dataset.key, each.getAttribute('aria-label')])"
    ):
        key, words = label
        if key.startswith(f"{ROOT} "):
            drawn[key.split(" ")[1]] = drawn.get(key.split(" ")[1], 0) + int(re.sub(r"\D.*", "", words))
        elif key != ROOT:
            kind = {"fine-tune": "FINETUNE", "merge": "MERGE", "relation not told": "UNKNOWN"}[
                words.split(", ")[1].split(" · ")[0]
            ]
            drawn[kind] = drawn.get(kind, 0) + 1
    assert drawn == {row["relation"]: row["count"] for row in answer["derivedCounts"]}


def test_a_crowd_opens_as_a_table(page: Page, tmp_path: Path) -> None:
    page.goto(ADDRESS)
    card(page, f"{ROOT} QUANTIZED").click()
    table = page.get_by_role("region", name="quantised copies of")
    expect(table.get_by_role("row")).to_have_count(11)
    with page.expect_download() as waiting:
        table.get_by_role("button", name="CSV").click()
    path = tmp_path / "members.csv"
    waiting.value.save_as(path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert {row["base_model"] for row in rows} == {ROOT}
    table.get_by_role("searchbox").fill("bartowski")
    left = sum("bartowski" in row["model"] for row in rows)
    expect(table.get_by_role("row")).to_have_count(left + 1)
    assert not faults(page)
    table.get_by_role("button", name="Draw these").click()
    expect(card(page, f"{ROOT} QUANTIZED")).to_have_attribute("aria-label", re.compile(f"^{10 - left} more"))
    expect(page.locator('[role="treeitem"][aria-label^="bartowski"]')).not_to_have_count(0)


def test_the_way_between_two_models(page: Page) -> None:
    page.goto(f"/lineage/{TUNED}")
    page.get_by_role("combobox", name="Find a model in this lineage").fill("gemma-7b")
    page.get_by_role("option", name="google/gemma-7b", exact=True).click()
    details = page.get_by_role("region", name="About google/gemma-7b")
    details.get_by_role("button", name="Path from").click()
    way = page.locator(".way")
    expect(way).to_contain_text("3 derivations apart")
    expect(page.locator(".card.path")).to_have_count(4)
    shared = page.url
    page.goto(shared)
    expect(page.locator(".card.path")).to_have_count(4)
    page.goto(f"/lineage/{TUNED}?path=google-bert/bert-base-uncased")
    expect(way).to_contain_text("not related")


def test_the_keyboard_is_enough(page: Page) -> None:
    page.goto(ADDRESS)
    expect(card(page, ROOT)).to_be_visible()
    card(page, ROOT).focus()
    active = page.locator('[role="treeitem"]:focus')
    page.keyboard.press("ArrowRight")
    expect(active).to_have_attribute("data-key", TUNED)
    expect(active).to_have_attribute("aria-posinset", "1")
    page.keyboard.press("ArrowRight")
    expect(active).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    expect(active).to_have_attribute("aria-level", "3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    expect(active).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(active).to_have_attribute("aria-posinset", "2")
    page.keyboard.press("End")
    expect(active).to_have_attribute("data-key", f"{ROOT} QUANTIZED")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name=f"About {ROOT}")).to_be_visible()


def test_what_is_drawn_can_be_taken_away(page: Page, tmp_path: Path) -> None:
    page.goto(f"{ADDRESS}?open={TUNED}")
    expect(card(page, f"{TUNED} QUANTIZED")).to_be_visible()
    drawn = json.loads(saved(page, "JSON", tmp_path))
    assert {ROOT, TUNED} <= {node["id"] for node in drawn["nodes"]}
    assert drawn["snapshot"]
    graph = ElementTree.fromstring(saved(page, "GraphML", tmp_path))
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert len(list(graph.iter(f"{space}node"))) == len(drawn["nodes"])
    assert len(list(graph.iter(f"{space}edge"))) == len(drawn["edges"])
    picture = ElementTree.fromstring(saved(page, "SVG", tmp_path))
    assert len([each for each in picture.iter() if each.get("role") == "treeitem"]) == items(page).count()
    assert saved(page, "PNG", tmp_path).startswith(b"\x89PNG")


def test_by_date_and_as_a_list(page: Page) -> None:
    page.goto(ADDRESS)
    page.get_by_label("By date").check()
    rows = items(page).evaluate_all("all => all.map(each => each.getBoundingClientRect().y)")
    assert len(set(rows)) == len(rows)
    page.get_by_role("button", name="List", exact=True).click()
    listed = page.get_by_role("region", name="What is drawn, as a list")
    expect(listed.get_by_role("row", name=TUNED)).to_be_visible()
    assert "by=date" in page.url
    assert not faults(page)


def test_a_model_that_is_not_there(page: Page) -> None:
    page.goto("/lineage/no/such-model")
    expect(page.get_by_role("heading", name="No such model")).to_be_visible()
