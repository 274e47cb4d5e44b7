"""Workbooks: cells become what they are, the sheet is chosen or named, and what is odd is told by the cell's name."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from modelbus.evaluator.ingest import IngestedTable
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.errors import InvalidCommand, MalformedTable
from tests.unit.ingesting import ingested, types
from tests.unit.workbooks import DURATION_STYLE, TIME_STYLE, Raw, Rows, ods, xlsx, xlsx_sheet

KINDS: dict[str, Callable[..., bytes]] = {"xlsx": xlsx, "ods": ods}
both = pytest.mark.parametrize("kind", KINDS)
DAY = date(2024, 2, 29)
MOMENT = datetime.fromisoformat("2024-02-29T13:45:01.250")


def read(
    tmp_path: Path, kind: str, sheets: Mapping[str, Rows], *, hidden: tuple[str, ...] = (), **options: Any
) -> tuple[IngestedTable, dict[str, list[Any]]]:
    content = KINDS[kind](sheets, hidden=hidden)
    return ingested(tmp_path, content, file_name=None, options=ParseOptions.model_validate(options))


@both
def test_cells_become_what_they_are(tmp_path: Path, kind: str) -> None:
    rows = [
        ["whole", "real", "text", "flag", "day", "moment", "code", "nothing"],
        [1, 0.5, "a\nb", True, DAY, MOMENT, "007", None],
        [2**53, 1e300, ' "x", y ', False, DAY, None, "12", None],
        [-3.0, 2, None, None, None, MOMENT, "1e5", None],
    ]

    table, frame = read(tmp_path, kind, {"Data": rows})

    assert types(table) == {
        "whole": "integer",
        "real": "real",
        "text": "text",
        "flag": "boolean",
        "day": "datetime",
        "moment": "datetime",
        "code": "text",
        "nothing": "empty",
    }
    assert frame["whole"] == [1, 2**53, -3]
    assert frame["real"] == [0.5, 1e300, 2.0]
    assert frame["text"] == ["a\nb", ' "x", y ', None]
    assert frame["flag"] == [True, False, None]
    assert frame["day"] == [datetime(2024, 2, 29), datetime(2024, 2, 29), None]  # noqa: DTZ001
    assert frame["moment"] == [MOMENT, None, MOMENT]
    assert frame["code"] == ["007", "12", "1e5"]
    assert (table.format, table.sheet, table.encoding, table.delimiter) == (kind, "Data", None, None)
    assert table.warnings == []


@both
def test_columns_of_mixed_cells_are_text_and_a_cell_of_each_kind_is_named(tmp_path: Path, kind: str) -> None:
    table, frame = read(tmp_path, kind, {"S 1": [["a", "b"], [1, DAY], ["x", 5], [2.5, DAY]]})
    assert frame["a"] == ["1", "x", "2.5"]
    assert types(table) == {"a": "text", "b": "text"}
    assert table.warnings[:2] == [
        "column 'a' mixes numbers (such as S 1!A4) and text (such as S 1!A3) and becomes text",
        "column 'b' mixes dates (such as S 1!B4) and numbers (such as S 1!B3) and becomes text",
    ]


@both
def test_marks_of_missing_values_are_those_of_csv(tmp_path: Path, kind: str) -> None:
    rows = [["n", "t"], [1, "NA"], ["n/a", "x"], ["-", "-"], [2, " "]]
    table, frame = read(tmp_path, kind, {"S": rows})
    assert frame == {"n": [1, None, None, 2], "t": [None, "x", "-", None]}
    assert "column 't' has 'NA' (1), read as missing values" in table.warnings[0]
    _, frame = read(tmp_path, kind, {"S": rows[:2]}, missing_marks=["x"])
    assert frame == {"n": [1], "t": ["NA"]}


@both
def test_a_table_may_begin_anywhere_below_a_title_and_above_empty_rows(tmp_path: Path, kind: str) -> None:
    rows = [
        [None],
        [None, "Sales 2024"],
        [None],
        [None, "id", "name", "price"],
        [None, None, None, "[EUR]"],
        [None, 1, "x", 2.5],
        [None],
        [None, 2, "y", 3.5],
        [None, "id", "name", "price"],
        [None, 3, "z", 4.5],
        [None],
        [None],
    ]
    table, frame = read(tmp_path, kind, {"S": rows})
    assert frame == {"id": [1, 2, 3], "name": ["x", "y", "z"], "price": [2.5, 3.5, 4.5]}
    assert table.warnings[0] == "row 2 is skipped as a title above the header: 'Sales 2024'"
    assert any("row 5 holds units, such as '[EUR]'" in warning for warning in table.warnings)
    assert any("row 9 repeats the header" in warning for warning in table.warnings)


@both
def test_options_of_rows_hold_for_sheets(tmp_path: Path, kind: str) -> None:
    rows = [["x", "y"], [9, 9], [1, " a "], ["#2", "b"], [3, "c"]]
    _, frame = read(tmp_path, kind, {"S": rows}, has_header=False, skip_lines=2, comment="#", strip_text=True)
    assert frame == {"column_1": [1, 3], "column_2": ["a", "c"]}


@both
def test_faults_are_told_by_their_rows_whatever_line_ends_the_cells_have(tmp_path: Path, kind: str) -> None:
    rows = [["n", "t"], [1, "a\nb\n\nc"], ["x", "d\ne"], [3, "f"], ["line 3", "g"]]
    options = {"columns": {"n": {"type": "integer"}}}
    with pytest.raises(MalformedTable) as caught:
        read(tmp_path, kind, {"S": rows}, **options)
    assert [detail["where"] for detail in caught.value.details] == ["row 3", "row 5"]
    assert caught.value.message.startswith("row 3, column 'n': 'x'; expected")
    assert caught.value.details[1]["problem"] == "'line 3'"

    table, frame = read(tmp_path, kind, {"S": rows}, **options, on_bad_rows="skip")
    assert frame["n"] == [1, 3]
    assert [fault.detail()["where"] for fault in table.skipped.faults] == ["row 3", "row 5"]


@both
def test_a_row_that_is_wider_than_the_table_is_a_fault_of_its_row(tmp_path: Path, kind: str) -> None:
    rows: list[list[Any]] = [["a", "b"], *[[number, number] for number in range(1500)], [1, 2, "note"]]
    with pytest.raises(MalformedTable, match="row 1502: 3 fields; expected 2 fields"):
        read(tmp_path, kind, {"S": rows})
    assert read(tmp_path, kind, {"S": rows}, on_bad_rows="skip")[0].row_count == 1500


@both
def test_a_late_cell_left_of_the_table_is_refused_by_its_name(tmp_path: Path, kind: str) -> None:
    rows: list[list[Any]] = [[None, "a"], *[[None, number] for number in range(1500)], ["note", 2]]
    with pytest.raises(MalformedTable, match="cell A1502 is left of the table, which begins in column B"):
        read(tmp_path, kind, {"S": rows})


@both
def test_one_cell_in_the_last_row_counts_as_much_as_one_in_the_first(tmp_path: Path, kind: str) -> None:
    rows: list[list[Any]] = [["a"], *[[number] for number in range(3000)], ["x"]]
    assert types(read(tmp_path, kind, {"S": rows})[0]) == {"a": "text"}


@both
def test_the_only_sheet_with_cells_is_read(tmp_path: Path, kind: str) -> None:
    table, _ = read(tmp_path, kind, {"Empty": [], "Data": [["a"], [1]], "Blank": [[None]]})
    assert (table.sheet, table.warnings) == ("Data", [])


@both
def test_hidden_sheets_are_read_if_they_are_named_and_told_if_they_are_not(tmp_path: Path, kind: str) -> None:
    sheets: dict[str, Rows] = {"Lists": [["b"], [2]], "Data": [["a"], [1]]}
    table, frame = read(tmp_path, kind, sheets, hidden=("Lists",))
    assert (table.sheet, frame) == ("Data", {"a": [1]})
    assert table.warnings == ["sheet 'Data' is read; the hidden sheet 'Lists' can be read with the option sheet"]
    assert read(tmp_path, kind, sheets, hidden=("Lists",), sheet="Lists")[1] == {"b": [2]}
    assert read(tmp_path, kind, {"Only": [["a"], [1]]}, hidden=("Only",))[0].sheet == "Only"


@both
def test_of_several_sheets_one_has_to_be_named(tmp_path: Path, kind: str) -> None:
    sheets: dict[str, Rows] = {"2023": [["a"], [1]], "2024 & more": [["a"], [2]]}
    with pytest.raises(MalformedTable, match=r"has 2 sheets with cells; expected the option sheet, one of '2023', "):
        read(tmp_path, kind, sheets)
    table, frame = read(tmp_path, kind, sheets, sheet="2024 & more")
    assert (table.sheet, frame) == ("2024 & more", {"a": [2]})


@both
def test_a_sheet_is_found_whatever_its_case_and_another_is_refused_with_the_names(tmp_path: Path, kind: str) -> None:
    sheets: dict[str, Rows] = {"Costs": [["a"], [1]], "Prices": [["a"], [2]]}
    assert read(tmp_path, kind, sheets, sheet="costs")[0].sheet == "Costs"
    with pytest.raises(InvalidCommand, match="no sheet 'Cost'; did you mean 'Costs'") as caught:
        read(tmp_path, kind, sheets, sheet="Cost")
    assert caught.value.details == [
        {
            "where": "options.sheet",
            "problem": "the workbook has no sheet 'Cost'",
            "expected": "one of 'Costs', 'Prices'",
        }
    ]


@both
@pytest.mark.parametrize("sheets", [{"S": []}, {"S": [[None, None]]}, {"S": [["a", "b"]]}])
def test_a_workbook_without_rows_is_refused(tmp_path: Path, kind: str, sheets: dict[str, Rows]) -> None:
    with pytest.raises(MalformedTable, match=r"no sheet with cells|the table has no rows"):
        read(tmp_path, kind, sheets)


def test_an_option_of_workbooks_is_refused_for_other_formats(tmp_path: Path) -> None:
    with pytest.raises(InvalidCommand, match=r"options.sheet does not apply to csv"):
        ingested(tmp_path, "a\n1\n", options=ParseOptions(sheet="S"))
    with pytest.raises(InvalidCommand, match=r"options.delimiter does not apply to xlsx"):
        read(tmp_path, "xlsx", {"S": [["a"], [1]]}, delimiter=";")


ERRORS = {
    "xlsx": [Raw('<c t="e"><v>#DIV/0!</v></c>'), Raw('<c t="e"><f>NA()</f><v>#N/A</v></c>')],
    "ods": [
        Raw(
            '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
            'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
        ),
        Raw('<table:table-cell table:formula="of:=NA()"><text:p>#N/A</text:p></table:table-cell>'),
    ],
}


@both
def test_errors_are_missing_and_told_by_their_cells(tmp_path: Path, kind: str) -> None:
    rows = [["a", "b"], [1, ERRORS[kind][0]], [ERRORS[kind][1], 2], [3, 4]]
    table, frame = read(tmp_path, kind, {"Sheet1": rows})
    assert frame == {"a": [1, None, 3], "b": [None, 2, 4]}
    assert table.warnings == ["2 cells hold errors and are missing: Sheet1!B2, Sheet1!A3"]
    table, _ = read(tmp_path, kind, {"S": [["a"], [1], *[[ERRORS[kind][0]]] * 9]})
    assert table.warnings[0].endswith("S!A3, S!A4, S!A5, S!A6, S!A7, …")


def test_formulas_count_by_the_results_that_are_stored(tmp_path: Path) -> None:
    rows = [
        ["sum", "word", "open"],
        [Raw("<c><f>1+1</f><v>2</v></c>"), Raw('<c t="str"><f>"a"</f><v>a</v></c>'), Raw("<c><f>A2</f></c>")],
        [Raw("<c><f>1.5</f><v>1.5</v></c>"), Raw('<c t="str"><f>""</f><v></v></c>'), Raw("<c><f>A3</f><v/></c>")],
    ]
    table, frame = read(tmp_path, "xlsx", {"S": rows})
    assert frame == {"sum": [2.0, 1.5], "word": ["a", None], "open": [None, None]}
    assert table.warnings[0].startswith("2 cells have formulas without stored results and are missing: S!C2, S!C3;")


def test_merged_cells_have_their_value_once_and_titles_are_no_matter(tmp_path: Path) -> None:
    rows = [["a", "b"], ["x", 1], [None, 2]]
    sheet = xlsx_sheet(rows, '<mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="A2:A3"/></mergeCells>')
    content = xlsx({"S": rows}, beside={"xl/worksheets/sheet1.xml": sheet})
    table, frame = ingested(tmp_path, content)
    assert frame == {"a": ["x", None], "b": [1, 2]}
    assert table.warnings == ["1 range of merged cells has a value in the first cell only: S!A2:A3"]
    covered = Raw("<table:covered-table-cell/>")
    spanning = Raw('<table:table-cell table:number-rows-spanned="2"><text:p>x</text:p></table:table-cell>')
    table, frame = read(tmp_path, "ods", {"S": [["a", "b"], [spanning, 1], [covered, 2]]})
    assert frame == {"a": ["x", None], "b": [1, 2]}
    assert table.warnings == ["1 range of merged cells has a value in the first cell only: S!A2:A3"]


def test_times_are_text_and_durations_days(tmp_path: Path) -> None:
    clock = Raw(f'<c s="{TIME_STYLE}"><v>0.5729166666666666</v></c>')
    length = Raw(f'<c s="{DURATION_STYLE}"><v>1.5</v></c>')
    table, frame = read(tmp_path, "xlsx", {"S": [["at", "took"], [clock, length]]})
    assert frame == {"at": ["13:45:00"], "took": [1.5]}
    assert table.warnings == ["1 cell holds a duration, read as a number of days: S!B2"]
    length = Raw('<table:table-cell office:value-type="time" office:time-value="PT36H00M00S"/>')
    _, frame = read(tmp_path, "ods", {"S": [["at", "took"], [time(13, 45), length]]})
    assert frame == {"at": ["13:45:00"], "took": [1.5]}


def test_shared_and_rich_texts_are_read_without_their_pronunciation(tmp_path: Path) -> None:
    strings = (
        "<sst><si><t>plain</t></si><si><r><t>bo</t></r><r><rPr><b/></rPr><t>ld</t></r><rPh><t>kana</t></rPh></si>"
        '<si><t xml:space="preserve"> a_x000D_b_x005F_x </t></si></sst>'
    )
    relations = (
        '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
        '<Relationship Id="r2" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    )
    rows = [["t"], *[[Raw(f'<c t="s"><v>{number}</v></c>')] for number in range(3)]]
    beside = {"xl/sharedStrings.xml": strings, "xl/_rels/workbook.xml.rels": relations}
    _, frame = ingested(tmp_path, xlsx({"S": rows}, beside=beside))
    assert frame == {"t": ["plain", "bold", " a\rb_x "]}
    rows[1] = [Raw('<c t="s"><v>3</v></c>')]
    with pytest.raises(MalformedTable, match="the shared text 3 of 3"):
        ingested(tmp_path, xlsx({"S": rows}, beside=beside))


def test_dates_of_the_calendar_of_1904_are_read(tmp_path: Path) -> None:
    workbook = '<workbook xmlns:r="r"><workbookPr date1904="1"/><sheets><sheet name="S" r:id="r1"/></sheets></workbook>'
    content = xlsx({"S": [["d"], [Raw('<c s="1"><v>0</v></c>')]]}, beside={"xl/workbook.xml": workbook})
    assert ingested(tmp_path, content)[1] == {"d": [datetime(1904, 1, 1)]}  # noqa: DTZ001


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ("1", "1900-01-01"),
        ("59", "1900-02-28"),
        ("61", "1900-03-01"),
        ("45351.5", "2024-02-29T12"),
        ("2958465", "9999"),
    ],
)
def test_dates_are_those_that_excel_shows(tmp_path: Path, serial: str, expected: str) -> None:
    _, frame = read(tmp_path, "xlsx", {"S": [["d"], [Raw(f'<c s="1"><v>{serial}</v></c>')]]})
    assert frame["d"][0].isoformat().startswith(expected)


@pytest.mark.parametrize("serial", ["-1", "2958466", "1e300"])
def test_a_date_that_excel_shows_as_hashes_is_missing_and_told(tmp_path: Path, serial: str) -> None:
    table, frame = read(tmp_path, "xlsx", {"S": [["d", "n"], [Raw(f'<c s="1"><v>{serial}</v></c>'), 1]]})
    assert frame == {"d": [None], "n": [1]}
    assert table.warnings == ["1 cell is formatted as a date, holds none and is missing: S!A2"]


def test_notes_and_drawings_in_cells_of_opendocument_are_no_text_of_theirs(tmp_path: Path) -> None:
    noted = Raw(
        '<table:table-cell office:value-type="string"><office:annotation><text:p>a note</text:p></office:annotation>'
        '<text:p>a<text:s text:c="2"/>b<text:span>c</text:span><text:line-break/>d</text:p></table:table-cell>'
    )
    assert read(tmp_path, "ods", {"S": [["t"], [noted]]})[1] == {"t": ["a  bc\nd"]}


def test_repeated_rows_and_cells_of_opendocument_are_counted_out(tmp_path: Path) -> None:
    table = (
        '<table:table table:name="S"><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>'
        "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row><table:table-row "
        'table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="2" office:value-type="float" '
        'office:value="7"/><table:table-cell table:number-columns-repeated="16382"/></table:table-row><table:table-row '
        'table:number-rows-repeated="1048572"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row></table:table>"
    )
    assert ingested(tmp_path, ods({}, content=table))[1] == {"a": [7, 7, 7], "b": [7, 7, 7]}
