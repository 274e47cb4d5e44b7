"""What services declare, as MongoDB holds it: who is alive, what can be trained, who may ask."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts.base import Task


class ServiceDocument(TypedDict):
    """One process of a service; ``_id`` is its name, under which it claims jobs."""

    _id: str
    service: str
    queues: list[str]
    address: str
    pid: int
    host: str
    version: str
    jobs_running: int
    seen_at: datetime
    started_at: datetime


class SeenService(ServiceDocument):
    """One process of a service, and for how long nothing was heard of it."""

    heartbeat_age_s: float


class ListedEstimator(TypedDict):
    """One estimator, without its hyperparameters."""

    name: str
    task: Task
    description: str


class EstimatorDocument(ListedEstimator):
    """One estimator of the catalogue."""

    _id: str
    """Its name."""
    module: str
    hyperparameters: NotRequired[dict[str, Any]]
    can_stream: NotRequired[bool]


class LeftOutDocument(TypedDict):
    """What is not offered on purpose: the reason by name."""

    _id: str
    reasons: dict[str, str]


class _KeyFields(TypedDict):
    owner: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class ToldApiKey(_KeyFields):
    """One API key, as it is told of."""

    name: str


class ListedApiKey(_KeyFields):
    """One API key, without its hash."""

    _id: str
    """Its name."""


class ApiKeyDocument(ListedApiKey):
    """One API key, whole."""

    sha256: str
