"""Delimiters within quotes mislead no one: neither in names nor in cells."""

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelbus.shared.errors import MalformedTable
from tests.unit.ingesting import read

OTHERS = [";", "|", "\t"]


def table_of(names: list[str], rows: list[list[object]], *, delimiter: str = ",", end: str = "") -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC, lineterminator=f"{end}\n")
    writer.writerows([names, *rows])
    return text.getvalue()


@pytest.mark.parametrize("other", OTHERS, ids=map(ascii, OTHERS))
def test_names_and_cells_with_another_delimiter_in_quotes_keep_the_right_one(tmp_path: Path, other: str) -> None:
    name = f"a{other}b{other}c"
    rows: list[list[object]] = [[number, f"x{other}y{other}z{number % 3}", number * 2] for number in range(20)]
    for above in ("", "Report\n", "Report, 2024\n"):
        table, cells = read(tmp_path, above + table_of(["id", name, "n"], rows))

        assert table.delimiter == ","
        assert [column.name for column in table.columns] == ["id", name, "n"]
        assert cells[name] == [row[1] for row in rows]


@pytest.mark.parametrize("other", OTHERS, ids=map(ascii, OTHERS))
def test_a_faulty_row_is_reported_by_its_line_and_not_by_a_wrong_delimiter(tmp_path: Path, other: str) -> None:
    rows: list[list[object]] = [[number, f"x{other}y{other}z", 5] for number in range(20)]

    with pytest.raises(MalformedTable, match="line 22: 2 fields; expected 3 fields"):
        read(tmp_path, table_of(["id", f"a{other}b{other}c", "n"], [*rows, [1, 2]]))


def test_quotes_behind_a_space_hide_delimiters_too(tmp_path: Path) -> None:
    text = 'id, "a;b;c", n\n' + "".join(f'{number}, "x;y;z", 5\n' for number in range(9))

    table, _ = read(tmp_path, text)

    assert (table.delimiter, [column.name for column in table.columns]) == (",", ["id", "a;b;c", "n"])


WORDS = st.text("abc;|\t, ", min_size=1, max_size=8).map(str.strip)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([",", ";", "|", "\t"]),
    st.lists(WORDS.filter(bool), min_size=2, max_size=4, unique_by=str.casefold),
    st.integers(1, 12),
    st.data(),
)
def test_any_quoted_table_is_read_by_the_delimiter_it_was_written_with(
    delimiter: str, names: list[str], row_count: int, data: st.DataObject
) -> None:
    rows = [[data.draw(WORDS) for _ in names[1:]] + [number] for number in range(row_count)]

    with tempfile.TemporaryDirectory() as folder:
        table, cells = read(Path(folder), table_of(names, rows, delimiter=delimiter))

    assert table.delimiter == delimiter
    assert [column.name for column in table.columns] == names
    assert cells[names[-1]] == list(range(row_count))
