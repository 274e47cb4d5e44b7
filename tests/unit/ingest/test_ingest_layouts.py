"""Titles, comments, units, spaces, stray delimiters: read as the plain table is, or told in one sentence."""

import io
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest import IngestedTable, Limits, ingest
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.errors import MalformedTable
from tests.unit.ingesting import read, types

PLAIN = {"id": [1, 2], "name": ["x", "y"], "v": [2.5, 3.5]}
READ: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a title": ("Sales report\nid,name,v\n1,x,2.5\n2,y,3.5\n", {}, ["line 1 is skipped as a title"]),
    "a title with a delimiter": ("Sales, 2024\nid,name,v\n1,x,2.5\n2,y,3.5\n", {}, ["line 1 is skipped as a title"]),
    "a title with another delimiter": (
        "Sales, all\nid;name;v\n1;x;2.5\n2;y;3.5\n",
        {},
        ["line 1 is skipped as a title"],
    ),
    "a title that a spreadsheet padded": ("Sales,,\n,,\nid,name,v\n1,x,2.5\n2,y,3.5\n", {}, ["is skipped as a title"]),
    "a title and what belongs to it": (
        "Sales\nDate,2024-01-31\n\nid,name,v\n1,x,2.5\n2,y,3.5\n",
        {},
        ["lines 1 to 3 are skipped as a title"],
    ),
    "a comment": ("# exported, by me, now\nid,name,v\n1,x,2.5\n2,y,3.5\n", {}, ["line 1 begins with '#'"]),
    "comments": ("# a\n#b\n\nid,name,v\n1,x,2.5\n2,y,3.5\n", {}, ["lines 1 to 2 begin with '#'"]),
    "a comment above a title": (
        "# a\nSales\nid,name,v\n1,x,2.5\n2,y,3.5\n",
        {},
        ["line 1 begins", "line 2 is skipped"],
    ),
    "comments of a programmer": ("// a\n// b\nid,name,v\n1,x,2.5\n2,y,3.5\n", {}, ["lines 1 to 2 are skipped"]),
    "lines to skip": ("a,b,c\nd\nid,name,v\n1,x,2.5\n2,y,3.5\n", {"skip_lines": 2}, []),
    "comments anywhere": (
        "% a\nid,name,v\n% b\n1,x,2.5\n  % c\n2,y,3.5\n% d",
        {"comment": "%"},
        ["4 comment lines are skipped"],
    ),
    "units in brackets": ("id,name,v\n,,[kg]\n1,x,2.5\n2,y,3.5\n", {}, ["line 2 holds units, such as '[kg]'"]),
    "units that were told": ("id,name,v\n-,text,kg,?\n1,x,2.5\n2,y,3.5\n", {"skip_below_header": 1}, []),
    "a header again": ("id,name,v\n1,x,2.5\nid,name,v\n2,y,3.5\n", {}, ["line 3 repeats the header"]),
    "a header again and again": (
        "id,name,v\nid,name,v\n1,x,2.5\n id,name ,v\n2,y,3.5\nid,name,v\n",
        {},
        ["3 lines repeat the header and are skipped (2, 4, 6)"],
    ),
    "runs of spaces": ("  id name    v\n 1  x     2.5\n 2  y     3.5\n", {}, ["separated by runs of spaces"]),
    "runs of spaces that were told": ('id\tname v\n1 "x"   2.5 \n2 y 3.5\n', {"delimiter": "spaces"}, []),
    "a space before quotes": ('id, "name", v\n1, "x", 2.5\n2, "y", 3.5\n', {}, ["quotes follow a delimiter"]),
    "a space before quotes that was told": ('id, name, v\n1, x, 2.5\n2, "y", 3.5\n', {"skip_initial_space": True}, []),
    "a delimiter at the end of each row": ("id,name,v\n1,x,2.5,\n2,y,3.5,\n", {}, ["each row ends with a delimiter"]),
    "a delimiter at the end of each line": ("id,name,v,\n1,x,2.5,\n2,y,3.5,\n", {}, ["each row ends with a delimiter"]),
    "blanks around text": ("id,name,v\n1,\tx ,2.5\n2,y  ,3.5\n", {"strip_text": True}, []),
}


@pytest.mark.parametrize(("text", "options", "words"), READ.values(), ids=READ.keys())
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["feeds", "both", "returns"])
def test_a_table_is_read_through_its_decoration(
    tmp_path: Path, text: str, options: dict[str, Any], words: list[str], end: str
) -> None:
    table, found = read(tmp_path, text.replace("\n", end), **options)

    assert found == PLAIN
    assert len(table.warnings) == len(words), table.warnings
    assert all(part in warning for part, warning in zip(words, table.warnings, strict=True)), table.warnings


