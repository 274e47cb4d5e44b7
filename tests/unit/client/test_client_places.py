"""Where the client and the queue's door look, when nobody says: the environment, a local stack, the default."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelbus import Client, QueueDoor
from modelbus.stack.lock import StackLock
from modelbus.stack_folder import running
from modelbus.stack_folder.stack_layout import Layout
from modelbus.stack_folder.state import StackState, write_state

ABOVE = "http://127.0.0.1:8101"
HERE = "http://127.0.0.1:8102"


@pytest.fixture
def locks() -> Iterator[list[StackLock]]:
    locks: list[StackLock] = []
    yield locks
    for lock in locks:
        lock.release()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, two folders below the test's own; nothing in the environment names a server."""
    for name in ("MODELBUS_URL", "MODELBUS_BUS_URL", "MODELBUS_MONGO_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def run_stack(folder: Path, url: str, locks: list[StackLock] | None) -> None:
    layout = Layout(folder / ".modelbus")
    layout.prepare()
    write_state(layout.state, StackState(1, 0.0, url, "mongodb://127.0.0.1:8200/", "redis://127.0.0.1:8300/0"))
    if locks is not None:
        locks.append(StackLock(layout.lock))
        locks[-1].acquire()


def client_url() -> str:
    with Client() as client:
        return client.url


def test_the_nearest_running_stack_is_found_in_the_folder_or_above(folder: Path, locks: list[StackLock]) -> None:
    run_stack(folder.parent, ABOVE, locks)
    assert client_url() == ABOVE
    run_stack(folder, HERE, locks)
    assert client_url() == HERE


def test_a_stack_that_does_not_run_any_more_is_passed_over(folder: Path, locks: list[StackLock]) -> None:
    run_stack(folder, HERE, None)
    assert client_url() == "http://127.0.0.1:8000"
    run_stack(folder.parent, ABOVE, locks)
    assert client_url() == ABOVE


def test_the_stack_of_another_user_is_passed_over(
    folder: Path, locks: list[StackLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stack(folder.parent, ABOVE, locks)
    monkeypatch.setattr(running.os, "getuid", lambda: folder.stat().st_uid + 1)
    assert client_url() == "http://127.0.0.1:8000"


def test_the_environment_and_an_argument_come_before_a_stack(
    folder: Path, locks: list[StackLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stack(folder, HERE, locks)
    monkeypatch.setenv("MODELBUS_URL", "http://127.0.0.1:8400")
    assert client_url() == "http://127.0.0.1:8400"
    with Client("http://127.0.0.1:8500") as client:
        assert client.url == "http://127.0.0.1:8500"


def mongo_port(door: QueueDoor) -> int | None:
    with door:
        return next(iter(door._database.client.topology_description.server_descriptions()))[1]


def test_the_queue_takes_both_servers_of_a_stack_or_neither(
    folder: Path, locks: list[StackLock], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stack(folder.parent, ABOVE, locks)
    assert mongo_port(QueueDoor()) == 8200
    assert mongo_port(QueueDoor(bus_url="redis://127.0.0.1:1/0")) == 27017
    monkeypatch.setenv("MODELBUS_BUS_URL", "redis://127.0.0.1:1/0")
    assert mongo_port(QueueDoor()) == 27017
