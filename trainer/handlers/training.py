"""Training: makes the next version of a model from a command and a dataset."""

import hashlib
from typing import Any, Final

import orjson
import structlog
from pydantic import ValidationError

from modelbus.shared.contracts import CheckTraining, RetrainModel, TrainModel, command_spec
from modelbus.shared.contracts.checks.command_checks import (
    auto_training_task,
    check_training_columns,
    check_training_task,
)
from modelbus.shared.contracts.checks.model_checks import check_promotion, check_same_target, standing_version
from modelbus.shared.contracts.commands.registry import invalid_command
from modelbus.shared.contracts.commands.training import Training
from modelbus.shared.contracts.commands.tuning import AUTO, Search, keeps_best
from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.model_documents import VersionDocument
from modelbus.shared.contracts.records.dataset_records import Alert
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome, KeptApart, VersionOutcome
from modelbus.shared.errors import UnknownModel
from modelbus.shared.models.artifacts import dump_model, library_versions
from modelbus.shared.store.connection import Document
from modelbus.shared.tabular.tables.stored_tables import dataset_columns
from modelbus.shared.worker.child import JobContext
from modelbus.trainer.catalogue.entries import find_estimator
from modelbus.trainer.fitting.plan import FitPlan, plan_of
from modelbus.trainer.handlers.dataset_fitting import DatasetFitting
from modelbus.trainer.handlers.promoting import decide_promotion
from modelbus.trainer.training.fit import FitOutcome
from modelbus.trainer.tuning.candidates import candidate_count
from modelbus.trainer.tuning.search import Choice

log = structlog.get_logger()

_CANDIDATES_INLINE_BYTES: Final = 65_536
"""A larger table of candidates is stored in GridFS, not in the version."""
_COMPARING: Final = ("promote_metric", "promote_margin")
"""Fields that matter only if versions are compared."""


def train_model(command: TrainModel, context: JobContext) -> VersionOutcome:
    """Fit and store a model; the result is a version.

    Raises:
        UnknownDataset, InvalidCommand, EstimatorRejected: The training is impossible or failed.
    """
    return _train(command, context, _standing(command.model, context))


def _standing(model: str, context: JobContext) -> VersionDocument | None:
    """The version that determines what a model predicts; None if there is none."""
    try:
        document = context.library.model(model)
        number = standing_version(document)
        return None if number is None else context.library.version_of(document, number)
    except UnknownModel:
        return None


def retrain_model(command: RetrainModel, context: JobContext) -> VersionOutcome:
    """Repeat the training of an earlier version, with the command's changes.

    Raises:
        UnknownModel: The version does not exist.
        UnknownDataset, InvalidCommand, EstimatorRejected: The training is impossible or failed.
    """
    earlier = context.library.version(command.model)
    return _train(_again(earlier, command), context, earlier)


def _again(earlier: VersionDocument, command: RetrainModel) -> TrainModel:
    """The training of an earlier version, with the command's changes."""
    specification = training_as_found(earlier) if command.tuning == "reuse" else training_of(earlier)
    changed = {**specification["hyperparameters"], **command.hyperparameters}
    if command.promote != "if_better":
        specification = {name: value for name, value in specification.items() if name not in _COMPARING}
    anew = {name: getattr(command, name) for name in ("search", "calibration", "threshold", *_COMPARING)}
    again = {
        **specification,
        **{name: value for name, value in anew.items() if value is not None},
        "dataset": command.dataset or earlier["dataset"],
        "hyperparameters": {name: value for name, value in changed.items() if value is not None},
        "seed": earlier["seed"] if command.seed is None else command.seed,
        "promote": command.promote,
        "allow_target_change": command.allow_target_change,
        "limits": command.limits or specification.get("limits", {}),
        "tags": command.tags,
        "note": command.note,
    }
    try:
        return TrainModel.model_validate(again)
    except ValidationError as error:  # a change contradicts what is kept
        raise invalid_command(error, TrainModel) from error


def training_of(version: VersionDocument) -> Document:
    """The training command of a version, as it was executed."""
    specification: Document = version.get("specification") or _reconstructed(version)
    return specification


def training_as_found(version: VersionDocument) -> Document:
    """The training command of a version without its search: with the estimator and hyperparameters that were found."""
    found = {"estimator": version["estimator"], "hyperparameters": version["hyperparameters"]}
    return {**training_of(version), **found, "search": None, "auto": None}


def _reconstructed(earlier: VersionDocument) -> Document:
    """The command of a version that is older than the storage of commands."""
    signature = earlier["signature"]
    return {
        "model": earlier["model"],
        "dataset": earlier["dataset"],
        "target": signature["target"],
        "features": [column["name"] for column in signature["columns"]],
        "estimator": earlier["estimator"],
        "hyperparameters": earlier["hyperparameters"],
        "task": signature["task"],
        "hold_out": earlier["hold_out"],
    }


