"""Pass 1 over delimited text: every column as text into the spool, while candidate types narrow.

pyarrow only detects that something is wrong; where and what, the scanner of ``records`` says. Where bad records are to
be skipped, pyarrow is given the sound ones alone.
"""

import io
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from modelbus.evaluator.ingest.ahead import Behind, ColumnPool, read_ahead
from modelbus.evaluator.ingest.cells.formed_numerals import forms_of
from modelbus.evaluator.ingest.faults import SkippedRows, refusal, refused
from modelbus.evaluator.ingest.sources.delimited.causes import explained
from modelbus.evaluator.ingest.sources.delimited.csv_batches import CsvBatches
from modelbus.evaluator.ingest.sources.delimited.layout import Layout, find_layout
from modelbus.evaluator.ingest.sources.delimited.own_csv import has_rows, own_options, told_text
from modelbus.evaluator.ingest.sources.delimited.quoted_records import (
    RecordRules,
    RecordScanner,
    SoundRecords,
    find_faults,
    lines_of_rows,
)
from modelbus.evaluator.ingest.sources.delimited.record_lines import lines_of_records
from modelbus.evaluator.ingest.sources.delimited.repeated_header import RepeatedHeader
from modelbus.evaluator.ingest.sources.delimited.rewriting import RewrittenStream
from modelbus.evaluator.ingest.sources.dialect import NO_DELIMITER, Header, HeaderRules, read_header, read_sample
from modelbus.evaluator.ingest.sources.formats import HEAD_BYTES, read_head
from modelbus.evaluator.ingest.sources.source_options import (
    ColumnFinding,
    check_column_options,
    delimited_columns,
    number_marks,
    points_beside_commas,
)
from modelbus.evaluator.ingest.sources.text_stream import CHUNK_BYTES, Utf8Stream, agreed_encoding, physical_lines
from modelbus.evaluator.ingest.sources.text_survey import Survey, SurveyedStream, survey_text
from modelbus.evaluator.ingest.spool import SpoolWriter, regrouped
from modelbus.evaluator.ingest.table import TEXT_SIZE_BYTES, Limits, Stage, TextTable
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.errors import ModelbusError
from modelbus.shared.tabular.tables.text_export import BYTE_ORDER_MARK

ColumnsOf = Callable[[Header], Sequence[ColumnFinding]]


def read_delimited(
    source: BinaryIO,
    spool: Path,
    *,
    options: ParseOptions,
    skipped: SkippedRows | None,
    is_truncated: bool,
    limits: Limits,
    survey_stage: Stage,
    stage: Stage,
    size: int,
    columns_of: ColumnsOf | None = None,
) -> TextTable:
    """Read the whole file into the spool.

    Args:
        source: The file.
        spool: Where to write the cells.
        options: How to read the file; whatever they leave open is detected.
        skipped: Takes the records that cannot be read; None refuses the file.
        is_truncated: Whether the file is only the beginning of one.
        limits: What the table may not exceed.
        survey_stage: For the progress of the first look.
        stage: For the progress of the reading.
        size: Bytes of the file.
        columns_of: Says what to detect about the columns, where more is known than the text says.

    Raises:
        MalformedTable: With the line and the problem of each bad record, 100 at most.
        LimitExceeded: Too many columns, or a record too long.
        InvalidCommand: The options name a column that is not there.
    """
    options = own_options(_own_head(source, limits), options)
    layout = find_layout(read_sample(source, options.encoding), options)
    file = _File(source, size, layout, options, limits, is_truncated=is_truncated, columns_of=columns_of)
    if skipped is None and not layout.rules.are_needed and (header := _likely_header(file)) is not None:
        at_once = Stage(stage.on_progress, survey_stage.begin, stage.end, stage.message)
        try:
            return _DelimitedReader(file, header, None, None).read(spool, at_once)
        except _OtherEncoding as other:
            survey = other.survey
            stage = Stage(stage.on_progress, other.progress, stage.end, f"reading again as {survey.encoding}")
    else:
        survey = _surveyed(file, survey_stage)
    header = _header(file, file.text(survey.encoding))
    return _DelimitedReader(file, header, survey, skipped).read(spool, stage)


def _own_head(source: BinaryIO, limits: Limits) -> bytes:
    """The beginning of a file, with its first row where that is long: a download says there which columns are text."""
    head = read_head(source)
    if head.startswith(BYTE_ORDER_MARK) and len(head) == HEAD_BYTES and not has_rows(head):
        head = source.read(2 * limits.line_limit_bytes + HEAD_BYTES)
        source.seek(0)
    return head


