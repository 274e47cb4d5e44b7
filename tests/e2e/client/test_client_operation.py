"""The Python client, both of its twins: dead letters, logs, keys, and how a gateway and its services do."""

import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from modelbus import Client, errors
from modelbus.shared.api_keys import new_api_key
from modelbus.shared.version import VERSION
from modelbus.stack import LocalStack
from tests.e2e.api import JOB_TIMEOUT_S, Api, fresh
from tests.stack_fixtures import guarded_gateway
from tests.twins import BlockedClient
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

ADMIN = new_api_key()
Poison = Callable[[], str]


@pytest.fixture
def poison(api: Api, broker: redis.Redis) -> Iterator[Poison]:
    """Lays a message on a queue that nobody can read, and gives the id of the dead letter that becomes of it."""

    def lay() -> str:
        mark = f"junk \u2028 {uuid4()}"
        broker.lpush("evaluate", f'{{"body": "{mark}"}}'.encode())

        def found() -> list[str]:
            listed = api.get("/dead-letters?kind=message&queue=evaluate").document["dead_letters"]
            letters = [api.get(f"/dead-letters/{one['id']}").document for one in listed]
            return [letter["id"] for letter in letters if mark in letter["text"]]

        return str(wait_until(found, "the message becomes a dead letter", 60)[0])

    yield lay
    api.delete("/dead-letters?kind=message")


def test_a_message_is_listed_read_mended_and_replayed(
    client: Any, poison: Poison, amount_model: str, number_dataset: str
) -> None:
    letter_id = poison()
    [summary] = [one for one in client.dead_letters.list(kind="message", queue="evaluate") if one.id == letter_id]
    assert (summary.kind, summary.queue, summary.is_edited) == ("message", "evaluate", False)
    letter = client.dead_letters.get(letter_id)
    assert letter.text == letter.replayed
    assert letter.text.startswith("junk")
    assert letter.problem.code == "invalid_command"
    content = client.dead_letters.content(letter_id)
    assert (content.decode(), len(content)) == (letter.text, letter.size_bytes)
    with pytest.raises(errors.InvalidCommand, match="PUT /dead-letters"):
        client.dead_letters.replay(letter_id)

    command = {"command": "EvaluateModel", "model": amount_model, "dataset": number_dataset}
    with pytest.raises(errors.InvalidCommand) as wrong:
        client.dead_letters.edit(letter_id, body={**command, "colour": "red"})
    assert [detail["where"] for detail in wrong.value.details] == ["colour"]
    edited = client.dead_letters.edit(letter_id, body=[command, command])
    assert (edited.is_edited, edited.replayed, edited.problem) == (True, [command, command], None)
    jobs = client.dead_letters.replay(letter_id)
    assert len(jobs) == 2
    assert all(job.result(JOB_TIMEOUT_S).metrics["r2"] > 0.5 for job in jobs)
    with pytest.raises(errors.NotFound):
        client.dead_letters.get(letter_id)


def test_dead_letters_are_removed_by_id_by_what_is_meant_and_not_by_nothing(client: Any, poison: Poison) -> None:
    first, second = poison(), poison()
    client.dead_letters.remove(first)
    with pytest.raises(errors.NotFound):
        client.dead_letters.remove(first)
    page = client.dead_letters.page(kind="message", limit=1)
    assert ([one.id for one in page.dead_letters], page.next is not None) == ([second], True)
    assert client.dead_letters.purge(kind="message", before=datetime.now(UTC) - timedelta(days=1)) == 0
    with pytest.raises(errors.BadRequest, match="select dead letters"):
        client.dead_letters.purge()
    assert client.services().dead_letters[0].count >= 1
    assert client.dead_letters.purge(kind="message", queue="evaluate") == 1
    assert client.dead_letters.list(kind="message", queue="evaluate", limit=None) == []


def test_faults_of_dead_letters_are_typed(client: Any, poison: Poison) -> None:
    unknown = str(uuid4())
    for ask in (client.dead_letters.get, client.dead_letters.content, client.dead_letters.replay):
        with pytest.raises(errors.NotFound):
            ask(unknown)
    with pytest.raises(errors.BadRequest, match="body"):
        client.dead_letters.edit(poison(), spec={"command": "Predict"})
    with pytest.raises(errors.BadRequest):
        client.dead_letters.list(queue="nowhere")


