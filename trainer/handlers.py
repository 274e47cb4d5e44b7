"""What the trainer does: from a command and a dataset to the next version of a model."""

import hashlib
from typing import Any, Final

import orjson
import structlog
from pydantic import ValidationError

from shared.artifacts import dump_model, library_versions
from shared.contracts import CheckTraining, Command, RetrainModel, Signature, TrainModel, command_spec
from shared.contracts.checks import auto_training_task, check_training_columns, check_training_task
from shared.contracts.commands import invalid_command
from shared.contracts.training import Promotion, Training
from shared.contracts.tuning import AUTO, Search, keeps_best
from shared.errors import ArtifactRefused, InvalidCommand, UnknownModel
from shared.store.connection import Document
from shared.tabular.scoring import score
from shared.tabular.stored_models import fetch_model
from shared.tabular.tables import dataset_columns
from shared.worker.child import JobContext
from trainer.candidates import candidate_count
from trainer.catalogue import find_estimator
from trainer.dataset_fitting import DatasetFitting
from trainer.fit_plan import FitPlan, plan_of
from trainer.fitting import FitOutcome
from trainer.objectives import PRIMARY_METRIC
from trainer.searching import Choice

log = structlog.get_logger()

_CANDIDATES_INLINE_BYTES: Final = 65_536
"""A larger table of candidates is kept in GridFS instead of in its version."""


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
    specification = training_as_found(earlier) if command.tuning == "as_found" else training_of(earlier)
    changed = {**specification["hyperparameters"], **command.hyperparameters}
    anew = {name: getattr(command, name) for name in ("search", "calibration", "threshold")}
    again = {
        **specification,
        **{name: value for name, value in anew.items() if value is not None},
        "dataset": command.dataset or earlier["dataset"],
        "hyperparameters": {name: value for name, value in changed.items() if value is not None},
        "seed": earlier["seed"] if command.seed is None else command.seed,
        "promote": command.promote,
        "limits": command.limits or specification.get("limits", {}),
        "tags": command.tags,
        "note": command.note,
    }
    try:
        return TrainModel.model_validate(again)
    except ValidationError as error:  # what is changed does not go with what is kept
        raise invalid_command(error) from error


def training_of(version: Document) -> Document:
    """The training command of a version, as it was carried out."""
    specification: Document = version.get("specification") or _reconstructed(version)
    return specification


def training_as_found(version: Document) -> Document:
    """The training command that makes a version without searching: with the estimator and hyperparameters it has."""
    found = {"estimator": version["estimator"], "hyperparameters": version["hyperparameters"]}
    return {**training_of(version), **found, "search": None, "auto": None}


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
        "candidate_count": candidate_count(command.tuning) if isinstance(command.tuning, Search) else None,
        "features": [column.name for column in plan.features],
        "free_text": [column.name for column in plan.features if column.is_free_text],
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
    is_auto = command.estimator == AUTO
    task = auto_training_task(command, dataset) if is_auto else find_estimator(command.estimator).record.task
    check_training_task(command, task)
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
    promote = comparison.pop("is_promoted")
    stopped_early = fitted.choice.stopped_early if fitted.choice is not None else None
    return {
        "kind": "version",
        "record": record,
        "blob_id": blob_id,
        "apart": _candidates(fitted.choice, context) if fitted.choice is not None else {},
        "promote": promote,
        "report": {
            **({"comparison": comparison} if comparison else {}),
            **({"stopped_early": stopped_early} if stopped_early else {}),
        },
        "survives_cancel": keeps_best(command.tuning),
    }


def _candidates(choice: Choice, context: JobContext) -> Document:
    """The table of candidates: in the version if it is small, else where it was stored."""
    table = [record.model_dump(mode="json") for record in choice.board.records()]
    text = orjson.dumps(table)
    if len(text) <= _CANDIDATES_INLINE_BYTES:
        return {"candidates": table}
    return {"candidates_blob_id": context.blobs.save(text, "candidates", context.correlation_id, context.fence)}


def _record(
    command: TrainModel, dataset: Document, fitted: FitOutcome, payload: bytes, *, streamed: bool
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


def _compare(model: str, promote: Promotion, fitted: FitOutcome, context: JobContext) -> dict[str, Any]:
    """Decide whether ``champion`` moves; with `if_better`, by measuring the champion on the same hold-out rows."""
    if promote != "if_better":
        return {"is_promoted": promote == "always"}
    metric = PRIMARY_METRIC.get(fitted.model.signature.task)
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
