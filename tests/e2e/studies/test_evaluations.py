"""Evaluations over HTTP: created by id, filled by the evaluator, read, listed, deleted."""

from typing import Any
from uuid import uuid4

import pytest

from modelbus.shared.bus import Publisher
from tests.e2e.api import ENDED, Api, fresh
from tests.waiting import wait_until


def _listed(api: Api) -> list[str]:
    return [one["id"] for one in api.get("/evaluations").document["evaluations"]]


def test_an_evaluation_is_created_by_id_and_filled_by_its_job(api: Api, parcel_model: str, parcel_dataset: str) -> None:
    name = fresh("evaluation")

    accepted = api.post("/evaluations", {"evaluation": name, "model": parcel_model, "dataset": parcel_dataset})

    assert accepted.status == 202
    assert (accepted.document["id"], accepted.document["metrics"]) == (name, None)
    assert accepted.headers["Location"] == f"/evaluations/{name}"
    assert accepted.document["links"]["self"] == f"/jobs/{accepted.correlation_id}"
    assert api.get(f"/evaluations/{name}").status == 200
    job = api.ended_job(accepted.correlation_id)
    record = api.get(f"/evaluations/{name}").document
    assert job["status"] == record["status"] == "succeeded"
    assert record == job["result"]["evaluation"]
    assert (record["model"], record["version"], record["dataset"]) == (parcel_model, 1, parcel_dataset)
    assert (record["row_count"], record["dropped_row_count"]) == (300, 0)
    assert record["metrics"]["accuracy"] > 0.9
    assert sum(map(sum, record["confusion"]["counts"])) == 300
    assert record["report"]["missing"]["sent_on"] > 0
    assert _listed(api).count(name) == 1


def test_an_evaluation_that_waits_is_answered_with_its_metrics(
    api: Api, amount_model: str, number_dataset: str
) -> None:
    answer = api.post("/evaluations?wait=60", {"model": amount_model, "dataset": number_dataset})

    assert answer.status == 201
    assert answer.document["id"] == answer.correlation_id
    assert answer.headers["Location"] == f"/evaluations/{answer.correlation_id}"
    assert answer.document == api.get(f"/evaluations/{answer.correlation_id}").document
    assert answer.document["confusion"] is None
    assert answer.document["metrics"]["r2"] > 0.5


def test_rows_without_a_target_are_left_out_and_counted(api: Api, amount_model: str) -> None:
    dataset = api.dataset("a,b,c,amount\n1,2,3,4\n2,3,4,\n3,4,5,6\n", "gaps")

    record = api.post("/evaluations?wait=60", {"model": amount_model, "dataset": dataset}).document

    assert (record["row_count"], record["dropped_row_count"]) == (2, 1)


def test_an_id_that_is_taken_is_a_conflict(api: Api, amount_model: str, number_dataset: str) -> None:
    body = {"evaluation": fresh("taken"), "model": amount_model, "dataset": number_dataset}
    first = api.post("/evaluations?wait=60", body)

    second = api.post("/evaluations", body)
    repeated = api.post("/evaluations", body, headers={"X-Correlation-ID": first.correlation_id})

    assert (second.status, second.code) == (409, "evaluation_exists")
    assert (repeated.status, repeated.document) == (201, first.document)


def test_a_deleted_evaluation_is_gone_and_frees_its_id(api: Api, amount_model: str, number_dataset: str) -> None:
    body = {"evaluation": fresh("passing"), "model": amount_model, "dataset": number_dataset}
    path = f"/evaluations/{body['evaluation']}"
    assert api.post("/evaluations?wait=60", body).status == 201

    assert api.delete(path).status == 204

    assert (api.get(path).status, api.get(path).code) == (404, "unknown_evaluation")
    assert api.delete(path).status == 404
    assert body["evaluation"] not in _listed(api)
    assert api.post("/evaluations?wait=60", body).status == 201
    assert api.get(path).document["status"] == "succeeded"


def test_a_dataset_without_the_target_fails_job_and_evaluation_alike(
    api: Api, amount_model: str, unlabelled_dataset: str
) -> None:
    name = fresh("impossible")
    accepted = api.post("/evaluations", {"evaluation": name, "model": amount_model, "dataset": unlabelled_dataset})

    job = api.ended_job(accepted.correlation_id)

    record = api.get(f"/evaluations/{name}").document
    assert job["status"] == record["status"] == "failed"
    assert job["error"] == record["error"]
    assert record["error"]["code"] == "invalid_command"
    assert "'amount'" in record["error"]["message"]
    assert record["metrics"] is None
    assert name in _listed(api)


