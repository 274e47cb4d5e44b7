"""A fitted model: rows and frames, labels in the target's own type, the forests' fast path."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from threadpoolctl import threadpool_info, threadpool_limits

from modelbus.shared.errors import EstimatorRejected, InvalidCommand, SignatureMismatch
from modelbus.shared.tabular.predicting.forest import (
    forest_probabilities,
    forest_values,
    is_forest_classifier,
    is_forest_regressor,
)
from tests.unit.tables import features, fit, rows_of

RANDOM = np.random.default_rng(0)
MATRIX = RANDOM.normal(size=(120, 5))
FORESTS: list[Any] = [
    RandomForestClassifier(n_estimators=13, random_state=0).fit(MATRIX, np.digitize(MATRIX[:, 0], [-0.5, 0.5])),
    ExtraTreesClassifier(n_estimators=7, max_depth=3, random_state=0).fit(MATRIX, MATRIX[:, 1] > 0),
    RandomForestClassifier(n_estimators=5, class_weight="balanced", random_state=0).fit(MATRIX, MATRIX[:, 2] > 1),
    RandomForestRegressor(n_estimators=13, random_state=0).fit(MATRIX, MATRIX[:, 0] * 3),
    ExtraTreesRegressor(n_estimators=7, criterion="absolute_error", random_state=0).fit(MATRIX, MATRIX[:, 1]),
]
NUMBERS = st.floats(-1e30, 1e30)


@settings(max_examples=60, deadline=None)
@given(matrix=arrays.arrays(np.float64, st.tuples(st.integers(1, 9), st.just(5)), elements=NUMBERS))
@pytest.mark.parametrize("forest", FORESTS, ids=lambda forest: type(forest).__name__)
def test_forests_answer_the_same_bits_as_scikit_learn(forest: Any, matrix: Any) -> None:
    if is_forest_classifier(forest):
        assert forest_probabilities(forest, matrix).tobytes() == forest.predict_proba(matrix).tobytes()
    else:
        assert is_forest_regressor(forest)
        assert forest_values(forest, matrix).tobytes() == forest.predict(matrix).tobytes()


def test_only_the_four_forests_take_the_fast_path() -> None:
    class Changed(RandomForestClassifier):  # type: ignore[misc]
        pass

    for estimator in (Changed(), GradientBoostingRegressor()):
        assert not is_forest_classifier(estimator)
        assert not is_forest_regressor(estimator)


@pytest.mark.parametrize("estimator", ["RandomForestClassifier", "HistGradientBoostingClassifier", "GaussianNB"])
def test_rows_and_a_frame_are_answered_alike(estimator: str) -> None:
    model = fit(estimator).model
    by_rows = model.predict_rows(rows_of(features()), True)
    by_frame = model.predict_frame(features(), True)
    assert by_rows.labels == by_frame.labels
    assert by_rows.probabilities is not None
    assert by_frame.probabilities is not None
    assert by_rows.probabilities.tobytes() == by_frame.probabilities.tobytes()
    matrix, _ = model.encoder.transform(features())
    codes = model.estimator.predict(matrix)
    assert model.signature.classes is not None
    assert by_rows.labels == [model.signature.classes[code] for code in codes]


@pytest.mark.parametrize(
    ("target", "kind", "classes"),
    [
        ("label", str, ["no", "yes"]),
        ("flag", bool, [False, True]),
        ("grade", int, [1, 2, 3]),
        ("rate", float, [0.5, 1.0, 1.5]),
    ],
)
def test_labels_come_back_in_the_targets_own_type(target: str, kind: type, classes: list[Any]) -> None:
    outcome = fit("DecisionTreeClassifier", target)
    predictions = outcome.model.predict_rows(rows_of(features())[:50], True)
    assert outcome.model.signature.classes == classes
    assert {type(label) for label in predictions.labels} == {kind}
    assert predictions.probabilities is not None
    assert predictions.probabilities.shape == (50, len(classes))


def test_regression_answers_floats_without_probabilities() -> None:
    model = fit("ExtraTreesRegressor", "price").model
    predictions = model.predict_rows(rows_of(features())[:3], False)
    assert [type(label) for label in predictions.labels] == [float] * 3
    assert predictions.probabilities is None
    assert not model.has_probabilities


@pytest.mark.parametrize(("estimator", "target"), [("LinearSVC", "label"), ("Ridge", "price")])
def test_probabilities_of_a_model_without_them_are_refused(estimator: str, target: str) -> None:
    model = fit(estimator, target).model
    assert not model.has_probabilities
    with pytest.raises(InvalidCommand, match=f"{estimator} has no probabilities"):
        model.predict_rows(rows_of(features())[:1], True)
    with pytest.raises(InvalidCommand, match=f"{estimator} has no probabilities"):
        model.predict_frame(features(), True)


@pytest.mark.parametrize("estimator", ["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"])
def test_few_rows_are_predicted_by_one_thread_and_many_by_all(estimator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit(estimator, "label" if "Classifier" in estimator else "price").model
    seen: list[int] = []
    predict = model.estimator.predict

    def watched(matrix: Any) -> Any:
        seen.extend(each["num_threads"] for each in threadpool_info() if each["user_api"] == "openmp")
        return predict(matrix)

    monkeypatch.setattr(model.estimator, "predict", watched)
    with threadpool_limits(limits=2, user_api="openmp"):
        few = model.predict_frame(features(), False)
        assert set(seen) == {1}
        seen.clear()
        monkeypatch.setattr("modelbus.shared.tabular.predicting.threads.SMALL_BATCH", 0)
        many = model.predict_frame(features(), False)
        assert set(seen) == {2}
    assert few.labels == many.labels


def test_one_bad_row_is_named() -> None:
    rows = rows_of(features())[:3]
    rows[1]["amount"] = "much"
    with pytest.raises(SignatureMismatch, match=r"rows\.1\.amount"):
        fit("GaussianNB").model.predict_rows(rows, False)


def test_what_was_done_to_the_rows_is_reported() -> None:
    row = {**rows_of(features())[3], "plan": "gold", "amount": "12", "note": "hello"}
    counts = fit("GaussianNB").model.predict_rows([row], False).report.counts()
    assert (counts["unseen"], counts["coerced"], counts["extra"]) == ({"plan": 1}, {"amount": 1}, {"note": 1})


def test_no_rows_get_no_predictions() -> None:
    predictions = fit("GaussianNB").model.predict_frame(features().head(0), True)
    assert predictions.labels == []
    assert predictions.probabilities is not None
    assert predictions.probabilities.shape == (0, 2)


@pytest.mark.filterwarnings("ignore:One or more samples have no neighbors")
def test_an_answer_that_is_not_finite_is_none() -> None:
    model = fit("RadiusNeighborsRegressor", "price", hyperparameters={"radius": 2.0}).model
    far = {**rows_of(features())[3], "amount": 1e9}
    assert model.predict_rows([far], False).labels == [None]


def test_an_estimator_that_refuses_the_rows_is_quoted() -> None:
    model = fit("RadiusNeighborsClassifier", hyperparameters={"radius": 50.0}).model
    far = {**rows_of(features())[3], "amount": 1e9}
    with pytest.raises(EstimatorRejected, match=r"RadiusNeighborsClassifier could not predict.*No neighbors found"):
        model.predict_rows([far], False)
