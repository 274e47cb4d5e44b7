"""Numbers as people write them: read by the form that was given, strictly, one text as many."""

import math
import re
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from modelbus.shared.contracts import NumberForm
from modelbus.shared.tabular.cells.written_numbers import (
    are_written_so,
    plain_numeral,
    plain_numerals,
)

THOUSANDS = NumberForm(thousands_mark=",")
READ = {
    "thousands": (THOUSANDS, "1,234.50", 1234.5),
    "thousands need not be there": (THOUSANDS, "1234567", 1234567.0),
    "points between thousands": (NumberForm(thousands_mark=".", decimal_mark=","), "1.234", 1234.0),
    "points between thousands and a comma": (NumberForm(thousands_mark=".", decimal_mark=","), "-1.234,5", -1234.5),
    "narrow spaces between thousands": (NumberForm(thousands_mark=" ", decimal_mark=","), "1\u202f234,5", 1234.5),
    "no-break spaces between thousands": (NumberForm(thousands_mark=" "), "1\u00a0234\u00a0567", 1234567.0),
    "apostrophes of typographers": (NumberForm(thousands_mark="'"), "1\u2019234", 1234.0),
    "Indian grouping": (NumberForm(thousands_mark=",", grouping="indian"), "12,34,567.5", 1234567.5),
    "a percentage as a fraction": (NumberForm(percent="fraction"), "5.5%", 0.055),
    "a percentage as a number": (NumberForm(percent="number"), "5.5 %", 5.5),
    "a currency behind": (NumberForm(unit="USD"), "12.50 USD", 12.5),
    "a currency before, behind the sign": (NumberForm(unit="$"), "-$5", -5.0),
    "a currency before the sign": (NumberForm(unit="€"), "€ -5", -5.0),
    "a currency with a point": (NumberForm(unit="Fr.", thousands_mark="'"), "Fr. 1'200.50", 1200.5),
    "no unit where there may be one": (NumberForm(unit="kg"), "12", 12.0),
    "parentheses of accountants": (NumberForm(thousands_mark=",", has_accounting_signs=True), "(1,234)", -1234.0),
    "a minus behind": (NumberForm(has_accounting_signs=True), "5.5-", -5.5),
    "the minus of typographers": (NumberForm(has_accounting_signs=True), "\u22125", -5.0),
    "an exponent": (THOUSANDS, "1.5e3", 1500.0),
    "infinity": (THOUSANDS, "-inf", -math.inf),
}
NO_NUMBERS = {
    "groups of two": (THOUSANDS, "1,23,4"),
    "a group too short": (THOUSANDS, "1,23"),
    "a group without a mark": (THOUSANDS, "1,234567"),
    "a first group of zero": (THOUSANDS, "0,123"),
    "a mark at the end": (THOUSANDS, "1,"),
    "western groups where they are Indian": (NumberForm(thousands_mark=",", grouping="indian"), "123,456"),
    "Indian groups where they are western": (THOUSANDS, "12,34,567"),
    "two kinds of marks": (THOUSANDS, "1'234,567"),
    "a percent sign that was not told": (THOUSANDS, "5%"),
    "no percent sign where all have one": (NumberForm(percent="fraction"), "0.05"),
    "another unit": (NumberForm(unit="kg"), "12 g"),
    "a unit twice": (NumberForm(unit="$"), "$5$"),
    "two signs": (NumberForm(has_accounting_signs=True), "-(5)"),
    "an open parenthesis": (NumberForm(has_accounting_signs=True), "(5"),
    "parentheses that were not told": (THOUSANDS, "(5)"),
    "beyond all doubles": (THOUSANDS, "1e999"),
    "no digits": (NumberForm(unit="kg"), "kg"),
    "nothing": (THOUSANDS, ""),
}


def number_of(text: str, form: NumberForm) -> float | None:
    """The number that the plain digits are read as; None if there are none, or beyond all doubles."""
    plain = plain_numeral(text, form)
    number = None if plain is None else float(plain)
    return None if number is None or (math.isinf(number) and "inf" not in text.lower()) else number


