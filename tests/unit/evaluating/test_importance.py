"""Permutation importance: scikit-learn's own figures, over the table's columns, by every metric of every task."""

from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance as of_scikit_learn

from modelbus.evaluator.explaining.importance import permutation_importance
from modelbus.shared.contracts import ColumnSchema
from modelbus.shared.contracts.commands.explanation import IMPORTANCE_METRICS, ImportanceMetric
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.scoring import read_truth
from tests.unit.tables import features, fit, table

NUMBERS = pd.DataFrame(np.random.default_rng(5).normal(size=(150, 3)), columns=["a", "b", "c"])
NUMBERS["price"] = 3 * NUMBERS["a"] - NUMBERS["b"] ** 2
NUMBERS["label"] = np.where(NUMBERS["price"] > 0, "yes", "no")
SCORERS = {
    "balanced_accuracy": "balanced_accuracy",
    "accuracy": "accuracy",
    "f1_macro": "f1_macro",
    "f1_weighted": "f1_weighted",
    "matthews_correlation": "matthews_corrcoef",
    "roc_auc": "roc_auc",
    "log_loss": "neg_log_loss",
    "r2": "r2",
    "root_mean_squared_error": "neg_root_mean_squared_error",
    "mean_absolute_error": "neg_mean_absolute_error",
    "median_absolute_error": "neg_median_absolute_error",
    "explained_variance": "explained_variance",
}
TASK_OF = {metric: task for task, metrics in IMPORTANCE_METRICS.items() for metric in metrics}


def number_model(estimator: str, target: str) -> FittedModel:
    schemas = [ColumnSchema(name=name, type="real", missing=0, distinct=150) for name in "abc"]
    kind: Any = "text" if target == "label" else "real"
    target_schema = ColumnSchema(name=target, type=kind, missing=0, distinct=2)
    return fit(estimator, target, frame=NUMBERS, features=schemas, target_schema=target_schema).model


def test_every_metric_of_the_contract_is_compared_with_scikit_learn() -> None:
    assert set(get_args(ImportanceMetric)) == set(TASK_OF) == {*SCORERS, "agreement"}


@pytest.mark.parametrize("metric", SCORERS)
def test_importances_are_those_of_scikit_learn(metric: str) -> None:
    is_number = TASK_OF[metric] == "regression"
    model = number_model(*(("Ridge", "price") if is_number else ("LogisticRegression", "label")))
    matrix, _ = model.encoder.transform(NUMBERS[list("abc")])
    truth = read_truth(model, NUMBERS)
    codes = truth if is_number else (NUMBERS["label"] == "yes").astype(int)

    found = permutation_importance(model, matrix, truth, metric, repeats=4, seed=9)
    expected = of_scikit_learn(model.estimator, matrix, codes, scoring=SCORERS[metric], n_repeats=4, random_state=9)

    by_name = {each.column: each for each in found.columns}
    assert matrix.shape[1] == 3
    np.testing.assert_allclose([by_name[name].values for name in "abc"], expected.importances, atol=1e-12)
    np.testing.assert_allclose([by_name[name].mean for name in "abc"], expected.importances_mean, atol=1e-12)
    np.testing.assert_allclose(
        [by_name[name].standard_deviation for name in "abc"], expected.importances_std, atol=1e-12
    )
    assert [each.mean for each in found.columns] == sorted((each.mean for each in found.columns), reverse=True)


