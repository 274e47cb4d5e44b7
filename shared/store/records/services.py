"""The records of running services: each writes its own at every sweep."""

import os
import socket
from dataclasses import dataclass

from pymongo.database import Database

from modelbus.shared.store.connection import FAST, Document, store_errors
from modelbus.shared.store.indexes import SERVICES
from modelbus.shared.store.operation import NOW, literal
from modelbus.shared.version import VERSION


@dataclass(frozen=True)
class ServiceInstance:
    """One running process of a service."""

    service: str
    queues: tuple[str, ...]
    address: str
    """Host and port of its health and metrics."""

    @property
    def name(self) -> str:
        """Unique for each process: the worker that a job's lease names."""
        return worker_name(self.service)


def worker_name(service: str) -> str:
    """The name under which this process claims jobs."""
    return f"{service}-{socket.gethostname()}-{os.getpid()}"


class ServiceRegistry:
    """Writes the records that `GET /services` answers from."""

    def __init__(self, database: Database[Document]) -> None:
        self._services = database.get_collection(SERVICES, write_concern=FAST)

    def announce(self, instance: ServiceInstance, jobs_running: int) -> None:
        """Record that the instance is alive now.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        record = {
            "service": instance.service,
            "queues": list(instance.queues),
            "address": instance.address,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "version": VERSION,
            "jobs_running": jobs_running,
        }
        changes = {**{name: literal(value) for name, value in record.items()}, "seen_at": NOW}
        started = {"started_at": {"$ifNull": ["$started_at", NOW]}}
        with store_errors():
            self._services.update_one({"_id": instance.name}, [{"$set": {**changes, **started}}], upsert=True)

    def withdraw(self, instance: ServiceInstance) -> None:
        """Record that the instance stopped on purpose.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        with store_errors():
            self._services.delete_one({"_id": instance.name})
