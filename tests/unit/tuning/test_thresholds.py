"""Calibration and thresholds: what they do to a model, its answers, its artifact, and to nothing else."""

import hashlib
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn import metrics
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import TunedThresholdClassifierCV, cross_val_predict

from modelbus.shared.contracts import TrainModel
from modelbus.shared.contracts.checks.command_checks import check_training_task
from modelbus.shared.contracts.commands.tuning import Calibration, Search, Threshold, ThresholdCosts
from modelbus.shared.errors import InvalidCommand
from modelbus.shared.models.artifacts import dump_model, library_versions, load_model
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.tuning.threshold_search import best_threshold
from tests.unit.tables import features, fit, rows_of

SCORINGS = {
    "f1": metrics.f1_score,
    "f1_macro": lambda truth, answers: metrics.f1_score(truth, answers, average="macro"),
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "accuracy": metrics.accuracy_score,
    "matthews_correlation": metrics.matthews_corrcoef,
}


def drawn(seed: int = 0, count: int = 200) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    truth = (random.random(count) < 0.2).astype(np.int64)
    return truth, np.round(np.clip(truth * 0.25 + random.normal(0.3, 0.15, count), 0, 1), 2)


@pytest.mark.parametrize("name", SCORINGS)
def test_no_threshold_is_better_than_the_one_that_is_found(name: Any) -> None:
    truth, probabilities = drawn()

    found = best_threshold(truth, probabilities, Threshold(scoring=name))

    def at(threshold: float) -> float:
        return float(SCORINGS[name](truth, (probabilities >= threshold).astype(int)))

    assert found["at_value"] == pytest.approx(at(found["value"]))
    assert found["at_half"] == pytest.approx(at(0.5))
    assert found["at_value"] >= max(at(one) for one in np.linspace(0.005, 0.995, 199)) - 1e-12


def test_costs_are_as_low_as_can_be() -> None:
    truth, probabilities = drawn()
    aim = Threshold(costs=ThresholdCosts(false_positive=1, false_negative=5))

    found = best_threshold(truth, probabilities, aim)

    def cost(threshold: float) -> float:
        answers = probabilities >= threshold
        return float(np.mean(1.0 * (answers & (truth == 0)) + 5.0 * (~answers & (truth == 1))))

    assert found["at_value"] == pytest.approx(cost(found["value"]))
    assert found["at_value"] <= min(cost(one) for one in np.linspace(0, 1, 201)) + 1e-12
    assert found["value"] < 0.5, "a missed row costs more than a false alarm"
    assert found["aim"] == "costs"


def test_where_all_are_equally_good_one_half_stays() -> None:
    truth, alike = np.array([0, 1, 0, 1]), np.full(4, 0.3)
    assert best_threshold(truth, alike, Threshold())["value"] == 0.5
    assert best_threshold(truth, np.array([0.1, 0.9, 0.2, 0.8]), Threshold())["value"] == 0.5


@settings(deadline=None)
@given(
    truth=st.lists(st.integers(0, 1), min_size=2, max_size=30).filter(lambda truth: len(set(truth)) == 2),
    seed=st.integers(0, 20),
    ends=st.sampled_from([(0.0, 1.0), (0.6, 0.9), (0.05, 0.3), (0.4, 0.4)]),
    aim=st.one_of(
        st.sampled_from(list(SCORINGS)).map(lambda name: Threshold(scoring=name)),
        st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)).map(
            lambda costs: Threshold(costs=ThresholdCosts(false_positive=costs[0], false_negative=costs[1]))
        ),
    ),
)
def test_no_way_to_part_the_rows_is_better_all_and_none_among_them(
    truth: list[int], seed: int, ends: tuple[float, float], aim: Threshold
) -> None:
    labels = np.array(truth)
    probabilities = np.random.default_rng(seed).uniform(*ends, len(labels)).round(2)

    found = best_threshold(labels, probabilities, aim)

    def merit(answers: Any) -> float:
        if aim.costs is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return float(SCORINGS[str(aim.scoring)](labels, answers))
        alarms, misses = (answers > labels).mean(), (answers < labels).mean()
        return -float(aim.costs.false_positive * alarms + aim.costs.false_negative * misses)

    ways = [(probabilities >= cut).astype(int) for cut in [*probabilities.tolist(), -1.0, 2.0]]
    own = merit((probabilities >= found["value"]).astype(int))
    assert own == pytest.approx(max(merit(answers) for answers in ways))
    assert found["at_value"] == pytest.approx(own if aim.costs is None else -own)
    assert 0 <= found["value"] <= np.nextafter(1, 2)


def test_a_threshold_may_say_all_and_may_say_none() -> None:
    truth = np.array([0, 1, 1, 0, 1, 1])
    probabilities = np.array([0.3, 0.2, 0.25, 0.35, 0.22, 0.2])
    everything = best_threshold(truth, probabilities, Threshold(scoring="f1"))
    assert everything["value"] <= probabilities.min()
    dear = Threshold(costs=ThresholdCosts(false_positive=50, false_negative=1))
    nothing = best_threshold(truth, probabilities + 0.64, dear)
    assert nothing["value"] > 0.99
    certain = best_threshold(np.array([0, 1, 0, 0]), np.array([1.0, 1.0, 1.0, 0.9]), dear)
    assert certain["value"] > 1, "a probability of 1 is not above 1"
    assert certain["at_value"] == 0.25


