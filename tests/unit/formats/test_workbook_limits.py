"""Workbooks that are damaged or made to do harm: refused within limits of time and memory."""

import random
import resource
from contextlib import suppress
from pathlib import Path

import pytest

from modelbus.evaluator.ingest import Limits
from modelbus.evaluator.ingest.sources.sheets.number_formats import format_kind
from modelbus.evaluator.ingest.sources.sheets.sheet_text import SheetText
from modelbus.shared.errors import InvalidCommand, LimitExceeded, MalformedTable
from tests.unit.ingesting import LIMITS, ingested
from tests.unit.workbooks import Raw, archive, ods, xlsx, xlsx_sheet

DATA = {"S": [["a", "b"], [1, "x"], [2, "y"]]}


def with_sheet(xml: str) -> bytes:
    return xlsx(DATA, beside={"xl/worksheets/sheet1.xml": xml})


def test_a_cell_in_the_last_corner_costs_nothing(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    corner = xlsx_sheet(DATA["S"]).replace(
        "</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )
    with pytest.raises(LimitExceeded, match="at least 16384 columns; expected at most 50"):
        ingested(tmp_path, with_sheet(corner))
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 100 * 1024


@pytest.mark.parametrize("kind", ["sheet", "strings", "ods"])
def test_no_more_is_unpacked_than_a_file_may_have(tmp_path: Path, kind: str) -> None:
    filler = "<!--" + " " * 5_000_000 + "-->"
    relations = '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship '
    relations += 'Id="r2" Type="x/sharedStrings" Target="strings.xml"/></Relationships>'
    files = {
        "sheet": with_sheet(f"<worksheet><sheetData>{filler}<row><c><v>1</v></c></row></sheetData></worksheet>"),
        "strings": xlsx(
            DATA, beside={"xl/strings.xml": f"<sst>{filler}</sst>", "xl/_rels/workbook.xml.rels": relations}
        ),
        "ods": ods({}, content=filler),
    }
    assert len(files[kind]) < 20_000
    with pytest.raises(LimitExceeded, match="too large when unpacked; expected at most 1000000 bytes"):
        ingested(tmp_path, files[kind], limits=Limits(50, 4096, unpacked_limit_bytes=1_000_000))
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_many_cells_share_is_counted_for_each(tmp_path: Path) -> None:
    relations = '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship '
    relations += 'Id="r2" Type="x/sharedStrings" Target="strings.xml"/></Relationships>'
    strings = f"<sst><si><t>{'x' * 3000}</t></si></sst>"
    rows = [["a"], *[[Raw('<c t="s"><v>0</v></c>')]] * 2000]
    content = xlsx({"S": rows}, beside={"xl/strings.xml": strings, "xl/_rels/workbook.xml.rels": relations})
    with pytest.raises(LimitExceeded, match="too large when unpacked"):
        ingested(tmp_path, content, limits=Limits(50, 4096, unpacked_limit_bytes=1_000_000))


def test_rows_that_are_repeated_a_million_times_are_refused(tmp_path: Path) -> None:
    cell = '<table:table-cell table:number-columns-repeated="16000" office:value-type="float" office:value="1"/>'
    row = f'<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>'
    with pytest.raises(LimitExceeded, match="too large when unpacked"):
        ingested(tmp_path, ods({}, content=f'<table:table table:name="S">{row}</table:table>'))


BROKEN = {
    "a document type": "<!DOCTYPE x [<!ENTITY a 'b'>]><worksheet><sheetData/></worksheet>",
    "cut XML": xlsx_sheet(DATA["S"])[:-40],
    "no XML": "not XML",
    "an unknown encoding": '<?xml version="1.0" encoding="klingon"?><worksheet/>',
    "rows in no order": "<worksheet><row r='5'><c><v>1</v></c></row><row r='4'><c><v>1</v></c></row></worksheet>",
    "a row beyond the last": "<worksheet><row r='1048577'><c><v>1</v></c></row></worksheet>",
    "a row that is no number": "<worksheet><row r='x'><c><v>1</v></c></row></worksheet>",
    "a column beyond the last": "<worksheet><row><c r='XFE1'><v>1</v></c></row></worksheet>",
    "a cell without a column": "<worksheet><row><c r='7'><v>1</v></c></row></worksheet>",
    "a style that is no number": "<worksheet><row><c s='x'><v>1</v></c></row></worksheet>",
}


@pytest.mark.parametrize("xml", BROKEN.values(), ids=BROKEN.keys())
def test_a_damaged_workbook_is_refused(tmp_path: Path, xml: str) -> None:
    with pytest.raises(MalformedTable, match=r"the workbook cannot be read: .*; expected an undamaged"):
        ingested(tmp_path, with_sheet(xml))
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_that_lacks_parts_is_refused(tmp_path: Path) -> None:
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    for parts in ({"mimetype": mimetype}, {"[Content_Types].xml": ""}):
        with pytest.raises(MalformedTable, match="the workbook cannot be read: it has no"):
            ingested(tmp_path, archive(parts))


def test_random_damage_is_refused_or_read_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(3)
    sheet, content = xlsx_sheet(DATA["S"]), '<table:table table:name="S"><table:table-row><table:table-cell/>'
    for _ in range(150):
        place = chance.randrange(len(sheet))
        inserted = chance.choice(['"', "<", "</c>", "-1", "9" * 30, 't="s"', 's="9"', "nan", "&#0;", "<row>", "<is>"])
        files = [
            with_sheet(sheet[:place] + inserted + sheet[place + chance.randrange(9) :]),
            ods({}, content=content[: place % len(content)] + inserted + content[place % len(content) :]),
        ]
        for file in files:
            with suppress(MalformedTable, LimitExceeded, InvalidCommand):
                ingested(tmp_path, file, limits=LIMITS)
            (tmp_path / "table.parquet").unlink(missing_ok=True)
            assert list(tmp_path.iterdir()) == []


FORMATS = {
    "General": "number",
    "0.00%": "number",
    "#,##0.00 [$€-407];[Red]-#,##0.00": "number",
    '0.0,"day s"': "number",
    "0.00E+00": "number",
    "# ?/?": "number",
    "@": "number",
    "yyyy-mm-dd": "date",
    "dd/mm/yyyy hh:mm": "date",
    "[$-409]mmm-yy;@": "date",
    "m/d": "date",
    "mmmm": "date",
    '"Year" yyyy': "date",
    "h:mm AM/PM": "time",
    "mm:ss.0": "time",
    "[h]:mm:ss": "duration",
    "[mm]:ss": "duration",
    "[Red][h]": "duration",
    "\\d\\a\\y 0": "number",
}


@pytest.mark.parametrize(("code", "kind"), FORMATS.items())
def test_number_formats_tell_dates_from_numbers(code: str, kind: str) -> None:
    assert format_kind(164, code) == kind


def test_formats_without_a_code_are_known_by_their_numbers() -> None:
    kinds = [format_kind(number, None) for number in (0, 4, 9, 14, 18, 22, 46, 47, 49, 57)]
    assert kinds == ["number", "number", "number", "date", "time", "date", "duration", "time", "number", "date"]


def test_lines_become_rows_in_sentences_but_not_in_what_they_quote() -> None:
    text = SheetText()
    text.add_long(2, 3)
    text.add_long(5, 1)
    assert [text.row_of(line) for line in range(1, 11)] == [1, 2, 2, 2, 2, 3, 4, 5, 5, 6]
    sentence = "lines 6 to 10 are odd; line 8 says 'line 8' and \"line 9\", skip_lines=3, the file's line 1 and line 2"
    assert text.in_rows(sentence) == (
        "rows 3 to 6 are odd; row 5 says 'line 8' and \"line 9\", skip_lines=3, the file's row 1 and row 2"
    )
