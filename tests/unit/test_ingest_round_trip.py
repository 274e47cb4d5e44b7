"""A frame, written in a random dialect, comes back with the same values and types."""

import codecs
import contextlib
import csv
import io
import json
import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from evaluator.ingest import Limits, ingest
from evaluator.ingest.cells import MISSING_MARKS
from shared.errors import LimitExceeded, MalformedTable

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


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
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
        _, found = read_back(text.encode())
        expected = [tuple(cell if cell.strip(" ") else None for cell in record) for record in records[1:]]
        assert list(zip(*found.values(), strict=True)) == expected
