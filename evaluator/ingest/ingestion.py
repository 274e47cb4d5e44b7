"""The door of table ingest: a file in, typed Parquet and its profile out. Memory stays bounded for any size."""

import hashlib
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelbus.evaluator.ingest.cells.code_looks import code_alert
from modelbus.evaluator.ingest.faults import SkippedRows, malformed, refused
from modelbus.evaluator.ingest.odd_cells.almost_typed import WrittenTable, with_almost_typed
from modelbus.evaluator.ingest.profile.profiling import EarlyReadings, profile
from modelbus.evaluator.ingest.sources.delimited.delimited_text import read_delimited
from modelbus.evaluator.ingest.sources.formats import charset_encoding, find_format, read_head, source_size
from modelbus.evaluator.ingest.sources.json_lines import read_json_lines
from modelbus.evaluator.ingest.sources.parquet import convert_parquet
from modelbus.evaluator.ingest.sources.source_options import check_options, number_marks
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
) -> IngestedTable:
    """Turn a file into a dataset: typed Parquet at the destination, and a profile of each column.

    Args:
        source: The file, open and seekable; it is left open.
        destination: Where to write the Parquet file. Beside it a spool of the text lies meanwhile. After an error
            neither is left.
        file_name: What the sender called the file.
        media_type: The media type that the sender declared.
        format: The format that the sender declared; found if not given.
        limits: What the table may not exceed.
        target: The column that is to be predicted, for the alerts.
        on_progress: Called with the fraction that is done (0 to 1) and what is being done. What it raises ends the
            ingest.
        options: How the file is to be read; what they leave open is found out.
        is_preview: Report the rows that cannot be read beside the others, whatever the options say.
        is_truncated: Whether the text is only the first whole lines of a file: a quote may then be left open.

    Raises:
        MalformedTable: The file is no table; the details name line, column, problem and expectation, 100 at most.
        LimitExceeded: Too many columns, or a record too long.
        InvalidCommand: The target or an option names a column that is not there, or the format has no use for an
            option.
    """
    size = source_size(source)
    if not size:
        raise refused("the file is empty (0 bytes)", "a table with a header and one row at least")
    head = read_head(source)
    if options.encoding is None and (encoding := charset_encoding(media_type)):
        options = options.model_copy(update={"encoding": encoding})
    found = find_format(head, declared=format, media_type=media_type, file_name=file_name, options=options)
    check_options(options, found)
    skipped = SkippedRows()
    is_skipping = is_preview or options.on_bad_rows == "skip"
    with _removed_after_error(destination):
        if found == "parquet":
            stage = Stage(on_progress, 0.0, 0.85, "converting")
            plans, warnings, stored = convert_parquet(source, destination, options=options, limits=limits, stage=stage)
            text = early = None
        else:
            reading = _Reading(source, destination, found, options, is_truncated, limits, on_progress, size)
            text, early, stored = _ingest_text(reading, skipped if is_skipping else None)
            plans, warnings = text.plans, [*skipped.warnings(), *text.warnings]
        return _finished(
            destination, found, text, plans, warnings, skipped, size, on_progress, target, early, stored, options
        )


@dataclass(frozen=True)
class _Reading:
    """A text file and how it is to be read."""

    source: BinaryIO
    destination: Path
    format: TableFormat
    options: ParseOptions
    is_truncated: bool
    limits: Limits
    on_progress: ProgressCallback
    size_bytes: int


def _ingest_text(reading: _Reading, skipped: SkippedRows | None) -> tuple[TextTable, EarlyReadings | None, StoredTable]:
    spool = reading.destination.with_name(f"{reading.destination.name}.spool")
    try:
        text = _read_text(reading, spool, skipped)
        row_count = text.row_count
        early = None
        stored = StoredTable(0, "")
        if row_count:
            stage = Stage(reading.on_progress, 0.5, 0.85, "casting")
            # which rows are sampled depends on how many there are, and casting may leave out some
            is_count_known = skipped is None or not any(plan.is_declared for plan in text.plans)
            early = EarlyReadings(text.plans, row_count) if is_count_known else None
            stored = write_typed(spool, reading.destination, text, stage, skipped=skipped, reader=early)
        if not stored.row_count:
            if skipped and skipped.count:
                raise malformed(skipped.faults)
            raise refused("the table has no rows", "one row at least beside the header")
    finally:
        spool.unlink(missing_ok=True)
    return text, early, stored


def _read_text(reading: _Reading, spool: Path, skipped: SkippedRows | None) -> TextTable:
    survey_stage = Stage(reading.on_progress, 0.0, 0.1, "looking through")
    stage = Stage(reading.on_progress, 0.1, 0.5, "reading")
    if reading.format == "jsonl":
        return read_json_lines(
            reading.source,
            spool,
            options=reading.options,
            skipped=skipped,
            limits=reading.limits,
            survey_stage=survey_stage,
            stage=stage,
            size=reading.size_bytes,
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
        size=reading.size_bytes,
    )


def _finished(
    destination: Path,
    found: TableFormat,
    text: TextTable | None,
    plans: list[ColumnPlan],
    warnings: list[str],
    skipped: SkippedRows,
    size: int,
    on_progress: ProgressCallback,
    target: str | None,
    early: EarlyReadings | None,
    stored: StoredTable,
    options: ParseOptions,
) -> IngestedTable:
    stage = Stage(on_progress, 0.85, 0.98, "profiling")
    with ThreadPoolExecutor(1) as thread:
        digest = thread.submit(_sha256, destination)
        profiled = profile(destination, plans, stage, target=target, early=early)
        written = WrittenTable(
            destination,
            plans,
            found,
            text.delimiter if text else None,
            text.lines_of_written if text else _no_lines,
            profiled.number_like,
            number_marks(options),
            options,
        )
        alerts = with_almost_typed(profiled.alerts, profiled.columns, written)
        codes = (code_alert(plan, column) for plan, column in zip(plans, profiled.columns, strict=True))
        alerts += [alert for alert in codes if alert is not None]
        file_sha256 = digest.result()
    on_progress(1.0, "done")
    return IngestedTable(
        row_count=profiled.row_count,
        columns=profiled.columns,
        alerts=alerts,
        format=found,
        encoding=text.encoding if text else None,
        delimiter=text.delimiter if text else None,
        size_bytes=destination.stat().st_size,
        source_size_bytes=size,
        sha256=stored.sha256,
        file_sha256=file_sha256,
        warnings=_shortened(warnings),
        skipped=skipped,
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
