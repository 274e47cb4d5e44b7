"""``LocalStack``: Redis, MongoDB and the four services, started, watched and stopped together."""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from modelbus.stack.binaries import MONGO, REDIS, find_binary
from modelbus.stack.journal import Journal
from modelbus.stack.leftovers import end_leftovers, start_ticks
from modelbus.stack.lock import StackLock
from modelbus.stack.log_relay import LogRelay
from modelbus.stack.log_tail import rotate
from modelbus.stack.member import Member, describe_failure, wait_until_started
from modelbus.stack.ports import LOOPBACK, PortChooser
from modelbus.stack.servers import MongoServer, RedisServer, check_external_bus, check_external_store
from modelbus.stack.service_processes import GATEWAY, SERVICES, Service
from modelbus.stack.stack_errors import StackError, StartInterrupted
from modelbus.stack.urls import http_url, reachable_host
from modelbus.stack.waiting import wait_until
from modelbus.stack_folder.stack_layout import DEFAULT_DIRECTORY, Layout
from modelbus.stack_folder.state import MemberState, StackState, read_state, write_state

START_TIMEOUT_S = 60.0
STOP_GRACE_S = 15.0
"""Longer than the services' own ``stop_grace_s``, so that they can finish within it."""


class LocalStack:
    """Everything that Modelbus needs, on this machine, in one folder.

    Use it as a context manager: inside the block everything is ready; after it, nothing runs. Processes that die are
    started again on their old ports, until ``stop``.
    """

    def __init__(
        self,
        directory: Path = DEFAULT_DIRECTORY,
        *,
        gateway_port: int = 0,
        redis_port: int | None = None,
        mongo_port: int | None = None,
        bus_url: str | None = None,
        mongo_url: str | None = None,
        services: Sequence[str] = SERVICES,
        environment: Mapping[str, str] | None = None,
        commands: Mapping[str, Sequence[str]] | None = None,
        relay: LogRelay | None = None,
        is_persistent: bool = True,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        """Args:
        directory: The folder for data, logs and state; created if it does not exist.
        gateway_port: The gateway's port; 0 takes a free one.
        redis_port: Redis' port; None takes a free one.
        mongo_port: MongoDB's port; None takes a free one.
        bus_url: A running broker; Redis is not started.
        mongo_url: A running MongoDB replica set; none is started.
        services: The services to start; empty for the servers alone.
        environment: Settings of the services; they override those of this process.
        commands: The command for a service, instead of ``python -m <service>``.
        relay: Shows the services' logs.
        is_persistent: Whether the servers' data are kept after the stack.
        start_timeout_s: Seconds for the servers, and then for the services, to become ready.
        """
        self._layout = Layout(Path(directory))
        self._lock = StackLock(self._layout.lock)
        self._journal = Journal(self._layout.log_file("stack"))
        self._wanted_ports = {"redis": redis_port, "mongod": mongo_port, GATEWAY: gateway_port}
        self._external_bus_url, self._external_mongo_url = bus_url, mongo_url
        self._service_names = tuple(services)
        self._environment = dict(environment or {})
        self._commands = dict(commands or {})
        self._relay = relay
        self._is_persistent = is_persistent
        self._start_timeout_s = start_timeout_s
        self._servers: list[RedisServer | MongoServer] = []
        self._services: list[Service] = []
        self._gateway_url: str | None = None
        self._bus_url: str | None = None
        self._mongo_url: str | None = None
        self._started_at = 0.0
        self._stop_requests = 0
        self._is_locked = False
        self._state_lock = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def layout(self) -> Layout:
        """Its paths."""
        return self._layout

    @property
    def gateway_url(self) -> str:
        """The gateway's URL, without a trailing slash."""
        return _known(self._gateway_url, "gateway")

    @property
    def mongo_url(self) -> str:
        """MongoDB's URL."""
        return _known(self._mongo_url, "MongoDB")

    @property
    def bus_url(self) -> str:
        """The broker's URL."""
        return _known(self._bus_url, "bus")

    @property
    def members(self) -> Sequence[Member]:
        """Its processes, in the order of their start."""
        return [*self._servers, *self._services]

    def service(self, name: str) -> Service:
        """One service: its process id, port, restarts and log file.

        Raises:
            StackError: This stack has no such service.
        """
        return _find(name, self._services)

    def member(self, name: str) -> Member:
        """One service, or ``redis`` or ``mongod``.

        Raises:
            StackError: This stack has no such process.
        """
        return _find(name, self.members)

    def start(self) -> None:
        """Start everything and return when it is ready.

        Raises:
            StackError: A process did not start; the others are stopped again.
        """
        self._layout.prepare()
        self._lock.acquire()
        self._is_locked = True
        try:
            self._begin()
            ports = PortChooser(self._layout.ports)
            self._start_servers(ports)
            self._start_services(ports)
        except BaseException:
            self.stop()
            raise
        self._lock.describe(self._gateway_url)
        self._journal.write("stack.ready", seconds=round(time.time() - self._started_at, 1))

    def stop(self) -> None:
        """Stop everything: services first, so that they can hand their work back, then the servers."""
        if not self._is_locked:
            return
        self._journal.write("stack.stopping")
        self._stop_members(self._services)
        self._stop_members(self._servers)
        self._journal.write("stack.stopped")
        if self._relay is not None:
            self._relay.stop()
        self._layout.state.unlink(missing_ok=True)
        if not self._is_persistent:
            shutil.rmtree(self._layout.redis_data, ignore_errors=True)
            shutil.rmtree(self._layout.mongo_data, ignore_errors=True)
        self._is_locked = False
        self._lock.release()

    def request_stop(self) -> None:
        """Make ``start`` give up or ``wait`` return; a second call kills what still runs. For signal handlers."""
        self._stop_requests += 1

    def wait(self) -> None:
        """Return when ``request_stop`` is called; until then, processes that die are started again."""
        while not self._stop_requests:
            time.sleep(0.1)  # not an Event: a signal handler that sets one may wait for itself

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a service or server; after SIGKILL, return when it has ended. It is started again."""
        self.member(name).process.kill(number)

    def restart(self, name: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Stop a service or server gracefully, start it again and return when it is ready."""
        self.member(name).process.restart()
        self.wait_until_ready(name, timeout_s)

    def wait_until_ready(self, name: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until a service or server is ready again.

        Raises:
            StackError: It was not ready in time.
        """
        member = self.member(name)
        if not wait_until(member.is_ready, timeout_s):
            raise member.failure(describe_failure(member, f"was not ready within {timeout_s:.0f} seconds"))

    def _begin(self) -> None:
        """End the last run's leftover processes, rotate its logs and show those of this run."""
        self._started_at = time.time()
        self._servers, self._services, self._stop_requests = [], [], 0
        last = read_state(self._layout.state)
        if last is not None and (ended := end_leftovers(last)):
            self._journal.write("stack.leftovers_ended", "warning", names=ended)
        for path in self._layout.logs.glob("*.log"):
            rotate(path)
        if self._relay is not None:
            for name in ("stack", *self._service_names):
                self._relay.follow(name, self._layout.log_file(name))
            self._relay.start()

    def _start_servers(self, ports: PortChooser) -> None:
        self._bus_url = self._external_bus_url or self._plan_redis(ports).url
        self._mongo_url = self._external_mongo_url or self._plan_mongo(ports).url
        self._start_members(self._servers)
        if self._external_bus_url is not None:
            check_external_bus(self._external_bus_url)
        if self._external_mongo_url is not None:
            check_external_store(self._external_mongo_url)

    def _plan_redis(self, ports: PortChooser) -> RedisServer:
        binary = find_binary(REDIS, self._layout.binaries)
        port = ports.choose("redis", self._wanted_ports["redis"], "--redis-port")
        server = RedisServer(binary, self._layout, port, self._journal, self._write_state)
        self._servers.append(server)
        return server

    def _plan_mongo(self, ports: PortChooser) -> MongoServer:
        binary = find_binary(MONGO, self._layout.binaries)
        port = ports.choose("mongod", self._wanted_ports["mongod"], "--mongo-port")
        server = MongoServer(binary, self._layout, port, self._journal, self._write_state)
        self._servers.append(server)
        return server

    def _start_services(self, ports: PortChooser) -> None:
        environment = self._service_environment(ports)
        self._services += [
            Service(
                name,
                self._layout,
                environment,
                self._journal,
                self._write_state,
                command=self._commands.get(name),
            )
            for name in self._service_names
        ]
        self._start_members(self._services)

    def _service_environment(self, ports: PortChooser) -> dict[str, str]:
        environment = {
            "PYTHONUNBUFFERED": "1",
            "MODELBUS_LOG_FORMAT": "json",  # what reads the files shows them as text
            "MODELBUS_MONGO_URL": self.mongo_url,
            "MODELBUS_BUS_URL": self.bus_url,
            "MODELBUS_HEALTH_HOST": LOOPBACK,
            "MODELBUS_HEALTH_PORT": "0",
        }
        if GATEWAY in self._service_names:
            bind_host = {**os.environ, **self._environment}.get("MODELBUS_GATEWAY_HOST") or LOOPBACK
            port = ports.choose(GATEWAY, self._wanted_ports[GATEWAY], "--port", bind_host)
            environment["MODELBUS_GATEWAY_PORT"] = str(port)  # named, so that a restart keeps it
            self._gateway_url = http_url(reachable_host(bind_host), port)
        return {**environment, **self._environment}

    def _start_members(self, members: Sequence[Member]) -> None:
        for member in members:
            member.process.start()
        wait_until_started(members, self._start_timeout_s, self._give_up_if_asked)
        for member in members:
            member.process.keep()
        self._write_state()

    def _give_up_if_asked(self) -> None:
        if self._stop_requests:
            raise StartInterrupted

    def _stop_members(self, members: Sequence[Member]) -> None:
        for member in members:
            member.process.request_stop()
        wait_until(lambda: self._stop_requests > 1 or all(member.process.has_ended for member in members), STOP_GRACE_S)
        for member in members:
            member.process.finish_stop()

    def _write_state(self) -> None:
        with self._state_lock, contextlib.suppress(OSError):  # a full disk must not stop a restart
            write_state(self._layout.state, self._describe())

    def _describe(self) -> StackState:
        pids = {member.name: member.process.pid for member in self.members}
        members = [
            MemberState(
                name=member.name,
                pid=pids[member.name],
                start_ticks=start_ticks(pids[member.name]),
                port=member.port,
                restarts=member.process.restarts,
            )
            for member in self.members
        ]
        return StackState(
            pid=os.getpid(),
            started_at=self._started_at,
            gateway_url=self._gateway_url,
            mongo_url=self.mongo_url,
            bus_url=self.bus_url,
            members=members,
        )


M = TypeVar("M", bound=Member)


def _known(url: str | None, what: str) -> str:
    if url is None:
        raise StackError(f"this stack has no {what}, or it has not been started")
    return url


def _find(name: str, members: Iterable[M]) -> M:
    for member in members:
        if member.name == name:
            return member
    raise StackError(f"this stack runs no {name}; it runs {', '.join(m.name for m in members) or 'nothing'}")
