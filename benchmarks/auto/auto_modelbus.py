"""Modelbus' `auto` on one table of its benchmark, and the defaults of its portfolio; as a trainer's child does it.

See ``auto_flaml.py`` for what it takes and gives; ``python -m benchmarks.auto.auto_modelbus``.
"""

import os

# as the trainer's fork server has it; read when the libraries are loaded
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import sys
import time
from functools import partial
from typing import Any

import pandas as pd

from modelbus.shared.contracts import ColumnSchema, HoldOut
from modelbus.shared.contracts.commands.tuning import Auto
from modelbus.shared.errors import ModelbusError
from modelbus.trainer.auto.fit_pool import FitTask, fit_pool
from modelbus.trainer.auto.portfolio import PORTFOLIO
from modelbus.trainer.fitting.plan import FitPlan
from modelbus.trainer.training.fit import FitOutcome, fit_model

SCORING = {"regression": "r2", "classification": "roc_auc"}
TARGET = "target"


def run(train: Any, test: Any, task: str, seconds: float) -> tuple[float, Any]:
    """The seconds that the whole training took, the last fit and its measuring included, and the answers."""
    started = time.perf_counter()
    auto = Auto(time_budget_s=seconds, scoring=SCORING[task])
    outcome = fit_model(train, plan_of(train, task, "auto", tuning=auto), hold_out_frame=test)
    elapsed_s = time.perf_counter() - started
    if outcome.choice is not None and "--told" in sys.argv:
        for one in outcome.choice.board.records():
            print(one.rank, one.estimator, one.state, one.mean, len(one.scores), one.fit_s, one.row_count, one.error)
        print(outcome.choice.elapsed_s, outcome.fit_s, outcome.warnings, outcome.choice.hyperparameters)
    return elapsed_s, _answers(outcome, test)


def run_defaults(train: Any, test: Any, task: str, limit_s: float) -> dict[str, tuple[float, Any]]:
    """Each estimator of the portfolio with scikit-learn's defaults: the seconds that it took, and its answers.

    Args:
        train: The training rows.
        test: The rows to answer.
        task: What is learnt.
        limit_s: What takes longer is left out.
    """
    families = [one for one in PORTFOLIO[task] if one.has_probabilities]  # type: ignore[index]
    names = [one.estimator for one in families if not one.estimator.startswith("Dummy")]
    tasks = [FitTask(name, partial(_run_default, train, test, task, name), limit_s) for name in names]
    finished = list(fit_pool(is_spread=False).run(tasks, lambda: False))
    return {one.subject: one.answer for one in finished if one.answer is not None}


def _run_default(train: Any, test: Any, task: str, name: str) -> tuple[float, Any] | None:
    started = time.perf_counter()
    try:
        outcome = fit_model(train, plan_of(train, task, name), hold_out_frame=test)
    except ModelbusError:
        return None
    elapsed_s = time.perf_counter() - started
    has_none = task == "classification" and not outcome.model.has_probabilities
    return None if has_none else (elapsed_s, _answers(outcome, test))


def _answers(outcome: FitOutcome, test: Any) -> Any:
    is_classes = outcome.model.signature.task == "classification"
    found = outcome.model.predict_frame(test.drop(columns=TARGET), is_classes)
    if not is_classes:
        return pd.DataFrame({"answer": found.labels})
    return pd.DataFrame(found.probabilities, columns=list(map(str, outcome.model.signature.classes or [])))


def plan_of(frame: Any, task: str, estimator: str, **fields: Any) -> FitPlan:
    """The plan of a training on all rows, measured on another table."""
    schemas = {name: _schema(str(name), frame[name]) for name in frame}
    return FitPlan(
        target=TARGET,
        features=[schema for name, schema in schemas.items() if name != TARGET],
        target_schema=schemas[TARGET],
        estimator_name=estimator,
        task=task,  # type: ignore[arg-type]
        hold_out=HoldOut(dataset="test"),
        seed=1,
        **fields,
    )


def _schema(name: str, column: Any) -> ColumnSchema:
    kinds = {"b": "boolean", "i": "integer", "u": "integer", "f": "real", "M": "datetime"}
    kind: Any = kinds.get(column.dtype.kind, "text")
    missing, distinct = int(column.isna().sum()), int(column.nunique())
    form = "ISO8601" if kind == "datetime" else None
    return ColumnSchema(name=name, type=kind, date_format=form, missing=missing, distinct=distinct)


if __name__ == "__main__":
    frames = [pd.read_parquet(path) for path in sys.argv[1:3]]
    if sys.argv[3] == "defaults":
        for estimator, (taken_s, answered) in run_defaults(*frames, sys.argv[4], float(sys.argv[5])).items():
            answered.to_parquet(f"{sys.argv[6]}.{estimator}", index=False)
            print(f"default {estimator} {taken_s}")
    else:
        fit_s, answers = run(*frames, sys.argv[3], float(sys.argv[4]))
        answers.to_parquet(sys.argv[5], index=False)
        print(f"\nfit_s={fit_s}")
