"""Ingest of Parquet and JSON lines, and the choice of the format."""

import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelbus.evaluator.ingest import IngestedTable
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.errors import LimitExceeded, MalformedTable
from tests.unit import ingesting
from tests.unit.ingesting import types


def ingested(tmp_path: Path, content: bytes | str, **declared: Any) -> tuple[IngestedTable, dict[str, list[Any]]]:
    """Ingest a file that has no name, unless one is declared."""
    return ingesting.ingested(tmp_path, content, **{"file_name": None, **declared})


def parquet_bytes(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


FOUND = {
    "declared format": ("a\tb\n1\t2\n", {"format": "tsv", "file_name": "x.csv"}, "tsv"),
    "media type": ("a\tb\n1\t2\n", {"media_type": "text/tab-separated-values; charset=utf-8"}, "tsv"),
    "media type of JSON lines": ('{"a": 1}\n', {"media_type": "application/x-ndjson"}, "jsonl"),
    "file name": ("a\tb\n1\t2\n", {"file_name": "X.TSV"}, "tsv"),
    "an unknown media type": ("a,b\n1,2\n", {"media_type": "application/octet-stream"}, "csv"),
    "first bytes of JSON lines": ('\n{"a": 1}\n', {}, "jsonl"),
    "a column that is named as Parquet begins": ("PAR1,PAR2\n1,2\n", {}, "csv"),
    "a brace is not yet JSON": ("{a},b\n1,2\n", {}, "csv"),
    "nothing to go by": ("a,b\n1,2\n", {}, "csv"),
}


@pytest.mark.parametrize(("content", "declared", "expected"), FOUND.values(), ids=FOUND.keys())
def test_the_format_is_found(tmp_path: Path, content: str, declared: dict[str, Any], expected: str) -> None:
    table, _ = ingested(tmp_path, content, **declared)
    assert table.format == expected
    assert table.row_count == 1


def test_parquet_is_known_by_its_bytes_whatever_it_is_called(tmp_path: Path) -> None:
    data = parquet_bytes(pa.table({"a": [1]}))
    table, _ = ingested(tmp_path, data, file_name="x.csv", media_type="text/csv")
    assert (table.format, table.encoding, table.delimiter) == ("parquet", None, None)
    with pytest.raises(MalformedTable, match="is Parquet; expected csv, as declared"):
        ingested(tmp_path, data, format="csv")


def test_a_file_that_claims_to_be_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="PAR1"):
        ingested(tmp_path, "a,b\n1,2\n", format="parquet")


@pytest.mark.parametrize("cut", [8, 100, -1])
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, cut: int) -> None:
    data = parquet_bytes(pa.table({"a": list(range(1000))}))
    with pytest.raises(MalformedTable, match="cannot be read"):
        ingested(tmp_path, data[:cut])


def test_a_parquet_file_with_damaged_pages_is_refused(tmp_path: Path) -> None:
    data = bytearray(parquet_bytes(pa.table({"a": [f"text {row}" for row in range(1000)]})))
    data[20:400] = b"\xff" * 380
    with pytest.raises(MalformedTable, match="cannot be read"):
        ingested(tmp_path, bytes(data))
    assert list(tmp_path.iterdir()) == []


MIDNIGHT = datetime.fromisoformat("2024-01-31")
MOMENT = datetime.fromisoformat("2024-01-31T10:00:00.250")
TYPED: dict[str, tuple[pa.Array, str, list[Any]]] = {
    "small integers": (pa.array([1, None], pa.int8()), "integer", [1, None]),
    "unsigned": (pa.array([1, 2**63 - 1], pa.uint64()), "integer", [1, 2**63 - 1]),
    "half floats": (pa.array([0.5, float("nan")], pa.float16()), "real", [0.5, None]),
    "unsigned beyond 64 bits": (pa.array([1, 2**63], pa.uint64()), "text", ["1", str(2**63)]),
    "floats": (pa.array([0.5, float("nan")], pa.float32()), "real", [0.5, None]),
    "nothing but NaN": (pa.array([float("nan")] * 2), "empty", [None, None]),
    "decimals": (pa.array([Decimal("1.50"), None]), "real", [1.5, None]),
    "long decimals": (pa.array([Decimal("12345678901234567.89"), None]), "real", [12345678901234567.89, None]),
    "whole decimals": (pa.array([Decimal(10), None], pa.decimal128(38, 0)), "integer", [10, None]),
    "wide whole decimals": (
        pa.array([Decimal(12345678901234567890), None], pa.decimal128(38, 0)),
        "text",
        ["12345678901234567890", None],
    ),
    "booleans": (pa.array([True, None]), "boolean", [True, None]),
    "dates": (pa.array([date(2024, 1, 31), None]), "datetime", [MIDNIGHT, None]),
    "milliseconds": (pa.array([MOMENT, None], pa.timestamp("ms")), "datetime", [MOMENT, None]),
    "nanoseconds": (pa.array([1_706_695_200_250_000_001, None], pa.timestamp("ns")), "datetime", [MOMENT, None]),
    "zoned": (
        pa.array([MOMENT, None], pa.timestamp("us", "Europe/Berlin")),
        "datetime",
        [MOMENT.replace(tzinfo=UTC), None],
    ),
    "times": (pa.array([time(10, 30), None], pa.time32("s")), "text", ["10:30:00.000", None]),
    "text": (pa.array(["NA", ""]), "text", ["NA", None]),
    "large text": (pa.array(["x", None], pa.large_string()), "text", ["x", None]),
    "text as bytes": (pa.array([b"x", None]), "text", ["x", None]),
    "views of bytes": (pa.array([b"x", None], pa.binary_view()), "text", ["x", None]),
    "categories": (pa.array(["x", None]).dictionary_encode(), "text", ["x", None]),
    "categories of numbers": (pa.array([7, None]).dictionary_encode(), "integer", [7, None]),
    "nulls": (pa.nulls(2), "empty", [None, None]),
    "text without a value": (pa.array([None, None], pa.string()), "empty", [None, None]),
}


