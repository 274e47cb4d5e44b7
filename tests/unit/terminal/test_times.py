"""Times are printed in one zone, the terminal's, and named once; times that users give are read in the same zone."""

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rich.console import Console

from modelbus.commands.terminal import times
from modelbus.commands.terminal.printing import Printer

NOON = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def zone_of_tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XYZ-3")  # three hours before UTC's noon
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_zone_of_the_terminal_is_that_of_all_times() -> None:
    assert times.zone_name() == "XYZ"
    assert times.time_text(NOON) == "2026-01-31 15:00"
    assert times.time_text_with_zone(NOON.replace(tzinfo=None)) == "2026-01-31 15:00 XYZ"
    assert (times.clock_text(NOON), times.exact_time_text(NOON)) == ("15:00:05", "2026-01-31 15:00:05")


def test_a_heading_names_the_zone_of_its_column() -> None:
    file = io.StringIO()
    Printer(console=Console(file=file)).table(("name", "created"), [["a", NOON], ["b", None]], empty="")
    assert [line.split() for line in file.getvalue().splitlines()] == [
        ["name", "created", "(XYZ)"],
        ["a", "2026-01-31", "15:00"],
        ["b", "-"],
    ]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-01-31T15:00", "2026-01-31T15:00:00+03:00"),
        ("2026-01-31", "2026-01-31T00:00:00+03:00"),
        ("2026-01-31T12:00Z", "2026-01-31T12:00Z"),
        ("10m", "10m"),
        ("20260131", "20260131"),
        ("yesterday", "yesterday"),
        (None, None),
    ],
)
def test_a_given_time_without_a_zone_is_in_the_terminals(given: str | None, read: str | None) -> None:
    assert times.given_time(given) == read


def test_what_is_no_time_is_none() -> None:
    assert times.time_of("now") is None
    assert times.time_of(None) is None
    assert times.time_of("2026-01-31T12:00:05Z") == NOON
