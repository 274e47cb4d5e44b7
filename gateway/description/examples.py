"""Examples for the documentation: a small shop, from upload to evaluation. A test checks them against the models."""

from typing import Any, Final

Example = dict[str, Any]

CORRELATION_ID: Final = "0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11"
SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_AT: Final = "2026-01-31T12:00:00Z"

SHOP_CSV: Final = "size,color,price\n1.5,red,10\n2.5,blue,17\n3.5,red,24\n4.0,,29\n5.5,blue,38\n6.0,red,43\n"

_SIZE: Final[Example] = {
    "name": "size",
    "type": "real",
    "missing": 0,
    "distinct": 6,
    "minimum": 1.5,
    "maximum": 6.0,
    "mean": 3.83,
    "standard_deviation": 1.57,
}
_COLOR: Final[Example] = {
    "name": "color",
    "type": "text",
    "missing": 1,
    "distinct": 2,
    "top": [{"value": "red", "count": 3}, {"value": "blue", "count": 2}],
}
_PRICE: Final[Example] = {"name": "price", "type": "integer", "missing": 0, "distinct": 6, "minimum": 10, "maximum": 43}

DATASET_SUMMARY: Final[Example] = {
    "name": "shop",
    "owner": "local",
    "correlation_id": CORRELATION_ID,
    "row_count": 6,
    "format": "csv",
    "encoding": "utf-8",
    "delimiter": ",",
    "size_bytes": 2311,
    "source_size_bytes": 82,
    "sha256": SHA256,
    "created_at": _AT,
}
DATASET: Final[Example] = {**DATASET_SUMMARY, "columns": [_SIZE, _COLOR, _PRICE]}
PREVIEW: Final[Example] = {
    "row_count": 6,
    "format": "csv",
    "encoding": "utf-8",
    "delimiter": ",",
    "columns": [_SIZE, _COLOR, _PRICE],
    "is_truncated": False,
    "rows": [{"size": 1.5, "color": "red", "price": 10}],
}
ROWS: Final[Example] = {
    "dataset": "shop",
    "offset": 0,
    "limit": 2,
    "row_count": 6,
    "columns": ["size", "color", "price"],
    "rows": [{"size": 1.5, "color": "red", "price": 10}, {"size": 2.5, "color": "blue", "price": 17}],
    "next": 2,
}

ESTIMATOR_SUMMARY: Final[Example] = {
    "name": "Ridge",
    "task": "regression",
    "description": "Linear least squares with l2 regularization.",
}
ESTIMATOR: Final[Example] = {
    **ESTIMATOR_SUMMARY,
    "module": "sklearn.linear_model._ridge",
    "hyperparameters": {
        "type": "object",
        "properties": {"alpha": {"type": "number", "minimum": 0, "default": 1.0}},
        "additionalProperties": False,
    },
    "can_stream": False,
}

