"""Every metric equals scikit-learn's own function on the same arrays, over tasks and awkward cases."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as library
from sklearn.exceptions import UndefinedMetricWarning

from modelbus.shared.contracts.metric_names import (
    AVERAGES,
    CLASSIFICATION_METRICS,
    GROUPING_METRICS,
    REGRESSION_METRICS,
)
from modelbus.shared.tabular.metrics.by_task import CONFUSION_LIMIT, confusion, score_classification
from modelbus.shared.tabular.metrics.classification import Labelled, PreparedLabels, labelled
from modelbus.shared.tabular.metrics.grouping import GroupedRows
from modelbus.shared.tabular.metrics.measured import Measured
from modelbus.shared.tabular.metrics.registry import measure_all
from modelbus.shared.tabular.metrics.regression import NumberPairs, summarize_residuals

Array = np.ndarray[Any, Any]


def quiet(function: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    """A metric of scikit-learn's; NaN where it refuses, or warns that it is not defined."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            value = float(function(*arguments, **options))
        except (ValueError, ZeroDivisionError):
            return math.nan
    is_undefined = any(issubclass(one.category, UndefinedMetricWarning) for one in caught)
    return math.nan if is_undefined and options.get("zero_division") != 0 else value


def agree(found: float | None, expected: float) -> bool:
    if found is None or math.isnan(expected):
        return found is None and math.isnan(expected)
    return found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def measure_labels(rows: Labelled, weights: Array | None = None, *, is_repeated: bool = False) -> Measured:
    return measure_all("classification", PreparedLabels(rows, is_repeated=is_repeated).weighed(weights))


@dataclass(frozen=True)
class Case:
    """Labels, and what was predicted."""

    classes: list[Any]
    truth: list[Any]
    labels: list[Any]
    shares: Array | None


def drawn(
    count: int, classes: list[Any], seed: int, *, of: list[Any] | None = None, decimals: int | None = None
) -> Case:
    """Random rows, better than chance; ``of``: the classes that occur; ``decimals``: so that many rows are tied."""
    random = np.random.default_rng(seed)
    codes = random.choice([classes.index(label) for label in of or classes], count)
    raw = random.dirichlet(np.ones(len(classes)), count) + np.eye(len(classes))[codes] * random.random((count, 1))
    shares = raw / raw.sum(axis=1, keepdims=True)
    if decimals is not None:
        # of two classes each cell is rounded alike, so that rows still sum up to 1
        first = shares[:, :1].round(decimals)
        shares = np.hstack([first, 1 - first]) if len(classes) == 2 else shares
    labels = [classes[code] for code in shares.argmax(axis=1)]
    return Case(classes, [classes[code] for code in codes], labels, shares)


def certain(classes: list[Any], truth: list[Any], labels: list[Any]) -> Case:
    """Probabilities of 0 and 1."""
    return Case(classes, truth, labels, np.eye(len(classes))[[classes.index(label) for label in labels]])


CASES = {
    "two classes": drawn(300, ["no", "yes"], 1),
    "two classes, many ties": drawn(300, ["no", "yes"], 2, decimals=1),
    "booleans": drawn(80, [False, True], 3),
    "numbers as classes": drawn(120, [1, 2, 3], 4),
    "seven classes": drawn(500, list("abcdefg"), 5),
    "two rows": drawn(2, ["a", "b"], 18),
    "one row": drawn(1, ["a", "b"], 7),
    "one class only is true": drawn(60, ["a", "b"], 8, of=["b"]),
    "three classes, one only is true": drawn(60, list("abc"), 9, of=["c"]),
    "three classes, one is missing": drawn(90, list("abc"), 10, of=["a", "c"]),
    "one class": Case(["a"], ["a"] * 5, ["a"] * 5, np.ones((5, 1))),
    "constant prediction": certain(["a", "b"], ["a", "b", "a", "b", "b"], ["a"] * 5),
    "constant prediction of three": certain(list("abc"), list("abcabcc"), ["b"] * 7),
    "always right": certain(list("abc"), list("abcabc"), list("abcabc")),
    "always wrong": certain(["a", "b"], list("abab"), list("baba")),
    "no probabilities": Case(["a", "b"], list("ababb"), list("abbab"), None),
    "rare class": certain(["a", "b"], [*"a" * 99, "b"], ["a"] * 100),
}
WEIGHTED = [name for name, case in CASES.items() if len(case.truth) > 2]