def test_lines_are_read_of_a_job_of_services_and_by_filters(client: Any, api: Api, number_dataset: str) -> None:
    begun = datetime.now(UTC)
    name = fresh("logged")
    job = client.train(name, number_dataset, "amount", estimator="Ridge", features=["a"])
    job.result(JOB_TIMEOUT_S)

    def lines() -> list[Any]:
        found: list[Any] = job.logs()
        return found if {"job.accepted", "job.finished"} <= {line.event for line in found} else []

    found = wait_until(lines, "the lines are kept", 60)
    assert {line.service for line in found} >= {"gateway", "trainer"}
    assert [line.moment for line in found] == sorted(line.moment for line in found)
    of_trainer = client.logs("trainer", correlation_id=job.correlation_id, since=begun)
    assert {(line.service, line.correlation_id) for line in of_trainer} == {("trainer", job.correlation_id)}
    assert {line.service for line in client.logs(["trainer", "gateway"], limit=50)} <= {"trainer", "gateway"}
    assert {line.level for line in client.logs(level="warning", limit=50)} <= {"warning", "error", "critical"}
    assert client.logs(since=datetime.now(UTC) + timedelta(days=1)) == []
    assert client.logs(limit=0) == []
    with pytest.raises(errors.NotFound, match=r"expected one of .*trainer"):
        client.logs("trainr")


def test_more_lines_than_a_page_has_are_read_in_order(client: Any, api: Api) -> None:
    def lines() -> list[Any]:
        for _ in range(200):
            api.get("/estimators/nowhere")
        found: list[Any] = client.logs("gateway", limit=1200)
        return found if len(found) == 1200 else []

    found = wait_until(lines, "the gateway has logged more than a page", 120)
    moments = [line.moment for line in found]
    assert moments == sorted(moments)
    assert len({line.id for line in found}) == 1200


def test_jobs_are_found_by_what_they_are_about(client: Any, api: Api, number_dataset: str) -> None:
    begun = datetime.now(UTC)
    name = fresh("found")
    job = client.train(name, number_dataset, "amount", estimator="Ridge", features=["a"])
    record = job.wait(JOB_TIMEOUT_S)
    assert record.links == {"self": f"/jobs/{job.correlation_id}"}
    assert [one["event"] for one in record.history][:2] == ["accepted", "claimed"]
    found = client.jobs.list(model=name, dataset=number_dataset, since=begun, until=datetime.now(UTC))
    assert [one.correlation_id for one in found] == [job.correlation_id]
    assert client.jobs.list(model=name, until=begun) == []


def test_how_the_gateway_and_its_services_do(client: Any) -> None:
    assert client.is_alive()
    readiness = client.readiness()
    assert (readiness.is_ready, readiness.checks) == (True, {"store": True, "bus": True})
    about = client.about()
    assert (about.service, about.version) == ("modelbus", VERSION)
    assert "GET /jobs" in about.routes
    assert "modelbus_" in client.metrics()
    assert client.openapi()["openapi"].startswith("3.1")
    assert client.asyncapi()["asyncapi"].startswith("3.")


def test_a_gateway_whose_store_does_not_answer_is_alive_and_not_ready(client: Any, tmp_path: Path) -> None:
    kind = Client if isinstance(client, Client) else BlockedClient
    lonely = LocalStack(tmp_path / ".modelbus", services=("gateway",), is_persistent=False)
    with lonely, kind(lonely.gateway_url, retry_s=0) as asked:
        assert asked.readiness().is_ready
        lonely.kill("mongod", signal.SIGSTOP)
        try:
            readiness = asked.readiness()
            assert (readiness.is_ready, readiness.checks["store"]) == (False, False)
            assert asked.is_alive()
        finally:
            lonely.kill("mongod", signal.SIGCONT)


@pytest.fixture(scope="module")
def guarded(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Another gateway of the same stack, one that demands keys."""
    with guarded_gateway(stack, tmp_path_factory.mktemp("guarded"), admin=ADMIN) as guarded:
        yield guarded


@pytest.mark.parametrize("kind", [Client, BlockedClient], ids=["blocking", "asynchronous"])
def test_keys_are_made_listed_and_revoked_by_admins(guarded: LocalStack, kind: Any) -> None:
    name = fresh("key")
    with kind(guarded.gateway_url, api_key=ADMIN) as admin:
        made = admin.api_keys.create(name, "submit", owner="team", expires_days=1)
        assert (made.name, made.owner, made.scopes) == (name, "team", ["submit"])
        assert timedelta(hours=23) < made.expires_at - datetime.now(UTC) <= timedelta(days=1)
        assert name in [one.name for one in admin.api_keys.list()]
        with pytest.raises(errors.ApiKeyExists):
            admin.api_keys.create(name)
        with kind(guarded.gateway_url, api_key=made.key) as member:
            assert member.datasets.list() is not None
            with pytest.raises(errors.Forbidden, match="admin"):
                member.api_keys.list()
            assert admin.api_keys.revoke(name).revoked_at is not None

            def is_refused() -> bool:
                try:
                    member.datasets.list()
                except errors.Unauthenticated:
                    return True
                return False

            wait_until(is_refused, "the key works no more")
            with pytest.raises(errors.Unauthenticated):
                next(iter(member.events()))
        with pytest.raises(errors.UnknownApiKey):
            admin.api_keys.revoke(fresh("nobody"))
