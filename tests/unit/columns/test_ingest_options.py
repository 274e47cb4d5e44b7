"""How a file is to be read, where its sender says so: its dialect, and options that do not fit."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelbus.shared.errors import InvalidCommand, MalformedTable
from tests.unit.ingesting import read, types

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
        (b"a,b\n1,2\n1,\x81\n", "cp1252", "line 3: invalid CP1252"),
        (b"a,b\n1,2\n\x82,3\n", "shift_jis", "line 3: invalid SHIFT_JIS"),
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
    with pytest.raises(MalformedTable, match="charset 'klingon' of the media type is not supported"):
        read(tmp_path, "a,b\n1,2\n", declared={"media_type": "text/csv; charset=klingon"})


def test_marks_that_may_be_words_are_told(tmp_path: Path) -> None:
    table, found = read(tmp_path, "country,n\nDE,1\nNA,2\nNA,NA\nnull,n/a\n")

    assert found == {"country": ["DE", None, None, None], "n": [1, 2, None, None]}
    [warning] = table.warnings
    assert warning.startswith("column 'country' has 'NA' (2), 'null' (1), read as missing values")
    kept, words = read(tmp_path, "country,n\nDE,1\nNA,2\n", missing_marks=[])
    assert (words["country"], kept.warnings) == (["DE", "NA"], [])


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
