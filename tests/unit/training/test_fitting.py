"""Fitting: splits, what cannot be learnt, warnings, repeatability."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score

from modelbus.shared.contracts import ColumnSchema, HoldOut
from modelbus.shared.errors import EstimatorRejected, InvalidCommand, JobOutOfMemory
from tests.unit.tables import TYPES, features, fit, schema, table


def column(name: str, kind: Any) -> ColumnSchema:
    return ColumnSchema(name=name, type=kind, missing=0, distinct=1)


def fit_small(target: list[Any], kind: Any, estimator: str = "DecisionTreeClassifier", **changes: Any) -> Any:
    frame = pd.DataFrame(
        {"x": np.arange(len(target), dtype=float), "y": pd.Series(target, dtype=changes.pop("dtype", None))}
    )
    given = {"frame": frame, "features": [column("x", "real")], "target_schema": column("y", kind), **changes}
    return fit(estimator, "y", **given)


def test_the_parts_are_disjoint_and_the_metrics_are_of_the_stored_model() -> None:
    outcome = fit("RandomForestClassifier", hyperparameters={"n_estimators": 10})
    train, hold_out = set(outcome.train_indices.tolist()), set(outcome.hold_out_indices.tolist())
    assert not train & hold_out
    assert len(train | hold_out) == len(table())
    assert len(hold_out) == 48
    assert outcome.row_count == len(train)
    rows = table().iloc[outcome.hold_out_indices]
    labels = outcome.model.predict_frame(rows, False).labels
    assert outcome.metrics["accuracy"] == accuracy_score(rows["label"], labels)
    assert outcome.fit_s > 0


def test_regression_is_measured_on_the_hold_out() -> None:
    outcome = fit("Ridge", "price")
    rows = table().iloc[outcome.hold_out_indices]
    assert outcome.metrics["r2"] == r2_score(rows["price"], outcome.model.predict_frame(rows, False).labels)
    assert outcome.model.signature.classes is None


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        ("RandomForestClassifier", "grade"),
        ("MLPRegressor", "price"),
        ("SGDClassifier", "label"),
        ("BaggingRegressor", "price"),
    ],
)
def test_the_same_seed_gives_the_same_bits_and_another_seed_another_split(estimator: str, target: str) -> None:
    one, same, other = (fit(estimator, target, seed=seed) for seed in (1, 1, 2))
    answers = [outcome.model.predict_frame(features(), outcome.model.has_probabilities) for outcome in (one, same)]
    assert answers[0].labels == answers[1].labels
    if answers[0].probabilities is not None and answers[1].probabilities is not None:
        assert answers[0].probabilities.tobytes() == answers[1].probabilities.tobytes()
    assert one.metrics == same.metrics
    assert one.train_indices.tolist() == same.train_indices.tolist() != other.train_indices.tolist()


def test_the_encoder_never_sees_the_held_out_rows() -> None:
    outcome = fit("GaussianNB")
    changed = table().copy()
    held_out = changed.index[outcome.hold_out_indices]
    changed.loc[held_out, "plan"] = "only here"
    changed.loc[held_out, "amount"] = 1e9
    again = fit("GaussianNB", frame=changed)
    assert again.model.encoder.feature_names_out == outcome.model.encoder.feature_names_out
    matrices = [each.model.encoder.transform(features())[0] for each in (outcome, again)]
    assert matrices[0].tobytes() == matrices[1].tobytes()


def test_rows_without_a_target_are_left_out_and_told() -> None:
    frame = table().copy()
    frame.loc[frame.index[:40], "label"] = None
    outcome = fit("GaussianNB", frame=frame)
    assert "40 rows without a target were left out" in outcome.warnings
    assert not set(range(40)) & (set(outcome.train_indices.tolist()) | set(outcome.hold_out_indices.tolist()))
    assert len(outcome.train_indices) + len(outcome.hold_out_indices) == len(frame) - 40


def test_classes_keep_their_share_unless_told_otherwise() -> None:
    labels = ["rare"] * 20 + ["common"] * 180
    outcome = fit_small(labels, "text")
    assert sum(labels[index] == "rare" for index in outcome.hold_out_indices.tolist()) == 4
    loose = fit_small(labels, "text", hold_out=HoldOut(is_stratified=False), seed=5)
    assert len(loose.hold_out_indices) == 40


def test_a_class_with_one_row_prevents_stratifying_only_where_it_must_be_whole() -> None:
    labels = ["once"] + ["a", "b"] * 20
    outcome = fit_small(labels, "text", seed=0)
    assert len(outcome.hold_out_indices) == 9
    assert outcome.held_out.method == "partly_stratified"
    with pytest.raises(InvalidCommand, match="cannot be stratified: a class has one row only"):
        fit_small(labels, "text", hold_out=HoldOut(is_stratified=True))
    with pytest.raises(InvalidCommand, match="cannot be stratified: the target is a number"):
        fit("Ridge", "price", hold_out=HoldOut(is_stratified=True))


def test_a_class_that_is_only_held_out_is_told_and_counts_as_an_error() -> None:
    labels = ["once"] + ["a", "b"] * 20
    at_random = HoldOut(is_stratified=False)
    told = [fit_small(labels, "text", seed=seed, hold_out=at_random) for seed in range(12)]
    without = [outcome for outcome in told if 0 in outcome.hold_out_indices]
    assert without
    for outcome in without:
        assert outcome.model.signature.classes == ["a", "b"]
        assert any("once" in warning for warning in outcome.warnings)
        assert outcome.metrics["log_loss"] is None
        assert outcome.metrics["accuracy"] < 1


@pytest.mark.parametrize(
    ("target", "kind", "estimator", "error", "words"),
    [
        ([None] * 20, "text", "GaussianNB", EstimatorRejected, "has no value in any row"),
        (["a"] * 20, "text", "GaussianNB", EstimatorRejected, "one class only, 'a'"),
        (["a", "b"], "text", "GaussianNB", EstimatorRejected, "too few"),
        ([1.0, 2.0], "real", "Ridge", EstimatorRejected, "too few"),
        (["a", "b"] * 10, "text", "Ridge", InvalidCommand, "is text, and Ridge learns numbers; take a classifier"),
        (
            [1.5 * n for n in range(40)],
            "real",
            "GaussianNB",
            EstimatorRejected,
            "40 different values.*take a regressor",
        ),
        (list(range(40)), "integer", "GaussianNB", EstimatorRejected, "take a regressor"),
        ([f"id {n}" for n in range(40)], "text", "GaussianNB", EstimatorRejected, "holds no classes"),
        ([2**60, 2**60 + 1] * 10, "integer", "GaussianNB", EstimatorRejected, "not kept exactly"),
        (["a", "b"] * 10, "empty", "GaussianNB", InvalidCommand, "no value in any row"),
        (["2020-01-01", "2021-01-01"] * 10, "datetime", "GaussianNB", InvalidCommand, "a date is neither"),
        (["1", "x"] * 10, "real", "Ridge", EstimatorRejected, "values that are not a number, such as 'x'"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_refused_clearly(
    target: list[Any], kind: Any, estimator: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        fit_small(target, kind, estimator)


def test_a_task_the_estimator_does_not_do_is_refused() -> None:
    with pytest.raises(InvalidCommand, match="Ridge does regression, not classification"):
        fit("Ridge", "price", task="classification")
    assert fit("GaussianNB", task="classification").model.signature.task == "classification"


def test_columns_the_dataset_lacks_are_named() -> None:
    with pytest.raises(InvalidCommand, match="no column 'town', 'plan'") as caught:
        fit("GaussianNB", features=[schema(name) for name in ("town", "plan")], frame=table()[["label"]])
    assert [detail["where"] for detail in caught.value.details] == ["features.town", "features.plan"]
    with pytest.raises(InvalidCommand, match="is among the features"):
        fit("GaussianNB", features=[schema("label")])
    with pytest.raises(InvalidCommand, match="no column to predict from"):
        fit("GaussianNB", features=[])


def test_features_that_never_vary_are_refused() -> None:
    with pytest.raises(EstimatorRejected, match="no feature varies"):
        fit("GaussianNB", features=[schema("country"), schema("nothing")])


def test_an_estimators_refusal_is_quoted_with_its_name() -> None:
    with pytest.raises(
        EstimatorRejected,
        match=r"LogisticRegression rejected the data or the hyperparameters: Solver lbfgs supports only",
    ) as caught:
        fit("LogisticRegression", hyperparameters={"l1_ratio": 1.0, "solver": "lbfgs", "C": 1.0, "dual": True})
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(EstimatorRejected, match=r"QuadraticDiscriminantAnalysis rejected .*not full rank"):
        fit("QuadraticDiscriminantAnalysis")


def test_a_fit_that_runs_out_of_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_arguments: Any, **_options: Any) -> None:
        raise MemoryError("Unable to allocate 8.00 GiB")

    monkeypatch.setattr("sklearn.naive_bayes.GaussianNB.fit", exhausted)
    with pytest.raises(JobOutOfMemory, match="GaussianNB needs more memory"):
        fit("GaussianNB")


def test_warnings_of_the_fit_are_kept_once_each() -> None:
    outcome = fit("MLPClassifier", hyperparameters={"max_iter": 2})
    [warning] = [each for each in outcome.warnings if each.startswith("ConvergenceWarning")]
    assert "\n" not in warning


def test_deprecations_are_not_the_users_business() -> None:
    assert fit("LogisticRegressionCV").warnings == []
    assert fit("PassiveAggressiveClassifier").warnings == []


def test_a_text_column_that_is_different_in_every_row_is_told() -> None:
    frame = table().assign(town=[f"id {number}" for number in range(len(table()))])
    assert any("'town' is unique in every row" in warning for warning in fit("GaussianNB", frame=frame).warnings)
    assert not any("is unique" in warning for warning in fit("GaussianNB").warnings)


def test_class_weights_are_given_by_label() -> None:
    plain, weighted = (
        fit("LogisticRegression", hyperparameters=given) for given in ({}, {"class_weight": {"yes": 1000, "no": 1}})
    )
    counts = [outcome.model.predict_frame(features(), False).labels.count("yes") for outcome in (plain, weighted)]
    assert counts[1] > counts[0]
    assert fit(
        "RidgeClassifier", "flag", hyperparameters={"class_weight": {"true": 2}}
    ).model.estimator.class_weight == {0: 1, 1: 2}
    grades = fit("RidgeClassifier", "grade", hyperparameters={"class_weight": {"3": 2}}).model.estimator
    assert grades.class_weight == {0: 1, 1: 1, 2: 2}
    with pytest.raises(InvalidCommand, match=r"class_weight names maybe.*their classes are no, yes"):
        fit("LogisticRegression", hyperparameters={"class_weight": {"maybe": 1}})


def test_a_constant_is_given_by_label() -> None:
    given = {"strategy": "constant", "constant": "no"}
    assert set(fit("DummyClassifier", hyperparameters=given).model.predict_frame(features(), False).labels) == {"no"}
    with pytest.raises(InvalidCommand, match="constant names perhaps"):
        fit("DummyClassifier", hyperparameters={**given, "constant": "perhaps"})
    with pytest.raises(InvalidCommand, match="constant names True"):
        fit("DummyClassifier", "grade", hyperparameters={**given, "constant": True})
    number = fit("DummyRegressor", "price", hyperparameters={"strategy": "constant", "constant": 7.5})
    assert set(number.model.predict_frame(features(), False).labels) == {7.5}


def test_an_outlier_label_is_given_by_label() -> None:
    given = {"radius": 0.001, "outlier_label": "yes"}
    outcome = fit("RadiusNeighborsClassifier", hyperparameters=given)
    assert outcome.model.estimator.outlier_label == 1


def test_estimators_of_counts_get_features_that_are_not_negative() -> None:
    for estimator in ("MultinomialNB", "ComplementNB"):
        model = fit(estimator).model
        assert model.encoder.transform(features())[0].min() >= 0


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "classes"),
    [
        ([True, False, None] * 10, "boolean", "boolean", [False, True]),
        ([1, 2, None] * 10, "Int64", "integer", [1, 2]),
        ([1, 2, None] * 10, "float64", "integer", [1, 2]),
        ([1, 0] * 15, "int64", "boolean", [False, True]),
        (["1", "0"] * 15, "str", "text", ["0", "1"]),
        ([0.5, 1.5] * 15, "float64", "real", [0.5, 1.5]),
    ],
)
def test_targets_of_any_dtype_keep_their_labels(values: list[Any], dtype: str, kind: Any, classes: list[Any]) -> None:
    found = fit_small(values, kind, dtype=dtype).model.signature.classes
    assert found == classes
    assert [type(label) for label in found] == [type(label) for label in classes]


def test_the_signature_says_what_the_model_takes() -> None:
    signature = fit("GaussianNB").model.signature
    assert [(each.name, each.type, each.date_format) for each in signature.columns] == [
        (name, *kind) for name, kind in TYPES.items()
    ]
    assert (signature.target, signature.task, signature.classes) == ("label", "classification", ["no", "yes"])
