"""Cards as authors write them: text in several forms, and what tries to cost more than it says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.card import MOST_ITEMS, Card, read


@pytest.mark.parametrize(
    "raw",
    [
        '{"base_model": ["a/b"], "license": "MIT", "language": ["en"], "datasets": ["d"]}',
        b'{"base_model": ["a/b"], "license": "MIT", "language": ["en"], "datasets": ["d"]}',
        "base_model:\n- a/b\nlicense: MIT\nlanguage:\n- en\ndatasets:\n- d\n",
        "\ufeff---\nbase_model: a/b\nlicense: MIT\nlanguage: en\ndatasets: d\n---\n# The card",
        json.dumps("base_model: a/b\nlicense: MIT\nlanguage: en\ndatasets: d").encode(),  # YAML text in a JSON row
        json.dumps(json.dumps({"base_model": "a/b", "license": "MIT", "language": "en", "datasets": "d"})).encode(),
        {"base_model": [["a/b"]], "license": ["MIT"], "language": "en", "datasets": [{"name": "d"}]},
    ],
)
def test_every_form_says_the_same(raw: bytes | str | dict[str, object]) -> None:
    assert read(raw) == Card(base_models=("a/b",), licence="mit", languages=("en",), datasets=("d",))


@pytest.mark.parametrize(
    ("raw", "languages"),
    [
        ("language: no", ("no",)),
        ("language: [en, no, yes]", ("en", "no", "yes")),
        (b'{"language": false}', ("no",)),
        ("language: EN", ("en",)),
    ],
)
def test_norwegian_is_a_language(raw: bytes | str, languages: tuple[str, ...]) -> None:
    assert read(raw).languages == languages


def test_what_is_no_text_is_given_to_be_judged() -> None:
    card = read(b'{"base_model": [12345, null, false, {"org/x": null}, "a/b", [], [["c/d"]]]}')
    assert card.base_models == ("12345", "false", "{org/x}", "a/b", "c/d")


def test_the_last_of_equal_keys_wins() -> None:
    assert read("license: mit\nlicense: apache-2.0").licence == "apache-2.0"


def test_relation_and_successor() -> None:
    card = read("base_model: a/b\nbase_model_relation: Quantized\nnew_version: a/c")
    assert (card.relation, card.new_version) == ("quantized", "a/c")


def test_dates_and_numbers_stay_as_written() -> None:
    assert read("base_model: 2024-01-31\ndatasets: [010, 1e5]") == Card(
        base_models=("2024-01-31",), datasets=("010", "1e5")
    )


_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("license: mit: x", "card-not-yaml"),
        ("base_model:\t- a", "card-not-yaml"),
        ("- a\n- b", "card-not-a-mapping"),
        ("just words", "card-not-a-mapping"),
        (_BOMB, "card-with-aliases"),
        ("x: " + "[" * 400 + "]" * 400, "card-too-deep"),
        ("x" * 1_000_001, "card-too-long"),
    ],
)
def test_a_card_that_cannot_be_read_says_why(raw: str, problem: str) -> None:
    assert read(raw) == Card(problem=problem)


@pytest.mark.parametrize("tag", ["", "!!int ", "!!float ", "!!timestamp ", "!!binary "])
def test_a_long_number_is_text(tag: str) -> None:
    """Sexagesimal numbers cost the square of their length when they are read as numbers: this would take minutes."""
    assert read(f"base_model: {tag}{'1:' * 300_000}1").base_models[0].startswith("1:1:")


def test_a_python_object_is_not_made() -> None:
    assert read("base_model: !!python/object/apply:os.getcwd []") == Card(problem="card-not-yaml")


def test_only_so_many_items_are_taken() -> None:
    assert len(read({"base_model": [f"a/{n}" for n in range(5_000)]}).base_models) == MOST_ITEMS


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_KEYS = st.sampled_from(["base_model", "base_model_relation", "datasets", "language", "license", "new_version", "x"])


@given(st.one_of(st.text(), st.binary(), st.dictionaries(_KEYS, _VALUES)))
def test_reading_never_raises_and_gives_text_that_can_be_written(raw: str | bytes | dict[str, object]) -> None:
    card = read(raw)
    for text in (*card.base_models, *card.datasets, *card.languages, card.licence or ""):
        assert text.encode() or text == ""


@given(st.dictionaries(_KEYS, _VALUES.filter(lambda value: value == value)))
def test_json_and_values_read_alike(values: dict[str, object]) -> None:
    try:
        text = json.dumps(values, allow_nan=False)
    except ValueError:
        return
    assert read(text.encode()) == read(json.loads(text))
