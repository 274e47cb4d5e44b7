"""Nasty little tables: each with the schema that it should get, or the line at which it should be refused."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from evaluator.ingest import IngestedTable, Limits, ingest
from shared.errors import LimitExceeded, MalformedTable

LIMITS = Limits(column_limit=50, line_limit_bytes=4096)


def ingested(
    tmp_path: Path,
    content: bytes | str,
    *,
    file_name: str | None = "table.csv",
    limits: Limits = LIMITS,
    **declared: Any,
) -> tuple[IngestedTable, dict[str, list[Any]]]:
    data = content.encode() if isinstance(content, str) else content
    destination = tmp_path / "table.parquet"
    given = {"media_type": None, "format": None} | declared
    table = ingest(
        io.BytesIO(data),
        destination,
        file_name=file_name,
        limits=limits,
        on_progress=lambda fraction, message: None,
        **given,
    )
    return table, pq.read_table(destination).to_pydict()


def types(table: IngestedTable) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def many(*rows: tuple[int, str]) -> str:
    return "".join(f"{row}\n" * count for count, row in rows)


TYPED = {
    "plain": ("a,b,c\n1,1.5,x\n2,2.5,y\n", {"a": "integer", "b": "real", "c": "text"}),
    "codes with leading zeros stay text": ("zip,n\n01234,0\n56789,10\n", {"zip": "text", "n": "integer"}),
    "a signed code with leading zeros stays text": ("a,b\n-007,-7\n1,0\n", {"a": "text", "b": "integer"}),
    "a real with leading zeros stays text": ("a,b\n00.5,0.5\n1.5,-0.5\n", {"a": "text", "b": "real"}),
    "an integer turns real late": ("a,b\n" + many((70_000, "1,x"), (1, "1.5,x")), {"a": "real", "b": "text"}),
    "a real turns text late": ("a,b\n" + many((70_000, "1.5,x"), (1, "oops,x")), {"a": "text", "b": "text"}),
    "a boolean turns text late": ("a,b\n" + many((70_000, "yes,1"), (1, "maybe,1")), {"a": "text", "b": "integer"}),
    "a date turns text late": ("a\n" + many((70_000, "2024-01-31"), (1, "2024-02-30")), {"a": "text"}),
    "20-digit ids stay text": ("a,b\n12345678901234567890,1\n2,2\n", {"a": "text", "b": "integer"}),
    "the largest integer of 64 bits": (
        "a,b\n9223372036854775807,-9223372036854775808\n",
        {"a": "integer", "b": "integer"},
    ),
    "a 20-digit id among reals stays text": ("a,b\n1.5,1\n12345678901234567890,2\n", {"a": "text", "b": "integer"}),
    "a real beyond the double's range stays text": ("a,b\n1e400,1\n2.5,2\n", {"a": "text", "b": "integer"}),
    "hexadecimal stays text": ("a,b\n0x1F,1\n0x20,2\n", {"a": "text", "b": "integer"}),
    "phone numbers stay text": ("a,b\n555-1234,1\n+49-30-1,2\n", {"a": "text", "b": "integer"}),
    "plus signs and exponents": ("a,b\n+5,1e5\n-3,-.5E-3\n", {"a": "integer", "b": "real"}),
    "infinities are real": ("a,b\ninf,1\n-Infinity,2\n1.5,3\n", {"a": "real", "b": "integer"}),
    "zero and one are integers": ("a,b\n0,t\n1,f\n", {"a": "integer", "b": "boolean"}),
    "booleans in any case": ("a,b,c\nTRUE,Yes,y\nfalse,NO,N\n", {"a": "boolean", "b": "boolean", "c": "boolean"}),
    "words of two pairs are text": ("a,b\ntrue,1\nno,2\n", {"a": "text", "b": "integer"}),
    "one letter alone is text": ("sex,b\nF,true\nF,true\n", {"sex": "text", "b": "boolean"}),
    "one country alone is text": ("country,b\nNO,true\nNO,\n", {"country": "text", "b": "boolean"}),
    "ISO dates": (
        "a,b\n2024-01-31,2024-01-31T10:00:00.25\n2024-02-29,2024-01-31 10:00\n",
        {"a": "datetime", "b": "datetime"},
    ),
    "zoned dates": ("a,b\n2024-01-31T10:00:00Z,1\n2024-01-31T10:00:00+02:00,1\n", {"a": "datetime", "b": "integer"}),
    "zoned and naive dates are text": (
        "a,b\n2024-01-31T10:00:00Z,1\n2024-01-31T10:00:00,1\n",
        {"a": "text", "b": "integer"},
    ),
    "no day of the calendar": ("a,b\n2023-02-29,1\n2023-02-28,1\n", {"a": "text", "b": "integer"}),
    "no day of the calendar, by people": ("a,b\n31/04/2024,1\n30/04/2024,1\n", {"a": "text", "b": "integer"}),
    "day first": ("a,b\n31/12/2024,1\n1/2/2024,2\n", {"a": "datetime", "b": "integer"}),
    "month first": ("a,b\n12/31/2024,1\n1/2/2024,2\n", {"a": "datetime", "b": "integer"}),
    "day or month first": ("a,b\n11/12/2024,1\n1/2/2024,2\n", {"a": "text", "b": "integer"}),
    "day first and month first": ("a,b\n31/12/2024,1\n12/31/2024,2\n", {"a": "text", "b": "integer"}),
    "dots mean day first": ("a,b\n1.2.2024,1.5\n2.3.2024,1\n", {"a": "datetime", "b": "real"}),
    "a year of two digits is text": ("a,b\n31/12/24,1\n30/12/24,1\n", {"a": "text", "b": "integer"}),
    "dates of two forms are text": ("a,b\n31/12/2024,1\n31/12/2024 10:00,1\n", {"a": "text", "b": "integer"}),
    "missing marks": ("a,b,c\n1,?,NA\nNA,2024-01-31,x\n-,N/A,null\n", {"a": "integer", "b": "datetime", "c": "text"}),
    "an empty column": ("a,b\n1,\n2,NA\n", {"a": "integer", "b": "empty"}),
    "a column of dashes is text": ("a,b\n-,1\n-,2\n", {"a": "text", "b": "integer"}),
    "spaces around numbers": ("a, b\n 1 , 1.5\n2 , 2.5\n", {"a": "integer", "b": "real"}),
    "decimal comma": ("a;b\n1,5;2\n2;3\n", {"a": "real", "b": "integer"}),
    "decimal comma and point": ("a;b\n1,5;2\n2.5;3\n", {"a": "text", "b": "integer"}),
    "no decimal comma between commas": ('a,b\n"1,5",2\n"2,5",3\n', {"a": "text", "b": "integer"}),
    "tabs": ("a\tb\n1\tx\n2\ty, z\n", {"a": "integer", "b": "text"}),
    "pipes": ("a|b\n1|x, y\n2|z\n", {"a": "integer", "b": "text"}),
    "a single column": ("a\n1\n2\n", {"a": "integer"}),
    "a single column of prose": ("comment\nhello, world\nall is well\na, b, c\n", {"comment": "text"}),
    "lines that end with carriage returns": ("a,b\r1,x\r2,y\r", {"a": "integer", "b": "text"}),
    "lines that end as on Windows": ("a,b\r\n1,x\r\n2,y\r\n", {"a": "integer", "b": "text"}),
    "no end of the last line": ("a,b\n1,x\n2,y", {"a": "integer", "b": "text"}),
    "an inch sign in an unquoted field": ('a,b\n1,12" pipe\n2,x\n', {"a": "integer", "b": "text"}),
    "quoted numbers": ('"a","b"\n"1","x"\n"2","y"\n', {"a": "integer", "b": "text"}),
    "quoted line ends and quotes": ('a,b\n1,"x\ny ""z"""\n2,y\n', {"a": "integer", "b": "text"}),
    "blank lines": ("\n\na,b\n\n1,x\n   \n2,y\n\n", {"a": "integer", "b": "text"}),
    "Excel's word about the delimiter": ("sep=;\na;b\n1;x,y\n2;z\n", {"a": "integer", "b": "text"}),
    "empty rows above the header, and an inch sign": (';;;\n\na;b\n1;12" x\n', {"a": "integer", "b": "text"}),
    "a tab as Excel's word": ("sep=\t\na\tb\n1\tx;y\n", {"a": "integer", "b": "text"}),
    "a quoted tab as Excel's word": ('"sep=\t"\r\na\tb\r\n1\tx\r\n', {"a": "integer", "b": "text"}),
    "another delimiter as Excel's word": ("sep=^\na^b\n1^x,y\n", {"a": "integer", "b": "text"}),
    "Excel's word before carriage returns": ("sep=;\ra,b;c\r1,2;x\r", {"a,b": "real", "c": "text"}),
    "empty rows of a spreadsheet": ("a,b\n1,x\n,\n2,y\n", {"a": "integer", "b": "text"}),
    "duplicate and empty names": (
        "a,a,,a_2\n1,2,3,4\n",
        {"a": "integer", "a_3": "integer", "column_3": "integer", "a_2": "integer"},
    ),
    "a header of two lines": ('a,"b\nc"\n1,x\n2,y\n', {"a": "integer", "b\nc": "text"}),
    "space around names": ("a , b\n1,x\n", {"a": "integer", "b": "text"}),
    "names with dots": ("a,a.b\n1,x\n2,y\n", {"a": "integer", "a.b": "text"}),
}


