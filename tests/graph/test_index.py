"""The index is the same whether tables come from memory or from files; places and folded names are those of NumPy and Python."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from graph.frames import OnDisk, numbered
from graph.groups import Array, ordered
from graph.stores.arrays.names import folded
from graph.stores.embedded.index import build_beside, build_index
from tests.worlds import Row, alike, board, build, family, held, hub_rows

WIDE = np.iinfo(np.int64)


def same(one: Path, other: Path) -> bool:
    """Whether two indexes have the same files with the same values."""
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in other.iterdir())
    for path in one.iterdir():
        if path.suffix == ".arrow":  # what lies behind a null may differ
            tables = [pa.ipc.open_file(pa.memory_map(str(folder / path.name))).read_all() for folder in (one, other)]
            assert tables[0].equals(tables[1]), path.name
        elif path.suffix == ".json":
            assert json.loads(path.read_text()) == json.loads((other / path.name).read_text())
        else:
            assert path.read_bytes() == (other / path.name).read_bytes(), path.name
    return True


def test_an_index_made_while_writing_is_that_of_the_files(tmp_path: Path) -> None:
    head = build(tmp_path / "c", family(), results=board(), similar=alike(), tensors=held())
    assert same(build_index(head), build_beside(OnDisk(head), tmp_path))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=hub_rows())
def test_of_any_rows_too(rows: list[Row]) -> None:
    with TemporaryDirectory() as folder:
        head = build(Path(folder) / "c", rows)
        assert same(build_index(head), build_beside(OnDisk(head), Path(folder)))


@given(
    st.one_of(
        arrays(
            np.int64, array_shapes(max_dims=1, max_side=30), elements=st.sampled_from([WIDE.min, -1, 0, 7, WIDE.max])
        ),
        arrays(np.int32, array_shapes(max_dims=1, max_side=30), elements=st.integers(-3, 3)),
        arrays(
            np.float64, array_shapes(max_dims=1, max_side=30), elements=st.sampled_from([-np.inf, -0.0, 0.0, 1e-9, 2.5])
        ),
        st.just(np.empty(0, dtype=np.int64)),
    )
)
def test_places_in_order_are_those_of_a_stable_sort(values: Array) -> None:
    assert ordered(values).tolist() == np.argsort(values, kind="stable").tolist()


@given(st.lists(st.text(max_size=5)))
def test_names_fold_as_python_folds(names: list[str]) -> None:
    assert folded(pl.Series(names, dtype=pl.String)).to_list() == [name.lower() for name in names]


def test_numbers_of_names() -> None:
    ids = pl.Series(["a", "b", "c"])
    assert numbered(pl.Series(["c", "x", "a", "c"]), ids).tolist() == [2, -1, 0, 2]
