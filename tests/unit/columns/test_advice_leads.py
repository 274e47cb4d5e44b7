"""Advice on columns that stayed text leads somewhere: what it says reads the column, or is to be done to the file."""

from pathlib import Path

import pytest

from modelbus.evaluator.ingest.odd_cells.beyond_range import is_beyond_range
from modelbus.evaluator.ingest.odd_cells.date_advice import date_advice
from tests.unit.ingesting import read, types

NUMBERS = [f"{number}.5" for number in range(30)]


def message_of(tmp_path: Path, odd: str) -> str:
    cell = odd.replace('"', '""')
    table, _ = read(tmp_path, "n,w\n" + "".join(f"{number},w\n" for number in NUMBERS) + f'"{cell}",w\n')
    [message] = [alert.message for alert in table.alerts if alert.column == "n"]
    assert f"{odd!r} (line 32)" in message
    return message


def test_a_description_is_no_unit(tmp_path: Path) -> None:
    assert "units" not in message_of(tmp_path, '5" pipe')
    assert 'units=["\\""]' in message_of(tmp_path, '5"')


@pytest.mark.parametrize("odd", ["1e400", "-1E999", "12345678901234567890", "9" * 400])
def test_a_number_beyond_the_range_is_told_with_its_cell_and_line(tmp_path: Path, odd: str) -> None:
    table, _ = read(tmp_path, "n,w\n" + "".join(f"{number},w\n" for number in NUMBERS) + f"{odd},w\n")

    [message] = [alert.message for alert in table.alerts if alert.column == "n"]
    assert odd[:40] in message
    assert "(line 32)" in message
    assert "columns.n.type=real" in message
    how = {"columns": {"n": {"type": "real"}}, "on_bad_rows": "skip" if "on_bad_rows=skip" in message else "refuse"}
    assert types(read(tmp_path, f"n,w\n1.5,w\n2.5,w\n{odd},w\n", **how)[0])["n"] == "real"


@pytest.mark.parametrize(
    ("text", "is_beyond"),
    [("9223372036854775807", False), ("9223372036854775808", True), ("1e308", False), ("inf", False), ("x", False)],
)
def test_what_is_beyond_the_range(text: str, is_beyond: bool) -> None:
    assert is_beyond_range(text) is is_beyond


def test_dates_of_two_forms_are_told_apart(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "d,w\n24-01-31,a\n2024-02-30,b\n")

    [message] = [alert.message for alert in table.alerts if alert.column == "d"]
    assert "no single date_format reads them all" in message
    assert "'2024-02-30'" in message
    assert "%d/%m/%Y" not in message


@pytest.mark.parametrize(
    ("texts", "date_format"),
    [
        (["24-01-31", "99-02-28"], "%y-%m-%d"),
        (["31 Jan 2024", "1 Feb 2024"], "%d %b %Y"),
        (["31/01/24"], "%d/%m/%y"),
        (["2024-01-31 10:00 PM"], "%Y-%m-%d %I:%M %p"),
    ],
)
def test_the_format_that_is_told_reads_the_dates(tmp_path: Path, texts: list[str], date_format: str) -> None:
    assert f"date_format, such as {date_format}" in date_advice("d", texts)

    options = {"columns": {"d": {"type": "datetime", "date_format": date_format}}}
    table, _ = read(tmp_path, "d\n" + "".join(f"{text}\n" for text in texts), **options)
    assert types(table) == {"d": "datetime"}
