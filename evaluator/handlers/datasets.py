"""What the evaluator does with files: from one to a dataset, or to a preview of one."""

from pathlib import Path

import pyarrow.parquet as pq
import structlog

from modelbus.evaluator.ingest import IngestedTable, Limits, cut_last_line, ingest
from modelbus.evaluator.reading.paging import read_page
from modelbus.shared.contracts import InlineSource, PreviewDataset, ProfileDataset, UploadSource
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome, DatasetOutcome
from modelbus.shared.errors import dataset_exists
from modelbus.shared.store.connection import Document
from modelbus.shared.worker.child import JobContext

log = structlog.get_logger()


def profile_dataset(command: ProfileDataset, context: JobContext) -> DatasetOutcome:
    """Parse a file once into typed Parquet with a schema; the outcome is a dataset.

    Raises:
        MalformedTable: The file is not a table; names the lines at fault.
        LimitExceeded: Too many columns, or a line that is too long.
        DatasetExists: A dataset of that name is there.
        InvalidCommand: The target is not a column of the file.
        UnknownUpload: The uploaded file is gone.
    """
    if context.library.has_dataset(command.dataset):
        raise dataset_exists(command.dataset)
    context.progress(0.0, "reading the file")
    table, path = _ingest(command, context)
    for warning in table.warnings:
        log.warning("table.warned", text=warning)
    context.progress(0.95, "storing the table")
    with path.open("rb") as file:
        blob_id = context.blobs.save(file, "dataset", context.correlation_id, context.fence)
    return DatasetOutcome(
        record={
            "name": command.dataset,
            **_found(table),
            "target": command.target,
            "size_bytes": table.size_bytes,
            "source_size_bytes": table.source_size_bytes,
            "sha256": table.sha256,
            "file_sha256": table.file_sha256,
            "options": command.options.model_dump(mode="json", exclude_defaults=True),
        },
        blob_id=blob_id,
        upload_id=_upload_id(command),
    )


def preview_dataset(command: PreviewDataset, context: JobContext) -> AnswerOutcome:
    """Say how a file would be read, from its beginning; the outcome is an answer.

    Rows that cannot be read are reported beside the others, whatever the options say: that is what a preview is for.

    Raises:
        MalformedTable: The file is not a table; names the lines at fault.
        InvalidCommand: The options do not fit the file.
        LimitExceeded: Too many columns, or a line that is too long.
        UnknownUpload: The uploaded file is gone.
    """
    table, path = _ingest(command, context)
    with pq.ParquetFile(path) as parquet:
        rows = read_page(parquet, 0, command.row_limit).rows
    return context.answer({**_found(table), "is_truncated": table.is_truncated, "rows": rows}, _upload_id(command))


def _ingest(command: ProfileDataset | PreviewDataset, context: JobContext) -> tuple[IngestedTable, Path]:
    """Read the command's file; returns what was found and where the Parquet file lies."""
    source, destination = context.work_directory / "source", context.work_directory / "table.parquet"
    upload = command.source if isinstance(command.source, UploadSource) else None
    _fetch(command.source, context, source)
    is_preview = isinstance(command, PreviewDataset)
    is_truncated = isinstance(command, PreviewDataset) and command.is_truncated
    if is_truncated:
        cut_last_line(source, command.options, upload.media_type if upload else None)
    with source.open("rb") as file:
        table = ingest(
            file,
            destination,
            file_name=upload.file_name if upload else None,
            media_type=upload.media_type if upload else None,
            format=command.format or (None if upload else "csv"),
            limits=Limits(
                column_limit=context.settings.column_limit,
                line_limit_bytes=context.settings.line_limit_bytes,
                unpacked_limit_bytes=context.settings.upload_limit_bytes,
            ),
            on_progress=lambda fraction, message: context.progress(fraction * 0.9, message),
            target=command.target if isinstance(command, ProfileDataset) else None,
            options=command.options,
            is_preview=is_preview,
            is_truncated=is_truncated,
            head_bytes=context.settings.preview_bytes if is_preview else None,
        )
    return table, destination


def _fetch(source: UploadSource | InlineSource, context: JobContext, path: Path) -> None:
    if isinstance(source, UploadSource):
        context.blobs.require_kind(source.upload_id, "upload")
        context.blobs.download(source.upload_id, path)
    else:
        path.write_text(source.text, encoding="utf-8")


def _found(table: IngestedTable) -> Document:
    """What was found in a file, as a dataset's record and a preview have it."""
    return {
        "row_count": table.row_count,
        "format": table.format,
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "compression": table.compression,
        "sheet": table.sheet,
        "columns": [column.model_dump(mode="json") for column in table.columns],
        "alerts": [alert.model_dump(mode="json") for alert in table.alerts],
        "warnings": table.warnings,
        "skipped_row_count": table.skipped.count,
        "skipped_rows": [fault.detail() for fault in table.skipped.faults],
    }


def _upload_id(command: ProfileDataset | PreviewDataset) -> str | None:
    return command.source.upload_id if isinstance(command.source, UploadSource) else None
