"""A gateway that demands API keys: who gets in, whose the records are, and who may end what."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from modelbus.shared.api_keys import new_api_key
from modelbus.stack import LocalStack
from tests.e2e.api import Answer, Api, fresh
from tests.e2e.tables import numbers
from tests.stack_fixtures import guarded_gateway
from tests.waiting import wait_until

ADMIN, METRICS = new_api_key(), new_api_key()
ROWS = {"rows": [{"a": 1.0, "b": 2.0, "c": 3.0}]}


@pytest.fixture(scope="module")
def guarded(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Another gateway of the same stack, one that demands keys."""
    with guarded_gateway(stack, tmp_path_factory.mktemp("guarded"), admin=ADMIN, metrics=METRICS) as guarded:
        yield guarded


@pytest.fixture(scope="module")
def admin(guarded: LocalStack) -> Api:
    """The door with the key that the settings give."""
    return Api(guarded.gateway_url, ADMIN)


def make_key(admin: Api, *scopes: str, owner: str | None = None) -> tuple[str, str]:
    """A new key's name and text."""
    name = fresh("key")
    answer = admin.post("/keys", {"name": name, "scopes": list(scopes), "owner": owner})
    assert answer.status == 201, answer
    return name, answer.document["key"]


def member(guarded: LocalStack, admin: Api, owner: str, scope: str = "submit") -> Api:
    return Api(guarded.gateway_url, make_key(admin, scope, owner=owner)[1])


@pytest.fixture(scope="module")
def alice(guarded: LocalStack, admin: Api) -> Api:
    return member(guarded, admin, "alice")


@pytest.fixture(scope="module")
def bob(guarded: LocalStack, admin: Api) -> Api:
    return member(guarded, admin, "bob")


@pytest.fixture(scope="module")
def nobody(guarded: LocalStack) -> Api:
    return Api(guarded.gateway_url)


# --- who gets in ---


def test_without_a_key_nothing_is_told(nobody: Api) -> None:
    answer = nobody.get("/jobs")
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="modelbus"'
    assert "Authorization: Bearer mbk_" in answer.detail


@pytest.mark.parametrize(
    "given",
    ["", "Basic YTpi", "Bearer", "Bearer x", f"Bearer {new_api_key()}", f"Bearer {ADMIN}x", ADMIN],
    # keys are others in each process that runs the tests
    ids=["none", "another scheme", "no key", "no key's form", "unknown", "too long", "no scheme"],
)
def test_what_is_no_valid_key_does_not_get_in(nobody: Api, given: str) -> None:
    answer = nobody.get("/jobs", headers={"Authorization": given})
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_probes_need_no_key(nobody: Api) -> None:
    assert [nobody.get(f"/health/{probe}").status for probe in ("live", "ready")] == [200, 200]


def test_a_key_reads_metrics_and_nothing_else_if_it_is_made_for_that(guarded: LocalStack) -> None:
    prometheus = Api(guarded.gateway_url, METRICS)
    assert b"modelbus_http_requests_total" in prometheus.get("/metrics").body
    refused = prometheus.get("/jobs")
    assert (refused.status, refused.code) == (403, "forbidden")


def test_a_reader_may_look_and_no_more(guarded: LocalStack, admin: Api, number_dataset: str, amount_model: str) -> None:
    reader = member(guarded, admin, "carol", "read")
    assert reader.get(f"/datasets/{number_dataset}/rows?limit=1").status == 200
    assert reader.get("/metrics").status == 200
    for refused in (
        reader.post(f"/models/{amount_model}/predict", ROWS),
        reader.upload(fresh("table"), "a\n1\n"),
        reader.delete(f"/models/{amount_model}"),
        reader.get("/keys"),
    ):
        assert (refused.status, refused.code) == (403, "forbidden")
        assert "requires scope" in refused.detail
        assert "has read" in refused.detail
    assert admin.get(f"/models/{amount_model}").status == 200


