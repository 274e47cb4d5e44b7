"""Jobs over HTTP: listed, waited for, cancelled, replayed."""

import itertools
import threading
import time
from typing import Any
from uuid import uuid4

import pytest

from modelbus.shared.bus import Publisher
from modelbus.stack import LocalStack
from tests.e2e.api import ENDED, Answer, Api, fresh
from tests.e2e.processes import group_of
from tests.waiting import is_alive, wait_until


def _train(api: Api, training: dict[str, Any]) -> str:
    answer = api.post("/models", {"model": fresh("model"), **training})
    assert answer.status == 202, answer
    return answer.correlation_id


@pytest.fixture
def endless_job(api: Api, endless_training: dict[str, Any]) -> Any:
    """A fit that runs until it is cancelled, which the fixture does at the latest."""
    correlation_id = _train(api, endless_training)
    api.running_job(correlation_id, doing="fitting")
    yield correlation_id
    api.delete(f"/jobs/{correlation_id}")
    assert api.ended_job(correlation_id)["status"] in ENDED


def test_a_job_tells_what_was_asked_and_what_happened(api: Api, amount_model: str, number_dataset: str) -> None:
    version = api.get(f"/models/{amount_model}/versions/1").document

    job = api.job(version["correlation_id"])

    assert (job["command"], job["status"], job["attempt"]) == ("TrainModel", "succeeded", 1)
    assert (job["spec"]["dataset"], job["spec"]["target"]) == (number_dataset, "amount")
    assert [entry["event"] for entry in job["history"]] == ["accepted", "claimed", "succeeded"]
    assert job["created_at"] <= job["started_at"] <= job["finished_at"] < job["expires_at"]
    assert job["links"] == {"self": f"/jobs/{version['correlation_id']}"}


def test_the_list_is_filtered_by_command_and_status(api: Api, amount_model: str) -> None:
    failed = api.post(f"/models/{amount_model}/predict", {"rows": [{"a": 1}]}).correlation_id

    listed = api.get("/jobs?command=Predict&status=failed&limit=200").document["jobs"]

    assert {(job["command"], job["status"]) for job in listed} == {("Predict", "failed")}
    assert failed in {job["correlation_id"] for job in listed}
    assert not {"spec", "result", "history"} & listed[0].keys()


def test_the_list_is_read_page_by_page_newest_first(api: Api, amount_model: str) -> None:
    row = {"a": 1, "b": 2, "c": 3}
    asked = [api.post(f"/models/{amount_model}/predict", {"rows": [row]}).correlation_id for _ in range(9)]
    pages: list[list[str]] = []
    cursor = ""
    while len(pages) < 3:
        page = api.get(f"/jobs?command=Predict&limit=3{cursor}").document
        pages.append([job["correlation_id"] for job in page["jobs"]])
        cursor = f"&cursor={page['next']}"

    assert [len(page) for page in pages] == [3, 3, 3]
    assert list(itertools.chain(*pages)) == asked[::-1]