def test_a_dataset_without_a_feature_fails_by_its_name(api: Api, amount_model: str) -> None:
    dataset = api.dataset("a,c,amount\n1,2,3\n4,5,6\n", "narrow")

    answer = api.post("/evaluations?wait=60", {"model": amount_model, "dataset": dataset})

    assert (answer.status, answer.code, answer.places) == (422, "signature_mismatch", ["rows.*.b"])


def test_a_failed_evaluation_is_deleted_and_frees_its_id(
    api: Api, amount_model: str, number_dataset: str, unlabelled_dataset: str
) -> None:
    body = {"evaluation": fresh("failed"), "model": amount_model, "dataset": unlabelled_dataset}
    assert api.post("/evaluations?wait=60", body).status == 422

    assert api.delete(f"/evaluations/{body['evaluation']}").status == 204

    assert api.get(f"/evaluations/{body['evaluation']}").status == 404
    assert api.post("/evaluations?wait=60", {**body, "dataset": number_dataset}).status == 201


def test_deleting_an_evaluation_that_is_computed_cancels_its_job(api: Api, slow_model: str, many_rows: str) -> None:
    name = fresh("unwanted")
    accepted = api.post("/evaluations", {"evaluation": name, "model": slow_model, "dataset": many_rows})
    api.running_job(accepted.correlation_id, doing="predicting")

    assert api.delete(f"/evaluations/{name}").status == 204

    assert api.ended_job(accepted.correlation_id)["status"] == "cancelled"
    assert api.get(f"/evaluations/{name}").status == 404
    assert name not in _listed(api)


def test_an_evaluation_of_a_version_that_is_not_there_is_refused(
    api: Api, amount_model: str, number_dataset: str
) -> None:
    answer = api.post("/evaluations", {"model": f"{amount_model}@7777", "dataset": number_dataset})

    assert (answer.status, answer.code) == (404, "unknown_model")


def test_an_unknown_evaluation_is_not_found(api: Api) -> None:
    for answer in (api.get("/evaluations/nowhere"), api.delete("/evaluations/nowhere")):
        assert (answer.status, answer.code) == (404, "unknown_evaluation")


@pytest.mark.parametrize(
    "command",
    [{}, {"evaluation": ["a"]}, {"evaluation": "{}", "model": 7, "dataset": "d"}, {"model": "m", "dataset": "d"}],
)
def test_a_refused_command_from_the_queue_does_not_break_the_list(
    api: Api, publisher: Publisher, command: dict[str, Any]
) -> None:
    correlation_id = str(uuid4())
    publisher.send("evaluate", {"command": "EvaluateModel", "colour": 1, **command}, correlation_id=correlation_id)
    wait_until(lambda: api.get(f"/jobs/{correlation_id}").status == 200, "the refusal is recorded")

    assert api.get("/evaluations").status == 200
    assert api.get(f"/evaluations/{correlation_id}").status in (200, 404)


def test_an_evaluation_that_is_asked_for_again_by_the_queue_is_listed_once(
    api: Api, publisher: Publisher, amount_model: str, number_dataset: str
) -> None:
    body = {"evaluation": fresh("once"), "model": amount_model, "dataset": number_dataset}
    assert api.post("/evaluations?wait=60", body).status == 201
    correlation_id = str(uuid4())

    publisher.send("evaluate", {"command": "EvaluateModel", **body}, correlation_id=correlation_id)

    wait_until(lambda: api.get(f"/jobs/{correlation_id}").status == 200, "the command arrives")
    assert api.ended_job(correlation_id)["error"]["code"] == "evaluation_exists"
    assert _listed(api).count(body["evaluation"]) == 1
    assert api.get(f"/evaluations/{body['evaluation']}").document["status"] == "succeeded"


def test_every_listed_evaluation_can_be_read(api: Api, publisher: Publisher) -> None:
    # refused, and kept as they came: no evaluation can be read by such ids
    refused = [str(uuid4()) for _ in range(3)]
    for correlation_id, evaluation in zip(refused, ("compare", "two words", 7), strict=True):
        body = {"command": "EvaluateModel", "model": "none", "dataset": "none", "evaluation": evaluation}
        publisher.send("evaluate", body, correlation_id=correlation_id)
    for correlation_id in refused:
        wait_until(lambda one=correlation_id: api.get(f"/jobs/{one}").status == 200, "the command arrives")
        assert api.ended_job(correlation_id)["status"] == "failed"

    for one in api.get("/evaluations").document["evaluations"]:
        answer = api.get(f"/evaluations/{one['id']}")
        assert answer.status == 200
        assert answer.document["status"] == one["status"] or one["status"] not in ENDED
