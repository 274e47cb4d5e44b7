"""Pass 1 over delimited text: every column as text into the spool, while candidate types narrow.

pyarrow only detects that something is wrong; where and what, the scanner of ``records`` says. Where bad records are to
be skipped, pyarrow is given the sound ones alone.
"""

import io
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from evaluator.ingest.ahead import Columns, read_ahead
from evaluator.ingest.dialect import NO_DELIMITER, Header, find_delimiter, read_header, sample_text
from evaluator.ingest.faults import FAULT_LIMIT, SkippedRows, refusal, refused
from evaluator.ingest.findings import (
    ColumnFinding,
    check_column_options,
    delimited_columns,
    points_beside_commas,
)
from evaluator.ingest.formats import read_head
from evaluator.ingest.records import RecordRules, RecordScanner, SoundRecords, find_faults, lines_of_rows
from evaluator.ingest.spool import SpoolWriter, regrouped
from evaluator.ingest.survey import Survey, survey_text
from evaluator.ingest.table import TEXT_SIZE_BYTES, Limits, Stage, TextTable
from evaluator.ingest.text_stream import CHUNK_BYTES, Utf8Stream, physical_lines
from shared.contracts import ParseOptions


def read_delimited(
    source: BinaryIO,
    spool: Path,
    *,
    options: ParseOptions,
    skipped: SkippedRows | None,
    is_cut: bool,
    limits: Limits,
    survey_stage: Stage,
    stage: Stage,
    size: int,
) -> TextTable:
    """Read the whole file into the spool.

    Args:
        source: The file.
        spool: Where to write the cells.
        options: How the file is to be read; what they leave open is found out.
        skipped: Takes the records that cannot be read; None refuses the file.
        is_cut: Whether the file is only the beginning of one.
        limits: What the table may not exceed.
        survey_stage: For the progress of the first look.
        stage: For the progress of the reading.
        size: Bytes of the file.

    Raises:
        MalformedTable: With the line and the problem of each bad record, 100 at most.
        LimitExceeded: Too many columns, or a record too long.
        InvalidCommand: The options name a column that is not there.
    """
    delimiter = options.delimiter or find_delimiter(sample_text(read_head(source), options.encoding))
    separator = (delimiter or NO_DELIMITER).encode()
    survey = survey_text(
        source,
        delimiter=separator,
        encoding=options.encoding,
        limits=limits,
        stage=survey_stage,
        size_bytes=size,
    )
    header = read_header(
        source, encoding=survey.encoding, delimiter=delimiter, has_header=options.has_header, limits=limits
    )
    check_column_options(options, header.names)
    rules = RecordRules(separator, header.names, limits.line_limit_bytes, is_cut=is_cut, has_header=options.has_header)
    reader = _DelimitedReader(source, survey, delimiter, header, rules, skipped)
    if survey.has_doubtful_quotes:
        reader.refuse_faults(of_header=skipped is not None)
    return reader.read(spool, delimited_columns(header, options, delimiter), stage, size)


class _DelimitedReader:
    def __init__(
        self,
        source: BinaryIO,
        survey: Survey,
        delimiter: str | None,
        header: Header,
        rules: RecordRules,
        skipped: SkippedRows | None,
    ) -> None:
        self._source = source
        self._survey = survey
        self._delimiter = delimiter
        self._header = header
        self._rules = rules
        self._skipped = skipped
        self._bad_rows: list[Any] = []
        self._blank_lines = 0

    def read(self, spool: Path, columns: Sequence[ColumnFinding], stage: Stage, size: int) -> TextTable:
        stream = self._body()
        sound = stream if self._skipped is None else SoundRecords(self._scanner(stream), self._skipped)
        with SpoolWriter(spool) as writer, ThreadPoolExecutor(1) as thread, Columns() as side_by_side:
            for batch in read_ahead(regrouped(self._batches(sound), TEXT_SIZE_BYTES)):
                written = thread.submit(writer.write, batch)
                side_by_side.each(lambda column, cells: column.feed(cells), columns, batch.columns)
                written.result()
                stage.report(stream.source_bytes / size)
        if self._bad_rows:
            self._refuse_bad_rows()
        return self._table(columns, writer.row_count)

    def refuse_faults(self, *, of_header: bool = False) -> None:
        """Scan the file, or its header alone, and raise what the scanner finds; return if it finds nothing."""
        lines = physical_lines(Utf8Stream(self._source, self._survey.encoding))
        for _ in range(self._header.first_line - 1):
            next(lines)
        faults = find_faults(
            lines, self._rules, first_line=self._header.first_line, record_limit=1 if of_header else None
        )
        if faults:
            raise refusal(faults)

    def _body(self) -> Utf8Stream:
        return Utf8Stream(self._source, self._survey.encoding, skip_bytes=self._header.size_bytes)

    def _scanner(self, body: Utf8Stream) -> RecordScanner:
        return RecordScanner(physical_lines(body), self._rules, first_line=self._header.line_count + 1)

    def _lines_of(self, rows: Collection[int]) -> dict[int, int]:
        return lines_of_rows(self._scanner(self._body()), rows)

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
                use_threads=False, block_size=max(CHUNK_BYTES, self._rules.limit_bytes), column_names=names
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self._delimiter or NO_DELIMITER,
                newlines_in_values=True,
                invalid_row_handler=self._take_bad_row,
                ignore_empty_lines=not is_single,
            ),
            # an empty cell is a mark of missing values everywhere; of a single column a blank line becomes null and ""
            # does not: so they are told apart
            convert_options=pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types={name: pa.string() for name in names},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=not is_single,
            ),
        )

    def _take_bad_row(self, row: Any) -> str:
        if self._delimiter != " " and not row.text.strip(" "):
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
        # the scanner and pyarrow disagree, which no test has brought about
        raise refused(f"record {row.number} has {row.actual_columns} fields", f"{row.expected_columns} fields")

    def _table(self, columns: Sequence[ColumnFinding], row_count: int) -> TextTable:
        named = list(zip(columns, self._header.names, strict=True))
        plans = [column.plan(name) for column, name in named]
        warnings = [*self._survey.warnings, *self._header.warnings]
        warnings += [text for column, name in named for text in column.warnings(name)]
        warnings += points_beside_commas(plans)
        if self._blank_lines:
            warnings.append(f"{self._blank_lines} blank lines are left out")
        return TextTable(plans, row_count, self._survey.encoding, self._delimiter, warnings, self._lines_of)