@dataclass(frozen=True)
class _File:
    """A file of delimited text and how to read it."""

    source: BinaryIO
    size_bytes: int
    layout: Layout
    options: ParseOptions
    limits: Limits
    is_truncated: bool
    columns_of: ColumnsOf | None = None

    @property
    def separator(self) -> bytes:
        return (self.layout.separator or NO_DELIMITER).encode()

    @property
    def watched(self) -> bytes | None:
        """The delimiter where quotes are watched while the file is looked through; what is written anew is scanned."""
        return self.separator if self.options.has_quotes and not self.layout.rules.are_needed else None

    def text(self, encoding: str, *, skip_bytes: int = 0) -> Utf8Stream:
        """The file as its readers get it."""
        if self.layout.rules.are_needed:
            return RewrittenStream(self.source, encoding, self.layout.rules, skip_bytes=skip_bytes)
        return Utf8Stream(self.source, encoding, skip_bytes=skip_bytes)

    @property
    def likely_encoding(self) -> str:
        """What the file's beginning and its sender say, else UTF-8."""
        return agreed_encoding(read_head(self.source), self.options.encoding) or "utf-8"

    def surveyed(self, header: Header) -> SurveyedStream:
        """What is behind the header, looked through on its way."""
        return SurveyedStream(
            self.source,
            delimiter=self.watched,
            encoding=self.options.encoding,
            limits=self.limits,
            skip_bytes=header.size_bytes,
        )


def _surveyed(file: _File, stage: Stage) -> Survey:
    survey = survey_text(
        file.source,
        delimiter=file.watched,
        encoding=file.options.encoding,
        limits=file.limits,
        stage=stage,
        size_bytes=file.size_bytes,
    )
    is_to_be_scanned = file.layout.rules.are_needed and file.options.has_quotes
    return replace(survey, has_doubtful_quotes=survey.has_doubtful_quotes or is_to_be_scanned)


def _header(file: _File, text: Utf8Stream) -> Header:
    rules = HeaderRules(
        file.layout.separator,
        has_header=file.options.has_header,
        has_quotes=file.options.has_quotes,
        skip_below=file.layout.skip_below_header,
    )
    header = read_header(text, rules, file.limits)
    check_column_options(file.options, header.names)
    return header


