"""Outlier detection and clustering, by either door: trained, checked, asked, measured, trained again."""

import csv
import io
from typing import Any

import pytest

from tests.e2e.api import Api, fresh
from tests.e2e.doors import Door
from tests.e2e.tables import heaps

CLUSTERING_METRICS = {"silhouette", "calinski_harabasz", "davies_bouldin", "cluster_count"}
NEAR, FAR = {"x": 0.1, "y": -0.2, "town": "town 3"}, {"x": 500.0, "y": -500.0, "town": "town 3"}


@pytest.fixture(scope="module")
def heap_dataset(api: Api) -> str:
    """Three heaps."""
    return api.dataset(heaps(), "heaps")


@pytest.fixture(scope="module")
def cluster_model(api: Api, heap_dataset: str) -> str:
    """A model that finds the heaps."""
    return trained(api, heap_dataset, "KMeans", hyperparameters={"n_clusters": 3}, features=["x", "y"])


@pytest.fixture(scope="module")
def outlier_model(api: Api, heap_dataset: str) -> str:
    """A model that finds what is far from the heaps."""
    return trained(api, heap_dataset, "IsolationForest", exclude=["heap"])


def trained(api: Api, dataset: str, estimator: str, **changes: Any) -> str:
    """The name of a new model without a target."""
    answer = api.post(
        "/models?wait=60", {"model": fresh("model"), "dataset": dataset, "estimator": estimator, **changes}
    )
    assert answer.status == 201, answer
    return str(answer.document["version"]["model"])


def training(dataset: str, estimator: str, **changes: Any) -> dict[str, Any]:
    return {
        "command": "TrainModel",
        "model": fresh("model"),
        "dataset": dataset,
        "estimator": estimator,
        "exclude": ["heap"],
        **changes,
    }


def table_of(api: Api, door: Door, model: str, dataset: str, **changes: Any) -> tuple[dict[str, Any], list[Any]]:
    """What became of a dataset's prediction, and its table."""
    outcome = door.send({"command": "PredictDataset", "model": model, "dataset": dataset, **changes})
    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    job = api.get("/jobs?command=PredictDataset&limit=1").document["jobs"][0]
    text = api.get(f"/predictions/{job['correlation_id']}/content?format=csv").body.decode()
    return outcome.result, list(csv.DictReader(io.StringIO(text)))


def test_clusters_are_learnt_without_a_target(door: Door, heap_dataset: str) -> None:
    outcome = door.send(
        training(heap_dataset, "KMeans", hyperparameters={"n_clusters": 3}, features=["x", "y"]) | {"exclude": None}
    )

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    version = outcome.result["version"]
    signature = version["signature"]
    assert (signature["task"], signature["target"], signature["classes"]) == ("clustering", None, None)
    assert version["metrics"].keys() == CLUSTERING_METRICS
    assert version["metrics"]["cluster_count"] == 3
    assert version["metrics"]["silhouette"] > 0.7
    assert (version["row_count"], version["cross_validation"]) == (240, None)
    assert version["specification"]["target"] is None


def test_outliers_are_learnt_without_a_target(door: Door, heap_dataset: str) -> None:
    outcome = door.send(training(heap_dataset, "IsolationForest", task="outlier_detection"))

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    version = outcome.result["version"]
    signature = version["signature"]
    assert (signature["task"], signature["target"]) == ("outlier_detection", None)
    assert signature["classes"] == ["inlier", "outlier"]
    assert [column["name"] for column in signature["columns"]] == ["x", "y", "town"]
    assert version["metrics"].keys() == {"outlier_share"}
    assert 0 <= version["metrics"]["outlier_share"] < 1


@pytest.mark.parametrize(
    ("estimator", "task", "classes"),
    [("MiniBatchKMeans", "clustering", None), ("LocalOutlierFactor", "outlier_detection", ["inlier", "outlier"])],
)
def test_a_training_can_be_checked_first(
    door: Door, heap_dataset: str, estimator: str, task: str, classes: list[str] | None
) -> None:
    outcome = door.send({**training(heap_dataset, estimator), "command": "CheckTraining"})

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    assert (outcome.result["task"], outcome.result["classes"]) == (task, classes)
    assert outcome.result["features"] == ["x", "y", "town"]
    assert (outcome.result["row_count"], outcome.result["hold_out_row_count"]) == (240, 60)
    assert outcome.result["encoded_feature_count"] == 3  # 60 towns are one column: their shares


def test_an_estimator_that_only_groups_what_it_is_given_is_left_out_with_its_reason(
    door: Door, heap_dataset: str
) -> None:
    outcome = door.send(training(heap_dataset, "DBSCAN"))

    assert (outcome.status, outcome.code) == ("failed", "unknown_estimator")
    assert outcome.message is not None
    assert "cannot assign new rows" in outcome.message


def test_a_row_is_answered_with_its_clusters_number(door: Door, cluster_model: str) -> None:
    rows = [{"x": 0, "y": 0}, {"x": "10", "y": 10}, {"x": 20, "y": None}, {"x": 0.5, "y": 0}]

    outcome = door.send({"command": "Predict", "model": cluster_model, "rows": rows})

    assert outcome.result is not None, outcome
    clusters = outcome.result["predictions"]
    assert all(type(cluster) is int and 0 <= cluster < 3 for cluster in clusters)
    assert (clusters[0], len(set(clusters[:3]))) == (clusters[3], 3)
    assert outcome.result["report"] == {"coerced": {"x": 1}, "missing": {"y": 1}}


