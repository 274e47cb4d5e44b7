"""Columns whose type is given: each cell is taken as that, or refused or skipped by its line."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelbus.shared.errors import InvalidCommand, MalformedTable
from tests.unit.ingesting import read, skipped_lines, types


def dated(date_format: str) -> dict[str, str]:
    return {"type": "datetime", "date_format": date_format}


DECLARED: dict[str, tuple[list[str], dict[str, Any], list[Any]]] = {
    "codes as integers": (["007", "12", "+3"], {"type": "integer"}, [7, 12, 3]),
    "whole reals as integers": (["1.0", "2", "-3.00"], {"type": "integer"}, [1, 2, -3]),
    "integers as reals": (["1", "2", ""], {"type": "real"}, [1.0, 2.0, None]),
    "integers as text": (["1", "02", "NA"], {"type": "text"}, ["1", "02", None]),
    "numbers as booleans": (["1", "0", "on"], {"type": "boolean"}, [True, False, True]),
    "infinity as a real": (["inf", "-Infinity", "1"], {"type": "real"}, [float("inf"), float("-inf"), 1.0]),
    "days first": (["01/02/2024", "03/04/2024", ""], dated("%d/%m/%Y"), ["2024-02-01", "2024-04-03", None]),
    "months first": (["01/02/2024", "3/4/2024"], dated("%m/%d/%Y"), ["2024-01-02", "2024-03-04"]),
    "years of two digits": (["31-12-99", "01-01-00"], dated("%d-%m-%y"), ["1999-12-31", "2000-01-01"]),
    "names of months": (["3 Feb 2024", "4 Mar 2025"], dated("%d %b %Y"), ["2024-02-03", "2025-03-04"]),
    "days without separators": (["20240203", "20250304"], dated("%Y%m%d"), ["2024-02-03", "2025-03-04"]),
    "dates that can be told apart": (["31/12/2024", "01/02/2024"], {"type": "datetime"}, ["2024-12-31", "2024-02-01"]),
    "ISO dates": (["2024-02-03", "2024-02-03T10:00"], dated("ISO8601"), ["2024-02-03", "2024-02-03T10:00"]),
}


@pytest.mark.parametrize(("cells", "options", "expected"), DECLARED.values(), ids=DECLARED.keys())
@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_a_column_gets_the_type_that_is_given(
    tmp_path: Path, cells: list[str], options: dict[str, Any], expected: list[Any], file_format: str
) -> None:
    given = [None if cell in ("", "NA") else cell for cell in cells]
    content: bytes | str = "a,b\n" + "".join(f"{cell},1\n" for cell in cells)
    if file_format == "jsonl":
        content = "".join(
            f'{{"a": {"null" if cell is None else chr(34) + cell + chr(34)}, "b": 1}}\n' for cell in given
        )
    if file_format == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.table({"a": given, "b": [1] * len(given)}), sink)
        content = sink.getvalue()

    table, found = read(tmp_path, content, declared={"format": file_format}, columns={"a": options})

    assert types(table) == {"a": options["type"], "b": "integer"}
    if options["type"] == "datetime":
        moments = [None if one is None else one.isoformat()[:16] for one in found["a"]]
        assert moments == [None if one is None else (one + "T00:00")[:16] for one in expected]
    else:
        assert found["a"] == expected


@pytest.mark.parametrize("options", [{"type": "datetime"}, dated("ISO8601")])
def test_times_that_are_cut_are_told_of_declared_columns_too(tmp_path: Path, options: dict[str, Any]) -> None:
    table, _ = read(tmp_path, "a,b\n2024-01-01T00:00:00.123456789,1\n", columns={"a": options})

    assert table.warnings == ["column 'a' has times finer than a microsecond, which are truncated"]


def test_a_zoned_date_becomes_utc(tmp_path: Path) -> None:
    column = dated("%d.%m.%Y %H:%M %z")

    _, found = read(tmp_path, "a,b\n01.02.2024 01:30 +0200,1\n", columns={"a": column})

    assert found["a"][0].isoformat() == "2024-01-31T23:30:00+00:00"


MISFITS: dict[str, tuple[dict[str, Any], str, str]] = {
    "text": ({"type": "integer"}, "oops", "a whole number of 64 bits"),
    "a fraction": ({"type": "integer"}, "1.5", "a whole number of 64 bits"),
    "beyond 64 bits": ({"type": "integer"}, "9223372036854775808", "a whole number of 64 bits"),
    "a hexadecimal integer": ({"type": "integer"}, "0x1F", "a whole number of 64 bits"),
    "a comma": ({"type": "real"}, "1;5", "a number with a decimal point"),
    "hexadecimal": ({"type": "real"}, "0x1F", "a number with a decimal point"),
    "beyond the double's range": ({"type": "real"}, "1e400", "a number with a decimal point"),
    "two": ({"type": "boolean"}, "2", "true or false (or yes/no, on/off, t/f, y/n, 1/0)"),
    "another order": (dated("%d/%m/%Y"), "12/31/2024", "a date written as %d/%m/%Y"),
    "no day of the calendar": (dated("%d/%m/%Y"), "30/02/2024", "a date written as %d/%m/%Y"),
    "a zone": (dated("ISO8601"), "2024-01-01T00:00:00Z", "a date in ISO 8601 without a zone"),
}
FITTING = {"integer": "5", "real": "5", "boolean": "yes", "datetime": "01/02/2024"}


@pytest.mark.parametrize(("options", "misfit", "expected"), MISFITS.values(), ids=MISFITS.keys())
def test_a_cell_that_does_not_fit_is_refused_by_its_line(
    tmp_path: Path, options: dict[str, Any], misfit: str, expected: str
) -> None:
    fits = "2024-02-01" if options.get("date_format") == "ISO8601" else FITTING[options["type"]]
    content = f'a,b\n{fits},"two\nlines"\n\n{misfit},x\n{fits},y\n'

    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, content, columns={"a": options})

    detail = {"where": "line 5", "column": "a", "problem": repr(misfit), "expected": expected}
    assert caught.value.details == [detail]


def test_a_cell_that_does_not_fit_is_skipped_with_its_row(tmp_path: Path) -> None:
    content = "a,b\n1,x\noops,y\n3,z\n4.5,\n"

    table, found = read(tmp_path, content, columns={"a": {"type": "integer"}}, on_bad_rows="skip")

    assert found == {"a": [1, 3], "b": ["x", "z"]}
    assert (table.row_count, table.skipped.count, skipped_lines(table)) == (2, 2, [3, 5])


def test_of_many_cells_that_do_not_fit_a_hundred_are_named_and_all_are_counted(tmp_path: Path) -> None:
    content = "a,b\n" + "1,x\noops,y\n" * 60_000

    table, found = read(tmp_path, content, columns={"a": {"type": "integer"}}, on_bad_rows="skip")

    assert found["a"] == [1] * 60_000
    assert (table.skipped.count, skipped_lines(table)) == (60_000, list(range(3, 203, 2)))


def test_a_bad_json_value_is_refused_by_its_line(tmp_path: Path) -> None:
    content = '{"a": 1}\n\n{"a": "x"}\n'

    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, content, declared={"format": "jsonl"}, columns={"a": {"type": "real"}})

    assert (caught.value.details[0]["where"], caught.value.details[0]["column"]) == ("line 3", "a")


def test_a_bad_value_of_parquet_is_refused_by_its_column(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": ["1", "x"], "b": [1.5, 2.5]}), sink)

    for name, column in (("a", {"type": "integer"}), ("b", {"type": "integer"}), ("b", {"type": "datetime"})):
        with pytest.raises(MalformedTable) as caught:
            read(tmp_path, sink.getvalue(), columns={name: column})
        assert caught.value.details[0]["column"] == name


def test_dates_that_cannot_be_told_apart_ask_for_a_format(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, "a,b\n01/02/2024,1\n", columns={"a": {"type": "datetime"}})

    assert "date_format" in caught.value.details[0]["expected"]


def test_a_json_column_that_is_called_otherwise_cannot_be_declared(tmp_path: Path) -> None:
    with pytest.raises(InvalidCommand, match="no column 'column_1'"):
        read(tmp_path, '{"": 1, "a": 2}\n', declared={"format": "jsonl"}, columns={"column_1": {"type": "text"}})
