"""Numbers in characters beyond ASCII are read as the plain numbers that they are, wherever a cell is read."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelbus.shared.contracts import NumberForm
from modelbus.shared.tabular.cells.cell_values import UncastableCell, cast_number
from modelbus.shared.tabular.cells.foreign_characters import cells_in_plain_characters, in_plain_characters
from modelbus.shared.tabular.cells.written_numbers import plain_numeral
from tests.unit.ingesting import read, types

ZEROS = {"full-width": 0xFF10, "Arabic-Indic": 0x660, "Persian": 0x6F0, "Devanagari": 0x966, "plain": 0x30}
SPACES = ["", "\xa0", "\u2009", "\u202f", "\u2007", "\u3000", "\u200b", "\ufeff"]
READ = {
    "a no-break space behind": ("2\xa0", 2.0),
    "a no-break space before": ("\xa02.5", 2.5),
    "an invisible character": ("5\u200b", 5.0),
    "narrow spaces between thousands": ("1\u202f234\u202f567", 1234567.0),
    "no-break spaces between thousands": ("-1\xa0234.5", -1234.5),
    "full-width digits": ("\uff11\uff12\uff0e\uff15", 12.5),
    "Arabic-Indic digits": ("\u0661\u0662\u066b\u0665", 12.5),
    "a typographic minus": ("\u22125", -5.0),
    "an en dash as a minus": ("\u20135", -5.0),
    "digits of two scripts": ("1\uff12", 12.0),
}
NO_NUMBERS = ["5\xb2", "\xbd", "\u2460", "1\xa023", "12\u202f34", "\u22121\u2212", "\xe9", "1\xa02345"]


def column(cells: list[str]) -> str:
    return "n,w\n" + "".join(f'"{cell}",w\n' for cell in cells)


@pytest.mark.parametrize(("text", "number"), READ.values(), ids=READ.keys())
def test_a_number_in_foreign_characters_is_read_at_the_upload_and_in_a_row(
    tmp_path: Path, text: str, number: float
) -> None:
    table, cells = read(tmp_path, column(["7", text, "8.25"]))

    assert (types(table)["n"], cells["n"]) == ("real", [7.0, number, 8.25])
    [warning] = [one for one in table.warnings if "'n'" in one]
    assert f"such as {text!r} (U+" in warning
    assert cast_number(text, is_integer=False)[0] == number
    assert cast_number(text, is_integer=False, number_form=table.columns[0].number_form)[0] == number
    declared, again = read(tmp_path, column(["7", text]), columns={"n": {"type": "real"}})
    assert (types(declared)["n"], again["n"]) == ("real", [7.0, number])


@pytest.mark.parametrize("text", NO_NUMBERS, ids=map(ascii, NO_NUMBERS))
def test_what_may_mean_something_else_is_no_number(tmp_path: Path, text: str) -> None:
    table, _ = read(tmp_path, column([*map(str, range(20)), text]))

    assert types(table)["n"] == "text"
    [message] = [alert.message for alert in table.alerts if alert.column == "n"]
    assert f"{text!r} (line 22)" in message
    with pytest.raises(UncastableCell):
        cast_number(text, is_integer=False)


def test_codes_with_foreign_digits_and_zeros_before_them_stay_text(tmp_path: Path) -> None:
    table, cells = read(tmp_path, column(["\u0660\u0660\u0661", "\u0660\u0660\u0662"]))

    assert (types(table)["n"], cells["n"][0]) == ("text", "\u0660\u0660\u0661")


def test_a_foreign_decimal_comma_is_read_where_a_comma_may_be_one(tmp_path: Path) -> None:
    table, cells = read(tmp_path, "n;w\n1\u202f234,5;a\n\u22122,25;b\n")

    assert (types(table)["n"], cells["n"]) == ("real", [1234.5, -2.25])
    assert table.columns[0].number_form == NumberForm(decimal_mark=",")


def test_a_column_of_foreign_numbers_with_one_odd_cell_is_reported_with_its_line(tmp_path: Path) -> None:
    foreign = [chr(0x661 + number % 9) * 2 for number in range(30)]

    table, _ = read(tmp_path, column([*foreign, "broken"]))

    [message] = [alert.message for alert in table.alerts if alert.column == "n"]
    assert "30 of 31 values are numbers" in message
    assert "'broken' (line 32)" in message


NUMBERS = st.decimals(-(10**6), 10**6, allow_nan=False, places=2) | st.integers(-(10**9), 10**9)


@st.composite
def disguised(draw: st.DrawFn) -> tuple[str, float]:
    """A number in foreign characters, and what it is."""
    number = draw(NUMBERS)
    zero = ZEROS[draw(st.sampled_from(sorted(ZEROS)))]
    text = str(number)
    if draw(st.booleans()) and abs(number) >= 1000:
        text = f"{number:,}".replace(",", draw(st.sampled_from("\xa0\u202f\u2009")))
    text = text.replace("-", draw(st.sampled_from("-\u2212\uff0d")))
    text = text.translate({0x30 + digit: zero + digit for digit in range(10)})
    before, behind = draw(st.sampled_from(SPACES)), draw(st.sampled_from(SPACES))
    return f"{before}{text}{behind}", float(number)


@settings(max_examples=60, deadline=None)
@given(st.lists(disguised(), min_size=1, max_size=20))
def test_any_column_of_foreign_numbers_means_what_its_plain_one_means(found: list[tuple[str, float]]) -> None:
    texts, numbers = [text for text, _ in found], [number for _, number in found]

    with tempfile.TemporaryDirectory() as folder:
        table, cells = read(Path(folder), column(texts))

    assert types(table)["n"] in ("integer", "real")
    assert cells["n"] == numbers
    form = table.columns[0].number_form
    assert [cast_number(text, is_integer=False, number_form=form)[0] for text in texts] == numbers


@settings(max_examples=200, deadline=None)
@given(st.lists(st.none() | st.text("0123456789.,'() -+%\u2212\xa0\u202f\uff11\u0661\u066bkg€é", max_size=9)))
def test_many_texts_become_plain_as_each_of_them_does(texts: list[str | None]) -> None:
    each = [None if text is None else in_plain_characters(text) for text in texts]

    assert cells_in_plain_characters(pa.array(texts, pa.string())).to_pylist() == each


# --- percent signs in some cells only ---


@pytest.mark.parametrize("every", [2, 3, 10])
@pytest.mark.parametrize("is_plain_rarer", [True, False])
def test_percent_signs_in_some_cells_only_are_reported_with_lines_and_the_option_that_reads_them(
    tmp_path: Path, every: int, is_plain_rarer: bool
) -> None:
    cells = [f"{number}{'%' if (number % every == 0) != is_plain_rarer else ''}" for number in range(40)]

    table, _ = read(tmp_path, column(cells))

    assert types(table)["n"] == "text"
    [message] = [alert.message for alert in table.alerts if alert.column == "n"]
    rare = next(index for index, cell in enumerate(cells) if f"{cell!r} (line" in message)
    assert f"{cells[rare]!r} (line {rare + 2})" in message
    assert "percent=number" in message
    assert "percent=fraction" not in message
    assert "leaves out" not in message
    again, numbers = read(tmp_path, column(cells), percent="number")
    assert (types(again)["n"], numbers["n"]) == ("integer", list(range(40)))
    assert any("percent sign in some cells only" in warning for warning in again.warnings)


def test_a_percentage_as_a_number_may_lack_its_sign_but_not_one_as_a_fraction(tmp_path: Path) -> None:
    assert plain_numeral("12", NumberForm(percent="number")) == plain_numeral("12%", NumberForm(percent="number"))
    assert plain_numeral("12", NumberForm(percent="fraction")) is None
    assert plain_numeral("12\u066a", NumberForm(percent="fraction")) == "12e-2"
    table, _ = read(tmp_path, column(["1", "2%", "3", "4%"] * 5), percent="fraction")
    [message] = [alert.message for alert in table.alerts if alert.column == "n"]
    assert "percent=number" in message
