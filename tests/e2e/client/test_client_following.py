"""The Python client follows: events and log lines as they come, over connections that break, until they end."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any, Self
from uuid import uuid4

import pytest

from modelbus import AsyncClient, Client, errors
from modelbus.shared.contracts import DriftFound, JobChanged
from modelbus.stack import LocalStack
from tests.e2e.api import JOB_TIMEOUT_S, Api
from tests.e2e.cutting_proxy import CuttingProxy, cutting_proxy
from tests.e2e.tables import parcels
from tests.twins import BlockedClient
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

ROW = {"rows": [{"a": 1, "b": 2, "c": 3}]}


@pytest.fixture
def proxy(stack: LocalStack) -> Iterator[CuttingProxy]:
    """A way to the gateway that can be cut."""
    with cutting_proxy(stack.gateway_url) as proxy:
        yield proxy


@pytest.fixture(params=[Client, BlockedClient], ids=["blocking", "asynchronous"])
def behind(request: pytest.FixtureRequest, proxy: CuttingProxy) -> Iterator[Any]:
    """Each twin in turn, through the proxy."""
    with request.param(proxy.url) as client:
        yield client


class Repeated:
    """Does something again and again beside the test: events are told once, to whoever listens already."""

    def __init__(self, do: Any) -> None:
        self._do = do
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._over.wait(0.3):
            self._do()


def predict(api: Api, model: str) -> Any:
    return lambda: api.post(f"/models/{model}/predict", ROW)


def marked(api: Api, mark: str) -> Any:
    return lambda: api.get("/services", headers={"X-Correlation-ID": mark})


def until(lines: Any, mark: str) -> list[Any]:
    """The lines up to the one that is about the mark."""
    read = []
    for line in lines:
        read.append(line)
        if line.correlation_id == mark:
            return read
    raise AssertionError(read[-3:])


def test_events_are_typed_and_only_those_that_were_asked_for(client: Any, api: Api, amount_model: str) -> None:
    with Repeated(predict(api, amount_model)), client.events(command="Predict", status="succeeded") as events:
        heard = [event for event, _ in zip(events, range(3), strict=False)]
    assert {type(event) for event in heard} == {JobChanged}
    assert {(event.command, event.status) for event in heard} == {("Predict", "succeeded")}
    with pytest.raises(errors.BadRequest, match="status"):
        next(iter(client.events(status="unknown")))


def test_drift_that_is_found_is_an_event(client: Any, api: Api, parcel_model: str) -> None:
    heavy = api.dataset(parcels(60).replace(",true,", ",false,").replace("Brno", "Utopia"), "heavy")

    def ask() -> None:
        api.post(f"/models/{parcel_model}/drift", {"dataset": heavy, "thresholds": {"unseen_rate": 0.01, "psi": 0.01}})

    with Repeated(ask), client.events(timeout_s=JOB_TIMEOUT_S) as events:
        found = next(event for event in events if isinstance(event, DriftFound))
    assert found.model == parcel_model
    assert "city" in found.columns


def test_listening_ends_when_its_time_is_over(client: Any) -> None:
    begun, timeout_s = time.monotonic(), 1.5
    with pytest.raises(errors.WaitTimedOut, match=r"/events"):
        list(client.events(command="TrainModel", status="dead", timeout_s=timeout_s))
    assert time.monotonic() - begun >= timeout_s
    with pytest.raises(errors.WaitTimedOut):
        # what comes all the time does not make it longer
        list(client.follow_logs(timeout_s=1.0, level="debug"))


def test_a_stream_that_was_closed_has_no_more(client: Any) -> None:
    lines = client.follow_logs("gateway", limit=5)
    assert next(iter(lines)).service == "gateway"
    lines.close()
    assert list(lines) == []
    lines.close()


def test_another_thread_ends_a_stream_that_nothing_comes_through(stack: LocalStack) -> None:
    with Client(stack.gateway_url) as client:
        events = client.events(command="TrainModel", status="dead")
        heard: list[Any] = []
        reader = threading.Thread(target=lambda: heard.append(list(events)))
        reader.start()
        wait_until(lambda: events._response is not None, "it listens")
        events.close()
        reader.join(10)
    assert heard == [[]]


async def test_another_task_ends_a_stream_that_nothing_comes_through(stack: LocalStack) -> None:
    async with AsyncClient(stack.gateway_url) as client:
        events = client.events(command="TrainModel", status="dead")

        async def read() -> list[Any]:
            return [event async for event in events]

        reader = asyncio.create_task(read())
        await asyncio.to_thread(wait_until, lambda: events._response is not None, "it listens")
        await events.aclose()
        assert await asyncio.wait_for(reader, 10) == []


async def test_a_task_that_follows_can_be_cancelled(stack: LocalStack) -> None:
    async with AsyncClient(stack.gateway_url) as client:
        events = client.events(command="TrainModel", status="dead")

        async def read() -> None:
            async with events:
                async for _ in events:
                    raise AssertionError

        reader = asyncio.create_task(read())
        await asyncio.to_thread(wait_until, lambda: events._response is not None, "it listens")
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert await client.is_alive()


def test_a_stream_that_nobody_holds_is_let_go(stack: LocalStack) -> None:
    with Client(stack.gateway_url) as client:
        for _ in range(3):
            assert next(iter(client.follow_logs("gateway", limit=1)))
        # each connection is free again, or closed
        assert all(one.is_idle() or one.is_closed() for one in _connections(client))


def _connections(client: Client) -> list[Any]:
    transport: Any = client._transport._http._transport
    found: list[Any] = transport._pool.connections
    return found


def test_lines_go_on_where_the_connection_was_cut(behind: Any, proxy: CuttingProxy, api: Api) -> None:
    first, second = str(uuid4()), str(uuid4())
    with behind.follow_logs("gateway", limit=3, timeout_s=JOB_TIMEOUT_S) as lines:
        with Repeated(marked(api, first)):
            read = until(lines, first)
        connections = proxy.connections
        proxy.cut_answers(1)
        with Repeated(marked(api, second)):
            read += until(lines, second)
    assert proxy.connections > connections
    ids = [line.id for line in read]
    assert len(set(ids)) == len(ids), "none comes twice"
    everything = [line.id for line in behind.logs("gateway", limit=1000)]
    assert set(everything[everything.index(ids[0]) : everything.index(ids[-1])]) <= set(ids), "none is lost"


def test_events_are_heard_again_after_the_connection_was_cut(
    behind: Any, proxy: CuttingProxy, api: Api, amount_model: str
) -> None:
    with (
        Repeated(predict(api, amount_model)),
        behind.events(command="Predict", timeout_s=JOB_TIMEOUT_S) as events,
    ):
        assert next(iter(events)).command == "Predict"
        proxy.cut_answers(1)
        connections = proxy.connections
        again = next(event for event in events if proxy.connections > connections)
    assert isinstance(again, JobChanged)
    assert again.command == "Predict"


def test_a_gateway_that_is_restarted_is_waited_for(client: Any, api: Api, stack: LocalStack) -> None:
    mark = str(uuid4())
    with client.follow_logs("gateway", limit=1, timeout_s=JOB_TIMEOUT_S) as lines:
        before = next(iter(lines))
        stack.kill("gateway")
        stack.wait_until_ready("gateway")
        with Repeated(marked(api, mark)):
            read = until(lines, mark)
    ids = [before.id, *(line.id for line in read)]
    assert len(set(ids)) == len(ids), "none comes twice"


def test_a_gateway_that_is_not_there_is_told_at_once_or_when_the_time_is_over() -> None:
    for kind in (Client, BlockedClient):
        with kind("http://127.0.0.1:1", retry_s=0) as client:
            for stream in (client.events(), client.follow_logs()):
                with pytest.raises(errors.GatewayUnreachable, match="nothing listens"):
                    next(iter(stream))
            assert not client.is_alive()


def test_a_gateway_that_stays_away_ends_the_stream(behind: Any, proxy: CuttingProxy) -> None:
    with behind.follow_logs("gateway", limit=1, away_s=0.5, timeout_s=60) as lines:
        next(iter(lines))
        proxy.cut_answers(1000)
        proxy.close()
        with pytest.raises(errors.GatewayUnreachable):
            for _ in lines:
                pass
        assert list(lines) == []


def test_a_job_is_followed_to_its_end(client: Any, slow_training: dict[str, Any]) -> None:
    options = dict(slow_training)
    dataset, target = options.pop("dataset"), options.pop("target")
    job = client.train(f"followed-{uuid4().hex[:8]}", dataset, target, **options)
    seen = [(one.correlation_id, one.status) for one in job.events(timeout_s=JOB_TIMEOUT_S)]
    assert {correlation_id for correlation_id, _ in seen} == {job.correlation_id}
    assert seen[-1][1] == "succeeded"
    assert len(seen) > 1
    lines = list(job.follow_logs(level="info", timeout_s=JOB_TIMEOUT_S))
    assert "job.finished" in {line.event for line in lines}
    assert {line.correlation_id for line in lines} == {job.correlation_id}


def test_following_a_job_survives_a_cut(behind: Any, proxy: CuttingProxy, slow_training: dict[str, Any]) -> None:
    options = dict(slow_training)
    dataset, target = options.pop("dataset"), options.pop("target")
    job = behind.train(f"cut-{uuid4().hex[:8]}", dataset, target, **options)
    statuses = []
    for one in job.events(timeout_s=JOB_TIMEOUT_S):
        if not statuses:
            proxy.cut_answers(1)
        statuses.append(one.status)
    assert statuses[-1] == "succeeded"


def test_an_unknown_job_cannot_be_followed(client: Any, amount_model: str) -> None:
    job = client.predict_dataset(amount_model, client.datasets.list()[0].name)
    job.wait(JOB_TIMEOUT_S)
    inner = getattr(job, "_inner", job)
    inner.correlation_id = str(uuid4())
    with pytest.raises(errors.UnknownJob):
        list(job.events())
    with pytest.raises(errors.UnknownJob):
        list(job.follow_logs())
    with pytest.raises(errors.UnknownJob):
        job.logs()
