"""A small table with a column of every type, and models fitted on it, for the tests of encoder, model and artifacts."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from modelbus.shared.contracts import ColumnSchema, SignatureColumn, Task
from modelbus.trainer.catalogue.entries import NESTED
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.training.fit import FitOutcome, fit_model

TYPES: dict[str, tuple[Any, str | None]] = {
    "amount": ("real", None),
    "visits": ("integer", None),
    "is_member": ("boolean", None),
    "since": ("datetime", "%d/%m/%Y"),
    "seen": ("datetime", "ISO8601"),
    "plan": ("text", None),
    "gender": ("text", None),
    "town": ("text", None),
    "country": ("text", None),
    "nothing": ("empty", None),
}
COLUMNS = [SignatureColumn(name=name, type=kind, date_format=form) for name, (kind, form) in TYPES.items()]
MEMBERS = {
    "classification": ["LogisticRegression", "DecisionTreeClassifier"],
    "regression": ["Ridge", "DecisionTreeRegressor"],
}
TARGET_OF: dict[Task, str | None] = {"classification": "label", "regression": "price"}
"""What is learnt of the table by task; nothing by the tasks that have no target."""
TARGETS = {"label": "text", "flag": "boolean", "grade": "integer", "rate": "real", "price": "real"}


def schema(name: str) -> ColumnSchema:
    """The dataset's schema of one column of the table."""
    kind, form = TYPES.get(name) or (TARGETS[name], None)
    return ColumnSchema(name=name, type=kind, date_format=form, missing=0, distinct=1)


@cache
def table(row_count: int = 240, seed: int = 0) -> pd.DataFrame:
    """Rows with missing values in half of the columns, a constant one, an empty one, and a target of each kind."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": random.normal(100, 30, row_count),
            "visits": pd.array(random.integers(0, 20, row_count), dtype="Int64"),
            "is_member": pd.array(random.random(row_count) < 0.4, dtype="boolean"),
            "since": pd.Timestamp("2020-02-27") + pd.to_timedelta(random.integers(0, 1500, row_count), unit="D"),
            "seen": pd.Timestamp("1969-11-01") + pd.to_timedelta(random.integers(0, 10**9, row_count), unit="ms"),
            "plan": random.choice(["basic", "plus", "pro"], row_count),
            "gender": random.choice(["f", "m"], row_count),
            "town": [f"town {number}" for number in random.integers(0, 70, row_count)],
            "country": "NL",
            "nothing": pd.Series([None] * row_count, dtype="object"),
        }
    )
    for step, name in enumerate(("amount", "visits", "is_member", "since", "plan"), start=7):
        frame.loc[frame.index[::step], name] = None
    score = (
        frame["amount"].fillna(100) / 30
        + frame["visits"].fillna(0).astype(float) / 10
        + random.normal(0, 0.2, row_count)
    )
    frame["label"] = np.where(score > score.median(), "yes", "no")
    frame["flag"] = score > score.median()
    frame["grade"] = pd.qcut(score, 3, labels=False).astype("int64") + 1
    frame["rate"] = frame["grade"] / 2
    frame["price"] = score * 10 + 50
    return frame


def features() -> pd.DataFrame:
    """The table without its targets."""
    return table()[list(TYPES)]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows as a request would hold them: JSON values, dates as text in their column's own way."""
    written = frame.astype(object).where(frame.notna(), None)
    rows: list[dict[str, Any]] = [dict(zip(frame.columns, values, strict=True)) for values in written.to_numpy()]
    for row in rows:
        for name, form in (("since", "%d/%m/%Y"), ("seen", None)):
            if row.get(name) is not None:
                row[name] = row[name].strftime(form) if form else row[name].isoformat()
    return rows


def needed(estimator: str) -> dict[str, Any]:
    """The hyperparameters that an estimator cannot do without: the estimators inside of it."""
    given: dict[str, Any] = {}
    for parameter, nesting in NESTED.get(estimator, {}).items():
        if nesting.is_required:
            names = MEMBERS[nesting.task][: 2 if nesting.is_list else 1]
            members = [{"estimator": name} for name in names]
            given[parameter] = members if nesting.is_list else members[0]
    return given


def fit(estimator: str, target: str | None = "label", **changes: Any) -> FitOutcome:
    """Fit an estimator on the table; what is changed are fields of the plan, or the frame."""
    frame = changes.pop("frame", table())
    more = {name: changes.pop(name) for name in ("hold_out_frame", "report") if name in changes}
    given: dict[str, Any] = {
        "target": target,
        "features": [schema(name) for name in TYPES],
        "target_schema": changes.pop("target_schema", None) or (schema(target) if target else None),
        "estimator_name": estimator,
        "hyperparameters": needed(estimator),
        "seed": 3,
        **changes,
    }
    return fit_model(frame, FitPlan(**given), **more)
