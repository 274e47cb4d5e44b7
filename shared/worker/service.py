"""The life of a consumer service: connect, announce, run its lanes, and stop in order on SIGTERM.

``python -m modelbus.trainer`` and the other consumers differ only in the lanes that they pass.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog
from pymongo.database import Database

from modelbus.shared.bus import Consumer, EventPublisher, PoisonReader, Publisher
from modelbus.shared.errors import StoreUnavailable
from modelbus.shared.observing.log_shipper import kept_logs
from modelbus.shared.observing.logs import configure_logs
from modelbus.shared.observing.tracing import start_tracing
from modelbus.shared.port_file import write_port_file
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document, is_answering, open_store
from modelbus.shared.store.indexes import create_indexes
from modelbus.shared.store.jobs.ledger import JobLedger, terms_of
from modelbus.shared.store.jobs.outcomes import Outcomes
from modelbus.shared.store.letters.kept_poison import PoisonKeeper
from modelbus.shared.store.logs.log_batches import LogBatches, open_log_shipper
from modelbus.shared.store.records.library import Library
from modelbus.shared.store.records.services import ServiceInstance, ServiceRegistry, worker_name
from modelbus.shared.version import VERSION
from modelbus.shared.worker import child_start
from modelbus.shared.worker.attempt import AttemptRunner
from modelbus.shared.worker.finishing import Finisher
from modelbus.shared.worker.health import HealthServer
from modelbus.shared.worker.loop import Worker
from modelbus.shared.worker.poison_mover import PoisonMover
from modelbus.shared.worker.process import start_fork_server
from modelbus.shared.worker.sweeper import Sweeper

log = structlog.get_logger()

_STUCK_S = 60.0
"""Seconds without a turn of its loop after which a lane counts as stuck."""
_AWAY_S = 10.0
"""Seconds without an answer after which the broker counts as unavailable."""


class Lane(Protocol):
    """One loop of a service, run in a thread of its own."""

    @property
    def looped_at(self) -> float:
        """When the loop made its last turn, by the monotonic clock."""

    @property
    def polled_at(self) -> float:
        """When the broker last answered, by the monotonic clock."""

    @property
    def running_jobs(self) -> int:
        """The number of jobs that are running."""

    def run(self) -> None:
        """Work until stopped."""

    def stop(self) -> None:
        """Ask ``run`` to end."""


@dataclass(frozen=True)
class Tools:
    """What lanes are built from; a process has one of each."""

    service: str
    settings: Settings
    database: Database[Document]
    publisher: Publisher
    events: EventPublisher
    ledger: JobLedger
    finisher: Finisher
    library: Library
    blobs: BlobStore

    def consumer(self, queues: Sequence[str], prefetch: int) -> Consumer:
        """A consumer of some queues, with its own connection."""
        return Consumer(
            self.settings.bus_url.get_secret_value(),
            self.service,
            queues,
            prefetch=prefetch,
            message_limit_bytes=self.settings.message_limit_bytes,
        )

    def runner(self) -> AttemptRunner:
        """Executes claimed jobs in child processes."""
        return AttemptRunner(self.service, self.settings, self.ledger, self.finisher, self.events)

    def worker(self, queues: Sequence[str], handlers: Mapping[str, str]) -> Worker:
        """A lane whose jobs run in child processes."""
        return Worker(
            self.consumer(queues, prefetch=1),
            self.publisher,
            self.events,
            self.ledger,
            self.runner(),
            service=self.service,
            handlers=handlers,
            concurrency=self.settings.concurrency,
        )


class Service:
    """Runs lanes until the process is asked to stop."""

    def __init__(self, tools: Tools, queues: Sequence[str], lanes: Sequence[Lane], sweeper: Sweeper) -> None:
        self._tools = tools
        self._queues = tuple(queues)
        self._lanes = tuple(lanes)
        self._sweeper = sweeper
        self._stopping = threading.Event()
        self._registry = ServiceRegistry(tools.database)

    def run(self) -> int:
        """Serve; returns the exit status: 0 after SIGTERM or SIGINT, 1 when a lane ended by itself."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        settings = self._tools.settings
        health = HealthServer(
            settings.health_host, settings.health_port, is_live=self._is_live, is_ready=self._is_ready
        )
        port = health.start()
        instance = ServiceInstance(self._tools.service, self._queues, f"{_reachable(settings.health_host)}:{port}")
        threads = [threading.Thread(target=lane.run, name=f"lane-{lane}", daemon=True) for lane in self._lanes]
        for thread in threads:
            thread.start()
        self._sweeper.start()
        write_port_file(settings, port)
        log.info("service.started", version=VERSION, queues=list(self._queues), health_port=port)
        has_failed = self._wait(instance, threads)
        self._stop(instance, threads)
        health.stop()
        return 1 if has_failed else 0

    def _wait(self, instance: ServiceInstance, threads: Sequence[threading.Thread]) -> bool:
        """Announce the service until it is to stop; True if it stops because a lane ended."""
        while True:
            try:
                self._registry.announce(instance, sum(lane.running_jobs for lane in self._lanes))
            except StoreUnavailable as error:
                log.debug("service.not_announced", reason=error.message)
            if self._stopping.wait(self._tools.settings.sweep_s):
                return False
            if not all(thread.is_alive() for thread in threads):
                log.error("service.lane_ended")
                return True

    def _stop(self, instance: ServiceInstance, threads: Sequence[threading.Thread]) -> None:
        log.info("service.stopping")
        for lane in self._lanes:
            lane.stop()
        for thread in threads:
            thread.join(self._tools.settings.stop_grace_s + 10)
        self._sweeper.stop()
        try:
            self._registry.withdraw(instance)
        except StoreUnavailable as error:
            log.debug("service.not_withdrawn", reason=error.message)
        self._tools.events.close()
        self._tools.publisher.close()
        log.info("service.stopped")

    def _is_live(self) -> dict[str, bool]:
        now = time.monotonic()
        return {"loops": all(now - lane.looped_at < _STUCK_S for lane in self._lanes)}

    def _is_ready(self) -> dict[str, bool]:
        now = time.monotonic()
        return {
            **self._is_live(),
            "bus": all(now - lane.polled_at < _AWAY_S for lane in self._lanes),
            "store": is_answering(self._tools.database),
        }


