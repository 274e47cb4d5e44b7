"""The door of table ingest: a file in, typed Parquet and its profile out. Memory stays bounded for any size."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from evaluator.ingest.casting import write_typed
from evaluator.ingest.delimited import read_delimited
from evaluator.ingest.faults import refused
from evaluator.ingest.formats import find_format, read_head, source_size
from evaluator.ingest.json_lines import read_json_lines
from evaluator.ingest.parquet import convert_parquet
from evaluator.ingest.profiling import profile
from evaluator.ingest.table import (
    ColumnPlan,
    IngestedTable,
    Limits,
    ProgressCallback,
    Stage,
    TextTable,
)
from shared.contracts.datasets import TableFormat

_WARNING_LIMIT = 100


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
        on_progress: Called with the share that is done (0 to 1) and what is being done. What it raises ends the
            ingest.

    Raises:
        InvalidCommand: The target is no column of the file; names the likeliest ones meant.
        MalformedTable: The file is no table; the details name line, column, problem and expectation, 100 at most.
        LimitExceeded: Too many columns, or a record too long.
    """
    size = source_size(source)
    if not size:
        raise refused("the file is empty (0 bytes)", "a table with a header and one row at least")
    found = find_format(read_head(source), declared=format, media_type=media_type, file_name=file_name)
    with _removed_after_error(destination):
        if found == "parquet":
            stage = Stage(on_progress, 0.0, 0.85, "converting")
            plans, warnings = convert_parquet(source, destination, limits=limits, stage=stage)
            text = None
        else:
            text = _ingest_text(source, destination, found, limits, on_progress, size)
            plans, warnings = text.plans, text.warnings
        return _finished(destination, found, text, plans, warnings, size, on_progress, target)


def _ingest_text(
    source: BinaryIO,
    destination: Path,
    found: TableFormat,
    limits: Limits,
    on_progress: ProgressCallback,
    size: int,
) -> TextTable:
    spool = destination.with_name(f"{destination.name}.spool")
    survey_stage = Stage(on_progress, 0.0, 0.1, "looking through")
    stage = Stage(on_progress, 0.1, 0.5, "reading")
    try:
        if found == "jsonl":
            text = read_json_lines(source, spool, limits=limits, survey_stage=survey_stage, stage=stage, size=size)
        else:
            fixed = "\t" if found == "tsv" else None
            text = read_delimited(
                source, spool, delimiter=fixed, limits=limits, survey_stage=survey_stage, stage=stage, size=size
            )
        if not text.row_count:
            raise refused("the table has no rows", "one row at least beside the header")
        cast_stage = Stage(on_progress, 0.5, 0.85, "casting")
        write_typed(spool, destination, text.plans, cast_stage, row_count=text.row_count)
    finally:
        spool.unlink(missing_ok=True)
    return text


def _finished(
    destination: Path,
    found: TableFormat,
    text: TextTable | None,
    plans: list[ColumnPlan],
    warnings: list[str],
    size: int,
    on_progress: ProgressCallback,
    target: str | None,
) -> IngestedTable:
    profiled = profile(destination, plans, Stage(on_progress, 0.85, 0.98, "profiling"), target=target)
    with destination.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    on_progress(1.0, "done")
    return IngestedTable(
        row_count=profiled.row_count,
        columns=profiled.columns,
        alerts=profiled.alerts,
        format=found,
        encoding=text.encoding if text else None,
        delimiter=text.delimiter if text else None,
        size_bytes=destination.stat().st_size,
        source_size_bytes=size,
        sha256=sha256,
        warnings=_shortened(warnings),
    )


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