def _likely_header(file: _File) -> Header | None:
    """The header by the file's beginning; ``None`` if it is not sound, for which the whole file may be to blame."""
    file.source.seek(0)
    # one character of a byte may take two in the file
    beginning = file.source.read(2 * file.limits.line_limit_bytes + HEAD_BYTES)
    try:
        return _header(file, Utf8Stream(io.BytesIO(beginning), file.likely_encoding))
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
        self._layout = file.layout
        self._rules = RecordRules(
            file.separator,
            header.names,
            file.limits.line_limit_bytes,
            is_truncated=file.is_truncated,
            has_header=file.options.has_header,
            has_quotes=file.options.has_quotes,
        )
        self._skipped = skipped
        self._spaced_quote_line: int | None = None
        self._comment_count = self._body_comment_count = 0
        self._repeated = RepeatedHeader(header.found, file.options.repeated_header, number_marks(file.options))
        self._batches = CsvBatches(
            file.layout.separator,
            len(header.names),
            max(CHUNK_BYTES, file.limits.line_limit_bytes),
            has_quotes=file.options.has_quotes,
            repeated=self._repeated,
        )

    def read(self, spool: Path, stage: Stage) -> TextTable:
        """Read the file into the spool.

        Raises:
            _OtherEncoding: A look through the file has found another encoding.
        """
        columns = self._columns()
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
        cause = self._layout.cause
        if cause is not None and not row_count and self._skipped is not None and self._skipped.count:
            raise refusal([cause])  # of rows that are all left out, one sentence says why
        if self._batches.unparsed is not None:
            self._refuse_unparsed(self._batches.unparsed)
        return self._table(columns, row_count)

    def _columns(self) -> Sequence[ColumnFinding]:
        if self._file.columns_of is not None:
            return self._file.columns_of(self._header)
        return delimited_columns(self._header, self._file.options, self._layout.delimiter, self._told_text())

    def _told_text(self) -> Collection[str]:
        """The columns that the file itself says are text, unless its sender says how numbers are written in it."""
        options = self._file.options
        has_say = options.has_quotes and options.has_header and not options.skip_lines and self._layout.delimiter == ","
        if not has_say or forms_of(options, self._layout.delimiter) or options.decimal_mark is not None:
            return ()
        return told_text(_own_head(self._file.source, self._file.limits), self._header.names)

    def _spool_all(self, stream: Utf8Stream, spool: Path, columns: Sequence[ColumnFinding], stage: Stage) -> int:
        sound = stream if self._skipped is None else SoundRecords(self._scanner(stream), self._skipped)
        above = stream.rewriter.comment_count if isinstance(stream, RewrittenStream) else 0
        batches = regrouped(self._batches.of(sound), TEXT_SIZE_BYTES)
        with (
            SpoolWriter(spool) as writer,
            Behind() as behind,
            ColumnPool() as side_by_side,
            closing(read_ahead(batches)) as ahead,
        ):
            for batch in ahead:
                cells = side_by_side.each(lambda column, cells: column.feed(cells), columns, batch.columns)
                behind.do(writer.write, pa.RecordBatch.from_arrays(cells, names=batch.schema.names))
                stage.report(stream.source_bytes / self._file.size_bytes)
        if isinstance(stream, RewrittenStream):
            self._comment_count = stream.rewriter.comment_count
            self._body_comment_count = self._comment_count - above
        return writer.row_count

    def _finished(self, surveyed: SurveyedStream, stage: Stage) -> Survey:
        fraction = surveyed.source_bytes / self._file.size_bytes
        survey = surveyed.finish(lambda: stage.report(fraction))
        if survey.encoding != self._encoding:
            raise _OtherEncoding(survey, stage.at(fraction))
        return survey

    def refuse_faults(self, *, of_header: bool = False) -> None:
        """Scan the file, or its header alone, and raise what the scanner finds; return if it finds nothing."""
        lines = physical_lines(self._file.text(self._encoding))
        for _ in range(self._header.first_line - 1):
            next(lines)
        found = find_faults(
            lines,
            self._rules,
            first_line=self._header.first_line,
            record_limit=1 if of_header else None,
            skip_below_header=self._layout.skip_below_header,
        )
        if found.faults:
            text = self._file.text(self._encoding)
            raise refusal(explained(found, text, self._layout, self._file.options))
        self._spaced_quote_line = found.spaced_quote_line

    def _body(self) -> Utf8Stream:
        return self._file.text(self._encoding, skip_bytes=self._header.size_bytes)

    def _scanner(self, body: Utf8Stream) -> RecordScanner:
        return RecordScanner(physical_lines(body), self._rules, first_line=self._header.line_count + 1)

    def _lines_of(self, rows: Collection[int]) -> dict[int, int]:
        row_of = {self._repeated.record_of(row): row for row in rows}
        lines = self._lines_of_records(set(row_of))
        return {row_of[record]: line for record, line in lines.items()}

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
        is_told = self._file.options.decimal_mark is not None
        plans = [replace(column.plan(name), is_decimal_told=is_told) for column, name in named]
        survey_warnings = self._survey.warnings if self._survey is not None else []
        warnings = [*survey_warnings, *self._layout.warnings, *self._header.warnings]
        if self._header.has_unnamed_end and plans[-1].type == "empty":
            # what ends each row with a delimiter means no column
            named, plans = named[:-1], plans[:-1]
            warnings = [text for text in warnings if not text.startswith(f"column {len(named) + 1} has no name")]
            warnings.append("each row ends with a delimiter that separates nothing; it is ignored")
        warnings += [text for column, name in named for text in column.warnings(name)]
        warnings += points_beside_commas(plans)
        warnings += self._of_rows()
        return TextTable(plans, row_count, self._encoding, self._layout.delimiter, warnings, self._lines_of)

    def _of_rows(self) -> list[str]:
        """Warnings about skipped lines and about quotes read as text."""
        cause = self._layout.cause
        found = [cause.sentence()] if cause is not None and self._skipped is not None and self._skipped.count else []
        if self._comment_count:
            count = self._comment_count
            found.append(f"{count} comment {'line is' if count == 1 else 'lines are'} skipped")
        # of a single column, a comment that is skipped is a blank line
        blank_lines = self._batches.blank_lines - self._body_comment_count
        if blank_lines > 0:
            found.append(f"{blank_lines} blank {'line is' if blank_lines == 1 else 'lines are'} skipped")
        if self._spaced_quote_line is not None and self._file.options.skip_initial_space is None:
            found.append(
                f"line {self._spaced_quote_line} has a quote after a space, read as part of the text; "
                "skip_initial_space=true reads it as a quote"
            )
        if self._repeated.is_noted:
            found.append(self._repeated.warning(self._lines_of_records))
        return found

    def _lines_of_records(self, records: Collection[int]) -> dict[int, int]:
        is_plain = self._skipped is None and len(self._rules.columns) > 1 and self._rules.delimiter != b" "
        if is_plain and self._survey is not None and not self._survey.has_doubtful_quotes:
            first_line = self._header.line_count + 1
            has_quotes = self._rules.has_quotes
            lines = lines_of_records(self._body(), records, first_line=first_line, has_quotes=has_quotes)
            if lines is not None:
                return lines
        return lines_of_rows(self._scanner(self._body()), records)
