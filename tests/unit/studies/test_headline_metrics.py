"""Which metrics are printed first, and the baseline beside them: what scikit-learn's own constant models score."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as skm

from modelbus.commands.metrics.constant_baselines import baselines_of_evaluation, baselines_of_version
from modelbus.commands.metrics.headlines import LIMIT, headline_metrics
from modelbus.gateway.description.examples import EVALUATION, VERSION
from modelbus.shared.contracts import TASKS, EvaluationRecord, VersionRecord
from modelbus.shared.contracts.metric_names import METRIC_TABLE, PRIMARY_METRICS

TRUTH = np.array(["no"] * 70 + ["yes"] * 30)
SCORES = np.linspace(0, 1, 100)
PREDICTED = np.where(SCORES > 0.6, "yes", "no")
PRIOR = np.tile([0.7, 0.3], (100, 1))


def version(task: str, metrics: dict[str, Any], **more: Any) -> VersionRecord:
    signature = {**VERSION["signature"], "task": task, "classes": more.pop("classes", None)}
    return VersionRecord.model_validate({**VERSION, "metrics": metrics, "signature": signature, **more})


def class_metrics() -> dict[str, float | None]:
    loss, constant_loss = skm.log_loss(TRUTH, np.c_[1 - SCORES, SCORES]), skm.log_loss(TRUTH, PRIOR)
    return {
        "accuracy": skm.accuracy_score(TRUTH, PREDICTED),
        "balanced_accuracy": skm.balanced_accuracy_score(TRUTH, PREDICTED),
        "recall": skm.recall_score(TRUTH, PREDICTED, pos_label="yes"),
        "specificity": skm.recall_score(TRUTH, PREDICTED, pos_label="no"),
        "log_loss": loss,
        "d2_log_loss": 1 - loss / constant_loss,
        "roc_auc": skm.roc_auc_score(TRUTH, SCORES),
        "average_precision": skm.average_precision_score(TRUTH, SCORES, pos_label="yes"),
        "f1": skm.f1_score(TRUTH, PREDICTED, pos_label="yes"),
        "roc_auc_ovo": None,
    }


def constant_scores() -> dict[str, float]:
    constant = np.full(100, "no")
    return {
        "accuracy": skm.accuracy_score(TRUTH, constant),
        "balanced_accuracy": skm.balanced_accuracy_score(TRUTH, constant),
        "log_loss": skm.log_loss(TRUTH, PRIOR),
        "d2_log_loss": 0.0,
        "roc_auc": skm.roc_auc_score(TRUTH, np.zeros(100)),
        "average_precision": skm.average_precision_score(TRUTH, np.zeros(100), pos_label="yes"),
    }


@pytest.mark.parametrize("task", TASKS)
def test_the_primary_metric_comes_first_and_five_or_six_are_shown(task: str) -> None:
    defined = {entry.name: 0.5 for entry in METRIC_TABLE if task in entry.tasks or task == "outlier_detection"}
    shown = headline_metrics(task, defined)
    assert 5 <= len(shown) <= LIMIT
    assert len(set(shown)) == len(shown)
    assert shown[0] == PRIMARY_METRICS.get(task, "outlier_share")  # type: ignore[call-overload]


def test_what_is_not_defined_makes_room_and_what_is_compared_by_is_shown() -> None:
    metrics = {"balanced_accuracy": 0.5, "roc_auc": None, "accuracy": 0.5, "f1_micro": 0.5, "cohen_kappa": 0.1}
    assert headline_metrics("classification", metrics) == ["balanced_accuracy", "accuracy"]
    also = ["cohen_kappa", None, "roc_auc", "costs"]
    assert headline_metrics("classification", metrics, also) == ["balanced_accuracy", "cohen_kappa", "accuracy"]
    assert headline_metrics(None, metrics) == ["balanced_accuracy", "accuracy", "f1_micro", "cohen_kappa"]
    assert headline_metrics("regression", {}) == []


def test_baselines_of_two_classes_are_those_of_a_constant() -> None:
    found = baselines_of_version(version("classification", class_metrics(), classes=["no", "yes"]))
    assert found == pytest.approx(constant_scores())
    counts = skm.confusion_matrix(TRUTH, PREDICTED).tolist()
    record = {
        **EVALUATION, "task": "classification", "metrics": class_metrics(), "positive_class": "yes",
        "confusion": {"labels": ["no", "yes"], "counts": counts, "fractions": counts},
    }  # fmt: skip
    assert baselines_of_evaluation(EvaluationRecord.model_validate(record)) == pytest.approx(constant_scores())
    turned = EvaluationRecord.model_validate({**record, "positive_class": "no"})
    assert baselines_of_evaluation(turned)["average_precision"] == pytest.approx(0.7)


def test_shares_that_cannot_be_told_give_no_baseline() -> None:
    same = {**class_metrics(), "recall": 0.8, "specificity": 0.8}
    found = baselines_of_version(version("classification", same, classes=["no", "yes"]))
    assert "accuracy" not in found
    assert found["balanced_accuracy"] == 0.5


def test_more_classes_share_what_balanced_accuracy_a_constant_has() -> None:
    held_out = {"method": "partly_stratified", "row_count": 9, "unmeasured_classes": ["d"], "unmeasured_class_count": 1}
    metrics = {"balanced_accuracy": 0.9, "mean_per_class_error": 0.1, "accuracy": 0.9, "average_precision": 0.9}
    found = baselines_of_version(version("classification", metrics, classes=list("abcd"), held_out=held_out))
    assert found == pytest.approx(
        {"balanced_accuracy": 1 / 3, "mean_per_class_error": 2 / 3, "average_precision": 1 / 3}
    )


def test_baselines_of_numbers_are_those_of_the_mean_and_the_median() -> None:
    truth = np.array([1.0, 2.0, 3.0, 10.0])
    predicted = np.array([1.5, 2.0, 2.0, 8.0])
    figures = {
        "r2": skm.r2_score(truth, predicted),
        "mean_squared_error": skm.mean_squared_error(truth, predicted),
        "root_mean_squared_error": skm.root_mean_squared_error(truth, predicted),
        "mean_absolute_error": skm.mean_absolute_error(truth, predicted),
        "d2_absolute_error": skm.d2_absolute_error_score(truth, predicted),
        "max_error": skm.max_error(truth, predicted),
    }
    mean, median = np.full(4, truth.mean()), np.full(4, np.median(truth))
    assert baselines_of_version(version("regression", figures)) == pytest.approx(
        {
            "r2": 0.0,
            "mean_squared_error": skm.mean_squared_error(truth, mean),
            "root_mean_squared_error": skm.root_mean_squared_error(truth, mean),
            "mean_absolute_error": skm.mean_absolute_error(truth, median),
            "d2_absolute_error": 0.0,
        }
    )


def test_a_perfect_prediction_has_no_baseline_of_its_loss() -> None:
    assert baselines_of_version(version("regression", {"r2": 1.0, "mean_squared_error": 0.0})) == {"r2": 0.0}


def test_clusters_have_no_baseline() -> None:
    assert baselines_of_version(version("clustering", {"silhouette": 0.4, "cluster_count": 3.0})) == {}