def check_training(command: CheckTraining, context: JobContext) -> AnswerOutcome:
    """Check everything that a training would check before it fits; the result is an answer.

    Raises:
        UnknownDataset, UnknownEstimator, InvalidCommand, EstimatorRejected, JobOutOfMemory: The training would fail
            with this error.
    """
    dataset, plan = _planned(command, context, _standing(command.model, context))
    fitting = DatasetFitting(command, plan, dataset, context)
    prospect = fitting.prospect()
    estimate = prospect.estimate
    result = {
        "is_valid": True,
        "estimator": command.estimator,
        "task": prospect.task,
        "candidate_count": candidate_count(command.tuning) if isinstance(command.tuning, Search) else None,
        "features": [column.name for column in plan.features],
        "free_text": [column.name for column in plan.features if column.is_free_text],
        "classes": prospect.classes,
        "row_count": prospect.row_count,
        "hold_out_row_count": prospect.hold_out_row_count,
        "streamed": fitting.is_streamed,
        "epochs": prospect.epochs,
        "encoded_feature_count": estimate.feature_count,
        "minimum_memory_bytes": estimate.minimum_bytes,
        "expected_memory_bytes": estimate.expected_bytes,
        "memory_limit_bytes": context.memory_limit_bytes,
        "warnings": prospect.notes,
    }
    return context.answer(result)


def _planned(
    command: Training, context: JobContext, standing: VersionDocument | None
) -> tuple[DatasetDocument, FitPlan]:
    """The dataset and the plan of a training, after checking that the dataset has all columns that it names.

    Args:
        command: The training command.
        context: The job's context.
        standing: The version whose target and task the training must keep: the model's current one, or the one that is
            retrained.
    """
    dataset = context.library.dataset(command.dataset)
    check_training_columns(command, dataset)
    is_auto = command.estimator == AUTO
    task = auto_training_task(command, dataset) if is_auto else find_estimator(command.estimator).record.task
    check_training_task(command, task)
    check_promotion(command.promote_metric, task)
    check_same_target(command, task, standing)
    alerts = [Alert.model_validate(alert) for alert in dataset.get("alerts", [])]
    return dataset, plan_of(command, dataset_columns(dataset), alerts)


def _train(command: TrainModel, context: JobContext, standing: VersionDocument | None) -> VersionOutcome:
    dataset, plan = _planned(command, context, standing)
    fitting = DatasetFitting(command, plan, dataset, context)
    measured = command.hold_out.dataset
    hold_out_sha256 = context.library.dataset(measured)["sha256"] if measured is not None else None
    fitted = fitting.fit()
    fitted.warnings.extend(fitting.changed_columns())
    for warning in fitted.warnings:
        log.warning("fit.warned", text=warning)
    context.progress(0.9, "comparing with the champion and storing")
    trained = fitting.trained_rows()
    promoting = decide_promotion(command, fitted, trained, fitting.measured_dataset, context)
    comparison = promoting.comparison.model_dump(mode="json") if promoting.comparison is not None else None
    payload = dump_model(fitted.model)
    record = {
        **_record(command, dataset, fitted, payload, streamed=fitting.is_streamed),
        "hold_out_sha256": hold_out_sha256,
        "comparison": comparison,
    }
    blob_id = context.blobs.save(payload, "artifact", context.correlation_id, context.fence)
    rows_id = context.blobs.save(trained.to_bytes(), "rows", context.correlation_id, context.fence)
    stopped_early = fitted.choice.stopped_early if fitted.choice is not None else None
    outcome = VersionOutcome(
        record=record,
        blob_id=blob_id,
        apart=_stored_parts(rows_id, fitted.choice, context),
        promote=promoting.is_promoted,
        report={"stopped_early": stopped_early} if stopped_early else {},
        survives_cancel=keeps_best(command.tuning),
    )
    if not promoting.depends_on_champion:
        return outcome
    return outcome.model_copy(update={"champion_seen": promoting.champion_version})


def _stored_parts(rows_id: str, choice: Choice | None, context: JobContext) -> KeptApart:
    """Where the training rows and the table of candidates are stored; a small table stays in the version."""
    if choice is None:
        return KeptApart(rows_blob_id=rows_id)
    table = [record.model_dump(mode="json") for record in choice.board.records()]
    text = orjson.dumps(table)
    if len(text) <= _CANDIDATES_INLINE_BYTES:
        return KeptApart(rows_blob_id=rows_id, candidates=table)
    blob_id = context.blobs.save(text, "candidates", context.correlation_id, context.fence)
    return KeptApart(rows_blob_id=rows_id, candidates_blob_id=blob_id)


def _record(
    command: TrainModel, dataset: DatasetDocument, fitted: FitOutcome, payload: bytes, *, streamed: bool
) -> dict[str, Any]:
    choice = fitted.choice
    return {
        "model": command.model,
        "estimator": choice.estimator if choice is not None else command.estimator,
        "hyperparameters": choice.hyperparameters if choice is not None else command.hyperparameters,
        "tuning": choice.summary() if choice is not None else None,
        "calibration": command.calibration.model_dump(mode="json") if command.calibration is not None else None,
        "threshold": fitted.threshold,
        "dataset": command.dataset,
        "dataset_sha256": dataset["sha256"],
        "signature": fitted.model.signature.model_dump(mode="json"),
        "hold_out": command.hold_out.model_dump(mode="json"),
        "held_out": fitted.held_out.model_dump(mode="json"),
        "seed": command.seed,
        "specification": command_spec(command),
        "metrics": fitted.metrics,
        "cross_validation": fitted.cross_validation,
        "row_count": fitted.row_count,
        "streamed": streamed,
        "free_text": fitted.model.encoder.free_text(),
        "fit_s": round(fitted.fit_s, 4),
        "warnings": fitted.warnings,
        "tags": command.tags,
        "note": command.note,
        "libraries": library_versions(fitted.model.estimator),
        "artifact_sha256": hashlib.sha256(payload).hexdigest(),
        "artifact_size_bytes": len(payload),
    }
