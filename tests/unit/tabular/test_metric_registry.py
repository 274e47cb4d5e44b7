"""One registry of metrics: rows and formulas belong together, and one formula serves everything that measures."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as library

from modelbus.shared.contracts.base import TASKS, Task
from modelbus.shared.contracts.commands.explanation import IMPORTANCE_METRICS
from modelbus.shared.contracts.metric_names import (
    METRIC_TABLE,
    PRIMARY_METRICS,
    THRESHOLD_METRICS,
    MetricEntry,
    is_higher_better,
    metrics_for,
    metrics_of_kind,
)
from modelbus.shared.tabular.metrics.classification import Labelled, PreparedLabels, ranking_of
from modelbus.shared.tabular.metrics.measured import Formula
from modelbus.shared.tabular.metrics.registry import METRICS, joined, measure_all
from modelbus.shared.tabular.metrics.threshold_metrics import threshold_metrics
from modelbus.trainer.tuning.objectives import objective_of
from tests.unit.tabular.test_metric_grid import quiet

Array = np.ndarray[Any, Any]


def averaged(function: Callable[..., Any], average: str) -> Callable[..., float]:
    return lambda true, answers, _: function(true, answers, average=average, zero_division=0)


def of_labels(function: Callable[..., Any]) -> Callable[..., float]:
    return lambda true, answers, _: function(true, answers)


def area(true: Array, _answers: Array, probabilities: Array) -> float:
    if probabilities.shape[1] == 2:
        return float(library.roc_auc_score(true, probabilities[:, 1]))
    codes = np.arange(probabilities.shape[1])
    return float(library.roc_auc_score(true, probabilities, multi_class="ovr", labels=codes))


def precision(true: Array, _answers: Array, probabilities: Array) -> float:
    codes = np.arange(probabilities.shape[1])
    if len(np.unique(true)) < len(codes):
        return math.nan
    if len(codes) == 2:
        return float(library.average_precision_score(true, probabilities[:, 1]))
    return float(library.average_precision_score(true[:, None] == codes, probabilities))


def loss(function: Callable[..., Any]) -> Callable[..., float]:
    return lambda true, _, probabilities: function(true, probabilities, labels=np.arange(probabilities.shape[1]))


SEARCHED: dict[str, Callable[..., float]] = {
    "accuracy": of_labels(library.accuracy_score),
    "balanced_accuracy": of_labels(library.balanced_accuracy_score),
    "precision_macro": averaged(library.precision_score, "macro"),
    "precision_weighted": averaged(library.precision_score, "weighted"),
    "recall_macro": averaged(library.recall_score, "macro"),
    "recall_weighted": averaged(library.recall_score, "weighted"),
    "f1_macro": averaged(library.f1_score, "macro"),
    "f1_weighted": averaged(library.f1_score, "weighted"),
    "matthews_correlation": of_labels(library.matthews_corrcoef),
    "cohen_kappa": of_labels(library.cohen_kappa_score),
    "log_loss": loss(library.log_loss),
    "brier_score": loss(library.brier_score_loss),
    "roc_auc": area,
    "average_precision": precision,
}
ROUNDED = {"cohen_kappa"}
"""Of these scikit-learn's own last bits are rounding: it sums up a matrix of products, and here two sums suffice."""


@st.composite
def drawn_rows(draw: st.DrawFn) -> tuple[Array, Array, Array]:
    """Class codes, answers and probabilities; classes may lack rows, and scores may be tied."""
    class_count = draw(st.integers(2, 6))
    count = draw(st.integers(2, 400))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = random.integers(0, draw(st.integers(1, class_count)), count)
    raw = random.dirichlet(np.ones(class_count), count) + np.eye(class_count)[truth] * random.random((count, 1))
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    if draw(st.booleans()):
        probabilities[: count // 2] = probabilities[0]
    return truth, probabilities.argmax(axis=1), probabilities


@settings(max_examples=60, deadline=None)
@given(drawn_rows())
def test_a_search_scores_by_scikit_learns_figures_to_the_last_bit(rows: tuple[Array, Array, Array]) -> None:
    wrong = {}
    for name, function in SEARCHED.items():
        found = objective_of(name, "classification").score(*rows)
        expected = quiet(function, *rows)
        if name in ROUNDED and found is not None:
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-14), name
        elif found is None or found != expected:
            wrong[name] = (found, expected)
    assert {name: pair for name, pair in wrong.items() if not (pair[0] is None and math.isnan(pair[1]))} == {}


def test_every_searched_metric_of_classes_is_compared() -> None:
    assert SEARCHED.keys() == set(metrics_for("search", "classification"))


