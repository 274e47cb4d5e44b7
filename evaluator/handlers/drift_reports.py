"""Drift reports: connects the command to the maths of drift."""

from typing import Any, Final

import pandas as pd

from modelbus.evaluator.drift.column_findings import Finding
from modelbus.evaluator.drift.drift_notes import are_predictions_unknown, drift_warnings
from modelbus.evaluator.drift.drift_plots import drift_plots
from modelbus.evaluator.drift.report import compare_columns, compare_predictions
from modelbus.evaluator.sampling.sampled_rows import affordable_rows, dataset_warnings, load_model, read_model_rows
from modelbus.evaluator.sampling.served_rows import gather_served_rows
from modelbus.shared.contracts import DriftFound, ReportDrift
from modelbus.shared.contracts.checks.explanation_checks import require_training_table
from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.contracts.records.explanation_results import DriftResult
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome
from modelbus.shared.plural import counted
from modelbus.shared.store.connection import Document
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.worker.child import JobContext
from modelbus.shared.worker.plots import answer_with_plots

_EVENT_COLUMNS: Final = 1000


def report_drift(command: ReportDrift, context: JobContext) -> AnswerOutcome:
    """Compare rows with a version's training table; the result is an answer, with an event if anything has drifted.

    Raises:
        UnknownModel, UnknownDataset: One of them does not exist, or the training table was deleted.
        SignatureMismatch, EstimatorRejected: The dataset does not match the model.
        ArtifactRefused: The model cannot be loaded.
    """
    version = context.library.version(command.model)
    trained_on = context.library.dataset(version["dataset"])
    require_training_table(version, trained_on)
    model = load_model(context, version)
    limit = affordable_rows(command.row_limit, len(model.encoder.columns))
    current, described, doubts = _current(command, context, version, model, limit)
    context.progress(0.4, f"reading {trained_on['name']}")
    reference = read_model_rows(context, trained_on, model, limit, command.seed)
    context.progress(0.6, f"comparing {counted(len(current), 'row')} with {counted(len(reference), 'training row')}")
    columns, predictions = _findings(command, model, reference, current, trained_on["row_count"])
    drifted = [finding.name for finding in columns if finding.has_drifted]
    has_drifted_predictions = (
        predictions.has_drifted
        if predictions is not None
        else are_predictions_unknown(columns, predictions, command.thresholds)
    )
    report: Document = {
        "model": version["model"],
        "version": version["version"],
        "reference": {
            "dataset": trained_on["name"],
            "dataset_row_count": trained_on["row_count"],
            "row_count": len(reference),
        },
        "current": described,
        "thresholds": command.thresholds.model_dump(),
        "has_drifted": bool(drifted or has_drifted_predictions),
        "drifted_columns": drifted,
        "columns": [finding.view() for finding in columns],
        "predictions": predictions.view() if predictions else None,
        "warnings": [
            *doubts,
            *drift_warnings(columns, predictions, command.thresholds, (len(reference), len(current))),
        ],
    }
    plots = drift_plots(DriftResult.model_validate(report)) if command.has_plots else []
    outcome = answer_with_plots(report, plots, context)
    if not drifted and not has_drifted_predictions:
        return outcome
    event = DriftFound(
        correlation_id=context.correlation_id,
        service="evaluator",
        model=version["model"],
        version=version["version"],
        columns=drifted[:_EVENT_COLUMNS],
        has_drifted_predictions=has_drifted_predictions,
    )
    return outcome.model_copy(update={"event": event})


def _current(
    command: ReportDrift, context: JobContext, version: VersionDocument, model: FittedModel, limit: int
) -> tuple[pd.DataFrame, Document, list[str]]:
    """The rows to compare, their origin, and warnings about them."""
    if command.since is not None:
        served = gather_served_rows(context, version, model, command.since, limit, command.seed)
        return served.frame(), {"since": command.since.isoformat(), **served.view()}, []
    dataset = context.library.dataset(str(command.dataset))
    context.progress(0.2, f"reading {dataset['name']}")
    frame = read_model_rows(context, dataset, model, limit, command.seed)
    described = {
        "dataset": dataset["name"],
        "dataset_row_count": dataset["row_count"],
        "row_count": len(frame),
        "is_capped": len(frame) < dataset["row_count"],
    }
    return frame, described, dataset_warnings(context, model, dataset)


def _findings(
    command: ReportDrift, model: FittedModel, reference: pd.DataFrame, current: pd.DataFrame, training_rows: int
) -> tuple[list[Finding], Finding | None]:
    if not len(current):
        return [], None
    is_whole = len(reference) == training_rows
    compared: Any = (model, reference, current, command.thresholds)
    return compare_columns(*compared, is_reference_whole=is_whole), compare_predictions(*compared)
