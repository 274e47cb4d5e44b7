"""What the trainer does: from a command and a dataset to the next version of a model."""

import hashlib
from typing import Any

import pandas as pd
import structlog

from shared.artifacts import dump_model, library_versions
from shared.contracts import CheckTraining, Command, RetrainModel, Signature, TrainModel, command_spec
from shared.contracts.checks import check_same_columns, check_training_columns, check_training_task
from shared.contracts.training import Promotion, Training
from shared.errors import ArtifactRefused, InvalidCommand, UnknownModel
from shared.store.connection import Document
from shared.tabular.scoring import score
from shared.tabular.stored_models import fetch_model
from shared.tabular.tables import dataset_columns, fetch_table, read_frame
from shared.worker.child import JobContext
from trainer.catalogue import find_estimator
from trainer.estimating import MemoryEstimate, estimate_memory, require_memory
from trainer.fit_plan import FitPlan, plan_of
from trainer.fitting import FitOutcome, fit_model, prepare
from trainer.spreading import spread_over

log = structlog.get_logger()

_PRIMARY_METRIC = {"classification": "balanced_accuracy", "regression": "r2", "clustering": "silhouette"}
"""What `promote: if_better` compares, by task: more is better. Nothing says whose outliers are the right ones."""


def train_model(command: Command, context: JobContext) -> Document:
    """Fit and store; the outcome is a version.

    Raises:
        UnknownDataset, InvalidCommand, EstimatorRejected: The command cannot be carried out as it is.
    """
    assert isinstance(command, TrainModel)  # the queue's handlers are keyed by command
    return _train(command, command.promote, context)


def retrain_model(command: Command, context: JobContext) -> Document:
    """Train as an earlier version was, with what the command changes.

    Raises:
        UnknownModel: There is no such version.
        UnknownDataset, InvalidCommand, EstimatorRejected: The command cannot be carried out as it is.
    """
    assert isinstance(command, RetrainModel)  # the queue's handlers are keyed by command
    earlier = context.library.version(command.model)
    return _train(_again(earlier, command), command.promote, context)


def _again(earlier: Document, command: RetrainModel) -> TrainModel:
    """The training that an earlier version had, with what the command changes."""
    specification = earlier.get("specification") or _reconstructed(earlier)
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
    if command.hold_out.dataset is not None:
        check_same_columns(command, context.library.dataset(command.hold_out.dataset), plan.hold_out_columns)
    frame = read_frame(fetch_table(context.blobs, dataset, context.work_directory), plan.row_columns)
    prepared = prepare(frame, plan)
    known, split = prepared.known, prepared.split
    estimate = _estimated(plan, len(split.train), len(known.classes), context)
    result = {
        "is_valid": True,
        "estimator": command.estimator,
        "task": prepared.task,
        "features": [column.name for column in plan.features],
        "classes": prepared.classes,
        "row_count": len(split.train),
        "hold_out_row_count": len(split.hold_out),
        "encoded_feature_count": estimate.feature_count,
        "least_memory_bytes": estimate.least_bytes,
        "likely_memory_bytes": estimate.likely_bytes,
        "memory_limit_bytes": context.memory_limit_bytes,
        "warnings": known.notes,
    }
    return context.answer(result)


def _planned(command: Training, context: JobContext) -> tuple[Document, FitPlan]:
    """The dataset and the plan of a training, once the dataset is known to have all columns that it names."""
    dataset = context.library.dataset(command.dataset)
    check_training_columns(command, dataset)
    check_training_task(command, find_estimator(command.estimator).record.task)
    return dataset, plan_of(command, dataset_columns(dataset))


def _estimated(plan: FitPlan, row_count: int, class_count: int, context: JobContext) -> MemoryEstimate:
    """What the training takes; refused where that cannot be had."""
    estimate = estimate_memory(plan.estimator_name, plan.features, row_count, class_count)
    require_memory(estimate, context.memory_limit_bytes, plan.estimator_name, row_count)
    return estimate


def _train(command: TrainModel, promote: Promotion, context: JobContext) -> Document:
    dataset, plan = _planned(command, context)
    # of all rows, as nobody knows yet how many have a target; the part that is held out is read and encoded too
    class_count = plan.target_schema.distinct if plan.target_schema else 0
    estimate = _estimated(plan, dataset["row_count"], class_count, context)
    log.info("fit.estimated", features=estimate.feature_count, likely_bytes=estimate.likely_bytes)
    context.progress(0.05, f"reading {command.dataset}")
    frame = read_frame(fetch_table(context.blobs, dataset, context.work_directory), plan.needed_columns)
    cells = dataset["row_count"] * estimate.feature_count
    with spread_over(_scheduler(context), cells, context.settings.dask_least_cells):
        fitted = fit_model(
            frame,
            plan,
            hold_out_frame=_hold_out_frame(command, plan, context),
            report=lambda share, message: context.progress(None if share is None else 0.1 + 0.8 * share, message),
        )
    for warning in fitted.warnings:
        log.warning("fit.warned", text=warning)
    context.progress(0.9, "comparing and storing")
    comparison = _compare(command.model, promote, fitted, context)
    payload = dump_model(fitted.model)
    record = _record(command, dataset, fitted, payload)
    blob_id = context.blobs.save(payload, "artifact", context.correlation_id, context.fence)
    return {
        "kind": "version",
        "record": record,
        "blob_id": blob_id,
        "promote": comparison.pop("is_promoted"),
        "report": {"comparison": comparison} if comparison else {},
    }


def _scheduler(context: JobContext) -> str | None:
    address = context.settings.dask_scheduler
    return address.get_secret_value() if address is not None else None


def _hold_out_frame(command: TrainModel, plan: FitPlan, context: JobContext) -> pd.DataFrame | None:
    """The rows of the dataset to measure on, where the command names one."""
    if command.hold_out.dataset is None:
        return None
    dataset = context.library.dataset(command.hold_out.dataset)
    check_same_columns(command, dataset, plan.hold_out_columns)
    context.progress(0.08, f"reading {command.hold_out.dataset}")
    return read_frame(fetch_table(context.blobs, dataset, context.work_directory), plan.hold_out_columns)


def _record(command: TrainModel, dataset: Document, fitted: FitOutcome, payload: bytes) -> dict[str, Any]:
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
    """Why a version without a target cannot be compared with the champion; None if it can."""
    if own.task == "outlier_detection":
        return "without known outliers nothing says which version finds them better; move the alias yourself"
    if own.task == "clustering" and champion["task"] != own.task:
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