@pytest.mark.parametrize("empty", [",", ",,"])
def test_a_row_without_values_stays_a_row_beside_delimiters_at_the_ends(tmp_path: Path, empty: str) -> None:
    table, found = read(tmp_path, f"a,b\n1,2,\n{empty}\n3,4,\n")

    assert found == {"a": [1, None, 3], "b": [2, None, 4]}
    assert [warning.partition(" that ")[0] for warning in table.warnings] == ["each row ends with a delimiter"]


def test_the_delimiter_that_was_found_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, "a b c\n1  2 3\n4 5    6\n")[0].delimiter == "spaces"


TOLD: dict[str, tuple[str, str, str]] = {
    "a title above text": ("Report\nname,town\nbob,paris\nal,rome\n", "line 1", "skip_lines=1"),
    "a header that lacks a name": ("a,b\n1,2,3\n4,5,6\n7,8,9\n", "line 1", "a name for each column"),
    "comments in the middle": ("a,b\n1,2\n# x\n3,4\n# y\n", "line 3", "comment='#'"),
    "quotes that are signs of inches": ("a,b\n" + '1,"5" x\n' * 12, "line 2", "has_quotes=false"),
    "a space before a quoted delimiter, late": (
        "a,b\n" + "1,2\n" * 20_000 + '1, "x, y"\n',
        "line 20002",
        "skip_initial_space=true",
    ),
}


@pytest.mark.parametrize(("text", "where", "option"), TOLD.values(), ids=TOLD.keys())
def test_what_may_be_meant_in_two_ways_is_refused_in_one_sentence(
    tmp_path: Path, text: str, where: str, option: str
) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, text)

    assert [detail["where"] for detail in caught.value.details or []] == [where], caught.value.details
    assert option in caught.value.message


def test_a_preview_of_a_title_above_text_says_so_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, "Report\nname,town\nbob,paris\nal,rome\n", declared={"is_preview": True})

    assert "skip_lines=1" in caught.value.message
    assert len(caught.value.details or []) == 1


KEPT: dict[str, tuple[str, dict[str, Any], dict[str, list[Any]]]] = {
    "a header with a hash": ("#id,v\n1,2\n", {}, {"#id": [1], "v": [2]}),
    "a header of one name and rows of text": ("name\nx\ny\n", {}, {"name": ["x", "y"]}),
    "text of two words": ("full name\nJohn Smith\nJane Doe\n", {}, {"full name": ["John Smith", "Jane Doe"]}),
    "a table of text that says its header again": ("a,b\nx,y\na,b\n", {}, {"a": ["x", "a"], "b": ["y", "b"]}),
    "a header again that is kept": ("a\n1\na\n", {"repeated_header": "keep"}, {"a": ["1", "a"]}),
    "a title that is the header": ("t,\n1,2\n", {"skip_lines": 0}, {"t": [1], "column_2": [2]}),
    "units that are kept": ("a\n[kg]\n1\n", {"skip_below_header": 0}, {"a": ["[kg]", "1"]}),
    "a comment within quotes": ('a,b\n"x\n# y",1\n# z,2\n', {"comment": "#"}, {"a": ["x\n# y"], "b": [1]}),
    "quotes as they are": ('a,b\n"1,x\n5",y"\n', {"has_quotes": False}, {"a": ['"1', '5"'], "b": ["x", 'y"']}),
    "quotes behind spaces as they are": ('a,b\n1, "x"\n', {"skip_initial_space": False}, {"a": [1], "b": [' "x"']}),
    "a last column without a name that has values": ("a,\n1,\n2,x\n", {}, {"a": [1, 2], "column_2": [None, "x"]}),
    "a single column of moments": ("date time\n2024-01-31 10:00:00\n", {}, {"date time": [...]}),
}


@pytest.mark.parametrize(("text", "options", "cells"), KEPT.values(), ids=KEPT.keys())
def test_what_only_looks_like_decoration_stays(
    tmp_path: Path, text: str, options: dict[str, Any], cells: dict[str, list[Any]]
) -> None:
    _, found = read(tmp_path, text, **options)

    assert found.keys() == cells.keys()
    assert all(found[name] == cells[name] for name in cells if cells[name] != [...])


def test_a_single_column_is_read_through_its_decoration_too(tmp_path: Path) -> None:
    table, found = read(tmp_path, "# exported\nmass\n(kg)\n1.5\n2\n3\n4\n5\nmass\n2.5\n")

    assert found == {"mass": [1.5, 2, 3, 4, 5, 2.5]}
    assert len(table.warnings) == 3


