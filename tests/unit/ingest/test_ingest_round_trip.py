"""A frame, written in a random dialect, comes back with the same values and types."""

import codecs
import contextlib
import csv
import io
import json
import re
import tempfile
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelbus.evaluator.ingest import Limits, ingest
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.commands.datasets import ISO_FORMAT, TextEncoding
from modelbus.shared.errors import LimitExceeded, MalformedTable
from modelbus.shared.tabular.cells.marks import MISSING_MARKS

LIMITS = Limits(column_limit=50, line_limit_bytes=100_000)
CHARACTERS = st.characters(codec="cp1252", exclude_categories=("Cc",)) | st.sampled_from("\n\t\",;|'")


def is_text(value: str) -> bool:
    """Whether the value is text on its own, for certain: no mark, no number, no date, no boolean."""
    return value.strip() not in MISSING_MARKS and any(character in "gkxzßé€" for character in value.lower())


TEXT = st.text(CHARACTERS, min_size=1, max_size=20).map(lambda text: f"{text}x").filter(is_text)
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0),
    "boolean": st.booleans(),
    "datetime": st.datetimes(),
    "text": TEXT,
}


@st.composite
def frames(draw: st.DrawFn) -> dict[str, list[Any]]:
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=2, max_size=5))
    rows = draw(st.integers(1, 12))
    cells = {
        f"{kind}_{position}": draw(st.lists(st.none() | COLUMNS[kind], min_size=rows, max_size=rows))
        for position, kind in enumerate(kinds)
    }
    assume(all(any(cell is not None for cell in column) for column in cells.values()))
    return cells


def written(cell: Any, *, mark: str, has_comma: bool) -> str:
    if cell is None:
        return mark
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, float):
        return repr(cell).replace(".", ",") if has_comma else repr(cell)
    return str(cell)


