"""The forms of tables: one table in any of them is one dataset; what a form cannot carry is refused or warned of."""

import io
import warnings
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelbus.client.frames import rows_body, shape_of, written
from modelbus.client.json_bytes import json_of
from modelbus.errors import TableWarning, UnfitTable
from tests.unit.ingesting import ingested

SPAN = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - the zone is drawn
CELLS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "whole": (pa.int64(), st.integers(-(2**53), 2**53)),
    "small": (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "real": (pa.float64(), st.floats(allow_nan=False, width=32)),
    "flag": (pa.bool_(), st.booleans()),
    "text": (pa.string(), st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=5)),
    "day": (pa.date32(), st.dates(date(1900, 1, 1), date(2200, 1, 1))),
    "moment": (pa.timestamp("us"), st.datetimes(*SPAN)),
    "zoned": (pa.timestamp("us", "UTC"), st.datetimes(*SPAN, timezones=st.just(UTC))),
    "kind": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["red", "blue"])),
    "grade": (pa.dictionary(pa.int32(), pa.int64()), st.sampled_from([30, 7])),
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    names = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4, unique=True))
    count = draw(st.integers(1, 6))
    columns = {}
    for name in names:
        kind, cells = CELLS[name]
        values = draw(st.lists(st.none() | cells, min_size=count, max_size=count))
        value_type = kind.value_type if pa.types.is_dictionary(kind) else kind
        column = pa.array(values, value_type)
        columns[name] = column.dictionary_encode() if pa.types.is_dictionary(kind) else column
    return pa.table(columns)


def as_pandas(table: pa.Table) -> pd.DataFrame:
    whole = {pa.int64(): pd.Int64Dtype(), pa.int16(): pd.Int16Dtype(), pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=whole.get)


def as_polars(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def as_rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def dataset_of(folder: Path, table: Any) -> tuple[Any, ...]:
    """What the evaluator makes of a table: its columns, and its cells."""
    with written(table) as (file, media_type):
        found, cells = ingested(folder, file.read(), file_name=None, media_type=media_type)
    return [(column.name, column.type) for column in found.columns], found.sha256, cells


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables())
def test_a_table_of_any_library_is_the_same_dataset(tmp_path: Path, table: pa.Table) -> None:
    expected = dataset_of(tmp_path, table)
    assert dataset_of(tmp_path, as_pandas(table)) == expected
    assert dataset_of(tmp_path, as_polars(table)) == expected
    if all(column.null_count < len(column) for column in table.columns):
        assert dataset_of(tmp_path, as_rows(table)) == expected


def _cells(body: dict[str, Any]) -> list[dict[str, Any]]:
    if "rows" in body:
        return list(body["rows"])
    if "columns" in body:
        return [dict(zip(body["columns"], row, strict=True)) for row in body["data"]]
    return [dict(zip(body["data"], row, strict=True)) for row in zip(*body["data"].values(), strict=True)]


@settings(max_examples=50, deadline=None)
@given(table=tables())
def test_rows_of_any_library_are_the_same_request(table: pa.Table) -> None:
    expected = json_of(_cells(rows_body(table)))
    assert json_of(_cells(rows_body(as_polars(table)))) == expected
    assert json_of(_cells(rows_body(as_rows(table)))) == expected
    assert json_of(_cells(rows_body(as_pandas(table)))) == expected


def _sent(table: Any) -> pa.Table:
    with written(table) as (file, _):
        return pq.read_table(io.BytesIO(file.read()))


LABELS = pd.Categorical.from_codes([1, 0, -1], categories=["low", "high"])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series(LABELS), ["high", "low", None]),
        (pd.Series(pd.Categorical([30, 7, None])), [30, 7, None]),
        (pd.Series(pd.Categorical([True, False, None])), [True, False, None]),
        (pd.Series(pd.Categorical(["b", "a", None], categories=["b", "a"], ordered=True)), ["b", "a", None]),
        (pl.Series(["b", "a", None], dtype=pl.Categorical), ["b", "a", None]),
        (pl.Series(["b", "a", None], dtype=pl.Enum(["b", "a"])), ["b", "a", None]),
        (pa.array(["b", "a", None]).dictionary_encode(), ["b", "a", None]),
        (pa.array([30, 7, None]).dictionary_encode(), [30, 7, None]),
    ],
)
def test_categories_keep_their_labels(column: Any, expected: list[Any]) -> None:
    if isinstance(column, pd.Series):
        table: Any = column.to_frame("kind")
    else:
        table = pl.DataFrame({"kind": column}) if isinstance(column, pl.Series) else pa.table({"kind": column})
    assert _sent(table)["kind"].to_pylist() == expected
    assert [row["kind"] for row in _cells(rows_body(table))] == expected


PERIODS = pd.DataFrame({"month": pd.period_range("2024-01", periods=2, freq="M")})
INTERVALS = pd.DataFrame({"age": pd.arrays.IntervalArray.from_tuples([(0, 5), None])})