def test_the_last_page_has_no_next(api: Api, parcel_model: str) -> None:
    jobs: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = api.get(f"/jobs?command=TrainModel&limit=5{cursor}").document
        jobs += page["jobs"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert len({job["correlation_id"] for job in jobs}) == len(jobs)
    training = api.get(f"/models/{parcel_model}/versions/1").document["correlation_id"]
    assert training in {job["correlation_id"] for job in jobs}


def test_a_cursor_that_is_none_is_refused(api: Api) -> None:
    answer = api.get("/jobs?cursor=x")

    assert (answer.status, answer.code) == (400, "bad_request")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/replay")])
def test_an_unknown_job_is_not_found_and_a_bad_id_is_refused(api: Api, method: str, path: str) -> None:
    unknown = api.call(method, f"/jobs/{uuid4()}{path}")
    bad = api.call(method, f"/jobs/seventeen{path}")

    assert (unknown.status, unknown.code) == (404, "unknown_job")
    assert (bad.status, bad.code) == (400, "bad_request")


def test_an_id_is_understood_however_it_is_written(api: Api, amount_model: str) -> None:
    correlation_id = api.get(f"/models/{amount_model}/versions/1").document["correlation_id"]

    assert api.job(correlation_id.upper().replace("-", ""))["correlation_id"] == correlation_id


def test_nobody_waits_for_ever(api: Api) -> None:
    answer = api.get(f"/jobs/{uuid4()}?wait=inf")

    assert (answer.status, answer.code) == (400, "bad_request")


def test_whoever_waits_is_answered_when_the_job_ends(api: Api, slow_training: dict[str, Any]) -> None:
    correlation_id = _train(api, slow_training)
    longest_s = 60
    started = time.monotonic()

    answer = api.get(f"/jobs/{correlation_id}?wait={longest_s}")

    assert answer.document["status"] == "succeeded"
    assert "Retry-After" not in answer.headers
    assert time.monotonic() - started < longest_s


def test_a_wait_that_runs_out_is_answered_with_the_job_as_it_is(api: Api, endless_job: str) -> None:
    answer = api.get(f"/jobs/{endless_job}?wait=0.2")

    assert (answer.status, answer.document["status"]) == (200, "running")
    assert answer.headers["Retry-After"]
    assert answer.document["progress"]["message"].startswith("fitting")


def test_a_cancelled_fit_ends_with_its_process(api: Api, stack: LocalStack, endless_training: dict[str, Any]) -> None:
    pid = stack.service("trainer").pid
    before = group_of(stack, "trainer")
    correlation_id = _train(api, endless_training)
    api.running_job(correlation_id, doing="fitting")
    children = group_of(stack, "trainer") - before
    assert children

    answer = api.delete(f"/jobs/{correlation_id}")

    assert answer.status == 202
    job = api.ended_job(correlation_id)
    assert (job["status"], job["result"], job["cancel_requested"]) == ("cancelled", None, True)
    wait_until(lambda: not any(map(is_alive, children)), "the processes of the fit are gone")
    assert stack.service("trainer").pid == pid
    assert api.get(f"/models/{job['spec']['model']}").status == 404


def test_whoever_waits_for_a_cancelled_job_is_told(api: Api, endless_training: dict[str, Any]) -> None:
    correlation_id = str(uuid4())
    answers: list[Answer] = []
    headers = {"X-Correlation-ID": correlation_id}
    command = {"model": fresh("model"), **endless_training}
    waiting = threading.Thread(target=lambda: answers.append(api.post("/models?wait=60", command, headers=headers)))
    waiting.start()
    wait_until(lambda: api.get(f"/jobs/{correlation_id}").status == 200, "the job is accepted")
    api.running_job(correlation_id)

    api.delete(f"/jobs/{correlation_id}")

    waiting.join()
    assert (answers[0].status, answers[0].code) == (409, "cancelled")


def test_a_queued_job_is_cancelled_at_once_and_runs_when_replayed(
    api: Api, endless_job: str, number_dataset: str
) -> None:
    training = {"dataset": number_dataset, "target": "amount", "features": ["a"], "estimator": "Ridge"}
    correlation_id = _train(api, training)

    cancelled = api.delete(f"/jobs/{correlation_id}")

    assert (cancelled.status, cancelled.document["status"]) == (200, "cancelled")
    api.delete(f"/jobs/{endless_job}")
    assert api.ended_job(endless_job)["status"] == "cancelled"
    assert api.job(correlation_id)["status"] == "cancelled"
    replayed = api.post(f"/jobs/{correlation_id}/replay")
    assert (replayed.status, replayed.headers["Location"]) == (202, f"/jobs/{correlation_id}")
    job = api.ended_job(correlation_id)
    assert (job["status"], job["attempt"], job["cancel_requested"]) == ("succeeded", 1, False)
    assert "replayed" in [entry["event"] for entry in job["history"]]


def test_a_failed_job_succeeds_when_replayed_after_its_cause_is_gone(
    api: Api, publisher: Publisher, amount_model: str
) -> None:
    correlation_id, dataset = str(uuid4()), fresh("late")
    command = {"command": "EvaluateModel", "model": amount_model, "dataset": dataset}
    publisher.send("evaluate", command, correlation_id=correlation_id)
    wait_until(lambda: api.get(f"/jobs/{correlation_id}").status == 200, "the command arrives")
    failed = api.ended_job(correlation_id)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "unknown_dataset")
    assert api.upload(dataset, "a,b,c,amount\n1,2,3,4\n2,3,4,6\n").status == 201

    assert api.post(f"/jobs/{correlation_id}/replay").status == 202

    job = api.ended_job(correlation_id)
    assert (job["status"], job["error"]) == ("succeeded", None)


def test_a_job_that_has_ended_can_be_neither_cancelled_nor_replayed(api: Api, amount_model: str) -> None:
    correlation_id = api.get(f"/models/{amount_model}/versions/1").document["correlation_id"]

    answers = [api.delete(f"/jobs/{correlation_id}"), api.post(f"/jobs/{correlation_id}/replay")]

    assert [(answer.status, answer.code) for answer in answers] == [(409, "job_finished")] * 2


def test_a_running_job_cannot_be_replayed(api: Api, endless_job: str) -> None:
    answer = api.post(f"/jobs/{endless_job}/replay")

    assert (answer.status, answer.code) == (409, "job_finished")


def test_jobs_that_wait_for_a_busy_trainer_run_in_turn(api: Api, endless_job: str, number_dataset: str) -> None:
    training = {"dataset": number_dataset, "target": "amount", "features": ["a"], "estimator": "Ridge"}
    waiting = [_train(api, training) for _ in range(4)]
    assert {api.job(correlation_id)["status"] for correlation_id in waiting} == {"queued"}

    api.delete(f"/jobs/{endless_job}")

    assert [api.ended_job(correlation_id)["status"] for correlation_id in waiting] == ["succeeded"] * 4