def test_names_behind_a_comment_mark_above_columns_by_spaces_are_told(tmp_path: Path) -> None:
    text = "# a b c\n0.0 1.0 2.0\n3.0 4.0 5.0\n"

    assert "delimiter=spaces with comment='#' and has_header=false" in read(tmp_path, text)[0].warnings[0]
    assert read(tmp_path, text, delimiter="spaces", comment="#", has_header=False)[1]["column_3"] == [2.0, 5.0]


def test_columns_of_a_fixed_width_with_spaces_in_them_are_told(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "id  name         v\n1   John Smith   2\n2   Bob          3\n")

    assert "fixed-width columns" in table.warnings[0]


def test_a_row_behind_left_out_lines_is_told_by_its_own_line(tmp_path: Path) -> None:
    text = "Title\na,b\n# c\n1,2\na,b\n3,4\n\n5,x\n"

    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, text, comment="#", columns={"b": {"type": "integer"}}, skip_lines=1)

    assert [(detail["where"], detail["problem"]) for detail in caught.value.details or []] == [("line 8", "'x'")]


def test_a_row_that_lacks_the_delimiter_at_its_end_and_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, "a,b,c\n" + "1,2,3,\n" * 30_000 + "1,2,\n")

    assert [detail["where"] for detail in caught.value.details or []] == ["line 30002"]


# --- any table, in any decoration ---

WORDS = st.text("abcxyzé ", min_size=1, max_size=6).map(lambda text: f"w{text}w")
ROWS = st.lists(st.tuples(st.integers(-999, 999), WORDS, st.floats(-9, 9).map(lambda one: round(one, 3))), min_size=3)
QUOTED = {"quotes": True}


def csv_of(
    rows: list[tuple[int, str, float]], *, delimiter: str = ",", end: str = "", is_quoted: bool = False
) -> list[str]:
    def cell(one: Any) -> str:
        return f'"{one}"' if is_quoted and isinstance(one, str) else str(one)

    return [delimiter.join(map(cell, row)) + end for row in rows]


def decorated(rows: list[tuple[int, str, float]], kind: str, place: int) -> tuple[str, dict[str, Any]]:
    """The table in a decoration, and the options that read it where it is not found."""
    head, lines = "id,word,number", csv_of(rows)
    if kind == "title":
        return "\n".join(["The, title", "", head, *lines]), {}
    if kind == "comments":
        return "\n".join(["# one", "# two, three", head, *lines]), {}
    if kind == "comments anywhere":
        at = place % (len(lines) + 1)
        return "\n".join(["% one", head, *lines[:at], "% two", *lines[at:]]), {"comment": "%"}
    if kind == "units":
        return "\n".join([head, "(m),,[kg]", *lines]), {}
    if kind == "header again":
        at = place % (len(lines) + 1)
        return "\n".join([head, *lines[:at], head, *lines[at:]]), {}
    if kind == "end":
        return "\n".join([head, *csv_of(rows, end=",")]), {}
    if kind == "space before quotes":
        return "\n".join(["id, word, number", *csv_of(rows, delimiter=", ", is_quoted=True)]), {}
    spaced = csv_of(rows, delimiter=" " * (1 + place % 4), is_quoted=True)
    return "\n".join([f" {head.replace(',', '   ')}", *(f"{' ' * (place % 3)}{line}  " for line in spaced)]), {}


def ingest_text(text: str, **options: Any) -> tuple[IngestedTable, dict[str, list[Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        destination = Path(folder) / "table.parquet"
        table = ingest(
            io.BytesIO(text.encode()),
            destination,
            file_name="table.csv",
            media_type=None,
            format=None,
            limits=Limits(column_limit=50, line_limit_bytes=100_000),
            on_progress=lambda fraction, message: None,
            options=ParseOptions.model_validate(options),
        )
        return table, pq.read_table(destination).to_pydict()


KINDS = ["title", "comments", "comments anywhere", "units", "header again", "end", "space before quotes", "spaces"]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(rows=ROWS, place=st.integers(0, 99))
def test_any_table_is_the_same_in_any_decoration(kind: str, rows: list[tuple[int, str, float]], place: int) -> None:
    plain, expected = ingest_text("\n".join(["id,word,number", *csv_of(rows)]))
    text, options = decorated(rows, kind, place)

    table, found = ingest_text(text, **options)

    assert found == expected
    assert types(table) == types(plain)
    assert table.warnings