def test_a_key_is_told_once_and_never_logged(guarded: LocalStack, admin: Api) -> None:
    name, text = make_key(admin, "submit")
    Api(guarded.gateway_url, text).get("/jobs")
    Api(guarded.gateway_url, f"{text[:-1]}-").get("/jobs")
    [listed] = [key for key in admin.get("/keys").document["keys"] if key["name"] == name]
    assert (listed["owner"], listed["scopes"], listed["revoked_at"]) == (name, ["submit"], None)
    assert listed["last_used_at"] is not None
    log = Path(guarded.service("gateway").log_file).read_text()
    assert text not in json.dumps(listed)
    assert text[4:-1] not in log


def test_a_revoked_key_stops_within_moments(guarded: LocalStack, admin: Api) -> None:
    name, text = make_key(admin, "read")
    revoked = Api(guarded.gateway_url, text)
    assert revoked.get("/jobs").status == 200
    assert admin.delete(f"/keys/{name}").document["revoked_at"] is not None
    wait_until(lambda: revoked.get("/jobs").status == 401, "the key is forgotten")


def test_what_no_key_can_be_is_said(admin: Api) -> None:
    answer = admin.post("/keys", {"name": "x", "scopes": ["root"]})
    assert (answer.status, answer.code, answer.places) == (422, "invalid_command", ["scopes.0"])


def test_two_keys_of_one_name_are_refused_until_the_first_has_ended(admin: Api) -> None:
    name, _ = make_key(admin, "read")
    again = admin.post("/keys", {"name": name})
    assert (again.status, again.code) == (409, "api_key_exists")
    admin.delete(f"/keys/{name}")
    assert admin.post("/keys", {"name": name}).status == 201
    assert admin.delete("/keys/unheard-of").code == "unknown_api_key"


# --- whose it is ---


def owner_of(admin: Api, answer: Answer) -> str:
    return str(admin.job(answer.correlation_id)["owner"])


def test_what_a_key_makes_is_its_owners(alice: Api, admin: Api, amount_model: str) -> None:
    at_once = alice.post(f"/models/{amount_model}/predict", ROWS)
    later = alice.post(f"/models/{amount_model}/predict", ROWS, headers={"Prefer": "respond-async"})
    assert (at_once.status, later.status) == (200, 202)
    assert [owner_of(admin, answer) for answer in (at_once, later)] == ["alice", "alice"]
    admin.ended_job(later.correlation_id)
    assert admin.get(f"/datasets/{alice.dataset(numbers(10))}").document["owner"] == "alice"


def test_predictions_of_two_owners_at_once_are_told_apart(alice: Api, bob: Api, admin: Api, amount_model: str) -> None:
    asked = [
        (name, api.post(f"/models/{amount_model}/predict?wait=0", ROWS))
        for name, api in [("alice", alice), ("bob", bob)] * 5
    ]
    assert [owner_of(admin, answer) for _, answer in asked] == [name for name, _ in asked]


def test_an_id_is_its_owners(alice: Api, bob: Api, amount_model: str) -> None:
    own = {"X-Correlation-ID": str(uuid4())}
    first = alice.post(f"/models/{amount_model}/predict", ROWS, headers=own)
    assert alice.post(f"/models/{amount_model}/predict", ROWS, headers=own).document == first.document
    stolen = bob.post(f"/models/{amount_model}/predict", ROWS, headers=own)
    assert (stolen.status, stolen.code) == (409, "correlation_id_reused")
    assert "another owner" in stolen.detail


def test_an_upload_is_not_repeated_by_somebody_else(alice: Api, bob: Api) -> None:
    name, own = fresh("table"), str(uuid4())
    assert alice.upload(name, "a\n1\n", X_Correlation_ID=own).status == 201
    assert alice.upload(name, "a\n1\n", X_Correlation_ID=own).status == 201
    stolen = bob.upload(name, "a\n1\n", X_Correlation_ID=own)
    assert (stolen.status, stolen.code) == (409, "correlation_id_reused")


def test_the_same_idempotency_key_of_two_owners_is_two_jobs(alice: Api, bob: Api, amount_model: str) -> None:
    key = {"Idempotency-Key": fresh("key")}
    ids = [api.post(f"/models/{amount_model}/predict", ROWS, headers=key).correlation_id for api in (alice, alice, bob)]
    assert ids[0] == ids[1] != ids[2]


