"""Rows of the Hub's API and of its client, and rows with a field that is not what it should be."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rows import BaseModelRow, BaseModelsRow, HubRow, SiblingRow, Unreadable, decode, encode


def test_both_spellings_of_a_row() -> None:
    api, _ = decode(b'{"_id": "1", "id": "a/b", "createdAt": "2025-01-01", "downloadsAllTime": 3, "trendingScore": 1}')
    client, _ = decode(
        b'{"_id": "1", "id": "a/b", "created_at": "2025-01-01", "downloads_all_time": 3, "trending_score": 1}'
    )
    assert (api.createdAt, api.downloadsAllTime, api.trendingScore) == ("2025-01-01", 3, 1.0)
    assert (client.created_at, client.downloads_all_time, client.trending_score) == ("2025-01-01", 3, 1.0)


def test_absent_null_and_said_are_three_things() -> None:
    assert decode(b'{"id": "a/b"}')[0].baseModels is msgspec.UNSET
    assert decode(b'{"id": "a/b", "baseModels": null}')[0].baseModels is None
    assert decode(b'{"id": "a/b", "baseModels": {"relation": "merge", "models": [{"id": "c/d"}]}}')[0].baseModels == (
        BaseModelsRow("merge", [BaseModelRow("c/d")])
    )


@pytest.mark.parametrize(
    ("field", "dropped"),
    [
        ('"downloads": "many"', "downloads"),
        ('"likes": [1]', "likes"),
        ('"createdAt": {"$date": 1}', "createdAt"),
        ('"tags": "a, b"', "tags"),
        ('"tags": ["a", 5, "b"]', "tags[]"),
        ('"pipeline_tag": 7', "pipeline_tag"),
        ('"safetensors": {"total": "x", "parameters": {"BF16": 5, "F32": "y"}}', "safetensors.parameters.F32"),
        ('"baseModels": {"relation": "merge", "models": [{"id": 5}, {"id": "c/d"}]}', "baseModels.models[]"),
        ('"siblings": [{"size": 5}, {"rfilename": "a.bin"}]', "siblings[]"),
    ],
)
def test_a_wrong_field_is_dropped_and_named_and_the_row_kept(field: str, dropped: str) -> None:
    row, paths = decode(b'{"id": "a/b", "sha": "5", %s}' % field.encode())
    assert (row.id, row.sha) == ("a/b", "5")
    assert dropped in paths


def test_what_is_right_inside_a_wrong_field_is_kept() -> None:
    row, _ = decode(
        b'{"id": "a/b", "likes": [], "tags": ["a", 5, "b"], "baseModels": {"relation": "merge", "models": [{"id": 5}, '
        b'{"id": "c/d"}, "e/f"]}, "siblings": [3, "x", {"rfilename": "y"}], "safetensors": {"total": 7, "parameters": 3}, '
        b'"cardData": {"license": "mit"}}'
    )
    assert row.tags == ["a", "b"]
    assert row.baseModels == BaseModelsRow("merge", [BaseModelRow("c/d"), "e/f"])
    assert row.siblings == ["x", SiblingRow("y")]
    assert row.safetensors is not None
    assert row.safetensors.total == 7
    assert bytes(row.cardData) == b'{"license":"mit"}' if isinstance(row.cardData, msgspec.Raw) else False


@pytest.mark.parametrize(
    "raw", [b'{"id": "a/b", "trendingScore": NaN, "likes": 3}', rb'{"id": "a/b", "sha": "\ud800", "likes": 3}']
)
def test_json_as_python_writes_it(raw: bytes) -> None:
    row, _ = decode(raw)
    assert (row.id, row.likes) == ("a/b", 3)
    assert row.trendingScore is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not-json"),
        (b'{"id": "a/b"', "not-json"),
        (b'{"id": "a/b"} x', "not-json"),
        (b'\xff{"id": 1}', "not-json"),
        (b"[" * 100_000, "not-json"),
        (b'{"a":' * 100_000, "not-json"),
        (b'["a"]', "not-an-object"),
        (b'"a/b"', "not-an-object"),
        (b"null", "not-an-object"),
    ],
)
def test_what_is_no_row_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(raw)
    assert caught.value.reason == reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([field.encode_name for field in msgspec.structs.fields(HubRow)]), _JSON))
def test_any_object_is_a_row(value: dict[str, object]) -> None:
    row, dropped = decode(json.dumps(value).encode())
    assert {name.split(".")[0].split("[")[0] for name in dropped} <= set(value)
    assert row.id is None or isinstance(row.id, str)


@given(st.dictionaries(st.text(), _JSON | st.floats()))
def test_encoding_gives_what_can_be_decoded(value: dict[str, object]) -> None:
    assert isinstance(decode(encode(value))[0], HubRow)
