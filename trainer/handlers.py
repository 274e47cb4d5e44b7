"""What the trainer does: from a command and a dataset to the next version of a model."""

import hashlib
from typing import Any

import pandas as pd
import structlog

from shared.artifacts import dump_model, library_versions
from shared.contracts import Command, HoldOut, RetrainModel, TrainModel
from shared.contracts.checks import check_training_columns
from shared.contracts.commands import Promotion
from shared.errors import ArtifactRefused, InvalidCommand, UnknownModel
from shared.store.connection import Document
from shared.tabular.scoring import score
from shared.tabular.stored_models import fetch_model
from shared.tabular.tables import dataset_columns, fetch_table, read_frame
from shared.worker.child import JobContext
from trainer.fitting import FitOutcome, fit_model

log = structlog.get_logger()

_PRIMARY_METRIC = {"classification": "balanced_accuracy", "regression": "r2"}
"""What `promote: if_better` compares, by task; for both, more is better."""


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
    changed = {**earlier["hyperparameters"], **command.hyperparameters}
    again = TrainModel(
        model=earlier["model"],
        dataset=command.dataset or earlier["dataset"],
        target=earlier["signature"]["target"],
        features=[column["name"] for column in earlier["signature"]["columns"]],
        estimator=earlier["estimator"],
        hyperparameters={name: value for name, value in changed.items() if value is not None},
        task=earlier["signature"]["task"],
        hold_out=HoldOut.model_validate(earlier["hold_out"]),
        seed=earlier["seed"] if command.seed is None else command.seed,
    )
    return _train(again, command.promote, context)


def _train(command: TrainModel, promote: Promotion, context: JobContext) -> Document:
    dataset = context.library.dataset(command.dataset)
    check_training_columns(command, dataset)
    columns = dataset_columns(dataset)
    features = command.features or [name for name in columns if name != command.target]
    context.progress(0.05, f"reading {command.dataset}")
    frame = read_frame(fetch_table(context.blobs, dataset, context.work_directory), [*features, command.target])
    context.progress(0.2, f"fitting {command.estimator} on {len(frame)} rows")
    fitted = fit_model(
        frame,
        target=command.target,
        features=[columns[name] for name in features],
        target_schema=columns[command.target],
        estimator_name=command.estimator,
        hyperparameters=command.hyperparameters,
        task=command.task,
        hold_out=command.hold_out,
        seed=command.seed,
    )
    for warning in fitted.warnings:
        log.warning("fit.warned", text=warning)
    context.progress(0.9, "comparing and storing")
    comparison = _compare(command.model, promote, fitted, frame, context)
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
        "metrics": fitted.metrics,
        "row_count": fitted.row_count,
        "fit_s": round(fitted.fit_s, 4),
        "warnings": fitted.warnings,
        "libraries": library_versions(fitted.model.estimator),
        "artifact_sha256": hashlib.sha256(payload).hexdigest(),
        "artifact_size_bytes": len(payload),
    }


def _compare(
    model: str, promote: Promotion, fitted: FitOutcome, frame: pd.DataFrame, context: JobContext
) -> dict[str, Any]:
    """Decide whether ``champion`` moves; with `if_better`, by measuring the champion on the same hold-out rows."""
    if promote != "if_better":
        return {"is_promoted": promote == "always"}
    metric = _PRIMARY_METRIC[fitted.model.signature.task]
    own = fitted.metrics.get(metric)
    champion = _champion(model, context)
    if champion is None:
        return {"is_promoted": True}
    compared = {"metric": metric, "champion_version": champion["version"], "own": own}
    try:
        loaded = fetch_model(context.blobs, champion, context.settings.artifact_limit_bytes)
        theirs = score(loaded, frame.iloc[fitted.hold_out_indices]).metrics.get(metric)
    except (ArtifactRefused, InvalidCommand) as error:
        # A champion that cannot answer these rows cannot be compared; it stays until somebody decides.
        return {**compared, "champion": None, "reason": error.message, "is_promoted": False}
    is_better = own is not None and (theirs is None or own > theirs)
    return {**compared, "champion": theirs, "is_promoted": is_better}


def _champion(model: str, context: JobContext) -> Document | None:
    try:
        return context.library.version(f"{model}@champion")
    except UnknownModel:
        return None
