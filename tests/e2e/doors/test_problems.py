"""Every error over HTTP is problem details; every answer carries a correlation id."""

import json
from uuid import UUID, uuid4

import pytest

from tests.e2e.api import Answer, Api, fresh, gzipped

JSON = {"Content-Type": "application/json"}


def _assert_is_problem(answer: Answer, status: int, code: str) -> None:
    document = answer.document
    assert (answer.status, document["status"], document["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert document["type"] == f"urn:modelbus:error:{code}"
    assert document["title"]
    assert document["detail"]
    assert document["correlation_id"] == answer.correlation_id == str(UUID(answer.correlation_id))


def test_a_path_that_leads_nowhere_is_not_found(api: Api) -> None:
    answer = api.get("/nowhere/at/all")

    _assert_is_problem(answer, 404, "not_found")
    assert "/nowhere/at/all" in answer.detail


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PATCH", "/models", {"GET", "HEAD", "POST"}), ("POST", "/estimators", {"GET", "HEAD"})],
)
def test_a_method_that_is_not_possible_names_those_that_are(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    answer = api.call(method, path)

    _assert_is_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(",")) == allowed


def test_a_command_that_is_too_large_is_refused(api: Api) -> None:
    answer = api.post("/models", b'{"model": "' + b"x" * 3_000_000 + b'"}', headers=JSON)

    _assert_is_problem(answer, 413, "limit_exceeded")


@pytest.mark.parametrize("path", ["/models", "/evaluations", "/models/any/predict", "/models/any/retrain"])
def test_a_command_is_json_and_uncompressed(api: Api, path: str) -> None:
    as_text = api.post(path, b"{}", headers={"Content-Type": "text/plain"})
    compressed = api.post(path, gzipped("{}"), headers={**JSON, "Content-Encoding": "gzip"})

    _assert_is_problem(as_text, 415, "unsupported_media_type")
    _assert_is_problem(compressed, 415, "unsupported_media_type")


def test_json_that_breaks_off_is_refused_with_the_place(api: Api) -> None:
    answer = api.post("/models", b'{"model": "a",\n "dataset": }', headers=JSON)

    _assert_is_problem(answer, 400, "bad_request")
    assert "line 2 column 13" in answer.detail


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b""], ids=repr)
def test_a_body_that_is_no_object_is_refused(api: Api, body: bytes) -> None:
    _assert_is_problem(api.post("/models", body, headers=JSON), 400, "bad_request")


@pytest.mark.parametrize("body", [b'{"model": "\xff"}', b'{"model": NaN}', b'{"a": ' * 2000], ids=range(3))
def test_a_body_that_is_no_json_is_refused(api: Api, body: bytes) -> None:
    _assert_is_problem(api.post("/models", body, headers=JSON), 400, "bad_request")


def test_a_correlation_id_must_be_a_uuid(api: Api) -> None:
    answer = api.get("/models", headers={"X-Correlation-ID": "seventeen"})

    _assert_is_problem(answer, 400, "bad_request")
    assert "seventeen" in answer.detail


@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "too long"])
def test_an_idempotency_key_has_a_length(api: Api, key: str) -> None:
    _assert_is_problem(api.get("/models", headers={"Idempotency-Key": key}), 400, "bad_request")


def test_a_body_may_not_contradict_what_route_and_headers_say(api: Api) -> None:
    for name in ("correlation_id", "command"):
        answer = api.post("/models", {name: "other"})

        _assert_is_problem(answer, 400, "bad_request")
        assert name in answer.detail


def test_all_faults_of_a_command_are_told_at_once(api: Api) -> None:
    answer = api.post("/models", {"model": "no spaces", "seed": -1, "colour": "red"})

    _assert_is_problem(answer, 422, "invalid_command")
    # Whether there must be a target is only known with the estimator.
    assert set(answer.places) == {"model", "seed", "colour", "dataset", "estimator"}


def test_another_version_of_the_contract_is_refused_by_name(api: Api) -> None:
    answer = api.post("/models", {"contract": 2, "model": fresh("model")})

    _assert_is_problem(answer, 422, "invalid_command")
    assert answer.places == ["contract"]


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

    _assert_is_problem(answer, 422, "invalid_command")
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