@pytest.mark.parametrize(("column", "kind", "expected"), TYPED.values(), ids=TYPED.keys())
@pytest.mark.parametrize("has_statistics", [True, False])
def test_each_type_of_parquet_has_its_place(
    tmp_path: Path, column: pa.Array, kind: str, expected: list[Any], has_statistics: bool
) -> None:
    data = parquet_bytes(pa.table({"a": [1, 2], "c": column, "c.d": [1, 2]}), write_statistics=has_statistics)
    table, frame = ingested(tmp_path, data)
    assert types(table) == {"a": "integer", "c": kind, "c.d": "integer"}
    assert frame["c"] == expected
    stored = {"text": pa.string(), "integer": pa.int64(), "real": pa.float64(), "empty": pa.float64()}
    if kind in stored:
        assert pq.read_schema(tmp_path / "table.parquet").field("c").type == stored[kind]


NESTED = {
    "lists": pa.array([[1], [2]]),
    "structs": pa.array([{"x": 1}, {"x": 2}]),
    "durations": pa.array([timedelta(1), timedelta(2)]),
    "bytes that are no text": pa.array([b"\xff\xfe", b"x"]),
    "uuids": pa.array([b"0123456789abcdef"] * 2, pa.binary(16)),
    "dates beyond year 9999": pa.array([2**60, 0], pa.timestamp("us")),
}


@pytest.mark.parametrize("column", NESTED.values(), ids=NESTED.keys())
def test_a_column_that_has_no_cells_is_refused_by_name(tmp_path: Path, column: pa.Array) -> None:
    with pytest.raises(MalformedTable) as caught:
        ingested(tmp_path, parquet_bytes(pa.table({"a": [1, 2], "odd": column})))
    assert caught.value.details[0]["column"] == "odd"


def test_cut_nanoseconds_are_told(tmp_path: Path) -> None:
    exact, cut = pa.array([1000], pa.timestamp("ns")), pa.array([1001], pa.timestamp("ns"))
    table, _ = ingested(tmp_path, parquet_bytes(pa.table({"exact": exact, "cut": cut})))
    assert table.warnings == ["column 'cut' has times finer than a microsecond, which are truncated"]


ROUNDED = "is real; numbers with more than 15 digits are rounded"


@pytest.mark.parametrize(
    ("column", "options", "warning"),
    [
        (pa.array([2**63], pa.uint64()), {}, "has numbers beyond the range of 64 bits and becomes text"),
        (pa.array([Decimal("12345678901234567.89")]), {}, ROUNDED),
        (pa.array([2**53 + 1]), {"columns": {"c": {"type": "real"}}}, ROUNDED),
        (pa.array([Decimal("0.1"), Decimal("1.5")], pa.decimal128(38, 10)), {}, None),
        (pa.array([2**53]), {"columns": {"c": {"type": "real"}}}, None),
    ],
)
def test_numbers_of_parquet_that_change_are_told(
    tmp_path: Path, column: pa.Array, options: dict[str, Any], warning: str | None
) -> None:
    table, _ = ingested(tmp_path, parquet_bytes(pa.table({"c": column})), options=ParseOptions.model_validate(options))
    assert table.warnings == ([f"column 'c' {warning}"] if warning else [])


