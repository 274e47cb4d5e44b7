"""What the trainer does: from a command and a dataset to the next version of a model."""

import hashlib
from typing import Any

import structlog

from shared.artifacts import dump_model, library_versions
from shared.contracts import CheckTraining, Command, RetrainModel, Signature, TrainModel, command_spec
from shared.contracts.checks import check_training_columns, check_training_task
from shared.contracts.training import Promotion, Training
from shared.errors import ArtifactRefused, InvalidCommand, UnknownModel
from shared.store.connection import Document
from shared.tabular.scoring import score
from shared.tabular.stored_models import fetch_model
from shared.tabular.tables import dataset_columns
from shared.worker.child import JobContext
from trainer.catalogue import find_estimator
from trainer.dataset_fitting import DatasetFitting
from trainer.fit_plan import FitPlan, plan_of
from trainer.fitting import FitOutcome

log = structlog.get_logger()

_PRIMARY_METRIC = {"classification": "balanced_accuracy", "regression": "r2", "clustering": "silhouette"}
"""What `promote: if_better` compares, by task: more is better. Nothing says whose outliers are the right ones."""


def train_model(command: Command, context: JobContext) -> Document:
    """Fit and store; the outcome is a version.

    Raises:
        UnknownDataset, InvalidCommand, EstimatorRejected: The command cannot be carried out as it is.
    """
    assert isinstance(command, TrainModel)  # the queue's handlers are keyed by command
    return _train(command, context)


def retrain_model(command: Command, context: JobContext) -> Document:
    """Train as an earlier version was, with what the command changes.

    Raises:
        UnknownModel: There is no such version.
        UnknownDataset, InvalidCommand, EstimatorRejected: The command cannot be carried out as it is.
    """
    assert isinstance(command, RetrainModel)  # the queue's handlers are keyed by command
    earlier = context.library.version(command.model)
    return _train(_again(earlier, command), context)


def _again(earlier: Document, command: RetrainModel) -> TrainModel:
    """The training that an earlier version had, with what the command changes."""
    specification = training_of(earlier)
    changed = {**specification["hyperparameters"], **command.hyperparameters}
    return TrainModel.model_validate(
        {
            **specification,
            "dataset": command.dataset or earlier["dataset"],
            "hyperparameters": {name: value for name, value in changed.items() if value is not None},
            "seed": earlier["seed"] if command.seed is None else command.seed,
            "promote": command.promote,
            "limits": command.limits or specification.get("limits", {}),
            "tags": command.tags,
            "note": command.note,
        }
    )


def training_of(version: Document) -> Document:
    """The training command of a version, as it was carried out."""
    specification: Document = version.get("specification") or _reconstructed(version)
    return specification


def _reconstructed(earlier: Document) -> Document:
    """The command of a version that was made before versions kept it."""
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


def check_training(command: Command, context: JobContext) -> Document:
    """Check all that a training would check before it fits; the outcome is an answer.

    Raises:
        UnknownDataset, UnknownEstimator, InvalidCommand, EstimatorRejected, JobOutOfMemory: What training would refuse.
    """
    assert isinstance(command, CheckTraining)  # the queue's handlers are keyed by command
    dataset, plan = _planned(command, context)
    fitting = DatasetFitting(command, plan, dataset, context)
    prospect = fitting.prospect()
    estimate = prospect.estimate
    result = {
        "is_valid": True,
        "estimator": command.estimator,
        "task": prospect.task,
        "features": [column.name for column in plan.features],
        "classes": prospect.classes,
        "row_count": prospect.row_count,
        "hold_out_row_count": prospect.hold_out_row_count,
        "streamed": fitting.is_streamed,
        "epochs": prospect.epochs,
        "encoded_feature_count": estimate.feature_count,
        "least_memory_bytes": estimate.least_bytes,
        "likely_memory_bytes": estimate.likely_bytes,
        "memory_limit_bytes": context.memory_limit_bytes,
        "warnings": prospect.notes,
    }
    return context.answer(result)


