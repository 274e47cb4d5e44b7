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
    return {"model": names["parcel-model"], "shares": [0.5, 1.0]}


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
    "MeasureLearning": _learn,
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
    "MeasureLearning": {"model", "version", "dataset", "estimator", "name", "x", "fit_s", "curves", "plots"},
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


INVALID, BAD_HYPERPARAMETER = "invalid_command", {"hyperparameters": {"max_depth": 0}}
FAULTS = [
    Fault("ProfileDataset", "dataset_exists", {"dataset": "parcels"}),
    Fault(
        "ProfileDataset",
        "malformed_table",
        {"source": {"kind": "inline", "text": "a,b\n1\n"}},
        places=("line 2",),
    ),
    Fault("TrainModel", INVALID, BAD_HYPERPARAMETER, places=("hyperparameters.max_depth",)),
    Fault("TrainModel", INVALID, {"hyperparameters": {"n_jobs": 4}}, places=("hyperparameters.n_jobs",)),
    Fault("TrainModel", INVALID, {"hyperparameters": [1]}, places=("hyperparameters",)),
    Fault("TrainModel", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("TrainModel", INVALID, {"seed": "lucky"}, places=("seed",)),
    Fault("TrainModel", INVALID, {"model": "no spaces"}, places=("model",)),
    Fault("TrainModel", INVALID, {"target": "tarif"}, places=("target",)),
    Fault("TrainModel", INVALID, {"features": ["weight", "hieght"]}, places=("features.1",)),
    Fault("TrainModel", INVALID, {"hold_out": {"fraction": 2}}, places=("hold_out.fraction",)),
    Fault("TrainModel", INVALID, {"task": "regression"}, places=("task",)),
    Fault("TrainModel", INVALID, without="target", places=("target",)),
    Fault(
        "TrainModel",
        INVALID,
        {"search": {"method": "random", "space": {"max_features": {"values": [1, 1.0, 0]}}}},
        places=("search.space.max_features.values.2",),
    ),
    Fault("TrainModel", INVALID, {"search": {"method": "random", "space": {}}}, places=("search.space",)),
    Fault("TrainModel", INVALID, {"auto": {}}, places=("command",)),
    Fault("TrainModel", INVALID, {"estimator": "auto"}, places=("command",)),
    Fault("TrainModel", INVALID, {"threshold": {}}, places=("threshold",)),
    Fault("TrainModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("TrainModel", "unknown_estimator", {"estimator": "randomForrest"}, places=("estimator",)),
    Fault(
        "TrainModel",
        "estimator_rejected",
        {"estimator": "KNeighborsClassifier", "hyperparameters": {"n_neighbors": 5000}},
    ),
    Fault("RetrainModel", INVALID, BAD_HYPERPARAMETER, places=("hyperparameters.max_depth",)),
    Fault("RetrainModel", INVALID, {"promote": "perhaps"}, places=("promote",)),
    Fault("RetrainModel", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("RetrainModel", INVALID, {"tuning": "perhaps"}, places=("tuning",)),
    Fault(
        "RetrainModel",
        INVALID,
        {"search": {"method": "random", "space": {"max_depth": {"values": [0]}}}},
        places=("search.space.max_depth.values.0",),
    ),
    Fault("RetrainModel", "unknown_model", {"model": "nowhere"}),
    Fault("RetrainModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("Predict", INVALID, {"rows": []}, places=("rows",)),
    Fault("Predict", INVALID, {"rows": [{"weight": [1]}]}, places=("rows.0.weight",)),
    Fault("Predict", INVALID, {"has_probabilities": "perhaps"}, places=("has_probabilities",)),
    Fault("Predict", INVALID, {"colour": "red"}, places=("colour",)),
    Fault(
        "Predict", INVALID, {"model": "amount-model", "rows": [{"a": 1, "b": 1, "c": 1}]}, places=("has_probabilities",)
    ),
    Fault(
        "Predict",
        "signature_mismatch",
        {"rows": [{"weight": 1}]},
        places=("rows.*.city", "rows.*.sent_on", "rows.*.express"),
    ),
    Fault("Predict", "signature_mismatch", {"rows": [{**PARCEL, "weight": "x"}]}, places=("rows.0.weight",)),
    Fault("Predict", "unknown_model", {"model": "nowhere"}),
    Fault("PredictDataset", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("PredictDataset", INVALID, {"has_probabilities": True}, places=("has_probabilities",)),
    Fault("PredictDataset", "unknown_model", {"model": "nowhere"}),
    Fault("PredictDataset", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("PredictDataset", "signature_mismatch", {"dataset": "parcels"}, places=("rows.*.a", "rows.*.b", "rows.*.c")),
    Fault("EvaluateModel", INVALID, {"colour": "red"}, places=("colour",)),
    # HTTP takes predictions too, and says so
    Fault("EvaluateModel", INVALID, without="model", places=("model",), is_told_alike=False),
    Fault("EvaluateModel", INVALID, {"evaluation": "compare"}, places=("evaluation",)),
    Fault("EvaluateModel", INVALID, {"weight": "wieght"}, places=("weight",)),
    Fault("EvaluateModel", INVALID, {"weight": "city"}, places=("weight",)),
    Fault("EvaluateModel", INVALID, {"truth": "tarif"}, places=("truth",)),
    Fault("EvaluateModel", INVALID, {"slices": ["city", "town"]}, places=("slices.1",)),
    Fault("EvaluateModel", INVALID, {"slices": ["city", "city"]}, places=("command",)),
    Fault("EvaluateModel", INVALID, {"intervals": {"rounds": 5}}, places=("intervals.rounds",)),
    Fault("EvaluateModel", INVALID, {"best_threshold": {"metric": "f1"}}, places=("best_threshold",)),
    Fault("EvaluateModel", INVALID, {"best_threshold": {"metric": "luck"}}, places=("best_threshold.metric",)),
    Fault("EvaluateModel", INVALID, {"best_threshold": {}}, places=("best_threshold",)),
    Fault("EvaluateModel", INVALID, {"positive_class": "light"}, places=("positive_class",)),
    Fault("EvaluateModel", INVALID, {"model": "amount-model", "dataset": "unlabelled"}, places=("dataset",)),
    Fault("EvaluateModel", "evaluation_exists", {"evaluation": "evaluation"}),
    Fault("EvaluateModel", "unknown_model", {"model": "nowhere"}),
    Fault("EvaluateModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("EvaluatePredictions", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("EvaluatePredictions", INVALID, without="prediction", places=("prediction",)),
    Fault("EvaluatePredictions", INVALID, without="task", places=("task",)),
    Fault("EvaluatePredictions", INVALID, {"task": "ranking"}, places=("task",)),
    Fault("EvaluatePredictions", INVALID, {"truth": "trust", "prediction": "hint"}, places=("truth", "prediction")),
    Fault("EvaluatePredictions", INVALID, {"prediction": "truth"}, places=("command",)),
    Fault("EvaluatePredictions", INVALID, {"probabilities": {"good": "q"}}, places=("probabilities.good",)),
    Fault("EvaluatePredictions", INVALID, {"positive_class": "perhaps"}, places=("positive_class",)),
    Fault(
        "EvaluatePredictions",
        INVALID,
        {"task": "regression", "probabilities": None, "best_threshold": None},
        places=("rows.0.truth",),
    ),
    Fault("EvaluatePredictions", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("EvaluatePredictions", "evaluation_exists", {"evaluation": "evaluation"}),
    Fault("ExplainModel", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("ExplainModel", INVALID, {"columns": ["wieght"]}, places=("columns.0",)),
    Fault("ExplainModel", INVALID, {"metric": "r2"}, places=("metric",)),
    Fault("ExplainModel", INVALID, {"metric": "beauty"}, places=("metric",)),
    Fault("ExplainModel", INVALID, {"row_limit": 1}, places=("row_limit",)),
    Fault("ExplainModel", INVALID, {"model": "amount-model", "dataset": "unlabelled"}, places=("dataset",)),
    Fault("ExplainModel", "unknown_model", {"model": "nowhere"}),
    Fault("ExplainModel", "unknown_dataset", {"dataset": "nowhere"}),
    Fault(
        "ExplainModel",
        "signature_mismatch",
        {"model": "amount-model", "dataset": "parcels"},
        places=("rows.*.a", "rows.*.b", "rows.*.c"),
    ),
    Fault("ExplainPrediction", INVALID, {"rows": []}, places=("rows",)),
    Fault("ExplainPrediction", INVALID, {"rows": [PARCEL] * 11}, places=("rows",)),
    Fault("ExplainPrediction", INVALID, {"outputs": "some"}, places=("outputs",)),
    Fault("ExplainPrediction", "signature_mismatch", {"rows": [{**PARCEL, "weight": "x"}]}, places=("rows.0.weight",)),
    Fault("ExplainPrediction", "unknown_model", {"model": "nowhere"}),
    Fault("ExplainPrediction", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("MeasureLearning", INVALID, {"shares": [0.5, 0.2]}, places=("command",)),
    Fault("MeasureLearning", INVALID, {"shares": [2]}, places=("shares.0",)),
    Fault("MeasureLearning", "estimator_rejected", {"shares": [0.001]}),
    Fault("MeasureLearning", "unknown_model", {"model": "nowhere"}),
    Fault("ReportDrift", INVALID, {"since": "2026-01-31T00:00:00Z"}, places=("command",)),
    Fault("ReportDrift", INVALID, {"since": "yesterday"}, places=("since",)),
    Fault("ReportDrift", INVALID, without="dataset", places=("command",)),
    Fault("ReportDrift", INVALID, {"thresholds": {"psi": -1}}, places=("thresholds.psi",)),
    Fault("ReportDrift", "unknown_model", {"model": "nowhere"}),
    Fault("ReportDrift", "unknown_dataset", {"dataset": "nowhere"}),
    Fault("ReportDrift", "signature_mismatch", {"model": "amount-model"}, places=("rows.*.a", "rows.*.b", "rows.*.c")),
    Fault("ReadRows", INVALID, {"colour": "red"}, places=("colour",)),
    Fault("ReadRows", INVALID, {"offset": -1}, places=("offset",)),
    Fault("ReadRows", INVALID, {"limit": 1001}, places=("limit",)),
    Fault("ReadRows", INVALID, {"columns": ["weight", "hieght"]}, places=("columns.1",)),
    Fault("ReadRows", INVALID, {"columns": ["weight", "weight"]}, places=("columns.1",)),
    Fault("ReadRows", "unknown_dataset", {"dataset": "nowhere"}),
    # The stored Parquet file is downloaded as it is, without a command: HTTP names three formats, the queue two.
    Fault("ExportDataset", INVALID, {"format": "xlsx"}, places=("format",), is_told_alike=False),
    Fault("ExportDataset", INVALID, {"format": "csv", "formulas": "run"}, places=("formulas",)),
    Fault("ExportDataset", "unknown_dataset", {"dataset": "nowhere"}),
]