def test_nan_is_missing_whatever_a_real_column_is_declared_as(tmp_path: Path) -> None:
    data = parquet_bytes(pa.table({"c": [1.0, float("nan")], "t": [1.5, float("nan")]}))
    options = ParseOptions.model_validate({"columns": {"c": {"type": "integer"}, "t": {"type": "text"}}})
    _, frame = ingested(tmp_path, data, options=options)
    assert frame == {"c": [1, None], "t": ["1.5", None]}


@pytest.mark.parametrize("kind", ["text", "integer", "datetime"])
@pytest.mark.parametrize("arrow_type", [pa.binary(), pa.string()])
def test_bytes_that_are_no_text_are_refused_whatever_they_are_declared_as(
    tmp_path: Path, kind: str, arrow_type: pa.DataType
) -> None:
    column = pa.array([b"1", b"\xff\xfe"]).view(arrow_type)
    options = ParseOptions.model_validate({"columns": {"odd": {"type": kind}}})
    with pytest.raises(MalformedTable, match="column 'odd': bytes that are not UTF-8"):
        ingested(tmp_path, parquet_bytes(pa.table({"odd": column})), options=options)


def test_a_name_with_a_nul_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="the name of column 1 has a NUL character"):
        ingested(tmp_path, '{"a\\u0000b": 1}\n', format="jsonl")


def test_a_parquet_file_without_rows_or_with_too_many_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="the table has no rows"):
        ingested(tmp_path, parquet_bytes(pa.table({"a": pa.array([], pa.int64())})))
    with pytest.raises(LimitExceeded, match="at most 50"):
        ingested(tmp_path, parquet_bytes(pa.table({f"c{position}": [1] for position in range(51)})))