TRAINING: Final[Example] = {"model": "prices", "dataset": "shop", "target": "price", "estimator": "Ridge"}
TUNED_TRAINING: Final[Example] = {
    **TRAINING,
    "estimator": "RandomForestRegressor",
    "hyperparameters": {"n_estimators": 200, "max_depth": 6},
    "hold_out": {"fraction": 0.25},
    "cross_validation": {"folds": 3},
    "promote": "if_better",
    "seed": 7,
    "tags": {"team": "pricing"},
}
VERSION: Final[Example] = {
    "model": "prices",
    "version": 1,
    "owner": "local",
    "correlation_id": CORRELATION_ID,
    "estimator": "Ridge",
    "hyperparameters": {},
    "dataset": "shop",
    "dataset_sha256": SHA256,
    "signature": {
        "columns": [{"name": "size", "type": "real"}, {"name": "color", "type": "text"}],
        "target": "price",
        "task": "regression",
    },
    "hold_out": {"fraction": 0.2},
    "seed": 0,
    "metrics": {"r2": 0.98, "mean_absolute_error": 1.4},
    "row_count": 4,
    "fit_s": 0.004,
    "libraries": {"scikit-learn": "1.9.1", "numpy": "2.4.6"},
    "artifact_sha256": SHA256,
    "artifact_size_bytes": 9216,
    "created_at": _AT,
}
TRAINED: Final[Example] = {"version": VERSION, "is_champion": True}
CHECKED: Final[Example] = {
    "is_valid": True,
    "estimator": "Ridge",
    "task": "regression",
    "features": ["size", "color"],
    "classes": None,
    "row_count": 4,
    "hold_out_row_count": 2,
    "streamed": False,
    "epochs": None,
    "encoded_feature_count": 3,
    "minimum_memory_bytes": 96,
    "expected_memory_bytes": 288,
    "memory_limit_bytes": 8589934592,
    "warnings": [],
}
SEARCH: Final[Example] = {
    **TRAINING,
    "search": {
        "method": "random",
        "space": {"alpha": {"distribution": "log_uniform", "low": 0.001, "high": 1000}},
        "candidates": 30,
        "scoring": "mean_absolute_error",
    },
}
CHOICE: Final[Example] = {**TRAINING, "estimator": "auto", "auto": {"time_budget_s": 120}}
MODEL: Final[Example] = {
    "name": "prices",
    "owner": "local",
    "latest_version": 2,
    "versions": [1, 2],
    "aliases": {"champion": 1},
    "created_at": _AT,
}
CANDIDATES: Final[Example] = {
    "model": "prices",
    "version": 1,
    "scoring": "r2",
    "candidates": [
        {
            "number": 2,
            "estimator": "Ridge",
            "hyperparameters": {"alpha": 0.1},
            "rank": 1,
            "mean": 0.96,
            "standard_deviation": 0.01,
            "scores": [0.95, 0.97],
            "fit_s": 0.004,
            "state": "measured",
        },
    ],
}
USAGE: Final[Example] = {
    "model": "prices",
    "version": 1,
    "requests": 12,
    "rows": 340,
    "report": {"unseen": {"color": 3}},
    "updated_at": _AT,
}
PREDICTION: Final[Example] = {
    "correlation_id": CORRELATION_ID,
    "model": "prices",
    "version": 1,
    "predictions": [13.6],
    "report": {"coerced": {}, "unseen": {}, "missing": {}, "extra": {}},
}
EVALUATION: Final[Example] = {
    "id": "first",
    "status": "succeeded",
    "owner": "local",
    "correlation_id": CORRELATION_ID,
    "model": "prices",
    "version": 1,
    "dataset": "shop",
    "task": "regression",
    "row_count": 6,
    "dropped_row_count": 0,
    "metrics": {"r2": 0.99, "mean_absolute_error": 0.9},
    "created_at": _AT,
}
_LINKS: Final = {"self": f"/jobs/{CORRELATION_ID}"}
EVALUATION_ACCEPTED: Final[Example] = {
    "id": "first",
    "status": "queued",
    "owner": "local",
    "correlation_id": CORRELATION_ID,
    "model": "prices",
    "dataset": "shop",
    "created_at": _AT,
    "links": _LINKS,
}
JOB_SUMMARY: Final[Example] = {
    "correlation_id": CORRELATION_ID,
    "command": "TrainModel",
    "model": "prices",
    "dataset": "shop",
    "status": "succeeded",
    "owner": "local",
    "attempt": 1,
    "max_attempts": 3,
    "created_at": _AT,
    "started_at": _AT,
    "finished_at": "2026-01-31T12:00:02Z",
    "updated_at": "2026-01-31T12:00:02Z",
    "links": _LINKS,
}
JOB: Final[Example] = {
    **JOB_SUMMARY,
    "spec": {"command": "TrainModel", **TRAINING},
    "result": TRAINED,
    "history": [{"at": _AT, "event": "accepted"}],
}
QUEUED_JOB: Final[Example] = {
    "correlation_id": CORRELATION_ID,
    "command": "TrainModel",
    "model": "prices",
    "dataset": "shop",
    "status": "queued",
    "owner": "local",
    "attempt": 0,
    "max_attempts": 3,
    "created_at": _AT,
    "updated_at": _AT,
    "spec": {"command": "TrainModel", **TRAINING},
    "links": _LINKS,
}

API_KEY: Final[Example] = {
    "name": "ci",
    "owner": "ci",
    "scopes": ["submit"],
    "created_at": _AT,
    "expires_at": "2026-05-01T12:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}
MADE_API_KEY: Final[Example] = {"key": "mbk_an-example-that-opens-nothing", **API_KEY}

LOG_LINE: Final[Example] = {
    "id": "65b9f3a0c2a4a1b2c3d4e5f6-12",
    "timestamp": "2026-01-31T12:00:02.104512Z",
    "level": "info",
    "service": "trainer",
    "event": "job.finished",
    "correlation_id": CORRELATION_ID,
    "status": "succeeded",
}
DEAD_LETTER_SUMMARY: Final[Example] = {
    "id": CORRELATION_ID,
    "kind": "job",
    "queue": "train",
    "at": _AT,
    "is_edited": False,
    "correlation_id": CORRELATION_ID,
    "command": "TrainModel",
    "code": "store_unavailable",
    "reason": "MongoDB is not responding",
    "attempts": 3,
}
DEAD_LETTER: Final[Example] = {
    **DEAD_LETTER_SUMMARY,
    "spec": TRAINING,
    "history": [{"at": _AT, "event": "dead"}],
    "links": {"self": f"/dead-letters/{CORRELATION_ID}", "replay": f"/dead-letters/{CORRELATION_ID}/replay"},
    "lines": [LOG_LINE],
}

_COMPARED: Final[Example] = {
    **{name: EVALUATION[name] for name in ("dataset", "task", "row_count", "dropped_row_count", "created_at")},
    "positive_class": None,
}
COMPARISON: Final[Example] = {
    "evaluations": [
        {"id": "first", "model": "prices", "version": 1, **_COMPARED},
        {"id": "second", "model": "prices", "version": 2, **_COMPARED},
    ],
    "metrics": [
        {
            "metric": "r2",
            "is_higher_better": True,
            "values": [0.97, 0.99],
            "differences": [0.0, 0.02],
            "best": ["second"],
        }
    ],
    "warnings": [],
}
PLOTS: Final[Example] = {
    "evaluation": "first",
    "plots": [
        {
            "name": "residuals",
            "svg": "/evaluations/first/plots/residuals.svg",
            "json": "/evaluations/first/plots/residuals.json",
        }
    ],
}