def _planned(command: Training, context: JobContext) -> tuple[Document, FitPlan]:
    """The dataset and the plan of a training, once the dataset is known to have all columns that it names."""
    dataset = context.library.dataset(command.dataset)
    check_training_columns(command, dataset)
    check_training_task(command, find_estimator(command.estimator).record.task)
    return dataset, plan_of(command, dataset_columns(dataset))


def _train(command: TrainModel, context: JobContext) -> Document:
    dataset, plan = _planned(command, context)
    fitting = DatasetFitting(command, plan, dataset, context)
    fitted = fitting.fit()
    for warning in fitted.warnings:
        log.warning("fit.warned", text=warning)
    context.progress(0.9, "comparing and storing")
    comparison = _compare(command.model, command.promote, fitted, context)
    payload = dump_model(fitted.model)
    record = _record(command, dataset, fitted, payload, streamed=fitting.is_streamed)
    blob_id = context.blobs.save(payload, "artifact", context.correlation_id, context.fence)
    return {
        "kind": "version",
        "record": record,
        "blob_id": blob_id,
        "promote": comparison.pop("is_promoted"),
        "report": {"comparison": comparison} if comparison else {},
    }


def _record(
    command: TrainModel, dataset: Document, fitted: FitOutcome, payload: bytes, *, streamed: bool
) -> dict[str, Any]:
    return {
        "model": command.model,
        "estimator": command.estimator,
        "hyperparameters": command.hyperparameters,
        "dataset": command.dataset,
        "dataset_sha256": dataset["sha256"],
        "signature": fitted.model.signature.model_dump(mode="json"),
        "hold_out": command.hold_out.model_dump(mode="json"),
        "seed": command.seed,
        "specification": command_spec(command),
        "metrics": fitted.metrics,
        "cross_validation": fitted.cross_validation,
        "row_count": fitted.row_count,
        "streamed": streamed,
        "fit_s": round(fitted.fit_s, 4),
        "warnings": fitted.warnings,
        "tags": command.tags,
        "note": command.note,
        "libraries": library_versions(fitted.model.estimator),
        "artifact_sha256": hashlib.sha256(payload).hexdigest(),
        "artifact_size_bytes": len(payload),
    }


def _compare(model: str, promote: Promotion, fitted: FitOutcome, context: JobContext) -> dict[str, Any]:
    """Decide whether ``champion`` moves; with `if_better`, by measuring the champion on the same hold-out rows."""
    if promote != "if_better":
        return {"is_promoted": promote == "always"}
    metric = _PRIMARY_METRIC.get(fitted.model.signature.task)
    own = fitted.metrics.get(metric) if metric else None
    champion = _champion(model, context)
    if champion is None:
        return {"is_promoted": True}
    compared = {"metric": metric, "champion_version": champion["version"], "own": own}
    obstacle = _obstacle(fitted.model.signature, champion["signature"])
    if metric is None or obstacle is not None:
        return {**compared, "champion": None, "reason": obstacle, "is_promoted": False}
    try:
        loaded = fetch_model(context.blobs, champion, context.settings.artifact_limit_bytes)
        theirs = score(loaded, fitted.hold_out).metrics.get(metric)
    except (ArtifactRefused, InvalidCommand) as error:
        # A champion that cannot answer these rows cannot be compared; it stays until somebody decides.
        return {**compared, "champion": None, "reason": error.message, "is_promoted": False}
    is_better = own is not None and (theirs is None or own > theirs)
    return {**compared, "champion": theirs, "is_promoted": is_better}


def _obstacle(own: Signature, champion: Document) -> str | None:
    """Why a version cannot be compared with the champion; None if it can."""
    if own.task == "outlier_detection":
        return "without known outliers nothing says which version finds them better; move the alias yourself"
    if champion["task"] != own.task:
        return f"the champion does {champion['task']}, not {own.task}"
    names = [column["name"] for column in champion["columns"]]
    if own.task == "clustering" and sorted(names) != sorted(column.name for column in own.columns):
        return "the champion finds its clusters by other columns, and distances by other columns are others"
    return None


def _champion(model: str, context: JobContext) -> Document | None:
    try:
        return context.library.version(f"{model}@champion")
    except UnknownModel:
        return None