def test_a_nameless_pandas_index_is_left_out(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pd.DataFrame({"a": [1, 2]}, index=[5, 7]).to_parquet(sink)
    table, frame = ingested(tmp_path, sink.getvalue())
    assert frame == {"a": [1, 2]}
    assert table.warnings == ["the index stored by pandas is skipped"]


def test_parquet_columns_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    source = pa.Table.from_arrays([pa.array([1]), pa.array(["x"]), pa.nulls(1)], names=["a", "a", ""])
    table, frame = ingested(tmp_path, parquet_bytes(source))
    assert frame == {"a": [1], "a_2": ["x"], "column_3": [None]}
    assert len(table.warnings) == 2


def test_small_row_groups_of_parquet_are_joined_and_large_ones_split(tmp_path: Path) -> None:
    source = pa.table({"a": list(range(130_000))})
    for size in (3_000, 130_000):
        _, frame = ingested(tmp_path, parquet_bytes(source, row_group_size=size))
        metadata = pq.read_metadata(tmp_path / "table.parquet")
        assert [metadata.row_group(group).num_rows for group in range(3)] == [50_000, 50_000, 30_000]
        assert frame["a"] == list(range(130_000))


JSON_TYPED = {
    "plain": ('{"a": 1, "b": 1.5, "c": "x", "d": true}\n', {"a": "integer", "b": "real", "c": "text", "d": "boolean"}),
    "strings are text": ('{"a": "01", "b": "12", "c": "true"}\n', {"a": "text", "b": "text", "c": "text"}),
    "strings that are dates": ('{"a": "2024-01-31"}\n{"a": ""}\n', {"a": "datetime"}),
    "keys that come late": ('{"a": 1}\n' * 3000 + '{"b": 2, "a": 1.5}\n', {"a": "real", "b": "integer"}),
    "keys that come after many objects without any": ("{}\n" * 400_000 + '{"b": 2}\n', {"b": "integer"}),
    "keys that are missing": ('{"a": 1, "b": null}\n{}\n', {"a": "integer", "b": "empty"}),
    "numbers and text": ('{"a": 1}\n{"a": "x"}\n', {"a": "text"}),
    "numbers and booleans": ('{"a": 1}\n{"a": true}\n', {"a": "text"}),
    "a number beyond the double's range": ('{"a": 1e400}\n{"a": 1}\n', {"a": "text"}),
    "a long number": ('{"a": 12345678901234567890}\n', {"a": "text"}),
    "NaN and infinity": ('{"a": NaN, "b": Infinity}\n{"a": 1, "b": 1}\n', {"a": "integer", "b": "real"}),
    "blank lines": ('\n{"a": 1}\n\n{"a": 2}\n', {"a": "integer"}),
    "an empty key": ('{"": 1, "b": 2}\n', {"column_1": "integer", "b": "integer"}),
}


@pytest.mark.parametrize(("content", "expected"), JSON_TYPED.values(), ids=JSON_TYPED.keys())
def test_json_types_are_believed(tmp_path: Path, content: str, expected: dict[str, str]) -> None:
    table, frame = ingested(tmp_path, content, file_name="x.jsonl")
    assert types(table) == expected
    assert list(frame) == list(expected)
    assert table.row_count == sum(1 for line in content.splitlines() if line)


def test_json_cells_keep_their_values(tmp_path: Path) -> None:
    content = (
        '{"n": 1, "r": 1e3, "t": " NA ", "d": "2024-01-31T10:00:00.25", "b": false, "m": 1}\n'
        '{"t": "", "m": "\\ud83d\\ude00"}\n'
        '{"m": 1.50, "n": null}\n'
    )
    table, frame = ingested(tmp_path, content, format="jsonl")
    assert frame == {
        "n": [1, None, None],
        "r": [1000.0, None, None],
        "t": [" NA ", None, None],
        "d": [MOMENT, None, None],
        "b": [False, None, None],
        "m": ["1", "😀", "1.50"],
    }
    assert table.warnings == ["column 'm' mixes numbers and text and becomes text"]


JSON_REFUSED = {
    "malformed": ('{"a": 1}\n{"a": }\n', "invalid JSON", "line 2", None),
    "cut": ('{"a": 1}\n\n{"a": 1', "invalid JSON", "line 3", None),
    "two objects a line": ('{"a": 1} {"a": 2}\n', "invalid JSON", "line 1", None),
    "nested object": ('{"a": 1}\n{"a": 1, "b": {"c": 1}}\n', "nested", "line 2", "b"),
    "nested array": ('{"a": [1]}\n', "nested", "line 1", "a"),
    "an array around": ('[{"a": 1}]\n', "array", "line 1", None),
    "no object": ('{"a": 1}\n5\n', "single value", "line 2", None),
    "a key twice": ('{"a": 1, "b": 2, "a": 3}\n', "more than once", "line 1", "a"),
    "an object on many lines": ('{\n  "a": 1\n}\n', "spread over several lines", "line 1", None),
    "an array on many lines": ('[\n  {"a": 1}\n]\n', "spread over several lines", "line 1", None),
    "deeply nested": ("[" * 2000 + "\n", "invalid JSON", "line 1", None),
    "half a surrogate pair": ('{"a": "\\ud83d"}\n', "surrogate", "line 1", None),
    "no key at all": ("{}\n{}\n", "no object has a key", "line 1", None),
    "no row at all": ("\n\n", "the table has no rows", "file", None),
}


@pytest.mark.parametrize(("content", "problem", "where", "column"), JSON_REFUSED.values(), ids=JSON_REFUSED.keys())
def test_malformed_json_lines_are_refused_by_their_line(
    tmp_path: Path, content: str, problem: str, where: str, column: str | None
) -> None:
    with pytest.raises(MalformedTable) as caught:
        ingested(tmp_path, content, format="jsonl")
    detail = caught.value.details[0]
    assert problem in caught.value.message
    assert (detail["where"], detail.get("column")) == (where, column)


@pytest.mark.parametrize(
    "content", ['[{"a": 1}]', '[\n{"a": 1},\n{"a": 2}\n]\n', '{\n  "a": 1\n}\n', "\ufeff[\n  [1, 2]\n]\n"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_json_that_is_no_lines_is_not_taken_for_a_table_of_text(tmp_path: Path, content: str, encoding: str) -> None:
    with pytest.raises(MalformedTable, match=r"line 1: .*expected one JSON object a line"):
        ingested(tmp_path, content.removeprefix("\ufeff" if encoding == "utf-16" else "").encode(encoding))


def test_what_is_wrong_with_json_is_told_by_its_place_in_the_line(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match=r"line 2: invalid JSON: Extra data \(character 9\)"):
        ingested(tmp_path, '{"a": 1}\n{"a": 2},\n', format="jsonl")


@pytest.mark.parametrize(
    "content", ["<!DOCTYPE html>\n<p>not found</p>\n", "\ufeff\n<HTML>\n", '<?xml version="1.0"?>\n<a/>\n']
)
def test_a_web_page_is_no_table_of_one_column(tmp_path: Path, content: str) -> None:
    with pytest.raises(MalformedTable, match="a web page or XML"):
        ingested(tmp_path, content, file_name="table.csv")


def test_every_bad_json_line_is_named_up_to_a_hundred(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        ingested(tmp_path, '{"a": 1}\nno\n' * 150, format="jsonl")
    assert [detail["where"] for detail in caught.value.details] == [f"line {2 + 2 * row}" for row in range(100)]


def test_too_many_keys_are_refused_by_the_line_that_brings_one_too_many(tmp_path: Path) -> None:
    content = "".join(f'{{"k{position}": 1}}\n' for position in range(60))
    with pytest.raises(LimitExceeded, match="line 51"):
        ingested(tmp_path, content, format="jsonl")
