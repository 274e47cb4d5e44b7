"""What evaluations give over HTTP: metrics of predictions, plots, comparisons, pages; a deleted one leaves nothing."""

import io
import json
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from pymongo.database import Database
from sklearn import metrics as library

from modelbus.shared.bus import Publisher
from modelbus.shared.store.connection import Document
from tests.e2e.api import Api, fresh
from tests.e2e.tables import scored
from tests.waiting import wait_until

BINARY_PLOTS = ["roc", "precision_recall", "calibration", "threshold", "gain", "lift", "confusion"]


@pytest.fixture(scope="module")
def asked(scored_dataset: str) -> dict[str, Any]:
    """A command about predictions that asks for everything."""
    return {
        "dataset": scored_dataset,
        "task": "classification",
        "truth": "truth",
        "prediction": "guess",
        "probabilities": {"good": "p"},
        "weight": "counts",
        "slices": ["region", "p"],
        "intervals": {"rounds": 40},
        "best_threshold": {"costs": {"false_positive": 1, "false_negative": 5}},
    }


@pytest.fixture(scope="module")
def evaluation(api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    """It, as it was answered."""
    answer = api.post("/evaluations?wait=60", {**asked, "evaluation": fresh("everything")})
    assert answer.status == 201, answer
    record: dict[str, Any] = answer.document
    return record


@pytest.fixture(scope="module")
def by_model(api: Api, parcel_model: str, parcel_dataset: str, amount_model: str, number_dataset: str) -> list[str]:
    """Two evaluations of one model, the second without plots, and one of another."""
    bodies = [
        {"model": parcel_model, "dataset": parcel_dataset},
        {"model": parcel_model, "dataset": parcel_dataset, "has_plots": False, "slices": ["city"]},
        {"model": amount_model, "dataset": number_dataset},
    ]
    answers = [api.post("/evaluations?wait=60", {**body, "evaluation": fresh("compared")}) for body in bodies]
    assert [answer.status for answer in answers] == [201] * 3, answers
    return [answer.document["id"] for answer in answers]


def blobs_of(database: Database[Document], correlation_id: str) -> tuple[int, int]:
    """How many files and chunks there are of a job."""
    ids = [file["_id"] for file in database["fs.files"].find({"metadata.correlation_id": correlation_id})]
    return len(ids), database["fs.chunks"].count_documents({"files_id": {"$in": ids}})


def test_predictions_are_measured_as_scikit_learn_does(evaluation: dict[str, Any]) -> None:
    frame = pd.read_csv(io.StringIO(scored()))
    frame = frame[frame["counts"] > 0]
    weights, is_good = frame["counts"], frame["truth"] == "good"
    found = evaluation["metrics"]
    assert found["accuracy"] == pytest.approx(
        library.accuracy_score(frame["truth"], frame["guess"], sample_weight=weights)
    )
    assert found["roc_auc"] == pytest.approx(library.roc_auc_score(is_good, frame["p"], sample_weight=weights))
    assert found["brier_score"] == pytest.approx(library.brier_score_loss(is_good, frame["p"], sample_weight=weights))
    assert evaluation["row_count"] == len(frame)
    assert evaluation["dropped"] == {"weight": 300 - len(frame)}
    assert (evaluation["weight_sum"], evaluation["positive_class"]) == (weights.sum(), "good")
    assert evaluation["undefined"]["roc_auc_ovo"] == "it is not defined with weights"


def test_a_record_holds_everything_that_was_asked_for_and_its_lineage(
    api: Api, evaluation: dict[str, Any], asked: dict[str, Any]
) -> None:
    dataset = api.get(f"/datasets/{asked['dataset']}").document
    assert evaluation["dataset_sha256"] == dataset["sha256"]
    assert (evaluation["model"], evaluation["version"]) == (None, None)
    assert evaluation["options"]["best_threshold"]["costs"] == asked["best_threshold"]["costs"]
    assert api.job(evaluation["correlation_id"])["command"] == "EvaluatePredictions"
    assert evaluation["best_threshold"]["cost"] == min(row["cost"] for row in evaluation["thresholds"])
    interval = evaluation["intervals"]["accuracy"]
    assert interval["low"] < evaluation["metrics"]["accuracy"] < interval["high"]
    assert [one["label"] for one in evaluation["per_class"]] == ["bad", "good"]
    for one in evaluation["slices"]:
        assert sum(part["row_count"] for part in one["slices"]) + one["other_row_count"] == evaluation["row_count"]
    assert {part["value"] for part in evaluation["slices"][0]["slices"]} == {"north", "south", "<east>", None}
    assert sum(row["capture_rate"] for row in evaluation["gains"]) == pytest.approx(1)


def test_an_evaluation_of_a_model_keeps_its_lineage(api: Api, by_model: list[str], parcel_model: str) -> None:
    record = api.get(f"/evaluations/{by_model[0]}").document
    version = api.get(f"/models/{parcel_model}/versions/1").document
    assert record["artifact_sha256"] == version["artifact_sha256"]
    assert (record["thresholds"], record["hit_ratios"][-1]["hit_ratio"]) == (None, 1)
    assert record["plots"] == ["roc", "precision_recall", "calibration", "confusion"]


def test_every_plot_is_there_as_svg_and_as_points(api: Api, evaluation: dict[str, Any]) -> None:
    listed = api.get(f"/evaluations/{evaluation['id']}/plots").document

    assert [plot["name"] for plot in listed["plots"]] == evaluation["plots"] == BINARY_PLOTS
    for plot in listed["plots"]:
        drawn, points = api.get(plot["svg"]), api.get(plot["json"])
        assert (drawn.status, drawn.headers["Content-Type"]) == (200, "image/svg+xml")
        assert drawn.headers["Content-Disposition"].startswith("inline")
        assert ET.fromstring(drawn.body).tag.endswith("svg")
        assert (points.status, points.document["name"]) == (200, plot["name"])
        again = api.get(plot["svg"], headers={"If-None-Match": drawn.headers["ETag"]})
        assert again.status == 304


def test_the_roc_curve_has_the_area_that_the_metric_says(api: Api, evaluation: dict[str, Any]) -> None:
    curve = api.get(f"/evaluations/{evaluation['id']}/plots/roc.json").document["layers"][1]
    assert library.auc(curve["x"], curve["y"]) == pytest.approx(evaluation["metrics"]["roc_auc"])
    assert len(curve["thresholds"]) == len(curve["x"]) <= 1000


def test_a_regression_has_plots_of_its_own(api: Api, by_model: list[str]) -> None:
    record = api.get(f"/evaluations/{by_model[2]}").document
    assert record["plots"] == ["predicted_actual", "residuals"]
    assert record["residuals"]["median"] is not None
    assert api.get(f"/evaluations/{by_model[2]}/plots/residuals.svg").status == 200


@pytest.mark.parametrize("file", ["luck.svg", "roc.png", "roc"])
def test_a_plot_that_is_not_there_is_not_found(api: Api, evaluation: dict[str, Any], file: str) -> None:
    answer = api.get(f"/evaluations/{evaluation['id']}/plots/{file}")
    assert (answer.status, answer.code) == (404, "not_found")
    assert "roc.svg" in answer.detail


def test_plots_that_nobody_wanted_are_not_drawn(api: Api, by_model: list[str], database: Database[Document]) -> None:
    record = api.get(f"/evaluations/{by_model[1]}").document
    assert record["plots"] == api.get(f"/evaluations/{by_model[1]}/plots").document["plots"] == []
    assert blobs_of(database, record["correlation_id"]) == (0, 0)


def test_of_a_deleted_evaluation_no_file_stays(api: Api, asked: dict[str, Any], database: Database[Document]) -> None:
    record = api.post("/evaluations?wait=60", {**asked, "intervals": None}).document
    files, chunks = blobs_of(database, record["correlation_id"])
    assert files == chunks == 2 * len(BINARY_PLOTS)
    blob_ids = [
        file["_id"] for file in database["fs.files"].find({"metadata.correlation_id": record["correlation_id"]})
    ]
    assert database["fs.files"].count_documents({"_id": {"$in": blob_ids}, "metadata.state": "live"}) == files

    assert api.delete(f"/evaluations/{record['id']}").status == 204

    assert blobs_of(database, record["correlation_id"]) == (0, 0)
    assert database["fs.chunks"].count_documents({"files_id": {"$in": blob_ids}}) == 0
    assert api.get(f"/evaluations/{record['id']}/plots").code == "unknown_evaluation"


def test_the_same_evaluation_by_either_door_has_the_same_numbers_and_the_same_plots(
    api: Api, publisher: Publisher, asked: dict[str, Any], evaluation: dict[str, Any]
) -> None:
    correlation_id = str(uuid4())
    publisher.send("evaluate", {"command": "EvaluatePredictions", **asked}, correlation_id=correlation_id)
    wait_until(lambda: api.get(f"/jobs/{correlation_id}").status == 200, "the command is recorded")
    assert api.ended_job(correlation_id)["status"] == "succeeded"

    record = api.get(f"/evaluations/{correlation_id}").document

    differing = {"id", "correlation_id", "created_at", "owner"}
    assert {name for name in record if record[name] != evaluation[name]} == differing
    for name in ("roc.svg", "confusion.svg", "gain.json"):
        both = [api.get(f"/evaluations/{each}/plots/{name}").body for each in (correlation_id, evaluation["id"])]
        assert both[0] == both[1]


def test_evaluations_are_compared_metric_by_metric(api: Api, by_model: list[str]) -> None:
    first, second, _ = by_model

    found = api.get(f"/evaluations/compare?id={first}&id={second}").document

    assert [one["id"] for one in found["evaluations"]] == [first, second]
    assert found["warnings"] == []
    by_name = {one["metric"]: one for one in found["metrics"]}
    accuracy, loss = by_name["accuracy"], by_name["log_loss"]
    assert (accuracy["is_higher_better"], loss["is_higher_better"]) == (True, False)
    assert accuracy["differences"] == [0, 0]
    assert accuracy["best"] == [first, second]


def test_comparing_what_cannot_be_compared_warns(api: Api, by_model: list[str], evaluation: dict[str, Any]) -> None:
    found = api.get(f"/evaluations/compare?id={by_model[0]}&id={by_model[2]}&id={evaluation['id']}").document

    assert [warning.partition(":")[0] for warning in found["warnings"]] == [
        "the tasks differ",
        "the datasets differ",
        "the numbers of rows differ",
        "the positive classes differ",
        "the weights of the rows differ",
    ]
    by_name = {one["metric"]: one for one in found["metrics"]}
    assert by_name["r2"]["values"][0] is None
    assert by_name["r2"]["best"] == []


def test_a_comparison_with_an_evaluation_that_is_not_there_is_refused(api: Api, by_model: list[str]) -> None:
    answer = api.get(f"/evaluations/compare?id={by_model[0]}&id=nowhere")
    assert (answer.status, answer.code) == (404, "unknown_evaluation")


def test_an_evaluation_that_is_not_filled_has_nothing_to_compare_or_draw(
    api: Api, amount_model: str, unlabelled_dataset: str, by_model: list[str]
) -> None:
    name = fresh("failed")
    assert (
        api.post(
            "/evaluations?wait=60", {"evaluation": name, "model": amount_model, "dataset": unlabelled_dataset}
        ).status
        == 422
    )

    for path in (
        f"/evaluations/{name}/plots",
        f"/evaluations/{name}/plots/roc.svg",
        f"/evaluations/compare?id={name}&id={by_model[0]}",
    ):
        answer = api.get(path)
        assert (answer.status, answer.code) == (409, "conflict")
        assert "is failed" in answer.detail


def test_evaluations_are_listed_page_by_page_by_model_and_dataset(
    api: Api, by_model: list[str], parcel_model: str, parcel_dataset: str, evaluation: dict[str, Any]
) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = api.get(f"/evaluations?model={parcel_model}&dataset={parcel_dataset}&limit=1{cursor}").document
        seen += [one["id"] for one in page["evaluations"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [one for one in seen if one in by_model] == [by_model[1], by_model[0]]
    assert len(seen) == len(set(seen))
    by_dataset = api.get(f"/evaluations?dataset={evaluation['dataset']}").document["evaluations"]
    listed = next(one for one in by_dataset if one["id"] == evaluation["id"])
    assert listed["metrics"] == evaluation["metrics"]
    assert listed["thresholds"] is None
    assert len(json.dumps(listed)) < 10_000
    assert api.get("/evaluations?cursor=luck").code == "bad_request"


def test_what_is_missing_is_said_where_neither_a_model_nor_predictions_are_given(api: Api, scored_dataset: str) -> None:
    answer = api.post("/evaluations", {"dataset": scored_dataset})
    assert (answer.status, answer.code, answer.places) == (422, "invalid_command", ["model"])
    assert "truth and prediction" in answer.detail
