"""AutoGluon on one table of the benchmark of `auto`; a script of its own, run by the environment that has AutoGluon.

Arguments and output are those of ``auto_flaml.py``. Its defaults, with LightGBM, CatBoost and XGBoost; without neural
networks, whose library would be thousands of megabytes.
"""

import sys
import tempfile
import time
from typing import Any

import pandas as pd

PACKAGES = ("autogluon.tabular[lightgbm,xgboost,catboost]", "pyarrow")


def run(train: Any, test: Any, task: str, seconds: float) -> tuple[float, Any]:
    """The seconds that the fit took, and the answers."""
    from autogluon.tabular import TabularPredictor

    is_binary = task == "classification" and train["target"].nunique() == 2
    metric = "r2" if task == "regression" else "roc_auc" if is_binary else "roc_auc_ovr_macro"
    kind = "regression" if task == "regression" else "binary" if is_binary else "multiclass"
    with tempfile.TemporaryDirectory() as directory:
        predictor = TabularPredictor("target", problem_type=kind, eval_metric=metric, path=directory, verbosity=0)
        started = time.perf_counter()
        predictor.fit(train, time_limit=seconds, num_cpus=2)
        elapsed_s = time.perf_counter() - started
        rows = test.drop(columns="target")
        if task == "regression":
            return elapsed_s, pd.DataFrame({"answer": predictor.predict(rows)})
        return elapsed_s, predictor.predict_proba(rows).rename(columns=str)


if __name__ == "__main__":
    frames = [pd.read_parquet(path) for path in sys.argv[1:3]]
    fit_s, answers = run(frames[0], frames[1], sys.argv[3], float(sys.argv[4]))
    answers.to_parquet(sys.argv[5], index=False)
    print(f"\nfit_s={fit_s}")
