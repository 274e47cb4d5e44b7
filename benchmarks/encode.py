"""One row of 20 mixed columns into a row of floats: the encoder of Modelbus beside scikit-learn's ColumnTransformer."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler, TargetEncoder

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.tabular.encoding.encoder import TabularEncoder

GOAL_MS = 0.1

_ROWS = 5000
_FEW, _MANY = 8, 2000
_KINDS = {"real": 6, "integer": 3, "few": 4, "many": 2, "boolean": 2, "datetime": 3}
"""Columns of each kind; ``few`` and ``many`` are text of so many categories."""


def main(seconds: float) -> None:
    """Measure and print the table.

    Args:
        seconds: For each measurement.
    """
    frame, target = _table()
    ours = TabularEncoder()
    signature = [SignatureColumn(name=name, type=_type(name)) for name in frame.columns]
    ours.fit_transform(frame, target, signature, "classification", 0)
    theirs = _column_transformer().fit(frame, target)
    rows = [_row(frame, index) for index in range(100)]
    measured = {
        "scikit-learn ColumnTransformer": _median_ms(lambda row: theirs.transform(_frame([row], frame)), rows, seconds),
        "modelbus rows of one": _median_ms(lambda row: ours.rows([row]), rows, seconds),
        "modelbus row, no report": _median_ms(ours.row, rows, seconds),
    }
    baseline = next(iter(measured.values()))
    grid = Table("encoder", "median ms a row", "ratio")
    for name, median_ms in measured.items():
        grid.add_row(name, f"{median_ms:.4f}", f"{baseline / median_ms:.0f}")
    Console(width=110).print(grid)
    reached = "reached" if measured["modelbus rows of one"] <= GOAL_MS else "MISSED"
    print(f"{len(frame.columns)} columns; the goal is {GOAL_MS} ms a row: {reached}")


def _median_ms(encode: Callable[[dict[str, Any]], object], rows: list[dict[str, Any]], seconds: float) -> float:
    for row in rows:
        encode(row)
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for row in rows:
            started = time.perf_counter()
            encode(row)
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def _table() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    columns = {f"{kind}_{number}": _column(random, kind) for kind, count in _KINDS.items() for number in range(count)}
    return pd.DataFrame(columns), random.integers(0, 2, _ROWS)


def _column(random: np.random.Generator, kind: str) -> pd.Series:
    if kind == "real":
        values: Any = pd.Series(random.normal(50, 20, _ROWS))
    elif kind == "integer":
        values = pd.Series(random.integers(0, 1000, _ROWS)).astype("float64")
    elif kind == "boolean":
        return pd.Series(random.random(_ROWS) < 0.5)
    elif kind == "datetime":
        values = pd.Series(pd.to_datetime(random.integers(1_500_000_000, 1_700_000_000, _ROWS), unit="s"))
    else:
        categories = [f"{kind} {number}" for number in range(_FEW if kind == "few" else _MANY)]
        values = pd.Series(random.choice(categories, _ROWS), dtype="str")
    masked: pd.Series = values.mask(random.random(_ROWS) < 0.05)
    return masked


def _type(name: str) -> Any:
    kind = name.partition("_")[0]
    return "text" if kind in ("few", "many") else kind


def _row(frame: pd.DataFrame, index: int) -> dict[str, Any]:
    """A row as a request holds it."""
    return {str(name): _cell(str(name), value) for name, value in frame.iloc[index].items()}


def _cell(name: str, value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return int(value) if _type(name) == "integer" else value


def _frame(rows: list[dict[str, Any]], like: pd.DataFrame) -> pd.DataFrame:
    """What one would write: a frame of the request's rows, with the training frame's types."""
    return pd.DataFrame(rows, columns=like.columns).astype(like.dtypes)


def _column_transformer() -> ColumnTransformer:
    def columns(*kinds: str) -> list[str]:
        return [f"{kind}_{number}" for kind in kinds for number in range(_KINDS[kind])]

    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    dated = make_pipeline(FunctionTransformer(_date_parts), SimpleImputer(strategy="median"), StandardScaler())
    return ColumnTransformer(
        [
            ("numbers", scaled, columns("real", "integer")),
            ("booleans", FunctionTransformer(_as_floats), columns("boolean")),
            ("dates", dated, columns("datetime")),
            ("few", OneHotEncoder(handle_unknown="ignore", sparse_output=False), columns("few")),
            ("many", TargetEncoder(), columns("many")),
        ]
    )


def _as_floats(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype("float64")


def _date_parts(frame: pd.DataFrame) -> np.ndarray:
    parts = [
        part
        for name in frame.columns
        for moments in [frame[name].dt]
        for part in (
            frame[name].astype("int64"),
            moments.year,
            moments.month,
            moments.day,
            moments.weekday,
            moments.hour,
        )
    ]
    return np.column_stack([np.asarray(part, dtype=np.float64) for part in parts])
