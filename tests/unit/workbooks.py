"""Workbooks written by hand: cells as the formats have them, and the archives around them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_ODS = "urn:oasis:names:tc:opendocument:xmlns"
_START = datetime(1899, 12, 30)  # noqa: DTZ001
_DATE_STYLE = 1
DURATION_STYLE = 2
TIME_STYLE = 3

Rows = Sequence[Sequence[Any]]


class Raw(str):
    """XML of a cell that stands as it is."""

    __slots__ = ()


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of some files."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return sink.getvalue()


def xlsx(sheets: Mapping[str, Rows], *, hidden: Sequence[str] = (), beside: Mapping[str, str] | None = None) -> bytes:
    """An Excel workbook.

    Args:
        sheets: The rows of each sheet, by its name; None is an empty cell.
        hidden: Sheets that are not shown.
        beside: Parts of the archive that stand in the place of those that are made here.
    """
    names = list(sheets)
    states = dict.fromkeys(hidden, ' state="hidden"')
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="r{number}"{states.get(name, "")}/>'
        for number, name in enumerate(names, start=1)
    )
    related = "".join(
        f'<Relationship Id="r{number}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(names) + 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}'
        f'<Relationship Id="s" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
        '<numFmt numFmtId="165" formatCode="[h]:mm"/><numFmt numFmtId="166" formatCode="hh:mm:ss"/></numFmts><cellXfs>'
        '<xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>',
    }
    for number, rows in enumerate(sheets.values(), start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = xlsx_sheet(rows)
    return archive(parts | (dict(beside) if beside else {}))


def xlsx_sheet(rows: Rows, behind: str = "") -> str:
    """A sheet's own file.

    Args:
        rows: Its rows.
        behind: XML behind the rows, such as merged cells.
    """
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(_xlsx_cell(f"{column_letters(index)}{number}", value) for index, value in enumerate(row))
        lines.append(f'<row r="{number}">{cells}</row>')
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData>{behind}</worksheet>'


def column_letters(index: int) -> str:
    """How a spreadsheet calls a column."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _xlsx_cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Raw):
        return value.replace("<c ", f'<c r="{name}" ', 1)
    if isinstance(value, bool):
        return f'<c r="{name}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime | date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001
        serial = (moment - _START) / timedelta(days=1)
        return f'<c r="{name}" s="{_DATE_STYLE}"><v>{serial!r}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{name}"><v>{float(value)!r}</v></c>'
    return f'<c r="{name}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def ods(sheets: Mapping[str, Rows], *, hidden: Sequence[str] = (), content: str | None = None) -> bytes:
    """An OpenDocument spreadsheet.

    Args:
        sheets: The rows of each sheet, by its name; None is an empty cell.
        hidden: Sheets that are not shown.
        content: The XML of all sheets instead.
    """
    tables = "".join(
        f'<table:table table:name={quoteattr(name)} table:style-name="{"off" if name in hidden else "on"}">'
        + "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets.items()
    )
    return archive(
        {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": ods_content(content or tables)}
    )


def ods_content(tables: str) -> str:
    """The file of all sheets."""
    spaces = "".join(f' xmlns:{name}="{_ODS}:{name}:1.0"' for name in ("office", "table", "text", "style"))
    extension = ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    styles = '<style:style style:name="off"><style:table-properties table:display="false"/></style:style>'
    return (
        f"<office:document-content{spaces}{extension}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )


def _ods_cell(value: Any) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, Raw):
        return value
    if isinstance(value, bool):
        said = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, datetime | date):
        said = f'office:value-type="date" office:date-value="{value.isoformat()}"'
    elif isinstance(value, time):
        said = f'office:value-type="time" office:time-value="PT{value.hour}H{value.minute}M{value.second}S"'
    elif isinstance(value, int | float):
        said = f'office:value-type="float" office:value="{float(value)!r}"'
    else:
        lines = "".join(f"<text:p>{_spaced(line)}</text:p>" for line in value.split("\n"))
        return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'
    return f"<table:table-cell {said}/>"


def _spaced(text: str) -> str:
    """A text whose spaces are kept, as OpenDocument writes them."""
    return escape(text).replace(" ", "<text:s/>").replace("\t", "<text:tab/>")