def expected_labels(case: Case, weights: Array | None) -> dict[str, float]:
    codes = {label: code for code, label in enumerate([*case.classes, *sorted({*case.truth} - {*case.classes})])}
    true, labels = [codes[label] for label in case.truth], [codes[label] for label in case.labels]
    given = {"sample_weight": weights}
    found = {
        "accuracy": quiet(library.accuracy_score, true, labels, **given),
        "balanced_accuracy": quiet(library.balanced_accuracy_score, true, labels, **given),
        "mean_per_class_error": 1 - quiet(library.balanced_accuracy_score, true, labels, **given),
        "matthews_correlation": quiet(library.matthews_corrcoef, true, labels, **given),
        "cohen_kappa": quiet(library.cohen_kappa_score, true, labels, **given),
    }
    averaged: dict[str, Callable[..., Any]] = {
        "precision": library.precision_score,
        "recall": library.recall_score,
        "f1": library.f1_score,
        "f0point5": lambda *pair, **options: library.fbeta_score(*pair, beta=0.5, **options),
        "f2": lambda *pair, **options: library.fbeta_score(*pair, beta=2, **options),
    }
    for name, function in averaged.items():
        for average in AVERAGES:
            found[f"{name}_{average}"] = quiet(function, true, labels, average=average, zero_division=0, **given)
        found[name] = math.nan
        if len(case.classes) == 2:
            found[name] = quiet(function, np.equal(true, 1), np.equal(labels, 1), average="binary", **given)
    found["specificity"] = math.nan
    if len(case.classes) == 2:
        found["specificity"] = quiet(library.recall_score, np.not_equal(true, 1), np.not_equal(labels, 1), **given)
    return found


def expected_probabilities(case: Case, weights: Array | None) -> dict[str, float]:
    names = set(CLASSIFICATION_METRICS) - expected_labels(case, weights).keys()
    if case.shares is None or {*case.truth} - {*case.classes}:
        return dict.fromkeys(names, math.nan)
    true, count = [case.classes.index(label) for label in case.truth], len(case.classes)
    codes, given = list(range(count)), {"sample_weight": weights}
    found = dict.fromkeys(names, math.nan)
    if count > 1:
        found["log_loss"] = quiet(library.log_loss, true, case.shares, labels=codes, **given)
        found["d2_log_loss"] = quiet(library.d2_log_loss_score, true, case.shares, labels=codes, **given)
        found["brier_score"] = quiet(library.brier_score_loss, true, case.shares, labels=codes, **given)
        found["d2_brier_score"] = quiet(library.d2_brier_score, true, case.shares, labels=codes, **given)
    if len({*true}) == 1:  # scikit-learn divides by the loss of the shares, which is 0 but for rounding
        found |= {"d2_log_loss": math.nan, "d2_brier_score": math.nan}
    if count == 1:
        found |= {"log_loss": -math.log(1 - np.finfo(float).eps), "brier_score": 0.0}
    for top in (2, 3, 5):
        if top < count:
            found[f"top_{top}_accuracy"] = quiet(
                library.top_k_accuracy_score, true, case.shares, k=top, labels=codes, **given
            )
    if count == 2:
        found |= expected_ranks(np.equal(true, 1), case.shares[:, 1], weights)
    elif count > 2:
        areas: dict[str, Any] = {"multi_class": "ovr", "labels": codes, **given}
        found["roc_auc"] = quiet(library.roc_auc_score, true, case.shares, **areas)
        found["roc_auc_ovr_weighted"] = quiet(library.roc_auc_score, true, case.shares, average="weighted", **areas)
        if len({*true}) == count:
            found["average_precision"] = quiet(library.average_precision_score, true, case.shares, **given)
        pairs: dict[str, Any] = {"multi_class": "ovo", "labels": codes}
        found["roc_auc_ovo"] = quiet(library.roc_auc_score, true, case.shares, **pairs)
        found["roc_auc_ovo_weighted"] = quiet(library.roc_auc_score, true, case.shares, average="weighted", **pairs)
    return found


def expected_ranks(is_positive: Array, scores: Array, weights: Array | None) -> dict[str, float]:
    if len(set(is_positive.tolist())) < 2:
        return dict.fromkeys(("roc_auc", "average_precision", "gini", "ks_statistic"), math.nan)
    area = quiet(library.roc_auc_score, is_positive, scores, sample_weight=weights)
    false, true, _ = library.roc_curve(is_positive, scores, sample_weight=weights, drop_intermediate=False)
    return {
        "roc_auc": area,
        "average_precision": quiet(library.average_precision_score, is_positive, scores, sample_weight=weights),
        "gini": 2 * area - 1,
        "ks_statistic": float(np.abs(true - false).max()),
    }


