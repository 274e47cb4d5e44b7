"""A valid command of each kind."""

from typing import Any

from shared.contracts import (
    CheckTraining,
    EvaluateModel,
    EvaluatePredictions,
    ExportDataset,
    Predict,
    PredictDataset,
    PreviewDataset,
    ProfileDataset,
    ReadRows,
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
