"""Files that are no tables: refused, by the line at fault."""

from pathlib import Path

import pytest

from modelbus.evaluator.ingest import Limits
from modelbus.shared.errors import LimitExceeded, MalformedTable
from tests.unit.ingesting import ingested

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
    "nothing but long rows": (b"a,b\n1,2,3\n1,2,3\n", "a header with missing names", "line 1"),
    "empty rows of a spreadsheet above the header": (
        b",,,\n\na,b\n1,x\n1,2,3\n",
        "3 fields; expected 2 fields",
        "line 5",
    ),
    "a title above a table of text": (b"Report\na,b\nx,y\nz,w\n", "it looks like a title", "line 1"),
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
    "a broken UTF-16": ("a,b\n1,2\n".encode("utf-16") + b"x", "invalid UTF-16", "line 3"),
    "gzip": (b"\x1f\x8b\x08\x00", "gzip", None),
    "a broken zip archive": (b"PK\x03\x04....", "zip archive is damaged", None),
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
            "problem": "a quote is never closed",
            "expected": 'a closing quote (a quote in a field is written "")',
        }
    ]


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="at most 50"):
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
    with pytest.raises(MalformedTable, match="line 3, column 'b': a quote is never closed"):
        ingested(tmp_path, content)