@settings(max_examples=60, deadline=None)
@given(drawn_rows())
def test_a_search_and_an_evaluation_measure_alike(rows: tuple[Array, Array, Array]) -> None:
    truth, answers, probabilities = rows
    count = probabilities.shape[1]
    evaluated = measure_all("classification", PreparedLabels(Labelled(range(count), count, *rows)).weighed()).values
    for name in metrics_for("search", "classification"):
        assert objective_of(name, "classification").score(truth, answers, probabilities) == evaluated[name], name


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 80), st.booleans())
def test_a_metric_by_threshold_is_the_metric_of_the_labels_from_it_on(seed: int, count: int, is_weighted: bool) -> None:
    random = np.random.default_rng(seed)
    true = random.permutation(np.arange(count) % 2)
    scores = random.integers(0, 8, count) / 8
    weights = random.gamma(2, size=count) if is_weighted else np.ones(count)
    ranking = ranking_of(Labelled([False, True], 2, true, true, scores=scores))
    assert ranking is not None
    counts = ranking.cumulate(weights)
    names = (*THRESHOLD_METRICS, *metrics_for("threshold_search"))
    by_threshold = threshold_metrics(
        counts.true_positives,
        counts.false_positives,
        counts.negatives - counts.false_positives,
        counts.positives - counts.true_positives,
        names,
    )
    for position, threshold in enumerate(counts.thresholds):
        rows = Labelled([False, True], 2, true, (scores >= threshold).astype(np.int64))
        found = measure_all("classification", PreparedLabels(rows).weighed(weights)).values
        for name in names:
            value = found[name]
            expected = math.nan if value is None else value
            assert by_threshold[name][position] == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


def test_a_row_without_a_formula_and_a_formula_without_a_row_are_refused() -> None:
    formula: Formula[Any] = Formula(lambda _: 0.0)
    table = [MetricEntry("one", "regression"), MetricEntry("other", "regression")]
    assert list(joined(table, {"regression": {"other": formula, "one": formula}})) == ["one", "other"]
    with pytest.raises(LookupError, match="missing for other of regression"):
        joined(table, {"regression": {"one": formula}})
    with pytest.raises(LookupError, match="missing for third of clustering"):
        joined(table, {"regression": {"one": formula, "other": formula}, "clustering": {"third": formula}})
    with pytest.raises(LookupError, match="twice"):
        joined([*table, table[0]], {"regression": {"one": formula, "other": formula}})


def test_a_metric_has_the_facts_of_its_row() -> None:
    assert list(METRICS) == [entry.name for entry in METRIC_TABLE]
    loss_metric = METRICS["log_loss"]
    assert (loss_metric.tasks, loss_metric.is_higher_better, loss_metric.needs_probabilities) == (
        ("classification",),
        False,
        True,
    )
    assert METRICS["agreement"].tasks == ("outlier_detection", "clustering")
    assert [is_higher_better(name) for name in ("r2", "max_error", "cluster_count", "unheard_of")] == [
        True,
        False,
        None,
        None,
    ]


def test_what_is_chosen_by_a_metric_is_chosen_by_one_that_has_a_direction() -> None:
    assert [entry.name for entry in METRIC_TABLE if entry.uses and entry.is_higher_better is None] == []
    thresholds = {*metrics_for("threshold_table"), *metrics_for("threshold_search")}
    assert [name for name in thresholds if not is_higher_better(name) or METRICS[name].needs_probabilities] == []


@pytest.mark.parametrize("task", TASKS)
def test_the_primary_metric_of_a_task_is_one_that_is_searched_by_and_the_default_of_importance(task: Task) -> None:
    primary = PRIMARY_METRICS.get(task)
    assert primary is None or primary in metrics_for("search", task)
    assert IMPORTANCE_METRICS[task][0] == (primary if task in ("classification", "regression") else "agreement")
    assert set(IMPORTANCE_METRICS[task]) <= {*metrics_of_kind(task), "agreement"}


DOCUMENT = Path(__file__).parents[3] / "docs/evaluation.md"
ROW = re.compile(r"^\| `(\w+)` \| (more|less|neither) \| ([\w, ]*?) ?\| (.+?) \|", re.MULTILINE)
DOCUMENTED_USES = {
    "search": "search",
    "importance": "importance",
    "threshold_table": "thresholds",
    "threshold_search": "chosen threshold",
}


def test_the_documentation_has_a_row_for_each_metric_with_its_direction_and_its_uses() -> None:
    directions = {True: "more", False: "less", None: "neither"}
    expected = [
        (entry.name, directions[entry.is_higher_better], ", ".join(DOCUMENTED_USES[use] for use in entry.uses))
        for entry in METRIC_TABLE
    ]
    assert [row[:3] for row in ROW.findall(DOCUMENT.read_text())] == expected
