"""The page of a model, the comparison and GraphiQL in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from api.explorer import EDITOR
from tests.explorer.axe import faults
from tests.explorer.screenshots import MOST_CLICKS, QUESTIONS, Question, ask

ZEPHYR = "HuggingFaceH4/zephyr-7b-beta"
MERGED = "MatteoKhan/MistralGemma-7B-Merged"


def test_a_model_found_by_searching_tells_what_it_is(page: Page) -> None:
    page.goto("/?q=zephyr")
    page.get_by_role("link", name=ZEPHYR, exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ZEPHYR)
    expect(page).to_have_title(f"{ZEPHYR} – Stemma")
    expect(page.get_by_role("main")).to_be_focused()
    expect(page.get_by_text("A fine-tune of mistralai/Mistral-7B-v0.1; text-generation, mit.")).to_be_visible()
    expect(page.get_by_text("hf download HuggingFaceH4/zephyr-7b-beta --revision b70e0c9a2d9e14bd")).to_be_visible()
    expect(page.get_by_role("region", name="May I use it?")).to_contain_text("yes, with their notices kept")
    derived = page.get_by_role("region", name="Made from it: 7 directly")
    derived.get_by_role("button", name="quantised versions 5").click()
    expect(derived.locator("tbody tr")).to_have_count(5)
    page.wait_for_load_state("networkidle")
    assert not faults(page)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_new_users_question_is_answered_within_three_clicks(page: Page, question: Question) -> None:
    said = {
        "question-copy": "Yes: the same weights, quantised.",
        "question-instead": "mistralai/Mistral-7B-Instruct-v0.1, the most used",
        "question-work": "Not for commercial use",
    }
    ask(page, question)
    assert len(question.clicks) <= MOST_CLICKS
    expect(page.get_by_role("list", name="In short")).to_contain_text(said[question.name])
    page.wait_for_load_state("networkidle")
    assert not faults(page)


def test_conflicts_stand_in_plain_words(page: Page) -> None:
    page.goto(f"/models/{MERGED}")
    expect(page.get_by_text("mistralai/Mistral-7B-v0.1 is named by card but not by tag")).to_be_visible()
    assert not faults(page)


@pytest.mark.parametrize("spelling", ["huggingfaceh4/ZEPHYR-7b-beta", "bert-base-uncased"])
def test_other_spellings_and_former_names_lead_to_the_model(page: Page, spelling: str) -> None:
    page.goto(f"/models/{spelling}")
    wanted = ZEPHYR if "ZEPHYR" in spelling else "google-bert/bert-base-uncased"
    expect(page.get_by_role("heading", level=1)).to_have_text(wanted)
    page.wait_for_url(f"**/models/{wanted}")


def test_an_unknown_model_and_an_unknown_page_are_told(page: Page) -> None:
    page.goto("/models/nobody/nothing")
    expect(page.get_by_role("heading", name="No model has this name")).to_be_visible()
    page.goto("/somewhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert not faults(page)


def test_models_put_aside_are_compared(page: Page) -> None:
    page.goto("/?q=7b")
    page.get_by_label(f"Compare {ZEPHYR}", exact=True).check()
    page.get_by_label("Compare teknium/OpenHermes-2.5-Mistral-7B", exact=True).check()
    page.get_by_role("link", name="Compare 2 models").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 models compared")
    related = page.get_by_role("region", name="How they are related")
    expect(related).to_contain_text("Nearest common ancestor: mistralai/Mistral-7B-v0.1")
    expect(related).to_contain_text("2 derivations apart")
    expect(page.get_by_role("row", name="Task text-generation text-generation")).to_be_visible()
    page.get_by_label("Only where they differ").check()
    expect(page.get_by_role("row", name="Task text-generation text-generation")).to_have_count(0)
    expect(page.get_by_role("row", name="Licence (differs) mit apache-2.0")).to_be_visible()
    page.get_by_role("combobox", name="Add a model").fill("mistral-7b-v0.1-gptq")
    page.get_by_role("option", name="TheBloke/Mistral-7B-v0.1-GPTQ").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("3 models compared")
    page.get_by_role("combobox", name="Add a model").fill("distilbert-base-uncased")
    expect(page.locator(".model-box").get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("4 models compared")
    assert not faults(page)


def test_old_names_are_compared_under_the_models_own(page: Page) -> None:
    page.goto("/compare?id=bert-base-uncased&id=huggingfaceh4/ZEPHYR-7b-beta")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 models compared")
    page.wait_for_url("**/compare?id=google-bert%2Fbert-base-uncased&id=HuggingFaceH4%2Fzephyr-7b-beta")


def test_the_graphql_of_a_view_can_be_seen_and_answers(page: Page) -> None:
    page.goto(f"/models/{ZEPHYR}")
    expect(page.get_by_role("heading", level=1)).to_have_text(ZEPHYR)
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="GraphQL of this view").click()
    dialog = page.get_by_role("dialog", name="GraphQL of this view")
    expect(dialog.get_by_role("heading", name="ModelPage")).to_be_visible()
    assert not faults(page)
    text = dialog.get_by_label("Document of ModelPage").inner_text()
    variables = json.loads(dialog.get_by_label("Variables of ModelPage").inner_text())
    answer = page.request.post("/graphql", data={"query": text, "variables": variables}).json()
    assert answer["data"]["model"]["id"] == ZEPHYR


def assert_executed(page: Page, query: str, answer: str) -> None:
    """The document with these words is in the editor, and its answer has those."""
    expect(page.locator(".graphiql-query-editor .view-lines")).to_contain_text(query)  # a click before runs nothing
    page.get_by_role("button", name="Execute query").click()
    expect(page.locator(".result-window")).to_contain_text(answer)


@pytest.mark.skipif(not (EDITOR / "index.html").exists(), reason="GraphiQL is not built: make web")
def test_graphiql_answers_offline(page: Page) -> None:
    page.goto("/graphql")
    assert_executed(page, "totalDescendants", '"totalDescendants": 77')
    assert [each for each in faults(page) if each[1] == "critical"] == []


@pytest.mark.skipif(not (EDITOR / "index.html").exists(), reason="GraphiQL is not built: make web")
def test_a_document_is_handed_over_to_graphiql(page: Page) -> None:
    page.goto("/graphql#query=query Mine { catalogue { derivations } }")
    assert_executed(page, "query Mine", '"derivations": 178')


def test_examples_are_answered_without_error(page: Page) -> None:
    folder = Path(EDITOR).parent / "examples"
    examples = sorted(folder.glob("*.graphql"))
    assert examples
    page.goto("/")
    for path in examples:
        answer = page.request.post("/graphql", data={"query": path.read_text(encoding="utf-8")}).json()
        assert "errors" not in answer, (path.name, answer["errors"])
        assert all(value for value in answer["data"].values()), path.name


def test_light_and_dark_are_both_legible(page: Page) -> None:
    page.goto(f"/models/{MERGED}")
    expect(page.get_by_role("heading", level=1)).to_have_text(MERGED)
    for theme in ("dark", "light"):
        page.get_by_label("Colours").select_option(theme)
        assert not faults(page), theme
    page.get_by_label("Colours").select_option("dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