@pytest.mark.parametrize(("form", "text", "number"), READ.values(), ids=READ.keys())
def test_a_number_is_read_by_its_form(form: NumberForm, text: str, number: float) -> None:
    assert number_of(text, form) == number


@pytest.mark.parametrize(("form", "text"), NO_NUMBERS.values(), ids=NO_NUMBERS.keys())
def test_what_the_form_does_not_say_is_no_number(form: NumberForm, text: str) -> None:
    assert number_of(text, form) is None


SAME_MARKS = {"decimal_mark": ",", "thousands_mark": ","}


@pytest.mark.parametrize("said", [*({"unit": unit} for unit in ("%", "5", "-", " kg", ".", "e", "")), SAME_MARKS])
def test_a_form_that_could_not_be_told_from_a_number_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NumberForm.model_validate(said)


FORMS = st.builds(
    lambda marks, grouping, percent, unit, has_signs: NumberForm(
        decimal_mark=marks[1],
        thousands_mark=marks[0],
        grouping=grouping,
        percent=percent,
        unit=unit,
        has_accounting_signs=has_signs,
    ),
    st.sampled_from([(None, "."), (None, ","), (",", "."), (".", ","), (" ", "."), (" ", ","), ("'", "."), ("'", ",")]),
    st.sampled_from(["thousands", "indian"]),
    st.sampled_from([None, "fraction", "number"]),
    st.sampled_from([None, "$", "USD", "kg", "m/s²", "Fr.", "°C"]),
    st.booleans(),
)


def written(whole: int, fraction: str, form: NumberForm, *, style: int) -> str:
    """A number as the form has it; the style chooses among the ways that it leaves."""
    digits = str(abs(whole))
    if form.thousands_mark is not None and style % 2:
        mark = form.thousands_mark
        if form.grouping == "indian":
            head, tail = digits[:-3], digits[-3:]
            head = re.sub(r"(?<=\d)(?=(\d\d)+$)", mark, head)
            digits = f"{head}{mark}{tail}" if head else tail
        else:
            digits = re.sub(r"(?<=\d)(?=(\d{3})+$)", mark, digits)
    text = f"{digits}{form.decimal_mark}{fraction}" if fraction else digits
    text += "" if form.percent is None else ["%", " %"][style // 2 % 2]
    if form.unit is not None and style // 4 % 2:
        text = f"{text} {form.unit}" if style // 8 % 2 else f"{form.unit}{text}"
    if whole >= 0:
        return text
    return f"({text})" if form.has_accounting_signs and style // 16 % 2 else f"-{text}"


@settings(max_examples=400, deadline=None)
@given(FORMS, st.integers(-(10**12), 10**12), st.text("0123456789", max_size=6), st.integers(0, 31))
def test_what_is_written_in_a_form_is_read_exactly(form: NumberForm, whole: int, fraction: str, style: int) -> None:
    text = written(whole, fraction, form, style=style)

    sign = -1 if whole < 0 else 1
    exact = sign * Decimal(f"{abs(whole)}.{fraction or 0}") / (100 if form.percent == "fraction" else 1)
    assert number_of(text, form) == float(exact), text


@settings(max_examples=400, deadline=None)
@given(FORMS, st.lists(st.none() | st.text("0123456789.,'() -+%$\u2212\u202fkgUSDeinf", max_size=9), max_size=20))
def test_many_texts_are_read_as_each_of_them_is(form: NumberForm, texts: list[str | None]) -> None:
    trimmed = [text.strip(" \t") if text is not None else None for text in texts]
    each = [None if text is None else plain_numeral(text, form) for text in trimmed]
    cells = pa.array(trimmed, pa.string())

    assert plain_numerals(cells, form).to_pylist() == each
    present = cells.drop_null()
    fits = [found is not None for found, text in zip(each, trimmed, strict=True) if text is not None]
    assert are_written_so(present, form).to_pylist() == fits if len(present) else True