def _reachable(host: str) -> str:
    """The host under which others reach a listener: the machine's name if it listens on all interfaces."""
    return socket.gethostname() if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared with, never bound


def run_service(
    name: str,
    queues: Sequence[str],
    make_lanes: Callable[[Tools], Sequence[Lane]],
    *,
    preload: Sequence[str] = (),
    declare: Callable[[Tools], None] | None = None,
    announce: str | None = None,
    allocators: Mapping[str, str] | None = None,
) -> int:
    """Run a consumer service; its ``__main__`` calls this.

    Args:
        name: The service's name, in logs, events and records.
        queues: The queues that it consumes, for `GET /services`.
        make_lanes: Makes its lanes.
        preload: Modules that the children of its jobs need, imported once before they are forked.
        declare: Writes to the store before the lanes start, such as the catalogue of estimators.
        announce: A function, as ``module:function``, that says in the log what its children have; called in a child.
        allocators: Environment variables by which its jobs' memory allocators are tuned, where nobody has set them; on
            Linux alone, elsewhere there may be others.

    Returns:
        The process's exit status.
    """
    settings = Settings()
    shipper = open_log_shipper(settings, name)
    ship = shipper.put if shipper else None
    configure_logs(name, settings.log_level, log_format=settings.log_format, ship=ship)
    start_tracing(name)
    if allocators and sys.platform == "linux":
        for variable, value in allocators.items():
            os.environ.setdefault(variable, value)  # read by the fork server, when it starts
    start_fork_server(preload, partial(child_start.announce, announce, name, settings.log_level) if announce else None)
    with kept_logs(shipper):
        tools, sweeper = _open(name, settings)
        _wait_for_store(tools.database)
        if declare:
            declare(tools)
        return Service(tools, queues, make_lanes(tools), sweeper).run()


def _open(name: str, settings: Settings) -> tuple[Tools, Sweeper]:
    database = open_store(settings)
    url = settings.bus_url.get_secret_value()
    # Two connections: what is sent on must not wait behind events that a silent broker does not take.
    publisher, events = Publisher(url, name), EventPublisher(Publisher(url, name))
    ledger = JobLedger(database, terms_of(settings), worker_name(name))
    blobs = BlobStore(database)
    finisher = Finisher(ledger, Outcomes(database), events, name)
    tools = Tools(name, settings, database, publisher, events, ledger, finisher, Library(database), blobs)
    return tools, make_sweeper(tools)


def make_sweeper(tools: Tools) -> Sweeper:
    """The sweeper of a service, with connections of its own to the broker."""
    settings, database = tools.settings, tools.database
    url = settings.bus_url.get_secret_value()
    return Sweeper(
        settings,
        tools.ledger,
        tools.blobs,
        Publisher(url, tools.service),
        tools.finisher,
        PoisonMover(
            PoisonReader(url, tools.service),
            PoisonKeeper(database, retention_days=settings.dead_retention_days),
        ),
        LogBatches(database, tools.service, retention_s=settings.log_retention_s),
    )


def _wait_for_store(database: Database[Document]) -> None:
    """Wait for MongoDB and log that: services may start before their servers."""
    while True:
        try:
            create_indexes(database)
            return
        except StoreUnavailable as error:
            log.warning("service.waiting_for_store", reason=error.message)
            time.sleep(1)
