"""The stack's Redis and MongoDB: real servers, started, restarted, kept and refused."""

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pymongo import MongoClient

from modelbus.stack import LocalStack
from modelbus.stack.ports import is_listening
from modelbus.stack.stack_errors import AlreadyRunning, PortInUse, ServerFailed, ServersUnavailable
from tests.stack_fixtures import started


def servers_in(folder: Path, **options: Any) -> LocalStack:
    return LocalStack(folder, services=(), **options)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with started(servers_in(tmp_path_factory.mktemp("bare"), is_persistent=False)) as stack:
        yield stack


def test_redis_keeps_an_append_only_file_and_evicts_nothing(bare: LocalStack) -> None:
    expected = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
    }
    with redis.Redis.from_url(bare.bus_url, decode_responses=True) as client:
        found = {name: value for setting in expected for name, value in client.config_get(setting).items()}
    assert found == expected


def test_mongodb_is_the_primary_of_a_replica_set(bare: LocalStack) -> None:
    with MongoClient[dict[str, Any]](bare.mongo_url) as client:
        answer = client.admin.command("hello")
    assert (answer["setName"], answer["isWritablePrimary"]) == ("rs0", True)


@pytest.mark.parametrize("name", ["redis", "mongod"])
def test_a_server_that_is_killed_is_started_again_on_its_port(bare: LocalStack, name: str) -> None:
    pid, port, restarts = bare.member(name).process.pid, bare.member(name).port, bare.member(name).process.restarts
    bare.kill(name)
    bare.wait_until_ready(name)
    after = bare.member(name)
    assert after.process.pid not in {pid, None}
    assert (after.port, after.process.restarts) == (port, restarts + 1)


def test_a_second_stack_in_the_same_folder_is_told_who_runs_there(bare: LocalStack) -> None:
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        servers_in(bare.layout.root).start()


def test_a_server_s_busy_port_is_named_with_its_option(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"port {port} .* --mongo-port"):
            servers_in(tmp_path, mongo_port=port).start()


def test_data_outlive_the_stack_even_on_other_ports(tmp_path: Path) -> None:
    with started(servers_in(tmp_path)) as first:
        before = [member.port for member in first.members]
        with MongoClient[dict[str, Any]](first.mongo_url) as client:
            client["test"]["things"].insert_one({"_id": 1})
        with redis.Redis.from_url(first.bus_url) as bus:
            bus.set("thing", "1")
    with servers_in(tmp_path, redis_port=free_port(), mongo_port=free_port()) as second:
        assert not set(before) & {member.port for member in second.members}
        with MongoClient[dict[str, Any]](second.mongo_url) as client:
            assert client["test"]["things"].find_one() == {"_id": 1}
        with redis.Redis.from_url(second.bus_url) as bus:
            assert bus.get("thing") == b"1"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_nothing_listens_after_the_stack_has_stopped(tmp_path: Path) -> None:
    with started(servers_in(tmp_path, is_persistent=False)) as stack:
        ports = [member.port for member in stack.members]
    assert not any(is_listening(port) for port in ports if port is not None)
    assert not stack.layout.mongo_data.exists()


def test_a_stack_that_was_stopped_can_be_started_again(tmp_path: Path) -> None:
    stack = servers_in(tmp_path, is_persistent=False)
    with started(stack):
        urls = stack.mongo_url, stack.bus_url
    with started(stack):
        assert (stack.mongo_url, stack.bus_url) == urls


def test_a_mongod_that_cannot_start_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    fake = tmp_path / "bin" / "mongod"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 127\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    stack = servers_in(tmp_path / "stack")
    with pytest.raises(ServerFailed) as caught:
        stack.start()
    assert said in caught.value.message
    assert "exit code 127" in caught.value.message
    assert "apt-get install libcurl4" in caught.value.message
    assert not any(member.process.pid for member in stack.members)


@pytest.mark.parametrize(
    ("option", "url"),
    [
        ("bus_url", "redis://user:secret@127.0.0.1:{port}/0"),
        ("mongo_url", "mongodb://user:secret@127.0.0.1:{port}/?serverSelectionTimeoutMS=200"),
    ],
)
def test_a_server_of_others_that_does_not_answer_is_named_without_its_password(
    bare: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, url: str
) -> None:
    monkeypatch.setattr("modelbus.stack.servers.EXTERNAL_TIMEOUT_S", 0.2)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        urls = {"bus_url": bare.bus_url, "mongo_url": bare.mongo_url}
        urls[option] = url.format(port=unused.getsockname()[1])
        with pytest.raises(ServersUnavailable, match=r"user:\*\*\*@127.0.0.1:\d+.* does not answer") as caught:
            servers_in(tmp_path, **urls).start()
    assert "secret" not in caught.value.message


def test_a_stopped_server_process_can_still_be_stopped(tmp_path: Path, bare: LocalStack) -> None:
    with started(servers_in(tmp_path, mongo_url=bare.mongo_url, is_persistent=False)) as stack:
        stack.kill("redis", signal.SIGSTOP)
    assert stack.member("redis").process.pid is None
