"""A job's events: server-sent, from how it stands to how it ended."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.e2e.api import JOB_TIMEOUT_S, Api, fresh


@dataclass(frozen=True)
class Told:
    """One event, as it was sent."""

    name: str
    id: str
    data: dict[str, Any]


@contextmanager
def followed(api: Api, correlation_id: str, after: str | None = None) -> Iterator[http.client.HTTPResponse]:
    """The answer to someone who follows a job."""
    with closing(http.client.HTTPConnection(api.host, api.port, timeout=JOB_TIMEOUT_S)) as connection:
        headers = {} if after is None else {"Last-Event-ID": after}
        connection.request("GET", f"/jobs/{correlation_id}/events", headers=headers)
        yield connection.getresponse()


@contextmanager
def listening(api: Api, query: str = "") -> Iterator[http.client.HTTPResponse]:
    """The answer to someone who follows all jobs, once it has begun."""
    with closing(http.client.HTTPConnection(api.host, api.port, timeout=JOB_TIMEOUT_S)) as connection:
        connection.request("GET", f"/events{query}")
        response = connection.getresponse()
        assert response.readline().startswith(b"retry: ")
        yield response


def events(response: http.client.HTTPResponse) -> Iterator[Told]:
    """The events of a stream, as they come, until it ends."""
    fields: dict[str, str] = {}
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "event" in fields:
            yield Told(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


def test_a_job_is_followed_from_its_fit_to_its_end(api: Api, endless_training: dict[str, Any]) -> None:
    correlation_id = api.post("/models", {"model": fresh("model"), **endless_training}).correlation_id
    told: list[Told] = []
    with followed(api, correlation_id) as response:
        for event in events(response):
            told.append(event)
            if "fitting" in (event.data["progress"] or {}).get("message", ""):
                api.delete(f"/jobs/{correlation_id}")

    assert response.headers["Content-Type"] == "text/event-stream"
    assert {event.data["correlation_id"] for event in told} == {correlation_id}
    assert told[0].name == "status"
    assert (told[-1].name, told[-1].data["status"]) == ("status", "cancelled")
    assert "progress" in {event.name for event in told}
    assert len({event.id for event in told}) == len(told)


def test_a_job_that_has_ended_is_told_once(api: Api, amount_model: str) -> None:
    correlation_id = api.get(f"/models/{amount_model}/versions/1").document["correlation_id"]

    with followed(api, correlation_id) as response:
        (last,) = events(response)
    with followed(api, correlation_id, after=last.id) as again:
        # 204 is what makes a browser's EventSource stop
        assert (again.status, again.read()) == (204, b"")

    assert (last.name, last.data["status"]) == ("status", "succeeded")


def test_who_was_cut_off_hears_only_what_is_new(api: Api, endless_training: dict[str, Any]) -> None:
    correlation_id = api.post("/models", {"model": fresh("model"), **endless_training}).correlation_id
    api.running_job(correlation_id, doing="fitting")
    with followed(api, correlation_id) as response:
        first = next(events(response))
    with followed(api, correlation_id, after=first.id) as response:
        api.delete(f"/jobs/{correlation_id}")
        rest = list(events(response))

    assert first.id not in {event.id for event in rest}
    assert rest[-1].data["status"] == "cancelled"


def test_nobody_follows_a_job_that_is_not_there(api: Api) -> None:
    with followed(api, str(uuid4())) as response:
        document = json.loads(response.read())

    assert (response.status, document["code"]) == (404, "unknown_job")


def test_all_jobs_are_followed_as_the_bus_tells_of_them(api: Api, amount_model: str) -> None:
    rows = {"rows": [{"a": 1, "b": 2, "c": 3}]}
    with listening(api, "?command=Predict&status=succeeded") as response:
        asked = [api.post(f"/models/{amount_model}/predict", rows).correlation_id for _ in range(3)]
        told = [event for _, event in zip(asked, events(response), strict=False)]  # the stream never ends

    assert {event.name for event in told} == {"JobChanged"}
    assert [event.data["correlation_id"] for event in told] == asked
    assert {(event.data["command"], event.data["status"]) for event in told} == {("Predict", "succeeded")}
