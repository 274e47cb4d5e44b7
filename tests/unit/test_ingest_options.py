"""How a file is to be read, where its sender says so: dialect, types, rows that are skipped, previews."""

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.ingest import IngestedTable, Limits
from evaluator.ingest.cutting import whole_lines
from shared.contracts import ParseOptions
from shared.errors import InvalidCommand, LimitExceeded, MalformedTable
from tests.unit.test_ingest_tables import LIMITS, ingested, types


def read(
    tmp_path: Path, content: bytes | str, *, declared: dict[str, Any] | None = None, **options: Any
) -> tuple[IngestedTable, dict[str, list[Any]]]:
    return ingested(tmp_path, content, options=ParseOptions.model_validate(options), **(declared or {}))


def skipped_lines(table: IngestedTable) -> list[int | None]:
    return [fault.line for fault in table.skipped.faults]


# --- dialect ---


@pytest.mark.parametrize("delimiter", ["|", ":", "~", " ", "\x1f", "\t", "x"])
def test_a_delimiter_that_is_given_is_taken(tmp_path: Path, delimiter: str) -> None:
    table, found = read(tmp_path, f"a{delimiter}b\n1{delimiter}2,3;4\n", delimiter=delimiter)

    assert found == {"a": [1], "b": ["2,3;4"]}
    assert table.delimiter == delimiter


@pytest.mark.parametrize("on_bad_rows", ["refuse", "skip"])
def test_between_spaces_a_line_of_spaces_is_a_row(tmp_path: Path, on_bad_rows: str) -> None:
    _, found = read(tmp_path, "a b\n1 x\n \n2 y\n\n", delimiter=" ", on_bad_rows=on_bad_rows)

    assert found == {"a": [1, None, 2], "b": ["x", None, "y"]}


def test_between_spaces_a_line_of_too_many_spaces_is_refused_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, "a b\n1 x\n   \n", delimiter=" ")

    assert caught.value.details[0]["where"] == "line 3"


def test_a_delimiter_that_is_given_wins_over_the_format(tmp_path: Path) -> None:
    _, found = read(tmp_path, "a;b\n1;2\t3\n", declared={"format": "tsv"}, delimiter=";")

    assert found == {"a": [1], "b": ["2\t3"]}


ENCODINGS = {
    "cp1250": "žluťoučký",
    "cp1251": "Привет",
    "koi8-r": "Привет",
    "iso-8859-2": "žluť",
    "iso-8859-15": "10 €",
    "mac-roman": "café",
    "cp437": "é½",
    "shift_jis": "表ソ|能",
    "gb18030": "中文",
    "euc-kr": "한국",
    "big5": "許功蓋",
    "utf-16-le": "žluť 表",
    "utf-16-be": "žluť 表",
}


@pytest.mark.parametrize(("encoding", "text"), ENCODINGS.items(), ids=ENCODINGS.keys())
def test_an_encoding_that_is_given_is_taken(tmp_path: Path, encoding: str, text: str) -> None:
    data = f'n,t\n1,"{text}"\n2,{text.replace("|", "")}\n'.encode(encoding)

    table, found = read(tmp_path, data, encoding=encoding)

    assert found == {"n": [1, 2], "t": [text, text.replace("|", "")]}
    assert table.encoding == encoding


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_the_byte_order_of_unmarked_utf_16_is_found(tmp_path: Path, order: str) -> None:
    table, found = read(tmp_path, "a,b\n1,ž\n".encode(order), encoding="utf-16")

    assert found == {"a": [1], "b": ["ž"]}
    assert table.encoding == order


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (b"a,b\n1,\xe9\n", "utf-8", "line 2: byte 0xe9 is not UTF-8"),
        (b"a,b\n1,2\n1,\x81\n", "cp1252", "line 3: no valid CP1252"),
        (b"a,b\n1,2\n\x82,3\n", "shift_jis", "line 3: no valid SHIFT_JIS"),
        ("\ufeffa,b\n1,2\n".encode(), "cp1252", "the byte order mark of utf-8"),
        ("\ufeffa,b\n1,2\n".encode("utf-16-le"), "utf-8", "the byte order mark of utf-16"),
    ],
)
def test_bytes_that_are_not_of_the_given_encoding_are_refused(
    tmp_path: Path, data: bytes, encoding: str, words: str
) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, data, encoding=encoding)

    assert words in caught.value.message


def test_a_decimal_comma_can_be_given_between_any_delimiters(tmp_path: Path) -> None:
    table, found = read(tmp_path, 'a,b\n"1,5",1\n"2,25",2\n', decimal_mark=",")

    assert found == {"a": [1.5, 2.25], "b": [1, 2]}
    assert table.warnings == []
    assert types(table) == {"a": "real", "b": "integer"}


def test_with_a_decimal_comma_a_point_makes_no_number(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "a;b\n1.234,5;1\n2,5;2\n", decimal_mark=",")

    assert types(table) == {"a": "text", "b": "integer"}


def test_with_a_decimal_point_a_comma_makes_no_number(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "a;b\n1,5;1.5\n2,5;2\n", decimal_mark=".")

    assert types(table) == {"a": "text", "b": "real"}


def test_missing_marks_that_are_given_replace_the_usual_ones(tmp_path: Path) -> None:
    _, found = read(tmp_path, "a,b\n1,NA\n-999,x\n,unknown\n", missing_marks=["-999", " unknown "])

    assert found == {"a": [1, None, None], "b": ["NA", "x", None]}


def test_missing_marks_may_be_longer_in_bytes_than_in_characters(tmp_path: Path) -> None:
    _, found = read(tmp_path, "a,b\n10,x\n—,y\n", missing_marks=["—"])

    assert found == {"a": [10, None], "b": ["x", "y"]}