def test_a_page_that_somebody_read_is_everybodys(alice: Api, bob: Api, admin: Api) -> None:
    name = alice.dataset(numbers(20))
    pages = [api.get(f"/datasets/{name}/rows?limit=5") for api in (bob, alice, admin)]
    exports = [api.get(f"/datasets/{name}/content?format=csv") for api in (bob, alice)]
    assert {answer.status for answer in pages + exports} == {200}
    assert len({answer.correlation_id for answer in pages}) == 1
    assert owner_of(admin, pages[0]) == "alice"


# --- who may end what ---


def test_only_the_owner_or_an_admin_deletes(alice: Api, bob: Api, admin: Api) -> None:
    dataset = alice.dataset(numbers(60))
    model = alice.train(dataset, "amount", "Ridge")["version"]["model"]
    evaluation = alice.post("/evaluations?wait=60", {"model": model, "dataset": dataset}).document["id"]
    owned = [f"/evaluations/{evaluation}", f"/models/{model}/versions/1?force=true", f"/models/{model}"]
    owned.append(f"/datasets/{dataset}?force=true")
    for path in owned:
        refused = bob.delete(path)
        assert (refused.status, refused.code) == (403, "forbidden"), path
        assert "belongs to 'alice'" in refused.detail
    assert [alice.delete(path).status for path in owned[:3]] == [204, 204, 204]
    assert admin.delete(owned[3]).status == 204


def test_a_model_goes_with_the_versions_of_others_only_by_an_admin(alice: Api, bob: Api, admin: Api) -> None:
    dataset = alice.dataset(numbers(60))
    model = alice.train(dataset, "amount", "Ridge")["version"]["model"]
    assert bob.train(dataset, "amount", "Ridge", model=model)["version"]["owner"] == "bob"
    assert "version" in alice.delete(f"/models/{model}").detail
    assert alice.get(f"/models/{model}/versions/1").status == 200, "nothing was begun"
    assert admin.delete(f"/models/{model}").status == 204


def test_a_dataset_is_deleted_under_the_jobs_of_others_only_by_an_admin(
    alice: Api, bob: Api, admin: Api, endless_training: dict[str, Any]
) -> None:
    dataset = alice.dataset(numbers(3000, seed=3))
    training = {**endless_training, "dataset": dataset, "model": fresh("model")}
    job = bob.post("/models", training).correlation_id

    refused = alice.delete(f"/datasets/{dataset}?force=true")

    assert (refused.status, refused.code) == (403, "forbidden")
    assert f"job {job}, which uses dataset {dataset!r}, belongs to 'bob'" in refused.detail
    assert alice.delete(f"/datasets/{dataset}").code == "still_in_use"
    assert alice.job(job)["status"] in ("queued", "running")
    assert admin.delete(f"/datasets/{dataset}?force=true").status == 204
    assert alice.ended_job(job)["status"] == "cancelled"


def test_only_the_owner_or_an_admin_cancels_and_replays(
    alice: Api, bob: Api, admin: Api, endless_training: dict[str, Any]
) -> None:
    for ender in (alice, admin):
        job = f"/jobs/{alice.post('/models', {**endless_training, 'model': fresh('model')}).correlation_id}"
        assert bob.delete(job).code == "forbidden"
        assert ender.delete(job).status in (200, 202)
        assert alice.ended_job(job.removeprefix("/jobs/"))["status"] == "cancelled"
        assert bob.post(f"{job}/replay").code == "forbidden"
    assert bob.delete(f"/jobs/{uuid4()}").code == "unknown_job"


def test_what_can_be_undone_is_the_teams(alice: Api, bob: Api) -> None:
    model = alice.train(alice.dataset(numbers(60)), "amount", "Ridge")["version"]["model"]
    assert bob.call("PUT", f"/models/{model}/aliases/trial", {"version": 1}).status == 200
    assert bob.call("PATCH", f"/models/{model}/versions/1", {"note": "looks right"}).status == 200
    assert bob.delete(f"/models/{model}/aliases/trial").status == 204
