"""What a job found out, typed by its command; the types are loaded when there is something to read."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from modelbus.client.calls import record_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from modelbus.client.model_explanations import Drift, Learning, ModelExplanation, PredictionExplanation
    from modelbus.client.typed_answers import Predictions, RowPage, TrainedVersion
    from modelbus.shared.contracts import DatasetRecord, EvaluationRecord, JobRecord
    from modelbus.shared.contracts.records.results import CheckResult, PreviewResult


def read_training(record: "JobRecord") -> "TrainedVersion":
    """What a training made."""
    from modelbus.client.typed_answers import TrainedVersion

    return record_of(TrainedVersion, record.result)


def read_check(record: "JobRecord") -> "CheckResult":
    """What a training would take."""
    from modelbus.shared.contracts.records.results import CheckResult

    return record_of(CheckResult, record.result)


def read_dataset(record: "JobRecord") -> "DatasetRecord":
    """What an upload made."""
    from modelbus.shared.contracts import DatasetRecord

    return record_of(DatasetRecord, _part(record, "dataset"))


def read_evaluation(record: "JobRecord") -> "EvaluationRecord":
    """What an evaluation found."""
    from modelbus.shared.contracts import EvaluationRecord

    return record_of(EvaluationRecord, _part(record, "evaluation"))


def read_predictions(record: "JobRecord") -> "Predictions":
    """What was predicted for rows."""
    from modelbus.client.typed_answers import Predictions

    return record_of(Predictions, {**(record.result or {}), "correlation_id": record.correlation_id})


def read_explanation(record: "JobRecord") -> "ModelExplanation":
    """Which columns a model answers by."""
    from modelbus.client.model_explanations import ModelExplanation

    return record_of(ModelExplanation, record.result)


def read_prediction_explanation(record: "JobRecord") -> "PredictionExplanation":
    """What each column contributes to some answers."""
    from modelbus.client.model_explanations import PredictionExplanation

    return record_of(PredictionExplanation, record.result)


def read_learning(record: "JobRecord") -> "Learning":
    """How good a version would have become with fewer rows."""
    from modelbus.client.model_explanations import Learning

    return record_of(Learning, record.result)


def read_drift(record: "JobRecord") -> "Drift":
    """Whether rows are still like those that a version was trained on."""
    from modelbus.client.model_explanations import Drift

    return record_of(Drift, record.result)


def read_preview(record: "JobRecord") -> "PreviewResult":
    """How a file would be read."""
    from modelbus.shared.contracts.records.results import PreviewResult

    return record_of(PreviewResult, record.result)


def read_rows(record: "JobRecord") -> "RowPage":
    """Some rows of a dataset."""
    from modelbus.client.typed_answers import RowPage

    return record_of(RowPage, record.result)


READERS: Final["dict[str, Callable[[JobRecord], BaseModel]]"] = {
    "TrainModel": read_training,
    "RetrainModel": read_training,
    "CheckTraining": read_check,
    "ProfileDataset": read_dataset,
    "PreviewDataset": read_preview,
    "ReadRows": read_rows,
    "Predict": read_predictions,
    "EvaluateModel": read_evaluation,
    "EvaluatePredictions": read_evaluation,
    "ExplainModel": read_explanation,
    "ExplainPrediction": read_prediction_explanation,
    "MeasureLearningCurve": read_learning,
    "ReportDrift": read_drift,
}
"""By command; what is not here has no type of its own, or more than a record holds."""


def _part(record: "JobRecord", name: str) -> Any:
    return (record.result or {}).get(name)
