"""Pass 1 over delimited text: every column as text into the spool, while candidate types narrow.

pyarrow only detects that something is wrong; where and what, the scanner of ``quoting`` says.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from evaluator.ingest.ahead import read_ahead
from evaluator.ingest.dialect import NO_DELIMITER, Header, find_delimiter, is_hint, read_header, sample_text
from evaluator.ingest.faults import FAULT_LIMIT, malformed, refused, too_long
from evaluator.ingest.formats import read_head
from evaluator.ingest.narrowing import ColumnNarrowing, delimited_candidates
from evaluator.ingest.quoting import scan_records
from evaluator.ingest.spool import SpoolWriter, regrouped
from evaluator.ingest.survey import survey_text
from evaluator.ingest.table import TEXT_SIZE_BYTES, Limits, Stage, TextTable
from evaluator.ingest.text_stream import CHUNK_BYTES, Utf8Stream, physical_lines


def read_delimited(
    source: BinaryIO,
    spool: Path,
    *,
    delimiter: str | None,
    limits: Limits,
    survey_stage: Stage,
    stage: Stage,
    size: int,
) -> TextTable:
    """Read the whole file into the spool.

    Args:
        delimiter: The delimiter, where it is known; found if not given.
        size: Bytes of the file.

    Raises:
        MalformedTable: With the line and the problem of each bad record, 100 at most.
        LimitExceeded: Too many columns, or a record too long.
    """
    delimiter = delimiter or find_delimiter(sample_text(read_head(source)))
    separator = (delimiter or NO_DELIMITER).encode()
    survey = survey_text(source, delimiter=separator, limits=limits, stage=survey_stage, size_bytes=size)
    header = read_header(source, encoding=survey.encoding, delimiter=delimiter, limits=limits)
    reader = _DelimitedReader(source, survey.encoding, delimiter, header, limits)
    if survey.has_doubtful_quotes:
        reader.refuse_faults()
    return reader.read(spool, stage, size)


class _DelimitedReader:
    def __init__(self, source: BinaryIO, encoding: str, delimiter: str | None, header: Header, limits: Limits) -> None:
        self._source = source
        self._encoding = encoding
        self._delimiter = delimiter
        self._header = header
        self._limits = limits
        self._bad_rows: list[Any] = []
        self._blank_lines = 0

    def read(self, spool: Path, stage: Stage, size: int) -> TextTable:
        columns = [
            ColumnNarrowing(delimited_candidates(delimiter=self._delimiter), may_be_indented=is_indented)
            for is_indented in self._header.are_indented
        ]
        stream = Utf8Stream(self._source, self._encoding, skip_bytes=self._header.size_bytes)
        with SpoolWriter(spool) as writer, ThreadPoolExecutor(1) as thread:
            for batch in read_ahead(regrouped(self._batches(stream), TEXT_SIZE_BYTES)):
                written = thread.submit(writer.write, batch)
                for column, cells in zip(columns, batch.columns, strict=True):
                    column.feed(cells)
                written.result()
                stage.report(stream.source_bytes / size)
        if self._bad_rows:
            self._refuse_bad_rows()
        return self._table(columns, writer.row_count)

    def refuse_faults(self) -> None:
        """Scan the file and raise what the scanner finds; return if it finds nothing."""
        scan = scan_records(
            self._lines(),
            delimiter=(self._delimiter or NO_DELIMITER).encode(),
            columns=self._header.names,
            limit_bytes=self._limits.line_limit_bytes,
        )
        if scan.faults:
            raise malformed(scan.faults)
        if scan.too_long_line is not None:
            raise too_long(scan.too_long_line, self._limits.line_limit_bytes)

    def _lines(self) -> Iterator[bytes]:
        for number, line in enumerate(physical_lines(Utf8Stream(self._source, self._encoding)), start=1):
            yield b"\n" if number == 1 and is_hint(line) else line

    def _batches(self, stream: io.RawIOBase) -> Iterator[pa.RecordBatch]:
        try:
            # held open until the end: pyarrow reads ahead in a thread of its own
            with pa.PythonFile(stream, mode="r") as file, self._open(file) as reader:
                for batch in reader:
                    yield self._without_blank_lines(batch)
        except pa.ArrowInvalid as error:
            if not self._bad_rows and "Empty CSV file" not in str(error):
                self._refuse_unparsed(error)

    def _open(self, file: pa.PythonFile) -> Any:
        names = [str(position) for position in range(len(self._header.names))]
        is_single = len(names) == 1
        return pyarrow.csv.open_csv(
            file,
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=max(CHUNK_BYTES, self._limits.line_limit_bytes), column_names=names
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self._delimiter or NO_DELIMITER,
                newlines_in_values=True,
                invalid_row_handler=self._take_bad_row,
                ignore_empty_lines=not is_single,
            ),
            # in a single column a blank line becomes null and "" does not: so they are told apart
            convert_options=pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types={name: pa.string() for name in names},
                null_values=[""],
                strings_can_be_null=is_single,
                quoted_strings_can_be_null=False,
            ),
        )

    def _take_bad_row(self, row: Any) -> str:
        if not row.text.strip(" "):
            return "skip"
        self._bad_rows.append(row)
        return "skip" if len(self._bad_rows) < FAULT_LIMIT else "error"

    def _without_blank_lines(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if len(batch.columns) > 1 or not batch.column(0).null_count:
            return batch
        self._blank_lines += batch.column(0).null_count
        return batch.filter(pc.is_valid(batch.column(0)))

    def _refuse_unparsed(self, error: pa.ArrowInvalid) -> None:
        self.refuse_faults()
        raise refused(f"the text cannot be parsed: {error}", "delimited text") from error

    def _refuse_bad_rows(self) -> None:
        self.refuse_faults()
        row = self._bad_rows[0]
        raise refused(f"record {row.number} has {row.actual_columns} fields", f"{row.expected_columns} fields")

    def _table(self, columns: list[ColumnNarrowing], row_count: int) -> TextTable:
        named = list(zip(columns, self._header.names, strict=True))
        warnings = [*self._header.warnings, *(text for column, name in named for text in column.warnings(name))]
        if self._blank_lines:
            warnings.append(f"{self._blank_lines} blank lines are left out")
        plans = [column.plan(name) for column, name in named]
        return TextTable(plans, row_count, self._encoding, self._delimiter, warnings)