@pytest.mark.parametrize(("content", "expected"), TYPED.values(), ids=TYPED.keys())
def test_each_column_gets_the_type_of_all_its_cells(tmp_path: Path, content: str, expected: dict[str, str]) -> None:
    table, frame = ingested(tmp_path, content)
    assert types(table) == expected
    assert list(frame) == list(expected)
    assert {len(cells) for cells in frame.values()} == {table.row_count}


REFUSED = {
    "0 bytes": (b"", "empty (0 bytes)", None),
    "only blank lines": (b"\n\n\n", "no header", "line 1"),
    "only a byte order mark": (b"\xef\xbb\xbf", "no header", "line 1"),
    "a header alone": (b"a,b\n", "the table has no rows", None),
    "a header alone without an end": (b"a,b", "the table has no rows", None),
    "a long row": (b"a,b\n1,2\n1,2,3\n", "3 fields; expected 2 fields", "line 3"),
    "a short row": (b"a,b\n1,2\n1\n", "1 field; expected 2 fields", "line 3"),
    "a long row behind quoted line ends": (b'a,b\n"x\ny\nz",2\n\n1,2,3\n', "3 fields", "line 6"),
    "a long row behind carriage returns": (b"a,b\r1,2\r1,2,3\r", "3 fields", "line 3"),
    "nothing but long rows": (b"a,b\n1,2,3\n1,2,3\n", "3 fields", "line 2"),
    "empty rows of a spreadsheet above the header": (
        b",,,\n\na,b\n1,x\n1,2,3\n",
        "3 fields; expected 2 fields",
        "line 5",
    ),
    "a title above the header": (b"Report\na,b\n1,2\n3,4\n", "2 fields; expected 1 field", "line 2"),
    "an unclosed quote": (b'a,b\n1,x\n2,"y\n3,z\n', "never closed", "line 3"),
    "an unclosed quote in the first row": (b'a,b\n"1,x\n', "never closed", "line 2"),
    "an unclosed quote in the header": (b'a,"b\n1,x\n2,y\n', "never closed", "line 1"),
    "an unclosed quote behind quoted line ends": (b'a,b\n"x\ny",1\n2,"z\n3,4\n', "never closed", "line 4"),
    "an unclosed quote that another one closes": (b'a,b\n1,"x\n2,y\n3,"z\n4,w\n', "text follows the quote", "line 2"),
    "text behind a closing quote": (b'a,b\n1,x\n2,"y" z\n', "text follows the quote", "line 3"),
    "quotes escaped by backslashes": (b'a,b\n1,"x \\"y\\" z"\n', "text follows the quote", "line 2"),
    "a NUL byte behind mixed line ends": (b"a,b\r\n1,2\r3,4\n" + b"3,4\r" * 50 + b"3,\x004\n", "NUL byte", "line 54"),
    "a NUL byte": (b"a,b\n1,2\n" + b"3,4\n" * 50 + b"3,\x004\n", "NUL byte", "line 53"),
    "binary rubbish": (bytes(range(256)) * 8, "the file is binary", "line 1"),
    "UTF-16 without a byte order mark": ("a,b\n1,2\n".encode("utf-16-le"), "binary", "line 1"),
    "UTF-8 that breaks off": ("a,b\né,1\n".encode() + b"\xe9,2\n", "not UTF-8", "line 3"),
    "marked UTF-8 that is none": (b"\xef\xbb\xbfa,b\n\xe9,2\n", "not UTF-8", "line 2"),
    "neither UTF-8 nor cp1252": (b"a,b\nx,1\n\x81\xe9,2\n", "neither UTF-8 nor cp1252", "line 3"),
    "a broken UTF-16": ("a,b\n1,2\n".encode("utf-16") + b"x", "no valid UTF-16", "line 3"),
    "gzip": (b"\x1f\x8b\x08\x00", "gzip", None),
    "an Excel workbook": (b"PK\x03\x04....", "Excel", None),
    "a very long column name": (b"a" * 501 + b",b\n1,2\n", "501 characters", "line 1"),
}


