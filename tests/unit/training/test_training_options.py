"""What can be said of a training: weights, hold-outs, cross-validation, progress."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import StratifiedKFold, TimeSeriesSplit
from sklearn.utils.class_weight import compute_sample_weight

from modelbus.shared.contracts import ColumnSchema, CrossValidation, HoldOut
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.catalogue.making import make_estimator
from modelbus.trainer.fitting.fit_progress import FitReporter
from modelbus.trainer.fitting.stepping import fit_in_steps
from tests.unit.tables import features, fit, schema, table
from tests.waiting import wait_until

MATRIX = np.random.default_rng(0).normal(size=(150, 5))
CODES = (MATRIX[:, 0] + MATRIX[:, 1] > 0).astype(np.int64)


def answers(outcome: Any) -> bytes:
    predictions = outcome.model.predict_frame(features(), outcome.model.has_probabilities)
    return b"" if predictions.probabilities is None else bytes(predictions.probabilities.tobytes())


# --- weights ---


def test_a_weight_of_nothing_takes_a_row_out() -> None:
    frame = table().assign(weight=[0.0 if number % 2 else 1.0 for number in range(len(table()))])
    weighted = fit("LinearRegression", "price", frame=frame, sample_weight="weight", features=[schema("visits")])
    kept = frame.iloc[weighted.train_indices]
    kept = kept[kept["weight"] > 0]
    matrix = weighted.model.encoder.transform(kept)[0]
    by_hand = make_estimator("LinearRegression", {}, 0).fit(matrix, kept["price"])

    np.testing.assert_allclose(weighted.model.estimator.coef_, by_hand.coef_)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0, None], "row 1 has no weight"),
        ([1.0, -2.0], "row 1 has the weight -2"),
        (["1", "much"], "row 1 has 'much'"),
        ([0, 0], "all weights are 0"),
    ],
)
def test_a_column_that_holds_no_weights_is_refused_by_its_row(weights: list[Any], words: str) -> None:
    frame = table().assign(weight=pd.Series(weights * (len(table()) // 2), dtype=object))

    with pytest.raises(InvalidCommand) as caught:
        fit("Ridge", "price", frame=frame, sample_weight="weight")

    assert words in caught.value.message
    assert caught.value.details[0]["where"] == "sample_weight"


def test_an_estimator_that_takes_no_weights_says_so() -> None:
    frame = table().assign(weight=1.0)
    with pytest.raises(InvalidCommand, match="KNeighborsClassifier does not accept sample weights"):
        fit("KNeighborsClassifier", frame=frame, sample_weight="weight")
    with pytest.raises(InvalidCommand, match="accepts neither class weights nor sample weights"):
        fit("KNeighborsClassifier", class_weight="balanced")
    with pytest.raises(InvalidCommand, match="Ridge does not learn classes"):
        fit("Ridge", "price", class_weight="balanced")


@pytest.mark.parametrize(
    "estimator", ["LogisticRegression", "RandomForestClassifier", "GaussianNB", "GradientBoostingClassifier"]
)
def test_class_weights_are_the_estimators_own_or_those_of_the_rows(estimator: str) -> None:
    plain, weighted = fit(estimator), fit(estimator, class_weight={"yes": 50})

    counts = [each.model.predict_frame(features(), False).labels.count("yes") for each in (plain, weighted)]
    assert counts[1] > counts[0]
    with pytest.raises(InvalidCommand, match="class_weight names maybe"):
        fit(estimator, class_weight={"maybe": 2})


def test_balanced_classes_weigh_as_scikit_learn_has_it() -> None:
    outcome = fit("GaussianNB", "grade", class_weight="balanced")
    rows = table().iloc[outcome.train_indices]
    weights = compute_sample_weight("balanced", rows["grade"])
    matrix = outcome.model.encoder.transform(rows)[0]
    by_hand = make_estimator("GaussianNB", {}, 0).fit(matrix, rows["grade"] - 1, sample_weight=weights)

    # target means differ between fitting and serving; all other columns are the same
    plain = [place for place, name in enumerate(outcome.model.encoder.feature_names_out) if "fraction of" not in name]
    np.testing.assert_allclose(outcome.model.estimator.theta_[:, plain], by_hand.theta_[:, plain])


# --- hold-outs ---


def test_the_latest_rows_can_be_held_out() -> None:
    outcome = fit("Ridge", "price", hold_out=HoldOut(time_column="since"), time_schema=schema("since"))

    trained = table()["since"].iloc[outcome.train_indices]
    held_out = table()["since"].iloc[outcome.hold_out_indices]
    assert len(held_out) == 48
    assert trained.max() <= held_out.min()
    assert not held_out.isna().any()
    assert trained.isna().any()


def test_only_what_has_an_order_tells_the_time() -> None:
    with pytest.raises(InvalidCommand, match="'plan' must be a date or a number, not text") as caught:
        fit("Ridge", "price", hold_out=HoldOut(time_column="plan"), time_schema=schema("plan"))

    assert caught.value.details[0]["where"] == "hold_out.time_column"


def test_another_dataset_can_be_measured_on() -> None:
    other = table(seed=4)

    outcome = fit("Ridge", "price", hold_out=HoldOut(dataset="other"), hold_out_frame=other)

    assert (outcome.row_count, len(outcome.hold_out_indices)) == (len(table()), 0)
    labels = outcome.model.predict_frame(other, False).labels
    assert outcome.metrics["r2"] == r2_score(other["price"], labels)
    assert outcome.metrics == score(outcome.model, outcome.hold_out).metrics


# --- cross-validation ---


def test_cross_validation_measures_each_part_by_a_model_of_the_others() -> None:
    outcome = fit(
        "RandomForestClassifier", cross_validation=CrossValidation(folds=3), hyperparameters={"n_estimators": 5}
    )
    assert outcome.cross_validation is not None
    values = outcome.cross_validation["metrics"]["accuracy"]["values"]

    rows = table().iloc[outcome.train_indices].reset_index(drop=True)
    by_hand = []
    for train, held_out in StratifiedKFold(3, shuffle=True, random_state=3).split(rows, rows["label"]):
        part = rows.iloc[held_out]
        fresh = fit(
            "RandomForestClassifier",
            frame=rows.iloc[train].reset_index(drop=True),
            hold_out=HoldOut(dataset="part"),
            hold_out_frame=part,
            hyperparameters={"n_estimators": 5},
        )
        by_hand.append(accuracy_score(part["label"], fresh.model.predict_frame(part, False).labels))

    assert values == by_hand
    summary = outcome.cross_validation["metrics"]["accuracy"]
    assert (summary["mean"], summary["standard_deviation"]) == (np.mean(values), np.std(values))
    assert outcome.cross_validation["folds"] == 3


def test_cross_validation_changes_nothing_else() -> None:
    plain, validated = fit("MLPClassifier"), fit("MLPClassifier", cross_validation=CrossValidation(folds=2))

    assert answers(plain) == answers(validated)
    assert plain.metrics == validated.metrics


def test_with_a_time_column_each_part_is_measured_by_the_earlier_ones() -> None:
    plan = {"hold_out": HoldOut(time_column="seen"), "time_schema": schema("seen")}

    outcome = fit("DummyRegressor", "price", cross_validation=CrossValidation(folds=3), **plan)

    rows = table().iloc[outcome.train_indices]
    assert rows["seen"].is_monotonic_increasing
    prices = rows["price"].to_numpy()
    expected = [
        np.abs(prices[held_out] - prices[train].mean()).mean() for train, held_out in TimeSeriesSplit(3).split(prices)
    ]
    assert outcome.cross_validation is not None
    np.testing.assert_allclose(outcome.cross_validation["metrics"]["mean_absolute_error"]["values"], expected)


@pytest.mark.parametrize(
    ("estimator", "given"),
    [
        ("GaussianNB", {"class_weight": {"late": 5.0}}),
        ("LogisticRegression", {"class_weight": {"late": 5.0}}),
        ("LogisticRegression", {"hyperparameters": {"class_weight": {"late": 5.0}}}),
    ],
)
def test_a_class_that_is_weighed_may_be_absent_from_a_part(estimator: str, given: dict[str, Any]) -> None:
    frame = table().sort_values("seen", ignore_index=True)
    frame["label"] = frame["label"].where(frame.index < len(frame) * 0.6, "late")
    plan = {"hold_out": HoldOut(time_column="seen"), "time_schema": schema("seen")}

    outcome = fit(estimator, frame=frame, cross_validation=CrossValidation(folds=4), **plan, **given)

    assert outcome.cross_validation is not None
    values = outcome.cross_validation["metrics"]["accuracy"]["values"]
    assert len(values) == 4
    assert all(0 <= value <= 1 for value in values)


@pytest.mark.parametrize("estimator", ["GaussianNB", "RandomForestClassifier"])
def test_a_class_that_a_part_has_not_learnt_has_the_probability_0_there(estimator: str) -> None:
    frame = table().sort_values("seen", ignore_index=True)
    frame["label"] = frame["label"].where(frame.index < len(frame) * 0.6, "a late one")  # the first of the classes
    plan = {"hold_out": HoldOut(time_column="seen"), "time_schema": schema("seen")}

    outcome = fit(estimator, frame=frame, cross_validation=CrossValidation(folds=4), **plan)

    rows = frame.iloc[outcome.train_indices].reset_index(drop=True)
    [(train, held_out), *_] = TimeSeriesSplit(4).split(rows)
    part = rows.iloc[held_out]
    assert set(part["label"]) == {"no", "yes"}
    fresh = fit(estimator, frame=rows.iloc[train], hold_out=HoldOut(dataset="part"), hold_out_frame=part)
    assert outcome.cross_validation is not None
    values = outcome.cross_validation["metrics"]
    assert values["log_loss"]["values"][0] == pytest.approx(fresh.metrics["log_loss"])
    assert values["roc_auc"]["values"][0] is None  # of the late class there is no row


def test_too_few_rows_for_so_many_parts_are_refused() -> None:
    frame = pd.DataFrame({"x": range(12), "y": ["a", "b"] * 6})
    column = ColumnSchema(name="x", type="integer", missing=0, distinct=1)
    text = ColumnSchema(name="y", type="text", missing=0, distinct=2)

    with pytest.raises(EstimatorRejected, match="10 folds need at least 20 training rows"):
        fit(
            "GaussianNB",
            "y",
            frame=frame,
            features=[column],
            target_schema=text,
            cross_validation=CrossValidation(folds=10),
        )


# --- steps and progress ---


@pytest.mark.parametrize(
    ("estimator", "hyperparameters"),
    [
        ("RandomForestClassifier", {"n_estimators": 33, "max_features": 2}),
        ("ExtraTreesClassifier", {"n_estimators": 20, "bootstrap": True, "max_samples": 0.5}),
        ("RandomForestRegressor", {"n_estimators": 47, "min_samples_leaf": 3}),
        ("ExtraTreesRegressor", {"n_estimators": 21}),
        ("GradientBoostingClassifier", {"n_estimators": 30, "subsample": 0.5}),
        ("GradientBoostingRegressor", {"n_estimators": 30, "n_iter_no_change": 5}),
    ],
)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_what_is_fitted_in_steps_is_what_is_fitted_at_once(
    estimator: str, hyperparameters: dict[str, Any], is_weighted: bool
) -> None:
    weights = np.linspace(0.1, 2, len(CODES)) if is_weighted else None
    steps: list[tuple[int, int]] = []
    stepped, whole = (make_estimator(estimator, hyperparameters, 9) for _ in range(2))

    fit_in_steps(stepped, MATRIX, CODES, weights, lambda done, total: steps.append((done, total)))
    whole.fit(MATRIX, CODES, sample_weight=weights)

    assert stepped.predict(MATRIX).tobytes() == whole.predict(MATRIX).tobytes()
    assert stepped.get_params() == whole.get_params()
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert all(total == hyperparameters["n_estimators"] for _, total in steps)


@pytest.mark.parametrize("changes", [{"class_weight": "balanced"}, {"oob_score": True}, {"n_estimators": 5}])
def test_a_forest_that_cannot_grow_is_fitted_at_once(changes: dict[str, Any]) -> None:
    steps: list[int] = []
    forest = make_estimator("RandomForestClassifier", changes, 9)

    fit_in_steps(forest, MATRIX, CODES, None, lambda done, _: steps.append(done))

    assert steps == []
    assert len(forest.estimators_) == changes.get("n_estimators", 100)


def test_progress_goes_forward_and_names_parts_and_steps() -> None:
    told: list[tuple[float | None, str]] = []

    fit(
        "GradientBoostingClassifier",
        cross_validation=CrossValidation(folds=2),
        report=lambda share, message: told.append((share, message)),
    )

    shares = [share for share, _ in told if share is not None]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    messages = " | ".join(message for _, message in told)
    assert "cross-validating, fold 2 of 2: fitting GradientBoostingClassifier on 96 rows" in messages
    assert "fitting GradientBoostingClassifier on 192 rows" in messages
    assert "measuring" in messages


def test_a_reporter_tells_time_steps_and_what_is_left() -> None:
    told: list[tuple[float | None, str]] = []
    reporter = FitReporter(lambda share, message: told.append((share, message)), "fitting", 0.2, 0.6)

    with reporter.running() as on_step:
        on_step(25, 100)
        wait_until(lambda: len(told) >= 2, "the reporter tells of the steps", 10)

    assert told[0] == (0.2, "fitting")
    share, message = told[1]
    assert share == pytest.approx(0.3)
    assert message.startswith("fitting: ")
    assert "step 25 of 100, about " in message
