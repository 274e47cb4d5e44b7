"""A dataset as CSV or JSON lines: what is ingested again is the same dataset."""

import csv
import io
import json
import math
import tempfile
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest import Limits, ingest
from modelbus.shared.tabular.tables.text_export import write_csv, write_json_lines
from tests.unit.ingest.test_ingest_round_trip import TEXT

LIMITS = Limits(column_limit=5000, line_limit_bytes=1_000_000)
TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "integer": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "real": (pa.float64(), st.floats(allow_nan=False)),
    "whole": (pa.float64(), st.integers(-(2**53), 2**53).map(float)),
    "boolean": (pa.bool_(), st.booleans()),
    "date": (pa.timestamp("us"), st.datetimes()),
    "zoned": (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
    "text": (pa.string(), TEXT.map(lambda text: f"=\r{text}" if len(text) % 5 == 0 else text)),
    "empty": (pa.float64(), st.none()),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A table of one to five columns; a column has a value, unless it is an empty one."""
    kinds = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=5))
    rows = draw(st.integers(1, 9))
    columns = {}
    for position, kind in enumerate(kinds):
        found, values = TYPES[kind]
        cells = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        assume(kind == "empty" or any(cell is not None for cell in cells))
        columns[f"{kind}.{position}"] = pa.array(cells, found)
    return pa.table(columns)


def stored(table: pa.Table, folder: Path, row_group_size: int = 4) -> pq.ParquetFile:
    path = folder / "stored.parquet"
    pq.write_table(table, path, row_group_size=row_group_size)
    return pq.ParquetFile(path)


def as_csv(table: pq.ParquetFile, *, has_formulas: bool = True) -> bytes:
    text = io.BytesIO()
    write_csv(table, text, has_formulas=has_formulas, on_rows=lambda row_count: None)
    return text.getvalue()


def as_json_lines(table: pq.ParquetFile) -> bytes:
    text = io.BytesIO()
    write_json_lines(table, text, on_rows=lambda row_count: None)
    return text.getvalue()


def ingested(data: bytes, name: str, folder: Path) -> pa.Table:
    destination = folder / "again.parquet"
    ingest(
        io.BytesIO(data),
        destination,
        file_name=name,
        media_type=None,
        format=None,
        limits=LIMITS,
        on_progress=lambda fraction, message: None,
    )
    return pq.read_table(destination)


@pytest.mark.parametrize(("name", "export"), [("x.csv", as_csv), ("x.jsonl", as_json_lines)], ids=["csv", "jsonl"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(table=tables())
def test_what_is_exported_and_ingested_again_is_the_same_dataset(
    name: str, export: Callable[[pq.ParquetFile], bytes], table: pa.Table
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        again = ingested(export(stored(table, Path(folder))), name, Path(folder))
    assert again.schema.remove_metadata() == table.schema
    assert again.to_pydict() == table.to_pydict()


MESSY = pa.table(
    {
        "a": pa.array([1, None, 3]),
        'say "a", b': pa.array(["=1+1", 'x "y", z\n', None]),
        "=cmd": pa.array(["", " x", "-5"]),
        "real": pa.array([float("inf"), 1.0, float("-inf")]),
        "when": pa.array(["2024-01-31", None, "2024-01-31T10:00:00.000500"]).cast(pa.timestamp("us")),
        "flag": pa.array([True, None, False]),
    }
)


def test_csv_is_what_the_standard_says(tmp_path: Path) -> None:
    text = as_csv(stored(MESSY, tmp_path)).decode()
    assert text == (
        'a,"say ""a"", b",=cmd,real,when,flag\n'
        '1,=1+1,"",inf,2024-01-31T00:00:00,true\n'
        ',"x ""y"", z\n"," x",1.0,,\n'
        "3,,-5,-inf,2024-01-31T10:00:00.000500,false\n"
    )
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == 4


def test_text_that_a_spreadsheet_would_run_is_marked_and_numbers_are_not(tmp_path: Path) -> None:
    texts = ["=1", "+1+1", "-x", "@x", "\tx", "\rx", "x=1", "-1", "+", None]
    table = pa.table({"=text": texts, "number": [-1, -2, -3, -4, -5, -6, -7, -8, -9, -10]})
    records = list(csv.reader(io.StringIO(as_csv(stored(table, tmp_path), has_formulas=False).decode(), newline="")))
    assert records[0] == ["'=text", "number"]
    assert [record[0] for record in records[1:]] == ["'=1", "'+1+1", "'-x", "'@x", "'\tx", "'\rx", "x=1", "-1", "+", ""]
    assert [record[1] for record in records[1:3]] == ["-1", "-2"]


def test_rows_without_a_value_in_the_only_column_are_not_lost(tmp_path: Path) -> None:
    table = pa.table({"only": [None, "gx", None]})
    data = as_csv(stored(table, tmp_path))
    assert data == b'only\n""\ngx\n""\n'
    assert ingested(data, "x.csv", tmp_path).to_pydict() == table.to_pydict()


def test_each_line_of_json_has_every_key_and_is_valid(tmp_path: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    lines = as_json_lines(stored(MESSY, tmp_path)).decode().splitlines()
    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    assert [list(row) for row in rows] == [MESSY.column_names] * 3
    assert [row["real"] for row in rows] == [math.inf, 1.0, -math.inf]
    assert [row["a"] for row in rows] == [1, None, 3]
    assert '"real":1e999' in lines[0]
    assert '"real":1.0' in lines[1]
    assert [row['say "a", b'] for row in rows] == ["=1+1", 'x "y", z\n', None]
    assert rows[0]["when"] == "2024-01-31T00:00:00"


def test_control_characters_and_all_of_unicode_survive_json(tmp_path: Path) -> None:
    texts = ["".join(map(chr, range(1, 40))), "\u2028\u2029\ufeff\U0001f600", "\\u0041\\", "plain"]
    rows = [json.loads(line) for line in as_json_lines(stored(pa.table({"t": texts}), tmp_path)).split(b"\n") if line]
    assert [row["t"] for row in rows] == texts


def test_a_wide_table_is_written_whole(tmp_path: Path) -> None:
    table = pa.table({f"c{number}": [number, None, -number] for number in range(3000)})
    file = stored(table, tmp_path)
    rows = list(csv.reader(io.StringIO(as_csv(file).decode())))
    assert rows[1:] == [[str(n) for n in range(3000)], [""] * 3000, [str(-n) for n in range(3000)]]
    assert [json.loads(line)["c2999"] for line in as_json_lines(file).splitlines()] == [2999, None, -2999]


def test_the_progress_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    table = stored(pa.table({"n": list(range(10))}), tmp_path)
    write_csv(table, io.BytesIO(), has_formulas=True, on_rows=told.append)
    assert told == [4, 8, 10]
