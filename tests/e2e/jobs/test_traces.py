"""Traces: a request's traceparent reaches its job by either door, and spans are exported where a collector is named."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pymongo.database import Database

from modelbus.shared.bus import Publisher
from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.stack_fixtures import QUICK_SETTINGS, started
from tests.waiting import wait_until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
TABLE = "a,b\n" + "".join(f"{number},{2 * number}\n" for number in range(40))


class Collector:
    """What collects spans: takes OTLP over HTTP, and keeps it."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        """Each with the name of its service."""
        collector = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.rfile.read(int(self.headers["Content-Length"])), self.headers)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def take(self, body: bytes, headers: Any) -> None:
        assert headers.get("Content-Encoding") is None
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.spans += [(names["service.name"], span) for scope in resource.scope_spans for span in scope.spans]

    def of_trace(self, trace: str) -> set[tuple[str, str]]:
        """Service and name of each span of a trace."""
        return {(service, span.name) for service, span in list(self.spans) if span.trace_id.hex() == trace}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A stack whose spans are collected."""
    environment = {
        **QUICK_SETTINGS,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    folder = tmp_path_factory.mktemp("traced") / ".modelbus"
    with started(LocalStack(folder, environment=environment, is_persistent=False)) as stack:
        yield Api(stack.gateway_url)


@pytest.mark.slow  # a stack of its own
def test_one_trace_goes_through_gateway_bus_service_and_store(traced: Api, collector: Collector) -> None:
    dataset = traced.dataset(TABLE)
    training = {"model": fresh("model"), "dataset": dataset, "target": "b", "estimator": "Ridge"}

    answer = traced.post("/models?wait=60", training, headers={"traceparent": TRACEPARENT})

    assert answer.status == 201, answer
    wanted = {
        ("modelbus-gateway", "POST /models"),
        ("modelbus-gateway", "send train"),
        ("modelbus-gateway", "findAndModify jobs"),
        ("modelbus-trainer", "TrainModel"),
        ("modelbus-trainer", "findAndModify jobs"),
    }
    wait_until(lambda: wanted <= collector.of_trace(TRACE), "the trace is whole", 60, lambda: collector.of_trace(TRACE))
    (request,) = [span for _, span in collector.spans if span.name == "POST /models"]
    (attempt,) = [span for _, span in collector.spans if span.name == "TrainModel"]
    assert request.parent_span_id.hex() == SPAN
    assert attempt.parent_span_id == request.span_id
    assert answer.correlation_id in str(attempt.attributes)


@pytest.mark.slow  # a stack of its own
def test_predictions_that_are_computed_together_are_linked_to_their_requests(traced: Api, collector: Collector) -> None:
    model = traced.train(traced.dataset(TABLE), "b", "Ridge")["version"]["model"]
    trace = uuid4().hex

    answer = traced.post(
        f"/models/{model}/predict", {"rows": [{"a": 3}]}, headers={"traceparent": f"00-{trace}-{SPAN}-01"}
    )

    assert answer.status == 200, answer

    def linked() -> bool:
        return any(
            link.trace_id.hex() == trace
            for service, span in list(collector.spans)
            if (service, span.name) == ("modelbus-predictor", "Predict")
            for link in span.links
        )

    wait_until(linked, "the predictor's span names its causes", 60, lambda: collector.of_trace(trace))


@pytest.mark.parametrize("given", ["nonsense", "00-" + "0" * 32 + f"-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01"])
def test_a_malformed_traceparent_is_as_none(api: Api, database: Database[Document], given: str) -> None:
    answer = api.post("/models", {"dataset": "nowhere"}, headers={"traceparent": given})
    preview = api.post("/datasets/preview", b"a\n1\n", headers={"traceparent": given, "Content-Type": "text/csv"})

    assert (answer.status, preview.status) == (422, 200)
    assert database["jobs"].find_one({"_id": preview.correlation_id}, {"headers": 1})["headers"] == {}  # type: ignore[index]


def test_the_traceparent_travels_without_a_collector(
    api: Api, publisher: Publisher, database: Database[Document]
) -> None:
    by_queue = str(uuid4())

    by_http = api.post(
        "/datasets/preview", b"a\n1\n", headers={"traceparent": TRACEPARENT, "Content-Type": "text/csv"}
    ).correlation_id
    preview = {"command": "PreviewDataset", "source": {"kind": "inline", "text": "a\n1\n"}}
    publisher.send("read", preview, correlation_id=by_queue, headers={"traceparent": TRACEPARENT})

    for correlation_id in (by_http, by_queue):
        job = wait_until(lambda: database["jobs"].find_one({"_id": correlation_id}), "the job is recorded")  # noqa: B023
        assert job["headers"] == {"traceparent": TRACEPARENT}
