"""Evaluations of a model, or of predictions in a dataset: connects the commands to the maths."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from modelbus.evaluator.measuring.measure import measure
from modelbus.evaluator.measuring.measured_rows import CollectedRows
from modelbus.evaluator.measuring.model_rows import collect, readings_for
from modelbus.evaluator.measuring.prediction_rows import collect_predictions, columns_to_read, prediction_readings
from modelbus.shared.contracts import EvaluateModel, EvaluatePredictions, EvaluationRecord
from modelbus.shared.contracts.checks.evaluation_checks import check_evaluation
from modelbus.shared.contracts.commands.evaluation import Evaluation
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.records.job_outcomes import EvaluationOutcome
from modelbus.shared.errors import evaluation_exists
from modelbus.shared.models.stored_models import fetch_model
from modelbus.shared.plural import counted
from modelbus.shared.tabular.tables.stored_tables import Table, fetch_table, frames
from modelbus.shared.tabular.targets.reading_warnings import unseen_warnings
from modelbus.shared.worker.child import JobContext
from modelbus.shared.worker.plots import store_plots

_NO_OPTIONS: Final = frozenset({"command", "contract", "correlation_id", "evaluation", "model", "dataset", "task"})
"""Fields of a command that the record's `options` do not include."""
_DEFAULTS: Final = {
    name: field.default for name, field in EvaluationRecord.model_fields.items() if not field.is_required()
}
"""The record's defaults, so that the job's result has all fields."""


def evaluate_model(command: EvaluateModel, context: JobContext) -> EvaluationOutcome:
    """Measure a model version on a dataset; the result is an evaluation.

    Raises:
        UnknownModel, UnknownDataset: One of them does not exist.
        EvaluationExists: An evaluation with this id exists.
        InvalidCommand, SignatureMismatch, EstimatorRejected: The dataset does not match the model or the options.
        ArtifactRefused: The model cannot be loaded.
    """
    _require_free(command, context)
    version = context.library.version(command.model)
    dataset = context.library.dataset(command.dataset)
    check_evaluation(command, dataset, version["signature"])
    context.progress(0.1, f"loading {version['model']} version {version['version']}")
    model = fetch_model(context.blobs, version, context.settings.artifact_limit_bytes)
    table = _fetch(dataset, context)
    count = table.row_count
    context.progress(0.3, f"predicting {counted(count, 'row')}")
    collected = collect(
        model,
        command,
        table.columns,
        frames(table, readings=readings_for(model, command)),
        _progress_of(context, f"predicting {counted(count, 'row')}", count),
    )
    unseen = (collected.report or {}).get("unseen", {})
    warnings = unseen_warnings(unseen, collected.row_count, context.settings.unseen_warning_fraction)
    collected = replace(collected, warnings=[*collected.warnings, *warnings])
    lineage = {
        "model": version["model"],
        "version": version["version"],
        "artifact_sha256": version["artifact_sha256"],
        "task": model.signature.task,
    }
    return _outcome(command, context, dataset, collected, lineage)


def evaluate_predictions(command: EvaluatePredictions, context: JobContext) -> EvaluationOutcome:
    """Measure predictions that a dataset contains; the result is an evaluation.

    Raises:
        UnknownDataset: It does not exist.
        EvaluationExists: An evaluation with this id exists.
        InvalidCommand, EstimatorRejected: The dataset does not match the command.
    """
    _require_free(command, context)
    dataset = context.library.dataset(command.dataset)
    check_evaluation(command, dataset, None)
    table = _fetch(dataset, context)
    count = table.row_count
    collected = collect_predictions(
        command,
        table.columns,
        frames(table, columns_to_read(command), prediction_readings(command, table.columns)),
        _progress_of(context, f"reading {counted(count, 'row')}", count),
    )
    return _outcome(command, context, dataset, collected, {"task": command.task})


def _require_free(command: Evaluation, context: JobContext) -> None:
    evaluation_id = command.evaluation or context.correlation_id
    if context.library.has_evaluation(evaluation_id):
        raise evaluation_exists(evaluation_id)


def _fetch(dataset: DatasetDocument, context: JobContext) -> Table:
    context.progress(0.2, f"reading {dataset['name']}")
    return fetch_table(context.blobs, dataset, context.work_directory)


def _progress_of(context: JobContext, activity: str, count: int) -> Callable[[int], None]:
    return lambda done: context.progress(0.3 + 0.3 * done / max(count, 1), activity)


def _outcome(
    command: Evaluation,
    context: JobContext,
    dataset: DatasetDocument,
    collected: CollectedRows,
    lineage: dict[str, Any],
) -> EvaluationOutcome:
    """Measure the rows, draw and store the plots, and describe the evaluation."""
    context.progress(0.6, f"measuring {counted(collected.row_count, 'row')}")
    measured = measure(collected, command, lambda fraction, step: context.progress(0.6 + 0.3 * fraction, step))
    return EvaluationOutcome(
        record={
            **_DEFAULTS,
            "id": command.evaluation or context.correlation_id,
            **lineage,
            "dataset": command.dataset,
            "dataset_sha256": dataset["sha256"],
            "options": command.model_dump(mode="json", exclude=set(_NO_OPTIONS)),
            **measured.fields,
            "plots": [plot.name for plot in measured.plots],
            "error": None,
        },
        files=store_plots(measured.plots, context, "plot"),
    )
