"""Modelbus: the Python client, the command line and the local stack."""

from typing import TYPE_CHECKING, Final

from modelbus.shared.lazy_names import lazy_names
from modelbus.shared.version import VERSION

if TYPE_CHECKING:
    from modelbus import errors
    from modelbus.client.asynchronous.client import AsyncClient
    from modelbus.client.asynchronous.job import AsyncJob
    from modelbus.client.synchronous.client import Client
    from modelbus.client.synchronous.job import Job
    from modelbus.client.typed_answers import Predictions, TrainedVersion
    from modelbus.queue_door import QueueDoor, publish

__version__ = VERSION

__all__ = [
    "AsyncClient",
    "AsyncJob",
    "Client",
    "Job",
    "Predictions",
    "QueueDoor",
    "TrainedVersion",
    "__version__",
    "errors",
    "publish",
]

_HOMES: Final = {
    "AsyncClient": "modelbus.client.asynchronous.client",
    "AsyncJob": "modelbus.client.asynchronous.job",
    "Client": "modelbus.client.synchronous.client",
    "Job": "modelbus.client.synchronous.job",
    "Predictions": "modelbus.client.typed_answers",
    "QueueDoor": "modelbus.queue_door",
    "TrainedVersion": "modelbus.client.typed_answers",
    "errors": "modelbus.errors",
    "publish": "modelbus.queue_door",
}
"""The module of each name, imported when the name is first used, so that an import loads no more than it needs."""


if not TYPE_CHECKING:  # otherwise a type checker would accept any name
    __getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
