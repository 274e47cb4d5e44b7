"""Examples of explanations for the documentation, from the small shop in ``examples.py``."""

from typing import Any, Final

from modelbus.gateway.description.examples import CORRELATION_ID

Example = dict[str, Any]

_VERSION: Final[Example] = {"correlation_id": CORRELATION_ID, "model": "prices", "version": 1}

MODEL_EXPLANATION: Final[Example] = {
    **_VERSION,
    "dataset": "shop",
    "is_training_dataset": True,
    "task": "regression",
    "row_count": 6,
    "dataset_row_count": 6,
    "seed": 0,
    "importance": {
        "name": "importance",
        "metric": "r2",
        "is_error": False,
        "baseline": 0.99,
        "repeats": 2,
        "columns": [{"column": "size", "mean": 1.7, "standard_deviation": 0.3, "values": [1.4, 2.0]}],
    },
    "partial_dependence": [
        {
            "name": "partial_dependence",
            "column": "size",
            "type": "real",
            "response": "value",
            "x": [1.5, 6.0],
            "counts": None,
            "curves": [{"name": "price", "y": [10.1, 42.6], "missing": None}],
        }
    ],
    "plots": ["importance", "partial_dependence_size"],
}
PREDICTION_EXPLANATION: Final[Example] = {
    **_VERSION,
    "response": "value",
    "method": "exact",
    "background": {"dataset": "shop", "row_count": 6},
    "predicted_row_count": 30,
    "rows": [
        {
            "prediction": 14.0,
            "explanations": [
                {
                    "output": "price",
                    "value": 14.0,
                    "base_value": 26.8,
                    "columns": [
                        {"column": "size", "given": 2.0, "contribution": -12.9, "standard_error": 0.0},
                        {"column": "color", "given": "red", "contribution": 0.1, "standard_error": 0.0},
                    ],
                }
            ],
        }
    ],
    "report": {},
}
LEARNING: Final[Example] = {
    **_VERSION,
    "dataset": "shop",
    "estimator": "Ridge",
    "name": "learning_curve",
    "x": [2, 4],
    "fit_s": [0.004, 0.004],
    "curves": [{"name": "r2", "training": [1.0, 0.99], "hold_out": [0.7, 0.98]}],
    "plots": ["learning_curve_r2"],
}
DRIFT: Final[Example] = {
    **_VERSION,
    "reference": {"dataset": "shop", "dataset_row_count": 6, "row_count": 6},
    "current": {"dataset": "shop-2026", "dataset_row_count": 400, "row_count": 400, "is_capped": False},
    "thresholds": {"psi": 0.2},
    "has_drifted": False,
    "drifted_columns": [],
    "columns": [
        {
            "name": "color",
            "type": "text",
            "has_drifted": False,
            "statistics": [{"name": "psi", "value": 0.04, "by_chance": 2.3, "threshold": 0.2, "is_exceeded": False}],
            "missing_rate": {"reference": 0.17, "current": 0.2},
            "invalid_count": {"reference": 0, "current": 0},
            "unseen": {"count": 0, "rate": 0.0, "values": []},
            "distribution": {
                "name": "color",
                "x": ["red", "blue", "(missing)"],
                "reference": [0.5, 0.33, 0.17],
                "current": [0.45, 0.35, 0.2],
            },
        }
    ],
    "predictions": None,
    "plots": [],
}
JOB_PLOTS: Final[Example] = {
    "correlation_id": CORRELATION_ID,
    "plots": [
        {
            "name": "importance",
            "svg": f"/jobs/{CORRELATION_ID}/plots/importance.svg",
            "json": f"/jobs/{CORRELATION_ID}/plots/importance.json",
        }
    ],
}
