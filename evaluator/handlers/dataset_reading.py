"""What the evaluator reads back from a dataset: a page of rows, or all of it as a text file."""

import hashlib
from pathlib import Path

from modelbus.evaluator.reading.exporting import plan_export
from modelbus.evaluator.reading.paging import read_page
from modelbus.shared.contracts import ExportDataset, ReadRows
from modelbus.shared.contracts.checks.command_checks import check_columns
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome, FilesOutcome
from modelbus.shared.store.blobs.blob_queries import export_id
from modelbus.shared.tabular.tables.stored_tables import open_table, open_values
from modelbus.shared.tabular.tables.text_export import write_csv, write_json_lines
from modelbus.shared.worker.child import JobContext


def read_rows(command: ReadRows, context: JobContext) -> AnswerOutcome:
    """Read a page of a dataset; the outcome is an answer.

    Raises:
        UnknownDataset: It is not there.
        InvalidCommand: It lacks a column.
    """
    dataset = context.library.dataset(command.dataset)
    check_columns(command, dataset)
    with open_values(context.blobs, dataset) as table:
        page = read_page(table, command.offset, command.limit, command.columns)
    return context.answer(
        {
            "dataset": command.dataset,
            "offset": command.offset,
            "limit": command.limit,
            "row_count": dataset["row_count"],
            "columns": page.columns,
            "rows": page.rows,
            "next": page.following,
        }
    )


def export_dataset(command: ExportDataset, context: JobContext) -> FilesOutcome:
    """Write a dataset as CSV or JSON lines; the outcome is an export.

    Raises:
        UnknownDataset: It is not there.
    """
    dataset = context.library.dataset(command.dataset)
    path = context.work_directory / f"table.{command.format}"
    _write(command, dataset, context, path)
    context.progress(0.95, "storing the file")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        blob_id = export_id(context.correlation_id, context.fence)
        # There may be one of a job that had this id and is forgotten.
        context.blobs.delete(blob_id)
        context.blobs.save(file, "export", context.correlation_id, context.fence, blob_id)
    report = {
        "dataset": command.dataset,
        "format": command.format,
        "row_count": dataset["row_count"],
        "size_bytes": path.stat().st_size,
        "sha256": sha256,
    }
    return FilesOutcome(kind="export", blobs={command.format: blob_id}, report=report)


def _write(command: ExportDataset, dataset: DatasetDocument, context: JobContext, path: Path) -> None:
    row_count = dataset["row_count"]

    def tell(done: int) -> None:
        context.progress(done / row_count * 0.9, f"{done} of {row_count} rows")

    with open_table(context.blobs, dataset) as table, path.open("wb") as file:
        plan = plan_export(table, command.format)
        if command.format == "csv":
            write_csv(table.parquet, file, has_formulas=command.formulas == "kept", on_rows=tell, plan=plan)
        else:
            write_json_lines(table.parquet, file, on_rows=tell, plan=plan)
