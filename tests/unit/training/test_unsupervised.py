"""Outlier detection and clustering: what is learnt, measured and answered without a target."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as library

from modelbus.shared.contracts import ColumnSchema, HoldOut, TrainModel
from modelbus.shared.contracts.checks.command_checks import check_training_task
from modelbus.shared.contracts.metric_names import CLUSTERING_METRICS, OUTLIER_METRICS
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.shared.models.artifacts import dump_model, library_versions, load_model
from modelbus.shared.tabular.metrics.by_task import (
    score_clustering,
    score_outliers,
)
from modelbus.shared.tabular.metrics.grouping import SILHOUETTE_ROWS
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.scoring import score
from modelbus.trainer.catalogue.entries import catalogue, find_estimator
from modelbus.trainer.catalogue.making import make_estimator
from modelbus.trainer.rows.memory_estimates import estimate_memory
from tests.unit.tables import features, fit, rows_of, schema, table

RANDOM = np.random.default_rng(4)
DETECTORS = [record.name for record in catalogue() if record.task == "outlier_detection"]
CLUSTERERS = [record.name for record in catalogue() if record.task == "clustering"]
# seeds at each row take ten seconds
OPTIONS: dict[str, dict[str, Any]] = {"MeanShift": {"bin_seeding": True}}


def made(estimator: str, **changes: Any) -> Any:
    return fit(estimator, None, hyperparameters=OPTIONS.get(estimator, {}), **changes)


def stored(model: FittedModel) -> FittedModel:
    payload = dump_model(model)
    return load_model(payload, hashlib.sha256(payload).hexdigest(), library_versions(), 10**9)


def command(estimator: str, **changes: Any) -> TrainModel:
    return TrainModel(model="m", dataset="d", estimator=estimator, **changes)


def test_the_catalogue_has_those_that_can_answer_for_new_rows() -> None:
    assert DETECTORS == [
        "EllipticEnvelope",
        "IsolationForest",
        "LocalOutlierFactor",
        "OneClassSVM",
        "SGDOneClassSVM",
    ]
    assert CLUSTERERS == ["AffinityPropagation", "BisectingKMeans", "KMeans", "MeanShift", "MiniBatchKMeans"]
    for name in (*DETECTORS, *CLUSTERERS):
        assert hasattr(make_estimator(name, {}, 0), "predict"), name


def test_the_local_outlier_factor_always_judges_new_rows() -> None:
    assert make_estimator("LocalOutlierFactor", {}, 0).novelty is True
    assert "novelty" not in find_estimator("LocalOutlierFactor").allowed


@pytest.mark.parametrize("estimator", DETECTORS)
def test_a_detector_tells_outliers_as_its_estimator_does_stored_or_not(estimator: str) -> None:
    outcome = made(estimator)
    model = outcome.model
    matrix = model.encoder.transform(features())[0]
    expected = np.where(model.estimator.predict(matrix) == -1, "outlier", "inlier").tolist()
    scores = model.estimator.decision_function(matrix)

    for each in (model, stored(model)):
        answer = each.predict_frame(features(), False, has_scores=True)
        assert answer.labels == expected
        assert answer.scores is not None
        assert answer.scores.tobytes() == scores.tobytes()
        by_row = each.predict_rows(rows_of(features())[:3], False, has_scores=True)
        assert by_row.labels == expected[:3]
        assert by_row.scores == pytest.approx(scores[:3])
        assert [score < 0 for score in answer.scores] == [label == "outlier" for label in answer.labels]
    assert (model.signature.target, model.signature.classes) == (None, ["inlier", "outlier"])
    assert tuple(outcome.metrics) == OUTLIER_METRICS
    held_out = [expected[index] for index in outcome.hold_out_indices.tolist()]
    assert outcome.metrics["outlier_share"] == held_out.count("outlier") / len(held_out)


@pytest.mark.parametrize("estimator", CLUSTERERS)
def test_a_clusterer_tells_clusters_as_its_estimator_does_stored_or_not(estimator: str) -> None:
    outcome = made(estimator)
    model = outcome.model
    matrix = model.encoder.transform(features())[0]
    expected = model.estimator.predict(matrix).tolist()

    for each in (model, stored(model)):
        assert each.predict_frame(features(), False).labels == expected
        assert each.predict_rows(rows_of(features())[:3], False).labels == expected[:3]
    assert all(type(label) is int for label in model.predict_frame(features(), False).labels)
    assert (model.signature.target, model.signature.classes) == (None, None)
    assert tuple(outcome.metrics) == CLUSTERING_METRICS
    held_out = outcome.hold_out_indices
    labels = np.array(expected)[held_out]
    assert outcome.metrics["cluster_count"] == len(set(labels.tolist()))
    if outcome.metrics["silhouette"] is not None:
        assert outcome.metrics["silhouette"] == pytest.approx(library.silhouette_score(matrix[held_out], labels))


@pytest.mark.parametrize("estimator", [*DETECTORS, *CLUSTERERS])
def test_the_same_seed_gives_the_same_bits(estimator: str) -> None:
    one, same = (dump_model(made(estimator).model) for _ in range(2))
    answers = [
        load_model(each, hashlib.sha256(each).hexdigest(), library_versions(), 10**9).predict_frame(
            features(), False, has_scores=estimator in DETECTORS
        )
        for each in (one, same)
    ]
    assert answers[0].labels == answers[1].labels
    if answers[0].scores is not None and answers[1].scores is not None:
        assert answers[0].scores.tobytes() == answers[1].scores.tobytes()


def test_centres_are_added_up_in_one_order_so_that_they_are_the_same_to_the_last_bit() -> None:
    frame = pd.DataFrame({"x": RANDOM.normal(size=3000), "y": RANDOM.normal(size=3000)})
    columns = [ColumnSchema(name=name, type="real", missing=0, distinct=3000) for name in frame]
    fits = [fit("KMeans", None, frame=frame, features=columns).model.estimator for _ in range(3)]
    assert len({each.cluster_centers_.tobytes() for each in fits}) == 1
    assert fits[0]._n_threads == 1  # of the fit; kept for predictions


def test_clustering_metrics_are_scikit_learns() -> None:
    matrix, labels = RANDOM.normal(size=(300, 4)), RANDOM.integers(0, 5, 300)
    assert score_clustering(matrix, labels) == pytest.approx(
        {
            "silhouette": library.silhouette_score(matrix, labels),
            "calinski_harabasz": library.calinski_harabasz_score(matrix, labels),
            "davies_bouldin": library.davies_bouldin_score(matrix, labels),
            "cluster_count": 5,
        }
    )


def test_the_silhouette_of_many_rows_is_of_a_sample_that_stays_the_same() -> None:
    matrix, labels = RANDOM.normal(size=(SILHOUETTE_ROWS + 500, 2)), RANDOM.integers(0, 3, SILHOUETTE_ROWS + 500)
    found = score_clustering(matrix, labels)
    expected = library.silhouette_score(matrix, labels, sample_size=SILHOUETTE_ROWS, random_state=0)
    assert found["silhouette"] == pytest.approx(expected)
    assert found == score_clustering(matrix, labels)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3]], ids=["one cluster", "a cluster for each row"])
def test_clusters_that_cannot_be_told_apart_have_no_metric_but_their_number(labels: list[int]) -> None:
    found = score_clustering(RANDOM.normal(size=(4, 2)), labels)
    assert found == {
        "silhouette": None,
        "calinski_harabasz": None,
        "davies_bouldin": None,
        "cluster_count": len(set(labels)),
    }


def test_no_rows_have_no_metrics() -> None:
    assert set(score_clustering(np.empty((0, 2)), []).values()) == {None}
    assert score_outliers([]) == {"outlier_share": None}
    assert score_outliers(["inlier", "outlier", "inlier", "inlier"]) == {"outlier_share": 0.25}


def test_a_model_without_a_target_is_measured_on_any_rows_of_its_columns() -> None:
    clusters, outliers = (score(made(name).model, table()) for name in ("KMeans", "IsolationForest"))
    assert (clusters.confusion, outliers.confusion) == (None, None)
    assert (clusters.row_count, clusters.dropped_row_count) == (len(table()), 0)
    assert clusters.report.counts()["extra"]["label"] == len(table())
    assert outliers.predictions.labels.count("outlier") / len(table()) == outliers.metrics["outlier_share"]


def test_probabilities_and_scores_that_are_not_there_are_refused() -> None:
    forest, means = made("IsolationForest").model, made("KMeans").model
    with pytest.raises(InvalidCommand, match=r"IsolationForest has no probabilities: .*request scores"):
        forest.predict_frame(features(), True)
    with pytest.raises(InvalidCommand, match="KMeans has no probabilities: it assigns each row to a single cluster"):
        means.predict_frame(features(), True)
    with pytest.raises(InvalidCommand, match="KMeans has no decision scores; do not request them"):
        means.predict_frame(features(), False, has_scores=True)


def test_the_latest_rows_or_another_dataset_can_be_held_out() -> None:
    late = made("KMeans", hold_out=HoldOut(time_column="seen"), time_schema=schema("seen"))
    order = table()["seen"].to_numpy()
    assert order[late.train_indices].max() <= order[late.hold_out_indices].min()
    other = made("KMeans", hold_out=HoldOut(dataset="other"), hold_out_frame=features().head(50))
    assert other.row_count == len(table())
    assert other.metrics == score(other.model, features().head(50)).metrics


def test_rows_are_weighed_where_the_estimator_takes_weights() -> None:
    frame = table().assign(weight=np.arange(len(table()), dtype=float))
    plain, weighed = made("KMeans", frame=frame), made("KMeans", frame=frame, sample_weight="weight")
    centres = [each.model.estimator.cluster_centers_ for each in (plain, weighed)]
    assert centres[0].tobytes() != centres[1].tobytes()
    with pytest.raises(InvalidCommand, match="MeanShift does not accept sample weights"):
        made("MeanShift", frame=frame, sample_weight="weight")


def test_a_fit_that_finds_no_cluster_says_so() -> None:
    with pytest.raises(EstimatorRejected, match="did not converge to any cluster: raise max_iter"):
        fit("AffinityPropagation", None, hyperparameters={"max_iter": 1})


def test_a_tree_of_clusters_that_is_too_deep_to_be_stored_is_refused() -> None:
    frame = pd.DataFrame({"x": 1.5 ** np.arange(220)})
    columns = [ColumnSchema(name="x", type="real", missing=0, distinct=220)]
    with pytest.raises(EstimatorRejected, match=r"levels, and at most 100 can be stored: reduce n_clusters"):
        fit("BisectingKMeans", None, frame=frame, features=columns, hyperparameters={"n_clusters": 160})


def test_what_only_the_fit_used_is_not_stored() -> None:
    assert not hasattr(made("AffinityPropagation").model.estimator, "affinity_matrix_")
    assert not hasattr(made("BisectingKMeans").model.estimator, "_kmeans_single")


def test_a_column_of_names_is_told_and_gives_no_column_away() -> None:
    frame = table().assign(town=[f"id {number}" for number in range(len(table()))])
    warnings = made("KMeans", frame=frame).warnings
    assert any("'town' is unique in every row" in warning for warning in warnings)


@pytest.mark.parametrize("estimator", ["KMeans", "IsolationForest"])
@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"target": "label"}, "target"),
        ({"class_weight": "balanced"}, "class_weight"),
        ({"hold_out": {"is_stratified": True}}, "hold_out.is_stratified"),
        ({"cross_validation": {}}, "cross_validation"),
    ],
)
def test_what_only_a_target_gives_a_sense_is_refused(estimator: str, changes: dict[str, Any], place: str) -> None:
    task = find_estimator(estimator).record.task
    with pytest.raises(InvalidCommand, match=f"{estimator} performs {task}, which") as caught:
        check_training_task(command(estimator, **changes), task)
    assert [detail["where"] for detail in caught.value.details] == [place]
    check_training_task(command(estimator, hold_out={"is_stratified": False}), task)


def test_all_that_has_no_sense_is_told_at_once() -> None:
    with pytest.raises(InvalidCommand) as caught:
        check_training_task(command("KMeans", target="label", cross_validation={}), "clustering")
    assert [detail["where"] for detail in caught.value.details] == ["target", "cross_validation"]


def test_a_classifier_without_a_target_is_refused() -> None:
    with pytest.raises(InvalidCommand, match="requires a target"):
        check_training_task(command("GaussianNB"), "classification")
    with pytest.raises(InvalidCommand, match="GaussianNB needs a target"):
        fit("GaussianNB", None)
    with pytest.raises(InvalidCommand, match="KMeans learns without a target"):
        fit("KMeans", "label")
    with pytest.raises(InvalidCommand, match="KMeans does clustering, not outlier_detection"):
        fit("KMeans", None, task="outlier_detection")


def test_matrices_of_all_rows_by_all_rows_are_counted() -> None:
    column = ColumnSchema(name="a", type="real", missing=0, distinct=100)
    plain, pairwise = (estimate_memory(name, [column], 10_000, 0) for name in ("KMeans", "AffinityPropagation"))
    assert pairwise.minimum_bytes - plain.minimum_bytes == 6 * 10_000**2 * 8
