"""Redis and MongoDB as child processes: their arguments, and when they are ready.

The only part of the command line that connects to either server, and only to learn whether it answers.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError
from redis.backoff import NoBackoff
from redis.retry import Retry

from modelbus.stack.journal import Journal
from modelbus.stack.ports import LOOPBACK, is_listening
from modelbus.stack.processes import ManagedProcess, OnChange, ProcessPlan
from modelbus.stack.stack_errors import ServerFailed, StackError
from modelbus.stack.urls import without_password
from modelbus.stack_folder.stack_layout import Layout

REPLICA_SET = "rs0"
NOT_YET_INITIALIZED = 94
"""MongoDB's code: the node has no replica set configuration, or has not read it yet."""
EXTERNAL_TIMEOUT_S = 5.0


class RedisServer:
    """A redis-server that keeps its data: append-only file, no eviction."""

    name = "redis"
    failure: type[StackError] = ServerFailed

    def __init__(self, binary: Path, layout: Layout, port: int, journal: Journal, on_change: OnChange) -> None:
        self.port = port
        arguments = {
            "port": str(port),
            "bind": LOOPBACK,
            "dir": str(layout.redis_data.resolve()),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",  # the append-only file holds everything already
            "maxmemory-policy": "noeviction",
        }
        command = [str(binary), *(word for name, value in arguments.items() for word in (f"--{name}", value))]
        self.process = ManagedProcess(_plan(self.name, command, layout), journal, on_change)

    @property
    def url(self) -> str:
        """Its URL for the services."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def is_ready(self) -> bool:
        """Whether it answers and has loaded its data."""
        if not is_listening(self.port):
            return False
        with contextlib.suppress(redis.RedisError):
            ping_redis(self.url, timeout_s=1.0)
            return True
        return False


class MongoServer:
    """A mongod as a replica set of one node, which retryable and majority writes need."""

    name = "mongod"
    failure: type[StackError] = ServerFailed

    def __init__(self, binary: Path, layout: Layout, port: int, journal: Journal, on_change: OnChange) -> None:
        self.port = port
        arguments = {
            "port": str(port),
            "bind_ip": LOOPBACK,
            "dbpath": str(layout.mongo_data.resolve()),
            "replSet": REPLICA_SET,
            "wiredTigerCacheSizeGB": "0.5",
            "oplogSize": "256",
            "setParameter": "diagnosticDataCollectionEnabled=false",
        }
        command = [
            str(binary),
            "--nounixsocket",
            *(w for name, value in arguments.items() for w in (f"--{name}", value)),
        ]
        self.process = ManagedProcess(_plan(self.name, command, layout), journal, on_change)

    @property
    def url(self) -> str:
        """Its URL for the services."""
        return f"mongodb://{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}"

    def is_ready(self) -> bool:
        """Whether it is the primary of its replica set; makes it so if the set is new or had another port."""
        if not is_listening(self.port):
            return False
        with contextlib.suppress(PyMongoError), _direct_client(self.port) as client:
            address = f"{LOOPBACK}:{self.port}"
            config = _read_replica_config(client)
            if config is None:
                member = {"_id": 0, "host": address}
                client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
            elif config["members"][0]["host"] != address:
                client.admin.command("replSetReconfig", _moved(config, address), force=True)
            return bool(client.admin.command("hello").get("isWritablePrimary"))
        return False


def ping_redis(url: str, timeout_s: float) -> None:
    """Ping a Redis.

    Raises:
        redis.RedisError: It does not answer.
    """
    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=once) as client:
        client.ping()


def check_external_bus(url: str) -> None:
    """Make sure that an external bus answers; only Redis is checked.

    Raises:
        ServerFailed: It does not answer.
    """
    if urlsplit(url).scheme not in {"redis", "rediss"}:
        return
    try:
        ping_redis(url, EXTERNAL_TIMEOUT_S)
    except (redis.RedisError, ValueError) as error:
        raise ServerFailed(f"Redis at {without_password(url)} (MODELBUS_BUS_URL) does not answer: {error}") from error


def check_external_store(url: str) -> None:
    """Make sure that an external MongoDB answers.

    Raises:
        ServerFailed: It does not answer, or the URL is wrong.
    """
    place = f"MongoDB at {without_password(url)} (MODELBUS_MONGO_URL)"
    milliseconds = int(EXTERNAL_TIMEOUT_S * 1000)
    try:
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=milliseconds) as client:
            client.admin.command("ping")
    except (ConfigurationError, ValueError) as error:
        raise ServerFailed(f"{place} cannot be used: {error}") from error
    except PyMongoError as error:
        raise ServerFailed(f"{place} does not answer: {str(error).split(', Timeout:')[0]}") from error


def _plan(name: str, command: Sequence[str], layout: Layout) -> ProcessPlan:
    return ProcessPlan(name, command, _server_environment(), layout.log_file(name))


def _server_environment() -> Mapping[str, str]:
    """The environment of a server: without the user's settings for Modelbus."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MODELBUS_")}


@contextlib.contextmanager
def _direct_client(port: int) -> Iterator[MongoClient[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(
        LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=2000, socketTimeoutMS=5000
    )
    with client:
        yield client


def _read_replica_config(client: MongoClient[dict[str, Any]]) -> dict[str, Any] | None:
    try:
        config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code == NOT_YET_INITIALIZED:
            return None
        raise
    return config


def _moved(config: dict[str, Any], address: str) -> dict[str, Any]:
    [member] = config["members"]
    return {**config, "version": config["version"] + 1, "members": [{**member, "host": address}]}
