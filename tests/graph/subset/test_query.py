"""Query files: what they may say, how wrong ones are told of, and their one normal form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import BadInput
from graph.records import Evidence
from graph.store import Order
from graph.subset.lock import canonical
from graph.subset.query import COLLAPSES, STATES, Named, Query, Take, Where, from_toml, to_toml

WHOLE = """
title = "All of it"
[where]
text = "mistral"
task = "text-generation"
licence = ["MIT", "apache-2.0", "mit"]
parameters = "1B..8B"
created = "2023..2024-06"
novelty = "40.."
[take]
order = "likes"
limit = 10
collapse = "copies"
ancestors = true
[[include]]
model = "b/two"
reason = "asked for"
[[include]]
model = "a/one"
reason = "asked for"
"""


def test_a_whole_query() -> None:
    query = from_toml(WHOLE, "q")
    assert query.where is not None
    assert (query.where.task, query.where.licence, query.where.state) == (
        ("text-generation",),
        ("apache-2.0", "mit"),
        STATES,
    )
    assert (query.where.parameters_min, query.where.parameters_max) == (10**9, 8 * 10**9)
    assert (query.where.created_from, query.where.created_until) == (
        "2023-01-01T00:00:00.000Z",
        "2024-07-01T00:00:00.000Z",
    )
    assert (query.where.novelty_min, query.where.novelty_max) == (40, None)
    assert query.take == Take("likes", 10, "copies", ancestors=True)
    assert [named.model for named in query.include] == ["a/one", "b/two"]


def test_later_filters_are_in_the_digest_only_where_they_are_asked_for() -> None:
    without = from_toml("[where]\ntext = 'a'", "q")
    asked = from_toml("[where]\nevidence = 'weights'\ndomain = ['vision', 'code', 'code']", "q")
    assert asked.where is not None
    assert asked.where.filter().evidence == (Evidence.WEIGHTS,)
    assert asked.where.filter().domains == ("code", "vision")
    assert from_toml(to_toml(asked), "q") == asked
    for name in (b"evidence", b"domain"):
        assert (name in canonical(without), name in canonical(asked)) == (False, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[where]\nevidence = 'hearsay'", "hub, card, tag, config, weights"),
        ("[where]\nlicense = 'mit'", "unknown key where.license: did you mean licence?"),
        ("[take]\nhow = 1", "unknown key take.how: known are order"),
        ("wher = 1", "did you mean where?"),
        ("where = 1", "make it a table"),
        ("[where]\nparameters = 7", 'write a range as text, such as "1..5"'),
        ("[where]\nparameters = 'x'", "7B, 350M"),
        ("[where]\nparameters = '8B..1B'", "lower end first"),
        ("[where]\nstate = 'missing'", "listed, gated, gone"),
        ("[where]\ntask = [1]", "where: Expected `str`"),
        ("[where]\n[take]\norder = 'best'", "take.order is 'best'"),
        ("[where]\n[take]\nlimit = 0", "give 1 or more"),
        ("[where]\n[take]\nlimit = 9999999", "most allowed is 1000000"),
        ("[where]\n[take]\nancestors = 1", "Expected `bool`"),
        ("", "asks for nothing"),
        ("include = 'a'", "write [[include]]"),
        ("[[include]]\nmodel = 'a/b'", "no reason"),
        ("[[include]]\nmodel = 'a/b'\nreason = ' '", "no reason"),
        (
            "[[include]]\nmodel = 'a'\nreason = 'b'\n[[exclude]]\nmodel = 'a'\nreason = 'b'",
            "both included and excluded",
        ),
        ("[[include]]\nmodel = 'a'\nreason = 'b'\n[[include]]\nmodel = 'a'\nreason = 'b'", "twice"),
        ("[where", "not TOML"),
        ("[where]\nnovelty = '1..200'", "from 0 to 100"),
        ("[where]\ncreated = 'soon'", "2024-06"),
    ],
)
def test_wrong_queries_are_told_by_key(text: str, said: str) -> None:
    with pytest.raises(BadInput) as told:
        from_toml(text, "q.toml")
    assert said in str(told.value)
    assert str(told.value).startswith(("q.toml", "take.limit"))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)
LISTS = st.lists(WORDS, max_size=3).map(tuple)
NAMED = st.lists(st.builds(Named, WORDS, WORDS), max_size=3, unique_by=lambda named: named.model).map(tuple)
WHERE = st.builds(
    Where,
    text=st.none() | WORDS,
    task=LISTS,
    licence=LISTS,
    dataset=st.none() | WORDS,
    parameters_min=st.none() | st.integers(0, 2**40),
    parameters_max=st.none() | st.integers(2**40, 2**52),
    created_from=st.none() | st.just("2023-01-01T00:00:00.250Z"),
    novelty_min=st.none() | st.floats(0, 50),
)
QUERIES = st.builds(
    Query,
    title=st.none() | WORDS,
    where=WHERE,
    take=st.builds(
        Take,
        order=st.sampled_from([order.value for order in Order]),
        limit=st.none() | st.integers(1, 1000),
        collapse=st.sampled_from(COLLAPSES),
        ancestors=st.booleans(),
        descendants=st.booleans(),
    ),
    include=NAMED,
)


@given(QUERIES)
def test_normal_form_is_stable_and_reads_back(query: Query) -> None:
    normal = query.checked()
    assert normal.checked() == normal
    assert from_toml(to_toml(normal), "q") == normal
