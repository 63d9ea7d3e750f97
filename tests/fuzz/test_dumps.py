"""Dumps that nobody meant: each is refused with a reason, or becomes a whole snapshot in which every row left out is counted."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.records import Direction
from graph.snapshot import Snapshot
from graph.store import EdgeFilter, Facet, ModelFilter
from graph.stores.embedded import open_snapshot
from ingest.dumps import ingest_dumps
from ingest.report import Report
from tests.fuzz.anything import REAL, VALUES, changed_rows

FUZZ = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
UNREADABLE = {"not-json", "not-an-object", "no-id", "bad-id", "not-a-model", "not-text", "line-too-long"}


def taken_in(folder: Path, content: bytes, name: str = "rows.jsonl") -> tuple[Report, Snapshot] | None:
    """What becomes of a file; None when it is refused. Nothing else may happen."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / name).write_bytes(content)
    catalogue = Catalogue(folder / "catalogue")
    try:
        report = ingest_dumps(catalogue, [folder / name], max_bad_fraction=1.0, processes=1)
    except BadInput:
        assert catalogue.head_id() is None
        return None
    snapshot = catalogue.head()
    snapshot.verify()
    told = Counter(snapshot.table("skipped")["reason"].to_pylist())
    assert told == Counter(dict(report.skipped))  # every reject counted, and to be read
    assert sum(told[reason] for reason in UNREADABLE) == report.bad_rows
    return report, snapshot


async def asked(snapshot: Snapshot) -> None:
    """Every question about every model."""
    store = await open_snapshot(snapshot)
    try:
        page = await store.find(ModelFilter(), first=100)
        ids = [model.id for model in page.models]
        assert await store.resolve(ids) == ids
        for id in ids:
            walk = await store.walk(id, Direction.BOTH, EdgeFilter(), 9, 100)
            assert walk.nodes[0].id == id
        await store.base_models(ids)
        await store.claims(ids)
        await store.facets(ModelFilter(), list(Facet))
        await store.coverage()
    finally:
        await store.close()


def in_order(rows: list[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@FUZZ
@given(changed_rows())
def test_changed_rows(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    found = taken_in(tmp_path / "run", in_order(rows))
    if found is None:  # so changed that it is no longer rows
        return
    report, snapshot = found
    assert report.rows == len(rows)
    anyio.run(asked, snapshot)
    again = taken_in(tmp_path / "again", in_order(list(reversed(rows))))
    assert again is not None
    assert again[1].id == snapshot.id


@FUZZ
@given(st.lists(VALUES, min_size=1, max_size=8))
def test_any_json(tmp_path: Path, values: list[Any]) -> None:
    found = taken_in(tmp_path / "run", in_order([REAL[0], *values]))
    assert found is not None
    assert found[0].rows == len(values) + 1


@FUZZ
@given(st.data())
def test_broken_bytes(tmp_path: Path, data: st.DataObject) -> None:
    packed = data.draw(st.sampled_from([lambda text: text, gzip.compress, zstandard.compress]))
    form = data.draw(st.sampled_from([in_order, lambda rows: json.dumps(rows).encode()]))
    content = bytearray(packed(form(REAL)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    taken_in(tmp_path / "run", bytes(content), data.draw(st.sampled_from(["rows.jsonl", "rows.json", "rows"])))


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    taken_in(tmp_path / "run", content)


TYPES = st.sampled_from(
    [pa.string(), pa.large_string(), pa.binary(), pa.int8(), pa.int64(), pa.uint64(), pa.float32(), pa.bool_(), pa.null(),
     pa.date32(), pa.timestamp("ns"), pa.timestamp("us", tz="Asia/Tokyo"), pa.time64("us"), pa.duration("s"), pa.decimal128(30, 2),
     pa.list_(pa.string()), pa.large_list(pa.string()), pa.list_(pa.int32()), pa.list_(pa.list_(pa.string())),
     pa.struct([("id", pa.string())]),
     pa.struct([("relation", pa.string()), ("models", pa.list_(pa.struct([("id", pa.string())])))]),
     pa.struct([("total", pa.float64()), ("parameters", pa.struct([("F16", pa.int64())]))]), pa.map_(pa.string(), pa.int64()),
     pa.dictionary(pa.int32(), pa.string())]
)  # fmt: skip
COLUMNS = [*sorted({name for row in REAL for name in row} - {"id"}), "unheard of"]


@st.composite
def odd_tables(draw: st.DrawFn) -> pa.Table:
    """A table with names, and other columns of types that no Hub ever had."""
    rows = draw(st.integers(0, 5))
    ids = draw(
        st.sampled_from(
            [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.int64()]
        )
    )
    names = [number if pa.types.is_integer(ids) else f"o/{number}" for number in range(rows)]
    columns = {"id": pa.array(names, ids.value_type).cast(ids) if pa.types.is_dictionary(ids) else pa.array(names, ids)}
    for name in draw(st.lists(st.sampled_from(COLUMNS), max_size=6, unique=True)):
        kind = draw(TYPES)
        columns[name] = pa.array([_value(draw, kind) for _ in range(rows)], kind)
    return pa.table(columns)


def _value(draw: st.DrawFn, kind: pa.DataType) -> Any:
    """A value of a type, or none; the ends of a type's range are likely."""
    if pa.types.is_null(kind) or draw(st.integers(0, 4)) == 0:
        return None
    if pa.types.is_dictionary(kind):
        return _value(draw, kind.value_type)
    if pa.types.is_map(kind):
        return [("F16", 7)]
    if pa.types.is_struct(kind):
        return {field.name: _value(draw, field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_value(draw, kind.value_type) for _ in range(draw(st.integers(0, 3)))]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return draw(
            st.sampled_from(["", "a/b", "{", '{"id": "a/b"}', '["x"]', "base_model: a/b", "2024-01-01", "\x00", "名前"])
        )
    if pa.types.is_binary(kind):
        return draw(st.binary(max_size=4))
    if pa.types.is_boolean(kind):
        return draw(st.booleans())
    if pa.types.is_floating(kind):
        return draw(st.floats(width=32))
    if pa.types.is_decimal(kind):
        return draw(st.integers(-(10**20), 10**20))
    bits = kind.bit_width
    low, high = (0, 2**bits - 1) if pa.types.is_unsigned_integer(kind) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if pa.types.is_time(kind):
        low, high = 0, 86_399_999_999
    return draw(st.one_of(st.sampled_from([low, 0, high]), st.integers(low, high)))


@FUZZ
@given(odd_tables(), st.sampled_from(["zstd", "snappy", "none"]))
@example(pa.table({"id": ["o/0"], "model-index": [["", ""]]}), "none")  # two left out for one reason are one line
def test_parquet_of_odd_types(tmp_path: Path, table: pa.Table, compression: str) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=compression)
    found = taken_in(tmp_path / "run", sink.getvalue().to_pybytes(), "table.parquet")
    if found is not None:
        assert found[0].rows == table.num_rows


@FUZZ
@given(st.data())
def test_broken_parquet(tmp_path: Path, data: st.DataObject) -> None:
    ids, tags = [f"o/{n}" for n in range(50)], [["x", f"base_model:o/{n + 1}"] for n in range(50)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": ids, "tags": tags}), sink)
    content = bytearray(sink.getvalue().to_pybytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(4, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    taken_in(tmp_path / "run", bytes(content), "table.parquet")
