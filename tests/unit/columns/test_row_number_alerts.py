"""Whole numbers that go up row by row: row numbers, or a year, a time or a scale that the table is sorted by."""

from pathlib import Path

import pytest

from tests.unit.ingesting import ingested

SCALES = {"years": range(1960, 2020), "wavelengths": range(400, 700), "below zero": range(-30, 30)}


def message_of(tmp_path: Path, numbers: range) -> str:
    table, _ = ingested(tmp_path, "n,w\n" + "".join(f"{number},{number % 7}\n" for number in numbers))
    [alert] = [alert for alert in table.alerts if alert.column == "n"]
    assert alert.code == "identifier_like"
    return alert.message


@pytest.mark.parametrize("numbers", SCALES.values(), ids=SCALES.keys())
def test_a_series_that_may_be_a_scale_is_told_without_an_order_to_leave_it_out(tmp_path: Path, numbers: range) -> None:
    message = message_of(tmp_path, numbers)

    assert f"{len(numbers)} distinct whole numbers from {numbers[0]} to {numbers[-1]}" in message
    assert "a year, a time or a scale" in message
    assert "consider excluding it" in message
    assert "exclude it" not in message


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_from_the_first_row_on_are_told_as_what_they_look_like(tmp_path: Path, first: int) -> None:
    message = message_of(tmp_path, range(first, first + 100))

    assert "column 'n' looks like row numbers (100 distinct whole numbers" in message
    assert message.endswith("consider excluding it")
    assert "consider excluding it" in message
    assert "a year" not in message
