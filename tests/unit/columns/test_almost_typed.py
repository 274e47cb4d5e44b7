"""Columns that stayed text for a few cells: which cells, in which lines, and the option that reads them does."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest import IngestedTable
from modelbus.evaluator.ingest.cells.texts import MISSING_MARKS
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.shared.tabular.cells.likely_forms import MISSING_WORDS
from tests.unit.ingesting import ingested, read, types


def column_of(cells: list[str], name: str = "x") -> str:
    """A file of a column and a second one beside it."""
    quoted = [f'"{cell}"' if "," in cell else cell for cell in cells]
    return f"{name},word\n" + "".join(f"{cell},w\n" for cell in quoted)


def alert_of(table: IngestedTable, name: str = "x") -> Alert:
    [found] = [alert for alert in table.alerts if alert.column == name]
    return found


NUMBERS = [f"{number}.5" for number in range(20)]
ODD: dict[str, tuple[list[str], str, dict[str, Any], str]] = {
    "an error of a spreadsheet": (["#DIV/0!"], 'missing_marks=["#DIV/0!"]', {"missing_marks": ["#DIV/0!"]}, "real"),
    "an unknown word for missing": (["n.a."], 'missing_marks=["n.a."]', {"missing_marks": ["n.a."]}, "real"),
    "several words": (["n.a.", "--"], 'missing_marks=["n.a.", "--"]', {"missing_marks": ["n.a.", "--"]}, "real"),
    "a thousand": (["1,234"], "thousands_mark=','", {"thousands_mark": ","}, "real"),
    "a unit": (["12 kg"], 'units=["kg"]', {"units": ["kg"]}, "real"),
    "a mark of a footnote": (["12*"], 'units=["*"]', {"units": ["*"]}, "real"),
    "parentheses": (["(12)"], "has_accounting_signs=true", {"has_accounting_signs": True}, "real"),
    "a minus behind": (["12-"], "has_accounting_signs=true", {"has_accounting_signs": True}, "real"),
}


@pytest.mark.parametrize(("odd", "words", "options", "kind"), ODD.values(), ids=ODD.keys())
def test_odd_cells_among_numbers_are_told_with_the_option_that_reads_them(
    tmp_path: Path, odd: list[str], words: str, options: dict[str, Any], kind: str
) -> None:
    text = column_of(NUMBERS[:10] + odd + NUMBERS[10:])

    table, _ = ingested(tmp_path, text)

    message = alert_of(table).message
    assert types(table)["x"] == "text"
    assert f"20 of {20 + len(odd)} values are numbers" in message
    assert all(f"{cell!r} (line {line})" in message for line, cell in enumerate(odd, start=12)), message
    assert words in message, message
    assert types(read(tmp_path, text, **options)[0])["x"] == kind


ALL: dict[str, tuple[list[str], str, dict[str, Any], list[float]]] = {
    "thousands": (
        ["1,234.50", "900.10", "12,000"],
        "thousands_mark=','",
        {"thousands_mark": ","},
        [1234.5, 900.1, 12e3],
    ),
    "percent signs": (["12%", "5.5%", "3 %"], "percent=fraction", {"percent": "fraction"}, [0.12, 0.055, 0.03]),
    "a currency": (["12.5 USD", "13 USD", "9 USD"], 'units=["USD"]', {"units": ["USD"]}, [12.5, 13, 9]),
    "a sign before": (["€5", "-€6", "€7.5"], 'units=["€"]', {"units": ["€"]}, [5, -6, 7.5]),
    "a decimal comma": (["1,5", "2,25", "3"], "decimal_mark=','", {"decimal_mark": ","}, [1.5, 2.25, 3]),
    "Indian groups": (
        ["12,34,567", "1,00,000", "5"],
        "grouping=indian",
        {"thousands_mark": ",", "grouping": "indian"},
        [1234567, 100000, 5],
    ),
    "spaces": (["1 234", "5 678 901", "7"], "thousands_mark=' '", {"thousands_mark": " "}, [1234, 5678901, 7]),
    "all of it": (
        ["€ 1.234,50", "(€ 2)", "€ 3,5"],
        "thousands_mark='.' and decimal_mark=',' and units=[\"€\"] and has_accounting_signs=true",
        {"thousands_mark": ".", "units": ["€"], "has_accounting_signs": True},
        [1234.5, -2, 3.5],
    ),
}


@pytest.mark.parametrize(("cells", "words", "options", "numbers"), ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize("target", [None, "x"])
def test_numbers_with_something_beside_them_are_told_and_read_where_asked_for(
    tmp_path: Path, cells: list[str], words: str, options: dict[str, Any], numbers: list[float], target: str | None
) -> None:
    table, found = ingested(tmp_path, column_of(cells), target=target)

    message = alert_of(table).message
    assert found["x"] == cells
    assert f"all 3 values are numbers, such as {cells[0]!r} (line 2)" in message
    assert words in message, message
    table, found = read(tmp_path, column_of(cells), **options)
    assert (types(table)["x"] in ("integer", "real"), found["x"]) == (True, numbers)


def test_how_numbers_were_written_is_kept_with_the_column(tmp_path: Path) -> None:
    table, _ = read(tmp_path, "a;b\n1.234,5;12 %\n2;13 %\n", thousands_mark=".", percent="number")

    forms = [column.number_form.model_dump(exclude_defaults=True) for column in table.columns if column.number_form]
    assert forms == [
        {"decimal_mark": ",", "thousands_mark": "."},
        {"decimal_mark": ",", "thousands_mark": ".", "percent": "number"},
    ]


def test_an_option_of_a_column_holds_for_it_alone(tmp_path: Path) -> None:
    options = {"a": {"type": "integer", "thousands_mark": ","}}

    table, found = read(tmp_path, 'a,b\n"1,234","1,234"\n', columns=options)

    assert (found, types(table)) == ({"a": [1234], "b": ["1,234"]}, {"a": "integer", "b": "text"})


def test_json_numbers_are_not_taken_for_groups_of_thousands(tmp_path: Path) -> None:
    options = {"a": {"type": "real", "thousands_mark": "."}}

    _, found = read(tmp_path, '{"a": 1.234}\n{"a": "1.234"}\n', declared={"file_name": "t.jsonl"}, columns=options)

    assert found["a"] == [1.234, 1234.0]


DATES = [f"2024-01-{day:02d}" for day in range(1, 21)]
OTHERS: dict[str, tuple[list[str], str, list[str]]] = {
    "a word among dates": ([*DATES, "soon"], "date_like_text", ["dates of the form ISO8601", "'soon' (line 22)"]),
    "a day that there is not": ([*DATES, "2024-02-30"], "date_like_text", ["'2024-02-30' (line 22)", "type=datetime"]),
    "another form": ([*(f"{day}/01/2024" for day in range(5, 25)), "2024-01-31"], "date_like_text", ["%d/%m/%Y"]),
    "a word among booleans": (
        ["true", "false"] * 10 + ["maybe"],
        "boolean_like_text",
        ["'maybe' (line 22)", 'missing_marks=["maybe"]'],
    ),
}


@pytest.mark.parametrize(("cells", "code", "words"), OTHERS.values(), ids=OTHERS.keys())
def test_odd_cells_among_dates_and_booleans_are_told(
    tmp_path: Path, cells: list[str], code: str, words: list[str]
) -> None:
    alert = alert_of(ingested(tmp_path, column_of(cells))[0])

    assert alert.code == code
    assert [part for part in words if part not in alert.message] == [], alert.message


def test_a_column_of_numbers_is_never_to_be_left_out(tmp_path: Path) -> None:
    cells = [f"{number}.25" for number in range(999)] + ["#DIV/0!"]

    for target in (None, "x"):
        table, _ = ingested(tmp_path, column_of(cells), target=target)
        assert not [alert.message for alert in table.alerts if alert.column == "x" and "leave" in alert.message]


PLAIN_TEXT = {
    "words": ["red", "green", "blue"] * 10,
    "codes with leading zeros": [f"{number:05d}" for number in range(90, 120)],
    "codes with a letter": [f"A {number}" for number in range(30)],
    "versions": [f"1.{number}.2" for number in range(30)],
    "times of the day": [f"10:{number:02d}" for number in range(30)],
    "ranges": [f"{number}-{number + 9}" for number in range(30)],
    "phone numbers": [f"555-{number:04d}" for number in range(30)],
    "addresses": [f"10.0.0.{number}" for number in range(30)],
}


@pytest.mark.parametrize("cells", PLAIN_TEXT.values(), ids=PLAIN_TEXT.keys())
def test_text_is_not_taken_for_numbers(tmp_path: Path, cells: list[str]) -> None:
    table, _ = ingested(tmp_path, column_of(cells))

    assert "number_like_text" not in [alert.code for alert in table.alerts]


def test_one_row_that_keeps_many_columns_text_is_told_once(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number}.5,{number}\n" for number in range(30))

    table, _ = ingested(tmp_path, f"mass,speed,time\nkg,m/s,s\n{rows}")

    [alert] = [alert for alert in table.alerts if alert.code == "number_like_text"]
    assert "line 2 turns 3 columns into text" in alert.message
    assert "skip_below_header=1" in alert.message


@pytest.mark.parametrize("gap", ["", "\n", '"a\nb",w\n'], ids=["none", "a blank line", "a value of two lines"])
def test_lines_are_those_of_the_file(tmp_path: Path, gap: str) -> None:
    text = "x,word\n" + "".join(f"{number},w\n" for number in range(20)) + gap + "oops!,w\n" + "1,w\n" * 20

    message = alert_of(ingested(tmp_path, text)[0]).message

    line = text[: text.index("oops!")].count("\n") + 1
    assert f"'oops!' (line {line})" in message, message


def test_lines_are_right_where_rows_are_left_out(tmp_path: Path) -> None:
    rows = ["1,1", "2", "3,x", *(f"{number},{number}" for number in range(20)), "oops,5"]

    table, _ = read(tmp_path, "x,n\n" + "\n".join(rows), on_bad_rows="skip", columns={"n": {"type": "integer"}})

    assert f"'oops' (line {len(rows) + 1})" in alert_of(table).message


CODES: dict[str, tuple[list[str], str]] = {
    "exponents": (["1E5", "27", "3"], "'1E5' may be codes, and 1E5 becomes 100000"),
    "telephone numbers": (["+49301234567", "+49301234568"], "telephone numbers"),
    "versions": (["1.9", "1.10", "1.11"], "'1.10' ends in a zero"),
    "prices of codes": (["3", "4.50"], "'4.50' ends in a zero"),
    "bar codes": (["4012345678901", "4112345678902"], "each has 13 digits"),
    "long rows of digits": (["12345678901234567", "5"], "17 digits"),
}


@pytest.mark.parametrize(("cells", "words"), CODES.values(), ids=CODES.keys())
def test_codes_that_are_read_as_numbers_are_told(tmp_path: Path, cells: list[str], words: str) -> None:
    text = column_of(cells)

    alert = alert_of(ingested(tmp_path, text)[0])

    assert alert.code == "code_like_numbers"
    assert words in alert.message, alert.message
    assert "columns.x.type=text" in alert.message
    assert read(tmp_path, text, columns={"x": {"type": "text"}})[1]["x"] == cells


NO_CODES = {
    "prices": ["4.50", "3.25", "1.10"],
    "doubles as they are printed": ["1.0", "2.5", "3.25", "1e-07", "1e+20"],
    "scientific numbers": ["1.5e5", "2e3"],
    "moments": ["1700000000", "1700000100"],
    "signed numbers": ["+5", "-3"],
}


@pytest.mark.parametrize("cells", NO_CODES.values(), ids=NO_CODES.keys())
def test_numbers_are_not_taken_for_codes(tmp_path: Path, cells: list[str]) -> None:
    assert "code_like_numbers" not in [alert.code for alert in ingested(tmp_path, column_of(cells))[0].alerts]


def test_blanks_at_the_ends_of_text_are_told(tmp_path: Path) -> None:
    text = "x,n\n" + "ham ,1\nspam,2\nham,3\n" * 5

    alert = alert_of(ingested(tmp_path, text, target="x")[0])

    assert alert.code == "surrounding_whitespace"
    assert "5 of 15" in alert.message
    assert set(read(tmp_path, text, strip_text=True)[1]["x"]) == {"ham", "spam"}


def test_the_marks_of_missing_values_are_the_same_in_both_places() -> None:
    assert frozenset(MISSING_MARKS) == MISSING_WORDS


WRITERS: dict[str, tuple[Callable[[float], str], dict[str, Any]]] = {
    "thousands": (lambda one: f"{one:,}", {"thousands_mark": ","}),
    "points": (
        lambda one: f"{one:,}".translate(str.maketrans(",.", ".,")),
        {"thousands_mark": ".", "decimal_mark": ","},
    ),
    "thin spaces": (lambda one: f"{one:,}".replace(",", "\u2009"), {"thousands_mark": " "}),
    "percent": (lambda one: f"{one} %", {"percent": "number"}),
    "currency": (lambda one: f"-${-one:,}" if one < 0 else f"${one:,}", {"units": ["$"], "thousands_mark": ","}),
    "accounting": (lambda one: f"({-one})" if one < 0 else f"{one}", {"has_accounting_signs": True}),
}


@pytest.mark.parametrize(("write", "options"), WRITERS.values(), ids=WRITERS.keys())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.integers(-(10**9), 10**9).map(lambda one: one / 100), min_size=3, max_size=30))
def test_any_numbers_are_read_as_they_were_written_or_told(
    tmp_path: Path, write: Callable[[float], str], options: dict[str, Any], numbers: list[float]
) -> None:
    text = column_of([write(number) for number in numbers])

    table, found = read(tmp_path, text, **options)
    assert [float(one) for one in found["x"]] == numbers
    assert {types(table)["x"]} <= {"integer", "real"}
    table, found = ingested(tmp_path, text)
    if types(table)["x"] == "text":
        [message] = [alert.message for alert in table.alerts if alert.code == "number_like_text"]
        assert any(re.search(rf"\b{name}=", message) for name in options), (message, json.dumps(options))
