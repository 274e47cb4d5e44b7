"""Tables are wrapped, rearranged or thinned out where a terminal is narrow; nothing is cut, and nothing in a pipe."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from modelbus.commands.terminal.table_layout import Column, fitting_count, folded, layout_of, lines_of

CELLS = st.text(st.characters(categories=["L", "N", "P"]), max_size=70)
TABLES = st.integers(1, 5).flatmap(
    lambda count: st.tuples(
        st.lists(CELLS.filter(bool), min_size=count, max_size=count),
        st.lists(st.lists(CELLS, min_size=count, max_size=count), min_size=1, max_size=4),
    )
)


def columns_of(headings: list[str], rows: list[list[str]]) -> list[Column]:
    return [Column(heading, [row[place] for row in rows]) for place, heading in enumerate(headings)]


def letters(text: str) -> list[str]:
    return sorted(letter for letter in text if not letter.isspace())


@given(TABLES, st.integers(16, 140))
def test_nothing_is_lost_and_no_line_is_too_wide(table: tuple[list[str], list[list[str]]], width: int) -> None:
    headings, rows = table
    layout = layout_of(columns_of(headings, rows), width)
    lines = [line.plain for line in lines_of(layout, len(rows), width)]
    assert max(map(cell_len, lines)) <= width
    if not layout.is_list:
        assert letters("".join(lines)) == letters("".join([*headings, *(cell for row in rows for cell in row)]))


@given(TABLES)
def test_a_pipe_gets_each_row_in_one_line(table: tuple[list[str], list[list[str]]]) -> None:
    headings, rows = table
    lines = [line.plain for line in lines_of(layout_of(columns_of(headings, rows), None), len(rows), None)]
    assert len(lines) == len(rows) + 1
    for row, line in zip([headings, *rows], lines, strict=True):
        assert all(cell in line for cell in row)


def test_an_id_is_never_wrapped_and_what_helps_least_is_left_out() -> None:
    ids = [str(uuid4()) for _ in range(2)]
    columns = [
        Column("id", ids, is_whole=True),
        Column("status", ["running", "failed"]),
        Column("owner", ["a" * 12, "b" * 12]),
        Column("error", ["-", "a sentence of many words that explains it"]),
    ]
    layout = layout_of(columns, 52, below=["error"], optional=["owner"])
    assert [column.heading for column in layout.columns] == ["id", "status"]
    lines = [line.plain for line in lines_of(layout, 2, 52)]
    assert all(any(one in line for line in lines) for one in ids)
    assert lines[-1].strip().startswith("error: a sentence") or "error: a sentence" in lines[-2]
    assert [column.heading for column in layout_of(columns, 200, below=["error"], optional=["owner"]).columns] == [
        "id",
        "status",
        "owner",
        "error",
    ]


def test_a_row_that_fits_in_no_way_becomes_a_list() -> None:
    columns = [Column(f"column {number}", ["a value of some length"]) for number in range(9)]
    layout = layout_of(columns, 30)
    assert layout.is_list
    lines = [line.plain for line in lines_of(layout, 1, 30)]
    assert sum("column" in line for line in lines) == 9
    assert fitting_count(columns, 30) == 2
    assert fitting_count(columns, None) == 9


def test_a_long_word_is_folded_whole() -> None:
    assert folded("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert folded("数据" * 5, 6) == ["数据数", "据数据", "数据数", "据"]
    assert folded("two words", None) == ["two words"]
