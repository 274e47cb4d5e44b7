"""The user's side of Modelbus: Python client, command line and local stack; sees every other room, none imports it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOMES = {
    "AsyncClient": "modelbus.client.asynchronous.client",
    "AsyncJob": "modelbus.client.asynchronous.job",
    "Client": "modelbus.client.synchronous.client",
    "Job": "modelbus.client.synchronous.job",
    "Predictions": "modelbus.client.typed_answers",
    "QueueDoor": "modelbus.queue_door",
    "TrainedVersion": "modelbus.client.typed_answers",
    "publish": "modelbus.queue_door",
}
"""Where each name is: imported when it is first used, so that nobody pays for what others need."""


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("modelbus.errors")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