def test_a_threshold_is_much_like_scikit_learns() -> None:
    matrix, truth = make_classification(2000, 6, weights=[0.9], random_state=0)
    theirs = TunedThresholdClassifierCV(LogisticRegression(), scoring="balanced_accuracy", random_state=0)
    probabilities = cross_val_predict(LogisticRegression(), matrix, truth, method="predict_proba")[:, 1]

    found = best_threshold(truth, probabilities, Threshold())

    assert found["value"] == pytest.approx(theirs.fit(matrix, truth).best_threshold_, abs=0.1)


# --- models with a threshold ---


@pytest.mark.parametrize(
    "estimator", ["LogisticRegression", "RandomForestClassifier", "HistGradientBoostingClassifier"]
)
def test_answers_keep_to_the_threshold_on_every_path_and_after_storing(estimator: str) -> None:
    outcome = fit(estimator, threshold=Threshold(costs=ThresholdCosts(false_negative=20)))

    model = outcome.model
    threshold = model.signature.threshold
    assert threshold is not None
    assert outcome.threshold is not None
    assert outcome.threshold["value"] == threshold < 0.5
    payload = dump_model(model)
    loaded = load_model(payload, hashlib.sha256(payload).hexdigest(), library_versions(model.estimator), 2**30)
    rows = features()
    predicted = model.predict_frame(rows, True)
    assert predicted.probabilities is not None
    expected = [model.signature.classes[int(one >= threshold)] for one in predicted.probabilities[:, 1]]  # type: ignore[index]
    assert predicted.labels == expected
    assert expected != [model.signature.classes[int(one)] for one in predicted.probabilities.argmax(axis=1)]  # type: ignore[index]
    for each in (model, loaded):
        assert each.predict_frame(rows, False).labels == expected
        assert each.predict_rows(rows_of(rows), True).labels == expected
        single = [each.predict_rows([row], False).labels[0] for row in rows_of(rows.head(20))]
        assert single == expected[:20]
    np.testing.assert_array_equal(loaded.predict_frame(rows, True).probabilities, predicted.probabilities)  # type: ignore[arg-type]


def test_metrics_are_of_the_answers_by_the_threshold() -> None:
    outcome = fit("LogisticRegression", threshold=Threshold(costs=ThresholdCosts(false_negative=20)))

    scores = score(outcome.model, outcome.hold_out)

    assert outcome.metrics == scores.metrics
    truth = outcome.hold_out["label"].tolist()
    labels = outcome.model.predict_frame(outcome.hold_out.drop(columns="label"), False).labels
    assert outcome.metrics["accuracy"] == metrics.accuracy_score(truth, labels)


def test_a_threshold_is_between_two_classes_and_needs_probabilities() -> None:
    with pytest.raises(InvalidCommand, match="exactly two classes, and 'grade' has 3") as caught:
        fit("LogisticRegression", "grade", threshold=Threshold())
    assert caught.value.details[0]["where"] == "threshold"
    with pytest.raises(InvalidCommand, match="add calibration"):
        fit("LinearSVC", threshold=Threshold())
    assert fit("LinearSVC", threshold=Threshold(), calibration=Calibration()).model.signature.threshold is not None


def test_a_threshold_of_a_search_is_that_of_its_best() -> None:
    tuning = Search.model_validate({"method": "grid", "space": {"C": {"values": [0.01, 1.0]}}})
    searched = fit("LogisticRegression", tuning=tuning, threshold=Threshold())
    assert searched.choice is not None
    plain = fit("LogisticRegression", hyperparameters=searched.choice.hyperparameters, threshold=Threshold())

    assert searched.threshold == plain.threshold


# --- calibration ---


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("target", ["label", "grade"])
def test_a_calibrated_model_is_scikit_learns_and_can_be_stored(method: Any, target: str) -> None:
    outcome = fit("GaussianNB", target, calibration=Calibration(method=method))

    model = outcome.model
    payload = dump_model(model)
    loaded = load_model(payload, hashlib.sha256(payload).hexdigest(), library_versions(model.estimator), 2**30)
    rows = features()
    answers = [each.predict_frame(rows, True).probabilities for each in (model, loaded)]
    assert answers[0] is not None
    np.testing.assert_array_equal(answers[0], answers[1])
    assert type(model.estimator) is CalibratedClassifierCV
    assert len(model.estimator.calibrated_classifiers_) == 5


def test_calibrated_probabilities_are_closer_to_the_truth() -> None:
    plain, calibrated = fit("GaussianNB"), fit("GaussianNB", calibration=Calibration())

    losses = [each.metrics["log_loss"] for each in (plain, calibrated)]
    assert losses[0] is not None
    assert losses[1] is not None
    assert losses[1] < losses[0]


def test_weights_of_classes_are_those_of_the_estimator_inside() -> None:
    outcome = fit("LogisticRegression", calibration=Calibration(), class_weight="balanced")
    assert outcome.model.estimator.estimator.class_weight == "balanced"


@pytest.mark.parametrize(("estimator", "task"), [("Ridge", "regression"), ("KMeans", "clustering")])
def test_numbers_and_clusters_have_nothing_to_calibrate(estimator: str, task: Any) -> None:
    target = "price" if task == "regression" else None
    command = TrainModel.model_validate(
        {"model": "m", "dataset": "d", "target": target, "estimator": estimator, "calibration": {}, "threshold": {}}
    )

    with pytest.raises(InvalidCommand) as caught:
        check_training_task(command, task)

    assert [one["where"] for one in caught.value.details] == ["calibration", "threshold"]


def test_an_aim_is_one() -> None:
    with pytest.raises(ValidationError, match="give either scoring or costs"):
        Threshold(scoring="f1", costs=ThresholdCosts())
    with pytest.raises(ValidationError, match="both costs must be greater than 0"):
        Threshold(costs=ThresholdCosts(false_positive=0))