def test_without_missing_marks_only_the_empty_cell_is_missing(tmp_path: Path) -> None:
    _, found = read(tmp_path, "a,b\nNA,1\n?,\n", missing_marks=[])

    assert found == {"a": ["NA", "?"], "b": [1, None]}


def test_a_file_without_a_header_gets_numbered_columns(tmp_path: Path) -> None:
    table, found = read(tmp_path, "\n1,x\n2,y\n", has_header=False)

    assert found == {"column_1": [1, 2], "column_2": ["x", "y"]}
    assert table.warnings == []


def test_without_a_header_excels_hint_is_no_row(tmp_path: Path) -> None:
    _, found = read(tmp_path, "sep=;\n1;x\n2;y\n", has_header=False)

    assert found == {"column_1": [1, 2], "column_2": ["x", "y"]}


def test_lines_are_counted_right_without_a_header(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, "sep=;\n1;x\n2;y;z\n", has_header=False)

    assert caught.value.details[0]["where"] == "line 3"
    assert caught.value.details[0]["expected"] == "2 fields, as the first record has"


def test_the_charset_of_a_media_type_is_taken(tmp_path: Path) -> None:
    data = "a,b\n1,žluť\n".encode("iso-8859-2")

    table, found = read(tmp_path, data, declared={"media_type": "text/csv; charset=ISO-8859-2"})

    assert (found["b"], table.encoding) == (["žluť"], "iso-8859-2")
    _, told = read(tmp_path, data, declared={"media_type": "text/csv; charset=utf-8"}, encoding="iso-8859-2")
    assert told["b"] == ["žluť"]


def test_a_charset_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable, match="charset 'klingon' of the media type is not read here"):
        read(tmp_path, "a,b\n1,2\n", declared={"media_type": "text/csv; charset=klingon"})


def test_marks_that_may_be_words_are_told(tmp_path: Path) -> None:
    table, found = read(tmp_path, "country,n\nDE,1\nNA,2\nNA,NA\nnull,n/a\n")

    assert found == {"country": ["DE", None, None, None], "n": [1, 2, None, None]}
    [warning] = table.warnings
    assert warning.startswith("column 'country' has 'NA' (2), 'null' (1), taken for missing values")
    kept, words = read(tmp_path, "country,n\nDE,1\nNA,2\n", missing_marks=[])
    assert (words["country"], kept.warnings) == (["DE", "NA"], [])


# --- types of columns ---


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

    assert table.warnings == ["column 'a' has times finer than a microsecond, which are cut"]


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


# --- options that do not fit ---


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_a_column_that_is_not_there_is_named_with_the_likely_ones(tmp_path: Path, file_format: str) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"weight": [1.5]}), sink)
    content = {"csv": b"weight\n1.5\n", "jsonl": b'{"weight": 1.5}\n', "parquet": sink.getvalue()}[file_format]

    with pytest.raises(InvalidCommand) as caught:
        read(tmp_path, content, declared={"format": file_format}, columns={"wieght": {"type": "real"}})

    assert caught.value.details[0]["where"] == "options.columns.wieght"
    assert caught.value.details[0]["expected"] == ["weight"]


@pytest.mark.parametrize(
    ("content", "options", "place"),
    [
        (b'{"a": 1}\n', {"delimiter": ";"}, "options.delimiter"),
        (b'{"a": 1}\n', {"has_header": False}, "options.has_header"),
        (b'{"a": 1}\n', {"missing_marks": ["x"]}, "options.missing_marks"),
        (None, {"encoding": "cp1252"}, "options.encoding"),
        (None, {"on_bad_rows": "skip"}, "options.on_bad_rows"),
    ],
)
def test_an_option_that_a_format_has_no_use_for_is_refused(
    tmp_path: Path, content: bytes | None, options: dict[str, Any], place: str
) -> None:
    if content is None:
        sink = io.BytesIO()
        pq.write_table(pa.table({"a": [1]}), sink)
        content = sink.getvalue()

    with pytest.raises(InvalidCommand) as caught:
        read(tmp_path, content, declared={"file_name": None}, **options)

    assert [detail["where"] for detail in caught.value.details] == [place]


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
    assert bool(lines) == any("left out, the first for this reason" in text for text in table.warnings)


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

    table, found = read(tmp_path, text, on_bad_rows="skip")

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
    tmp_path: Path, content: bytes, *, is_cut: bool, limits: Limits = LIMITS
) -> tuple[IngestedTable, dict[str, list[Any]]]:
    return ingested(tmp_path, content, is_preview=True, is_cut=is_cut, limits=limits)


def test_a_preview_reports_bad_rows_beside_the_others(tmp_path: Path) -> None:
    table, found = previewed(tmp_path, b"a,b\n1,2\n3\n4,5\n", is_cut=False)

    assert found == {"a": [1, 4], "b": [2, 5]}
    assert skipped_lines(table) == [3]


def test_a_record_that_is_cut_is_no_bad_row(tmp_path: Path) -> None:
    table, found = previewed(tmp_path, b'a,b\n1,2\n3,"cut\noff\n', is_cut=True)

    assert found == {"a": [1], "b": [2]}
    assert table.skipped.count == 0


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_beginning_of_a_text_ends_with_a_whole_line(encoding: str, end: str) -> None:
    whole = f"a,b{end}1,é{end}".encode(encoding)
    cut_off = "2,\u0a0axyz".encode("utf-16-le" if encoding == "utf-16" else encoding, errors="replace")

    for length in range(len(cut_off)):
        assert whole_lines(whole + cut_off[:length], encoding) == whole
