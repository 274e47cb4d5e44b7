"""What an explanation costs beside one prediction: contributions of a row, importances, and partial dependence.

All in this process, on the stored model's own predict path; the bus and the record cost the same for each.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from modelbus.evaluator.explaining.importance import permutation_importance
from modelbus.evaluator.explaining.partial_dependence import partial_dependence
from modelbus.evaluator.explaining.responses import respond, response_of
from modelbus.evaluator.explaining.shapley import EXACT_BY_DEFAULT, RowExplainer
from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.training.fit import fit_model

ESTIMATORS = ("LogisticRegression", "RandomForestClassifier", "HistGradientBoostingClassifier")
COLUMNS = (8, 20, 50)
_ROWS, _BACKGROUND, _PERMUTATIONS, _REPEATS, _POINTS = 2000, 100, 2, 5, 20


def main() -> None:
    """Measure and print the table."""
    grid = Table("estimator", "columns", "what", "rows predicted", "seconds", "of one prediction")
    for name in ESTIMATORS:
        for count in COLUMNS:
            _measure(grid, name, count)
    Console(width=110).print(grid)


def _measure(grid: Table, name: str, count: int) -> None:
    model, frame = _fitted(name, count)
    matrix, _ = model.encoder.transform(frame)
    truth = (frame["c0"] * frame["c1"] > 0).astype(int).tolist()
    response = response_of(model, matrix)
    row = frame.iloc[0].to_dict()
    one = min(_seconds(lambda: model.predict_rows([row], True)) for _ in range(20))
    explainer = RowExplainer(
        lambda rows: respond(model, response, rows), matrix[:_BACKGROUND], np.arange(matrix.shape[1]), count
    )
    is_exact = count <= EXACT_BY_DEFAULT

    def contributions() -> Any:
        if is_exact:
            return explainer.exact(matrix[0])
        return explainer.sampled(matrix[0], _PERMUTATIONS, np.random.default_rng(0))

    before = explainer.predicted_row_count
    seconds = _seconds(contributions)
    measured = [(f"one row, {'exact' if is_exact else 'sampled'}", explainer.predicted_row_count - before, seconds)]
    importances = _seconds(lambda: permutation_importance(model, matrix, truth, "accuracy", repeats=_REPEATS, seed=0))
    measured.append(("importance", _ROWS * (1 + _REPEATS * count), importances))
    dependence = _seconds(lambda: partial_dependence(model, response, frame, matrix, "c0", _POINTS))
    measured.append(("dependence on a column", _ROWS * _POINTS, dependence))
    for what, rows, took in measured:
        grid.add_row(name, str(count), what, f"{rows:,}", f"{took:.2f}", f"{took / one:,.0f}")


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _fitted(name: str, count: int) -> tuple[FittedModel, pd.DataFrame]:
    random = np.random.default_rng(count)
    columns = [f"c{place}" for place in range(count)]
    frame = pd.DataFrame(random.normal(size=(_ROWS, count)), columns=columns)
    frame["target"] = (frame["c0"] * frame["c1"] > 0).astype(int)
    schemas = [ColumnSchema(name=column, type="real", missing=0, distinct=_ROWS) for column in columns]
    target = ColumnSchema(name="target", type="integer", missing=0, distinct=2)
    plan = FitPlan(target="target", features=schemas, target_schema=target, estimator_name=name)
    return fit_model(frame, plan).model, frame[columns]
