"""Columns that a command names and a table lacks: each is told, and what was likely meant as long as that is cheap."""

import pytest

from modelbus.evaluator.ingest.sources.source_options import check_column_options
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.checks.command_checks import missing_columns
from modelbus.shared.errors import InvalidCommand

KNOWN = [f"column_{number}" for number in range(30)]


def test_hints_are_for_the_first_ten() -> None:
    wanted = [(f"features.{number}", f"colum_{number}") for number in range(15)]
    found = missing_columns([*wanted, ("target", "column_1")], KNOWN, lambda name: f"no {name}")
    assert [one["problem"] for one in found] == [f"no colum_{number}" for number in range(15)]
    assert all(f"column_{number}" in found[number]["expected"] for number in range(10))
    assert all("expected" not in one for one in found[10:])


def test_where_none_is_alike_some_that_are_there_are_shown() -> None:
    [found] = missing_columns([("target", "?")], KNOWN, repr)
    assert found == {"where": "target", "problem": "'?'", "expected": KNOWN[:20]}


def test_declared_types_of_columns_that_are_not_there_are_told_a_hundred_at_most() -> None:
    options = ParseOptions.model_validate({"columns": {f"kolumn_{number}": {"type": "text"} for number in range(300)}})
    with pytest.raises(InvalidCommand, match="the file has no column 'kolumn_0'; the file has no column") as caught:
        check_column_options(options, KNOWN)
    details = caught.value.details
    assert [one["where"] for one in details] == [f"options.columns.kolumn_{number}" for number in range(100)]
    assert sum("expected" in one for one in details) == 10
