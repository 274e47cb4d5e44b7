"""The client where connections break: no job is made twice, none is lost from sight, no stream is sent twice."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from modelbus import Client, errors
from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import JOB_TIMEOUT_S, fresh
from tests.e2e.cutting_proxy import CuttingProxy, cutting_proxy
from tests.e2e.tables import numbers
from tests.twins import BlockedClient

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def proxy(stack: LocalStack) -> Iterator[CuttingProxy]:
    """A way to the gateway that can be cut."""
    with cutting_proxy(stack.gateway_url) as proxy:
        yield proxy


@pytest.fixture(params=[Client, BlockedClient], ids=["blocking", "asynchronous"])
def client(request: pytest.FixtureRequest, proxy: CuttingProxy) -> Iterator[Any]:
    """Each twin in turn, through the proxy."""
    with request.param(proxy.url) as client:
        yield client


def _jobs(database: Database[Document], **query: Any) -> int:
    return database["jobs"].count_documents({f"spec.{name}": value for name, value in query.items()})


def test_a_training_whose_answer_is_lost_is_one_job(
    client: Any, proxy: CuttingProxy, database: Database[Document], number_dataset: str
) -> None:
    model = fresh("cut")
    proxy.cut_answers(2)

    trained = client.train(model, number_dataset, "amount", estimator="Ridge", features=["a"]).result(JOB_TIMEOUT_S)

    assert proxy.connections >= 3
    assert trained.version.version == 1
    assert _jobs(database, model=model) == 1


def test_an_upload_that_is_cut_on_its_way_is_one_dataset(
    client: Any, proxy: CuttingProxy, database: Database[Document]
) -> None:
    name = fresh("cut")
    table = numbers(20_000).encode()
    proxy.cut_requests(1, after_bytes=len(table) // 2)
    assert client.datasets.upload(table, name, format="csv").row_count == 20_000
    assert proxy.connections >= 2
    assert _jobs(database, dataset=name) == 1


def test_an_upload_whose_answer_is_lost_is_one_dataset(
    client: Any, proxy: CuttingProxy, database: Database[Document]
) -> None:
    name = fresh("cut")
    proxy.cut_answers(1)
    assert client.datasets.upload(b"a,b\n1,2\n", name, format="csv").row_count == 1
    assert _jobs(database, dataset=name) == 1


def test_a_stream_that_is_cut_is_not_sent_again(client: Any, proxy: CuttingProxy) -> None:
    table = numbers(20_000).encode()
    read_end, write_end = os.pipe()
    writer = threading.Thread(target=_write, args=(write_end, table))
    writer.start()
    proxy.cut_requests(1, after_bytes=200_000)
    with os.fdopen(read_end, "rb") as stream, pytest.raises(errors.GatewayUnreachable) as caught:
        client.datasets.upload(stream, fresh("stream"), format="csv")
    writer.join(10)
    assert "cannot be rewound" in "".join(caught.value.__notes__)
    assert proxy.connections == 1


def _write(descriptor: int, data: bytes) -> None:
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except BrokenPipeError:
        return


def test_what_was_deleted_by_a_lost_answer_is_deleted(client: Any, proxy: CuttingProxy) -> None:
    name = fresh("cut")
    client.datasets.upload(b"a,b\n1,2\n", name, format="csv")
    proxy.cut_answers(1)
    client.datasets.delete(name)
    with pytest.raises(errors.UnknownDataset):
        client.datasets.delete(name)


def test_a_replay_whose_answer_is_lost_is_not_asked_for_again(
    client: Any, proxy: CuttingProxy, number_dataset: str
) -> None:
    job = client.train(
        fresh("cut"), number_dataset, "kind", estimator="KNeighborsClassifier", hyperparameters={"n_neighbors": 10**6}
    )
    job.wait(JOB_TIMEOUT_S)
    proxy.cut_answers(1)
    with pytest.raises(errors.GatewayUnreachable):
        job.replay()
    assert job.wait(JOB_TIMEOUT_S).status == "failed"


def test_a_wait_survives_a_gateway_that_is_killed(stack: LocalStack, slow_training: dict[str, Any]) -> None:
    options = dict(slow_training)
    dataset, target = options.pop("dataset"), options.pop("target")
    seen: list[str] = []
    with Client(stack.gateway_url, retry_s=0.0) as client:
        job = client.train(fresh("survivor"), dataset, target, **options)
        for record in job.changes(JOB_TIMEOUT_S):
            seen.append(record.status)
            if len(seen) == 1:
                stack.kill("gateway")
    stack.wait_until_ready("gateway")
    assert seen[-1] == "succeeded"


def test_a_gateway_that_stays_away_is_told_when_the_time_is_over(number_dataset: str) -> None:
    with Client("http://127.0.0.1:1", retry_s=0.5) as client:
        with pytest.raises(errors.GatewayUnreachable, match="nothing listens"):
            client.datasets.list()
        with pytest.raises(errors.GatewayUnreachable):
            client.train("m", number_dataset, "amount", estimator="Ridge")
