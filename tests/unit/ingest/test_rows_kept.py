"""Rows that look like the header again and are data: each of them stays."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ingesting import read
from tests.unit.written_tables import download, upload

VALUES = {
    "a digit": ("0\n0\n1\n0\n2\n", 4),
    "digits": ("0,1\n0,1\n0,0\n1,1\n0,1\n", 4),
    "a mark above dates": ("NA\n2024-01-31\nNA\n2024-02-01\n", 3),
    "a dash above numbers": ("-,w\n-,w\n1,x\n2,y\n", 3),
    "a date above dates": ("2024-01-31\n2024-01-31\n2024-02-01\n", 2),
    "a fraction": ("0.5,x\n0.5,x\n1.5,y\n", 2),
    "an exponent": ("1e5,x\n1e5,x\n1.5,y\n", 2),
}


@pytest.mark.parametrize(("text", "rows"), VALUES.values(), ids=VALUES.keys())
def test_rows_are_no_header_again_where_the_header_is_made_of_values(tmp_path: Path, text: str, rows: int) -> None:
    table, _ = read(tmp_path, text)

    assert table.row_count == rows
    assert not any("repeats the header and is skipped" in warning for warning in table.warnings)


def test_a_mark_that_the_sender_gave_is_a_value_too(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "n/k\n1\nn/k\n2\n", missing_marks=["n/k"])

    assert table.row_count == 3


@pytest.mark.parametrize("text", ["id,2019\n1,5\nid,2019\n2,6\n", "x\n1\nx\n2\n", "day,w\n2024-01-31,a\nday,w\n"])
def test_a_name_that_is_no_value_of_its_column_says_the_header_again(tmp_path: Path, text: str) -> None:
    table, _ = read(tmp_path, text)

    assert table.row_count == text.count("\n") - 2
    assert any("repeats the header and is skipped" in warning for warning in table.warnings)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 3).flatmap(lambda name: st.tuples(st.just(name), st.lists(st.integers(0, 3), min_size=1))))
def test_a_column_named_by_a_number_keeps_its_rows_through_csv(named: tuple[int, list[int]]) -> None:
    name, values = named
    with tempfile.TemporaryDirectory() as directory:
        given_table = "".join(f"{value}\n" for value in [name, *values]).encode()
        dataset = upload(given_table, Path(directory) / "a")
        again = upload(download(dataset, "csv"), Path(directory) / "b", "again.csv")

    assert dataset.described.row_count == again.described.row_count == len(values)
    assert dataset.described.sha256 == again.described.sha256


@pytest.mark.parametrize("text", ["#x,true\ny,false\n", ",\n,\n#x,\n,true\n", "#a,b\n#c,d\ne,f\n"])
def test_rows_that_begin_as_comments_do_are_rows_where_there_is_no_header(tmp_path: Path, text: str) -> None:
    table, _ = read(tmp_path, text, has_header=False, delimiter=",")

    assert table.row_count == text.count("\n")


def test_a_comment_above_numbers_without_a_header_is_left_out(tmp_path: Path) -> None:
    _, cells = read(tmp_path, "# a, b\n1,2\n3,4\n", has_header=False)

    assert cells == {"column_1": [1, 3], "column_2": [2, 4]}
