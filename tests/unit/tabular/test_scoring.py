"""Metrics and scoring: scikit-learn's own numbers, None where there is none, no warning and no crash."""

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelbus.shared.contracts.metric_names import CLASSIFICATION_METRICS, REGRESSION_METRICS
from modelbus.shared.errors import EstimatorRejected, InvalidCommand, SignatureMismatch
from modelbus.shared.tabular.metrics.by_task import (
    confusion,
    score_classification,
    score_regression,
)
from modelbus.shared.tabular.scoring import score
from tests.unit.tables import fit, table

RANDOM = np.random.default_rng(0)


def probabilities(row_count: int, class_count: int) -> Any:
    return RANDOM.dirichlet(np.ones(class_count), row_count)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abc"), st.floats(0, 1)), max_size=8),
    has_shares=st.booleans(),
)
def test_no_metric_is_ever_nan_or_warns(rows: list[tuple[str, str, float]], has_shares: bool) -> None:
    truth, labels = [row[0] for row in rows], [row[1] for row in rows]
    shares = np.array([[row[2], (1 - row[2]) / 2, (1 - row[2]) / 2] for row in rows]).reshape(-1, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = score_classification(truth, labels, shares if has_shares else None, ["a", "b", "c"])
        numbers = score_regression([row[2] for row in rows], [row[2] * 2 for row in rows])
    assert set(found) == set(CLASSIFICATION_METRICS)
    assert set(numbers) == set(REGRESSION_METRICS)
    for value in (*found.values(), *numbers.values()):
        assert value is None or math.isfinite(value)


def test_a_label_that_the_model_does_not_know_counts_as_an_error() -> None:
    truth, labels = ["a", "b", "new", "new"], ["a", "b", "a", "b"]
    found = score_classification(truth, labels, probabilities(4, 2), ["a", "b"])
    assert found["accuracy"] == 0.5
    assert found["recall_macro"] == pytest.approx(2 / 3)
    assert found["log_loss"] is None
    assert found["roc_auc"] is None
    table_of = confusion(truth, labels, ["a", "b"])
    assert table_of["labels"] == ["a", "b", "new"]
    assert table_of["counts"] == [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    assert table_of["fractions"] == [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]]
    assert table_of["left_out"] == 0


def test_one_class_only_has_no_ranking() -> None:
    found = score_classification(["a"] * 3, ["a", "a", "b"], probabilities(3, 2), ["a", "b"])
    assert found["roc_auc"] is None
    assert found["average_precision"] is None
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_predictions_that_are_not_finite_have_no_metrics() -> None:
    assert set(score_regression([1.0, 2.0], [1.0, None]).values()) == {None}
    assert score_regression([1.0], [1.0])["r2"] is None


def test_scoring_the_hold_out_gives_the_metrics_of_training() -> None:
    outcome = fit("GaussianNB", "grade")
    scores = score(outcome.model, table().iloc[outcome.hold_out_indices])
    assert scores.metrics == outcome.metrics
    assert scores.row_count == len(outcome.hold_out_indices)
    assert scores.confusion is not None
    assert scores.confusion["labels"] == [1, 2, 3]
    assert sum(map(sum, scores.confusion["counts"])) == scores.row_count


def test_scoring_a_regressor_gives_the_metrics_of_training() -> None:
    outcome = fit("Ridge", "price")
    scores = score(outcome.model, table().iloc[outcome.hold_out_indices])
    assert scores.metrics == outcome.metrics
    assert scores.confusion is None


def test_rows_without_truth_are_left_out() -> None:
    model = fit("GaussianNB").model
    frame = table().copy()
    frame.loc[frame.index[:100], "label"] = None
    scores = score(model, frame)
    assert (scores.row_count, scores.dropped_row_count) == (140, 100)
    assert len(scores.truth) == len(scores.predictions.labels) == 140


def test_unseen_labels_in_a_dataset_are_counted_and_not_a_crash() -> None:
    scores = score(
        fit("GaussianNB", "grade").model, table().assign(grade=lambda frame: frame["grade"].astype(str) + "x")
    )
    assert scores.metrics["accuracy"] == 0
    assert scores.confusion is not None
    assert scores.confusion["labels"] == [1, 2, 3, "1x", "2x", "3x"]


@pytest.mark.parametrize(
    ("target", "written"),
    [
        ("flag", lambda values: values.map({True: "yes", False: "no"})),
        ("flag", lambda values: values.astype("int64")),
        ("grade", lambda values: values.astype("float64")),
        ("grade", lambda values: values.astype(str)),
        ("rate", lambda values: values.astype(str)),
    ],
)
def test_truth_in_another_type_is_the_same_truth(target: str, written: Any) -> None:
    model = fit("GaussianNB", target).model
    plain = score(model, table())
    other = score(model, table().assign(**{target: written(table()[target])}))
    assert other.metrics == plain.metrics
    assert other.confusion == plain.confusion


def test_a_dataset_without_the_target_is_refused() -> None:
    with pytest.raises(InvalidCommand, match="no column 'label'"):
        score(fit("GaussianNB").model, table().drop(columns="label"))
    with pytest.raises(EstimatorRejected, match="no row of the dataset has a value in 'label'"):
        score(fit("GaussianNB").model, table().assign(label=pd.Series([None] * len(table()), dtype="object")))


def test_a_dataset_that_does_not_fit_is_refused() -> None:
    with pytest.raises(SignatureMismatch, match="town"):
        score(fit("GaussianNB").model, table().drop(columns="town"))
    with pytest.raises(InvalidCommand, match="row 0, must be a number, not 'dear'"):
        score(fit("Ridge", "price").model, table().assign(price="dear"))
