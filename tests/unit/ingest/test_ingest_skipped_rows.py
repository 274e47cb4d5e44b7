"""Bad rows where the sender has them skipped, and in previews: told by their lines, and nothing else is lost."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest import IngestedTable, Limits
from modelbus.evaluator.ingest.sources.packed.cutting import whole_lines
from modelbus.shared.errors import LimitExceeded, MalformedTable
from tests.unit.ingesting import LIMITS, ingested, read, skipped_lines

# --- rows that are skipped ---

SKIPPED: dict[str, tuple[str, dict[str, list[Any]], list[int]]] = {
    "too few and too many fields": ("a,b\n1,x\n2\n3,y,z\n4,w\n", {"a": [1, 4], "b": ["x", "w"]}, [3, 4]),
    "a quote that is never closed": ('a,b\n1,x\n2,"y\n3,z\n', {"a": [1, 3], "b": ["x", "z"]}, [3]),
    "text behind a closing quote": ('a,b\n1,x\n2,"y" z\n3,w\n', {"a": [1, 3], "b": ["x", "w"]}, [3]),
    "a quote closed on another line": ('a,b\n1,x\n"2,y\n3,"z"\n4,w\n', {"a": [1, 3, 4], "b": ["x", "z", "w"]}, [3]),
    "a quote that is opened on another line": ('a,b\n1,x\n"\n","\n2,y\n', {"a": [1, 2], "b": ["x", "y"]}, [3, 4]),
    "many quotes that are opened": (
        "a,b\n" + "".join(f'"{n},x\n' for n in range(5)) + "7,y\n",
        {"a": [7], "b": ["y"]},
        [2, 3, 4, 5, 6],
    ),
    "a bad last line without an end": ("a,b\n1,x\n2,y,z", {"a": [1], "b": ["x"]}, [3]),
    "a good last line without an end": ("a,b\n1,x,y\n2,y", {"a": [2], "b": ["y"]}, [2]),
    "records of many lines stay": ('a,b\n1,"x\ny\n"\n2\n3,"z\n"\n', {"a": [1, 3], "b": ["x\ny\n", "z\n"]}, [5]),
    "carriage returns": ("a,b\r1,x\r2\r3,y\r", {"a": [1, 3], "b": ["x", "y"]}, [3]),
    "blank lines are no bad rows": ("a,b\n\n1,x\n   \n2,y\n\n", {"a": [1, 2], "b": ["x", "y"]}, []),
    "a hint of the delimiter": ("sep=;\na;b\n1;x\n2\n", {"a": [1], "b": ["x"]}, [4]),
    "a single column": ('a\nx\n"y" z\n\n"w"\n', {"a": ["x", "w"]}, [3]),
}


@pytest.mark.parametrize(("content", "expected", "lines"), SKIPPED.values(), ids=SKIPPED.keys())
def test_bad_rows_are_skipped_and_told_by_their_lines(
    tmp_path: Path, content: str, expected: dict[str, list[Any]], lines: list[int]
) -> None:
    table, found = read(tmp_path, content, on_bad_rows="skip")

    assert found == expected
    assert skipped_lines(table) == lines
    assert (table.row_count, table.skipped.count) == (len(found["a"]), len(lines))
    assert bool(lines) == any("skipped; the first reason" in text for text in table.warnings)


def test_bad_json_lines_are_skipped(tmp_path: Path) -> None:
    content = '{"a": 1}\n{"a": [1]}\n{"a"\n\n{"a": 2, "b": true}\n[]\n'

    table, found = read(tmp_path, content, declared={"format": "jsonl"}, on_bad_rows="skip")

    assert found == {"a": [1, 2], "b": [None, True]}
    assert skipped_lines(table) == [2, 3, 6]


def test_a_table_of_bad_rows_alone_is_refused_with_their_lines(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, "a,b\n1\n2\n", on_bad_rows="skip")

    assert [detail["where"] for detail in caught.value.details] == ["line 2", "line 3"]


def test_a_header_that_cannot_be_read_is_no_row_to_skip(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, 'a,"b\n1,2\n3,4\n', on_bad_rows="skip")

    assert caught.value.details[0]["where"] == "line 1"


def test_limits_hold_where_rows_are_skipped(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded):
        read(tmp_path, "a,b\n1,2\n" + "x" * 5000 + ",1\n", on_bad_rows="skip")


def test_an_open_quote_swallows_no_more_than_a_record_may_have(tmp_path: Path) -> None:
    content = 'a,b\n1,"open\n' + "2,x\n" * 5000

    table, found = read(tmp_path, content, on_bad_rows="skip")

    assert found["a"] == [2] * 5000
    assert skipped_lines(table) == [2]


PIECES = st.sampled_from(["g", "x", ",", '"', "\n", "\r\n", '"x"', '"y,"', '""', ' "', "\n", "x,y\n", "p,q\n"])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.lists(PIECES, max_size=25).map("".join))
def test_what_is_not_skipped_is_whole_lines_of_the_file_as_the_csv_module_reads_them(tmp_path: Path, body: str) -> None:
    text = f"first,second\nleft,right\n{body}"

    table, found = read(tmp_path, text, on_bad_rows="skip", skip_initial_space=False)

    kept = list(zip(*found.values(), strict=True))
    assert kept[0] == ("left", "right")
    if not table.skipped.count:
        read_by_csv = csv.reader(io.StringIO(text, newline=""))
        records = [record for record in read_by_csv if "".join(record).strip(" ") or record[1:]]
        assert kept == [tuple(cell if cell.strip(" ") else None for cell in record) for record in records[1:]]
    lines = skipped_lines(table)
    assert lines == sorted(set(map(int, filter(None, lines))))
    assert all(2 < line <= len(text.splitlines()) for line in lines if line is not None)


# --- previews ---


def previewed(
    tmp_path: Path, content: bytes, *, is_truncated: bool, limits: Limits = LIMITS
) -> tuple[IngestedTable, dict[str, list[Any]]]:
    return ingested(tmp_path, content, is_preview=True, is_truncated=is_truncated, limits=limits)


def test_a_preview_reports_bad_rows_beside_the_others(tmp_path: Path) -> None:
    table, found = previewed(tmp_path, b"a,b\n1,2\n3\n4,5\n", is_truncated=False)

    assert found == {"a": [1, 4], "b": [2, 5]}
    assert skipped_lines(table) == [3]


def test_a_record_that_is_cut_is_no_bad_row(tmp_path: Path) -> None:
    table, found = previewed(tmp_path, b'a,b\n1,2\n3,"cut\noff\n', is_truncated=True)

    assert found == {"a": [1], "b": [2]}
    assert table.skipped.count == 0


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_beginning_of_a_text_ends_with_a_whole_line(encoding: str, end: str) -> None:
    whole = f"a,b{end}1,é{end}".encode(encoding)
    cut_off = "2,\u0a0axyz".encode("utf-16-le" if encoding == "utf-16" else encoding, errors="replace")

    for length in range(len(cut_off)):
        assert whole_lines(whole + cut_off[:length], encoding) == whole
