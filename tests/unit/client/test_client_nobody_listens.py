"""Where nothing listens: told at once on this machine, with the remedy; elsewhere, and after an answer, tried again."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from modelbus import Client, QueueDoor, errors, publish
from modelbus.client import retrying
from modelbus.client.calls import unreachable
from modelbus.client.places import is_this_machine
from modelbus.queue_door import _may_listen
from tests.twins import BlockedClient

COMMAND = {"command": "EvaluateModel", "model": "m", "dataset": "d"}


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine at which nothing listens, and which nobody else takes meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the pauses between tries, which then take no time."""
    pauses: list[int] = []
    monkeypatch.setattr(retrying, "pause_s", lambda state: pauses.append(state.attempt_number) or 0.0)
    return pauses


@pytest.mark.parametrize("kind", [Client, BlockedClient])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_nothing_on_this_machine_is_told_at_once_with_the_command_that_helps(
    kind: Any, host: str, port: int, no_patience: list[int]
) -> None:
    with kind(f"http://{host}:{port}") as client:
        for ask in (lambda: client.datasets.list(), lambda: client.train("m", "d", estimator="Ridge")):
            with pytest.raises(errors.GatewayUnreachable) as caught:
                ask()
            told = f"nothing listens at http://{host}:{port}; start a local stack with `modelbus up`"
            assert told in str(caught.value)
            assert not caught.value.may_have_arrived
        with pytest.raises(errors.GatewayUnreachable, match="modelbus up"), client.events() as events:
            next(iter(events))
    assert no_patience == []


@pytest.mark.parametrize("kind", [Client, BlockedClient])
def test_a_gateway_that_has_answered_before_is_tried_again(kind: Any, no_patience: list[int]) -> None:
    answers = iter([{"status": "ok"}, None, {"status": "ok"}])

    def answer(request: httpx.Request) -> httpx.Response:
        found = next(answers)
        if found is None:
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        return httpx.Response(200, json=found)

    with kind("http://127.0.0.1:9") as client:
        http = httpx.Client if kind is Client else httpx.AsyncClient
        transport = httpx.MockTransport(answer)
        getattr(client, "_inner", client)._transport._http = http(base_url="http://127.0.0.1:9", transport=transport)
        assert client.is_alive()
        assert client.is_alive()
    assert no_patience == [1]


@pytest.mark.parametrize(
    ("url", "error", "is_passing"),
    [
        ("http://127.0.0.1:9", httpx.ConnectError("refused"), False),
        ("http://[::1]:9", httpx.ConnectError("refused"), False),
        ("http://gateway:9", httpx.ConnectError("refused"), True),
        ("http://127.0.0.1:9", httpx.ConnectTimeout("slow"), True),
        ("http://127.0.0.1:9", httpx.ReadError("reset"), True),
    ],
)
def test_only_a_refusal_of_this_machine_is_final(url: str, error: httpx.RequestError, is_passing: bool) -> None:
    assert unreachable(url, error, is_expected=False).is_passing is is_passing
    assert unreachable(url, error, is_expected=True).is_passing


def test_a_failed_encryption_is_not_taken_for_silence() -> None:
    error = httpx.ConnectError("wrong version number")
    error.__cause__ = ssl.SSLError("wrong version number")
    told = unreachable("https://127.0.0.1:9", error, is_expected=False)
    assert told.is_passing
    assert "wrong version number" in told.message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:1", True),
        ("http://stack.localhost", True),
        ("http://127.8.9.1", True),
        ("http://0.0.0.0:8000", True),
        ("http://gateway", False),
        ("http://127.0.0.1.example.org", False),
        ("http://[::1", False),
    ],
)
def test_which_addresses_are_this_machines(url: str, expected: bool) -> None:
    assert is_this_machine(url) is expected


def test_publishing_without_servers_is_told_at_once_and_without_the_login(port: int) -> None:
    servers = {"bus_url": f"redis://:secret@127.0.0.1:{port}/0", "mongo_url": f"mongodb://me:secret@127.0.0.1:{port}/"}
    with pytest.raises(errors.StoreUnavailable) as caught:
        publish(COMMAND, **servers)
    assert f"MongoDB's address 127.0.0.1:{port} and at Redis's address 127.0.0.1:{port}" in str(caught.value)
    assert "`modelbus up`" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_database_of_several_hosts_is_silent_only_if_all_are(port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        other = server.getsockname()[1]
        assert _may_listen(f"mongodb://127.0.0.1:{port},127.0.0.1:{other}/?replicaSet=rs0")
        assert not _may_listen(f"mongodb://127.0.0.1:{port},localhost:{port}/?replicaSet=rs0")
        assert _may_listen("mongodb://db.example:27017/")
        assert _may_listen("mongodb+srv://db.example/")
        assert _may_listen("mongodb://%2Ftmp%2Fmongodb-27017.sock/")


@pytest.mark.parametrize("commands", ["EvaluateModel", b"x", 3, None])
def test_what_is_no_command_is_refused_in_our_words(commands: Any, port: int) -> None:
    with QueueDoor(bus_url=f"redis://127.0.0.1:{port}", mongo_url=f"mongodb://127.0.0.1:{port}") as door:
        with pytest.raises(errors.InvalidCommand, match="a command is a mapping"):
            door.publish(commands)
        with pytest.raises(errors.InvalidCommand):
            door.publish([commands])
