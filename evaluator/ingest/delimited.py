"""Pass 1 over delimited text: every column as text into the spool, while candidate types narrow.

pyarrow only detects that something is wrong; where and what, the scanner of ``records`` says. Where bad records are to
be skipped, pyarrow is given the sound ones alone.
"""

import io
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from evaluator.ingest.ahead import Behind, Columns, read_ahead
from evaluator.ingest.csv_batches import CsvBatches
from evaluator.ingest.dialect import NO_DELIMITER, Header, find_delimiter, read_header, sample_text
from evaluator.ingest.faults import SkippedRows, refusal, refused
from evaluator.ingest.findings import (
    ColumnFinding,
    check_column_options,
    delimited_columns,
    points_beside_commas,
)
from evaluator.ingest.formats import HEAD_BYTES, read_head
from evaluator.ingest.own_csv import told_text
from evaluator.ingest.records import RecordRules, RecordScanner, SoundRecords, find_faults, lines_of_rows
from evaluator.ingest.spool import SpoolWriter, regrouped
from evaluator.ingest.survey import Survey, SurveyedStream, survey_text
from evaluator.ingest.table import TEXT_SIZE_BYTES, Limits, Stage, TextTable
from evaluator.ingest.text_stream import CHUNK_BYTES, Utf8Stream, agreed_encoding, physical_lines
from shared.contracts import ParseOptions
from shared.errors import ModelbusError


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
    file = _File(source, size, delimiter, options, limits, is_cut=is_cut)
    if skipped is None and (header := _likely_header(file)) is not None:
        at_once = Stage(stage.on_progress, survey_stage.begin, stage.end, stage.message)
        try:
            return _DelimitedReader(file, header, None, None).read(spool, at_once)
        except _OtherEncoding as other:
            survey = other.survey
            stage = Stage(stage.on_progress, other.progress, stage.end, f"reading again as {survey.encoding}")
    else:
        survey = survey_text(
            source,
            delimiter=file.separator,
            encoding=options.encoding,
            limits=limits,
            stage=survey_stage,
            size_bytes=size,
        )
    header = _header(file, source, survey.encoding)
    return _DelimitedReader(file, header, survey, skipped).read(spool, stage)


@dataclass(frozen=True)
class _File:
    """A file of delimited text and how it is to be read."""

    source: BinaryIO
    size_bytes: int
    delimiter: str | None
    options: ParseOptions
    limits: Limits
    is_cut: bool

    @property
    def separator(self) -> bytes:
        return (self.delimiter or NO_DELIMITER).encode()

    @property
    def likely_encoding(self) -> str:
        """What the file's beginning and its sender say, else UTF-8."""
        return agreed_encoding(read_head(self.source), self.options.encoding) or "utf-8"

    def surveyed(self, header: Header) -> SurveyedStream:
        """What is behind the header, looked through on its way."""
        return SurveyedStream(
            self.source,
            delimiter=self.separator,
            encoding=self.options.encoding,
            limits=self.limits,
            skip_bytes=header.size_bytes,
        )


def _header(file: _File, source: BinaryIO, encoding: str) -> Header:
    header = read_header(
        source,
        encoding=encoding,
        delimiter=file.delimiter,
        has_header=file.options.has_header,
        limits=file.limits,
    )
    check_column_options(file.options, header.names)
    return header


def _likely_header(file: _File) -> Header | None:
    """The header by the file's beginning; ``None`` if it is not sound, for which the whole file may be to blame."""
    file.source.seek(0)
    # one character of a byte may take two in the file
    beginning = file.source.read(2 * file.limits.line_limit_bytes + HEAD_BYTES)
    try:
        return _header(file, io.BytesIO(beginning), file.likely_encoding)
    except (ModelbusError, UnicodeDecodeError):
        return None


class _OtherEncoding(Exception):
    """The file has another encoding than the one in which it was read."""

    def __init__(self, survey: Survey, progress: float) -> None:
        super().__init__(survey.encoding)
        self.survey = survey
        self.progress = progress


