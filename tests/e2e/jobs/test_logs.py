"""Logs over HTTP: every service's lines, merged, of one job or of all, read back and followed."""

from typing import Any
from uuid import uuid4

import pytest

from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.e2e.sse import Event, EventReader
from tests.waiting import wait_until


def lines_of(api: Api, path: str) -> list[dict[str, Any]]:
    answer = api.get(path)
    assert answer.status == 200, answer
    lines: list[dict[str, Any]] = answer.document["lines"]
    return lines


def events_in(lines: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(line["service"], line["event"]) for line in lines}


def is_sorted(lines: list[dict[str, Any]]) -> bool:
    moments = [line["timestamp"] for line in lines]
    return moments == sorted(moments)


@pytest.fixture(scope="module")
def trained(api: Api, number_dataset: str) -> str:
    """The correlation id of a training that succeeded."""
    return str(api.train(number_dataset, "amount", "Ridge", features=["a"])["version"]["correlation_id"])


def test_a_job_s_lines_come_from_every_service_that_had_to_do_with_it_in_time_order(api: Api, trained: str) -> None:
    expected = {("gateway", "job.accepted"), ("trainer", "job.started"), ("trainer", "job.finished")}

    def lines() -> list[dict[str, Any]] | None:
        found = lines_of(api, f"/jobs/{trained}/logs")
        return found if expected | {("gateway", "request.answered")} <= events_in(found) else None

    found = wait_until(lines, "the job's lines are kept", state=lambda: lines_of(api, f"/jobs/{trained}/logs"))
    assert found is not None
    assert is_sorted(found)
    assert {line["correlation_id"] for line in found} == {trained}
    assert all(line["instance"].startswith(line["service"] + "-") and line["pid"] for line in found)
    assert len({line["id"] for line in found}) == len(found)


def test_the_logs_of_an_unknown_job_are_not_found(api: Api) -> None:
    answer = api.get(f"/jobs/{uuid4()}/logs")
    assert (answer.status, answer.code) == (404, "unknown_job")


def test_the_logs_of_an_unknown_service_are_not_found_and_the_known_are_named(api: Api) -> None:
    answer = api.get("/services/trainr/logs")
    assert (answer.status, answer.code) == (404, "not_found")
    assert "trainer" in answer.detail


def test_a_cursor_that_is_none_is_refused(api: Api) -> None:
    answer = api.get("/services/gateway/logs?cursor=x")
    assert (answer.status, answer.code) == (400, "bad_request")
    assert "cursor" in answer.detail


def test_a_place_that_no_stream_has_is_refused_before_anything_is_sent(api: Api) -> None:
    answer = api.get("/logs?follow=true", headers={"Last-Event-ID": "nowhere"})
    assert (answer.status, answer.code) == (400, "bad_request")


def test_lines_are_found_by_service_level_and_time(api: Api, trained: str) -> None:
    api.get(f"/models/{fresh('nowhere')}")
    wait_until(lambda: lines_of(api, "/services/trainer/logs"), "the trainer's lines are kept")
    assert {line["service"] for line in lines_of(api, "/services/trainer/logs?limit=1000")} == {"trainer"}
    assert {line["service"] for line in lines_of(api, "/logs?service=trainer&service=gateway&limit=1000")} == {
        "trainer",
        "gateway",
    }
    assert {line["level"] for line in lines_of(api, "/logs?level=warning&limit=1000")} <= {"warning", "error"}
    assert lines_of(api, "/logs?since=2999-01-01T00:00:00Z") == []
    assert lines_of(api, "/logs?since=1h")


def test_pages_of_lines_follow_one_another_into_the_past(api: Api, trained: str) -> None:
    whole = lines_of(api, f"/jobs/{trained}/logs?limit=1000")
    pages: list[dict[str, Any]] = []
    path: str | None = f"/jobs/{trained}/logs?limit=2"
    while path:
        answer = api.get(path).document
        pages = [*answer["lines"], *pages]
        path = answer["next"] and f"/jobs/{trained}/logs?limit=2&cursor={answer['next']}"
    assert [line["id"] for line in pages] == [line["id"] for line in whole]


def test_a_prediction_s_line_names_no_other_s_job(api: Api, amount_model: str) -> None:
    answer = api.post(f"/models/{amount_model}/predict", {"rows": [{"a": 1, "b": 2, "c": 3}]})
    path = f"/jobs/{answer.correlation_id}/logs"

    def finished() -> list[dict[str, Any]]:
        return [line for line in lines_of(api, path) if line["service"] == "predictor"]

    [line] = wait_until(finished, "the predictor's line is kept")
    assert line["correlation_id"] == answer.correlation_id
    assert "correlation_ids" not in line


def test_what_is_followed_arrives_once_and_goes_on_where_it_was_cut_off(api: Api, trained: str) -> None:
    service = "/services/gateway/logs?follow=true&limit=5"
    first_id, second_id = str(uuid4()), str(uuid4())

    def is_of(correlation_id: str) -> Any:
        return lambda event: event.data.get("correlation_id") == correlation_id

    with EventReader(api, service) as reader:
        assert reader.response.headers["Content-Type"] == "text/event-stream"
        api.get("/services", headers={"X-Correlation-ID": first_id})
        before = reader.read_until(is_of(first_id))
        place = reader.last_id
    assert place
    api.get("/services", headers={"X-Correlation-ID": second_id})
    with EventReader(api, service, {"Last-Event-ID": place}) as reader:
        after = reader.read_until(is_of(second_id))

    ids = [event.data["id"] for event in [*before, *after]]
    assert len(set(ids)) == len(ids)
    everything = lines_of(api, "/services/gateway/logs?limit=1000")
    expected = [line["id"] for line in everything]
    assert set(expected[expected.index(ids[0]) : expected.index(ids[-1])]) <= set(ids)


def test_every_place_of_a_stream_is_one_to_go_on_from(api: Api, trained: str) -> None:
    path = f"/jobs/{trained}/logs?follow=true"
    with EventReader(api, path) as reader:
        events = reader.read_until(lambda event: event.name == "end")
    lines, end = events[:-1], events[-1]
    assert end == Event("end", {"reason": "the job has ended"}, None)
    assert is_sorted([event.data for event in lines])
    for number, event in enumerate(lines):
        with EventReader(api, path, {"Last-Event-ID": str(event.id)}) as reader:
            rest = reader.read_until(lambda event: event.name == "end")
        assert [one.data["id"] for one in rest[:-1]] == [one.data["id"] for one in lines[number + 1 :]]


def test_a_running_job_is_followed_to_its_end(api: Api, slow_training: dict[str, Any]) -> None:
    correlation_id = str(uuid4())
    command = {"model": fresh("model"), **slow_training}
    api.post("/models", command, headers={"X-Correlation-ID": correlation_id})
    with EventReader(api, f"/jobs/{correlation_id}/logs") as reader:
        events = reader.read_until(lambda event: event.name == "end")
    assert "job.finished" in [event.data.get("event") for event in events]


def test_a_gateway_that_stops_ends_its_streams(api: Api, stack: LocalStack) -> None:
    with EventReader(api, "/logs?follow=true&limit=1") as reader:
        reader.read_until(lambda _: True)
        stack.restart("gateway")
        list(reader.events())
    assert "service.stopping" in {line["event"] for line in lines_of(api, "/services/gateway/logs?limit=1000")}
