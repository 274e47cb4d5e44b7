"""Partial dependence: scikit-learn's own curves, and columns of every type through every kind of model."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import partial_dependence as of_scikit_learn

from modelbus.evaluator.explaining.partial_dependence import Dependence, partial_dependence
from modelbus.evaluator.explaining.responses import respond, response_of
from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.tabular.predicting.model import FittedModel
from tests.unit.evaluating.test_importance import NUMBERS, number_model
from tests.unit.tables import TYPES, features, fit


def dependence(model: FittedModel, name: str, frame: Any = None, point_limit: int = 12) -> tuple[Any, Dependence]:
    frame = features() if frame is None else frame
    matrix, _ = model.encoder.transform(frame)
    response = response_of(model, matrix)
    return response, partial_dependence(model, response, frame, matrix, name, point_limit)


@pytest.mark.parametrize(
    ("estimator", "target", "method"),
    [
        ("GradientBoostingRegressor", "price", "auto"),
        ("RandomForestClassifier", "label", "predict_proba"),
        ("LinearSVC", "label", "decision_function"),
    ],
)
def test_curves_and_grids_are_those_of_scikit_learn(estimator: str, target: str, method: str) -> None:
    model = number_model(estimator, target)
    frame = NUMBERS[list("abc")]
    matrix, _ = model.encoder.transform(frame)

    _, found = dependence(model, "b", frame)
    expected = of_scikit_learn(
        model.estimator, matrix, [1], response_method=method, method="brute", grid_resolution=12, kind="average"
    )

    # The encoder scales numbers, so the grids are the same but for that.
    scaled, _ = model.encoder.transform(pd.DataFrame({"a": 0.0, "b": found.values, "c": 0.0}))
    np.testing.assert_allclose(scaled[:, 1], expected["grid_values"][0], atol=1e-9)
    # scikit-learn tells of two classes the second only.
    np.testing.assert_allclose(found.means[:, -1], expected["average"][0], atol=1e-9)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return fit("HistGradientBoostingClassifier", hyperparameters={"max_iter": 10}).model


@pytest.mark.parametrize("name", list(TYPES))
def test_a_column_of_any_type_is_given_its_values(model: FittedModel, name: str) -> None:
    response, found = dependence(model, name)

    # By definition: the whole column has that value, and the mean answer is taken.
    reading = [found.values[0], found.values[-1]] if found.values else []
    for value, mean in zip(reading, [found.means[0], found.means[-1]] if reading else [], strict=True):
        frame = features().copy()
        frame[name] = pd.Series([value] * len(frame), dtype=object)
        asked = model.predict_frame(frame, True).probabilities
        assert asked is not None
        np.testing.assert_allclose(asked.mean(axis=0), mean, atol=1e-12)
    assert response.kind == "probability"
    assert (found.missing is not None) == bool(features()[name].isna().any())
    assert len(found.values) <= 12
    assert [curve["name"] for curve in found.curves(response)] == ["no", "yes"]


def test_a_column_that_was_empty_in_training_may_be_absent(model: FittedModel) -> None:
    _, found = dependence(model, "nothing", features().drop(columns=["nothing"]))

    assert found.values == []
    assert found.missing is not None


def test_answers_that_cannot_be_told_apart_or_are_not_finite_are_refused() -> None:
    scored = fit("LinearSVC", "label").model
    valued = fit("Ridge", "price").model
    matrix, _ = scored.encoder.transform(features())
    scored.estimator.decision_function = lambda rows: np.zeros((len(rows), 2))
    with pytest.raises(EstimatorRejected, match="LinearSVC returned 2 values per row instead of 1"):
        respond(scored, response_of(scored, matrix), matrix)
    matrix, _ = valued.encoder.transform(features())
    valued.estimator.coef_ = valued.estimator.coef_ * np.nan
    with pytest.raises(EstimatorRejected, match="Ridge returned predictions that are not finite"):
        respond(valued, response_of(valued, matrix), matrix)


def test_values_are_shown_as_their_columns_have_them() -> None:
    model = fit("DecisionTreeClassifier").model
    shown = {name: dependence(model, name)[1] for name in ("plan", "is_member", "since", "visits", "amount", "town")}

    assert shown["plan"].values == sorted(shown["plan"].values, key=lambda plan: -(features()["plan"] == plan).sum())
    assert shown["plan"].counts is not None
    assert sum(shown["plan"].counts) == features()["plan"].notna().sum()
    assert {type(value) for value in shown["is_member"].values} == {bool}
    assert shown["since"].values == sorted(shown["since"].values)
    assert shown["since"].values[0] == features()["since"].min().isoformat()
    assert shown["since"].values[-1] == features()["since"].max().isoformat()
    assert {type(value) for value in shown["visits"].values} == {int}
    low, high = features()["amount"].min(), features()["amount"].max()
    assert low < shown["amount"].values[0] < shown["amount"].values[-1] < high, "few rows lie beyond"
    assert len(shown["town"].values) == 12, "the most frequent of 70"


@pytest.mark.parametrize(
    ("estimator", "target", "kind", "outputs"),
    [
        ("LogisticRegression", "grade", "probability", (1, 2, 3)),
        ("LinearSVC", "grade", "score", (1, 2, 3)),
        ("LinearSVC", "label", "score", ("yes",)),
        ("NearestCentroid", "label", "probability", ("no", "yes")),
        ("Ridge", "price", "value", ("price",)),
        ("IsolationForest", None, "score", ("score",)),
        ("KMeans", None, "membership", tuple(range(8))),
    ],
)
def test_every_kind_of_model_has_answers_to_be_explained(
    estimator: str, target: str | None, kind: str, outputs: tuple[Any, ...]
) -> None:
    model = fit(estimator, target).model
    matrix, _ = model.encoder.transform(features())

    response = response_of(model, matrix)

    assert (response.kind, response.outputs) == (kind, outputs)
    answers = respond(model, response, matrix)
    assert answers.shape == (240, len(outputs))
    if kind in ("probability", "membership"):
        np.testing.assert_allclose(answers.sum(axis=1), 1)


def test_answers_are_the_models_own_however_many_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit("LogisticRegression", "grade").model
    matrix, _ = model.encoder.transform(features())
    response = response_of(model, matrix)
    monkeypatch.setattr("modelbus.evaluator.explaining.responses._CELLS_AT_ONCE", 300)

    answers = respond(model, response, matrix)

    expected = model.predict_frame(features(), True).probabilities
    assert expected is not None
    np.testing.assert_allclose(answers, expected, atol=1e-12)