def check(case: Case, weights: Array | None) -> None:
    expected = expected_labels(case, weights) | expected_probabilities(case, weights)
    rows = labelled(case.truth, case.labels, case.classes, case.shares)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure_labels(rows, weights)
    if weights is not None:
        # scikit-learn averages no pairs of classes with weights, so there is nothing to compare with
        for name in ("roc_auc_ovo", "roc_auc_ovo_weighted"):
            expected[name] = found.values[name] if found.values[name] is not None else math.nan
    wrong = {
        name: (found.values[name], expected[name]) for name in expected if not agree(found.values[name], expected[name])
    }
    assert wrong == {}
    assert tuple(found.values) == CLASSIFICATION_METRICS
    assert found.undefined.keys() == {name for name, value in found.values.items() if value is None}
    assert all(found.undefined.values())


@pytest.mark.parametrize("name", CASES)
def test_metrics_of_classes_are_scikit_learns(name: str) -> None:
    check(CASES[name], None)


@pytest.mark.parametrize("name", WEIGHTED)
def test_weighted_metrics_of_classes_are_scikit_learns(name: str) -> None:
    case = CASES[name]
    check(case, np.random.default_rng(3).gamma(2, size=len(case.truth)))


@pytest.mark.parametrize("name", WEIGHTED)
def test_a_whole_weight_is_the_same_as_the_row_so_many_times(name: str) -> None:
    case = CASES[name]
    weights = np.random.default_rng(4).integers(0, 4, len(case.truth)).astype(float)
    weights[0] = 1
    rows = labelled(case.truth, case.labels, case.classes, case.shares)
    repeated = np.repeat(np.arange(len(case.truth)), weights.astype(int))
    by_weight = measure_labels(rows, weights)
    by_rows = measure_labels(rows.part(repeated))
    for metric, value in by_rows.values.items():
        assert agree(by_weight.values[metric], math.nan if value is None else value), metric


@pytest.mark.parametrize("name", ["seven classes", "three classes, one is missing", "numbers as classes"])
def test_measuring_again_and_again_gives_the_same_but_for_pairs(name: str) -> None:
    case = CASES[name]
    rows, weights = labelled(case.truth, case.labels, case.classes, case.shares), np.ones(len(case.truth))
    once, again = (measure_labels(rows, weights, is_repeated=each).values for each in (False, True))
    assert {metric for metric in once if once[metric] != again[metric]} <= {"roc_auc_ovo", "roc_auc_ovo_weighted"}


@pytest.mark.parametrize(
    "case",
    [
        Case(["a", "b"], ["a", "b", "new", "new"], list("abab"), np.full((4, 2), 0.5)),
        Case(list("abc"), ["a", "b", "c", "x", "y"], list("abcaa"), np.full((5, 3), 1 / 3)),
        Case(["a", "b"], ["x", "x"], ["a", "b"], None),
    ],
    ids=["two", "three", "none known"],
)
def test_unseen_labels_count_as_errors_and_leave_no_probabilities_to_measure(case: Case) -> None:
    check(case, None)


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ([[0.5, np.nan], [0.4, 0.6]], "not finite"),
        ([[0.5, 0.7], [0.4, 0.6]], "do not add up to 1"),
        ([[-0.5, 1.5], [0.4, 0.6]], "below 0"),
    ],
)
def test_faulty_probabilities_are_told_and_not_measured(shares: list[list[float]], reason: str) -> None:
    rows = labelled(["a", "b"], ["a", "b"], ["a", "b"], np.array(shares))
    found = measure_labels(rows)
    assert reason in found.undefined["log_loss"]
    assert found.values["accuracy"] == 1


def test_two_classes_without_probabilities_are_ranked_by_decision_scores() -> None:
    case = CASES["two classes"]
    assert case.shares is not None
    scores = np.log(case.shares[:, 1] / case.shares[:, 0])
    found = score_classification(case.truth, case.labels, None, case.classes, scores=scores)
    assert found["roc_auc"] == pytest.approx(library.roc_auc_score(np.equal(case.truth, "yes"), scores))
    assert found["log_loss"] is None


def test_a_confusion_matrix_of_very_many_labels_holds_the_most_frequent() -> None:
    truth = [f"l{number:04d}" for number in range(1500)] + ["common"] * 10
    found = confusion(truth, ["common"] * len(truth), ["common"])
    assert len(found["labels"]) == CONFUSION_LIMIT
    assert found["labels"][0] == "common"
    assert sum(map(sum, found["counts"])) + found["left_out"] == len(truth)


