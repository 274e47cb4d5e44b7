"""A worker at work in this process, whose jobs run in real child processes, for tests to send commands to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pymongo import MongoClient

from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.contracts.records.job_records import TERMINAL_STATUSES
from modelbus.shared.settings import Settings
from modelbus.shared.store.connection import Document
from modelbus.shared.store.indexes import create_indexes
from modelbus.shared.worker.loop import Worker
from modelbus.shared.worker.service import Tools, _open
from modelbus.shared.worker.sweeper import Sweeper
from modelbus.stack import LocalStack
from tests.integration.job_handlers import ACT
from tests.integration.samples import train_command
from tests.waiting import wait_until

MEBIBYTE = 2**20
HANDLERS = {"TrainModel": ACT, "RetrainModel": "tests.integration.job_handlers:unknown_outcome"}


@dataclass
class Bench:
    """A worker at work, and what a test wants to know of it."""

    tools: Tools
    worker: Worker
    thread: threading.Thread

    def send(self, do: str, queue: str = "train", *, reply_to: str | None = None, **wishes: Any) -> str:
        """Publish a command straight to the queue; returns its job's id."""
        correlation_id = new_correlation_id()
        command = train_command(hyperparameters={"do": do, **wishes}).model_dump(mode="json", exclude_none=True)
        self.tools.publisher.send(queue, command, correlation_id=correlation_id, reply_to=reply_to)
        return correlation_id

    def job(self, correlation_id: str) -> Document:
        """A job as it is now."""
        return self.tools.ledger.find(correlation_id) or {}

    def wait_for(self, correlation_id: str, *statuses: str) -> Document:
        """A job that must come to one of the statuses, or to any end."""
        wanted = statuses or TERMINAL_STATUSES
        return wait_until(
            lambda: job if (job := self.job(correlation_id)).get("status") in wanted else None,
            f"the job is {' or '.join(sorted(wanted))}",
            state=lambda: self.job(correlation_id),
        )

    def run(self, do: str, **wishes: Any) -> Document:
        """Send a command; returns its job when that has ended."""
        return self.wait_for(self.send(do, **wishes))

    def child_of(self, correlation_id: str) -> int:
        """The id of the process that does a job, once the job's heartbeat has told it."""
        progress = wait_until(
            lambda: self.job(correlation_id).get("progress"),
            "the job has told its process id",
            state=lambda: self.job(correlation_id),
        )
        return int(progress["message"].removeprefix("pid "))


def quick_settings(servers: LocalStack, **changes: Any) -> Settings:
    """Settings of a worker that notices everything soon, with a database of its own."""
    return Settings.model_validate(
        {
            "mongo_url": servers.mongo_url,
            "bus_url": servers.bus_url,
            "mongo_database": f"test-{uuid4().hex[:12]}",
            "lease_s": 2,
            "heartbeat_s": 0.2,
            "sweep_s": 0.2,
            "cancel_grace_s": 0.3,
            "retry_backoff_s": 0,
            "stop_grace_s": 0,
            "job_memory_limit_bytes": 512 * MEBIBYTE,
            **changes,
        }
    )


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Tools, Sweeper]]:
    """The tools of a service, as a service makes them; closed and cleared afterwards."""
    tools, sweeper = _open("trainer", settings)
    create_indexes(tools.database)
    try:
        yield tools, sweeper
    finally:
        tools.events.close()
        tools.publisher.close()
        sweeper._publisher.close()
        with MongoClient[Document](settings.mongo_url.get_secret_value()) as client:
            client.drop_database(settings.mongo_database)
        tools.database.client.close()


@contextmanager
def working(tools: Tools, *queues: str) -> Iterator[Bench]:
    """A worker that works inside the block."""
    worker = tools.worker(queues or ("train",), HANDLERS)
    thread = threading.Thread(target=worker.run, name="worker-of-test", daemon=True)
    thread.start()
    try:
        yield Bench(tools, worker, thread)
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive(), "the worker has stopped"


def bench_url(servers: LocalStack) -> str:
    """A Redis database of the bench's own, so that it takes no other worker's messages."""
    return servers.bus_url.removesuffix("/0") + "/1"