@pytest.mark.parametrize(
    ("frame", "cells", "remedy"),
    [
        (PERIODS, ["2024-01-01T00:00:00", "2024-02-01T00:00:00"], "column 'month' has periods"),
        (PERIODS.astype("category"), ["2024-01-01T00:00:00", "2024-02-01T00:00:00"], "column 'month' has periods"),
        (INTERVALS, ["(0.0, 5.0]", None], "column 'age' has intervals"),
        (pd.DataFrame({"age": pd.cut([3, 12], [0, 10, 20])}), ["(0, 10]", "(10, 20]"], "column 'age' has intervals"),
    ],
)
def test_periods_and_intervals_are_sent_in_a_plain_form_with_a_warning(
    frame: pd.DataFrame, cells: list[Any], remedy: str
) -> None:
    with pytest.warns(TableWarning, match=remedy) as caught:
        assert [row[0] for row in rows_body(frame)["data"]] == cells
    assert caught[0].filename == __file__
    with pytest.warns(TableWarning, match=remedy):
        sent = _sent(frame).column(0).to_pylist()
    assert [one.isoformat() if isinstance(one, datetime) else one for one in sent] == cells
    with pytest.warns(TableWarning, match=remedy):
        rows_body(frame.iloc[0])


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"wait": pd.to_timedelta([1, 2], unit="s")}),
        pd.DataFrame({"wait": pd.Categorical(pd.to_timedelta([1, 2], unit="s"))}),
        pd.DataFrame({"wait": pd.Series([SECOND, None], dtype=object)}),
        pl.DataFrame({"wait": [SECOND]}),
        pa.table({"wait": pa.array([SECOND])}),
        [{"wait": SECOND}],
        {"wait": SECOND},
        {"wait": [SECOND]},
        {"wait": np.array([1], dtype="timedelta64[ns]")},
        pd.Series({"wait": pd.Timedelta(1, "s"), "size": 2}),
    ],
)
def test_durations_are_refused_with_the_column_and_a_remedy(table: Any) -> None:
    for send in (rows_body, _sent):
        with pytest.raises(UnfitTable, match=r"column 'wait'.* duration.*total_seconds"):
            send(table)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"tags": [[1], [2, 3]]}),
        pd.DataFrame({"tags": [{"a": 1}, None]}),
        pd.DataFrame({"tags": [np.array([1, 2])]}),
        pl.DataFrame({"tags": [[1], [2, 3]]}),
        pl.DataFrame({"tags": [{"a": 1}]}),
        pa.table({"tags": [[1]]}),
        pa.table({"tags": [{"a": 1}]}),
    ],
)
def test_nested_columns_are_refused_with_the_column_and_a_remedy(table: Any) -> None:
    for send in (rows_body, _sent):
        with pytest.raises(UnfitTable, match=r"column 'tags' has nested values.*a column of each element"):
            send(table)
    for send in (rows_body, _sent):
        with pytest.raises(UnfitTable, match="'tags'"):
            send([{"tags": [1]}])


def test_types_of_other_libraries_that_no_file_has_are_refused() -> None:
    tables = [
        pl.DataFrame({"a": [object()]}),
        pa.table({"a": pa.array([b"0123456789abcdef"], pa.binary(16))}),
        pa.table({"a": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef"], pa.binary(16)))}),
    ]
    for table in tables:
        with pytest.raises(UnfitTable, match="column 'a'"):
            _sent(table)


def test_rows_that_lack_columns_have_missing_values() -> None:
    sent = _sent([{"a": 1}, {"a": 2.5, "b": "x"}, {}])
    assert sent.to_pydict() == {"a": [1, 2.5, None], "b": [None, "x", None]}


@pytest.mark.parametrize("table", [{"a": [1, 2]}, {"a": (1, 2)}, {"a": np.array([1, 2])}, {"a": pd.Series([1, 2])}])
def test_a_mapping_of_columns_is_a_table(table: Any) -> None:
    assert _sent(table).to_pydict() == {"a": [1, 2]}
    assert shape_of(table) == (2, ["a"])


def test_a_series_that_names_columns_is_one_row() -> None:
    row = pd.DataFrame({"age": [3, 4], "city": ["Lima", None]}).iloc[1]
    assert _sent(row).to_pydict() == {"age": [4], "city": [None]}
    assert rows_body([row, row]) == {"rows": [{"age": 4, "city": None}] * 2}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (pd.Series([1, 2]), "to_frame"),
        (pd.Series([1, 2], index=["a", "a"]), "two columns are called 'a'"),
        (pl.Series("a", [1]), "to_frame"),
        (pl.LazyFrame({"a": [1]}), "collect"),
        ([[1, 2]], "of list"),
        (np.zeros((2, 2)), "ndarray"),
        ([{1: 2}], "the column name 1 is not text"),
        ({"a": [1], "b": [1, 2]}, "column 'b' has 2 values, 'a' has 1"),
        ([{"a": 1}, {"a": "x"}], "column 'a' cannot be sent"),
        (pd.DataFrame({"a": [1]}, index=pd.Index([1], name="a")), "the index 'a'"),
        ([], "no rows"),
    ],
)
def test_what_is_no_table_is_refused_with_what_would_be_right(table: Any, problem: str) -> None:
    with pytest.raises(UnfitTable, match=problem):
        _sent(table)


def test_plain_tables_are_sent_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = pd.DataFrame({"a": pd.arrays.SparseArray([0, 1]), "b": ["x", "y"]})
        assert _sent(frame).to_pydict() == {"a": [0, 1], "b": ["x", "y"]}
