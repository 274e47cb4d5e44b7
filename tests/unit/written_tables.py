"""Random tables as people write them: cells of text, of which each column has its own kind; and files of their rows."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from modelbus.evaluator.ingest import IngestedTable, Limits, ingest
from modelbus.evaluator.reading.exporting import plan_export
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.tabular.cells.kept_cells import open_kept
from modelbus.shared.tabular.tables.stored_tables import Table
from modelbus.shared.tabular.tables.text_export import write_csv, write_json_lines

LIMITS = Limits(column_limit=50, line_limit_bytes=65_536)
MARKS = ["", "NA", "null", "?"]

Texts = dict[str, list[str]]
"""Cells by column; the empty text is a missing value."""

WHOLE = st.integers(-(2**53), 2**53).map(str)
SMALL = st.integers(-20, 20).map(str)
MONEY = st.integers(-99_999, 99_999).map(lambda cents: f"{cents / 100:.2f}")
REALS = st.floats(allow_nan=False, allow_infinity=False, width=64).map(repr)
HUNDREDTHS = st.integers(-500, 500).map(lambda number: f"{number / 100:g}")
DAYS = st.dates().map(str)
MOMENTS = st.datetimes(allow_imaginary=False).map(lambda moment: moment.replace(microsecond=0).isoformat(sep=" "))
GERMAN_DAYS = st.dates().map(lambda day: f"{day.day:02d}.{day.month:02d}.{day.year:04d}")
WORDS = st.sampled_from(["red", "green", "blue", "a,b", 'say "hi"', "ÀÉ", "=1+1", "true story"])
CODES = st.sampled_from(["1E5", "2B7", "3", "4.50", "007", "+5", "4.5", "-0", "0x1F", "1_000", "12e", "5."])
YES = st.sampled_from(["yes", "no"])
LETTERS = st.sampled_from(["Y", "N"])
BOOLEANS = st.sampled_from(["true", "false"])
CAPITALS = st.sampled_from(["TRUE", "FALSE"])
CASES = st.sampled_from(["True", "TRUE", "false", "False"])
LATE_DAYS = st.sampled_from(["2024-01-31", "2024-02-29", "n/k"])
PLUSES = st.sampled_from(["+1", "2", "-3", "+0"])
EXPONENTS = st.sampled_from(["1e5", "2.5", "3", "1E-3", ".5"])
MIXED_WORDS = st.sampled_from(["yes", "no", "maybe", "1", "true"])

KINDS: dict[str, st.SearchStrategy[str]] = {
    "whole": WHOLE,
    "small": SMALL,
    "money": MONEY,
    "reals": REALS,
    "hundredths": HUNDREDTHS,
    "days": DAYS,
    "moments": MOMENTS,
    "german": GERMAN_DAYS,
    "words": WORDS,
    "codes": CODES,
    "yes": YES,
    "letters": LETTERS,
    "booleans": BOOLEANS,
    "capitals": CAPITALS,
    "cases": CASES,
    "late": LATE_DAYS,
    "pluses": PLUSES,
    "exponents": EXPONENTS,
    "mixed": MIXED_WORDS,
}


@st.composite
def written_tables(draw: st.DrawFn, least_rows: int = 1) -> Texts:
    """Tables of some columns."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5, unique=True))
    rows = draw(st.integers(least_rows, 12))
    table = {}
    for kind in kinds:
        marks = st.sampled_from([*MARKS, "-"] if kind in ("whole", "money", "days") else MARKS)
        cell = draw(st.sampled_from([KINDS[kind], KINDS[kind] | marks]))
        table[kind] = draw(st.lists(cell, min_size=rows, max_size=rows))
    return table


@dataclass(frozen=True)
class Dataset:
    """A file that was ingested."""

    described: IngestedTable
    path: Path

    def open(self) -> Table:
        """Its table."""
        parquet = pq.ParquetFile(self.path)
        columns = {column.name: column for column in self.described.columns}
        files = ExitStack()
        return Table(
            parquet, columns, open_kept(lambda: files.enter_context(self.path.open("rb")), parquet), _files=files
        )

    @property
    def identity(self) -> tuple[dict[str, str], str]:
        """Its columns' types and its digest."""
        return {column.name: column.type for column in self.described.columns}, self.described.sha256


def upload(content: bytes, path: Path, name: str = "table.csv", **options: Any) -> Dataset:
    """Ingest a file."""
    described = ingest(
        io.BytesIO(content),
        path,
        file_name=name,
        media_type=None,
        format=None,
        limits=LIMITS,
        on_progress=lambda fraction, message: None,
        options=ParseOptions.model_validate(options),
    )
    return Dataset(described, path)


def download(dataset: Dataset, text_format: str) -> bytes:
    """The dataset as a file."""
    if text_format == "parquet":
        return dataset.path.read_bytes()
    sink = io.BytesIO()
    with dataset.open() as table:
        if text_format == "csv":
            plan = plan_export(table, "csv")
            write_csv(table.parquet, sink, has_formulas=True, on_rows=lambda _: None, plan=plan)
        else:
            write_json_lines(table.parquet, sink, on_rows=lambda _: None, plan=plan_export(table, "jsonl"))
    return sink.getvalue()


def rows_of(table: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """The rows as a request would hold them, each cell a text."""
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def delimited(table: Mapping[str, Sequence[str]], delimiter: str = ",") -> bytes:
    """The table as delimited text."""
    buffer = io.StringIO(newline="")
    quoting: Any = csv.QUOTE_ALL if len(table) == 1 else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n", quoting=quoting)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return buffer.getvalue().encode()


def json_lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as JSON lines, the empty text as null."""
    lines = [{name: value if value != "" else None for name, value in row.items()} for row in rows]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def parquet_of_texts(table: Mapping[str, Sequence[str]]) -> bytes:
    """The table as Parquet of nothing but text, the empty text as null: what a frame of objects becomes."""
    columns = {name: pa.array([cell or None for cell in cells], pa.string()) for name, cells in table.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()