@pytest.mark.parametrize(("content", "problem", "where"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_is_no_table_is_refused_by_its_line(
    tmp_path: Path, content: bytes, problem: str, where: str | None
) -> None:
    with pytest.raises(MalformedTable) as caught:
        ingested(tmp_path, content)
    assert problem in caught.value.message
    assert caught.value.details[0]["where"] == (where or "file")
    assert {"problem", "expected"} <= caught.value.details[0].keys()
    assert list(tmp_path.iterdir()) == []


def test_every_bad_row_is_named_up_to_a_hundred(tmp_path: Path) -> None:
    content = "a,b\n" + "1,2\n1,2,3\n" * 150
    with pytest.raises(MalformedTable) as caught:
        ingested(tmp_path, content)
    assert [detail["where"] for detail in caught.value.details] == [f"line {3 + 2 * row}" for row in range(100)]


def test_an_unclosed_quote_names_its_column(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        ingested(tmp_path, 'id,note\n1,"oops\n2,fine\n')
    assert caught.value.details == [
        {
            "where": "line 2",
            "column": "note",
            "problem": "a quote is opened and never closed",
            "expected": 'a closing quote (a quote in a field is written "")',
        }
    ]


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="50 at most"):
        ingested(tmp_path, ",".join(f"c{position}" for position in range(51)) + "\n")


@pytest.mark.parametrize("end", ["\n", "\r", ""])
def test_a_line_that_is_too_long_is_refused_by_its_number(tmp_path: Path, end: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        ingested(tmp_path, f"a,b{end or chr(10)}1,2{end or chr(10)}1,{'x' * 5000}{end}")
    assert caught.value.details[0]["where"] == "line 3"


def test_lines_within_a_small_limit_pass(tmp_path: Path) -> None:
    line = "1," + "x" * 62
    table, frame = ingested(tmp_path, "a,b\n" + f"{line}\n" * 100, limits=Limits(10, 64))
    assert (table.row_count, set(frame["b"])) == (100, {"x" * 62})
    with pytest.raises(LimitExceeded, match="line 102"):
        ingested(tmp_path, "a,b\n" + f"{line}\n" * 100 + f"{line}x\n", limits=Limits(10, 64))


def test_a_record_of_many_lines_that_is_too_long_is_refused_by_its_first_line(tmp_path: Path) -> None:
    block = "a long line of text\n" * 120_000
    with pytest.raises(LimitExceeded) as caught:
        ingested(tmp_path, f'a,b\n1,2\n3,"{block}"\n')
    assert caught.value.details[0]["where"] == "line 3"


def test_an_unclosed_quote_before_much_text_is_named(tmp_path: Path) -> None:
    content = 'a,b\n1,2\n3,"x\n' + "1,2\n" * 1_000_000
    with pytest.raises(MalformedTable, match="line 3, column 'b': a quote is opened and never closed"):
        ingested(tmp_path, content)


ENCODED = {
    "utf-8": ("utf-8", "utf-8"),
    "utf-8-sig": ("utf-8-sig", "utf-8-sig"),
    "utf-16": ("utf-16", "utf-16"),
    "utf-16 big end first": ("utf-16-be", "utf-16"),
    "cp1252": ("cp1252", "cp1252"),
}


@pytest.mark.parametrize(("codec", "expected"), ENCODED.values(), ids=ENCODED.keys())
def test_the_encoding_is_found_and_stated(tmp_path: Path, codec: str, expected: str) -> None:
    text = "größe;straße\n" + "1,5;Köln\n" * 60_000 + '2;"Zürich\n""€"""\n'
    mark = "\ufeff" if codec == "utf-16-be" else ""
    table, frame = ingested(tmp_path, (mark + text).encode(codec))
    assert (table.encoding, table.delimiter) == (expected, ";")
    assert types(table) == {"größe": "real", "straße": "text"}
    assert (frame["größe"][-2:], frame["straße"][-1]) == ([1.5, 2.0], 'Zürich\n"€"')


def test_a_character_beyond_ascii_that_comes_late_decides_for_cp1252(tmp_path: Path) -> None:
    table, frame = ingested(tmp_path, b"a,b\n" + b"1,x\n" * 500_000 + b"2,caf\xe9\n")
    assert (table.encoding, frame["b"][-1]) == ("cp1252", "café")


def test_a_character_may_be_cut_by_any_chunk(tmp_path: Path) -> None:
    for pad in range(4):
        content = f"a{'x' * pad},b\n" + "é,€\n" * 40
        _, frame = ingested(tmp_path, content, limits=Limits(10, 64))
        assert set(frame["b"]) == {"€"}


def values(frame: dict[str, list[Any]], name: str) -> list[str]:
    return [str(value) for value in frame[name]]


DATES = {
    "31/12/2024,\n1/2/2024": ("%d/%m/%Y", ["2024-12-31 00:00:00", "2024-02-01 00:00:00"]),
    "12/31/2024,\n1/2/2024": ("%m/%d/%Y", ["2024-12-31 00:00:00", "2024-01-02 00:00:00"]),
    "31-12-2024,\n01-02-2024": ("%d-%m-%Y", ["2024-12-31 00:00:00", "2024-02-01 00:00:00"]),
    "01.02.2024,\n03.04.2024": ("%d.%m.%Y", ["2024-02-01 00:00:00", "2024-04-03 00:00:00"]),
    "2024/12/31,\n2024/1/2": ("%Y/%m/%d", ["2024-12-31 00:00:00", "2024-01-02 00:00:00"]),
    "31/12/2024 7:05,\n1/2/2024 23:59": ("%d/%m/%Y %H:%M", ["2024-12-31 07:05:00", "2024-02-01 23:59:00"]),
    "12/31/2024 12:00:01 AM,\n1/2/2024 3:45:00 pm": (
        "%m/%d/%Y %I:%M:%S %p",
        ["2024-12-31 00:00:01", "2024-01-02 15:45:00"],
    ),
    "31.12.2024 10:00:00.25,\n1.2.2024 10:00:00.125": (
        "%d.%m.%Y %H:%M:%S.%f",
        ["2024-12-31 10:00:00.250000", "2024-02-01 10:00:00.125000"],
    ),
    "2024-12-31,\n2024-01-02T03:04:05.678": ("ISO8601", ["2024-12-31 00:00:00", "2024-01-02 03:04:05.678000"]),
    "2024-12-31T10:00:00Z,\n2024-12-31T10:00:00+0200": (
        "ISO8601",
        ["2024-12-31 10:00:00+00:00", "2024-12-31 08:00:00+00:00"],
    ),
}


@pytest.mark.parametrize(("cells", "expected"), DATES.items(), ids=[expected[0] for expected in DATES.values()])
def test_dates_are_read_by_the_one_format_that_fits(
    tmp_path: Path, cells: str, expected: tuple[str, list[str]]
) -> None:
    table, frame = ingested(tmp_path, f"when,other\n{cells},\nNA,\n-,\n")
    column = table.columns[0]
    assert (column.type, column.date_format, column.missing) == ("datetime", expected[0], 2)
    assert values(frame, "when") == [*expected[1], "None", "None"]
    assert column.minimum == min(expected[1]).replace(" ", "T")


UNDECIDED = "dates in which day and month cannot be told apart and stays text; ISO dates (2024-12-31) can"


def test_what_was_decided_is_said(tmp_path: Path) -> None:
    content = (
        "a,a,,when,id, note,size,n\n"
        "1,2,3,01/02/2024,12345678901234567890, x,inf,9007199254740993\n"
        "1,2,3,02/03/2024,2, y,1.5,1.5\n"
    )
    table, frame = ingested(tmp_path, content)
    assert table.warnings == [
        "column 2 is another 'a'; it is called 'a_2'",
        "column 3 has no name; it is called 'column_3'",
        f"column 'when' has {UNDECIDED}",
        "column 'id' has numbers beyond the range of 64 bits and stays text",
        "column 'note' has a space before each value, which is cut",
        "column 'size' has infinite values",
        "column 'n' is real, and whole numbers beyond 2**53 in it are rounded",
    ]
    assert frame["note"] == ["x", "y"]
    assert (table.columns[6].minimum, table.columns[6].maximum) == (1.5, 1.5)


def test_a_header_of_numbers_is_doubted(tmp_path: Path) -> None:
    table, _ = ingested(tmp_path, "1,2\n3,4\n")
    assert table.warnings == ["line 1 is taken as the header, though it holds nothing but numbers"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("5.1,3.5,Iris-setosa", ["line 1 is taken as the header, though it holds numbers, such as 5.1"]),
        ("country,2019,2020", ["line 1 is taken as the header, though it holds numbers, such as 2019"]),
        ("country,capital,2020", []),
    ],
)
def test_a_header_with_numbers_is_doubted(tmp_path: Path, header: str, words: list[str]) -> None:
    table, _ = ingested(tmp_path, f"{header}\n1,2,3\n")
    assert table.warnings == words


def test_a_point_beside_decimal_commas_is_told(tmp_path: Path) -> None:
    table, _ = ingested(tmp_path, "a;b;c\n1.234;1,5;1\n2.500;2,5;2\n")
    assert table.warnings == [
        "column 'b' is read with a decimal comma",
        "column 'a' is read with a decimal point, other columns with a decimal comma",
    ]


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_an_encoding_that_is_guessed_is_told(tmp_path: Path, name: str) -> None:
    content = '{"a": "é"}\n' if name == "x.jsonl" else "a,b\né,1\n"
    guessed, _ = ingested(tmp_path, content.encode("cp1252"), file_name=name)
    known, _ = ingested(tmp_path, content.encode(), file_name=name)
    assert guessed.warnings == [
        "the text is not UTF-8 and is read as cp1252; if characters are wrong, give its encoding"
    ]
    assert known.warnings == []


def test_blank_lines_of_a_single_column_are_counted_and_quoted_ones_kept(tmp_path: Path) -> None:
    table, frame = ingested(tmp_path, 'a\n1\n\n""\n2\n\n')
    assert frame == {"a": [1, None, 2]}
    assert table.warnings == ["2 blank lines are left out"]


def test_missing_marks_depend_on_the_column(tmp_path: Path) -> None:
    _, frame = ingested(tmp_path, "n,t,d\n1,-,2024-01-31\n-,?,-\n?,+, \n NA , NA ,None\n")
    assert frame["n"] == [1, None, None, None]
    assert frame["t"] == ["-", None, "+", None]
    assert [value is None for value in frame["d"]] == [False, True, True, True]


def test_the_file_is_described(tmp_path: Path) -> None:
    content = "a,b\n1,x\n"
    seen: list[float] = []
    source = io.BytesIO(content.encode())
    destination = tmp_path / "out"
    table = ingest(
        source,
        destination,
        file_name=None,
        media_type=None,
        format=None,
        limits=LIMITS,
        on_progress=lambda fraction, message: seen.append(fraction),
    )
    assert table.sha256 == hashlib.sha256(destination.read_bytes()).hexdigest()
    assert (table.size_bytes, table.source_size_bytes) == (destination.stat().st_size, len(content))
    assert (table.format, table.encoding, table.delimiter) == ("csv", "utf-8", ",")
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert not source.closed
    assert list(tmp_path.iterdir()) == [destination]


def test_row_groups_have_fifty_thousand_rows(tmp_path: Path) -> None:
    ingested(tmp_path, "a,b\n" + "1,x\n" * 120_000)
    metadata = pq.read_metadata(tmp_path / "table.parquet")
    assert [metadata.row_group(group).num_rows for group in range(3)] == [50_000, 50_000, 20_000]


class _StoppedError(Exception):
    pass


def test_what_the_progress_callback_raises_ends_the_ingest(tmp_path: Path) -> None:
    def stop(fraction: float, message: str) -> None:
        if message == "casting":
            raise _StoppedError

    with pytest.raises(_StoppedError):
        ingest(
            io.BytesIO(b"a,b\n1,2\n"),
            tmp_path / "out",
            file_name=None,
            media_type=None,
            format=None,
            limits=LIMITS,
            on_progress=stop,
        )
    assert list(tmp_path.iterdir()) == []


MEASURE = """
import sys
from pathlib import Path
from evaluator.ingest import Limits, ingest
with open(sys.argv[1], "rb") as source:
    table = ingest(source, Path(sys.argv[2]), file_name="x.csv", media_type=None, format=None,
                   limits=Limits(2000, 2**20), on_progress=lambda fraction, message: None)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(table.row_count, int(status["VmHWM"].split()[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured where /proc is")
@pytest.mark.parametrize(("width", "rows"), [(6, 1_000_000), (600, 10_000)])
def test_memory_is_bounded_however_large_the_table(tmp_path: Path, width: int, rows: int) -> None:
    source = tmp_path / "large.csv"
    lines = [",".join(f"{row * column % 9973}.{column}" for column in range(width)) for row in range(100)]
    with source.open("w") as file:
        file.write(",".join(f"c{column}" for column in range(width)) + "\n")
        for _ in range(rows // 100):
            file.write("\n".join(lines) + "\n")
    found = subprocess.run(
        [sys.executable, "-c", MEASURE, source, tmp_path / "out"], check=True, capture_output=True, text=True
    )
    row_count, peak_mebibytes = map(int, found.stdout.split())
    assert row_count == rows
    assert peak_mebibytes < 300
