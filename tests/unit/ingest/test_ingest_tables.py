"""Nasty little tables: each with the schema that it should get, and what is said of it."""

from pathlib import Path
from typing import Any

import pytest

from modelbus.evaluator.ingest import Limits
from modelbus.evaluator.ingest.sources.text_stream import CHUNK_BYTES
from tests.unit.ingesting import ingested, types


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
    "zero and one are integers": ("a,b\n0,true\n1,false\n", {"a": "integer", "b": "boolean"}),
    "booleans in any case": ("a,b\nTRUE,True\nfalse,False\n", {"a": "boolean", "b": "boolean"}),
    "yes and no are words": ("a,b,c,d\nYes,y,T,on\nNO,N,F,off\n", dict.fromkeys("abcd", "text")),
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


@pytest.mark.parametrize("shift", [-1, 0, 1])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_character_at_the_border_of_what_is_read_at_once_is_read_whole(
    tmp_path: Path, encoding: str, shift: int
) -> None:
    header, row = b"a,b\n", b"1234567,7654321\n"
    before = row * ((CHUNK_BYTES + shift) // len(row))
    filling = b"x" * (CHUNK_BYTES + shift - len(before) - len(b"1,") - 1)
    content = header + before + b"1," + filling + "é\n".encode(encoding) + row * 3
    table, frame = ingested(tmp_path, content)
    assert table.encoding == encoding
    assert frame["b"][-4:] == [f"{filling.decode()}é", *["7654321"] * 3]


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
        "column 2 is also named 'a' and is called 'a_2'",
        "column 3 has no name and is called 'column_3'",
        f"column 'when' has {UNDECIDED}",
        "column 'id' has numbers beyond the range of 64 bits and stays text",
        "column 'note' has a space before each value, which is removed",
        "column 'size' has infinite values",
        "column 'n' is real, and whole numbers beyond 2**53 in it are rounded",
    ]
    assert frame["note"] == ["x", "y"]
    assert (table.columns[6].minimum, table.columns[6].maximum) == (1.5, 1.5)


def test_a_header_of_numbers_is_doubted(tmp_path: Path) -> None:
    table, _ = ingested(tmp_path, "1,2\n3,4\n")
    assert table.warnings == ["line 1 is read as the header although it holds only numbers"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("5.1,3.5,Iris-setosa", ["line 1 is read as the header although it holds numbers, such as 5.1"]),
        ("country,2019,2020", ["line 1 is read as the header although it holds numbers, such as 2019"]),
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
    assert guessed.warnings == ["the text is not UTF-8 and is read as cp1252; if characters are wrong, set encoding"]
    assert known.warnings == []


def test_blank_lines_of_a_single_column_are_counted_and_quoted_ones_kept(tmp_path: Path) -> None:
    table, frame = ingested(tmp_path, 'a\n1\n\n""\n2\n\n')
    assert frame == {"a": [1, None, 2]}
    assert table.warnings == ["2 blank lines are skipped"]


def test_missing_marks_depend_on_the_column(tmp_path: Path) -> None:
    _, frame = ingested(tmp_path, "n,t,d\n1,-,2024-01-31\n-,?,-\n?,+, \n NA , NA ,None\n")
    assert frame["n"] == [1, None, None, None]
    assert frame["t"] == ["-", None, "+", None]
    assert [value is None for value in frame["d"]] == [False, True, True, True]
