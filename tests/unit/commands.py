"""A valid command of each kind."""

from typing import Any

from modelbus.shared.contracts import (
    CheckTraining,
    EvaluateModel,
    EvaluatePredictions,
    ExplainModel,
    ExplainPrediction,
    ExportDataset,
    MeasureLearningCurve,
    Predict,
    PredictDataset,
    PreviewDataset,
    ProfileDataset,
    ReadRows,
    ReportDrift,
    RetrainModel,
    TrainModel,
)

TRAIN = {
    "command": "TrainModel",
    "model": "churn",
    "dataset": "customers",
    "target": "left",
    "estimator": "LogisticRegression",
}
PREDICT = {"command": "Predict", "model": "churn", "rows": [{"age": 42}]}
VALID: dict[type, dict[str, Any]] = {
    TrainModel: TRAIN,
    CheckTraining: {**TRAIN, "command": "CheckTraining"},
    RetrainModel: {"command": "RetrainModel", "model": "churn@3"},
    Predict: PREDICT,
    PredictDataset: {"command": "PredictDataset", "model": "churn@champion", "dataset": "customers"},
    EvaluateModel: {"command": "EvaluateModel", "model": "churn", "dataset": "customers"},
    EvaluatePredictions: {
        "command": "EvaluatePredictions",
        "dataset": "scored",
        "task": "classification",
        "truth": "left",
        "prediction": "guess",
        "probabilities": {"yes": "p_yes"},
        "slices": ["region"],
        "intervals": {"rounds": 100},
        "best_threshold": {"costs": {"false_positive": 1, "false_negative": 5}},
        "positive_class": True,
    },
    ExplainModel: {"command": "ExplainModel", "model": "churn", "metric": "roc_auc", "columns": ["age"]},
    ExplainPrediction: {**PREDICT, "command": "ExplainPrediction"},
    MeasureLearningCurve: {"command": "MeasureLearningCurve", "model": "churn"},
    ReportDrift: {"command": "ReportDrift", "model": "churn", "since": "2026-01-31T00:00:00Z"},
    ProfileDataset: {
        "command": "ProfileDataset",
        "dataset": "customers",
        "source": {"kind": "inline", "text": "a,b\n1,2\n"},
    },
    PreviewDataset: {
        "command": "PreviewDataset",
        "source": {"kind": "inline", "text": "a;b\n1;2\n"},
        "options": {"delimiter": ";", "columns": {"a": {"type": "text"}}},
    },
    ReadRows: {"command": "ReadRows", "dataset": "customers", "offset": 10, "limit": 5},
    ExportDataset: {"command": "ExportDataset", "dataset": "customers", "format": "csv"},
}
