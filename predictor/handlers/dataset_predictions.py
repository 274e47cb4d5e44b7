"""Predictions for a whole dataset, one row group at a time, in constant memory."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import structlog

from modelbus.predictor.kept_columns import without_kept
from modelbus.predictor.prediction_table import IncidentTotals, prediction_table, with_kept_columns
from modelbus.shared.contracts import PredictDataset
from modelbus.shared.contracts.checks.command_checks import check_kept_columns
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.records.job_outcomes import FilesOutcome
from modelbus.shared.errors import JobCrashed
from modelbus.shared.models.stored_models import fetch_model
from modelbus.shared.plural import counted
from modelbus.shared.tabular.cells.readings import changed_types
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.tables.row_groups import read_group
from modelbus.shared.tabular.tables.stored_tables import fetch_table, frames
from modelbus.shared.tabular.tables.text_export import write_csv, write_json_lines
from modelbus.shared.tabular.targets.reading_warnings import unseen_warnings
from modelbus.shared.worker.child import JobContext

log = structlog.get_logger()

_PREDICTING_FRACTION = 0.8


def predict_dataset(command: PredictDataset, context: JobContext) -> FilesOutcome:
    """Predict all rows of a dataset, in order, and store the predictions as Parquet, CSV and JSON lines.

    Columns: ``row`` (number from 0), the kept columns, ``prediction`` and, if requested, ``probability_<class>`` for
    each class, and ``score`` (for two classes) or ``score_<class>``.

    Raises:
        UnknownModel, UnknownDataset: One of them does not exist.
        SignatureMismatch, InvalidCommand: The dataset does not match the model, or lacks a column to keep.
        ArtifactRefused: The model cannot be loaded.
    """
    version = context.library.version(command.model)
    dataset = context.library.dataset(command.dataset)
    check_kept_columns(command, dataset)
    context.progress(0.0, f"loading {version['model']} version {version['version']}")
    model = fetch_model(context.blobs, version, context.settings.artifact_limit_bytes)
    paths = {name: context.work_directory / f"predictions.{name}" for name in ("parquet", "csv", "jsonl")}
    report = _predict_all(model, dataset, paths["parquet"], context, command)
    _write_texts(paths, dataset["row_count"], context)
    blobs = {}
    for name, path in paths.items():
        with path.open("rb") as file:
            blobs[name] = context.blobs.save(file, "predictions", context.correlation_id, context.fence)
    described = {"model": version["model"], "version": version["version"], "dataset": command.dataset}
    return FilesOutcome(
        kind="predictions", blobs=blobs, report={**described, "row_count": dataset["row_count"], **report}
    )


def _predict_all(
    model: FittedModel, dataset: DatasetDocument, path: Path, context: JobContext, command: PredictDataset
) -> dict[str, Any]:
    table = fetch_table(context.blobs, dataset, context.work_directory)
    # The dataset may contain the target, which is not an extra column.
    columns = [column["name"] for column in dataset["columns"] if column["name"] != model.signature.target]
    totals = IncidentTotals()
    writer: pq.ParquetWriter | None = None
    done = 0
    for number, frame in enumerate(frames(table, columns, model.readings)):
        predictions = model.predict_frame(frame, command.has_probabilities, has_scores=command.has_scores)
        answer = prediction_table(model, predictions, first_row=done)
        if command.keep:
            answer = with_kept_columns(answer, read_group(table.parquet, number, command.keep))
        done += len(frame)
        totals.add(without_kept(predictions.report.counts(), command.keep or ()))
        writer = writer or pq.ParquetWriter(path, answer.schema, compression="zstd")
        writer.write_table(answer)
        fraction = done / max(dataset["row_count"], 1)
        message = f"predicting, {done:,} of {counted(dataset['row_count'], 'row')}"
        context.progress(_PREDICTING_FRACTION * fraction, message)
    if writer is None:
        raise JobCrashed(f"dataset {dataset['name']!r} has no rows")
    writer.close()
    report = totals.report()
    warnings = [
        *changed_types(table.columns.values(), model.signature.columns),
        *unseen_warnings(report.get("unseen", {}), done, context.settings.unseen_warning_fraction),
    ]
    for warning in warnings:
        log.warning("prediction.warned", text=warning)
    return {"report": report, "warnings": warnings}


def _write_texts(paths: dict[str, Path], row_count: int, context: JobContext) -> None:
    """Write the predictions as text too; formulas are escaped in CSV."""

    def tell(done: int) -> None:
        context.progress(_PREDICTING_FRACTION, f"writing CSV and JSON lines, {done:,} of {counted(row_count, 'row')}")

    with pq.ParquetFile(paths["parquet"]) as table:
        with paths["csv"].open("wb") as file:
            write_csv(table, file, has_formulas=False, on_rows=tell)
        with paths["jsonl"].open("wb") as file:
            write_json_lines(table, file, on_rows=tell)