def test_a_row_is_answered_with_outlier_or_inlier_and_how_far_out_it_is(door: Door, outlier_model: str) -> None:
    rows = [NEAR, FAR, {**NEAR, "town": "elsewhere"}]

    outcome = door.send({"command": "Predict", "model": outlier_model, "rows": rows, "has_scores": True})

    assert outcome.result is not None, outcome
    assert outcome.result["predictions"][:2] == ["inlier", "outlier"]
    assert outcome.result["classes"] == ["inlier", "outlier"]
    scores = outcome.result["scores"]
    assert scores[1] < 0 <= scores[0]
    assert outcome.result["report"] == {"unseen": {"town": 1}}


@pytest.mark.parametrize("asked", ["has_probabilities", "has_scores"])
def test_what_a_clusterer_does_not_tell_is_refused(
    door: Door, cluster_model: str, heap_dataset: str, asked: str
) -> None:
    for what in ({"command": "Predict", "rows": [NEAR]}, {"command": "PredictDataset", "dataset": heap_dataset}):
        outcome = door.send({**what, "model": cluster_model, asked: True})

        assert (outcome.status, outcome.code, outcome.places) == ("failed", "invalid_command", (asked,))


def test_probabilities_of_outliers_are_refused(door: Door, outlier_model: str) -> None:
    outcome = door.send({"command": "Predict", "model": outlier_model, "rows": [NEAR], "has_probabilities": True})

    assert (outcome.code, outcome.places) == ("invalid_command", ("has_probabilities",))
    assert outcome.message is not None
    assert "request scores" in outcome.message


def test_a_dataset_is_answered_with_clusters(api: Api, door: Door, cluster_model: str, heap_dataset: str) -> None:
    result, rows = table_of(api, door, cluster_model, heap_dataset)

    assert result["row_count"] == len(rows) == 300
    by_heap = [{row["prediction"] for row in rows[start::3]} for start in range(3)]
    assert sorted(map(len, by_heap)) == [1, 1, 1]
    assert set().union(*by_heap) == {"0", "1", "2"}
    assert result["report"]["extra"] == {"town": 300, "heap": 300}


def test_a_dataset_is_answered_with_outliers_and_scores(
    api: Api, door: Door, outlier_model: str, heap_dataset: str
) -> None:
    _, rows = table_of(api, door, outlier_model, heap_dataset, has_scores=True)

    assert list(rows[0]) == ["row", "prediction", "score"]
    assert {row["prediction"] for row in rows} == {"inlier", "outlier"}
    assert all((float(row["score"]) < 0) == (row["prediction"] == "outlier") for row in rows)


def test_versions_without_a_target_are_measured_on_any_dataset_of_their_columns(
    api: Api, door: Door, cluster_model: str, outlier_model: str
) -> None:
    other = api.dataset(heaps(150, seed=9).replace(",heap", ",other"), "other-heaps")
    for model, names in ((cluster_model, CLUSTERING_METRICS), (outlier_model, {"outlier_share"})):
        outcome = door.send({"command": "EvaluateModel", "model": model, "dataset": other})

        assert outcome.result is not None, outcome
        record = outcome.result["evaluation"]
        assert record["metrics"].keys() == names
        assert (record["confusion"], record["row_count"], record["dropped_row_count"]) == (None, 150, 0)
        assert record["report"]["extra"]["other"] == 150


def test_clusters_that_are_further_apart_move_the_champion(api: Api, door: Door, heap_dataset: str) -> None:
    model = trained(api, heap_dataset, "KMeans", hyperparameters={"n_clusters": 9}, features=["x", "y"])

    outcome = door.send({"command": "RetrainModel", "model": model, "hyperparameters": {"n_clusters": 3}})

    assert outcome.result is not None, outcome
    comparison = outcome.result["comparison"]
    assert comparison["metric"] == "silhouette"
    assert comparison["own"] > comparison["champion"]
    assert outcome.result["is_champion"] is True
    worse = door.send({"command": "RetrainModel", "model": model, "hyperparameters": {"n_clusters": 9}})
    assert worse.result is not None
    assert worse.result["is_champion"] is False


def test_clusters_by_other_columns_are_not_compared(api: Api, door: Door, heap_dataset: str) -> None:
    model = trained(api, heap_dataset, "KMeans", features=["x"])

    outcome = door.send(
        {**training(heap_dataset, "KMeans", model=model, promote="if_better"), "exclude": ["heap", "town"]}
    )

    assert outcome.result is not None, outcome
    assert outcome.result["is_champion"] is False
    assert "other columns" in outcome.result["comparison"]["reason"]


def test_what_predicts_a_target_does_not_replace_a_champion_without_one(
    api: Api, door: Door, heap_dataset: str
) -> None:
    model = trained(api, heap_dataset, "KMeans", features=["x", "y"])

    said = {**training(heap_dataset, "GaussianNB", model=model, target="heap"), "exclude": ["town"]}
    outcome = door.send({**said, "promote": "if_better", "allow_target_change": True})

    assert outcome.result is not None, outcome
    assert outcome.result["is_champion"] is False
    reason = "the champion cannot be compared: version 1 does clustering, but the new version does classification"
    assert outcome.result["comparison"]["reason"] == reason


def test_outlier_detectors_are_not_compared_and_the_reason_is_told(api: Api, door: Door, heap_dataset: str) -> None:
    model = trained(api, heap_dataset, "OneClassSVM", exclude=["heap", "town"])

    outcome = door.send({"command": "RetrainModel", "model": model, "seed": 3})

    assert outcome.result is not None, outcome
    assert outcome.result["version"]["version"] == 2
    assert outcome.result["is_champion"] is False
    comparison = outcome.result["comparison"]
    assert (comparison["metric"], comparison["own"], comparison["champion"]) == (None, None, None)
    assert "without labelled outliers" in comparison["reason"]
    moved = door.send({"command": "RetrainModel", "model": model, "promote": "always"})
    assert moved.result is not None
    assert moved.result["is_champion"] is True