RANDOM = np.random.default_rng(0)
POSITIVE = RANDOM.gamma(2, size=200) + 0.1
NUMBERS = {
    "any sign": (RANDOM.normal(size=200), RANDOM.normal(size=200)),
    "positive": (POSITIVE, POSITIVE * RANDOM.uniform(0.5, 2, 200)),
    "counts with zeros": (RANDOM.poisson(1, 200).astype(float), RANDOM.gamma(2, size=200) + 0.1),
    "perfect": (POSITIVE, POSITIVE.copy()),
    "constant prediction": (POSITIVE, np.full(200, 2.0)),
    "constant truth": (np.full(50, 3.0), RANDOM.normal(3, size=50)),
    "constant truth, perfect": (np.full(50, 3.0), np.full(50, 3.0)),
    "one row": (np.array([1.0]), np.array([2.0])),
    "two rows": (np.array([1.0, 2.0]), np.array([2.0, 3.0])),
    "zeros": (np.zeros(5), np.zeros(5)),
    "huge": (np.array([1e200, -1e200, 3.0]), np.array([-1e200, 1e200, 3.0])),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "r2": library.r2_score,
    "explained_variance": library.explained_variance_score,
    "mean_absolute_error": library.mean_absolute_error,
    "mean_squared_error": library.mean_squared_error,
    "root_mean_squared_error": library.root_mean_squared_error,
    "median_absolute_error": library.median_absolute_error,
    "mean_absolute_percentage_error": library.mean_absolute_percentage_error,
    "mean_squared_log_error": library.mean_squared_log_error,
    "root_mean_squared_log_error": library.root_mean_squared_log_error,
    "mean_poisson_deviance": library.mean_poisson_deviance,
    "mean_gamma_deviance": library.mean_gamma_deviance,
    "d2_absolute_error": library.d2_absolute_error_score,
    "d2_poisson_deviance": lambda *pair, **options: library.d2_tweedie_score(*pair, power=1, **options),
    "d2_gamma_deviance": lambda *pair, **options: library.d2_tweedie_score(*pair, power=2, **options),
}


@pytest.mark.parametrize("is_weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", NUMBERS)
def test_metrics_of_numbers_are_scikit_learns(name: str, is_weighted: bool) -> None:
    true, predicted = NUMBERS[name]
    weights = RANDOM.gamma(2, size=len(true)) if is_weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure_all("regression", NumberPairs(true, predicted, weights))
    scale = np.abs(true) + np.abs(predicted)
    errors = [2 * abs(a - b) / c if c else 0.0 for a, b, c in zip(true, predicted, scale, strict=True)]
    expected = {name: quiet(each, true, predicted, sample_weight=weights) for name, each in FUNCTIONS.items()}
    expected["max_error"] = quiet(library.max_error, true, predicted)
    expected["symmetric_mean_absolute_percentage_error"] = float(np.average(errors, weights=weights))
    for metric in ("d2_absolute_error", "d2_poisson_deviance", "d2_gamma_deviance"):
        if len(set(true.tolist())) == 1:  # scikit-learn says 0, 1 or minus infinity: there is nothing to explain
            expected[metric] = math.nan
    finite = {metric: value if math.isfinite(value) else math.nan for metric, value in expected.items()}
    assert {m: (found.values[m], finite[m]) for m in finite if not agree(found.values[m], finite[m])} == {}
    assert tuple(found.values) == REGRESSION_METRICS
    assert found.undefined.keys() == {metric for metric, value in found.values.items() if value is None}


def test_a_prediction_that_is_not_finite_leaves_no_metric_and_says_so() -> None:
    found = measure_all("regression", NumberPairs(np.array([1.0, 2.0]), np.array([1.0, np.nan])))
    assert set(found.values.values()) == {None}
    assert set(found.undefined.values()) == {"1 row has no finite prediction"}
    assert set(summarize_residuals(np.array([1.0, np.nan])).values()) == {None}


def test_residuals_are_summarized() -> None:
    residuals = RANDOM.normal(size=101)
    found = summarize_residuals(residuals)
    assert (found["mean"], found["median"]) == (pytest.approx(residuals.mean()), pytest.approx(np.median(residuals)))
    assert (found["minimum"], found["maximum"]) == (residuals.min(), residuals.max())


@pytest.mark.parametrize(
    ("groups", "clusters"),
    [
        (RANDOM.integers(0, 4, 200), RANDOM.integers(0, 5, 200)),
        (np.arange(50) % 3, (np.arange(50) % 3 + 1) % 3),
        (np.zeros(10, int), np.zeros(10, int)),
        (np.zeros(10, int), np.arange(10)),
        (np.zeros(1, int), np.zeros(1, int)),
    ],
    ids=["random", "same under other names", "one group", "a cluster for each row", "one row"],
)
def test_metrics_of_groups_are_scikit_learns(groups: Array, clusters: Array) -> None:
    found = measure_all("grouping", GroupedRows(groups, clusters))
    expected = {name: quiet(getattr(library, f"{name}_score"), groups, clusters) for name in GROUPING_METRICS}
    assert {m: (found.values[m], expected[m]) for m in expected if not agree(found.values[m], expected[m])} == {}


def test_no_rows_have_no_groups() -> None:
    assert set(measure_all("grouping", GroupedRows(np.array([], int), np.array([], int))).values.values()) == {None}
