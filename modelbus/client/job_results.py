"""Results of jobs, typed by their command; the types are loaded with the first result."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from modelbus.client.calls import record_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from modelbus.client.model_explanations import Drift, Learning, ModelExplanation, PredictionExplanation
    from modelbus.client.shown.records import Dataset, Evaluation, Preview, TrainingCheck
    from modelbus.client.typed_answers import Predictions, RowPage, TrainedVersion
    from modelbus.shared.contracts import JobRecord


def read_training(record: "JobRecord") -> "TrainedVersion":
    """The result of a training."""
    from modelbus.client.typed_answers import TrainedVersion

    return record_of(TrainedVersion, record.result)


def read_check(record: "JobRecord") -> "TrainingCheck":
    """The result of a check of a training."""
    from modelbus.client.shown.records import TrainingCheck

    return record_of(TrainingCheck, record.result)


def read_dataset(record: "JobRecord") -> "Dataset":
    """The dataset of an upload."""
    from modelbus.client.shown.records import Dataset

    return record_of(Dataset, _part(record, "dataset"))


def read_evaluation(record: "JobRecord") -> "Evaluation":
    """The result of an evaluation."""
    from modelbus.client.shown.records import Evaluation

    return record_of(Evaluation, _part(record, "evaluation"))


def read_predictions(record: "JobRecord") -> "Predictions":
    """The predictions for rows."""
    from modelbus.client.typed_answers import Predictions

    return record_of(Predictions, {**(record.result or {}), "correlation_id": record.correlation_id})


def read_explanation(record: "JobRecord") -> "ModelExplanation":
    """The explanation of a model."""
    from modelbus.client.model_explanations import ModelExplanation

    return record_of(ModelExplanation, record.result)


def read_prediction_explanation(record: "JobRecord") -> "PredictionExplanation":
    """The explanation of predictions."""
    from modelbus.client.model_explanations import PredictionExplanation

    return record_of(PredictionExplanation, record.result)


def read_learning(record: "JobRecord") -> "Learning":
    """A learning curve."""
    from modelbus.client.model_explanations import Learning

    return record_of(Learning, record.result)


def read_drift(record: "JobRecord") -> "Drift":
    """A drift report."""
    from modelbus.client.model_explanations import Drift

    return record_of(Drift, record.result)


def read_preview(record: "JobRecord") -> "Preview":
    """The preview of a file."""
    from modelbus.client.shown.records import Preview

    return record_of(Preview, record.result)


def read_rows(record: "JobRecord") -> "RowPage":
    """Rows of a dataset."""
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
"""By command; the others have no type of their own, or need more than the record."""


def _part(record: "JobRecord", name: str) -> Any:
    return (record.result or {}).get(name)
