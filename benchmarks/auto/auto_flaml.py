"""FLAML on one table of the benchmark of `auto`; a script of its own, run by the environment that has FLAML.

``python auto_flaml.py <train> <test> <task> <seconds> <answers>``: prints the seconds that the fit took; the answers
are a column of numbers, or a column of probabilities for each class.
"""

import sys
import time
from typing import Any

import pandas as pd

PACKAGES = ("flaml[automl]", "pyarrow")


def run(train: Any, test: Any, task: str, seconds: float) -> tuple[float, Any]:
    """The seconds that the fit took, and the answers."""
    from flaml import AutoML

    metrics = "r2" if task == "regression" else "roc_auc" if train["target"].nunique() == 2 else "roc_auc_ovr"
    model = AutoML()
    started = time.perf_counter()
    model.fit(
        X_train=train.drop(columns="target"),
        y_train=train["target"],
        task=task,
        metric=metrics,
        time_budget=seconds,
        n_jobs=-1,
        seed=1,
        verbose=0,
    )
    elapsed_s = time.perf_counter() - started
    rows = test.drop(columns="target")
    if task == "regression":
        return elapsed_s, pd.DataFrame({"answer": model.predict(rows)})
    return elapsed_s, pd.DataFrame(model.predict_proba(rows), columns=list(map(str, model.classes_)))


if __name__ == "__main__":
    frames = [pd.read_parquet(path) for path in sys.argv[1:3]]
    fit_s, answers = run(frames[0], frames[1], sys.argv[3], float(sys.argv[4]))
    answers.to_parquet(sys.argv[5], index=False)
    print(f"\nfit_s={fit_s}")