def test_a_column_of_many_encoded_outputs_is_shuffled_as_one() -> None:
    model = fit("RandomForestClassifier", hyperparameters={"n_estimators": 20}).model
    matrix, _ = model.encoder.transform(features())
    truth = read_truth(model, table())

    found = permutation_importance(model, matrix, truth, "accuracy", repeats=3, seed=1)

    # The raw column shuffled by the same orders, then encoded and asked anew.
    seed = np.random.RandomState(1).randint(np.iinfo(np.int32).max + 1)
    random, order, shuffled, values = np.random.RandomState(seed), np.arange(240), features().copy(), []
    for _ in range(3):
        random.shuffle(order)
        shuffled["since"] = shuffled["since"].to_numpy()[order]
        labels = model.predict_frame(shuffled, False).labels
        values.append(found.baseline - np.mean([one == other for one, other in zip(labels, truth, strict=True)]))
    since = next(each for each in found.columns if each.column == "since")
    np.testing.assert_allclose(since.values, values, atol=1e-12)
    constant = next(each for each in found.columns if each.column == "country")
    assert constant.values == [0.0] * 3


def test_an_error_that_grows_is_an_importance() -> None:
    model = number_model("Ridge", "price")
    matrix, _ = model.encoder.transform(NUMBERS[list("abc")])

    found = permutation_importance(model, matrix, read_truth(model, NUMBERS), "mean_absolute_error", repeats=2, seed=0)

    assert found.columns[0].column == "a"
    assert found.columns[0].mean > 0


@pytest.mark.parametrize(("estimator", "task"), [("KMeans", "clustering"), ("IsolationForest", "outlier_detection")])
def test_without_a_target_the_share_of_changed_answers_is_told(estimator: str, task: str) -> None:
    model = fit(estimator, None).model
    assert model.signature.task == task
    matrix, _ = model.encoder.transform(features())

    found = permutation_importance(model, matrix, None, "agreement", repeats=3, seed=0)

    assert found.baseline == 1
    assert found.columns[0].mean > 0
    assert all(0 <= value <= 1 for each in found.columns for value in each.values)


def test_the_same_seed_gives_the_same_importances_and_progress_is_told() -> None:
    model = number_model("LogisticRegression", "label")
    matrix, _ = model.encoder.transform(NUMBERS[list("abc")])
    truth = read_truth(model, NUMBERS)
    told: list[tuple[float, str]] = []

    first, second, other = (
        permutation_importance(
            model, matrix, truth, "log_loss", repeats=2, seed=seed, report=lambda *what: told.append(what)
        )
        for seed in (3, 3, 4)
    )

    assert [each.values for each in first.columns] == [each.values for each in second.columns]
    assert [each.values for each in first.columns] != [each.values for each in other.columns]
    assert told[:3] == [(0.0, "shuffling 'a'"), (1 / 3, "shuffling 'b'"), (2 / 3, "shuffling 'c'")]


def test_labels_that_the_model_does_not_know_are_errors_and_have_no_probability() -> None:
    model = number_model("LogisticRegression", "label")
    matrix, _ = model.encoder.transform(NUMBERS[list("abc")])
    truth = ["perhaps", *read_truth(model, NUMBERS)[1:]]

    assert permutation_importance(model, matrix, truth, "accuracy", repeats=1, seed=0).baseline < 1
    with pytest.raises(InvalidCommand, match=r"log_loss cannot be measured .* does not know the class 'perhaps'"):
        permutation_importance(model, matrix, truth, "log_loss", repeats=1, seed=0)


def test_a_metric_that_the_rows_or_the_model_cannot_have_is_refused() -> None:
    model = number_model("LinearSVC", "label")
    matrix, _ = model.encoder.transform(NUMBERS[list("abc")])
    truth = read_truth(model, NUMBERS)
    with pytest.raises(InvalidCommand, match="roc_auc cannot be measured on these rows: LinearSVC has no prob"):
        permutation_importance(model, matrix, truth, "roc_auc", repeats=1, seed=0)
    alike = [row for row, label in enumerate(truth) if label == "no"]
    model = number_model("LogisticRegression", "label")
    with pytest.raises(InvalidCommand, match="roc_auc cannot be measured") as refusal:
        permutation_importance(model, matrix[alike], ["no"] * len(alike), "roc_auc", repeats=1, seed=0)
    assert refusal.value.details[0]["where"] == "metric"
