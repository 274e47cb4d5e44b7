"""Every error over HTTP is problem details; every answer carries a correlation id. What is refused before anything
is looked up: tests/unit/gateway/test_problem_answers.py.
"""

import json
from uuid import uuid4

from tests.e2e.api import Api, fresh
from tests.problems import assert_is_problem


def test_a_path_that_leads_nowhere_is_not_found(api: Api) -> None:
    answer = api.get("/nowhere/at/all")

    assert_is_problem(answer, 404, "not_found")
    assert "/nowhere/at/all" in answer.detail


def test_what_is_sent_is_never_run_by_the_store(api: Api, number_dataset: str) -> None:
    answer = api.post(
        "/models?wait=60",
        {
            "model": fresh("model"),
            "dataset": number_dataset,
            "target": "kind",
            "features": ["a"],
            "estimator": "DecisionTreeClassifier",
            "hyperparameters": {"max_features": "$status", "$where": {"$gt": ""}},
        },
    )

    assert_is_problem(answer, 422, "invalid_command")
    spec = api.job(answer.correlation_id)["spec"]
    assert spec["hyperparameters"] == {"max_features": "$status", "$where": {"$gt": ""}}


def test_every_answer_carries_the_callers_correlation_id(api: Api, number_dataset: str, amount_model: str) -> None:
    calls = [
        ("GET", "/"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/metrics"),
        ("GET", "/services"),
        ("GET", "/datasets"),
        ("GET", f"/datasets/{number_dataset}"),
        ("GET", f"/datasets/{number_dataset}/content"),
        ("GET", f"/models/{amount_model}/versions/1/artifact"),
        ("GET", "/estimators"),
        ("GET", "/jobs"),
        ("GET", "/evaluations"),
        ("GET", "/models/nowhere"),
        ("DELETE", "/datasets/nowhere"),
        ("PATCH", "/models"),
        ("HEAD", "/models"),
    ]
    for method, path in calls:
        given = str(uuid4())
        answer = api.call(method, path, headers={"X-Correlation-ID": given.upper()})
        assert answer.correlation_id == given, (method, path)
        assert api.call(method, path).correlation_id, (method, path)


def test_what_is_not_modified_carries_the_id_too(api: Api, number_dataset: str) -> None:
    etag = api.get(f"/datasets/{number_dataset}/content").headers["ETag"]

    answer = api.get(f"/datasets/{number_dataset}/content", headers={"If-None-Match": etag})

    assert (answer.status, bool(answer.correlation_id)) == (304, True)


def test_the_services_tell_that_they_live_and_what_waits(api: Api) -> None:
    document = api.get("/services").document

    alive = {one["service"] for one in document["services"] if one["is_alive"]}
    assert {"trainer", "predictor", "evaluator"} <= alive
    assert {"train", "predict", "predict.bulk", "evaluate", "profile", "train.poison"} <= document["queues"].keys()


def test_the_index_lists_the_routes(api: Api) -> None:
    routes = api.get("/").document["routes"]

    assert "POST /models/{reference}/predict" in routes
    assert json.loads(api.get("/health/ready").body) == {"status": "ok", "checks": {"store": True, "bus": True}}