def read_back(data: bytes, **declared: Any) -> tuple[dict[str, str], dict[str, list[Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        destination = Path(folder) / "table.parquet"
        given = {"file_name": "table.csv", "media_type": None, "format": None} | declared
        table = ingest(
            io.BytesIO(data), destination, limits=LIMITS, on_progress=lambda fraction, message: None, **given
        )
        return {column.name: column.type for column in table.columns}, pq.read_table(destination).to_pydict()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    frame=frames(),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    mark=st.sampled_from(["", "NA", "null"]),
    has_comma=st.booleans(),
)
def test_a_frame_survives_any_dialect(
    frame: dict[str, list[Any]],
    delimiter: str,
    quoting: Any,
    end: str,
    encoding: str,
    mark: str,
    has_comma: bool,
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(frame)
    for row in zip(*frame.values(), strict=True):
        writer.writerow([written(cell, mark=mark, has_comma=has_comma and delimiter == ";") for cell in row])
    data = buffer.getvalue().encode(encoding)
    # "Â£" in cp1252 are the bytes of "£" in UTF-8: nobody could tell
    assume(encoding != "cp1252" or not re.search(rb"[\xc2-\xf4][\x80-\xbf]", data))
    types, found = read_back(data)
    assert types == {name: name.partition("_")[0] for name in frame}
    assert found == frame


DATE_FORMATS = ["ISO8601", "%d/%m/%Y %H:%M:%S.%f", "%Y%m%d%H%M%S%f", "%m-%d-%Y %I:%M:%S.%f %p", "%f %S:%M:%H, %d %B %Y"]
BOOLEANS = [("true", "false"), ("YES", "No"), ("on", "off"), ("1", "0"), ("t", "F")]
MARKS = ["-999", "?", "—", "missing", "no, none", "''"]
ANY_TEXT = st.text(CHARACTERS, min_size=1, max_size=20) | st.sampled_from(
    ["007", "1.5", "true", "2024-01-31", "NA", "-"]
)
GIVEN = {
    **COLUMNS,
    # Linux writes the year 999 as three digits, which strptime does not read
    "datetime": st.datetimes(min_value=datetime.fromisoformat("1000-01-01")),
    "text": ANY_TEXT,
}


@dataclass(frozen=True)
class Writing:
    """How the cells of a file are written."""

    encoding: str
    has_comma: bool
    mark: str
    """Stands for a missing cell."""
    all_marks: Sequence[str]
    """What would be read as one."""


@dataclass(frozen=True)
class GivenColumn:
    """A column, as it is and as it is written."""

    cells: list[Any]
    texts: list[str]
    options: dict[str, str] | None
    """Its declared type; none if it is to be found."""


@dataclass(frozen=True)
class GivenTable:
    """Columns by their names, and the options by which they are written and read."""

    columns: dict[str, GivenColumn]
    options: ParseOptions


@st.composite
def given_columns(draw: st.DrawFn, writing: Writing, kind: str, rows: int) -> GivenColumn:
    is_declared = draw(st.booleans())
    cells = draw(st.lists(st.none() | (GIVEN if is_declared else COLUMNS)[kind], min_size=rows, max_size=rows))
    if kind == "text":
        cells = [cell and "".join(one for one in cell if survives(one, writing.encoding)) for cell in cells]
    if kind == "text" and not is_declared:
        # where the first line has a space before the text, and all others too, it is no part of the texts
        cells = [cell and cell.lstrip(" ") for cell in cells]
    options = {"type": kind} if is_declared else None
    if options and kind == "datetime":
        options["date_format"] = draw(st.sampled_from(DATE_FORMATS))
    words = draw(st.sampled_from(BOOLEANS)) if is_declared else BOOLEANS[0]
    zeros = draw(st.integers(0, 25)) if is_declared else 0
    texts = [spelled(cell, writing, words, zeros, (options or {}).get("date_format", ISO_FORMAT)) for cell in cells]
    present = {text for cell, text in zip(cells, texts, strict=True) if cell is not None}
    assume(present and not any(text.strip(" \t") in writing.all_marks for text in present))
    return GivenColumn(cells, texts, options)


def spelled(cell: Any, writing: Writing, words: tuple[str, str], zeros: int, date_format: str) -> str:
    if isinstance(cell, bool):
        return words[0] if cell else words[1]
    if isinstance(cell, int):
        return str(cell).zfill(zeros)
    if isinstance(cell, datetime) and date_format != ISO_FORMAT:
        return cell.strftime(date_format)
    return written(cell, mark=writing.mark, has_comma=writing.has_comma)


@st.composite
def given_tables(draw: st.DrawFn) -> GivenTable:
    encoding = draw(st.sampled_from(typing.get_args(TextEncoding)))
    marks = draw(st.none() | st.lists(st.sampled_from([mark for mark in MARKS if survives(mark, encoding)])))
    mark = draw(st.sampled_from(["", "NA"] if marks is None else ["", *marks]))
    writing = Writing(encoding, draw(st.booleans()), mark, MISSING_MARKS if marks is None else ("", *marks))
    rows, has_header = draw(st.integers(1, 8)), draw(st.booleans())
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=2, max_size=4))
    columns = {
        f"{kind}_{position}" if has_header else f"column_{position}": draw(given_columns(writing, kind, rows))
        for position, kind in enumerate(kinds, start=1)
    }
    options = {
        "delimiter": draw(st.characters(max_codepoint=127, exclude_characters='"\r\n\0')),
        "encoding": encoding,
        "decimal_mark": "," if writing.has_comma else ".",
        "missing_marks": marks,
        "has_header": has_header,
        "columns": {name: column.options for name, column in columns.items() if column.options},
    }
    return GivenTable(columns, ParseOptions.model_validate(options))


def survives(text: str, encoding: str) -> bool:
    return text.encode(encoding, "replace").decode(encoding) == text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(table=given_tables(), quotes_all=st.booleans(), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_frame_survives_any_dialect_that_is_given(table: GivenTable, quotes_all: bool, end: str) -> None:
    buffer = io.StringIO(newline="")
    # where lines end with carriage returns, the csv module leaves line feeds without quotes
    quoting: Any = csv.QUOTE_ALL if quotes_all or end == "\r" else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, delimiter=table.options.delimiter or "", quoting=quoting, lineterminator=end)
    if table.options.has_header:
        writer.writerow(table.columns)
    writer.writerows(zip(*(column.texts for column in table.columns.values()), strict=True))
    data = buffer.getvalue().encode(table.options.encoding or "")
    _, found = read_back(data, format="csv", options=table.options)
    assert found == {name: column.cells for name, column in table.columns.items()}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(frame=frames(), is_ascii=st.booleans(), keeps_nulls=st.booleans())
def test_a_frame_survives_json_lines(frame: dict[str, list[Any]], is_ascii: bool, keeps_nulls: bool) -> None:
    lines = []
    for cells in zip(*frame.values(), strict=True):
        row = dict(zip(frame, cells, strict=True))
        kept = {name: cell for name, cell in row.items() if keeps_nulls or cell is not None}
        lines.append(json.dumps(kept, ensure_ascii=is_ascii, default=datetime.isoformat))
    types, found = read_back("\n".join(lines).encode(), file_name="x.jsonl")
    assert types == {name: name.partition("_")[0] for name in frame}
    assert found == {name: frame[name] for name in found}


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200) | st.text("ab1,;\"\n\r\t.-'", max_size=60).map(str.encode), mark=st.booleans())
def test_any_bytes_are_read_or_refused_with_a_reason(data: bytes, mark: bool) -> None:
    with contextlib.suppress(MalformedTable, LimitExceeded):
        types, found = read_back(codecs.BOM_UTF8 + data if mark else data, file_name=None)
        assert list(types) == list(found)


PIECES = st.sampled_from(["g", "x", ",", '"', "\n", "\r\n", '"x"', '"y,"', '""', ' "', "\n"])


@settings(max_examples=400, deadline=None)
@given(body=st.lists(PIECES, min_size=1, max_size=25).map("".join))
def test_what_is_not_refused_is_what_the_csv_module_reads(body: str) -> None:
    text = f"first,second\n{body}"
    records = [
        record for record in csv.reader(io.StringIO(text, newline="")) if "".join(record).strip(" ") or record[1:]
    ]
    with contextlib.suppress(MalformedTable):
        _, found = read_back(text.encode(), options=ParseOptions(skip_initial_space=False))
        valued = [record for record in records[1:] if "".join(record).strip(" ")]
        if valued and all(record[2:] == [""] for record in valued):  # told, and left out
            records = [record[:2] if record[2:] == [""] else record for record in records]
        expected = [tuple(cell if cell.strip(" ") else None for cell in record) for record in records[1:]]
        assert list(zip(*found.values(), strict=True)) == expected
