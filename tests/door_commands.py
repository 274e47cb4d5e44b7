"""The commands that both doors are tried with: valid ones, what their results have, and what can be wrong with them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.api import fresh
from tests.e2e.tables import PARCEL, parcels

Names = dict[str, str]


def _profile(names: Names) -> dict[str, Any]:
    return {"dataset": fresh("doors"), "source": {"kind": "inline", "text": parcels(40)}}


def _train(names: Names) -> dict[str, Any]:
    return {
        "model": fresh("doors"),
        "dataset": names["parcels"],
        "target": "tariff",
        "features": ["weight", "express"],
        "estimator": "DecisionTreeClassifier",
        "hyperparameters": {"max_depth": 4},
        "seed": 3,
    }


def _retrain(names: Names) -> dict[str, Any]:
    return {"model": names["parcel-model"], "hyperparameters": {"max_depth": 2}, "promote": "never"}


def _predict(names: Names) -> dict[str, Any]:
    return {"model": names["parcel-model"], "rows": [PARCEL, {**PARCEL, "weight": 28}], "has_probabilities": True}


def _predict_dataset(names: Names) -> dict[str, Any]:
    return {"model": names["amount-model"], "dataset": names["unlabelled"]}


def _evaluate(names: Names) -> dict[str, Any]:
    return {"evaluation": fresh("doors"), "model": names["parcel-model"], "dataset": names["parcels"]}


def _evaluate_predictions(names: Names) -> dict[str, Any]:
    return {
        "evaluation": fresh("doors"),
        "dataset": names["scored"],
        "task": "classification",
        "truth": "truth",
        "prediction": "guess",
        "probabilities": {"good": "p"},
        "best_threshold": {"costs": {"false_positive": 1, "false_negative": 5}},
    }


def _read(names: Names) -> dict[str, Any]:
    return {"dataset": names["parcels"], "offset": 290, "limit": 20, "columns": ["weight", "sent_on"]}


def _export(names: Names) -> dict[str, Any]:
    return {"dataset": names["parcels"], "format": "jsonl"}


def _explain_model(names: Names) -> dict[str, Any]:
    return {"model": names["parcel-model"], "row_limit": 100, "repeats": 2, "column_limit": 2}


def _explain_prediction(names: Names) -> dict[str, Any]:
    return {"model": names["parcel-model"], "rows": [PARCEL], "background_row_count": 20}


def _learn(names: Names) -> dict[str, Any]:
    return {"model": names["parcel-model"], "fractions": [0.5, 1.0]}


def _drift(names: Names) -> dict[str, Any]:
    return {"model": names["parcel-model"], "dataset": names["parcels"]}


COMMANDS: dict[str, Callable[[Names], dict[str, Any]]] = {
    "ProfileDataset": _profile,
    "TrainModel": _train,
    "RetrainModel": _retrain,
    "Predict": _predict,
    "PredictDataset": _predict_dataset,
    "EvaluateModel": _evaluate,
    "EvaluatePredictions": _evaluate_predictions,
    "ExplainModel": _explain_model,
    "ExplainPrediction": _explain_prediction,
    "MeasureLearningCurve": _learn,
    "ReportDrift": _drift,
    "ReadRows": _read,
    "ExportDataset": _export,
}
RESULTS = {
    "ProfileDataset": {"dataset"},
    "TrainModel": {"version", "is_champion"},
    "RetrainModel": {"version", "is_champion"},
    "Predict": {"model", "version", "predictions", "classes", "probabilities", "report"},
    "PredictDataset": {"model", "version", "dataset", "row_count", "report", "warnings", "blobs"},
    "EvaluateModel": {"evaluation"},
    "EvaluatePredictions": {"evaluation"},
    "ExplainModel": {
        "warnings",
        "model",
        "version",
        "dataset",
        "is_training_dataset",
        "task",
        "row_count",
        "dataset_row_count",
        "seed",
        "importance",
        "partial_dependence",
        "plots",
    },
    "ExplainPrediction": {
        "warnings",
        "model",
        "version",
        "response",
        "method",
        "background",
        "predicted_row_count",
        "rows",
        "report",
    },
    "MeasureLearningCurve": {"model", "version", "dataset", "estimator", "name", "x", "fit_s", "curves", "plots"},
    "ReportDrift": {
        "model",
        "version",
        "reference",
        "current",
        "thresholds",
        "has_drifted",
        "drifted_columns",
        "columns",
        "predictions",
        "warnings",
        "plots",
    },
    "ReadRows": {"dataset", "offset", "limit", "row_count", "columns", "rows", "next"},
    "ExportDataset": {"dataset", "format", "row_count", "size_bytes", "sha256", "blobs"},
}


@dataclass(frozen=True)
class Fault:
    """A command with something wrong, and how it must be refused."""

    command: str
    code: str
    changes: dict[str, Any] = field(default_factory=dict)
    without: str | None = None
    places: tuple[str, ...] = ()
    is_told_alike: bool = True
    """Whether both doors use the same words; they do unless HTTP takes more than the command does."""

    def __str__(self) -> str:
        """What pytest calls it."""
        wrong = f"without {self.without}" if self.without else str(self.changes)
        return f"{self.command} {wrong}"

    def document(self, names: Names) -> dict[str, Any]:
        """The command as it is sent."""
        given = {
            name: names.get(value, value) if isinstance(value, str) else value for name, value in self.changes.items()
        }
        document = {"command": self.command, **COMMANDS[self.command](names), **given}
        if self.without:
            del document[self.without]
        return document