class _DelimitedReader:
    def __init__(self, file: _File, header: Header, survey: Survey | None, skipped: SkippedRows | None) -> None:
        """Args:
        file: The file.
        header: Its header.
        survey: What a look through the file has found; it is looked through while it is read if not given.
        skipped: Takes the records that cannot be read; None refuses the file.
        """
        self._file = file
        self._header = header
        self._survey = survey
        self._encoding = file.likely_encoding if survey is None else survey.encoding
        self._delimiter = file.delimiter
        self._rules = RecordRules(
            file.separator,
            header.names,
            file.limits.line_limit_bytes,
            is_cut=file.is_cut,
            has_header=file.options.has_header,
        )
        self._skipped = skipped
        self._batches = CsvBatches(file.delimiter, len(header.names), max(CHUNK_BYTES, file.limits.line_limit_bytes))

    def read(self, spool: Path, stage: Stage) -> TextTable:
        """Read the file into the spool.

        Raises:
            _OtherEncoding: A look through the file has found another encoding.
        """
        told = told_text(read_head(self._file.source), self._header.names)
        columns = delimited_columns(self._header, self._file.options, self._delimiter, told)
        surveyed = None
        if self._survey is None:
            surveyed = self._file.surveyed(self._header)
        elif self._survey.has_doubtful_quotes:
            self.refuse_faults(of_header=self._skipped is not None)
        row_count = self._spool_all(surveyed or self._body(), spool, columns, stage)
        if surveyed is not None:
            self._survey = self._finished(surveyed, stage)
            if self._survey.has_doubtful_quotes:
                self.refuse_faults()
        if self._batches.bad_rows:
            self._refuse_bad_rows()
        if self._batches.unparsed is not None:
            self._refuse_unparsed(self._batches.unparsed)
        return self._table(columns, row_count)

    def _spool_all(self, stream: Utf8Stream, spool: Path, columns: Sequence[ColumnFinding], stage: Stage) -> int:
        sound = stream if self._skipped is None else SoundRecords(self._scanner(stream), self._skipped)
        batches = regrouped(self._batches.of(sound), TEXT_SIZE_BYTES)
        with (
            SpoolWriter(spool) as writer,
            Behind() as behind,
            Columns() as side_by_side,
            closing(read_ahead(batches)) as ahead,
        ):
            for batch in ahead:
                cells = side_by_side.each(lambda column, cells: column.feed(cells), columns, batch.columns)
                behind.do(writer.write, pa.RecordBatch.from_arrays(cells, names=batch.schema.names))
                stage.report(stream.source_bytes / self._file.size_bytes)
        return writer.row_count

    def _finished(self, surveyed: SurveyedStream, stage: Stage) -> Survey:
        share = surveyed.source_bytes / self._file.size_bytes
        survey = surveyed.finish(lambda: stage.report(share))
        if survey.encoding != self._encoding:
            raise _OtherEncoding(survey, stage.at(share))
        return survey

    def refuse_faults(self, *, of_header: bool = False) -> None:
        """Scan the file, or its header alone, and raise what the scanner finds; return if it finds nothing."""
        lines = physical_lines(Utf8Stream(self._file.source, self._encoding))
        for _ in range(self._header.first_line - 1):
            next(lines)
        faults = find_faults(
            lines, self._rules, first_line=self._header.first_line, record_limit=1 if of_header else None
        )
        if faults:
            raise refusal(faults)

    def _body(self) -> Utf8Stream:
        return Utf8Stream(self._file.source, self._encoding, skip_bytes=self._header.size_bytes)

    def _scanner(self, body: Utf8Stream) -> RecordScanner:
        return RecordScanner(physical_lines(body), self._rules, first_line=self._header.line_count + 1)

    def _lines_of(self, rows: Collection[int]) -> dict[int, int]:
        return lines_of_rows(self._scanner(self._body()), rows)

    def _refuse_unparsed(self, error: pa.ArrowInvalid) -> None:
        self.refuse_faults()
        raise refused(f"the text cannot be parsed: {error}", "delimited text") from error

    def _refuse_bad_rows(self) -> None:
        self.refuse_faults()
        row = self._batches.bad_rows[0]
        # the scanner and pyarrow disagree, which no test has brought about
        raise refused(f"record {row.number} has {row.actual_columns} fields", f"{row.expected_columns} fields")

    def _table(self, columns: Sequence[ColumnFinding], row_count: int) -> TextTable:
        named = list(zip(columns, self._header.names, strict=True))
        plans = [column.plan(name) for column, name in named]
        survey_warnings = self._survey.warnings if self._survey is not None else []
        warnings = [*survey_warnings, *self._header.warnings]
        warnings += [text for column, name in named for text in column.warnings(name)]
        warnings += points_beside_commas(plans)
        if self._batches.blank_lines:
            warnings.append(f"{self._batches.blank_lines} blank lines are left out")
        return TextTable(plans, row_count, self._encoding, self._delimiter, warnings, self._lines_of)
