"""The door of table ingest: a file in, typed Parquet and its profile out. Memory stays bounded for any size."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from modelbus.evaluator.ingest.cells.code_looks import code_alert
from modelbus.evaluator.ingest.faults import SkippedRows, malformed, refused
from modelbus.evaluator.ingest.odd_cells.almost_typed import WrittenTable, with_almost_typed
from modelbus.evaluator.ingest.profile.profiling import EarlyReadings, profile
from modelbus.evaluator.ingest.sources.arrow_files import convert_arrow
from modelbus.evaluator.ingest.sources.delimited.delimited_text import read_delimited
from modelbus.evaluator.ingest.sources.formats import charset_encoding, find_format, source_size
from modelbus.evaluator.ingest.sources.json_lines import read_json_lines
from modelbus.evaluator.ingest.sources.orc_files import convert_orc
from modelbus.evaluator.ingest.sources.packed.unpacking import Beginning, unpacked
from modelbus.evaluator.ingest.sources.parquet import convert_parquet
from modelbus.evaluator.ingest.sources.sheets.sheet_reading import opened_sheet
from modelbus.evaluator.ingest.sources.source_options import check_options, number_marks
from modelbus.evaluator.ingest.sources.workbook_kinds import WorkbookKind
from modelbus.evaluator.ingest.table import (
    ColumnPlan,
    IngestedTable,
    Limits,
    ProgressCallback,
    Stage,
    TextTable,
)
from modelbus.evaluator.ingest.writing.casting import StoredTable, write_typed
from modelbus.shared.contracts import ParseOptions
from modelbus.shared.contracts.commands.datasets import TableFormat

_WARNING_LIMIT = 100
_NO_OPTIONS = ParseOptions()
_TYPED: Final = {"parquet": convert_parquet, "arrow": convert_arrow, "orc": convert_orc}
"""Of the formats that have types of their own."""


def ingest(
    source: BinaryIO,
    destination: Path,
    *,
    file_name: str | None,
    media_type: str | None,
    format: TableFormat | None,  # noqa: A002 - the contract's word for it
    limits: Limits,
    target: str | None = None,
    on_progress: ProgressCallback,
    options: ParseOptions = _NO_OPTIONS,
    is_preview: bool = False,
    is_truncated: bool = False,
    head_bytes: int | None = None,
) -> IngestedTable:
    """Turn a file into a dataset: typed Parquet at the destination, and a profile of each column.

    Args:
        source: The file, open and seekable; it is left open.
        destination: Where to write the Parquet file. Beside it a spool of the text, and the unpacked file, are kept
            meanwhile. After an error nothing is left.
        file_name: What the sender called the file.
        media_type: The media type that the sender declared.
        format: The format that the sender declared; found if not given.
        limits: What the table may not exceed.
        target: The column to be predicted, for the alerts.
        on_progress: Called with the fraction that is done (0 to 1) and what is being done. What it raises ends the
            ingest.
        options: How to read the file; whatever they leave open is detected.
        is_preview: Report the rows that cannot be read beside the others, whatever the options say.
        is_truncated: Whether the file is only the beginning of one; a text without compression ends with a whole line
            (see ``cut_last_line``), and a quote may be left open.
        head_bytes: Unpack only about this much of a compressed text; default: all of it.

    Raises:
        MalformedTable: The file is not a table; the details name line, column, problem and expectation, at most 100.
        LimitExceeded: Too many columns, a record too long, or a file too large when unpacked.
        InvalidCommand: The target or an option names a column or a sheet that is not there, or an option does not apply
            to the format.
    """
    size = source_size(source)
    if not size:
        raise refused("the file is empty (0 bytes)", "a table with a header and at least one row")
    if options.encoding is None and (encoding := charset_encoding(media_type)):
        options = options.model_copy(update={"encoding": encoding})
    with (
        _removed_after_error(destination),
        unpacked(
            source,
            destination.with_name(f"{destination.name}.unpacked"),
            file_name=file_name,
            media_type=media_type,
            options=options,
            limits=limits,
            beginning=Beginning(is_truncated, head_bytes),
            on_progress=on_progress,
        ) as plain,
    ):
        found = find_format(
            plain.content, declared=format, media_type=media_type, file_name=plain.name, options=options
        )
        check_options(options, found)
        skipped = SkippedRows() if is_preview or options.on_bad_rows == "skip" else None
        reading = _Reading(plain.content, destination, found, options, plain.is_truncated, limits, on_progress, target)
        table = _ingest_format(reading, skipped)
    return replace(
        table,
        source_size_bytes=size,
        compression=plain.compression,
        is_truncated=plain.is_truncated,
        skipped=table.skipped if skipped is None else skipped,
    )


@dataclass(frozen=True)
class _Reading:
    """A file without compression, and how to read it."""

    source: BinaryIO
    destination: Path
    format: TableFormat
    options: ParseOptions
    is_truncated: bool
    limits: Limits
    on_progress: ProgressCallback
    target: str | None

    def stage(self, begin: float, end: float, message: str) -> Stage:
        return Stage(self.on_progress, begin, end, message)


def _ingest_format(reading: _Reading, skipped: SkippedRows | None) -> IngestedTable:
    if reading.format in _TYPED:
        stage = reading.stage(0.0, 0.85, "converting")
        plans, warnings, stored = _TYPED[reading.format](
            reading.source, reading.destination, options=reading.options, limits=reading.limits, stage=stage
        )
        return _finished(reading, None, plans, warnings, None, stored)
    if reading.format in ("xlsx", "ods"):
        return _ingest_sheet(reading, reading.format, skipped)
    size = source_size(reading.source)
    text, early, stored = _cast(reading, skipped, lambda spool: _read_text(reading, spool, skipped, size))
    warnings = [*(skipped.warnings() if skipped is not None else []), *text.warnings]
    return _finished(reading, text, text.plans, warnings, early, stored)


def _ingest_sheet(reading: _Reading, kind: WorkbookKind, skipped: SkippedRows | None) -> IngestedTable:
    path = reading.destination.with_name(f"{reading.destination.name}.sheet")
    stage = reading.stage(0.0, 0.1, "reading the workbook")
    with (
        opened_sheet(reading.source, kind, path, options=reading.options, limits=reading.limits, stage=stage) as sheet,
        sheet.path.open("rb") as content,
        sheet.telling_rows(),
    ):
        text, early, stored = _cast(
            reading,
            skipped,
            lambda spool: sheet.read(
                content,
                spool,
                options=reading.options,
                skipped=skipped,
                limits=reading.limits,
                survey_stage=reading.stage(0.1, 0.2, "looking through"),
                stage=reading.stage(0.2, 0.5, "reading"),
            ),
        )
        warnings = [*(skipped.warnings() if skipped is not None else []), *text.warnings]
        table = _finished(reading, text, text.plans, warnings, early, stored)
        if skipped is not None:
            skipped.faults = sheet.faults(skipped.faults)
    return replace(
        table,
        sheet=sheet.name,
        encoding=None,
        alerts=sheet.alerts(table.alerts),
        warnings=_shortened(sheet.sentences(warnings)),
    )


def _cast(
    reading: _Reading, skipped: SkippedRows | None, read: Callable[[Path], TextTable]
) -> tuple[TextTable, EarlyReadings | None, StoredTable]:
    """Read a text into a spool, and cast that into typed Parquet."""
    spool = reading.destination.with_name(f"{reading.destination.name}.spool")
    try:
        text = read(spool)
        row_count = text.row_count
        early = None
        stored = StoredTable(0, "")
        if row_count:
            stage = reading.stage(0.5, 0.85, "casting")
            # which rows are sampled depends on how many there are, and casting may leave out some
            is_count_known = skipped is None or not any(plan.is_declared for plan in text.plans)
            early = EarlyReadings(text.plans, row_count) if is_count_known else None
            stored = write_typed(spool, reading.destination, text, stage, skipped=skipped, reader=early)
        if not stored.row_count:
            if skipped and skipped.count:
                raise malformed(skipped.faults)
            raise refused("the table has no rows", "at least one row below the header")
    finally:
        spool.unlink(missing_ok=True)
    return text, early, stored


def _read_text(reading: _Reading, spool: Path, skipped: SkippedRows | None, size: int) -> TextTable:
    survey_stage = reading.stage(0.0, 0.1, "looking through")
    stage = reading.stage(0.1, 0.5, "reading")
    if reading.format == "jsonl":
        return read_json_lines(
            reading.source,
            spool,
            options=reading.options,
            skipped=skipped,
            limits=reading.limits,
            survey_stage=survey_stage,
            stage=stage,
            size=size,
        )
    options = reading.options
    if reading.format == "tsv" and options.delimiter is None:
        options = options.model_copy(update={"delimiter": "\t"})
    return read_delimited(
        reading.source,
        spool,
        options=options,
        skipped=skipped,
        is_truncated=reading.is_truncated,
        limits=reading.limits,
        survey_stage=survey_stage,
        stage=stage,
        size=size,
    )


def _finished(
    reading: _Reading,
    text: TextTable | None,
    plans: list[ColumnPlan],
    warnings: list[str],
    early: EarlyReadings | None,
    stored: StoredTable,
) -> IngestedTable:
    """The table with its profile; what concerns the whole file is added by its caller."""
    destination = reading.destination
    stage = reading.stage(0.85, 0.98, "profiling")
    with ThreadPoolExecutor(1) as thread:
        digest = thread.submit(_sha256, destination)
        profiled = profile(destination, plans, stage, target=reading.target, early=early)
        written = WrittenTable(
            destination,
            plans,
            reading.format,
            text.delimiter if text else None,
            text.lines_of_written if text else _no_lines,
            profiled.number_like,
            number_marks(reading.options),
            reading.options,
        )
        alerts = with_almost_typed(profiled.alerts, profiled.columns, written)
        codes = (code_alert(plan, column) for plan, column in zip(plans, profiled.columns, strict=True))
        alerts += [alert for alert in codes if alert is not None]
        file_sha256 = digest.result()
    reading.on_progress(1.0, "done")
    return IngestedTable(
        row_count=profiled.row_count,
        columns=profiled.columns,
        alerts=alerts,
        format=reading.format,
        encoding=text.encoding if text else None,
        delimiter=text.delimiter if text else None,
        size_bytes=destination.stat().st_size,
        source_size_bytes=0,
        sha256=stored.sha256,
        file_sha256=file_sha256,
        warnings=_shortened(warnings),
    )


def _no_lines(_rows: Collection[int]) -> dict[int, int]:
    return {}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shortened(warnings: list[str]) -> list[str]:
    more = len(warnings) - _WARNING_LIMIT
    return warnings if more <= 0 else [*warnings[:_WARNING_LIMIT], f"and {more} more warnings"]


@contextmanager
def _removed_after_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
